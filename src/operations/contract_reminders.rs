//! Tickets before contracts end or renew themselves, in time to give notice.

use std::collections::BTreeMap;

use jiff::civil::Date;
use sqlx::SqliteConnection;

use super::OperationsError;
use super::inventory::{day_of, read_stored};
use crate::clock::TimestampUs;
use crate::desk::{Actor, Desk, Impact, Opening, TicketKind, Urgency};
use crate::inventory::{Contract, ContractTerm, CostPer, InventoryKind, Record};
use crate::store::{Store, StoreError, load_records};

/// A contract about whose term somebody must decide.
struct Due {
    name: String,
    contract: Contract,
    term: ContractTerm,
}

/// Opens a ticket for each contract whose time to decide has come and that had none for this term; gives how many.
pub(super) async fn remind_of_contracts(desk: &Desk, store: &Store, now_us: TimestampUs) -> Result<usize, OperationsError> {
    let today = day_of(now_us);
    // Looked at without holding up whoever writes: nearly always nothing is due.
    let mut read = store.read().await?;
    let mut due = Vec::new();
    for one in load_due(&mut read, today).await? {
        if !had_ticket(&mut read, &one.fingerprint()).await? {
            due.push(one);
        }
    }
    drop(read);
    if due.is_empty() {
        return Ok(0);
    }
    let matrix = desk.rules().matrix;
    let (impact, urgency) = (Impact::Medium, Urgency::Medium);
    let mut writing = desk.writing().await?;
    for one in &due {
        let new = Opening::new(TicketKind::Request, one.title(), matrix.priority(impact, urgency));
        let opening = Opening {
            description: one.description(today),
            fingerprint: Some(one.fingerprint()),
            entity: BTreeMap::from([("contract".to_owned(), one.name.clone()), ("supplier".to_owned(), one.contract.supplier.clone())]),
            team: one.contract.owner.clone(),
            service: one.contract.service.clone(),
            impact: Some(impact),
            urgency: Some(urgency),
            ..new
        };
        writing.open(opening, &Actor::desk()).await?;
    }
    writing.commit().await?;
    Ok(due.len())
}

/// The contracts whose day to remind has come.
async fn load_due(read: &mut SqliteConnection, today: Date) -> Result<Vec<Due>, StoreError> {
    let kind = InventoryKind::Contract;
    let mut due = Vec::new();
    for stored in load_records(read, kind.word(), "", i64::MAX).await? {
        let name = stored.name.clone();
        match read_stored(kind, stored) {
            Ok(Record::Contract(contract)) => {
                let term = contract.term_to_decide(today).filter(|term| term.remind_on <= today);
                due.extend(term.map(|term| Due { name, contract, term }));
            }
            Ok(_) => {}
            Err(error) => tracing::error!(contract = name, %error, "a contract cannot be read; nobody is reminded of it"),
        }
    }
    Ok(due)
}

/// Whether there ever was a ticket of this fingerprint: one that was closed is not opened again.
async fn had_ticket(read: &mut SqliteConnection, fingerprint: &str) -> Result<bool, StoreError> {
    let found = sqlx::query("SELECT 1 FROM tickets WHERE fingerprint = ?1 LIMIT 1").bind(fingerprint).fetch_optional(read).await?;
    Ok(found.is_some())
}

impl Due {
    /// One ticket a contract and notice date.
    fn fingerprint(&self) -> String {
        format!("contract {} {}", self.term.notice_on, self.name)
    }

    fn title(&self) -> String {
        let does = if self.contract.auto_renews { "renews itself after" } else { "ends on" };
        format!("Contract {} with {} {does} {}", self.name, self.contract.supplier, self.term.ends_on)
    }

    fn description(&self, today: Date) -> String {
        let Self { contract, term, .. } = self;
        let mut lines = Vec::new();
        if !contract.description.is_empty() {
            lines.push(contract.description.clone());
        }
        let notice = match (term.notice_on < today, term.notice_on == term.ends_on) {
            (true, _) => format!("The last day to give notice was {}.", term.notice_on),
            (false, true) => "No notice is agreed.".to_owned(),
            (false, false) => format!("The last day to give notice is {} ({} days before).", term.notice_on, contract.notice_days),
        };
        let after = match contract.renewal_months.filter(|_| contract.auto_renews) {
            Some(months) => format!("Without notice it goes on for {months} months."),
            None => "It does not go on by itself: renew it, replace it, or do without.".to_owned(),
        };
        lines.push(format!("It ends on {}. {notice} {after}", term.ends_on));
        lines.push(format!("It costs {} {}.", contract.cost(), how_often(contract.cost_per)));
        if !contract.assets.is_empty() {
            lines.push(format!("It covers {}.", contract.assets.join(", ")));
        }
        lines.join("\n\n")
    }
}

fn how_often(per: CostPer) -> &'static str {
    match per {
        CostPer::Month => "a month",
        CostPer::Quarter => "a quarter",
        CostPer::Year => "a year",
        CostPer::Once => "once",
    }
}
