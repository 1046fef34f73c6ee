//! How much happens when: weekly curves, the unevenness on top of them, and the ramps of incidents.
//!
//! Everything comes as a pair of a rate and its integral in closed form, so that a counter's value at any moment costs
//! the same as at the start and live data continues without a replay of the past.

use super::dice::unit_at;
use crate::clock::{DAY_US, HOUR_US, SECOND_US, TimestampUs};

const WEEK_US: i64 = 7 * DAY_US;
const SLOT_US: i64 = HOUR_US / 4;
const SLOTS: usize = (WEEK_US / SLOT_US) as usize;
const SLOT_S: f64 = 900.0;

/// Share of the busiest hour, for each hour of a working day (UTC).
const WORKING_DAY: [f64; 24] = [
    0.12, 0.09, 0.08, 0.08, 0.09, 0.13, 0.25, 0.48, 0.75, 0.92, 1.0, 0.98, 0.9, 0.93, 0.97, 0.95, 0.88, 0.74, 0.58, 0.46, 0.38, 0.30, 0.22,
    0.16,
];

/// A level that repeats every week: 672 quarter hours from Monday 00:00 UTC with straight lines between them.
#[derive(Debug, Clone)]
pub(super) struct WeeklyCurve {
    level: Vec<f64>,
    /// Integral in seconds up to each quarter hour.
    sum: Vec<f64>,
}

impl WeeklyCurve {
    /// A curve through `level(weekday, hour)`: weekday 0 is Monday, the hour has quarters as fractions.
    fn new(level: impl Fn(usize, f64) -> f64) -> Self {
        let level: Vec<f64> = (0..SLOTS).map(|slot| level(slot / 96, (slot % 96) as f64 / 4.0)).collect();
        let mut sum = vec![0.0; SLOTS + 1];
        for slot in 0..SLOTS {
            sum[slot + 1] = sum[slot] + SLOT_S * (level[slot] + level[(slot + 1) % SLOTS]) / 2.0;
        }
        Self { level, sum }
    }

    /// People at work: a hump with a dip at lunch, a quiet night, a weekend at a third.
    pub(super) fn business() -> Self {
        Self::new(|weekday, hour| {
            let (from, share) = (hour as usize, hour - hour.floor());
            let level = WORKING_DAY[from] * (1.0 - share) + WORKING_DAY[(from + 1) % 24] * share;
            match weekday {
                4 if hour > 14.0 => level * 0.85,
                5 => 0.04 + level * 0.36,
                6 => 0.04 + level * 0.30,
                _ => level,
            }
        })
    }

    /// The nightly backup: 01:00 to 02:30, on Sundays (full) until 04:00.
    pub(super) fn backup() -> Self {
        Self::new(|weekday, hour| {
            let end = if weekday == 6 { 4.0 } else { 2.5 };
            if (1.25..=end - 0.25).contains(&hour) {
                1.0
            } else if (1.0..=end).contains(&hour) {
                0.4
            } else {
                0.0
            }
        })
    }

    /// Week number, quarter hour in it, and the share of that quarter hour gone.
    fn place(at_us: TimestampUs) -> (i64, usize, f64) {
        // The epoch was a Thursday: the first Monday is four days later.
        let since_monday = at_us - 4 * DAY_US;
        let in_week = since_monday.rem_euclid(WEEK_US);
        (since_monday.div_euclid(WEEK_US), (in_week / SLOT_US) as usize, (in_week % SLOT_US) as f64 / SLOT_US as f64)
    }

    /// The level at a moment.
    pub(super) fn at(&self, at_us: TimestampUs) -> f64 {
        let (_, slot, share) = Self::place(at_us);
        self.level[slot] * (1.0 - share) + self.level[(slot + 1) % SLOTS] * share
    }

    /// The integral from one moment to another, in level-seconds.
    pub(super) fn between(&self, from_us: TimestampUs, to_us: TimestampUs) -> f64 {
        let (from_week, from) = self.within_week(from_us);
        let (to_week, to) = self.within_week(to_us);
        (to_week - from_week) as f64 * self.sum[SLOTS] + (to - from)
    }

    fn within_week(&self, at_us: TimestampUs) -> (i64, f64) {
        let (week, slot, share) = Self::place(at_us);
        let (a, b) = (self.level[slot], self.level[(slot + 1) % SLOTS]);
        (week, self.sum[slot] + SLOT_S * share * (a + (b - a) * share / 2.0))
    }
}

/// Unevenness with a closed form: time itself runs a little faster and slower.
///
/// A counter that reads its smooth integral at [`Unevenness::warp`] instead of at the moment itself grows with the
/// smooth rate times [`Unevenness::rate`], and can never fall, because the warp only goes forward.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unevenness {
    key: u64,
}

/// Length of a lattice, and by which share of the rate it may slow down or speed up. The shares sum to less than one.
const SCALES: [(i64, f64); 3] = [(60 * SECOND_US, 0.30), (600 * SECOND_US, 0.18), (HOUR_US, 0.12)];

impl Unevenness {
    pub(super) fn new(key: u64) -> Self {
        Self { key }
    }

    /// The two lattice values around a moment and the share of the way between them.
    fn around(self, scale: usize, at_us: TimestampUs) -> (f64, f64, f64) {
        let length = SCALES[scale].0;
        let point = at_us.div_euclid(length);
        let key = self.key.wrapping_add(scale as u64);
        (unit_at(key, point), unit_at(key, point + 1), at_us.rem_euclid(length) as f64 / length as f64)
    }

