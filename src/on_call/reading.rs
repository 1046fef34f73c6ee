//! From the document to the plan, with everything that is wrong on the way.

use super::document::{Hours, Layer, Override, Rota, Rotation};
use super::hours::{DayHours, Span};
use super::local_time::{END_OF_PLANS_US, WallClock, read_date, read_time_of_day};
use super::plan::{LayerPlan, OverridePlan, Plan};
use crate::clock::{DAY_US, HOUR_US};
use crate::document::{Complaint, excerpt};

/// Most layers of a rota: a day in four places, with a substitute each, and some to spare.
const MAX_LAYERS: usize = 10;

/// Most people in a layer: everybody of a large department; with weekly turns each has one in two years.
const MAX_PEOPLE: usize = 100;

/// Most hours in a layer: each weekday has some seven, more than any timetable.
const MAX_HOURS: usize = 50;

/// Most overrides of a rota: two a day for more than a year. Old ones may be deleted; nothing reads them any more.
const MAX_OVERRIDES: usize = 1_000;

/// Longest turn of a rotation by hours: a year.
const MAX_TURN_HOURS: u32 = 8_760;

/// Longest override: a year. What lasts longer is a change of the layers.
const MAX_OVERRIDE_US: i64 = 366 * DAY_US;

/// Longest name of a person or a layer, in bytes; a mail address has at most 254.
const MAX_NAME_BYTES: usize = 254;

impl Rota {
    /// Everything that is wrong with the document; empty if it can be used.
    pub fn check(&self) -> Vec<Complaint> {
        self.plan().err().unwrap_or_default()
    }

    /// Reads the document once, for everything else in this module.
    ///
    /// Errors: all complaints that [`Rota::check`] has.
    pub fn plan(&self) -> Result<Plan, Vec<Complaint>> {
        let mut wrong = Wrong(Vec::new());
        let clock = WallClock::named(&self.time_zone).unwrap_or_else(|| {
            wrong.say("time_zone", format!("`{}` is no time zone; write a name such as Europe/Berlin", excerpt(&self.time_zone)));
            WallClock::utc()
        });
        if self.layers.is_empty() {
            wrong.say("layers", "a rota needs at least one layer with people; add one".to_owned());
        }
        wrong.count("layers", self.layers.len(), MAX_LAYERS);
        wrong.count("overrides", self.overrides.len(), MAX_OVERRIDES);
        let layers = self.layers.iter().take(MAX_LAYERS).enumerate();
        let layers: Vec<_> = layers.filter_map(|(i, layer)| layer_plan(layer, &format!("layers[{i}]"), &clock, &mut wrong)).collect();
        let overrides = self.overrides.iter().take(MAX_OVERRIDES).enumerate();
        let overrides = overrides.filter_map(|(i, one)| override_plan(one, &format!("overrides[{i}]"), &clock, &mut wrong)).collect();
        if wrong.0.is_empty() { Ok(Plan { clock, layers, overrides }) } else { Err(wrong.0) }
    }
}

/// Reads hours that stand in a list called `field`.
pub(super) fn day_hours(hours: &[Hours], field: &str) -> Result<Vec<DayHours>, Vec<Complaint>> {
    let mut wrong = Wrong(Vec::new());
    let read = hours_list(hours, field, &mut wrong);
    if wrong.0.is_empty() { Ok(read) } else { Err(wrong.0) }
}

/// The complaints so far.
struct Wrong(Vec<Complaint>);

impl Wrong {
    fn say(&mut self, field: impl Into<String>, why: String) {
        self.0.push(Complaint::new(field, why));
    }

    fn count(&mut self, field: &str, count: usize, most: usize) {
        if count > most {
            self.say(field, format!("{count} are too many; write at most {most}"));
        }
    }

    fn name(&mut self, field: &str, name: &str) {
        if name.trim().is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            let why = format!("`{}` is no user name; write 1 to {MAX_NAME_BYTES} bytes without control characters", excerpt(name));
            self.say(field, why);
        }
    }

    /// What was read, or a complaint that shows the text and an example.
    fn read<T>(&mut self, field: &str, text: &str, read: Option<T>, what: &str) -> Option<T> {
        if read.is_none() {
            self.say(field, format!("`{}` is no {what}", excerpt(text)));
        }
        read
    }
}

const A_DATE: &str = "date; write one of 1970 to 2199 such as 2026-01-05";
const A_TIME: &str = "time of day; write hours and minutes such as 09:00";
const A_MOMENT: &str =
    "date and time; write a wall-clock time such as 2026-12-24T09:00 or one with its offset such as 2026-12-24T09:00:00+01:00";

