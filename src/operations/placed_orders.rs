//! Orders for several proposals as they were placed, and what is left of them when parts are taken back.
//!
//! What was approved stands in the table `proposal_orders`, and with each proposal as the option that it chose, with its share of the
//! pieces, the price and the budget. A supplier sells fewer pieces at another price: when a part is taken back before anything was
//! delivered, the rest is priced anew by the steps of the offer as it was ordered, and the budget is committed for that.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::budget::refuse_overrun;
use super::inventory::read_stored;
use super::proposal_rows::{Proposal, ProposalState, load_proposals_of_ticket, save_proposal};
use super::proposal_words::order_title;
use super::proposals::{ProposalError, Proposals, changed};
use super::{Setup, budget_standing};
use crate::clock::TimestampUs;
use crate::desk::{Actor, TicketEvent, Writing};
use crate::inventory::{InventoryKind, Money, Offer, Record};
use crate::purchase::{Book, BudgetEffect, Combined, PurchasePolicy, Want, rest_of};
use crate::store::{StoreError, load_record};

/// An order that was approved and is not over.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApprovedOrder {
    /// What, for how much, and who pays which share; of what is left of it where parts were taken back.
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

/// An order as the store has it.
pub(super) struct PlacedOrder {
    pub(super) order: Combined,
    by: String,
    at_us: TimestampUs,
    why: String,
    /// As it was ordered.
    offer: Option<Offer>,
}

/// Writes an order, or what is left of one.
pub(super) async fn save_order(
    write: &mut SqliteConnection,
    ticket: i64,
    (order, offer, why): (&Combined, &Offer, &str),
    (now_us, actor): (TimestampUs, &Actor),
) -> Result<(), StoreError> {
    let text = |value: Result<String, serde_json::Error>| value.map_err(|error| StoreError::Other(error.to_string()));
    sqlx::query(
        "INSERT INTO proposal_orders (ticket, seq, at_us, actor, origin, why, placed, offer)
         SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7 FROM proposal_orders WHERE ticket = ?1",
    )
    .bind(ticket)
    .bind(now_us)
    .bind(&actor.name)
    .bind(&actor.origin)
    .bind(why)
    .bind(text(serde_json::to_string(order))?)
    .bind(text(serde_json::to_string(offer))?)
    .execute(write)
    .await?;
    Ok(())
}

/// The order that a change ticket is about, as it stood at a moment, with who approved it; none where the ticket is about one proposal.
pub(super) async fn load_order(read: &mut SqliteConnection, ticket: i64, at_us: TimestampUs) -> Result<Option<PlacedOrder>, StoreError> {
    let row = sqlx::query(
        "SELECT first.actor, first.at_us, first.why, latest.placed, latest.offer FROM proposal_orders AS first
         JOIN proposal_orders AS latest ON latest.ticket = first.ticket
         WHERE first.ticket = ?1 AND first.seq = 1
             AND latest.seq = (SELECT max(seq) FROM proposal_orders WHERE ticket = ?1 AND at_us <= ?2)",
    )
    .bind(ticket)
    .bind(at_us)
    .fetch_optional(read)
    .await?;
    row.as_ref().map(placed_order).transpose()
}

fn placed_order(row: &SqliteRow) -> Result<PlacedOrder, StoreError> {
    let unreadable = |error: serde_json::Error| StoreError::Unreadable(format!("an order for several proposals: {error}"));
    let offer: Option<&str> = row.try_get("offer")?;
    Ok(PlacedOrder {
        order: serde_json::from_str(row.try_get("placed")?).map_err(unreadable)?,
        by: row.try_get("actor")?,
        at_us: row.try_get("at_us")?,
        why: row.try_get("why")?,
        offer: offer.map(serde_json::from_str).transpose().map_err(unreadable)?,
    })
}

