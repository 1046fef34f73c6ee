//! Fills the capacity report: what crosses first, then what is too big or cannot be told.

use jiff::civil::Date;

use super::capacity::{Capacity, ResourceDetail};
use super::capacity_days::CapacityError;
use super::capacity_rows::{KnownStanding, StandingFilter};
use super::inventory::read_stored;
use super::judging::{Standing, date_of, day_of};
use super::proposal_rows::{Proposal, ProposalState, load_active};
use super::{InventoryError, budget_standing};
use crate::capacity::Status;
use crate::clock::DAY_US;
use crate::inventory::{InventoryKind, Record};
use crate::purchase::PurchaseOption;
use crate::report;
use crate::store::{StoreError, load_records};

/// Resources with a section of their own: a report that prints on two hundred pages is read by nobody.
const MOST_RESOURCES: usize = 60;
/// Resources of one status among them.
const MOST_OF_A_STATUS: u32 = 30;
/// Days of history that are drawn.
const DRAWN_DAYS: usize = 400;
/// Days a month has in the mean.
const DAYS_A_MONTH: f64 = 365.25 / 12.0;

/// Whose resources come first.
const ORDER: [Status; 8] = [
    Status::OverThreshold,
    Status::Crosses,
    Status::LimitGone,
    Status::Oversized,
    Status::NotEnoughHistory,
    Status::BeyondHorizon,
    Status::Shrinking,
    Status::Steady,
];

impl Capacity {
    /// The report as of the last run, or as it would have been on a day of the past: what had been measured by then, judged by the
    /// policies of now.
    ///
    /// # Errors
    /// The tables or the store cannot be read.
    pub async fn report(&self, site: &str, as_of: Option<Date>) -> Result<report::CapacityReport, CapacityError> {
        let setup = self.parts.register.setup();
        let last = as_of.map(day_of);
        let mut chosen = Vec::new();
        for status in ORDER {
            let filter = StandingFilter { status: Some(status.word().to_owned()), limit: MOST_OF_A_STATUS, ..StandingFilter::default() };
            chosen.extend(self.list(&filter).await.map_err(CapacityError::Store)?);
        }
        let mut resources = Vec::new();
        for standing in chosen.iter().take(MOST_RESOURCES) {
            if let Some(detail) = self.detail_until(&standing.resource, last).await? {
                resources.push(resource(&detail, standing));
            }
        }
        resources.sort_by_key(|resource| (rank(resource.status), resource.order_by, resource.name.clone()));
        let counts = self.counts().await.map_err(CapacityError::Store)?;
        let all: i64 = counts.iter().map(|(_, count)| count).sum();
        let mut read = self.parts.inventory.store.read().await.map_err(CapacityError::Store)?;
        let active = load_active(&mut read).await.map_err(CapacityError::Store)?;
        let today = last.unwrap_or_else(|| self.today() - 1);
        let count = |status: &[Status]| {
            counts.iter().filter(|(word, _)| status.iter().any(|it| it.word() == word)).map(|(_, count)| *count as usize).sum()
        };
        let soon = date_of(today + 14);
        let open: Vec<&Proposal> = active.iter().filter(|proposal| proposal.state == ProposalState::Open).collect();
        let summary = report::Summary {
            resources: usize::try_from(all).unwrap_or(0),
            crossing_within_horizon: count(&[Status::Crosses, Status::OverThreshold]),
            order_now: resources.iter().filter(|it| it.order_by.is_some_and(|day| day <= soon)).count(),
            oversized: count(&[Status::Oversized]),
            not_enough_history: count(&[Status::NotEnoughHistory]),
            limit_gone: count(&[Status::LimitGone]),
            proposals_open: open.len(),
            asked_minor: open.iter().filter_map(|it| it.options.options.first()).map(|best| best.cost.one_off_minor).sum(),
        };
        let budgets = budgets(&mut read, &open).await?;
        let contracts = contracts(&mut read, date_of(today), setup.purchase.planning_horizon_days).await?;
        let questions = self.parts.questions.current();
        let shown = resources.len();
        Ok(report::CapacityReport {
            site: site.to_owned(),
            as_of: date_of(today),
            generated_at_us: self.parts.inventory.clock.now_us(),
            time_zone: "UTC".to_owned(),
            currency: setup.purchase.currency.code().to_owned(),
            planning_horizon_days: setup.purchase.planning_horizon_days,
            summary,
            resources,
            proposals: active.iter().map(proposal).collect(),
            budgets,
            contracts,
            questions: questions
                .read
                .iter()
                .map(|question| report::Question {
                    name: question.name.clone(),
                    description: question.description.clone(),
                    kind: question.kind.clone(),
                    unit: question.unit.clone(),
                    sql: question.sql.clone(),
                    day_sql: question.day_sql(),
                })
                .collect(),
            shown_of: (shown, usize::try_from(all).unwrap_or(shown)),
        })
    }
}