    /// Where uneven time stands when even time stands at `at_us`: within five minutes of it.
    pub(super) fn warp(self, at_us: TimestampUs) -> TimestampUs {
        let ahead: f64 = (0..SCALES.len())
            .map(|scale| {
                let (a, b, share) = self.around(scale, at_us);
                SCALES[scale].1 * SCALES[scale].0 as f64 * (a + (b - a) * share - 0.5)
            })
            .sum();
        at_us + ahead as i64
    }

    /// How fast uneven time runs: between 0.4 and 1.6, 1 on average.
    pub(super) fn rate(self, at_us: TimestampUs) -> f64 {
        let gain: f64 = (0..SCALES.len())
            .map(|scale| {
                let (a, b, _) = self.around(scale, at_us);
                SCALES[scale].1 * (b - a)
            })
            .sum();
        1.0 + gain
    }

    /// A slow wander between -1 and 1 for gauges.
    pub(super) fn wander(self, at_us: TimestampUs) -> f64 {
        let (a, b, share) = self.around(1, at_us);
        let (c, d, slow) = self.around(2, at_us);
        (a + (b - a) * share) * 0.8 + (c + (d - c) * slow) * 1.2 - 1.0
    }
}

/// A rise, a plateau and a fall, between 0 and 1: the outline of an incident in the metrics.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ramp {
    /// Where the rise begins.
    pub(super) start_us: TimestampUs,
    /// Length of the rise.
    pub(super) rise_us: i64,
    /// Where the fall begins; `i64::MAX` for what nobody has repaired.
    pub(super) fall_us: TimestampUs,
    /// Length of the fall.
    pub(super) fall_for_us: i64,
}

impl Ramp {
    pub(super) fn at(&self, at_us: TimestampUs) -> f64 {
        let up = share(at_us, self.start_us, self.rise_us);
        let down = if self.fall_us == i64::MAX { 0.0 } else { share(at_us, self.fall_us, self.fall_for_us) };
        up - down
    }

    /// The integral from one moment to another, in seconds.
    pub(super) fn between(&self, from_us: TimestampUs, to_us: TimestampUs) -> f64 {
        self.since_start(to_us) - self.since_start(from_us)
    }

    fn since_start(&self, at_us: TimestampUs) -> f64 {
        let up = share_sum(at_us, self.start_us, self.rise_us);
        if self.fall_us == i64::MAX { up } else { up - share_sum(at_us, self.fall_us, self.fall_for_us) }
    }
}

fn share(at_us: TimestampUs, start_us: TimestampUs, length_us: i64) -> f64 {
    ((at_us - start_us) as f64 / length_us.max(1) as f64).clamp(0.0, 1.0)
}

/// Integral of [`share`] up to a moment, in seconds.
fn share_sum(at_us: TimestampUs, start_us: TimestampUs, length_us: i64) -> f64 {
    let length_s = length_us.max(1) as f64 / SECOND_US as f64;
    let gone_s = ((at_us - start_us) as f64 / SECOND_US as f64).max(0.0);
    if gone_s < length_s { gone_s * gone_s / (2.0 * length_s) } else { gone_s - length_s / 2.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Monday, 5 October 2026, 00:00 UTC.
    const MONDAY: TimestampUs = 1_791_158_400 * SECOND_US;

    #[test]
    fn a_weekday_noon_is_busier_than_a_weekend_night() {
        let business = WeeklyCurve::business();
        let noon = business.at(MONDAY + 2 * DAY_US + 12 * HOUR_US);
        let night = business.at(MONDAY + 6 * DAY_US + 3 * HOUR_US);
        assert!(noon > 8.0 * night, "Wednesday noon {noon}, Sunday 3 a.m. {night}");
        let backup = WeeklyCurve::backup();
        assert_eq!(backup.at(MONDAY + 12 * HOUR_US), 0.0);
        assert_eq!(backup.at(MONDAY + 90 * 60 * SECOND_US), 1.0);
    }

    #[test]
    fn the_integral_is_the_sum_of_the_level() {
        let business = WeeklyCurve::business();
        let by_minute: f64 = (0..3 * 1440).map(|m| business.at(MONDAY + DAY_US / 3 + m * 60 * SECOND_US) * 60.0).sum();
        let exact = business.between(MONDAY + DAY_US / 3, MONDAY + DAY_US / 3 + 3 * DAY_US);
        assert!((by_minute / exact - 1.0).abs() < 0.001, "{by_minute} and {exact}");
    }

    proptest! {
        #[test]
        fn warped_time_only_goes_forward(key in any::<u64>(), at in 0..4_000_000_000_i64, step in 1..600_i64) {
            let uneven = Unevenness::new(key);
            let (a, b) = (at * SECOND_US, (at + step) * SECOND_US);
            prop_assert!(uneven.warp(b) > uneven.warp(a));
            prop_assert!((-1.0..=1.0).contains(&uneven.wander(a)));
            prop_assert!((0.4..=1.6).contains(&uneven.rate(a)));
        }

        #[test]
        fn a_ramp_and_its_integral_agree(rise in 1..5_000_i64, hold in 0..5_000_i64, fall in 1..5_000_i64) {
            let s = SECOND_US;
            let ramp = Ramp { start_us: 1_000 * s, rise_us: rise * s, fall_us: (1_000 + rise + hold) * s, fall_for_us: fall * s };
            let total = ramp.between(0, 100_000 * s);
            prop_assert!((total - (rise as f64 / 2.0 + hold as f64 + fall as f64 / 2.0)).abs() < 0.01);
            prop_assert!((0.0..=1.0).contains(&ramp.at((1_000 + rise) * s)));
            prop_assert_eq!(ramp.at(100_000 * s), 0.0);
        }
    }
}
