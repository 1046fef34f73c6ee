//! What a capacity report says: filled by the caller, written as JSON as it stands, and drawn by the other files of this room.
//!
//! Amounts of a resource are in its `unit`, money in minor units of the report's currency where no other is named. A share is a
//! number from 0 to 1.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use crate::capacity::{LimitSource, Status};

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CapacityReport {
    /// Name of the site.
    pub site: String,
    /// The day that the report is about: the last day of every history.
    pub as_of: Date,
    /// When it was made.
    pub generated_at_us: i64,
    /// IANA name of the zone whose days are meant.
    pub time_zone: String,
    /// ISO 4217 code of the amounts that name no other.
    pub currency: String,
    /// How far is planned.
    pub planning_horizon_days: u32,
    /// The report in numbers.
    pub summary: Summary,
    /// Each resource, the most urgent first.
    pub resources: Vec<Resource>,
    /// What could be done, the most urgent first.
    pub proposals: Vec<Proposal>,
    /// Orders for several proposals at once: those that would be cheaper, and those that were approved.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub combined_orders: Vec<CombinedOrder>,
    /// Orders for several proposals that there are, those that are not in `combined_orders` among them.
    #[serde(default)]
    pub combined_orders_in_all: usize,
    /// What there is to spend.
    pub budgets: Vec<Budget>,
    /// Contracts whose notice date lies within the planning horizon.
    pub contracts: Vec<Contract>,
    /// The questions that found the resources.
    pub questions: Vec<Question>,
    /// Resources in `resources`, and resources that there are.
    pub shown_of: (usize, usize),
}

/// Numbers of all resources, shown or not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Resources that there are.
    pub resources: usize,
    /// Those that reach their threshold within the planning horizon.
    pub crossing_within_horizon: usize,
    /// Those that must be ordered for within 14 days, or should have been.
    pub order_now: usize,
    /// Those that are too big.
    pub oversized: usize,
    /// Those of which nothing can be said yet.
    pub not_enough_history: usize,
    /// Those whose limit is not measured any more.
    pub limit_gone: usize,
    /// Those that are not measured any more.
    #[serde(default)]
    pub not_seen: usize,
    /// Proposals that wait for a decision.
    pub proposals_open: usize,
    /// What the option that each open proposal is about costs once, together: the best that can be carried out, else the first.
    pub asked_minor: i64,
}

/// Something that can run out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// The same on every machine and after every upgrade.
    pub id: String,
    /// Name of the question that found it.
    pub question: String,
    /// Its kind, such as `filesystem`.
    pub kind: String,
    /// What it is, as names and values in the order of the question.
    pub entity: Vec<(String, String)>,
    /// The same in one line.
    pub name: String,
    /// Unit of all its amounts.
    pub unit: String,
    /// How it stands.
    pub status: Status,
    /// In use on the last day.
    pub used: f64,
    /// What there is.
    pub limit: Option<f64>,
    /// What is not to be reached.
    pub threshold: Option<f64>,
    /// What stays free of the limit, and why.
    pub headroom_text: String,
    /// Where the limit comes from, if there is one.
    pub limit_source: Option<LimitSource>,
    /// How much more it is each month.
    pub growth_per_month: Option<f64>,
    /// When the threshold is reached, where a forecast was made.
    pub crossing: Option<Crossing>,
    /// The last day on which an order comes in time.
    pub order_by: Option<Date>,
    /// The arithmetic of that day.
    pub order_by_terms: Vec<Term>,
    /// Capacity to be added so that it lasts to the end of the planning horizon.
    pub needed: Option<f64>,
    /// The limit that would have been enough for the last quarter, with its headroom.
    #[serde(default)]
    pub enough: Option<f64>,
    /// The days until now.
    pub history: Vec<HistoryDay>,
    /// The days to come.
    pub fan: Vec<FanDay>,
    /// What was said earlier about days that have come since.
    pub backtest: Vec<Statement>,
    /// Of the statements that have come true or not: those whose interval held, and all.
    pub backtest_covered: (usize, usize),
    /// What speaks for all this, in sentences.
    pub why: Vec<String>,
    /// The query that gives the figures.
    pub sql: String,
    /// The query that gives the forecast's figures; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub forecast_sql: String,
    /// Parameters of the first, as names and values.
    pub parameters: Vec<(String, String)>,
    /// Who holds most of it, largest first.
    pub largest_consumers: Vec<(String, f64)>,
}