/// Orders that were approved by a moment and of which something was still to come, of the proposals that stood then, the oldest first.
pub(super) async fn approved_orders(
    read: &mut SqliteConnection,
    active: &[Proposal],
    at_us: TimestampUs,
) -> Result<Vec<ApprovedOrder>, StoreError> {
    let approved = active.iter().filter(|proposal| proposal.state == ProposalState::Approved);
    let tickets: BTreeSet<i64> = approved.filter_map(|proposal| proposal.ticket).collect();
    let mut orders = Vec::new();
    for ticket in tickets {
        let Some(PlacedOrder { order, by, at_us: approved_at_us, why, .. }) = load_order(read, ticket, at_us).await? else { continue };
        let sql = "SELECT number, (SELECT CASE kind WHEN 'repriced' THEN 'approved' ELSE kind END FROM proposal_events
                WHERE proposal = number AND at_us <= ?2 ORDER BY seq DESC LIMIT 1) FROM proposals WHERE ticket = ?1";
        let parts: Vec<(i64, String)> = sqlx::query_as(sql).bind(ticket).bind(at_us).fetch_all(&mut *read).await?;
        orders.push(ApprovedOrder { order, ticket, by, at_us: approved_at_us, why, parts: parts.into_iter().collect() });
    }
    Ok(orders)
}

impl Proposals {
    /// Rejects proposals, and prices anew what is left of the orders that some of them were a part of.
    pub(super) async fn reject_all(
        &self,
        writing: &mut Writing,
        proposals: &[Proposal],
        (why, allow_overrun): (&str, bool),
        (setup, actor): (&Setup, &Actor),
    ) -> Result<(), ProposalError> {
        for proposal in proposals {
            self.reject(writing, proposal, why, actor).await?;
        }
        let approved = proposals.iter().filter(|proposal| proposal.state == ProposalState::Approved);
        let tickets: BTreeSet<i64> = approved.filter_map(|proposal| proposal.ticket).collect();
        for ticket in tickets {
            self.price_the_rest(writing, ticket, allow_overrun, (setup, actor)).await?;
        }
        Ok(())
    }

    async fn price_the_rest(
        &self,
        writing: &mut Writing,
        ticket: i64,
        allow_overrun: bool,
        (setup, actor): (&Setup, &Actor),
    ) -> Result<(), ProposalError> {
        let Some(placed) = load_order(writing.connection(), ticket, TimestampUs::MAX).await? else { return Ok(()) };
        let mut kept = load_proposals_of_ticket(writing.connection(), ticket).await?;
        // What has begun to come was granted at its price.
        let has_begun = kept.iter().any(|proposal| proposal.state == ProposalState::Delivered);
        kept.retain(|proposal| proposal.state == ProposalState::Approved);
        let Some(offer) = placed.offer.as_ref().filter(|_| !has_begun && !kept.is_empty()) else { return Ok(()) };
        let mut released_minor = 0_i64;
        for proposal in &kept {
            let released = self.release(writing.connection(), proposal, actor).await?;
            released_minor = released_minor.saturating_add(released.map_or(0, |(_, money)| money.minor));
        }
        let book = match &placed.order.budget {
            Some(budget) => book_of(writing.connection(), &budget.line).await?,
            None => None,
        };
        let rest = rest_of(&placed.order, offer, &wants_of(&kept), book.as_ref(), &setup.purchase).map_err(|why| {
            let instead = "take back the whole order, and decide the others one by one";
            ProposalError::Refused(format!("what would be left of the order cannot be priced: {why}; {instead}"))
        })?;
        if let Some(budget) = rest.budget.as_ref().filter(|budget| !allow_overrun && budget.takes_minor > released_minor) {
            refuse_overrun(budget_standing(writing.connection(), &budget.line).await?, budget.takes_minor)?;
        }
        self.commit_rest(writing, &rest, &kept, (&setup.purchase, actor)).await?;
        let now_us = writing.now_us();
        save_order(writing.connection(), ticket, (&rest, offer, "parts of it were taken back"), (now_us, actor)).await?;
        let text = told_rest(&placed.order, &rest, released_minor);
        writing.happen(ticket, actor, TicketEvent::Commented { text, internal: false, copied: None }).await?;
        let (from, to) = (writing.ticket(ticket).await?.title.clone(), order_title(&rest));
        if from != to {
            writing.happen(ticket, actor, TicketEvent::Retitled { from, to }).await?;
        }
        Ok(())
    }

