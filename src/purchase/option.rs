//! One way to meet a need.

use serde::{Deserialize, Serialize};

use super::budget::BudgetEffect;
use super::delivery::Schedule;
use super::need::{LastsUntil, Need};
use super::price::Cost;
use super::term::Term;
use super::unit::shown;
use crate::forecast::upper_tail;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// Capacity is bought beside what there is.
    Add,
    /// What there is is replaced by something larger.
    Replace,
    /// Load goes to another resource that has room.
    MoveLoad,
    /// The largest consumers are cleaned up.
    CleanUp,
    /// Capacity of a resource that is too large is used here.
    Reuse,
    /// Nothing.
    DoNothing,
}

impl OptionKind {
    /// Whether something is ordered.
    pub fn is_bought(self) -> bool {
        matches!(self, Self::Add | Self::Replace)
    }
}

/// What a purchase is called.
pub(super) fn bought_title(kind: OptionKind, quantity: u32, item: &str, supplier: &str, offer: &str) -> String {
    let verb = if kind == OptionKind::Replace { "Replace by" } else { "Add" };
    format!("{verb} {quantity} × {item} of {supplier} ({offer})")
}

/// One way to meet a need, with every number that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PurchaseOption {
    /// What is done.
    pub kind: OptionKind,
    /// The same in words.
    pub title: String,
    /// Name of the offer.
    pub offer: Option<String>,
    /// What the offer is for, as its price history names it.
    pub item: Option<String>,
    /// Who sells it.
    pub supplier: Option<String>,
    /// The resource that load goes to or capacity comes from.
    pub other_resource: Option<String>,
    /// Pieces; 0 where nothing is bought.
    pub quantity: u32,
    /// Pieces that the need alone asks for; less than `quantity` where fewer are not sold, or more are cheaper.
    pub smallest_quantity: u32,
    /// Capacity gained, or the capacity whose place freed load takes, in `unit`.
    pub capacity_gained: f64,
    /// What of the gain will be used within the term at the median growth; what is needed at least.
    pub capacity_used: f64,
    /// The need's unit.
    pub unit: String,
    /// When.
    pub schedule: Schedule,
    /// For how much.
    pub cost: Cost,
    /// Out of which budget line; none where nothing is paid or no line is for it.
    pub budget: Option<BudgetEffect>,
    /// Until when it is enough.
    pub lasts_until: LastsUntil,
    /// What an outage may cost that this option leaves open: the chance that the threshold is crossed before it helps, times what
    /// the outage costs until then. In minor units of the policy's currency; none where no cost of an outage is known.
    pub risk_minor: Option<i64>,
    /// Whether it gains what is needed.
    pub covers_need: bool,
    /// Whether it is within budget.
    pub in_budget: bool,
    /// Whether it covers the need, in time and within budget, and nothing else stands against it.
    pub feasible: bool,
    /// What stands against it, in sentences.
    pub against: Vec<String>,
    /// Why it has this place in the order.
    pub why_here: String,
    /// Every number of its arithmetic.
    pub terms: Vec<Term>,
}

impl PurchaseOption {
    /// Finishes the judgement: what stands against it beside what is listed already.
    pub(super) fn judged(mut self, need: &Need) -> Self {
        if !self.covers_need {
            let (gained, needed) = (shown(self.capacity_gained.max(0.0), &need.unit), shown(need.needed, &need.unit));
            self.against.push(format!("it gains {gained} of the {needed} that are needed"));
        }
        if let (false, Some(order_by)) = (self.schedule.in_time, self.schedule.order_by) {
            let chance = self.schedule.chance_too_late * 100.0;
            let arrives = self.schedule.arrives_on;
            let why =
                format!("it had to be decided by {order_by} and arrives on {arrives}: the chance that this is too late is {chance:.0} %");
            self.against.push(why);
        }
        self.feasible = self.against.is_empty() && self.covers_need && self.in_budget && self.schedule.in_time;
        self
    }
}

/// The terms of a need that every option rests on.
pub(super) fn need_terms(need: &Need) -> Vec<Term> {
    let amount = |name, value: f64, text: &str| Term::new(name, value, &need.unit, format!("{}: {text}", shown(value, &need.unit)));
    vec![
        amount("used", need.used, "in use today"),
        amount("limit", need.limit, "what there is"),
        amount("threshold", need.threshold, "how much of it may be used"),
        amount(
            "needed",
            need.needed,
            &format!(
                "capacity to be added so that the threshold holds to the end of the planning horizon in {} of the futures",
                upper_tail(need.level)
            ),
        ),
    ]
}
