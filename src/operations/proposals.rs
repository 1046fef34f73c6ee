//! Upgrade proposals: made of what crosses, kept as it changes, decided by people, and ended by the delivery.
//!
//! What is decided, what it takes from the budget and the change ticket are one transaction. While nobody has decided, each run of
//! the capacity makes the proposal anew; with the decision it is frozen.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::inventory::Inventory;
use super::market::{MarketData, price_history};
use super::proposal_delivery::end_part;
use super::proposal_rows::{
    Proposal, ProposalEvent, ProposalState, load_active, load_events, load_proposal, load_proposals, save_proposal,
};
use super::proposal_words::change_ticket;
use super::{InventoryError, NewBudgetEntry, Setup, budget_standing};
use crate::clock::TimestampUs;
use crate::desk::{Actor, Desk, DeskError, Writing};
use crate::inventory::{Currency, EntryKind, InventoryKind, Money, Record};
use crate::purchase::{
    BudgetEffect, NamedOffer, NegotiationSheet, PurchaseError, PurchaseOption, Recommendation, RepairCase, negotiation_sheet,
    repair_or_replace,
};
use crate::store::{StoreError, committed_for, load_record};

/// Longest note in the book of budgets.
const MAX_NOTE_CHARS: usize = 500;

/// Longest reason of a decision.
const MAX_WHY_CHARS: usize = 2_000;

/// Failures of one asset that are counted, the newest: what failed a thousand times is replaced anyway.
const MOST_FAILURES: i64 = 1_000;

/// Why nothing was decided or found.
#[derive(Debug, thiserror::Error)]
pub enum ProposalError {
    /// There is none of that number.
    #[error("there is no proposal {0}; `GET /api/v1/proposals` lists those that there are")]
    NotFound(i64),
    /// Somebody else decided since it was read.
    #[error("proposal {number} was changed in the meantime (it is at version {version}); read it again, then decide")]
    Conflict {
        /// The proposal.
        number: i64,
        /// The version that it is at.
        version: i64,
    },
    /// Who approves must say what they have read: the options may be others by now.
    #[error("proposal {0} can only be approved as it was read")]
    NoVersion(i64),
    /// It makes no sense now.
    #[error("{0}")]
    Refused(String),
    /// The arithmetic has no answer.
    #[error(transparent)]
    Purchase(#[from] PurchaseError),
    /// The inventory refuses it.
    #[error(transparent)]
    Inventory(#[from] InventoryError),
    /// The desk refuses it.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
pub enum Decision {
    /// It is done: the option at this place, from 1.
    Approve {
        /// The place.
        option: usize,
        /// Why this one.
        #[serde(default)]
        why: String,
        /// Even where the budget has not enough left.
        #[serde(default)]
        allow_overrun: bool,
    },
    /// It is decided later.
    Defer {
        /// On this day it is open again.
        until: Date,
        /// Why.
        #[serde(default)]
        why: String,
    },
    /// It is not done; what was approved is taken back.
    Reject {
        /// Why.
        why: String,
        /// Even where what is left of an order for several becomes dearer than its budget has left.
        #[serde(default)]
        allow_overrun: bool,
    },
}

/// What was delivered.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDelivery {
    /// When it came.
    pub delivered_on: Date,
    /// What was paid, in minor units of the committed currency; what was committed if not given.
    #[serde(default)]
    pub paid_minor: Option<i64>,
    /// Anything worth knowing.
    #[serde(default)]
    pub note: String,
}

/// What is known of a failure.
#[derive(Debug, Clone)]
pub struct RepairQuestion {
    /// What the repair costs.
    pub repair_cost: Money,
    /// What a further repair costs; as this one if nothing is known.
    pub mean_repair_cost: Option<Money>,
    /// Days that it takes.
    pub downtime_days: u32,
    /// Days on which it failed, this time among them; `None`: those on which incidents about the asset were opened, and today, if
    /// none of them is open.
    pub failures: Option<Vec<Date>>,
    /// What a day without it costs.
    pub cost_of_outage_per_day: Option<Money>,
}

/// A proposal with what happened to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposalDetail {
    /// As it stands.
    #[serde(flatten)]
    pub proposal: Proposal,
    /// Oldest first.
    pub events: Vec<ProposalEvent>,
}

/// Proposals over the store and the desk.
#[derive(Debug, Clone)]
pub struct Proposals {
    pub(super) desk: Desk,
    pub(super) inventory: Inventory,
}

impl Proposals {
    /// Over the desk and the inventory.
    pub fn new(desk: Desk, inventory: Inventory) -> Self {
        Self { desk, inventory }
    }

