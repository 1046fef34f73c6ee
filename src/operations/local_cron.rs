//! Cron expressions that go by the clock of a place.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::clock::{SECOND_US, TimestampUs};
use crate::detect::Schedule;
use crate::document::Complaint;

const MINUTE_US: i64 = 60 * SECOND_US;

/// A cron expression of five fields (minute, hour, day, month, day of the week) and the zone whose clock it goes by.
#[derive(Debug, Clone)]
pub(super) struct LocalCron {
    schedule: Schedule,
    zone: TimeZone,
}

impl LocalCron {
    /// Reads the expression and the name of the zone, or says everything that is wrong, by field: `cron`, `time_zone`.
    pub(super) fn parse(cron: &str, zone: &str) -> Result<Self, Vec<Complaint>> {
        let schedule = match Schedule::parse(cron) {
            Ok(Schedule::Every(_)) => Err(format!("`{cron}` is no cron expression; write five fields such as `0 7 * * mon`")),
            parsed => parsed,
        };
        let zone = TimeZone::get(zone).map_err(|_| format!("`{zone}` is no time zone; write a name such as `Europe/Vienna`"));
        match (schedule, zone) {
            (Ok(schedule), Ok(zone)) => Ok(Self { schedule, zone }),
            (schedule, zone) => {
                let wrong = [("cron", schedule.err()), ("time_zone", zone.err())];
                Err(wrong.into_iter().filter_map(|(field, why)| Some(Complaint::new(field, why?))).collect())
            }
        }
    }

    /// What the wall shows, without its zone: to see how often it comes.
    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The last moment up to `now_us` at which it was due; `None` if there was none.
    pub(super) fn latest_us(&self, now_us: TimestampUs) -> Option<TimestampUs> {
        let wall = Timestamp::from_microsecond(now_us).ok()?.to_zoned(self.zone.clone()).datetime();
        let mut at = as_utc_us(wall)?;
        // When the clock goes back, an hour comes twice, and what the wall shows may be later than now.
        for _ in 0..3 {
            let occurrence = self.schedule.latest(at);
            let moment = from_utc_us(occurrence)?.to_zoned(self.zone.clone()).ok()?.timestamp().as_microsecond();
            if moment <= now_us {
                return Some(moment);
            }
            at = occurrence - MINUTE_US;
        }
        None
    }
}

/// What a clock on the wall shows, as if it hung in Greenwich: cron expressions are worked out there.
fn as_utc_us(wall: DateTime) -> Option<TimestampUs> {
    Some(wall.to_zoned(TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

fn from_utc_us(at_us: TimestampUs) -> Option<DateTime> {
    Some(Timestamp::from_microsecond(at_us).ok()?.to_zoned(TimeZone::UTC).datetime())
}
