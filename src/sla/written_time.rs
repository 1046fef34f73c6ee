//! Times as people write them: `4h`, `1h30m`, `08:00-12:30`, `2026-12-24`.

use jiff::civil::Date;

use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};
use crate::document::{duration_us_within, excerpt};

const MINUTE_US: i64 = 60 * SECOND_US;

/// The longest promise: a year of uninterrupted hours. Anything longer is a slip of the pen, and deadlines are looked for over
/// ten years, in which a year of business time is found even at 17 hours a week.
pub(super) const MAX_DURATION_US: i64 = 366 * DAY_US;

/// Opening hours of a day: from and until in microseconds after midnight on the wall's clock; `from < until <= 24 h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Interval {
    pub(super) from_us: i64,
    pub(super) until_us: i64,
}

/// A length of business time in microseconds: `15m`, `4h`, `1h30m`, `90s`.
///
/// Days are refused on purpose: is a day of business time 8 hours or 24?
pub(super) fn business_time_us(text: &str) -> Result<i64, String> {
    let us = duration_us_within(text, 0..=i64::MAX)?;
    if text.contains('d') {
        return Err(format!("`{}`: days of business time mean different things; write it in hours, such as 16h", excerpt(text)));
    }
    match us {
        0 => Err(format!("`{}` is no time to keep a promise in; write it such as 15m, 4h or 1h30m", excerpt(text))),
        1..=MAX_DURATION_US => Ok(us),
        _ => Err(format!("`{}` is longer than a year of business time; write at most {}h", excerpt(text), MAX_DURATION_US / HOUR_US)),
    }
}

/// Hours of a day: `08:00-12:30`, up to `24:00`.
pub(super) fn interval(text: &str) -> Result<Interval, String> {
    let wrong = || format!("`{}` are no opening hours; write them such as 08:00-12:30, from 00:00 up to 24:00", excerpt(text));
    let (from, until) = text.split_once('-').ok_or_else(wrong)?;
    let (from_us, until_us) = (time_of_day_us(from.trim()).ok_or_else(wrong)?, time_of_day_us(until.trim()).ok_or_else(wrong)?);
    if from_us == DAY_US || until_us == from_us {
        return Err(wrong());
    }
    if until_us < from_us {
        return Err(format!(
            "`{}` ends before it begins; hours over midnight are two: until 24:00 on this day and from 00:00 on the next",
            excerpt(text)
        ));
    }
    Ok(Interval { from_us, until_us })
}

/// `hh:mm` as microseconds after midnight, `24:00` included.
fn time_of_day_us(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |part: &str| part.parse::<i64>().ok().filter(|_| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()));
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let us = hours * HOUR_US + minutes * MINUTE_US;
    (minutes < 60 && us <= DAY_US).then_some(us)
}

/// A date, `2026-12-24`.
pub(super) fn date(text: &str) -> Result<Date, String> {
    let strict =
        text.len() == 10 && text.bytes().enumerate().all(|(at, b)| if matches!(at, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    let wrong = || format!("`{}` is no date; write it such as 2026-12-24", excerpt(text));
    if strict { text.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

/// Days since 1 January 1970, which is how days are numbered in this room.
pub(super) fn day_number(date: Date) -> i64 {
    date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24
}

/// The day that a moment belongs to, given as microseconds on the wall's clock as if that were UTC.
pub(super) fn day_of(local_us: TimestampUs) -> i64 {
    local_us.div_euclid(DAY_US)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, us) in
            [("15m", 15 * MINUTE_US), ("4h", 4 * HOUR_US), ("1h30m", 90 * MINUTE_US), ("90s", 90 * SECOND_US), ("8784h", MAX_DURATION_US)]
        {
            assert_eq!(business_time_us(text), Ok(us), "{text}");
        }
        for text in ["", "4", "h", "4 h", "0h", "-4h", "1.5h", "４h", "99999999999999999999h", "2562047789h", "4H"] {
            assert!(business_time_us(text).unwrap_err().contains("15m, 4h"), "{text}");
        }
        assert!(business_time_us("2d").unwrap_err().contains("in hours"));
        for text in ["8785h", "2562047788h"] {
            assert!(business_time_us(text).unwrap_err().contains("at most 8784h"), "{text}");
        }
    }

    #[test]
    fn hours_of_a_day() {
        assert_eq!(interval("08:00-12:30"), Ok(Interval { from_us: 8 * HOUR_US, until_us: 750 * MINUTE_US }));
        assert_eq!(interval("00:00 - 24:00"), Ok(Interval { from_us: 0, until_us: DAY_US }));
        for text in
            ["", "8-12", "8:00-12:00", "08:00", "08:00-24:01", "24:00-24:00", "08:60-09:00", "08:00-08:00", "+8:00-09:00", "08:00–09:00"]
        {
            assert!(interval(text).unwrap_err().contains("08:00-12:30"), "{text}");
        }
        assert!(interval("22:00-06:00").unwrap_err().contains("24:00"));
    }

    #[test]
    fn dates_and_their_numbers() {
        assert_eq!(day_number(date("1970-01-01").unwrap()), 0);
        assert_eq!(day_number(date("1969-12-31").unwrap()), -1);
        assert_eq!(day_number(date("2026-12-24").unwrap()), 20_811);
        for text in ["", "24.12.2026", "2026-02-29", "20261224", "2026-12-24T00:00", "+026-12-24", "2026-13-01"] {
            assert!(date(text).unwrap_err().contains("2026-12-24"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reading(text in "\\PC{0,12}|[0-9hmsd:-]{0,14}") {
            let _ = date(&text);
            if let Ok(us) = business_time_us(&text) {
                prop_assert!((1..=MAX_DURATION_US).contains(&us));
            }
            if let Ok(interval) = interval(&text) {
                prop_assert!(0 <= interval.from_us && interval.from_us < interval.until_us && interval.until_us <= DAY_US);
            }
        }
    }
}