    /// Proposals in a state, or all, newest first; at most a hundred in a page, before a number.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn list(&self, state: Option<ProposalState>, before: Option<i64>, limit: u32) -> Result<Vec<Proposal>, ProposalError> {
        Ok(load_proposals(&mut *self.inventory.store.read().await?, state, before, limit.clamp(1, 100)).await?)
    }

    /// The resources about which something is still to happen.
    pub(super) async fn active_resources(&self) -> Result<BTreeSet<String>, ProposalError> {
        let active = load_active(&mut *self.inventory.store.read().await?).await?;
        Ok(active.into_iter().map(|proposal| proposal.resource).collect())
    }

    /// A proposal and its history.
    ///
    /// # Errors
    /// [`ProposalError::NotFound`].
    pub async fn get(&self, number: i64) -> Result<ProposalDetail, ProposalError> {
        let mut read = self.inventory.store.read().await?;
        let proposal = load_proposal(&mut read, number).await?.ok_or(ProposalError::NotFound(number))?;
        Ok(ProposalDetail { proposal, events: load_events(&mut read, number).await? })
    }

    /// Decides. Approval commits the budget and opens a change ticket, in the transaction of the decision.
    ///
    /// # Errors
    /// The proposal cannot be decided so now, its budget is overrun, or somebody was faster.
    pub async fn decide(
        &self,
        number: i64,
        expected_version: Option<i64>,
        decision: &Decision,
        (setup, actor): (&Setup, &Actor),
    ) -> Result<ProposalDetail, ProposalError> {
        let mut writing = self.desk.writing().await?;
        let proposal = self.fresh(writing.connection(), number, expected_version).await?;
        match decision {
            Decision::Approve { option, why, allow_overrun } => {
                check_why(why)?;
                expected_version.ok_or(ProposalError::NoVersion(number))?;
                self.approve(&mut writing, &proposal, (*option, why, *allow_overrun), actor).await?;
            }
            Decision::Defer { until, why } => self.defer(&mut writing, &proposal, (*until, why), actor).await?,
            Decision::Reject { why, allow_overrun } => {
                self.reject_all(&mut writing, &[proposal], (why, *allow_overrun), (setup, actor)).await?;
            }
        }
        writing.commit().await?;
        self.get(number).await
    }

    async fn approve(
        &self,
        writing: &mut Writing,
        proposal: &Proposal,
        (option, why, allow_overrun): (usize, &str, bool),
        actor: &Actor,
    ) -> Result<(), ProposalError> {
        refuse_unless(proposal, &[ProposalState::Open, ProposalState::Deferred], "approved")?;
        let chosen = proposal.options.options.get(option.wrapping_sub(1)).cloned().ok_or_else(|| {
            let count = proposal.options.options.len();
            ProposalError::Refused(format!("there is no option {option}; the proposal has options 1 to {count}"))
        })?;
        let mut decided = changed(proposal, ProposalState::Approved, writing.now_us());
        decided.chosen = i64::try_from(option).ok();
        self.check_offer(writing.connection(), proposal, &chosen).await?;
        refuse_without_budget(&chosen.title, chosen.kind.is_bought(), chosen.budget.as_ref(), allow_overrun)?;
        if let Some(budget) = &chosen.budget {
            self.commit_budget(writing.connection(), &mut decided, budget, (budget.takes_minor, allow_overrun), actor).await?;
        }
        let limit_source = limit_source_of(writing.connection(), &proposal.resource).await?;
        let change = change_ticket(&decided, &chosen, why, limit_source.as_deref(), &self.desk);
        decided.ticket = Some(writing.open(change, actor).await?);
        let detail = json!({ "option": option, "title": chosen.title, "why": why, "budget": chosen.budget, "ticket": decided.ticket });
        save_proposal(writing.connection(), &decided, ("approved", &detail), actor).await?;
        Ok(())
    }

