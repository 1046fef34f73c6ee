//! Fills the capacity report: what crosses first, then what is too big or cannot be told.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::capacity::Capacity;
use super::capacity_days::CapacityError;
use super::capacity_report_parts::{DRAWN_DAYS, budgets, combined_orders, contracts, ordered_as_proposed, proposal, resource};
use super::capacity_rows::{StandingFilter, count_to_order};
use super::combined_orders::{CombinedOrders, orders_of};
use super::judging::{Standing, date_of, day_of};
use super::market::MarketData;
use super::past_proposals::as_they_were;
use super::proposal_rows::{Proposal, ProposalState, load_events, load_proposals_at};
use super::proposals::sheet_of;
use crate::capacity::{CapacityQuestion, Status};
use crate::clock::{DAY_US, HOUR_US, TimestampUs};
use crate::purchase::{Consumer, OptionKind, Options, PurchaseOption};
use crate::report;

/// Resources with a section of their own: a report that prints on two hundred pages is read by nobody.
const MOST_RESOURCES: usize = 60;
/// Resources of one status among them.
const MOST_OF_A_STATUS: usize = 30;
/// Proposals in the report, those to be decided first first.
const MOST_PROPOSALS: usize = 60;
/// Orders for several proposals in the report, those that were approved first.
const MOST_ORDERS: usize = 30;
/// What must be decided within so many days is told on the first page.
const SOON_DAYS: i64 = 14;

/// Whose resources come first.
const ORDER: [Status; 10] = [
    Status::OverThreshold,
    Status::Crosses,
    Status::LimitGone,
    Status::NotSeen,
    Status::NoLimit,
    Status::Oversized,
    Status::NotEnoughHistory,
    Status::BeyondHorizon,
    Status::Shrinking,
    Status::Steady,
];

/// The day of a report.
#[derive(Debug, Clone, Copy)]
struct Moment {
    /// Its last day.
    last_day: i64,
    /// Whether it is one of the past, and everything is to be worked out again.
    is_past: bool,
    /// What was decided and paid after this moment does not count.
    at_us: TimestampUs,
}

/// How all resources stood, in numbers, and those that are shown.
#[derive(Debug, Default)]
struct Overview {
    counts: BTreeMap<Status, usize>,
    to_order_soon: usize,
    /// Resource and question.
    shown: Vec<(String, String)>,
}

impl Overview {
    fn count(&self, statuses: &[Status]) -> usize {
        statuses.iter().filter_map(|status| self.counts.get(status)).sum()
    }
}

