//! Times of day as people write them in documents: `"08:00"`. Pure.

use jiff::civil::Time;

use crate::document::excerpt;

/// `HH:MM` on the 24-hour clock, two digits each.
pub(super) fn time_of_day(text: &str) -> Result<Time, String> {
    let number = |digits: &str| -> Option<i8> {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| plain)
    };
    text.split_once(':')
        .and_then(|(hour, minute)| Time::new(number(hour)?, number(minute)?, 0, 0).ok())
        .ok_or_else(|| format!("`{}` is no time of day; write it as HH:MM, such as 08:00", excerpt(text)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_as_written() {
        assert_eq!(time_of_day("08:05"), Ok(jiff::civil::time(8, 5, 0, 0)));
        for wrong in ["", "8:00", "24:00", "08:60", "-1:00", "+8:00", "08:00:00", "0８:00"] {
            assert!(time_of_day(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".{0,20}") {
            let _ = time_of_day(&text);
        }
    }
}