    /// Takes an amount out of the budget line that pays for a proposal; nothing where it costs nothing.
    pub(super) async fn commit_budget(
        &self,
        write: &mut SqliteConnection,
        decided: &mut Proposal,
        budget: &BudgetEffect,
        (minor, allow_overrun): (i64, bool),
        actor: &Actor,
    ) -> Result<(), ProposalError> {
        if minor <= 0 {
            return Ok(());
        }
        let entry = NewBudgetEntry {
            kind: EntryKind::Committed,
            minor,
            currency: budget.currency,
            note: note_of(&decided.title),
            proposal: Some(decided.number.to_string()),
            allow_overrun,
        };
        self.inventory.enter_in(write, &budget.line, &entry, actor).await?;
        decided.budget_line = Some(budget.line.clone());
        decided.committed_minor = Some(minor);
        decided.currency = Some(budget.currency.code().to_owned());
        Ok(())
    }

    pub(super) async fn defer(
        &self,
        writing: &mut Writing,
        proposal: &Proposal,
        (until, why): (Date, &str),
        actor: &Actor,
    ) -> Result<(), ProposalError> {
        check_why(why)?;
        refuse_unless(proposal, &[ProposalState::Open, ProposalState::Deferred], "deferred")?;
        if until <= self.inventory.today() {
            return Err(ProposalError::Refused(format!("{until} is not in the future; defer it to a later day")));
        }
        let decided = Proposal { again_on: Some(until.to_string()), ..changed(proposal, ProposalState::Deferred, writing.now_us()) };
        save_proposal(writing.connection(), &decided, ("deferred", &json!({ "until": until, "why": why })), actor).await?;
        Ok(())
    }

    pub(super) async fn reject(&self, writing: &mut Writing, proposal: &Proposal, why: &str, actor: &Actor) -> Result<(), ProposalError> {
        check_why(why)?;
        refuse_unless(proposal, &[ProposalState::Open, ProposalState::Deferred, ProposalState::Approved], "rejected")?;
        let freed = self.release(writing.connection(), proposal, actor).await?;
        let freed = freed.map(|(line, money)| format!(" ({money} of the budget {line} are free again)")).unwrap_or_default();
        end_part(writing, proposal, &format!("rejected: {why}{freed}"), actor).await?;
        let decided = changed(proposal, ProposalState::Rejected, writing.now_us());
        save_proposal(writing.connection(), &decided, ("rejected", &json!({ "why": why })), actor).await?;
        Ok(())
    }

    /// The sheet for the talk about an offer of a proposal.
    ///
    /// # Errors
    /// There is no such proposal or offer.
    pub async fn sheet(&self, number: i64, offer: &str, setup: &Setup) -> Result<NegotiationSheet, ProposalError> {
        let mut read = self.inventory.store.read().await?;
        let proposal = load_proposal(&mut read, number).await?.ok_or(ProposalError::NotFound(number))?;
        let market = MarketData::load(&mut read).await?;
        sheet_of(&mut read, &proposal, offer, &market, setup).await
    }

    /// Whether a failed asset is to be repaired or replaced.
    ///
    /// # Errors
    /// There is no such asset, or an amount cannot be converted.
    pub async fn repair_or_replace(&self, name: &str, question: &RepairQuestion, setup: &Setup) -> Result<Recommendation, ProposalError> {
        let kind = InventoryKind::Asset;
        let stored = self.inventory.get(kind, name).await?;
        let Record::Asset(asset) = super::inventory::read_stored(kind, stored)? else {
            return Err(InventoryError::NotFound { kind, name: name.to_owned() }.into());
        };
        let mut read = self.inventory.store.read().await?;
        let market = MarketData::load(&mut read).await?;
        let failures = match &question.failures {
            Some(failures) => failures.clone(),
            None => failures_of(&mut read, name, self.inventory.today()).await?,
        };
        drop(read);
        let wanted = asset.resource_kind.clone().unwrap_or_else(|| asset.kind.clone());
        let offers: Vec<NamedOffer> = market.offers.into_iter().filter(|(_, offer)| offer.resource_kind == wanted).collect();
        let case = RepairCase {
            name,
            asset: &asset,
            today: self.inventory.today(),
            repair_cost: question.repair_cost,
            mean_repair_cost: question.mean_repair_cost,
            downtime_days: question.downtime_days,
            failures: &failures,
            cost_of_outage_per_day: question.cost_of_outage_per_day,
            offers: &offers,
            leads: &market.leads,
        };
        Ok(repair_or_replace(&case, &setup.purchase)?)
    }

