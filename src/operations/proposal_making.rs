//! Makes proposals of what crosses, renews those that are open, and withdraws those that nobody needs any more.

use jiff::civil::Date;
use serde_json::json;
use sqlx::SqliteConnection;

use super::Setup;
use super::capacity_rows::{KnownStanding, load_standing};
use super::market::MarketData;
use super::proposal_rows::{
    Proposal, ProposalFacts, ProposalState, load_active, load_proposal, next_number, rests, save_figures, save_proposal,
};
use super::proposal_words::{need_of, order_by_of, same_advice, title_of};
use super::proposals::{ProposalError, Proposals, changed};
use super::rooms::{Place, Rooms};
use crate::capacity::Status;
use crate::desk::Actor;
use crate::inventory::Criticality;
use crate::purchase::{Consumer, Market, Need, Neighbour, Options, options};
use crate::store::StoreError;

/// What a run says of a resource that crosses.
#[derive(Debug, Clone)]
pub(super) struct Crossing<'a> {
    pub(super) standing: &'a KnownStanding,
    /// What a day without it costs, in whole units of the policy's currency.
    pub(super) outage_cost_per_day: Option<u64>,
    /// What uses most of it; as the proposal knows it if not given.
    pub(super) consumers: Option<Vec<Consumer>>,
    /// Days ahead from which it matters, where its question says so.
    pub(super) horizon_days: Option<u32>,
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
        let rules = setup.desk_rules();
        let mut rooms = Rooms::load(&mut read, &rules, &active).await?;
        drop(read);
        let today = self.inventory.today();
        for crossing in crossings {
            let known = active.iter().find(|proposal| proposal.resource == crossing.standing.resource);
            if known.is_some_and(|known| known.state == ProposalState::Approved) {
                continue;
            }
            let standing = crossing.standing;
            let neighbours = rooms.next_to(&Place::of(&standing.question, &standing.entity, &rules), (&standing.resource, &standing.name));
            match self.renew(crossing, known, (&market, &neighbours), setup, today).await {
                Ok(Some(made)) => rooms.give(&standing.question, &standing.resource, &made),
                // It rests, or somebody has put it off: others may have the room.
                Ok(None) => {}
                Err(error) => tracing::warn!(resource = standing.name, %error, "no proposal can be made of a resource that crosses"),
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
        (market, neighbours): (&MarketData, &[Neighbour]),
        setup: &Setup,
        today: Date,
    ) -> Result<Option<Options>, ProposalError> {
        let known_consumers = known.map(|known| &known.facts.need.consumers);
        let consumers = crossing.consumers.as_ref().or(known_consumers).cloned().unwrap_or_default();
        let agreed = known.and_then(|known| known.facts.need.agreed.clone());
        let need = Need { agreed, ..need_of(crossing, consumers, setup, today)? };
        let standing = crossing.standing;
        let offered = Market { offers: &market.offers, neighbours, books: &market.books, leads: &market.leads };
        let made = options(&need, offered, &setup.purchase)?;
        let order_by = order_by_of(&made).or_else(|| standing.order_by.clone());
        let facts = ProposalFacts {
            need,
            entity: standing.entity.clone(),
            offers: market.versions_of(&made),
            sql: "SELECT * FROM capacity_days WHERE resource = $resource ORDER BY day".to_owned(),
            parameters: json!({ "resource": standing.resource }),
        };
        let whose = (standing.name.as_str(), standing.kind.as_str(), standing.status.as_str());
        let title = title_of(whose, standing.median.as_deref(), order_by.as_deref());
        let mut writing = self.desk.writing().await?;
        let now_us = writing.now_us();
        let consequence = consequence_of(writing.connection(), known, (standing, &made, &facts, order_by.as_deref()), today).await?;
        match (consequence, known) {
            (Consequence::Event(event), _) => {
                let number = match known {
                    Some(known) => known.number,
                    None => next_number(writing.connection()).await?,
                };
                let proposal = Proposal {
                    number,
                    resource: standing.resource.clone(),
                    question: standing.question.clone(),
                    kind: standing.kind.clone(),
                    title,
                    state: if event == RENEWED { ProposalState::Deferred } else { ProposalState::Open },
                    order_by: order_by.clone(),
                    facts,
                    options: made.clone(),
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
                let detail = json!({
                    "order_by": order_by, "best": best, "lower": standing.lower, "median": standing.median, "upper": standing.upper,
                });
                save_proposal(writing.connection(), &proposal, (event, &detail), &Actor::desk()).await?;
            }
            (Consequence::Figures, Some(known)) if known.options != made || known.facts != facts || known.title != title => {
                save_figures(writing.connection(), known.number, &title, &facts, &made).await?;
            }
            (Consequence::Figures | Consequence::Nothing, _) => {}
        }
        writing.commit().await?;
        Ok(Some(made).filter(|_| is_open_after(consequence, known)))
    }
}

/// What comes of it that a proposal would now be made so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consequence {
    /// Nothing.
    Nothing,
    /// It says the same, with the figures of today: what is left of a budget, when something would arrive.
    Figures,
    /// Something that people are to know.
    Event(&'static str),
}

/// Whether a proposal waits for a decision then.
fn is_open_after(consequence: Consequence, known: Option<&Proposal>) -> bool {
    match consequence {
        Consequence::Event(event) => event != RENEWED,
        Consequence::Figures => known.is_some_and(|known| known.state == ProposalState::Open),
        Consequence::Nothing => false,
    }
}

async fn consequence_of(
    write: &mut SqliteConnection,
    known: Option<&Proposal>,
    (standing, made, facts, order_by): (&KnownStanding, &Options, &ProposalFacts, Option<&str>),
    today: Date,
) -> Result<Consequence, StoreError> {
    Ok(match known {
        // Somebody has decided while this was worked out: that holds, and the next run sees it.
        Some(known) if !is_unchanged(write, known).await? => Consequence::Nothing,
        Some(known) if known.state == ProposalState::Deferred && !waits(known, today) => Consequence::Event("reopened"),
        Some(known) if same_advice(known, made, order_by, today) && known.facts.offers == facts.offers => Consequence::Figures,
        Some(known) if known.state == ProposalState::Deferred => Consequence::Event(RENEWED),
        Some(_) => Consequence::Event("changed"),
        None if rests(write, &standing.resource, crate::clock::DAY_US * super::day_of(today)).await? => Consequence::Nothing,
        None => Consequence::Event("opened"),
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
