//! Lengths of time.

use std::ops::RangeInclusive;

use super::excerpt;
use crate::clock::{DAY_US, HOUR_US, SECOND_US};

/// The units, largest first.
const UNITS: [(char, i64); 4] = [('d', DAY_US), ('h', HOUR_US), ('m', 60 * SECOND_US), ('s', SECOND_US)];

/// A second to 400 days: what no document has reason to narrow. A year and what it takes to compare with the year before.
const USUAL_US: RangeInclusive<i64> = SECOND_US..=400 * DAY_US;

/// Reads a length of time from 1 second to 400 days, as [`duration_us_within`].
///
/// # Errors
/// What is wrong with it and what to write instead.
pub fn duration_us(text: &str) -> Result<i64, String> {
    duration_us_within(text, USUAL_US)
}

/// Reads `45s`, `15m`, `4h`, `2d` or several such parts after one another (`1h30m`), as µs within the range.
///
/// # Errors
/// What is wrong with it and what to write instead.
pub fn duration_us_within(text: &str, range: RangeInclusive<i64>) -> Result<i64, String> {
    let us = sum_of_parts(text.trim()).ok_or_else(|| {
        format!("`{}` is no duration; write whole numbers with their units, such as 90s, 15m, 4h or 1h30m", excerpt(text))
    })?;
    if range.contains(&us) {
        return Ok(us);
    }
    Err(format!("`{}` is out of range; write {} to {}", excerpt(text), in_one_unit(*range.start()), in_one_unit(*range.end())))
}

/// `None` for what is no duration, or longer than can be counted.
fn sum_of_parts(text: &str) -> Option<i64> {
    let (mut sum_us, mut rest) = (0_i64, text);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let (_, unit_us) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        sum_us = number.checked_mul(unit_us)?.checked_add(sum_us)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    (!text.is_empty()).then_some(sum_us)
}

/// The length as a document would have it, in the largest unit that fits.
fn in_one_unit(us: i64) -> String {
    let fits = |(_, unit_us): &(char, i64)| us >= *unit_us && us % unit_us == 0;
    let (name, unit_us) = UNITS.into_iter().find(fits).unwrap_or(('s', SECOND_US));
    format!("{}{name}", us / unit_us)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE_US: i64 = 60 * SECOND_US;

    #[test]
    fn durations_read() {
        let table = [
            ("1s", SECOND_US),
            ("90s", 90 * SECOND_US),
            ("15m", 15 * MINUTE_US),
            ("4h", 4 * HOUR_US),
            ("1h30m", 90 * MINUTE_US),
            ("30m1h", 90 * MINUTE_US),
            ("1d2h3m4s", 93_784 * SECOND_US),
            (" 7d\n", 7 * DAY_US),
            ("400d", 400 * DAY_US),
        ];
        for (text, us) in table {
            assert_eq!(duration_us(text), Ok(us), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_said_with_an_example() {
        let huge = ["99999999999999999999h", "2562047789h", "9223372036854775807s", "2562047788h2562047788h"];
        let wrong = ["", " ", "15", "m", "-5m", "+5m", "1.5h", "15 m", "5é", "1h30", "1w", "4H", "４h", "٣m", "every é"];
        for text in wrong.into_iter().chain(huge) {
            assert!(duration_us(text).unwrap_err().contains("such as 90s, 15m"), "{text}");
        }
    }

    #[test]
    fn what_is_out_of_range_is_told_the_range() {
        assert_eq!(duration_us("0m").unwrap_err(), "`0m` is out of range; write 1s to 400d");
        assert_eq!(duration_us("401d").unwrap_err(), "`401d` is out of range; write 1s to 400d");
        let within = |text: &str| duration_us_within(text, 0..=90 * MINUTE_US);
        assert_eq!((within("0s"), within("1h30m")), (Ok(0), Ok(90 * MINUTE_US)));
        assert_eq!(within("91m").unwrap_err(), "`91m` is out of range; write 0s to 90m");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}|[0-9dhms]{0,24}", most in 0..i64::MAX) {
            prop_assert!(duration_us_within(&text, 0..=most).map_or(true, |us| (0..=most).contains(&us)));
        }
    }
}