    pub(super) async fn fresh(&self, write: &mut SqliteConnection, number: i64, expected: Option<i64>) -> Result<Proposal, ProposalError> {
        let proposal = load_proposal(write, number).await?.ok_or(ProposalError::NotFound(number))?;
        match expected {
            Some(expected) if expected != proposal.version => Err(ProposalError::Conflict { number, version: proposal.version }),
            _ => Ok(proposal),
        }
    }

    /// An offer that has gone, expired or changed since the proposal was made cannot be bought.
    pub(super) async fn check_offer(
        &self,
        write: &mut SqliteConnection,
        proposal: &Proposal,
        option: &PurchaseOption,
    ) -> Result<(), ProposalError> {
        let Some(name) = &option.offer else { return Ok(()) };
        let gone = || ProposalError::Refused(format!("there is no offer `{name}` any more; wait for the next run, or ask the supplier"));
        let kind = InventoryKind::Offer;
        let stored = load_record(write, kind.word(), name).await?.ok_or_else(gone)?;
        if proposal.facts.offers.get(name).is_some_and(|version| *version != stored.version) {
            let why = "has changed since the proposal was made; it is made anew within a minute, read it again then";
            return Err(ProposalError::Refused(format!("the offer `{name}` {why}")));
        }
        let Record::Offer(offer) = super::inventory::read_stored(kind, stored)? else { return Err(gone()) };
        if offer.valid_until < self.inventory.today() {
            let why = format!("the offer `{name}` was valid until {}; ask {} to renew it", offer.valid_until, offer.supplier);
            return Err(ProposalError::Refused(why));
        }
        Ok(())
    }

    /// Takes back what a proposal has committed; gives what became free of which budget line.
    pub(super) async fn release(
        &self,
        write: &mut SqliteConnection,
        proposal: &Proposal,
        actor: &Actor,
    ) -> Result<Option<(String, Money)>, ProposalError> {
        let Some(((line, currency), minor)) = budget_of(proposal).zip(proposal.committed_minor) else { return Ok(None) };
        // Somebody may have released a part of it by hand, with the proposal's number or without.
        let of_proposal = committed_for(write, &line, &proposal.number.to_string()).await?;
        let minor = minor.min(of_proposal).min(budget_standing(write, &line).await?.committed_minor);
        if minor <= 0 {
            return Ok(None);
        }
        let entry = NewBudgetEntry {
            kind: EntryKind::Released,
            minor,
            currency,
            note: note_of(&proposal.title),
            proposal: Some(proposal.number.to_string()),
            allow_overrun: true,
        };
        self.inventory.enter_in(write, &line, &entry, actor).await?;
        Ok(Some((line, Money::new(minor, currency))))
    }
}

/// The sheet for the talk about an offer of a proposal, by the offers of a moment.
pub(super) async fn sheet_of(
    read: &mut SqliteConnection,
    proposal: &Proposal,
    offer: &str,
    market: &MarketData,
    setup: &Setup,
) -> Result<NegotiationSheet, ProposalError> {
    let mut history = match market.offers.iter().find(|(name, _)| name == offer) {
        Some((name, offer)) => price_history(read, name, offer).await?,
        None => Vec::new(),
    };
    let facts = &proposal.facts;
    history.retain(|price| price.offered_on <= facts.need.today);
    Ok(negotiation_sheet(&facts.need, &proposal.options, &market.offers, offer, &history, &setup.purchase)?)
}