/// When a threshold is reached. A missing date is one beyond what was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crossing {
    /// It is reached before this day in the lower tail of the futures.
    pub lower: Option<Date>,
    /// The same for one half of them.
    pub median: Option<Date>,
    /// The same for all but the upper tail.
    pub upper: Option<Date>,
    /// The chance that it is reached within the days looked ahead.
    pub chance: f64,
    /// Share of futures between the first and the last: 0.95 leaves 2.5 % on either side.
    pub level: f64,
    /// Those days: the planning horizon, or fewer where the question says so.
    pub horizon_days: u32,
}

/// A day of the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryDay {
    /// The day.
    pub day: Date,
    /// What is forecast: the day's value after the question's basis.
    pub value: Option<f64>,
    /// The day's median.
    pub low: Option<f64>,
    /// The day's maximum.
    pub high: Option<f64>,
    /// The day's limit.
    pub limit: Option<f64>,
}

/// A day to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FanDay {
    /// The day.
    pub day: Date,
    /// Below it in the lower tail of the futures.
    pub lower: f64,
    /// Below it in one half of them.
    pub median: f64,
    /// Below it in all but the upper tail.
    pub upper: f64,
}

/// What was said on one day about a later one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The last day that was known.
    pub said_on: Date,
    /// The day that it is about.
    pub about: Date,
    /// The value that was expected.
    pub mean: f64,
    /// The lower end of its interval.
    pub lower: f64,
    /// The upper end.
    pub upper: f64,
    /// What came, where it was measured.
    pub actual: Option<f64>,
}

/// A number of an arithmetic, so that a person can do it again by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    /// Its name.
    pub name: String,
    /// The number. Money is in minor units.
    pub value: f64,
    /// Its unit; `EUR minor` for money.
    pub unit: String,
    /// The number in words, and how it was reached.
    pub text: String,
}

/// What could be done about a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its number.
    pub number: i64,
    /// The resource's id.
    pub resource_id: String,
    /// What it is about.
    pub title: String,
    /// `open`, or what was decided.
    pub state: String,
    /// The last day on which an order comes in time.
    pub order_by: Option<Date>,
    /// What can be done, the best first.
    pub options: Vec<Option_>,
    /// What was decided.
    pub decision: Option<Decision>,
    /// Number of the change's ticket.
    pub ticket: Option<i64>,
    /// What a buyer takes along.
    pub sheet: Option<serde_json::Value>,
}

/// One thing that can be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Option_ {
    /// Its place in the order, from 1.
    pub rank: usize,
    /// `add`, `replace`, `move_load`, `clean_up`, `reuse` or `do_nothing`.
    pub kind: String,
    /// What is done.
    pub title: String,
    /// From whom it is bought.
    pub supplier: Option<String>,
    /// Pieces.
    pub quantity: Option<u32>,
    /// Capacity gained, in the resource's unit.
    pub capacity_gained: Option<f64>,
    /// Paid once.
    pub one_off_minor: Option<i64>,
    /// Paid each month.
    pub running_minor_per_month: Option<i64>,
    /// Present value of all payments over the term.
    pub npv_minor: Option<i64>,
    /// Present value for a `cost_unit` of capacity and a month.
    pub cost_per_unit_month_minor: Option<f64>,
    /// The unit of capacity that the cost is told for, such as `TB`; empty where there is no cost.
    pub cost_unit: String,
    /// When it is ready.
    pub arrives_on: Option<Date>,
    /// Whether that is in time.
    pub in_time: bool,
    /// The chance that it is too late.
    pub late_chance: Option<f64>,
    /// The budget line that pays.
    pub budget_line: Option<String>,
    /// ISO 4217 code of its amounts; the report's if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_currency: Option<String>,
    /// What is left of it.
    pub budget_left_minor: Option<i64>,
    /// What would be left; negative where it is not enough.
    pub budget_left_after_minor: Option<i64>,
    /// Whether it can be done at all.
    pub feasible: bool,
    /// What speaks against it, in sentences.
    pub against: Vec<String>,
    /// Why it stands where it stands in the order.
    pub why_here: String,
    /// Its arithmetic.
    pub terms: Vec<Term>,
}