    /// Gives each proposal its share of the rest.
    async fn commit_rest(
        &self,
        writing: &mut Writing,
        rest: &Combined,
        kept: &[Proposal],
        (policy, actor): (&PurchasePolicy, &Actor),
    ) -> Result<(), ProposalError> {
        for proposal in kept {
            let Some(share) = rest.shares.iter().find(|share| share.proposal == proposal.number) else { continue };
            let mut part = changed(proposal, ProposalState::Approved, writing.now_us());
            (part.budget_line, part.committed_minor, part.currency) = (None, None, None);
            choose_as_ordered(&mut part, rest, policy);
            if let Some((budget, minor)) = rest.budget.as_ref().zip(share.budget_minor) {
                self.commit_budget(writing.connection(), &mut part, budget, (minor, true), actor).await?;
            }
            let detail = json!({ "share": share, "budget": rest.budget, "ticket": part.ticket });
            save_proposal(writing.connection(), &part, ("repriced", &detail), actor).await?;
        }
        Ok(())
    }
}

/// Proposals as the arithmetic wants them.
pub(super) fn wants_of(proposals: &[Proposal]) -> Vec<Want<'_>> {
    proposals.iter().map(want_of).collect()
}

pub(super) fn want_of(proposal: &Proposal) -> Want<'_> {
    Want { proposal: proposal.number, need: &proposal.facts.need, options: &proposal.options, outdated: Vec::new() }
}

/// Chooses the option that an order is, as it is ordered.
pub(super) fn choose_as_ordered(proposal: &mut Proposal, order: &Combined, policy: &PurchasePolicy) {
    let ordered = order.option_as_ordered(&want_of(proposal), policy);
    let place = proposal.options.options.iter().position(|option| option.offer.as_deref() == Some(&order.offer));
    if let Some((place, ordered)) = place.zip(ordered) {
        proposal.options.options[place] = ordered;
        proposal.chosen = i64::try_from(place + 1).ok();
    }
}

/// A budget line as it stands.
async fn book_of(read: &mut SqliteConnection, name: &str) -> Result<Option<Book>, ProposalError> {
    let kind = InventoryKind::Budget;
    let Some(stored) = load_record(read, kind.word(), name).await? else { return Ok(None) };
    let Record::Budget(line) = read_stored(kind, stored)? else { return Ok(None) };
    let standing = budget_standing(read, name).await?;
    Ok(Some(Book::new(name, &line).with(standing.committed_minor, standing.spent_minor)))
}

fn told_rest(before: &Combined, rest: &Combined, released_minor: i64) -> String {
    let money = |minor| Money::new(minor, rest.currency);
    let paid = |budget: &BudgetEffect| {
        let money = |minor| Money::new(minor, budget.currency);
        let (line, takes, before) = (&budget.line, money(budget.takes_minor), money(released_minor));
        format!(" It takes {takes} of the budget {line}, of which {before} were committed for the parts that are left.")
    };
    let paid = rest.budget.as_ref().map(paid).unwrap_or_default();
    format!(
        "Left of the order: {} × {} instead of {}, for {} instead of {} (present value), {}.{paid} If it has been placed, ask {} whether it can \
         be changed; what is paid is recorded with each delivery.",
        rest.quantity,
        rest.item,
        before.quantity,
        money(rest.npv_minor),
        money(before.npv_minor),
        if rest.quantity < before.quantity { "by the offer's price for so many" } else { "because fewer are not cheaper" },
        rest.supplier,
    )
}