/// Where a resource's limit comes from, as the last run saw it.
pub(super) async fn limit_source_of(read: &mut SqliteConnection, resource: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT limit_source FROM capacity_resources WHERE resource = ?1";
    Ok(sqlx::query_scalar(sql).bind(resource).fetch_optional(read).await?.flatten())
}

/// Days on which incidents about an asset were opened, oldest first, and today, unless one of them is open.
async fn failures_of(read: &mut SqliteConnection, asset: &str, today: Date) -> Result<Vec<Date>, ProposalError> {
    let sql = "SELECT DISTINCT opened_at_us / 86400000000 FROM (SELECT opened_at_us FROM tickets
            WHERE entity ->> '$.asset' = ?1 AND kind = 'incident' AND merged_into IS NULL ORDER BY number DESC LIMIT ?2)";
    let days: Vec<i64> = sqlx::query_scalar(sql).bind(asset).bind(MOST_FAILURES).fetch_all(&mut *read).await.map_err(StoreError::from)?;
    let open = "SELECT EXISTS (SELECT 1 FROM tickets WHERE entity ->> '$.asset' = ?1 AND kind = 'incident' AND merged_into IS NULL
        AND state NOT IN ('resolved', 'closed'))";
    let is_open: bool = sqlx::query_scalar(open).bind(asset).fetch_one(read).await.map_err(StoreError::from)?;
    let mut days: BTreeSet<Date> = days.into_iter().map(super::date_of).collect();
    // What is not mended yet is this failure, whenever it was.
    if !is_open {
        days.insert(today);
    }
    Ok(days.into_iter().collect())
}

pub(super) fn budget_of(proposal: &Proposal) -> Option<(String, Currency)> {
    Some((proposal.budget_line.clone()?, proposal.currency.as_deref()?.parse().ok()?))
}

/// A purchase that no budget pays is one that overruns.
pub(super) fn refuse_without_budget(
    title: &str,
    is_bought: bool,
    budget: Option<&BudgetEffect>,
    allow_overrun: bool,
) -> Result<(), ProposalError> {
    if is_bought && budget.is_none() && !allow_overrun {
        let why = "no budget line pays for it; plan one for this kind of resource, or send `allow_overrun: true`";
        return Err(ProposalError::Refused(format!("{title}: {why}")));
    }
    Ok(())
}

/// A title as the book of budgets takes it: on one line, and not too long.
pub(super) fn note_of(title: &str) -> String {
    title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_NOTE_CHARS).collect()
}

pub(super) fn changed(proposal: &Proposal, state: ProposalState, now_us: TimestampUs) -> Proposal {
    Proposal { state, again_on: None, updated_at_us: now_us, version: proposal.version + 1, ..proposal.clone() }
}

pub(super) fn refuse_unless(proposal: &Proposal, states: &[ProposalState], what: &str) -> Result<(), ProposalError> {
    if states.contains(&proposal.state) {
        return Ok(());
    }
    let (number, state) = (proposal.number, proposal.state.word());
    Err(ProposalError::Refused(format!("proposal {number} is {state} and cannot be {what}")))
}

pub(super) fn check_why(why: &str) -> Result<(), ProposalError> {
    if why.chars().count() > MAX_WHY_CHARS {
        return Err(ProposalError::Refused(format!("the reason is longer than {MAX_WHY_CHARS} characters; put the rest into the ticket")));
    }
    Ok(())
}

/// What is told of a proposal where its whole arithmetic would be too much.
pub fn proposal_in_short(proposal: &Proposal) -> Value {
    let best = proposal.options.options.first();
    json!({
        "number": proposal.number, "resource": proposal.resource, "kind": proposal.kind, "title": proposal.title, "state": proposal.state,
        "order_by": proposal.order_by, "again_on": proposal.again_on, "ticket": proposal.ticket, "version": proposal.version,
        "best": best.map(|best| json!({ "title": best.title, "offer": best.offer, "feasible": best.feasible,
            "npv_minor": best.cost.npv_minor, "currency": proposal.options.currency })),
    })
}
