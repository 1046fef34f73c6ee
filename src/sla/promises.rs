//! What a policy means: the rules in order, with their calendars laid out.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::history::Facts;
use super::opening_hours::OpeningHours;
use super::timeline::Phase;
use crate::record::{Hold, Priority, TicketKind};

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promise {
    /// The first response.
    Response,
    /// No longer silence than this.
    Update,
    /// The resolution.
    Resolution,
    /// What the supplier has promised us.
    Supplier,
}

impl Promise {
    /// All of them, in the order of a ticket's life.
    pub const ALL: [Self; 4] = [Self::Response, Self::Update, Self::Resolution, Self::Supplier];

    /// The word for it, as in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Update => "update",
            Self::Resolution => "resolution",
            Self::Supplier => "supplier",
        }
    }
}

/// How much business time there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) target_us: i64,
    /// After so much of it comes the warning.
    pub(super) warn_us: i64,
    pub(super) hours: Arc<OpeningHours>,
}

/// A rule, resolved.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) priorities: Vec<Priority>,
    pub(super) services: Vec<String>,
    pub(super) kinds: Vec<TicketKind>,
    pub(super) response: Option<Target>,
    pub(super) update: Option<Target>,
    pub(super) resolution: Option<Target>,
    pub(super) supplier: Option<Target>,
    pub(super) pauses_in: Vec<Hold>,
}

impl Rule {
    fn fits(&self, facts: Facts<'_>) -> bool {
        let service_fits = || facts.service.is_some_and(|service| self.services.iter().any(|of_rule| of_rule == service));
        (self.kinds.is_empty() || self.kinds.contains(&facts.kind))
            && (self.priorities.is_empty() || self.priorities.contains(&facts.priority))
            && (self.services.is_empty() || service_fits())
    }

    pub(super) fn target(&self, promise: Promise) -> Option<&Target> {
        match promise {
            Promise::Response => self.response.as_ref(),
            Promise::Update => self.update.as_ref(),
            Promise::Resolution => self.resolution.as_ref(),
            Promise::Supplier => self.supplier.as_ref(),
        }
    }

    /// Whether a promise's clock runs in a phase.
    pub(super) fn runs(&self, promise: Promise, phase: Phase) -> bool {
        match (promise, phase) {
            (Promise::Supplier, phase) => phase == Phase::OnHold(Some(Hold::Supplier)),
            (_, Phase::OnHold(Some(reason))) => !self.pauses_in.contains(&reason),
            (_, phase) => phase.is_open(),
        }
    }
}

/// A policy with its calendars, ready to be asked. Made by [`SlaPolicy::resolve`](super::SlaPolicy::resolve); cheap to clone
/// in the parts that weigh.
#[derive(Debug, Clone, Default)]
pub struct Promises {
    rules: Vec<Rule>,
}

impl Promises {
    /// Whether nothing is promised to anybody.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(super) fn new(rules: Vec<Rule>) -> Self {
        Self { rules }
    }

    /// The first rule that fits.
    pub(super) fn rule_for(&self, facts: Facts<'_>) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.fits(facts))
    }

    /// Name of the rule that holds for a ticket of this kind, priority and service.
    pub fn rule_name(&self, kind: TicketKind, priority: Priority, service: Option<&str>) -> Option<&str> {
        self.rule_for(Facts { kind, priority, service }).map(|rule| rule.name.as_str())
    }
}
