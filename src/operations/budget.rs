//! The book of the budgets: what is planned, committed, spent and left.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::SqliteConnection;

use super::inventory::{Inventory, InventoryError, read_stored};
use crate::clock::TimestampUs;
use crate::desk::Actor;
use crate::inventory::{Currency, EntryKind, InventoryKind, Money, MoneyError, Record};
use crate::store::{
    BudgetEntry, KnownRequest, RequestKey, append_budget_entry, budget_sums, known_request, load_budget_entries, load_record,
    remember_request,
};

/// Largest page of entries.
const MAX_PAGE: i64 = 1_000;
/// Longest reason for an entry.
const MAX_NOTE_CHARS: usize = 500;

/// An entry as somebody writes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBudgetEntry {
    /// What becomes of the money.
    pub kind: EntryKind,
    /// How much, in minor units, more than 0.
    pub minor: i64,
    /// The currency, which must be the budget's.
    pub currency: Currency,
    /// Why.
    pub note: String,
    /// The proposal that it is for, if any.
    #[serde(default)]
    pub proposal: Option<String>,
    /// Commit it even where it is more than is left.
    #[serde(default)]
    pub allow_overrun: bool,
}

/// How a budget stands, in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BudgetStanding {
    /// The currency of all its amounts.
    pub currency: Currency,
    /// Planned.
    pub planned_minor: i64,
    /// Promised and neither taken back nor paid.
    pub committed_minor: i64,
    /// Paid.
    pub spent_minor: i64,
    /// Planned less committed and spent; negative where it is overrun.
    pub left_minor: i64,
}

/// Entries of a budget, newest first, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetBook {
    /// How it stands.
    pub standing: BudgetStanding,
    /// Its entries.
    pub entries: Vec<BudgetEntry>,
    /// What to send as `before` for the next page; `None` on the last one.
    pub next: Option<i64>,
}

impl Inventory {
    /// Entries of a budget before a number (`None`: all), newest first, and how the budget stands.
    pub async fn budget_book(&self, budget: &str, before: Option<i64>, limit: i64) -> Result<BudgetBook, InventoryError> {
        let mut read = self.store.read().await?;
        let standing = budget_standing(&mut read, budget).await?;
        let limit = limit.clamp(1, MAX_PAGE);
        let mut entries = load_budget_entries(&mut read, budget, before.unwrap_or(i64::MAX), limit + 1).await?;
        let has_more = entries.len() as i64 > limit;
        entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = entries.last().map(|last| last.id).filter(|_| has_more);
        Ok(BudgetBook { standing, entries, next })
    }

    /// Writes an entry into the book; gives it with its number, and how the budget stands then. With a key that came before, gives the
    /// entry that was written then.
    pub async fn enter(
        &self,
        budget: &str,
        new: &NewBudgetEntry,
        actor: &Actor,
        key: Option<&RequestKey>,
    ) -> Result<(BudgetEntry, BudgetStanding), InventoryError> {
        let mut write = self.store.write().await?;
        let known = match key {
            Some(key) => known_request(&mut write, &actor.name, key).await?,
            None => KnownRequest::New,
        };
        match known {
            KnownRequest::New => {}
            KnownRequest::Another => return Err(InventoryError::invalid("Idempotency-Key", RequestKey::REUSED)),
            KnownRequest::Made(id) => {
                let entry = load_budget_entries(&mut write, budget, id + 1, 1).await?.into_iter().find(|entry| entry.id == id);
                let missing = || InventoryError::NotFound { kind: InventoryKind::Budget, name: budget.to_owned() };
                return Ok((entry.ok_or_else(missing)?, budget_standing(&mut write, budget).await?));
            }
        }
        let entered = self.enter_in(&mut write, budget, new, actor).await?;
        if let Some(key) = key {
            remember_request(&mut write, &actor.name, key, entered.0.id, self.clock.now_us()).await?;
        }
        write.commit().await?;
        Ok(entered)
    }

