//! Orders for several proposals: told while all of them are open, decided as one, and ended part by part.
//!
//! A decision about an order is one transaction: every proposal with its share, the budget's entries, and the one change ticket are
//! there, or none is. What was ordered stands in the event `approved` of each proposal (`combined`); the order is what those say.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::budget::refuse_overrun;
use super::market::MarketData;
use super::proposal_rows::{Proposal, ProposalEvent, ProposalState, load_active, load_events, load_proposal, save_proposal};
use super::proposal_words::{OrderedPart, order_ticket};
use super::proposals::{
    ProposalError, Proposals, changed, check_why, limit_source_of, proposal_in_short, refuse_unless, refuse_without_budget,
};
use super::{InventoryError, Setup, budget_standing};
use crate::clock::TimestampUs;
use crate::desk::{Actor, Writing};
use crate::inventory::{InventoryKind, Money};
use crate::purchase::{Combined, Want, combine};
use crate::store::{KnownRequest, RequestKey, StoreError, known_request, load_record, remember_request};

/// Proposals of a decision: an order for more is several orders.
const MOST_TOGETHER: usize = 500;

/// A proposal's number and the version that was read.
pub type Versions = BTreeMap<i64, i64>;

/// A decision about proposals that fit the same offer.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case", deny_unknown_fields)]
pub enum CombinedDecision {
    /// They are ordered together, as the combined order says.
    Approve {
        /// All proposals of the order, with the version of each that was read.
        #[serde(deserialize_with = "versions")]
        proposals: Versions,
        /// Why.
        #[serde(default)]
        why: String,
        /// What the order was told to cost: nothing is ordered at another price.
        #[serde(default)]
        npv_minor: Option<i64>,
        /// Even where the budget has not enough left.
        #[serde(default)]
        allow_overrun: bool,
    },
    /// They are decided later.
    Defer {
        /// Proposals, with the version of each that was read.
        #[serde(deserialize_with = "versions")]
        proposals: Versions,
        /// On this day they are open again.
        until: Date,
        /// Why.
        #[serde(default)]
        why: String,
    },
    /// They are not done; what was approved is taken back.
    Reject {
        /// Proposals, with the version of each that was read.
        #[serde(deserialize_with = "versions")]
        proposals: Versions,
        /// Why.
        why: String,
    },
}

impl CombinedDecision {
    fn proposals(&self) -> &Versions {
        match self {
            Self::Approve { proposals, .. } | Self::Defer { proposals, .. } | Self::Reject { proposals, .. } => proposals,
        }
    }
}

/// Keys of JSON are text, and stay text within a tagged enum.
fn versions<'de, D: Deserializer<'de>>(from: D) -> Result<Versions, D::Error> {
    let read = BTreeMap::<String, i64>::deserialize(from)?;
    let number = |text: String| text.parse().map_err(|_| serde::de::Error::custom(format!("`{text}` is no number of a proposal")));
    read.into_iter().map(|(text, version)| Ok((number(text)?, version))).collect()
}

/// An order that could be placed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToldOrder {
    /// What, for how much, and who pays which share.
    #[serde(flatten)]
    pub order: Combined,
    /// Its proposals with their versions, as a decision about it names them.
    pub proposals: Versions,
}

/// An order that was approved and is not over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApprovedOrder {
    /// What, for how much, and who pays which share.
    #[serde(flatten)]
    pub order: Combined,
    /// The change ticket.
    pub ticket: i64,
    /// Who approved it.
    pub by: String,
    /// When.
    pub at_us: TimestampUs,
    /// Why.
    pub why: String,
    /// What became of each proposal: `approved` until it is there.
    pub parts: BTreeMap<i64, String>,
}

/// Orders for several proposals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CombinedOrders {
    /// Those that would be cheaper than single ones, the largest saving first.
    pub combined: Vec<ToldOrder>,
    /// Those that were approved and of which something is still to come.
    pub approved: Vec<ApprovedOrder>,
}