impl Option_ {
    /// The currency of the budget's amounts.
    pub fn budget_currency<'a>(&'a self, of_the_report: &'a str) -> &'a str {
        self.budget_currency.as_deref().unwrap_or(of_the_report)
    }
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// `approved`, `deferred` or `rejected`.
    pub what: String,
    /// By whom.
    pub by: String,
    /// When.
    pub on: Date,
    /// Why.
    pub why: String,
    /// Rank of the option that was taken.
    pub option: Option<usize>,
    /// The other proposals of the order, where it was one for several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together_with: Vec<i64>,
}

/// One order for several proposals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CombinedOrder {
    /// Name of the offer.
    pub offer: String,
    /// What it is.
    pub item: String,
    /// Who sells it.
    pub supplier: String,
    /// Pieces in all.
    pub quantity: u32,
    /// Paid once.
    pub one_off_minor: i64,
    /// Present value of all payments over the term.
    pub npv_minor: i64,
    /// What is saved against an order for each.
    pub saving_minor: i64,
    /// What the best option of each proposal costs, all together; none where one has none.
    #[serde(default)]
    pub best_options_npv_minor: Option<i64>,
    /// The last day on which the approval may begin for all of them.
    pub order_by: Option<Date>,
    /// The budget line that pays.
    pub budget_line: Option<String>,
    /// ISO 4217 code of its amounts.
    pub budget_currency: Option<String>,
    /// What it takes of it.
    pub budget_takes_minor: Option<i64>,
    /// What would be left, or was left then; negative where it is not enough.
    pub budget_left_after_minor: Option<i64>,
    /// What speaks against it, in sentences.
    pub against: Vec<String>,
    /// What each proposal has of it.
    pub parts: Vec<OrderPart>,
    /// What was decided; none while it is open.
    pub decision: Option<Decision>,
    /// Number of the change's ticket.
    pub ticket: Option<i64>,
    /// Its arithmetic.
    pub terms: Vec<Term>,
}

/// What a proposal has of an order for several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderPart {
    /// The proposal's number.
    pub proposal: i64,
    /// Name of its resource.
    pub resource: String,
    /// Its pieces.
    pub quantity: u32,
    /// Its share of the present value.
    pub npv_minor: i64,
    /// Its share of what is taken of the budget.
    pub budget_minor: Option<i64>,
    /// What has become of it: `open`, `approved`, `delivered`, `rejected`.
    pub state: String,
}

/// A line of a year's budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Its name.
    pub line: String,
    /// Its year.
    pub year: i16,
    /// ISO 4217 code of its amounts.
    pub currency: String,
    /// What was planned.
    pub planned_minor: i64,
    /// What is ordered and not paid.
    pub committed_minor: i64,
    /// What is paid.
    pub spent_minor: i64,
    /// What is left.
    pub left_minor: i64,
    /// What the open proposals ask of it.
    pub asked_minor: i64,
}

/// A contract that must be thought of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// Its name.
    pub name: String,
    /// With whom.
    pub supplier: String,
    /// Its last day.
    pub ends_on: Option<Date>,
    /// The last day on which notice can be given.
    pub notice_on: Option<Date>,
    /// Whether it goes on if nobody gives notice.
    pub auto_renews: bool,
    /// What it costs.
    pub cost_minor: i64,
    /// `month`, `quarter`, `year` or `once`.
    pub cost_per: String,
    /// ISO 4217 code of the cost.
    pub currency: String,
}

/// A question that found resources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub description: String,
    /// The kind of its resources.
    pub kind: String,
    /// The unit of its amounts.
    pub unit: String,
    /// As it is written.
    pub sql: String,
    /// The query that makes a row a day and resource of it.
    pub day_sql: String,
}
