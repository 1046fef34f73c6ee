//! The hours that a person works in a week, by the clock on their wall. Pure.
//!
//! A span is written `"08:00-16:30"`; `24:00` ends a day. One that ends before it begins runs into the next day: a night
//! watch on Friday is `"22:00-06:00"`. In the hour that summer time leaves out nobody works, and the one that its end repeats
//! is worked twice, as a person at the desk would.

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::field::Complaints;
use crate::document::{Weekday, excerpt};

/// Spans of one day: more breaks than anybody takes.
const MAX_SPANS_A_DAY: usize = 8;
const MINUTES_OF_DAY: u16 = 24 * 60;

/// The spans of each day, as a document holds them.
pub type WorkingHours = BTreeMap<Weekday, Vec<String>>;

/// Minutes of a day, the end exclusive; an end at or before the start lies on the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: u16,
    to: u16,
}

impl Span {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no span of hours; write one such as 08:00-16:30, or 22:00-06:00 for a night", excerpt(text));
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let span = Self { from: minutes(from).ok_or_else(wrong)?, to: minutes(to).ok_or_else(wrong)? };
        if span.from == MINUTES_OF_DAY || span.from == span.to {
            return Err(format!("`{}` is empty; write the whole day as 00:00-24:00", excerpt(text)));
        }
        Ok(span)
    }

    /// Whether the minute lies in the part of the span on its own day.
    fn covers_today(self, minute: u16) -> bool {
        self.from <= minute && (minute < self.to || self.to < self.from)
    }

    /// Whether the minute of the next day lies in the part of the span after midnight.
    fn covers_tomorrow(self, minute: u16) -> bool {
        self.to < self.from && minute < self.to
    }
}

/// Minutes since midnight of `HH:MM`, up to `24:00`.
fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| -> Option<u16> {
        (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let all = hour * 60 + minute;
    (minute < 60 && all <= MINUTES_OF_DAY).then_some(all)
}

/// What is wrong with the hours.
pub(super) fn check(hours: &WorkingHours, complaints: &mut Complaints) {
    for (day, spans) in hours {
        let field = format!("working_hours.{}", day.word());
        let looked_at = complaints.bounded(&field, spans.len(), MAX_SPANS_A_DAY);
        for (index, span) in spans.iter().enumerate().take(looked_at) {
            complaints.note(format!("{field}[{index}]"), Span::parse(span));
        }
    }
}

/// Whether a person with these hours works at this moment of the clock on their wall. Spans that cannot be read are left out.
pub(super) fn cover(hours: &WorkingHours, local: DateTime) -> bool {
    let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
    let on = |day: jiff::civil::Weekday| {
        let spans = hours.get(&Weekday::from(day)).map(Vec::as_slice).unwrap_or_default();
        spans.iter().take(MAX_SPANS_A_DAY).filter_map(|span| Span::parse(span).ok())
    };
    on(local.weekday()).any(|span| span.covers_today(minute)) || on(local.weekday().previous()).any(|span| span.covers_tomorrow(minute))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn hours(day: Weekday, spans: &[&str]) -> WorkingHours {
        BTreeMap::from([(day, spans.iter().map(|span| (*span).to_owned()).collect())])
    }

    #[test]
    fn spans_read_or_say_what_to_write() {
        assert_eq!(Span::parse("08:00-16:30"), Ok(Span { from: 480, to: 990 }));
        assert_eq!(Span::parse("00:00-24:00"), Ok(Span { from: 0, to: 1_440 }));
        for wrong in [
            "",
            "-",
            "8:00-16:00",
            "08:00",
            "08:00-24:01",
            "08:60-09:00",
            "08:00–16:00",
            "24:00-24:00",
            "24:00-08:00",
            "09:00-09:00",
            "+8:00-09:00",
        ] {
            assert!(Span::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_night_watch_runs_into_the_next_morning_and_no_further() {
        // 25 December 2026 is a Friday.
        let friday = hours(Weekday::Fri, &["22:00-06:00"]);
        let at = |day, hour, minute| date(2026, 12, day).at(hour, minute, 0, 0);
        assert!(!cover(&friday, at(25, 21, 59)) && cover(&friday, at(25, 22, 0)) && cover(&friday, at(25, 23, 59)));
        assert!(cover(&friday, at(26, 0, 0)) && cover(&friday, at(26, 5, 59)) && !cover(&friday, at(26, 6, 0)));
        assert!(!cover(&friday, at(25, 3, 0)) && !cover(&friday, at(27, 3, 0)));
        let whole = hours(Weekday::Fri, &["00:00-24:00"]);
        assert!(cover(&whole, at(25, 0, 0)) && cover(&whole, at(25, 23, 59)) && !cover(&whole, at(26, 0, 0)));
        let breaks = hours(Weekday::Fri, &["08:00-12:00", "13:00-17:00", "nonsense"]);
        assert!(cover(&breaks, at(25, 11, 59)) && !cover(&breaks, at(25, 12, 0)) && cover(&breaks, at(25, 13, 0)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9:é-]{0,14}") {
            let _ = Span::parse(&text);
        }
    }
}
