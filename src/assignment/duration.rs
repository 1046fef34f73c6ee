//! Durations as people write them.

use crate::clock::{DAY_US, HOUR_US, SECOND_US};

/// Longest duration: a year. Nothing here is about more.
const MAX_US: i64 = 366 * DAY_US;

/// Reads `45s`, `15m`, `4h`, `2d` or several such parts after one another (`1h30m`), as µs, from 0 to 366 days.
pub(super) fn read_duration(text: &str) -> Option<i64> {
    let (mut total_us, mut digits) = (0_i64, String::new());
    for character in text.chars() {
        let unit_us = match character {
            '0'..='9' if digits.len() < 9 => {
                digits.push(character);
                continue;
            }
            's' => SECOND_US,
            'm' => 60 * SECOND_US,
            'h' => HOUR_US,
            'd' => DAY_US,
            _ => return None,
        };
        let number: i64 = digits.parse().ok()?;
        total_us = number.checked_mul(unit_us)?.checked_add(total_us)?;
        digits.clear();
    }
    (!text.is_empty() && digits.is_empty() && total_us <= MAX_US).then_some(total_us)
}

/// What to say of one that does not read.
pub(super) fn no_duration(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    format!("`{shown}` is no duration; write a number with its unit: 45s, 15m, 4h or 2d, at most 366d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read() {
        assert_eq!(read_duration("45s"), Some(45 * SECOND_US));
        assert_eq!(read_duration("1h30m"), Some(5_400 * SECOND_US));
        assert_eq!(read_duration("366d"), Some(MAX_US));
        assert_eq!(read_duration("0s"), Some(0));
        for wrong in ["", "15", "m", "-5m", "1.5h", "15 m", "367d", "9999999999s", "999999999d", "5é", "1h30"] {
            assert_eq!(read_duration(wrong), None, "{wrong}");
        }
    }
}
