//! What people write: the rota as a document.
//!
//! ```toml
//! time_zone = "Europe/Berlin"
//! calendar = "office"               # whose holidays weigh in who carries how much
//!
//! [[layers]]
//! name = "first line"
//! people = ["ines", "tom", "ada"]
//! rotation = "weekly"            # or "daily", or { hours = 12 }
//! starts_on = "2026-01-05"
//! hand_over = "09:00"
//!
//! [[layers]]
//! name = "nights by the team in Manila"
//! people = ["jo", "may"]
//! rotation = "daily"
//! starts_on = "2026-01-05"
//! hand_over = "22:00"
//! hours = [{ from = "22:00", to = "06:00" }]
//!
//! [[overrides]]
//! from = "2026-12-24T09:00"
//! to = "2026-12-25T09:00"
//! person = "tom"
//! in_place_of = "ines"
//! ```
//!
//! Follow the sun is several layers, each with the hours of its place, all in the one zone of the rota.

use serde::{Deserialize, Serialize};

use crate::document::Weekday;

/// Who is on call when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rota {
    /// Name in the tz database, such as `Europe/Berlin`: every wall-clock time of the rota is one of this zone.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// Name of the calendar whose holidays count where loads are compared; people are needed on them too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// Who takes turns. Where several cover, the last one wins.
    #[serde(default)]
    pub layers: Vec<Layer>,
    /// Exceptions, applied in order above the layers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

/// People who take turns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// What it is called in lists; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// User names in the order of their turns. Who stands in it twice has two turns of the round.
    pub people: Vec<String>,
    /// How long a turn is.
    #[serde(default)]
    pub rotation: Rotation,
    /// The day on which the first person's first turn begins, `2026-01-05`. Its weekday is that of every weekly hand-over.
    pub starts_on: String,
    /// When a turn ends and the next begins, on the wall clock: `09:00`.
    #[serde(default = "nine")]
    pub hand_over: String,
    /// The only times at which the layer covers; empty for always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hours: Vec<Hours>,
    /// The day on which the layer ends, at the hand-over time; without it, it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<String>,
}

/// How long a turn is, on the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// From one day's hand-over to the next.
    Daily,
    /// From one week's hand-over to the next.
    #[default]
    Weekly,
    /// So many hours by the wall clock: with 12, turns at 08:00 and 20:00 stay at 08:00 and 20:00 all year.
    Hours(u32),
}

/// A time of day on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The days on which it begins; all of them if none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<Weekday>,
    /// When it begins, `22:00`.
    #[serde(default = "midnight")]
    pub from: String,
    /// When it ends, `06:00` or `24:00`. One that is not after `from` is on the following day.
    #[serde(default = "end_of_day")]
    pub to: String,
}

/// Somebody else, for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// When it begins: a wall-clock time of the rota's zone, `2026-12-24T09:00`, or an RFC 3339 time with its offset.
    pub from: String,
    /// When it ends, written like `from`.
    pub to: String,
    /// Who is on call instead.
    pub person: String,
    /// Whose time is taken over; without it all of the time is, also that at which nobody is on call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_place_of: Option<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Hand-over in the morning, when both are awake and at work.
fn nine() -> String {
    "09:00".to_owned()
}

fn midnight() -> String {
    "00:00".to_owned()
}

fn end_of_day() -> String {
    "24:00".to_owned()
}