impl Capacity {
    /// The report as of the last run, or as it would have been on a day of the past: what had been measured, decided and paid by its end,
    /// judged by the policies and the assets of now. What was proposed and not decided then is worked out again by the offers, suppliers and
    /// budgets of then.
    ///
    /// # Errors
    /// The tables or the store cannot be read, or the day has not ended.
    pub async fn report(&self, site: &str, as_of: Option<Date>) -> Result<report::CapacityReport, CapacityError> {
        let moment = self.moment(as_of)?;
        let _one = if moment.is_past { Some(self.past.lock().await) } else { None };
        let setup = self.parts.register.setup();
        let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
        let mut active = load_proposals_at(&mut read, moment.at_us).await.map_err(CapacityError::Store)?;
        drop(read);
        let (mut overview, standings) = match moment.is_past {
            true => self.overview_of_the_past(moment.last_day).await?,
            false => (self.overview(moment.last_day).await?, Vec::new()),
        };
        let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
        let then_us = moment.is_past.then_some(moment.at_us);
        let market = MarketData::load_at(&mut read, then_us).await.map_err(CapacityError::Inventory)?;
        if moment.is_past {
            as_they_were(&mut active, &standings, &market, (&setup, moment.last_day));
            overview.to_order_soon = to_order_soon(&standings, &active, moment.last_day);
        }
        drop(standings);
        active.sort_by_key(|it| (it.state != ProposalState::Open, it.order_by.clone().unwrap_or("~".to_owned()), it.number));
        let open: Vec<&Proposal> = active.iter().filter(|proposal| proposal.state == ProposalState::Open).collect();
        let summary = report::Summary {
            resources: overview.counts.values().sum(),
            crossing_within_horizon: overview.count(&[Status::Crosses, Status::OverThreshold]),
            order_now: overview.to_order_soon,
            oversized: overview.count(&[Status::Oversized]),
            not_enough_history: overview.count(&[Status::NotEnoughHistory]),
            limit_gone: overview.count(&[Status::LimitGone]),
            not_seen: overview.count(&[Status::NotSeen]),
            proposals_open: open.len(),
            asked_minor: open.iter().filter_map(|it| asked_for(&it.options)).map(|option| option.cost.one_off_minor).sum(),
        };
        let budgets = budgets(&market, &open);
        let contracts = contracts(&mut read, (date_of(moment.last_day), then_us), setup.purchase.planning_horizon_days).await?;
        let orders = orders_of(&mut read, &active, &market, (&setup, moment.at_us)).await.map_err(CapacityError::Store)?;
        drop(read);
        let resources = self.resources_of(&overview.shown, moment, &active).await?;
        Ok(report::CapacityReport {
            site: site.to_owned(),
            as_of: date_of(moment.last_day),
            generated_at_us: self.parts.inventory.clock.now_us(),
            time_zone: "UTC".to_owned(),
            currency: setup.purchase.currency.code().to_owned(),
            planning_horizon_days: setup.purchase.planning_horizon_days,
            shown_of: (resources.len(), summary.resources),
            summary,
            resources,
            proposals: self.proposals_of(&active, &orders, (&market, moment)).await?,
            combined_orders_in_all: orders.approved.len() + orders.combined.len(),
            combined_orders: combined_orders(&orders).take(MOST_ORDERS).collect(),
            budgets,
            contracts,
            questions: self.parts.questions.current().read.iter().map(|question| asked(question)).collect(),
        })
    }

    fn moment(&self, as_of: Option<Date>) -> Result<Moment, CapacityError> {
        let yesterday = self.today() - 1;
        match as_of {
            None => Ok(Moment { last_day: yesterday, is_past: false, at_us: self.parts.inventory.clock.now_us() }),
            Some(day) if day_of(day) > yesterday => Err(CapacityError::NotYet { asked: day, last: date_of(yesterday) }),
            // A run an hour after its end would have said it.
            Some(day) => {
                let last_day = day_of(day);
                Ok(Moment { last_day, is_past: true, at_us: (last_day + 1) * DAY_US + HOUR_US })
            }
        }
    }

    async fn overview(&self, last_day: i64) -> Result<Overview, CapacityError> {
        let mut overview = Overview::default();
        for (word, count) in self.counts().await.map_err(CapacityError::Store)? {
            overview.counts.extend(Status::from_word(&word).zip(usize::try_from(count).ok()));
        }
        let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
        overview.to_order_soon =
            count_to_order(&mut read, last_day + SOON_DAYS, self.parts.inventory.clock.now_us()).await.map_err(CapacityError::Store)?;
        drop(read);
        for status in ORDER {
            let limit = MOST_OF_A_STATUS as u32;
            let filter = StandingFilter { status: Some(status.word().to_owned()), limit, ..StandingFilter::default() };
            overview.shown.extend(self.list(&filter).await.map_err(CapacityError::Store)?.into_iter().map(|it| (it.resource, it.question)));
        }
        overview.shown.truncate(MOST_RESOURCES);
        Ok(overview)
    }

    /// With how every resource stood.
    async fn overview_of_the_past(&self, last_day: i64) -> Result<(Overview, Vec<Standing>), CapacityError> {
        let mut standings = self.standings_until(last_day + 1).await?;
        standings.sort_by_cached_key(|it| (rank(it.status), it.order_by_day.unwrap_or(i64::MAX), it.resource.clone()));
        let mut overview = Overview::default();
        for standing in &standings {
            let count = overview.counts.entry(standing.status).or_insert(0);
            *count += 1;
            let is_shown = ORDER.contains(&standing.status) && *count <= MOST_OF_A_STATUS && overview.shown.len() < MOST_RESOURCES;
            if is_shown {
                overview.shown.push((standing.resource.clone(), standing.question.clone()));
            }
        }
        Ok((overview, standings))
    }

