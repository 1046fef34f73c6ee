//! Makes proposals of what crosses, renews those that are open, and withdraws those that nobody needs any more.

use jiff::civil::Date;
use serde_json::json;
use sqlx::SqliteConnection;

use super::Setup;
use super::capacity_rows::{KnownStanding, load_standing};
use super::market::{MarketData, neighbours};
use super::proposal_rows::{Proposal, ProposalFacts, ProposalState, load_active, load_proposal, next_number, rests, save_proposal};
use super::proposal_words::{need_of, order_by_of, same_advice, title_of};
use super::proposals::{ProposalError, Proposals, changed};
use crate::capacity::Status;
use crate::desk::Actor;
use crate::inventory::Criticality;
use crate::purchase::{Consumer, Market, Options, options};
use crate::store::StoreError;

/// What a run says of a resource that crosses.
#[derive(Debug, Clone)]
pub(super) struct Crossing<'a> {
    pub(super) standing: &'a KnownStanding,
    /// What a day without it costs, in whole units of the policy's currency.
    pub(super) outage_cost_per_day: Option<u64>,
    /// What uses most of it.
    pub(super) consumers: Vec<Consumer>,
    /// The service that it works for.
    pub(super) service: Option<String>,
    /// How much hangs on its assets.
    pub(super) criticality: Option<Criticality>,
}

