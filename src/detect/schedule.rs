//! When a rule runs. Pure.

use std::fmt;

use arrow::temporal_conversions::timestamp_us_to_datetime;
use croner::Cron;
use croner::parser::CronParser;

use crate::clock::{SECOND_US, TimestampUs};
use crate::document::duration_us;

const MINUTE_US: i64 = 60 * SECOND_US;

/// The moments at which a rule's windows end, in UTC.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// `every 5m`: the multiples of this many µs since 1970, so that they are the same after a restart.
    Every(i64),
    /// A cron expression of five fields (minute, hour, day, month, day of the week).
    Cron(Box<Cron>),
}

impl Schedule {
    /// Reads `every <duration>` or a cron expression; the error says what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let advice = "write `every 5m`, or a cron expression of five fields in UTC such as `0 6 * * *`";
        if let Some(period) = text.strip_prefix("every ") {
            return Ok(Self::Every(duration_us(period)?));
        }
        if text.split_whitespace().count() != 5 {
            return Err(format!("`{text}` is no schedule; {advice}"));
        }
        let cron = CronParser::new().parse(text).map_err(|error| format!("`{text}` is no schedule ({error}); {advice}"))?;
        let schedule = Self::Cron(Box::new(cron));
        // 30 February parses and never comes.
        if schedule.next_after(0) == TimestampUs::MAX {
            return Err(format!("`{text}` never comes; {advice}"));
        }
        Ok(schedule)
    }

    /// The first moment after `at_us`.
    pub fn next_after(&self, at_us: TimestampUs) -> TimestampUs {
        match self {
            Self::Every(period_us) => (at_us.div_euclid(*period_us).saturating_add(1)).saturating_mul(*period_us),
            Self::Cron(cron) => timestamp_us_to_datetime(whole_minute_us(at_us))
                .and_then(|at| cron.find_next_occurrence(&at.and_utc(), false).ok())
                .map_or(TimestampUs::MAX, |next| next.timestamp_micros()),
        }
    }

    /// The last moment that is not after `at_us`.
    pub fn latest(&self, at_us: TimestampUs) -> TimestampUs {
        match self {
            Self::Every(period_us) => at_us.div_euclid(*period_us) * period_us,
            Self::Cron(cron) => timestamp_us_to_datetime(whole_minute_us(at_us))
                .and_then(|at| cron.find_previous_occurrence(&at.and_utc(), true).ok())
                .map_or(TimestampUs::MIN, |latest| latest.timestamp_micros()),
        }
    }

    /// When the rule is due: the first moment after its last run, or the latest moment if it never ran.
    pub fn next_due(&self, last_run_us: Option<TimestampUs>, now_us: TimestampUs) -> TimestampUs {
        last_run_us.map_or_else(|| self.latest(now_us), |last| self.next_after(last))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(period_us) => write!(f, "every {}s", period_us / SECOND_US),
            Self::Cron(cron) => f.write_str(cron.as_str()),
        }
    }
}

/// The start of the minute that a moment lies in. Five fields know nothing finer, and croner would hand the
/// microseconds that it is given on to what it returns.
fn whole_minute_us(at_us: TimestampUs) -> TimestampUs {
    at_us.div_euclid(MINUTE_US) * MINUTE_US
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{DAY_US, HOUR_US};

    #[test]
    fn cron_is_read_in_utc() {
        let six = Schedule::parse("0 6 * * *").unwrap();
        assert_eq!(six.next_after(0), 6 * HOUR_US);
        assert_eq!(six.next_after(6 * HOUR_US), DAY_US + 6 * HOUR_US);
        assert_eq!(six.latest(DAY_US + 6 * HOUR_US), DAY_US + 6 * HOUR_US);
        assert_eq!(six.latest(DAY_US + 5 * HOUR_US), 6 * HOUR_US);
    }

    #[test]
    fn a_rule_that_never_ran_is_due_now_and_then_step_by_step() {
        let schedule = Schedule::parse("every 5m").unwrap();
        let now = 1_003 * MINUTE_US;
        assert_eq!(schedule.next_due(None, now), 1_000 * MINUTE_US);
        assert_eq!(schedule.next_due(Some(900 * MINUTE_US), now), 905 * MINUTE_US, "what was missed is caught up with");
    }

    #[test]
    fn what_is_no_schedule_is_said_with_an_example() {
        for wrong in ["every minute", "every 0m", "often", "61 * * * *", "0 0 30 2 *", "* * * * * *", "every 500d", "every -5m", "every é"]
        {
            let error = Schedule::parse(wrong).unwrap_err();
            assert!(error.contains("write "), "{wrong}: {error}");
        }
    }

    proptest! {
        #[test]
        fn moments_are_in_order_and_none_is_skipped(text in prop::sample::select(vec!["every 7m", "every 1d", "*/15 * * * *", "30 4 * * 1"]), at in 0_i64..4_000_000_000_000_000) {
            let schedule = Schedule::parse(text).unwrap();
            let (latest, next) = (schedule.latest(at), schedule.next_after(at));
            prop_assert!(latest <= at && at < next);
            prop_assert_eq!(schedule.next_after(latest), next);
            prop_assert_eq!(schedule.latest(next - 1), latest);
        }
    }
}