fn layer_plan(layer: &Layer, field: &str, clock: &WallClock, wrong: &mut Wrong) -> Option<LayerPlan> {
    let path = |name: &str| format!("{field}.{name}");
    if layer.name.len() > MAX_NAME_BYTES || layer.name.chars().any(char::is_control) {
        wrong.say(path("name"), format!("the name is too long or has control characters; write at most {MAX_NAME_BYTES} bytes of text"));
    }
    if layer.people.is_empty() {
        wrong.say(path("people"), "nobody is in it; name at least one user".to_owned());
    }
    wrong.count(&path("people"), layer.people.len(), MAX_PEOPLE);
    for (i, person) in layer.people.iter().take(MAX_PEOPLE).enumerate() {
        wrong.name(&path(&format!("people[{i}]")), person);
    }
    let turn_hours = match layer.rotation {
        Rotation::Daily => 24,
        Rotation::Weekly => 7 * 24,
        Rotation::Hours(hours) => hours,
    };
    if !(1..=MAX_TURN_HOURS).contains(&turn_hours) {
        wrong.say(path("rotation"), format!("a turn cannot have {turn_hours} hours; write 1 to {MAX_TURN_HOURS}"));
    }
    let starts = wrong.read(&path("starts_on"), &layer.starts_on, read_date(&layer.starts_on), A_DATE);
    let hand_over = read_time_of_day(&layer.hand_over).filter(|time_us| *time_us < DAY_US);
    let hand_over = wrong.read(&path("hand_over"), &layer.hand_over, hand_over, A_TIME);
    let ends = layer.ends_on.as_deref().map(|text| wrong.read(&path("ends_on"), text, read_date(text), A_DATE));
    let hours = hours_list(&layer.hours, &path("hours"), wrong);
    let (starts_us, hand_over_us) = (starts?, hand_over?);
    let ends_us = match ends {
        Some(ends) => clock.to_utc(ends? + hand_over_us),
        None => END_OF_PLANS_US,
    };
    if ends.flatten().is_some_and(|ends| ends <= starts_us) {
        wrong.say(
            path("ends_on"),
            format!("the layer ends on {} and starts on {}; write a later day", excerpt(layer.ends_on.as_deref()?), layer.starts_on),
        );
    }
    Some(LayerPlan {
        people: layer.people.clone(),
        turn_us: i64::from(turn_hours.clamp(1, MAX_TURN_HOURS)) * HOUR_US,
        starts_us: starts_us + hand_over_us,
        ends_us,
        hours: (!layer.hours.is_empty()).then_some(hours),
    })
}

fn hours_list(hours: &[Hours], field: &str, wrong: &mut Wrong) -> Vec<DayHours> {
    wrong.count(field, hours.len(), MAX_HOURS);
    let mut read = Vec::new();
    for (i, one) in hours.iter().take(MAX_HOURS).enumerate() {
        let path = |name: &str| format!("{field}[{i}].{name}");
        let from = read_time_of_day(&one.from).filter(|time_us| *time_us < DAY_US);
        let from = wrong.read(&path("from"), &one.from, from, A_TIME);
        let to = wrong.read(&path("to"), &one.to, read_time_of_day(&one.to), A_TIME);
        let mut days = [one.weekdays.is_empty(); 7];
        for day in &one.weekdays {
            days[*day as usize] = true;
        }
        if let (Some(from_us), Some(to_us)) = (from, to) {
            read.push(DayHours { days, from_us, to_us: if to_us > from_us { to_us } else { to_us + DAY_US } });
        }
    }
    read
}

fn override_plan(one: &Override, field: &str, clock: &WallClock, wrong: &mut Wrong) -> Option<OverridePlan> {
    let path = |name: &str| format!("{field}.{name}");
    wrong.name(&path("person"), &one.person);
    if let Some(replaced) = &one.in_place_of {
        wrong.name(&path("in_place_of"), replaced);
        if *replaced == one.person {
            wrong.say(
                path("in_place_of"),
                format!("{} cannot take over from themselves; name somebody else or delete the override", excerpt(replaced)),
            );
        }
    }
    let from = wrong.read(&path("from"), &one.from, clock.read_moment(&one.from), A_MOMENT);
    let to = wrong.read(&path("to"), &one.to, clock.read_moment(&one.to), A_MOMENT);
    let span = Span { from_us: from?, to_us: to? };
    if span.is_empty() {
        wrong.say(path("to"), format!("`{}` is not after `{}`; write a later time", excerpt(&one.to), excerpt(&one.from)));
    } else if span.to_us - span.from_us > MAX_OVERRIDE_US {
        wrong.say(path("to"), "the override is longer than a year; change the layers instead".to_owned());
    }
    Some(OverridePlan { span, person: one.person.clone(), in_place_of: one.in_place_of.clone() })
}
