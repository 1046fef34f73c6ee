//! Orders for several proposals: told while all of them are open, decided as one, and ended part by part.
//!
//! A decision about an order is one transaction: every proposal with its share, the budget's entries, and the one change ticket are
//! there, or none is. Who approves names the digest of what was read: quantity, price, budget and shares are then what was told, or
//! nothing is ordered.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::SqliteConnection;

use super::budget::refuse_overrun;
use super::market::MarketData;
use super::placed_orders::{ApprovedOrder, approved_orders, choose_as_ordered, load_order, save_order, want_of};
use super::proposal_rows::{Proposal, ProposalState, load_active, load_proposal, save_proposal};
use super::proposal_words::{OrderedPart, order_ticket, order_title};
use super::proposals::{
    ProposalError, Proposals, changed, check_why, limit_source_of, proposal_in_short, refuse_unless, refuse_without_budget,
};
use super::{InventoryError, Setup, budget_standing};
use crate::clock::TimestampUs;
use crate::desk::{Actor, Writing};
use crate::inventory::{InventoryKind, Offer};
use crate::purchase::{Combined, NamedOffer, PurchasePolicy, Want, combine};
use crate::store::{KnownRequest, RequestKey, StoreError, known_request, load_record, remember_request};

/// Proposals of a decision: an order for more is several orders.
const MOST_TOGETHER: usize = 500;

/// Bytes of a digest: nobody forges one, two must not be equal by chance.
const DIGEST_BYTES: usize = 16;

const READ_AGAIN: &str = "read `GET /api/v1/proposals/combined` again, then decide";

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
        /// The digest that the order was told with: nothing is ordered that was not read.
        digest: String,
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
        /// Even where what is left of an order becomes dearer than its budget has left.
        #[serde(default)]
        allow_overrun: bool,
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
    /// What an approval names: another where quantity, price, budget line, what is taken of it, or a share is another.
    pub digest: String,
}