    async fn resources_of(
        &self,
        shown: &[(String, String)],
        moment: Moment,
        active: &[Proposal],
    ) -> Result<Vec<report::Resource>, CapacityError> {
        let purchase = &self.parts.register.setup().purchase;
        let until = moment.is_past.then_some(moment.last_day + 1);
        let (mut around, mut resources) = (BTreeMap::new(), Vec::new());
        for (id, question) in shown {
            let Some(detail) = self.detail_until((id, Some(question)), until, &mut around).await? else { continue };
            let drawn_from = moment.last_day - DRAWN_DAYS as i64;
            let extents = self.parts.days.extents(&detail.question, id, drawn_from).await?;
            // Those that the proposal was made with; they were asked for by the run.
            let proposed = active.iter().find(|proposal| proposal.resource == *id);
            let consumers: &[Consumer] = proposed.map_or(&[], |proposal| &proposal.facts.need.consumers);
            let mut told = resource(&detail, purchase, &extents, consumers);
            proposed.into_iter().for_each(|proposal| ordered_as_proposed(&mut told, proposal));
            resources.push(told);
        }
        resources.sort_by_key(|resource| (rank(resource.status), resource.order_by, resource.name.clone()));
        Ok(resources)
    }

    async fn proposals_of(
        &self,
        active: &[Proposal],
        orders: &CombinedOrders,
        (market, moment): (&MarketData, Moment),
    ) -> Result<Vec<report::Proposal>, CapacityError> {
        let setup = self.parts.register.setup();
        let mut told = Vec::new();
        for it in active.iter().take(MOST_PROPOSALS) {
            let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
            let mut events = load_events(&mut read, it.number).await.map_err(CapacityError::Store)?;
            events.retain(|event| event.at_us <= moment.at_us);
            let bought = it.options.options.iter().find(|option| option.feasible && option.kind.is_bought());
            let sheet = match bought.and_then(|option| option.offer.as_ref()).filter(|_| it.state == ProposalState::Open) {
                Some(offer) => sheet_of(&mut read, it, offer, market, &setup).await.ok(),
                None => None,
            };
            let order = orders.approved.iter().find(|order| Some(order.ticket) == it.ticket);
            told.push(proposal(it, &events, order, sheet.and_then(|sheet| serde_json::to_value(sheet).ok())));
        }
        Ok(told)
    }
}

/// How many resources had to be decided about soon, by the purchase that was proposed or else by the usual times.
fn to_order_soon(standings: &[Standing], active: &[Proposal], last_day: i64) -> usize {
    let is_soon = |standing: &&Standing| {
        let proposed = active.iter().find(|proposal| proposal.resource == standing.resource);
        // What was decided is not to be decided.
        let is_open = proposed.is_none_or(|proposal| proposal.state == ProposalState::Open);
        let by_proposal = proposed.and_then(|proposal| proposal.order_by.as_deref()?.parse::<Date>().ok()).map(day_of);
        let crosses = matches!(standing.status, Status::Crosses | Status::OverThreshold);
        crosses && is_open && by_proposal.or(standing.order_by_day).is_some_and(|day| day <= last_day + SOON_DAYS)
    };
    standings.iter().filter(is_soon).count()
}

/// The option that a proposal is about until somebody decides.
fn asked_for(options: &Options) -> Option<&PurchaseOption> {
    let doing = || options.options.iter().filter(|option| option.kind != OptionKind::DoNothing);
    doing().find(|option| option.feasible).or_else(|| doing().next())
}

fn rank(status: Status) -> usize {
    ORDER.iter().position(|it| *it == status).unwrap_or(ORDER.len())
}

fn asked(question: &CapacityQuestion) -> report::Question {
    report::Question {
        name: question.name.clone(),
        description: question.description.clone(),
        kind: question.kind.clone(),
        unit: question.unit.clone(),
        sql: question.sql.clone(),
        day_sql: question.day_sql(),
    }
}