/// What has come of a decision about several proposals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CombinedOutcome {
    /// The offer.
    pub offer: String,
    /// The change ticket, if they were ordered.
    pub ticket: Option<i64>,
    /// What was ordered.
    pub order: Option<Combined>,
    /// The proposals in short, as they stand now.
    pub proposals: Vec<Value>,
}

impl Proposals {
    /// Orders that are cheaper together, of the proposals that are open, and those that were approved and are not over.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn combined(&self, setup: &Setup) -> Result<CombinedOrders, ProposalError> {
        let mut read = self.inventory.store.read().await?;
        let active = load_active(&mut read).await?;
        let market = MarketData::load(&mut read).await?;
        let versions: Versions = active.iter().map(|it| (it.number, it.version)).collect();
        let told = told_orders(&active, &market, setup).into_iter().map(|order| {
            let of_order = order.shares.iter().filter_map(|share| Some((share.proposal, *versions.get(&share.proposal)?)));
            ToldOrder { proposals: of_order.collect(), order }
        });
        let combined = told.collect();
        Ok(CombinedOrders { combined, approved: approved_orders(&mut read, &active, TimestampUs::MAX).await? })
    }

    /// Decides about the proposals that an offer would be ordered for together. Either all of it happens or nothing. A request that comes
    /// again under its key changes nothing.
    ///
    /// # Errors
    /// One of them was changed meanwhile, they are not what is ordered together now, the offer cannot be bought, or the budget is overrun.
    pub async fn decide_together(
        &self,
        offer: &str,
        decision: &CombinedDecision,
        setup: &Setup,
        actor: &Actor,
        key: Option<&RequestKey>,
    ) -> Result<CombinedOutcome, ProposalError> {
        let named = decision.proposals();
        let Some(first) = named.keys().next().copied().filter(|_| (2..=MOST_TOGETHER).contains(&named.len())) else {
            let why = format!("it names {}; name 2 to {MOST_TOGETHER}, each with the version that was read", named.len());
            return Err(InventoryError::invalid("proposals", why).into());
        };
        let mut writing = self.desk.writing().await?;
        let known = match key {
            Some(key) => known_request(writing.connection(), &actor.name, key).await?,
            None => KnownRequest::New,
        };
        match known {
            KnownRequest::New => self.carry_out(&mut writing, offer, decision, setup, actor).await?,
            KnownRequest::Made(_) => {}
            KnownRequest::Another => return Err(InventoryError::invalid("Idempotency-Key", RequestKey::REUSED).into()),
        }
        if let Some(key) = key.filter(|_| known == KnownRequest::New) {
            let now_us = writing.now_us();
            remember_request(writing.connection(), &actor.name, key, first, now_us).await?;
        }
        writing.commit().await?;
        self.outcome(offer, named).await
    }

    async fn carry_out(
        &self,
        writing: &mut Writing,
        offer: &str,
        decision: &CombinedDecision,
        setup: &Setup,
        actor: &Actor,
    ) -> Result<(), ProposalError> {
        let kind = InventoryKind::Offer;
        if load_record(writing.connection(), kind.word(), offer).await?.is_none() && matches!(decision, CombinedDecision::Approve { .. }) {
            return Err(InventoryError::NotFound { kind, name: offer.to_owned() }.into());
        }
        let proposals = as_read(writing.connection(), decision.proposals()).await?;
        if let Some(other) = proposals.iter().find(|proposal| proposal.options.of_offer(offer).is_none()) {
            return Err(ProposalError::Refused(format!("the offer `{offer}` is no option of proposal {}", other.number)));
        }
        match decision {
            CombinedDecision::Approve { why, npv_minor, allow_overrun, .. } => {
                check_why(why)?;
                let order = self.order_now(writing.connection(), offer, &proposals, *npv_minor, setup).await?;
                self.approve_together(writing, (&order, proposals), (why, *allow_overrun), actor).await?;
            }
            CombinedDecision::Defer { until, why, .. } => {
                for proposal in &proposals {
                    self.defer(writing, proposal, (*until, why), actor).await?;
                }
            }
            CombinedDecision::Reject { why, .. } => {
                for proposal in &proposals {
                    self.reject(writing, proposal, why, actor).await?;
                }
            }
        }
        Ok(())
    }

    /// The order for just these proposals, as it is told now.
    async fn order_now(
        &self,
        write: &mut SqliteConnection,
        offer: &str,
        proposals: &[Proposal],
        npv_minor: Option<i64>,
        setup: &Setup,
    ) -> Result<Combined, ProposalError> {
        for proposal in proposals {
            refuse_unless(proposal, &[ProposalState::Open], "approved together with others")?;
            let option = proposal.options.of_offer(offer);
            if let Some(option) = option {
                self.check_offer(write, proposal, option).await?;
            }
        }
        let active = load_active(write).await?;
        let market = MarketData::load(write).await?;
        let refused = |why: String| Err(ProposalError::Refused(why));
        let Some(order) = told_orders(&active, &market, setup).into_iter().find(|order| order.offer == offer) else {
            return refused(format!(
                "an order of `{offer}` for several proposals saves nothing now, or comes too late; decide them one by one"
            ));
        };
        let part = |number: i64| order.shares.iter().any(|share| share.proposal == number);
        if let Some(out) = proposals.iter().find(|proposal| !part(proposal.number)) {
            let why = "takes no part in the order any more: for it the order comes too late; read `GET /api/v1/proposals/combined` again";
            return refused(format!("proposal {} ({}) {why}", out.number, out.facts.need.resource));
        }
        if let Some(new) = order.shares.iter().find(|share| proposals.iter().all(|proposal| proposal.number != share.proposal)) {
            let why = "takes part in the order too; read `GET /api/v1/proposals/combined` again, or decide about that one first";
            return refused(format!("proposal {} ({}) {why}", new.proposal, new.resource));
        }
        match npv_minor.filter(|seen| *seen != order.npv_minor) {
            Some(seen) => {
                let money = |minor| Money::new(minor, order.currency);
                refused(format!("the order costs {} now, not {}; read it again, then decide", money(order.npv_minor), money(seen)))
            }
            None => Ok(order),
        }
    }

    async fn approve_together(
        &self,
        writing: &mut Writing,
        (order, proposals): (&Combined, Vec<Proposal>),
        (why, allow_overrun): (&str, bool),
        actor: &Actor,
    ) -> Result<(), ProposalError> {
        let title = format!("Add {} × {} of {} ({})", order.quantity, order.item, order.supplier, order.offer);
        refuse_without_budget(&title, true, order.budget.as_ref(), allow_overrun)?;
        if let Some(budget) = order.budget.as_ref().filter(|_| !allow_overrun) {
            // The whole is too much or is not: not the share that happens to be the last.
            refuse_overrun(budget_standing(writing.connection(), &budget.line).await?, budget.takes_minor)?;
        }
        let mut parts = Vec::new();
        for proposal in proposals {
            let Some(share) = order.shares.iter().find(|share| share.proposal == proposal.number) else { continue };
            let mut decided = changed(&proposal, ProposalState::Approved, writing.now_us());
            let place = proposal.options.options.iter().position(|option| option.offer.as_deref() == Some(&order.offer));
            decided.chosen = place.and_then(|place| i64::try_from(place + 1).ok());
            if let Some((budget, minor)) = order.budget.as_ref().zip(share.budget_minor) {
                self.commit_budget(writing.connection(), &mut decided, budget, (minor, allow_overrun), actor).await?;
            }
            let limit_source = limit_source_of(writing.connection(), &proposal.resource).await?;
            parts.push(OrderedPart { proposal: decided, share: share.clone(), limit_source });
        }
        let ticket = writing.open(order_ticket(order, &parts, why, &self.desk), actor).await?;
        let numbers: Vec<i64> = parts.iter().map(|part| part.proposal.number).collect();
        for OrderedPart { mut proposal, share, .. } in parts {
            proposal.ticket = Some(ticket);
            let detail = json!({
                "option": proposal.chosen, "title": title, "why": why, "budget": order.budget, "ticket": ticket,
                "share": share, "together": numbers, "combined": order,
            });
            save_proposal(writing.connection(), &proposal, ("approved", &detail), actor).await?;
        }
        Ok(())
    }

    async fn outcome(&self, offer: &str, named: &Versions) -> Result<CombinedOutcome, ProposalError> {
        let mut read = self.inventory.store.read().await?;
        let mut outcome = CombinedOutcome { offer: offer.to_owned(), ticket: None, order: None, proposals: Vec::new() };
        for number in named.keys() {
            let proposal = load_proposal(&mut read, *number).await?.ok_or(ProposalError::NotFound(*number))?;
            if outcome.order.is_none() && proposal.ticket.is_some() {
                outcome.order = order_of(&load_events(&mut read, *number).await?);
                outcome.ticket = proposal.ticket;
            }
            outcome.proposals.push(proposal_in_short(&proposal));
        }
        Ok(outcome)
    }
}

