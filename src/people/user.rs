//! A person, as the document that describes them. The name stands beside the document, the password apart from it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::field::{Complaints, check_email, check_line};
use super::working_hours::{self, WorkingHours};
use super::{Leave, Role};
use crate::document::{Complaint, excerpt};

/// Longest name of a person, team or skill as it is shown, in characters: what a column of a list can hold.
pub(super) const MAX_SHOWN_CHARS: usize = 100;

/// Teams of one person: more than an IT department has.
const MAX_TEAMS: usize = 50;
/// Skills of one person. Assignment walks them for each ticket.
const MAX_SKILLS: usize = 100;
/// Leave entries: some years of them, a week each.
const MAX_LEAVE: usize = 200;

/// The weight of open work that a person can carry, if nothing else is said: ten tickets of middle weight two.
const DEFAULT_CAPACITY: u32 = 20;
/// More than this is a slip of the finger: it would draw every ticket to one person.
const MAX_CAPACITY: u32 = 1_000;

/// A person of the desk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct User {
    /// The name to show, such as `Anna Huber`.
    pub display_name: String,
    /// Where mail reaches them, and what mail from them is known by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// Whether they are kept out: no login, no token, no work.
    pub disabled: bool,
    /// Weight of open work that they can carry. 0: give them none.
    pub capacity: u32,
    /// Where their clock stands: a name of the tz database, such as `Europe/Vienna`.
    pub time_zone: String,
    /// Names of the teams that they belong to.
    pub teams: Vec<String>,
    /// What they know, and how well: 1 (has seen it done) to 5 (the one who is asked).
    pub skills: BTreeMap<String, u8>,
    /// When they work, by their clock: a list such as `["08:00-12:00", "13:00-17:00"]` for each day. Empty: none known.
    pub working_hours: WorkingHours,
    /// When they are away.
    pub leave: Vec<Leave>,
    /// How they are told of what happens: ways to reach them and rules. Another room reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notifications: Option<serde_json::Value>,
}

impl Default for User {
    fn default() -> Self {
        Self {
            display_name: String::new(),
            email: None,
            role: Role::default(),
            disabled: false,
            capacity: DEFAULT_CAPACITY,
            time_zone: "UTC".to_owned(),
            teams: Vec::new(),
            skills: BTreeMap::new(),
            working_hours: WorkingHours::new(),
            leave: Vec::new(),
            notifications: None,
        }
    }
}

impl User {
    /// What is wrong with the document, field by field; empty if it may be stored. Whether its teams exist is for the caller.
    pub fn check(&self) -> Vec<Complaint> {
        let mut complaints = Complaints::default();
        complaints.note("display_name", check_line(&self.display_name, MAX_SHOWN_CHARS));
        if let Some(email) = &self.email {
            complaints.note("email", check_email(email));
        }
        if self.capacity > MAX_CAPACITY {
            complaints.note::<()>("capacity", Err(format!("{} is too much; write a weight of 0 to {MAX_CAPACITY}", self.capacity)));
        }
        complaints.note("time_zone", check_time_zone(&self.time_zone));
        let teams = complaints.bounded("teams", self.teams.len(), MAX_TEAMS);
        for (index, team) in self.teams.iter().enumerate().take(teams) {
            let twice = self.teams.iter().take(index).any(|other| other == team);
            let once = if twice { Err(format!("`{}` stands there twice; leave it out", excerpt(team))) } else { Ok(()) };
            complaints.note(format!("teams[{index}]"), check_line(team, MAX_SHOWN_CHARS).and(once));
        }
        self.check_skills(&mut complaints);
        working_hours::check(&self.working_hours, &mut complaints);
        let leave = complaints.bounded("leave", self.leave.len(), MAX_LEAVE);
        for (index, leave) in self.leave.iter().enumerate().take(leave) {
            leave.check(&format!("leave[{index}]"), &mut complaints);
        }
        complaints.into_vec()
    }

    fn check_skills(&self, complaints: &mut Complaints) {
        let looked_at = complaints.bounded("skills", self.skills.len(), MAX_SKILLS);
        for (skill, level) in self.skills.iter().take(looked_at) {
            let field = format!("skills.{}", excerpt(skill));
            complaints.note(field.as_str(), check_line(skill, MAX_SHOWN_CHARS));
            if !(1..=5).contains(level) {
                complaints.note::<()>(field, Err(format!("{level} is no level; write 1 (has seen it done) to 5 (the one who is asked)")));
            }
        }
    }
}

fn check_time_zone(name: &str) -> Result<(), String> {
    match TimeZone::get(name) {
        Ok(zone) if !zone.is_unknown() => Ok(()),
        _ => Err(format!("`{}` is no time zone; write a name of the tz database such as Europe/Vienna", excerpt(name))),
    }
}
