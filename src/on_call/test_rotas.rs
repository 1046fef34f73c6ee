//! Rotas that tests are about.

use super::*;
use crate::clock::{HOUR_US, TimestampUs};
use crate::document::Weekday;

/// A moment from RFC 3339 text.
pub(super) fn at(text: &str) -> TimestampUs {
    text.parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

/// Ines, Tom and Ada, from Monday 2026-01-05, handing over at nine.
pub(super) fn layer(rotation: Rotation) -> Layer {
    Layer {
        name: String::new(),
        people: ["ines", "tom", "ada"].map(str::to_owned).to_vec(),
        rotation,
        starts_on: "2026-01-05".into(),
        hand_over: "09:00".into(),
        hours: Vec::new(),
        ends_on: None,
    }
}

pub(super) fn rota(zone: &str, layers: Vec<Layer>) -> Rota {
    Rota { time_zone: zone.into(), calendar: None, layers, overrides: Vec::new() }
}

pub(super) fn overridden(from: &str, to: &str, person: &str, in_place_of: Option<&str>) -> Override {
    Override { from: from.into(), to: to.into(), person: person.into(), in_place_of: in_place_of.map(str::to_owned) }
}

pub(super) fn hours(weekdays: &[Weekday], from: &str, to: &str) -> Hours {
    Hours { weekdays: weekdays.to_vec(), from: from.into(), to: to.into() }
}

pub(super) fn away(person: &str, from: &str, to: &str) -> Absence {
    Absence { person: person.into(), from_us: at(from), to_us: at(to) }
}

/// The shifts of a period as `from person hours`, times in UTC to the minute.
pub(super) fn table(rota: &Rota, absences: &[Absence], from: &str, to: &str) -> Vec<String> {
    let shifts = shifts(&rota.plan().unwrap(), absences, at(from), at(to)).unwrap();
    let line = |shift: &Shift| {
        let from = jiff::Timestamp::from_microsecond(shift.from_us).unwrap().strftime("%m-%d %H:%M").to_string();
        format!("{from} {} {}", shift.person, (shift.to_us - shift.from_us) as f64 / HOUR_US as f64)
    };
    shifts.iter().map(line).collect()
}