fn told_orders(active: &[Proposal], market: &MarketData, setup: &Setup) -> Vec<Combined> {
    let open = active.iter().filter(|proposal| proposal.state == ProposalState::Open);
    let wants: Vec<Want<'_>> = open.map(|it| Want { proposal: it.number, need: &it.facts.need, options: &it.options }).collect();
    combine(&wants, &market.offers, &market.books, &setup.purchase)
}

/// The proposals, if each is at the version that was read.
async fn as_read(write: &mut SqliteConnection, named: &Versions) -> Result<Vec<Proposal>, ProposalError> {
    let (mut proposals, mut others) = (Vec::new(), Vec::new());
    for (number, version) in named {
        let proposal = load_proposal(write, *number).await?.ok_or(ProposalError::NotFound(*number))?;
        if proposal.version != *version {
            others.push(format!("proposal {number} (it is {}, at version {})", proposal.state.word(), proposal.version));
        }
        proposals.push(proposal);
    }
    if others.is_empty() {
        return Ok(proposals);
    }
    let (first, verb) = (others.join(", "), if others.len() == 1 { "was" } else { "were" });
    Err(ProposalError::Refused(format!("{first} {verb} changed in the meantime; read `GET /api/v1/proposals/combined` again, then decide")))
}

/// The order for several that a proposal was last approved in.
pub(super) fn order_of(events: &[ProposalEvent]) -> Option<Combined> {
    let approved = events.iter().rev().find(|event| event.kind == "approved")?;
    Combined::deserialize(approved.detail.get("combined")?).ok()
}

