//! The delivery of what was approved.

use std::cmp::Ordering;

use jiff::civil::Date;
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::clean_ups::approved_clean_up;
use super::market::{assets_named, holds, is_its_own};
use super::proposal_rows::{Proposal, ProposalState, save_proposal};
use super::proposals::{
    NewDelivery, ProposalDetail, ProposalError, Proposals, budget_of, changed, check_why, limit_source_of, note_of, refuse_unless,
};
use super::{NewBudgetEntry, inventory};
use crate::capacity::ResourceKey;
use crate::desk::{Actor, TicketEvent, TicketState, Writing};
use crate::inventory::{Asset, EntryKind, Record};
use crate::purchase::{OptionKind, PurchaseOption, converted};
use crate::store::StoreError;

impl Proposals {
    /// Records that what was approved is there: what was committed becomes what was paid, the supplier's time is noted, the change
    /// ticket is resolved.
    ///
    /// # Errors
    /// The proposal is not approved, or the date makes no sense.
    pub async fn deliver(
        &self,
        number: i64,
        expected_version: Option<i64>,
        delivery: &NewDelivery,
        actor: &Actor,
    ) -> Result<ProposalDetail, ProposalError> {
        check_why(&delivery.note)?;
        let mut writing = self.desk.writing().await?;
        let now_us = writing.now_us();
        let proposal = self.fresh(writing.connection(), number, expected_version).await?;
        refuse_unless(&proposal, &[ProposalState::Approved], "delivered")?;
        if let Some(option) = approved_clean_up(&proposal) {
            let why = "it is done when the use that is measured has fallen, which each run looks at; reject it if it is not to be done";
            return Err(ProposalError::Refused(format!("{}: {why}", option.title)));
        }
        let ordered_on = ordered_on(writing.connection(), &proposal).await?;
        if delivery.delivered_on < ordered_on || delivery.delivered_on > self.inventory.today() {
            let why = format!("it was ordered on {ordered_on} and today is {}; write a day between", self.inventory.today());
            return Err(ProposalError::Refused(why));
        }
        let paid_minor = delivery.paid_minor.or(proposal.committed_minor).unwrap_or(0);
        if paid_minor < 0 {
            return Err(ProposalError::Refused("what was paid is not negative; write minor units from 0 on".to_owned()));
        }
        self.release(writing.connection(), &proposal, actor).await?;
        if let Some((line, currency)) = budget_of(&proposal).filter(|_| paid_minor > 0) {
            let entry = NewBudgetEntry {
                kind: EntryKind::Spent,
                minor: paid_minor,
                currency,
                note: note_of(&format!("delivered: {}", proposal.title)),
                proposal: Some(number.to_string()),
                allow_overrun: true,
            };
            self.inventory.enter_in(writing.connection(), &line, &entry, actor).await?;
        }
        if let Some(option) = chosen_option(&proposal) {
            self.note_delivery(writing.connection(), &proposal, option, delivery, paid_minor, ordered_on, actor).await?;
            self.change_assets(writing.connection(), &proposal, option, actor).await?;
        }
        end_part(&mut writing, &proposal, &format!("delivered on {}", delivery.delivered_on), actor).await?;
        let decided = changed(&proposal, ProposalState::Delivered, now_us);
        let detail = json!({ "delivered_on": delivery.delivered_on, "paid_minor": paid_minor, "note": delivery.note });
        save_proposal(writing.connection(), &decided, ("delivered", &detail), actor).await?;
        writing.commit().await?;
        self.get(number).await
    }