impl ToldOrder {
    fn new(order: Combined, active: &[Proposal]) -> Result<Self, StoreError> {
        let in_order = |it: &&Proposal| order.shares.iter().any(|share| share.proposal == it.number);
        let proposals: Versions = active.iter().filter(in_order).map(|it| (it.number, it.version)).collect();
        // Not the day of ordering and what is left: they change each day and with every purchase, and the approval looks at them itself.
        let paid = order.budget.as_ref().map(|budget| (&budget.line, budget.year, budget.currency, budget.takes_minor));
        let said = (&order.offer, order.quantity, order.currency, order.npv_minor, order.one_off_minor, paid, &order.shares, &proposals);
        let bytes = serde_json::to_vec(&said).map_err(|error| StoreError::Other(error.to_string()))?;
        let hash = Sha256::digest(&bytes);
        let digest = hash.iter().take(DIGEST_BYTES).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { order, proposals, digest })
    }
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
        Ok(orders_of(&mut read, &active, &market, (setup, TimestampUs::MAX)).await?)
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
            CombinedDecision::Approve { why, digest, allow_overrun, .. } => {
                check_why(why)?;
                let (order, sold) = self.order_now(writing.connection(), offer, &proposals, digest, setup).await?;
                self.approve_together(writing, (&order, &sold, proposals), (why, *allow_overrun), (setup, actor)).await?;
            }
            CombinedDecision::Defer { until, why, .. } => {
                for proposal in &proposals {
                    self.defer(writing, proposal, (*until, why), actor).await?;
                }
            }
            CombinedDecision::Reject { why, allow_overrun, .. } => {
                self.reject_all(writing, &proposals, (why, *allow_overrun), (setup, actor)).await?;
            }
        }
        Ok(())
    }

    /// The order for just these proposals, as it is told now, and the offer that it is of.
    async fn order_now(
        &self,
        write: &mut SqliteConnection,
        offer: &str,
        proposals: &[Proposal],
        digest: &str,
        setup: &Setup,
    ) -> Result<(Combined, Offer), ProposalError> {
        for proposal in proposals {
            refuse_unless(proposal, &[ProposalState::Open], "approved together with others")?;
            if let Some(option) = proposal.options.of_offer(offer) {
                self.check_offer(write, proposal, option).await?;
            }
        }
        let active = load_active(write).await?;
        let market = MarketData::load(write).await?;
        let sold: Vec<NamedOffer> = market.offers.iter().filter(|(name, _)| name == offer).cloned().collect();
        let refused = |why: String| Err(ProposalError::Refused(why));
        let told = told_orders(&active, &market, &sold, &setup.purchase).pop();
        let Some((order, (_, sold))) = told.zip(sold.into_iter().next()) else {
            return refused(format!(
                "an order of `{offer}` for several proposals saves nothing now, or comes too late; decide them one by one"
            ));
        };
        let part = |number: i64| order.shares.iter().any(|share| share.proposal == number);
        if let Some(out) = proposals.iter().find(|proposal| !part(proposal.number)) {
            let why = "takes no part in the order any more: it comes too late for it, or its options are being made anew";
            return refused(format!("proposal {} ({}) {why}; {READ_AGAIN}", out.number, out.facts.need.resource));
        }
        if let Some(new) = order.shares.iter().find(|share| proposals.iter().all(|proposal| proposal.number != share.proposal)) {
            let why = "takes part in the order too";
            return refused(format!("proposal {} ({}) {why}; {READ_AGAIN}, or decide about that one first", new.proposal, new.resource));
        }
        let told = ToldOrder::new(order, &active)?;
        if told.digest != digest {
            let cost = told.order.npv();
            let paid = told.order.budget.as_ref().map(|budget| format!(" and takes {} of the budget {}", budget.takes(), budget.line));
            let (quantity, paid) = (told.order.quantity, paid.unwrap_or_default());
            return refused(format!("the order is not the one that was read: {quantity} × now cost {cost}{paid}; {READ_AGAIN}"));
        }
        Ok((told.order, sold))
    }

    async fn approve_together(
        &self,
        writing: &mut Writing,
        (order, sold, proposals): (&Combined, &Offer, Vec<Proposal>),
        (why, allow_overrun): (&str, bool),
        (setup, actor): (&Setup, &Actor),
    ) -> Result<(), ProposalError> {
        refuse_without_budget(&order_title(order), true, order.budget.as_ref(), allow_overrun)?;
        if let Some(budget) = order.budget.as_ref().filter(|_| !allow_overrun) {
            // The whole is too much or is not: not the share that happens to be the last.
            refuse_overrun(budget_standing(writing.connection(), &budget.line).await?, budget.takes_minor)?;
        }
        let mut parts = Vec::new();
        for proposal in proposals {
            let Some(share) = order.shares.iter().find(|share| share.proposal == proposal.number) else { continue };
            let mut decided = changed(&proposal, ProposalState::Approved, writing.now_us());
            choose_as_ordered(&mut decided, order, &setup.purchase);
            if let Some((budget, minor)) = order.budget.as_ref().zip(share.budget_minor) {
                self.commit_budget(writing.connection(), &mut decided, budget, (minor, allow_overrun), actor).await?;
            }
            let limit_source = limit_source_of(writing.connection(), &proposal.resource).await?;
            parts.push(OrderedPart { proposal: decided, share: share.clone(), limit_source });
        }
        let ticket = writing.open(order_ticket(order, &parts, why, &self.desk), actor).await?;
        for OrderedPart { mut proposal, share, .. } in parts {
            proposal.ticket = Some(ticket);
            let title = proposal.options.of_offer(&order.offer).map(|option| option.title.clone());
            let detail = json!({
                "option": proposal.chosen, "title": title, "why": why, "budget": order.budget, "ticket": ticket, "share": share,
            });
            save_proposal(writing.connection(), &proposal, ("approved", &detail), actor).await?;
        }
        let now_us = writing.now_us();
        save_order(writing.connection(), ticket, (order, sold, why), (now_us, actor)).await?;
        Ok(())
    }

    async fn outcome(&self, offer: &str, named: &Versions) -> Result<CombinedOutcome, ProposalError> {
        let mut read = self.inventory.store.read().await?;
        let mut outcome = CombinedOutcome { offer: offer.to_owned(), ticket: None, order: None, proposals: Vec::new() };
        for number in named.keys() {
            let proposal = load_proposal(&mut read, *number).await?.ok_or(ProposalError::NotFound(*number))?;
            if let (None, Some(ticket)) = (outcome.ticket, proposal.ticket) {
                outcome.order = load_order(&mut read, ticket, TimestampUs::MAX).await?.map(|placed| placed.order);
                outcome.ticket = Some(ticket);
            }
            outcome.proposals.push(proposal_in_short(&proposal));
        }
        Ok(outcome)
    }
}

/// Orders of proposals as they stood at a moment, with the market of then.
pub(super) async fn orders_of(
    read: &mut SqliteConnection,
    active: &[Proposal],
    market: &MarketData,
    (setup, at_us): (&Setup, TimestampUs),
) -> Result<CombinedOrders, StoreError> {
    let told = told_orders(active, market, &market.offers, &setup.purchase);
    let combined = told.into_iter().map(|order| ToldOrder::new(order, active)).collect::<Result<_, _>>()?;
    Ok(CombinedOrders { combined, approved: approved_orders(read, active, at_us).await? })
}

/// Orders of these offers for proposals that wait for a decision and were made of the offers as they are now.
fn told_orders(active: &[Proposal], market: &MarketData, offers: &[NamedOffer], policy: &PurchasePolicy) -> Vec<Combined> {
    let open = active.iter().filter(|proposal| proposal.state == ProposalState::Open);
    let wants: Vec<Want<'_>> = open.map(|it| Want { outdated: outdated(it, market), ..want_of(it) }).collect();
    combine(&wants, offers, &market.books, policy)
}

/// Offers of a proposal that have changed or gone since it was made.
fn outdated<'p>(proposal: &'p Proposal, market: &MarketData) -> Vec<&'p str> {
    let has_changed = |(name, version): &(&String, &i64)| market.versions.get(*name) != Some(*version);
    proposal.facts.offers.iter().filter(has_changed).map(|(name, _)| name.as_str()).collect()
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
    Err(ProposalError::Refused(format!("{first} {verb} changed in the meantime; {READ_AGAIN}")))
}

#[cfg(test)]
#[path = "combined_orders_tests.rs"]
mod tests;
