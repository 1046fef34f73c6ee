//! The document of a policy: which promises are made for which tickets.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Calendars;
use super::promises::{Promises, Rule, Target};
use super::written_time::business_time_us;
use crate::document::{Complaint, excerpt};
use crate::record::{Hold, Priority, TicketKind};

/// A rule for each priority, kind and a dozen services; lists longer than this are generated, and no human reviews them.
const MAX_RULES: usize = 256;
/// Services that one rule may name.
const MAX_SERVICES: usize = 1_000;

/// Service level agreements: the first rule that fits a ticket is the one that holds. No rule, no promise.
///
/// ```toml
/// [[rules]]
/// name = "urgent"
/// priority = ["P1", "P2"]
/// calendar = "always"
/// first_response = "15m"
/// resolution = "4h"
/// pauses_in = ["user", "supplier"]
/// ola = "2h"
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlaPolicy {
    /// In the order in which they are tried.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<SlaRule>,
}

/// Promises for some tickets. Lengths of time are business time of the calendar, such as `15m`, `4h` or `1h30m`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlaRule {
    /// What people know it by; each name once.
    pub name: String,
    /// Priorities `P1` to `P5` that it is for; all if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub priority: Vec<String>,
    /// Services that it is for; if there are none, all, and tickets without a service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service: Vec<String>,
    /// Kinds of ticket that it is for; all if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kind: Vec<TicketKind>,
    /// Name of the calendar whose hours count.
    pub calendar: String,
    /// Until somebody writes to the user, acknowledges, or begins to work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_response: Option<String>,
    /// The longest silence towards the user while the ticket is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update: Option<String>,
    /// Until it is resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// Reasons of being on hold that stop these three clocks.
    #[serde(default = "user")]
    pub pauses_in: Vec<Hold>,
    /// What the supplier has promised us (an operational level agreement, or an underpinning contract): its clock runs while the
    /// ticket is on hold for a supplier, and only then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ola: Option<String>,
    /// The supplier's calendar; ours if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ola_calendar: Option<String>,
    /// The share of the time after which a warning is given, 1 to 99.
    #[serde(default = "three_quarters")]
    pub warn_at_percent: u8,
}

fn user() -> Vec<Hold> {
    vec![Hold::User]
}

fn three_quarters() -> u8 {
    75
}

impl SlaRule {
    /// A rule for every ticket that promises nothing yet.
    pub fn new(name: impl Into<String>, calendar: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            priority: Vec::new(),
            service: Vec::new(),
            kind: Vec::new(),
            calendar: calendar.into(),
            first_response: None,
            update: None,
            resolution: None,
            pauses_in: user(),
            ola: None,
            ola_calendar: None,
            warn_at_percent: three_quarters(),
        }
    }
}

impl SlaPolicy {
    /// What is wrong with it, apart from names of calendars, which [`SlaPolicy::resolve`] looks at.
    pub fn check(&self) -> Vec<Complaint> {
        if self.rules.len() > MAX_RULES {
            return vec![Complaint::new("rules", format!("{} of them; write at most {MAX_RULES}", self.rules.len()))];
        }
        let (mut complaints, mut names) = (Vec::new(), BTreeSet::new());
        for (index, rule) in self.rules.iter().enumerate() {
            let mut wrong = rule.check();
            if !names.insert(rule.name.as_str()) {
                wrong.push(Complaint::new("name", format!("`{}` stands twice; give each rule a name of its own", excerpt(&rule.name))));
            }
            complaints.extend(wrong.into_iter().map(|complaint| complaint.below(&format!("rules[{index}]"))));
        }
        complaints
    }

    /// What it means with these calendars.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn resolve(&self, calendars: &Calendars) -> Result<Promises, Vec<Complaint>> {
        let mut complaints = self.check();
        let (mut rules, read) = (Vec::new(), self.rules.iter().take(MAX_RULES).enumerate());
        for (index, rule) in read {
            match rule.resolve(calendars) {
                Ok(rule) => rules.push(rule),
                Err(wrong) => complaints.extend(wrong.into_iter().map(|complaint| complaint.below(&format!("rules[{index}]")))),
            }
        }
        if complaints.is_empty() { Ok(Promises::new(rules)) } else { Err(complaints) }
    }
}

impl SlaRule {
    fn check(&self) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let mut complain = |field: &str, why: String| complaints.push(Complaint::new(field, why));
        if self.name.trim().is_empty() || self.name.chars().count() > 100 {
            complain("name", "a rule's name has 1 to 100 characters; people read it in warnings and reports".to_owned());
        }
        for (index, priority) in self.priority.iter().enumerate() {
            // The excerpt of a priority is the priority, and the complaint repeats what is read.
            if let Err(why) = excerpt(priority).parse::<Priority>() {
                complain(&format!("priority[{index}]"), why);
            }
        }
        if self.service.len() > MAX_SERVICES {
            complain("service", format!("{} services; write at most {MAX_SERVICES}, or none for all", self.service.len()));
        }
        if !(1..=99).contains(&self.warn_at_percent) {
            complain("warn_at_percent", format!("{} is out of range; write 1 to 99, such as 75", self.warn_at_percent));
        }
        let targets =
            [("first_response", &self.first_response), ("update", &self.update), ("resolution", &self.resolution), ("ola", &self.ola)];
        for (field, text) in targets {
            if let Some(Err(why)) = text.as_deref().map(business_time_us) {
                complain(field, why);
            }
        }
        if self.ola_calendar.is_some() && self.ola.is_none() {
            complain(
                "ola_calendar",
                "there is no ola that it would count for; write how long the supplier may take, such as ola = \"8h\"".to_owned(),
            );
        }
        complaints
    }

    fn resolve(&self, calendars: &Calendars) -> Result<Rule, Vec<Complaint>> {
        let mut complaints = Vec::new();
        let mut hours_of = |field: &str, name: &str| {
            let found = calendars.get(name).cloned();
            if found.is_none() {
                let known: Vec<String> = calendars.names().map(excerpt).collect();
                let why = format!("there is no calendar `{}`; write one of: {}", excerpt(name), known.join(", "));
                complaints.push(Complaint::new(field, why));
            }
            found
        };
        let ours = hours_of("calendar", &self.calendar);
        let theirs = self.ola_calendar.as_ref().map_or_else(|| ours.clone(), |name| hours_of("ola_calendar", name));
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return Err(complaints) };
        // A length of time that is wrong has its complaint from `check`, and nothing that has one is ever used.
        let length = |text: &Option<String>| text.as_deref().and_then(|text| business_time_us(text).ok());
        let warn_percent = i64::from(self.warn_at_percent);
        let target =
            |text| length(text).map(|target_us| Target { target_us, warn_us: target_us / 100 * warn_percent, hours: ours.clone() });
        Ok(Rule {
            name: self.name.clone(),
            // What is no priority has its complaint from `check` too.
            priorities: self.priority.iter().filter_map(|word| word.parse().ok()).collect(),
            services: self.service.clone(),
            kinds: self.kind.clone(),
            response: target(&self.first_response),
            update: target(&self.update),
            resolution: target(&self.resolution),
            supplier: target(&self.ola).map(|target| Target { hours: theirs, ..target }),
            pauses_in: self.pauses_in.clone(),
        })
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
