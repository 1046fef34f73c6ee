//! What changes a level over weeks and months: moves, resizes, clean-ups, seasons, hiring.

use super::civil::Civil;
use super::shape::Ramp;
use crate::clock::{DAY_US, SECOND_US, TimestampUs};

/// Length of a week, in which growth is counted.
pub(super) const WEEK_US: i64 = 7 * DAY_US;

/// 365.25 days: the seasons come back at the same date.
const YEAR_US: i64 = 365 * DAY_US + DAY_US / 4;

/// Those who are hired get their licences on the first days of the month.
const HIRING_DAYS: f64 = 8.0;

/// A change of a level over weeks and months. It adds nothing while the sample week runs, but for the season: a level is what it is
/// in the week, and the past is told from there.
#[derive(Debug, Clone, Copy)]
pub(super) enum SlowChange {
    /// So much less before a ramp; negative: so much more.
    LessBefore { ramp: Ramp, amount: f64 },
    /// Clean-ups at equal distances that give back the same amount each; `last_us` is one of them.
    CleanUps { last_us: TimestampUs, every_us: i64, amount: f64 },
    /// Up by the amplitude at one time of the year and down by it half a year later.
    Season { amplitude: f64, peak_us: TimestampUs },
    /// Growth that ends.
    GrowthUntil { until_us: TimestampUs, per_week: f64 },
    /// So many more after each January, April, July and October; none are counted in the quarter of `now_us`.
    Hiring { now_us: TimestampUs, amount: f64 },
}

impl SlowChange {
    /// What it adds to the level at a moment.
    pub(super) fn at(&self, at_us: TimestampUs) -> f64 {
        match self {
            Self::LessBefore { ramp, amount } => -amount * (1.0 - ramp.at(at_us)),
            Self::CleanUps { last_us, every_us, amount } => -amount * (at_us - last_us).div_euclid(*every_us) as f64,
            Self::Season { amplitude, peak_us } => amplitude * season(at_us - peak_us),
            Self::GrowthUntil { until_us, per_week } => per_week * weeks((at_us - until_us).min(0)),
            Self::Hiring { now_us, amount } => amount * (quarters(at_us) - quarters(*now_us).floor()),
        }
    }
}

/// A stretch of time in weeks.
pub(super) fn weeks(length_us: i64) -> f64 {
    length_us as f64 / SECOND_US as f64 / 604_800.0
}

/// 1 at the peak, -1 half a year later, two parabolas between: close to a cosine without being a transcendental function.
fn season(since_peak_us: i64) -> f64 {
    let share = (since_peak_us + YEAR_US / 4).rem_euclid(YEAR_US) as f64 / YEAR_US as f64;
    if share < 0.5 { 16.0 * share * (0.5 - share) } else { -16.0 * (share - 0.5) * (1.0 - share) }
}

/// How many quarters of hiring are over since the year 0. The first days of a quarter count in part.
fn quarters(at_us: TimestampUs) -> f64 {
    let civil = Civil::new(at_us);
    let month = civil.months_since_year_0();
    let of_first_days = if month % 3 == 0 { (civil.day_of_month() as f64 / HIRING_DAYS).min(1.0) } else { 1.0 };
    (month / 3) as f64 + of_first_days
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 5 October 2026, 00:00 UTC.
    const MONDAY: TimestampUs = 1_791_158_400 * SECOND_US;

    #[test]
    fn slow_changes_are_nothing_now_and_something_in_the_past() {
        let ramp = Ramp { start_us: MONDAY - 10 * WEEK_US, rise_us: DAY_US, fall_us: i64::MAX, fall_for_us: 1 };
        let cases = [
            (SlowChange::LessBefore { ramp, amount: 5.0 }, 0.0, -5.0),
            (SlowChange::CleanUps { last_us: MONDAY - DAY_US, every_us: 6 * WEEK_US, amount: 2.0 }, 0.0, 4.0),
            (SlowChange::GrowthUntil { until_us: MONDAY, per_week: 0.5 }, 0.0, -6.0),
            (SlowChange::Hiring { now_us: MONDAY + 20 * DAY_US, amount: 3.0 }, 0.0, -3.0),
        ];
        for (change, in_the_week, before) in cases {
            assert_eq!(change.at(MONDAY + 9 * DAY_US), in_the_week, "{change:?}");
            assert_eq!(change.at(MONDAY - 12 * WEEK_US), before, "{change:?}");
        }
    }

    #[test]
    fn a_season_swings_between_its_ends_and_comes_back() {
        let season = SlowChange::Season { amplitude: 2.0, peak_us: MONDAY };
        assert_eq!(season.at(MONDAY), 2.0);
        assert!((season.at(MONDAY + YEAR_US / 2) + 2.0).abs() < 1e-9);
        assert_eq!(season.at(MONDAY + 100 * DAY_US), season.at(MONDAY + 100 * DAY_US - YEAR_US));
        assert!((0..400).all(|day| season.at(MONDAY + day * DAY_US).abs() <= 2.0));
    }
}
