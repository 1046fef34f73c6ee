//! The kinds of documents that people write, and what checks each.

use std::ops::RangeInclusive;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::maintenance::MaintenanceWindow;
use super::report_schedule::ReportSchedule;
use crate::alert::Heartbeat;
use crate::assignment::{AssignmentPolicy, SkillRules};
use crate::capacity::CapacityPolicy;
use crate::clock::{DAY_US, SECOND_US};
use crate::desk::{Impact, PriorityMatrix};
use crate::document::{Complaint, duration_us, duration_us_within};
use crate::escalation::EscalationPolicy;
use crate::notify::Preferences;
use crate::on_call::Rota;
use crate::people::{Role, Team, User};
use crate::purchase::PurchasePolicy;
use crate::sla::{Calendar, SlaPolicy};

/// A service that the department offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// What it is.
    #[serde(default)]
    pub description: String,
    /// How much of the business stands on it: the impact of its tickets.
    #[serde(default = "medium")]
    pub criticality: Impact,
    /// The team that answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Who is called for it; without one that of the team, then that of the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation_policy: Option<String>,
    /// Hosts that it runs on; `web*` stands for every name that begins so.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Applications that it consists of, in the same way.
    #[serde(default)]
    pub apps: Vec<String>,
}

fn medium() -> Impact {
    Impact::Medium
}

/// Returns after which something may count as flapping: once is what any repair that does not hold looks like.
const FLAP_RETURNS: RangeInclusive<usize> = 2..=30;

/// The time within which returns are counted: what happened days ago says nothing of how something flaps.
const FLAP_WITHIN_US: RangeInclusive<i64> = 60 * SECOND_US..=DAY_US;

/// How the desk works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeskPolicy {
    /// Whether the desk gives tickets to people by itself.
    pub assign: bool,
    /// Whether the ticket of a problem that is over is resolved, if nobody has taken it up. Otherwise its history says so.
    pub resolve: bool,
    /// How long a problem has to be quiet to be over: what rules find, and what a program keeps ending and sending again. Such as `10m`.
    pub quiet_time: String,
    /// What comes back so often within `flap_within` is flapping: it is over after a longer quiet time only.
    pub flap_returns: usize,
    /// See `flap_returns`, such as `1h`.
    pub flap_within: String,
    /// What comes back sooner than this after it was resolved was not resolved, such as `24h`.
    pub reopen_within: String,
    /// What stays resolved for so long is closed, such as `7d`.
    pub close_after: String,
    /// The team that looks after what neither a service, an asset nor a skill rule gives to another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Who is called where neither service nor team says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalation_policy: Option<String>,
}

impl Default for DeskPolicy {
    fn default() -> Self {
        Self {
            assign: true,
            resolve: true,
            quiet_time: "10m".to_owned(),
            flap_returns: 5,
            flap_within: "1h".to_owned(),
            reopen_within: "24h".to_owned(),
            close_after: "7d".to_owned(),
            team: None,
            escalation_policy: None,
        }
    }
}

impl DeskPolicy {
    fn check(&self) -> Vec<Complaint> {
        let durations = [("quiet_time", &self.quiet_time), ("reopen_within", &self.reopen_within), ("close_after", &self.close_after)];
        let wrong = |(field, text): (&str, &String)| duration_us(text).err().map(|why| Complaint::new(field, why));
        let mut complaints: Vec<Complaint> = durations.into_iter().filter_map(wrong).collect();
        let flap_within = duration_us_within(&self.flap_within, FLAP_WITHIN_US);
        complaints.extend(flap_within.err().map(|why| Complaint::new("flap_within", why)));
        if !FLAP_RETURNS.contains(&self.flap_returns) {
            let why = format!("write {} to {}", FLAP_RETURNS.start(), FLAP_RETURNS.end());
            complaints.push(Complaint::new("flap_returns", why));
        }
        complaints
    }
}

/// A kind of document.
#[derive(Debug, Clone, Copy)]
pub struct DocumentKind {
    /// Its word in the API and the store.
    pub word: &'static str,
    /// What it is, in a line.
    pub description: &'static str,
    /// There is one of it, called `default`.
    pub is_single: bool,
    /// Who may change it.
    pub changed_by: Role,
    /// Reads a document and gives it as it is stored, or everything that is wrong with it.
    pub check: fn(&Value) -> Result<Value, Vec<Complaint>>,
}

const fn kind(
    word: &'static str,
    description: &'static str,
    changed_by: Role,
    check: fn(&Value) -> Result<Value, Vec<Complaint>>,
) -> DocumentKind {
    DocumentKind { word, description, is_single: false, changed_by, check }
}

const fn single(
    word: &'static str,
    description: &'static str,
    changed_by: Role,
    check: fn(&Value) -> Result<Value, Vec<Complaint>>,
) -> DocumentKind {
    DocumentKind { is_single: true, ..kind(word, description, changed_by, check) }
}