    #[allow(clippy::too_many_arguments, reason = "the columns of a row")]
    async fn note_delivery(
        &self,
        write: &mut SqliteConnection,
        proposal: &Proposal,
        option: &PurchaseOption,
        delivery: &NewDelivery,
        paid_minor: i64,
        ordered_on: Date,
        actor: &Actor,
    ) -> Result<(), ProposalError> {
        let Some(supplier) = &option.supplier else { return Ok(()) };
        let currency = proposal.currency.clone().unwrap_or_else(|| proposal.options.currency.code().to_owned());
        sqlx::query(
            "INSERT INTO supply_deliveries (proposal, supplier, offer, item, ordered_on, delivered_on, paid_minor, currency, noted_at_us,
                 noted_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .bind(proposal.number)
        .bind(supplier)
        .bind(&option.offer)
        .bind(&option.item)
        .bind(ordered_on.to_string())
        .bind(delivery.delivered_on.to_string())
        .bind(paid_minor)
        .bind(currency)
        .bind(self.inventory.clock.now_us())
        .bind(&actor.name)
        .execute(write)
        .await
        .map_err(StoreError::from)?;
        Ok(())
    }

    /// What was bought makes the asset larger that limits the resource; what is used instead is taken from the asset of the other one. What
    /// was cleaned up or moved away is seen in what is measured, and so is a limit that is measured.
    async fn change_assets(
        &self,
        write: &mut SqliteConnection,
        proposal: &Proposal,
        option: &PurchaseOption,
        actor: &Actor,
    ) -> Result<(), ProposalError> {
        let changes = option.kind.is_bought() || option.kind == OptionKind::Reuse;
        if !changes || option.capacity_gained <= 0.0 {
            return Ok(());
        }
        if let Some(other) = option.other_resource.as_deref().filter(|_| option.kind == OptionKind::Reuse) {
            let sql = "SELECT resource, entity FROM capacity_resources WHERE question = ?1 AND name = ?2";
            let rows: Vec<(String, String)> =
                sqlx::query_as(sql).bind(&proposal.question).bind(other).fetch_all(&mut *write).await.map_err(StoreError::from)?;
            for (resource, entity) in rows {
                let entity = serde_json::from_str(&entity).map_err(|error| StoreError::Unreadable(error.to_string()))?;
                self.resize(write, proposal, (&resource, &entity), (-option.capacity_gained, &option.unit), actor).await?;
            }
        }
        let own = (proposal.resource.as_str(), &proposal.facts.entity);
        self.resize(write, proposal, own, (option.capacity_gained, &option.unit), actor).await
    }

    /// Changes the capacity of the asset that limits a resource of the proposal's kind by so much, if one does.
    async fn resize(
        &self,
        write: &mut SqliteConnection,
        proposal: &Proposal,
        (resource, entity): (&str, &Value),
        (by, unit): (f64, &str),
        actor: &Actor,
    ) -> Result<(), ProposalError> {
        if limit_source_of(write, resource).await?.as_deref() != Some("asset") {
            return Ok(());
        }
        let entity = entity.as_object().into_iter().flatten();
        let entity = entity.filter_map(|(column, value)| Some((column.clone(), value.as_str()?.to_owned()))).collect();
        let key = ResourceKey { question: proposal.question.clone(), entity };
        let names: Vec<&str> = key.names().into_iter().collect();
        let mut assets = assets_named(write, &names).await?;
        let held = |asset: &Asset| converted(asset.capacity?, asset.unit.as_deref()?, unit);
        assets.retain(|(_, asset)| asset.resource_kind.as_ref() == Some(&proposal.kind) && held(asset).is_some());
        let belongs = |by: fn(&ResourceKey, &str, Option<&str>) -> bool, it: &(String, Asset)| by(&key, &it.0, it.1.host.as_deref());
        let has_its_own = assets.iter().any(|it| belongs(is_its_own, it));
        assets.retain(|it| belongs(if has_its_own { is_its_own } else { holds }, it));
        // Of several that hold it together, the largest changes.
        let by_size = |a: &(String, Asset), b: &(String, Asset)| held(&a.1).partial_cmp(&held(&b.1)).unwrap_or(Ordering::Equal);
        let Some((name, asset)) = assets.into_iter().max_by(by_size) else { return Ok(()) };
        let (Some(capacity), Some(own_unit)) = (asset.capacity, asset.unit.as_deref()) else { return Ok(()) };
        let Some(by) = converted(by.abs(), unit, own_unit).map(|amount| amount.copysign(by)) else { return Ok(()) };
        if capacity + by > 0.0 {
            let resized = Asset { capacity: Some(capacity + by), ..asset };
            self.inventory.save_in(write, &name, &Record::Asset(resized), actor).await?;
        }
        Ok(())
    }
}

/// The option that was approved, as it was ordered.
fn chosen_option(proposal: &Proposal) -> Option<&PurchaseOption> {
    let place = proposal.chosen.and_then(|place| usize::try_from(place).ok()?.checked_sub(1));
    proposal.options.options.get(place?)
}

/// The day on which it was approved.
async fn ordered_on(read: &mut SqliteConnection, proposal: &Proposal) -> Result<Date, StoreError> {
    let sql = "SELECT at_us FROM proposal_events WHERE proposal = ?1 AND kind = 'approved' ORDER BY seq DESC LIMIT 1";
    let at_us: Option<i64> = sqlx::query_scalar(sql).bind(proposal.number).fetch_optional(read).await?;
    Ok(inventory::day_of(at_us.unwrap_or(proposal.updated_at_us)))
}

/// Ends what the change ticket has to do with a proposal that is delivered or taken back. The ticket of an order for several is told, and
/// resolved with the last of them.
pub(super) async fn end_part(writing: &mut Writing, proposal: &Proposal, reason: &str, actor: &Actor) -> Result<(), ProposalError> {
    let Some(ticket) = proposal.ticket else { return Ok(()) };
    let others = others_of_ticket(writing.connection(), ticket, proposal.number).await?;
    let coming: Vec<String> =
        others.iter().filter(|(_, state)| state == ProposalState::Approved.word()).map(|(number, _)| number.to_string()).collect();
    let (number, name) = (proposal.number, &proposal.facts.need.resource);
    if others.is_empty() {
        return end_ticket(writing, ticket, &format!("proposal {number} was {reason}"), actor).await;
    }
    if coming.is_empty() {
        return end_ticket(writing, ticket, &format!("proposal {number} ({name}), the last of the order, was {reason}"), actor).await;
    }
    let text = format!("Proposal {number} ({name}) was {reason}. Still to come: proposal {}.", coming.join(", proposal "));
    writing.happen(ticket, actor, TicketEvent::Commented { text, internal: false, copied: None }).await?;
    Ok(())
}

/// The other proposals that one change ticket is about, and how they stand.
async fn others_of_ticket(read: &mut SqliteConnection, ticket: i64, number: i64) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = "SELECT number, state FROM proposals WHERE ticket = ?1 AND number <> ?2 ORDER BY number";
    Ok(sqlx::query_as(sql).bind(ticket).bind(number).fetch_all(read).await?)
}

/// Resolves the change ticket, if nobody has.
async fn end_ticket(writing: &mut Writing, number: i64, reason: &str, actor: &Actor) -> Result<(), ProposalError> {
    let state = writing.ticket(number).await?.state;
    if state.is_open() {
        let moved = TicketEvent::Moved { from: state, to: TicketState::Resolved, hold: None, reason: Some(reason.to_owned()) };
        writing.happen(number, actor, moved).await?;
    }
    Ok(())
}
