//! Lengths of time as people write them.

use crate::clock::{DAY_US, HOUR_US, SECOND_US};

/// Longest text of a duration: more than four numbers with their units need.
const MAX_BYTES: usize = 32;

/// Longest duration of a policy: thirty days. What waits longer is no escalation, and sums of these never overflow.
pub(super) const MAX_DURATION_US: i64 = 30 * DAY_US;

/// Reads `90s`, `15m`, `4h`, `1d` or several of them together, the larger unit first: `1h30m`. In µs, at most thirty days.
pub(super) fn read_duration(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > MAX_BYTES {
        return None;
    }
    let mut rest = text;
    let mut total_us = 0_i64;
    let mut units = [('d', DAY_US), ('h', HOUR_US), ('m', 60 * SECOND_US), ('s', SECOND_US)].into_iter();
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: i64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        // What is left of the units are the smaller ones.
        let (_, unit_us) = units.find(|(name, _)| *name == unit)?;
        total_us = total_us.checked_add(count.checked_mul(unit_us)?)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    (total_us <= MAX_DURATION_US).then_some(total_us)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts() {
        let table = [
            ("0m", 0),
            ("90s", 90),
            ("15m", 900),
            ("4h", 14_400),
            ("1d", 86_400),
            ("1h30m", 5_400),
            ("1d2h3m4s", 93_784),
            ("30d", 2_592_000),
        ];
        for (text, seconds) in table {
            assert_eq!(read_duration(text), Some(seconds * SECOND_US), "{text}");
        }
        for wrong in
            ["", "15", "m", "-5m", "1.5h", "15 m", "30m1h", "1m1m", "5é", "31d", "99999999999999999999d", "9223372036854775807s", "1w"]
        {
            assert_eq!(read_duration(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            prop_assert!(read_duration(&text).is_none_or(|us| (0..=MAX_DURATION_US).contains(&us)));
        }
    }
}