/// Every kind, in the order in which an export writes them: what others refer to comes first.
pub const KINDS: &[DocumentKind] = &[
    kind("team", "people who answer for something together", Role::Manager, |value| read(value, Team::check)),
    kind("user", "a person: role, teams, skills, hours, leave, how they are told", Role::Administrator, check_user),
    kind("calendar", "when time counts: zone, hours, holidays", Role::Manager, |value| read(value, Calendar::check)),
    single("sla_policy", "what is promised: response, update, resolution", Role::Manager, |value| read(value, SlaPolicy::check)),
    kind("rota", "who is on call when", Role::Lead, |value| read(value, Rota::check)),
    kind("escalation_policy", "who is called, and who next", Role::Lead, |value| read(value, EscalationPolicy::check)),
    kind("service", "what the department offers, and how critical it is", Role::Manager, |value| read::<Service>(value, |_| Vec::new())),
    single("priority_matrix", "impact and urgency make the priority", Role::Manager, |value| {
        read::<PriorityMatrix>(value, |matrix| matrix.complaint().map(|why| Complaint::new("", why)).into_iter().collect())
    }),
    single("assignment_policy", "who gets a ticket", Role::Manager, |value| read(value, AssignmentPolicy::check)),
    single("skill_rules", "what a ticket needs", Role::Manager, |value| read(value, SkillRules::check)),
    single("desk_policy", "how the desk works", Role::Manager, |value| read(value, DeskPolicy::check)),
    single("capacity_policy", "other limits, headroom and spares of resources", Role::Manager, |value| read(value, CapacityPolicy::check)),
    single("purchase_policy", "currency, rates, term and times of purchases", Role::Manager, |value| read(value, PurchasePolicy::check)),
    kind("report_schedule", "which report is made by itself, when, and for whom", Role::Manager, |value| {
        read(value, ReportSchedule::check)
    }),
    kind("maintenance", "when what is worked on, and is not to wake anybody", Role::Lead, |value| read(value, MaintenanceWindow::check)),
    kind("heartbeat", "what must report that it still runs", Role::Lead, |value| read(value, Heartbeat::check)),
];

/// The kind of that word.
pub fn kind_of(word: &str) -> Option<&'static DocumentKind> {
    KINDS.iter().find(|kind| kind.word == word)
}

fn read<T: Serialize + DeserializeOwned>(value: &Value, check: impl Fn(&T) -> Vec<Complaint>) -> Result<Value, Vec<Complaint>> {
    if !value.is_object() {
        return Err(vec![Complaint::new("", "it is no table of fields; write {\"field\": value, ...}")]);
    }
    let document: T = serde_json::from_value(value.clone()).map_err(|error| vec![Complaint::new("", error.to_string())])?;
    let complaints = check(&document);
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let mut stored = serde_json::to_value(&document).map_err(|error| vec![Complaint::new("", error.to_string())])?;
    drop_nulls(&mut stored);
    Ok(stored)
}

/// Takes out what says nothing: TOML, in which documents are exported, has no word for it.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(table) => {
            table.retain(|_, entry| !entry.is_null());
            table.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn check_user(value: &Value) -> Result<Value, Vec<Complaint>> {
    let mut stored = read::<User>(value, |user| {
        let mut complaints = user.check();
        match preferences_of(user) {
            Ok(preferences) => complaints.extend(preferences.check().into_iter().map(|it| it.below("notifications"))),
            Err(why) => complaints.push(Complaint::new("notifications", why)),
        }
        complaints
    })?;
    // The one part that is stored as it was sent: in an order that does not depend on who sent it, so that exports compare.
    if let Some(notifications) = stored.get_mut("notifications") {
        notifications.sort_all_objects();
    }
    Ok(stored)
}

/// How a person is told of things: what their document says, by mail to their address where it names no other way.
///
/// # Errors
/// What is wrong with `notifications`.
pub fn preferences_of(user: &User) -> Result<Preferences, String> {
    let mut document = match &user.notifications {
        Some(Value::Object(document)) => document.clone(),
        Some(_) => return Err("write a table with `contacts` and `rules`".to_owned()),
        None => serde_json::Map::new(),
    };
    document.entry("time_zone").or_insert_with(|| user.time_zone.clone().into());
    if let (None, Some(email)) = (document.get("contacts"), &user.email) {
        document.insert("contacts".to_owned(), serde_json::json!([{ "channel": "email", "address": email }]));
    }
    serde_json::from_value(Value::Object(document)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_refuses_what_it_does_not_know() {
        for kind in KINDS {
            let refused = (kind.check)(&json!({ "no_such_field": 1 })).unwrap_err();
            assert!(!refused.is_empty(), "{}", kind.word);
            assert!((kind.check)(&json!("text")).is_err() && (kind.check)(&json!([])).is_err(), "{}", kind.word);
        }
    }

    #[test]
    fn a_person_is_told_by_mail_unless_they_say_otherwise() {
        let user: User = serde_json::from_value(json!({ "display_name": "Ines", "email": "ines@example.org" })).unwrap();
        assert_eq!(preferences_of(&user).unwrap().contacts[0].address, "ines@example.org");
        let refused = check_user(&json!({ "display_name": "I", "notifications": { "contacts": [{ "channel": "email", "address": "" }] } }));
        assert!(refused.unwrap_err()[0].field.starts_with("notifications.contacts"));
    }
}
