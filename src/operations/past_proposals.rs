//! Proposals as they were on a day of the past: worked out again by what had been measured, offered, planned and paid by then.
//!
//! What was decided by then is frozen with the decision and told as it is. What was open or put off has gone on since; its options are
//! made anew from the need of then. Policies are those of now, as in all of a report of the past.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::Setup;
use super::judging::{Standing, date_of, day_of};
use super::market::MarketData;
use super::proposal_rows::{Proposal, ProposalState};
use super::proposal_words::{order_by_of, title_of};
use super::rooms::{Place, Rooms};
use crate::purchase::{Market, Need, options};

/// Works out anew what was not decided, as a run on the morning after the last day would have.
pub(super) fn as_they_were(proposals: &mut [Proposal], standings: &[Standing], market: &MarketData, (setup, last_day): (&Setup, i64)) {
    let known: BTreeMap<&str, &Standing> = standings.iter().map(|standing| (standing.resource.as_str(), standing)).collect();
    let approved: Vec<Proposal> = proposals.iter().filter(|it| it.state == ProposalState::Approved).cloned().collect();
    let rules = setup.desk_rules();
    let mut rooms = Rooms::of_the_past(standings, &rules, &approved);
    let undecided = proposals.iter_mut().filter(|it| matches!(it.state, ProposalState::Open | ProposalState::Deferred));
    for proposal in undecided {
        let standing = known.get(proposal.resource.as_str()).copied();
        let then = |it| Some((it, Need { level: setup.capacity.level, ..need_then(&proposal.facts.need, it, date_of(last_day + 1))? }));
        let Some((standing, need)) = standing.and_then(then) else {
            continue;
        };
        let place = Place::of(&proposal.question, &proposal.facts.entity, &rules);
        let neighbours = rooms.next_to(&place, (&standing.resource, &standing.name));
        let offered = Market { offers: &market.offers, neighbours: &neighbours, books: &market.books, leads: &market.leads };
        match options(&need, offered, &setup.purchase) {
            Ok(made) => {
                if proposal.state == ProposalState::Open {
                    rooms.give(&proposal.question, &proposal.resource, &made);
                }
                let date = |day: Option<i64>| day.map(|day| date_of(day).to_string());
                proposal.order_by = order_by_of(&made).or_else(|| date(standing.order_by_day));
                let title = (standing.name.as_str(), standing.kind.as_str(), standing.status.word());
                proposal.title = title_of(title, date(standing.median_day).as_deref(), proposal.order_by.as_deref());
                proposal.facts.offers = market.versions_of(&made);
                (proposal.facts.need, proposal.options) = (need, made);
            }
            Err(error) => tracing::warn!(proposal = proposal.number, %error, "a proposal of the past cannot be worked out again"),
        }
    }
}

/// The need as it was; none where the resource had no limit or no use then.
fn need_then(now: &Need, standing: &Standing, today: Date) -> Option<Need> {
    let (used, limit, threshold) = (standing.used?, standing.limit?, standing.threshold?);
    let growth = standing.growth_per_day.unwrap_or(0.0);
    let date = |day: Option<i64>| day.map(date_of);
    Some(Need {
        today,
        used,
        limit,
        threshold,
        needed: standing.needed.unwrap_or(0.0),
        growth_per_day: growth,
        growth_per_day_fast: Need::fast_growth(growth, threshold - used, standing.lower_day.map(|lower| lower - day_of(today))),
        lower: date(standing.lower_day),
        median: date(standing.median_day),
        upper: date(standing.upper_day),
        chance: standing.chance.unwrap_or(0.0),
        agreed: now.agreed.clone().filter(|agreed| agreed.agreed_on < today),
        ..now.clone()
    })
}