fn rank(status: Status) -> usize {
    ORDER.iter().position(|it| *it == status).unwrap_or(ORDER.len())
}

fn resource(detail: &ResourceDetail, known: &KnownStanding) -> report::Resource {
    let standing = &detail.judged.standing;
    let first = detail.days.first().map_or(0, |day| day.day);
    let drawn = detail.days.len().saturating_sub(DRAWN_DAYS);
    let finite = |value: f64| value.is_finite().then_some(value);
    let backtest: Vec<report::Statement> = detail
        .judged
        .forecast
        .iter()
        .flat_map(|made| &made.backtest)
        .map(|past| report::Statement {
            said_on: date_of(first + past.at as i64),
            about: date_of(first + (past.at + past.days) as i64),
            mean: past.mean,
            lower: past.lower,
            upper: past.upper,
            actual: finite(past.actual),
        })
        .collect();
    let held = |it: &&report::Statement| it.actual.is_some_and(|actual| (it.lower..=it.upper).contains(&actual));
    report::Resource {
        id: standing.resource.clone(),
        question: standing.question.clone(),
        kind: standing.kind.clone(),
        entity: standing.entity.clone(),
        name: standing.name.clone(),
        unit: standing.unit.clone(),
        status: standing.status,
        used: standing.used.unwrap_or(0.0),
        limit: standing.limit,
        threshold: standing.threshold,
        headroom_text: standing.headroom.clone(),
        limit_source: standing.limit_source,
        growth_per_month: standing.growth_per_day.map(|growth| growth * DAYS_A_MONTH),
        crossing: standing.chance.map(|chance| report::Crossing {
            lower: standing.lower_day.map(date_of),
            median: standing.median_day.map(date_of),
            upper: standing.upper_day.map(date_of),
            chance,
        }),
        order_by: standing.order_by_day.map(date_of),
        order_by_terms: order_by_terms(standing),
        needed: standing.needed,
        history: detail.days[drawn..]
            .iter()
            .map(|day| report::HistoryDay { day: date_of(day.day), value: finite(day.value), low: None, high: None, limit: day.limit })
            .collect(),
        fan: detail
            .judged
            .outlook
            .iter()
            .map(|day| report::FanDay {
                day: date_of(standing.last_day + day.ahead as i64),
                lower: day.lower,
                median: day.median,
                upper: day.upper,
            })
            .collect(),
        backtest_covered: (backtest.iter().filter(held).count(), backtest.iter().filter(|it| it.actual.is_some()).count()),
        backtest,
        why: standing.why.clone(),
        sql: "SELECT * FROM capacity_days WHERE resource = $resource ORDER BY day".to_owned(),
        parameters: vec![("resource".to_owned(), known.resource.clone())],
        largest_consumers: Vec::new(),
    }
}

/// The arithmetic of the last day to decide.
fn order_by_terms(standing: &Standing) -> Vec<report::Term> {
    let lead = standing.lower_day.zip(standing.order_by_day).map(|(lower, order)| lower - order);
    let term =
        |name: &str, value: f64, unit: &str, text: String| report::Term { name: name.to_owned(), value, unit: unit.to_owned(), text };
    match (standing.lower_day, lead, standing.order_by_day) {
        (Some(lower), Some(lead), Some(order)) => vec![
            term(
                "lower",
                lower as f64,
                "days since 1970",
                format!("{}: before this day it is reached in 2.5 % of the futures", date_of(lower)),
            ),
            term("lead", lead as f64, "days", format!("{lead} days: approval, delivery and installation by the purchase policy")),
            term("order_by", order as f64, "days since 1970", format!("{}: the one less the other", date_of(order))),
        ],
        _ => Vec::new(),
    }
}

fn proposal(proposal: &Proposal) -> report::Proposal {
    report::Proposal {
        number: proposal.number,
        resource_id: proposal.resource.clone(),
        title: proposal.title.clone(),
        state: proposal.state.word().to_owned(),
        order_by: proposal.order_by.as_deref().and_then(|day| day.parse().ok()),
        options: proposal.options.options.iter().zip(1..).map(|(it, rank)| option(it, rank, &proposal.options.price_unit)).collect(),
        decision: (proposal.state != ProposalState::Open).then(|| report::Decision {
            what: proposal.state.word().to_owned(),
            by: String::new(),
            on: date_of(proposal.updated_at_us.div_euclid(DAY_US)),
            why: String::new(),
            option: proposal.chosen.and_then(|place| usize::try_from(place).ok()),
        }),
        ticket: proposal.ticket,
        sheet: None,
    }
}