/// Orders that were approved by a moment and of which something was still to come, of the proposals that stood then, the oldest first.
pub(super) async fn approved_orders(
    read: &mut SqliteConnection,
    active: &[Proposal],
    at_us: TimestampUs,
) -> Result<Vec<ApprovedOrder>, StoreError> {
    let mut orders: BTreeMap<i64, ApprovedOrder> = BTreeMap::new();
    for proposal in active.iter().filter(|it| it.state == ProposalState::Approved) {
        let Some(ticket) = proposal.ticket.filter(|ticket| !orders.contains_key(ticket)) else { continue };
        let mut events = load_events(read, proposal.number).await?;
        events.retain(|event| event.at_us <= at_us);
        let Some((order, approved)) = order_of(&events).zip(events.iter().rev().find(|event| event.kind == "approved")) else { continue };
        let mut parts = BTreeMap::new();
        for share in &order.shares {
            let sql = "SELECT kind FROM proposal_events WHERE proposal = ?1 AND at_us <= ?2 ORDER BY seq DESC LIMIT 1";
            let latest = sqlx::query_scalar(sql).bind(share.proposal).bind(at_us).fetch_one(&mut *read).await?;
            parts.insert(share.proposal, latest);
        }
        let why = approved.detail["why"].as_str().unwrap_or_default().to_owned();
        orders.insert(ticket, ApprovedOrder { order, ticket, by: approved.actor.clone(), at_us: approved.at_us, why, parts });
    }
    Ok(orders.into_values().collect())
}

#[cfg(test)]
#[path = "combined_orders_tests.rs"]
mod tests;