    /// The same in somebody else's transaction, for what belongs together with it.
    pub async fn enter_in(
        &self,
        write: &mut SqliteConnection,
        budget: &str,
        new: &NewBudgetEntry,
        actor: &Actor,
    ) -> Result<(BudgetEntry, BudgetStanding), InventoryError> {
        let before = budget_standing(write, budget).await?;
        check_entry(before, new)?;
        let mut entry = BudgetEntry {
            id: 0,
            line: budget.to_owned(),
            kind: new.kind.word().to_owned(),
            minor: new.minor,
            currency: new.currency.code().to_owned(),
            at_us: self.clock.now_us(),
            by: actor.name.clone(),
            proposal: new.proposal.clone(),
            note: new.note.clone(),
        };
        entry.id = append_budget_entry(write, &entry).await?;
        let after = budget_standing(write, budget).await?;
        let detail = json!({ "entry": entry.id, "kind": entry.kind, "minor": entry.minor, "currency": entry.currency });
        self.audit(write, actor, "budget.enter", &format!("budgets/{budget}"), &detail).await?;
        Ok((entry, after))
    }
}

/// How a budget stands.
///
/// # Errors
/// [`InventoryError::NotFound`] if there is none of that name.
pub async fn budget_standing(read: &mut SqliteConnection, budget: &str) -> Result<BudgetStanding, InventoryError> {
    let kind = InventoryKind::Budget;
    let missing = || InventoryError::NotFound { kind, name: budget.to_owned() };
    let stored = load_record(read, kind.word(), budget).await?.ok_or_else(missing)?;
    let Record::Budget(line) = read_stored(kind, stored)? else { return Err(missing()) };
    let sums = budget_sums(read, budget, TimestampUs::MAX).await?.unwrap_or_default();
    let left = |planned: Money| {
        let amount = |minor| Money::new(minor, line.currency);
        planned.minus(amount(sums.committed_minor))?.minus(amount(sums.spent_minor))
    };
    let left = left(line.planned()).map_err(|error: MoneyError| InventoryError::invalid("minor", error.to_string()))?;
    Ok(BudgetStanding {
        currency: line.currency,
        planned_minor: line.planned_minor,
        committed_minor: sums.committed_minor,
        spent_minor: sums.spent_minor,
        left_minor: left.minor,
    })
}

fn check_entry(standing: BudgetStanding, new: &NewBudgetEntry) -> Result<(), InventoryError> {
    let BudgetStanding { currency, committed_minor, .. } = standing;
    if new.currency != currency {
        let why = format!("the budget is in {currency} and the entry in {}; convert the amount by the rate that was paid", new.currency);
        return Err(InventoryError::invalid("currency", why));
    }
    // A million entries of the most still add up.
    if !(1..=1_000_000_000_000).contains(&new.minor) {
        return Err(InventoryError::invalid("minor", "write an amount in minor units, from 1 to 1000000000000"));
    }
    let chars = new.note.chars().count();
    if new.note.trim().is_empty() || chars > MAX_NOTE_CHARS || new.note.contains(char::is_control) {
        return Err(InventoryError::invalid("note", format!("write in 1 to {MAX_NOTE_CHARS} characters on one line what it is for")));
    }
    if new.proposal.as_ref().is_some_and(|proposal| proposal.is_empty() || proposal.len() > 100) {
        return Err(InventoryError::invalid("proposal", "write the proposal's name, 1 to 100 bytes, or leave it out"));
    }
    let shown = |minor: i64| Money::new(minor, currency).to_string();
    match new.kind {
        EntryKind::Committed if !new.allow_overrun => refuse_overrun(standing, new.minor),
        EntryKind::Released if new.minor > committed_minor => {
            let why = format!("only {} is committed; no more can be released", shown(committed_minor));
            Err(InventoryError::invalid("minor", why))
        }
        _ => Ok(()),
    }
}

/// Whether a budget has not enough left to commit an amount of its currency.
pub(super) fn refuse_overrun(standing: BudgetStanding, minor: i64) -> Result<(), InventoryError> {
    let BudgetStanding { currency, left_minor, .. } = standing;
    if minor <= left_minor {
        return Ok(());
    }
    let shown = |minor: i64| Money::new(minor, currency).to_string();
    let (over, left) = (shown(minor.saturating_sub(left_minor)), shown(left_minor));
    let why = format!("the budget would be overrun by {over}: {left} is left; plan more, or send `allow_overrun: true`");
    Err(InventoryError::invalid("minor", why))
}
