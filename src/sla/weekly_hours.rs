//! The hours of a week, as people write them.

use std::fmt;

use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::written_time::{Interval, interval};
use crate::clock::DAY_US;
use crate::document::Complaint;

/// The word for a calendar that never closes.
const ROUND_THE_CLOCK: &str = "24x7";

/// More intervals a day than this are no opening hours but noise; it bounds what a calendar weighs in memory.
const MAX_INTERVALS: usize = 8;

/// When it is open: the text `24x7`, or a table with a list of hours for each weekday.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hours {
    /// Day and night; holidays close it all the same.
    RoundTheClock,
    /// By weekday.
    Week(Box<WeekHours>),
}

/// Opening hours by weekday, each such as `08:00-12:30`; a day without any is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeekHours {
    /// Mondays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mon: Vec<String>,
    /// Tuesdays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tue: Vec<String>,
    /// Wednesdays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wed: Vec<String>,
    /// Thursdays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thu: Vec<String>,
    /// Fridays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fri: Vec<String>,
    /// Saturdays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sat: Vec<String>,
    /// Sundays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sun: Vec<String>,
}

/// The hours of each weekday, Monday first, in order of time.
pub(super) type Week = [Vec<Interval>; 7];

impl WeekHours {
    /// The same hours from Monday to Friday, and closed at the weekend.
    pub fn working_days(hours: &[&str]) -> Self {
        let day: Vec<String> = hours.iter().map(|&text| text.to_owned()).collect();
        Self { mon: day.clone(), tue: day.clone(), wed: day.clone(), thu: day.clone(), fri: day, sat: Vec::new(), sun: Vec::new() }
    }

    fn days(&self) -> [(&'static str, &[String]); 7] {
        [
            ("mon", &self.mon),
            ("tue", &self.tue),
            ("wed", &self.wed),
            ("thu", &self.thu),
            ("fri", &self.fri),
            ("sat", &self.sat),
            ("sun", &self.sun),
        ]
    }
}

impl Hours {
    /// The hours in order; what is wrong goes to `complaints`.
    pub(super) fn resolve(&self, complaints: &mut Vec<Complaint>) -> Week {
        let Self::Week(week) = self else {
            return [const { Interval { from_us: 0, until_us: DAY_US } }; 7].map(|all_day| vec![all_day]);
        };
        let days = week.days().map(|(name, texts)| day_hours(&format!("hours.{name}"), texts, complaints));
        if week.days().iter().all(|(_, texts)| texts.is_empty()) {
            complaints.push(Complaint::new(
                "hours",
                "it is never open; give hours for a weekday, such as mon = [\"08:00-17:00\"], or write \"24x7\"",
            ));
        }
        days
    }
}

/// The hours of one day in order of time; what is wrong with them goes to `complaints`.
pub(super) fn day_hours(field: &str, texts: &[String], complaints: &mut Vec<Complaint>) -> Vec<Interval> {
    if texts.len() > MAX_INTERVALS {
        complaints.push(Complaint::new(field, format!("{} hours on one day; write at most {MAX_INTERVALS}", texts.len())));
        return Vec::new();
    }
    let mut day = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match interval(text) {
            Ok(read) => day.push(read),
            Err(why) => complaints.push(Complaint::new(format!("{field}[{index}]"), why)),
        }
    }
    day.sort_unstable();
    if day.windows(2).any(|pair| pair[1].from_us < pair[0].until_us) {
        complaints.push(Complaint::new(field, format!("the hours overlap: {}; write each hour once", texts.join(", "))));
    }
    day
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::RoundTheClock => serializer.serialize_str(ROUND_THE_CLOCK),
            Self::Week(week) => week.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HoursVisitor)
    }
}

/// Reads either form; by hand, because serde's untagged enums answer every mistake with the same sentence.
struct HoursVisitor;

impl<'de> Visitor<'de> for HoursVisitor {
    type Value = Hours;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"24x7\" or hours for each weekday, such as mon = [\"08:00-17:00\"]")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Hours, E> {
        if text == ROUND_THE_CLOCK { Ok(Hours::RoundTheClock) } else { Err(E::invalid_value(de::Unexpected::Str(text), &self)) }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Hours, A::Error> {
        WeekHours::deserialize(MapAccessDeserializer::new(map)).map(|week| Hours::Week(Box::new(week)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::HOUR_US;

    #[test]
    fn both_forms_read_and_mistakes_are_named() {
        assert_eq!(serde_json::from_str::<Hours>("\"24x7\"").unwrap(), Hours::RoundTheClock);
        let week: Hours = serde_json::from_str(r#"{"sat":["10:00-12:00"]}"#).unwrap();
        assert_eq!(serde_json::to_string(&week).unwrap(), r#"{"sat":["10:00-12:00"]}"#);
        for (wrong, says) in [("\"24/7\"", "24x7"), (r#"{"monday":[]}"#, "mon"), ("7", "24x7"), (r#"{"mon":"08:00-12:00"}"#, "sequence")] {
            let error = serde_json::from_str::<Hours>(wrong).unwrap_err().to_string();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }

    #[test]
    fn hours_are_sorted_and_must_not_overlap() {
        let mut complaints = Vec::new();
        let hours = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let day = day_hours("hours.mon", &hours(&["13:00-17:00", "08:00-13:00"]), &mut complaints);
        assert_eq!(
            day,
            [Interval { from_us: 8 * HOUR_US, until_us: 13 * HOUR_US }, Interval { from_us: 13 * HOUR_US, until_us: 17 * HOUR_US }]
        );
        assert_eq!(complaints, []);
        day_hours("hours.tue", &hours(&["08:00-12:00", "11:00-17:00"]), &mut complaints);
        day_hours("hours.wed", &hours(&["01:00-02:00"; 9]), &mut complaints);
        day_hours("hours.thu", &hours(&["8-12"]), &mut complaints);
        let fields: Vec<&str> = complaints.iter().map(|complaint| complaint.field.as_str()).collect();
        assert_eq!(fields, ["hours.tue", "hours.wed", "hours.thu[0]"]);
    }

    #[test]
    fn a_week_without_hours_is_refused() {
        let mut complaints = Vec::new();
        Hours::Week(Box::default()).resolve(&mut complaints);
        assert_eq!(complaints[0].field, "hours");
        complaints.clear();
        assert!(Hours::RoundTheClock.resolve(&mut complaints).iter().all(|day| day.len() == 1) && complaints.is_empty());
    }
}