fn option(option: &PurchaseOption, rank: usize, price_unit: &str) -> report::Option_ {
    let bought = option.kind.is_bought();
    let paid = |minor: i64| bought.then_some(minor);
    report::Option_ {
        rank,
        kind: serde_json::to_value(option.kind).ok().and_then(|kind| kind.as_str().map(str::to_owned)).unwrap_or_default(),
        title: option.title.clone(),
        supplier: option.supplier.clone(),
        quantity: bought.then_some(option.quantity),
        capacity_gained: Some(option.capacity_gained),
        one_off_minor: paid(option.cost.one_off_minor),
        running_minor_per_month: paid(option.cost.running_minor_per_month),
        npv_minor: paid(option.cost.npv_minor),
        cost_per_unit_month_minor: option.cost.per_used_unit_and_month_minor.filter(|_| bought),
        cost_unit: if bought { price_unit.to_owned() } else { String::new() },
        arrives_on: Some(option.schedule.arrives_on),
        in_time: option.schedule.in_time,
        late_chance: Some(option.schedule.chance_too_late),
        budget_line: option.budget.as_ref().map(|budget| budget.line.clone()),
        budget_left_minor: option.budget.as_ref().map(|budget| budget.left_before_minor),
        budget_left_after_minor: option.budget.as_ref().map(|budget| budget.left_after_minor),
        feasible: option.feasible,
        against: option.against.clone(),
        why_here: option.why_here.clone(),
        terms: option
            .terms
            .iter()
            .map(|term| report::Term { name: term.name.clone(), value: term.value, unit: term.unit.clone(), text: term.text.clone() })
            .collect(),
    }
}

async fn budgets(read: &mut sqlx::SqliteConnection, open: &[&Proposal]) -> Result<Vec<report::Budget>, CapacityError> {
    let mut budgets = Vec::new();
    let kind = InventoryKind::Budget;
    for stored in load_records(read, kind.word(), "", i64::MAX).await.map_err(CapacityError::Store)? {
        let name = stored.name.clone();
        let Record::Budget(line) = read_stored(kind, stored).map_err(CapacityError::Store)? else { continue };
        let standing = budget_standing(read, &name).await.map_err(CapacityError::Inventory)?;
        let asks = |proposal: &&&Proposal| {
            let best = proposal.options.options.first()?;
            best.budget.as_ref().filter(|budget| budget.line == name).map(|budget| budget.takes_minor)
        };
        budgets.push(report::Budget {
            year: line.year,
            currency: standing.currency.code().to_owned(),
            planned_minor: standing.planned_minor,
            committed_minor: standing.committed_minor,
            spent_minor: standing.spent_minor,
            left_minor: standing.left_minor,
            asked_minor: open.iter().filter_map(|proposal| asks(&proposal)).sum(),
            line: name,
        });
    }
    Ok(budgets)
}

async fn contracts(read: &mut sqlx::SqliteConnection, today: Date, horizon_days: u32) -> Result<Vec<report::Contract>, CapacityError> {
    let kind = InventoryKind::Contract;
    let mut contracts = Vec::new();
    for stored in load_records(read, kind.word(), "", i64::MAX).await.map_err(CapacityError::Store)? {
        let name = stored.name.clone();
        let read_one =
            |stored| read_stored(kind, stored).map_err(|error: StoreError| CapacityError::Inventory(InventoryError::Store(error)));
        let Record::Contract(contract) = read_one(stored)? else { continue };
        let Some(term) = contract.term_to_decide(today) else { continue };
        if day_of(term.notice_on) - day_of(today) > i64::from(horizon_days) {
            continue;
        }
        contracts.push(report::Contract {
            name,
            supplier: contract.supplier.clone(),
            ends_on: Some(term.ends_on),
            notice_on: Some(term.notice_on),
            auto_renews: contract.auto_renews,
            cost_minor: contract.cost_minor,
            cost_per: contract.cost_per.word().to_owned(),
            currency: contract.currency.code().to_owned(),
        });
    }
    contracts.sort_by_key(|contract| contract.notice_on);
    Ok(contracts)
}