impl Proposals {
    /// Makes proposals of what crosses, renews those that are open, and withdraws those whose resource does not cross any more.
    pub(super) async fn refresh(&self, crossings: &[Crossing<'_>], setup: &Setup) -> Result<(), ProposalError> {
        let mut read = self.inventory.store.read().await?;
        let market = MarketData::load(&mut read).await?;
        let active = load_active(&mut read).await?;
        drop(read);
        let today = self.inventory.today();
        for crossing in crossings {
            let known = active.iter().find(|proposal| proposal.resource == crossing.standing.resource);
            if known.is_some_and(|known| known.state == ProposalState::Approved) {
                continue;
            }
            if let Err(error) = self.renew(crossing, known, &market, setup, today).await {
                tracing::warn!(resource = crossing.standing.name, %error, "no proposal can be made of a resource that crosses");
            }
        }
        for proposal in active.iter().filter(|it| it.state != ProposalState::Approved) {
            // What somebody put off stays put off, though it may not cross for a day.
            if !waits(proposal, today) && !crossings.iter().any(|crossing| crossing.standing.resource == proposal.resource) {
                self.withdraw_unneeded(proposal).await?;
            }
        }
        Ok(())
    }

    /// Withdraws a proposal unless its resource still crosses: there may be more of those than are proposed about at once, and a
    /// question that cannot be asked just now says nothing about its resources.
    async fn withdraw_unneeded(&self, proposal: &Proposal) -> Result<(), ProposalError> {
        let mut writing = self.desk.writing().await?;
        let now_us = writing.now_us();
        let standing = load_standing(writing.connection(), &proposal.resource).await?;
        let status = standing.as_ref().map(|standing| Status::from_word(&standing.status));
        let why = match status {
            Some(Some(Status::Crosses | Status::OverThreshold) | None) => None,
            Some(Some(Status::NotSeen)) => Some("the resource is not measured any more"),
            Some(Some(Status::LimitGone | Status::NoLimit)) => Some("the resource's limit is not known any more"),
            Some(Some(_)) => Some("the resource does not cross its threshold within the planning horizon any more"),
            None => Some("the resource is not looked at any more"),
        };
        if let Some(why) = why
            && is_unchanged(writing.connection(), proposal).await?
        {
            let withdrawn = changed(proposal, ProposalState::Withdrawn, now_us);
            save_proposal(writing.connection(), &withdrawn, ("withdrawn", &json!({ "why": why })), &Actor::desk()).await?;
        }
        writing.commit().await?;
        Ok(())
    }

    async fn renew(
        &self,
        crossing: &Crossing<'_>,
        known: Option<&Proposal>,
        market: &MarketData,
        setup: &Setup,
        today: Date,
    ) -> Result<(), ProposalError> {
        let need = need_of(crossing, setup, today)?;
        let mut read = self.inventory.store.read().await?;
        let standing = crossing.standing;
        let neighbours = neighbours(&mut read, &standing.resource, &standing.kind, &standing.unit).await?;
        drop(read);
        let offered = Market { offers: &market.offers, neighbours: &neighbours, books: &market.books, leads: &market.leads };
        let made = options(&need, offered, &setup.purchase)?;
        let order_by = order_by_of(&made).or_else(|| standing.order_by.clone());
        let named = made.options.iter().filter_map(|option| option.offer.as_ref());
        let facts = ProposalFacts {
            need,
            entity: standing.entity.clone(),
            offers: named.filter_map(|name| Some((name.clone(), *market.versions.get(name)?))).collect(),
            sql: "SELECT * FROM capacity_days WHERE resource = $resource ORDER BY day".to_owned(),
            parameters: json!({ "resource": standing.resource }),
        };
        let mut writing = self.desk.writing().await?;
        if let Some(event) = event_of(writing.connection(), known, (standing, &made, &facts, order_by.as_deref()), today).await? {
            let now_us = writing.now_us();
            let number = match known {
                Some(known) => known.number,
                None => next_number(writing.connection()).await?,
            };
            let proposal = Proposal {
                number,
                resource: standing.resource.clone(),
                question: standing.question.clone(),
                kind: standing.kind.clone(),
                title: title_of(standing, order_by.as_deref()),
                state: if event == RENEWED { ProposalState::Deferred } else { ProposalState::Open },
                order_by: order_by.clone(),
                facts,
                options: made,
                chosen: None,
                budget_line: None,
                committed_minor: None,
                currency: None,
                ticket: None,
                again_on: known.and_then(|known| known.again_on.clone()).filter(|_| event == RENEWED),
                opened_at_us: known.map_or(now_us, |known| known.opened_at_us),
                updated_at_us: now_us,
                version: known.map_or(0, |known| known.version) + 1,
            };
            let best = proposal.options.options.first().map(|option| option.title.clone());
            let detail =
                json!({ "order_by": order_by, "best": best, "lower": standing.lower, "median": standing.median, "upper": standing.upper });
            save_proposal(writing.connection(), &proposal, (event, &detail), &Actor::desk()).await?;
        }
        writing.commit().await?;
        Ok(())
    }
}

/// What happens to a proposal that would now be made so; `None` if nothing does.
async fn event_of(
    write: &mut SqliteConnection,
    known: Option<&Proposal>,
    (standing, made, facts, order_by): (&KnownStanding, &Options, &ProposalFacts, Option<&str>),
    today: Date,
) -> Result<Option<&'static str>, StoreError> {
    Ok(match known {
        // Somebody has decided while this was worked out: that holds, and the next run sees it.
        Some(known) if !is_unchanged(write, known).await? => None,
        Some(known) if known.state == ProposalState::Deferred && !waits(known, today) => Some("reopened"),
        Some(known) if same_advice(known, made, order_by) && known.facts.offers == facts.offers => None,
        Some(known) if known.state == ProposalState::Deferred => Some(RENEWED),
        Some(_) => Some("changed"),
        None if rests(write, &standing.resource, crate::clock::DAY_US * super::day_of(today)).await? => None,
        None => Some("opened"),
    })
}

/// What happens to a proposal that is put off and would be another by now.
const RENEWED: &str = "renewed";

/// Whether somebody put it off, and the day has not come.
fn waits(proposal: &Proposal, today: Date) -> bool {
    let is_later = |day: &str| day > today.to_string().as_str();
    proposal.state == ProposalState::Deferred && proposal.again_on.as_deref().is_some_and(is_later)
}

/// Whether a proposal is still as it was read.
async fn is_unchanged(write: &mut SqliteConnection, known: &Proposal) -> Result<bool, StoreError> {
    Ok(load_proposal(write, known.number).await?.is_some_and(|now| now.version == known.version))
}
