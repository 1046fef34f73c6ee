//! What the series is expected to be at this time of day, on a working day and at a weekend.
//!
//! Daylight saving: the clock of a series' users moves against UTC by an hour twice a year. The smoothed streams take the nearest of the
//! expectation now, an hour earlier and an hour later, so a moved day is no lasting deviation; the bins follow the moved day within a week.
//! Weekends begin and end within hours and not at midnight in UTC: half a day around, anything between the two profiles is expected.
//! Noise: some hours of the day are less regular than others (a nightly job, the turn of a weekend), so deviations are taken in units of
//! the hour's own size where that is larger than usual.
//! Holidays: a working day may look like a weekend and the other way round, so each point is compared to the nearer of both profiles.

use super::state_bytes::{StateError, StateReader, StateWriter};

/// Seconds of the season.
pub(super) const DAY_S: i64 = 86_400;
/// Bins of the day: a quarter of an hour each, three points of five minutes.
const MOST_BINS: usize = 96;
/// Share of a new day in a bin, spread over the bin's points: a changed habit is the new normal after about a week.
const DAY_SHARE: f32 = 0.3;
/// No single point moves a bin further than this, so that bins of one point (hourly series) are averages too.
const LARGEST_SHARE: f32 = 0.1;
/// Deviations count at most this many mean deviations when a bin learns (Huber's rule at about three standard deviations).
pub(super) const CLIP: f32 = 4.0;
/// Points of a bin that are taken as they are, before there is a mean deviation worth clipping by.
const UNCLIPPED: u8 = 3;
/// Share of a bin's points in one day after which it is known; the rest may be missing.
const KNOWN_SHARE: f32 = 0.7;
/// Hours of the day, each with its own mean deviation.
const HOURS: usize = 24;
const HOUR_S: i64 = 3_600;
/// Share of a new day in an hour's mean deviation, spread over the hour's points: two weeks, because weekends turn on two days in seven.
const NOISE_SHARE: f32 = 0.08;
/// Weight of the newest point in the level that stands in for an unknown bin: about twenty points.
const LEVEL_SHARE: f32 = 0.05;

/// Seasonal state of one series, in units relative to the detector's anchor.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Baseline {
    /// Working days, then weekends.
    profiles: [[f32; MOST_BINS]; 2],
    counts: [[u8; MOST_BINS]; 2],
    /// Mean absolute deviation by hour of the day; zero while unknown.
    noise: [f32; HOURS],
    bins: u8,
    points_a_bin: f32,
    level: f32,
}

/// What is known of one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// The nearest expectation.
    pub(super) value: f32,
    /// The nearest expectation when the day may have moved by an hour.
    pub(super) within_an_hour: f32,
    /// It is a weekend somewhere on earth and none was seen before.
    pub(super) first_weekend: bool,
}

/// Where a time lies in the week.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// 0 on working days, 1 at weekends.
    kind: usize,
    bin: usize,
    /// Within half a day of a weekend's begin or end in UTC, so that local ones are within it too.
    turns: bool,
    /// In the east the weekend has begun.
    friday_afternoon: bool,
}

impl Baseline {
    /// For a series with points `period_s` apart; series of a day or more apart have no daily season.
    pub(super) fn new(period_s: u32) -> Self {
        let period_s = i64::from(period_s.max(1));
        let bins = if period_s >= DAY_S { 0 } else { (DAY_S / period_s).min(MOST_BINS as i64) };
        let points_a_bin = if bins == 0 { 1.0 } else { (DAY_S as f32 / bins as f32 / period_s as f32).max(1.0) };
        let (profiles, counts) = ([[0.0; MOST_BINS]; 2], [[0; MOST_BINS]; 2]);
        Self { profiles, counts, noise: [0.0; HOURS], bins: bins as u8, points_a_bin, level: 0.0 }
    }

    /// Whether there is a daily season to learn.
    pub(super) fn is_seasonal(&self) -> bool {
        self.bins > 0
    }

    fn moment(&self, timestamp_s: i64) -> Moment {
        let second = timestamp_s.rem_euclid(DAY_S);
        // 1 January 1970 was a Thursday; Monday is 0.
        let weekday = (timestamp_s.div_euclid(DAY_S).rem_euclid(7) + 3) % 7;
        let half_day_on = if second < DAY_S / 2 { (weekday + 6) % 7 } else { (weekday + 1) % 7 };
        let bin = (second * i64::from(self.bins) / DAY_S) as usize;
        let (kind, kind_of_nearer_day) = (usize::from(weekday >= 5), usize::from(half_day_on >= 5));
        Moment { kind, bin, turns: kind != kind_of_nearer_day, friday_afternoon: weekday == 4 && second >= DAY_S / 2 }
    }

    fn known(&self, kind: usize, bin: usize) -> Option<f32> {
        (f32::from(self.counts[kind][bin]) >= (KNOWN_SHARE * self.points_a_bin).min(100.0)).then_some(self.profiles[kind][bin])
    }

    /// The expectations for `value` at a time.
    pub(super) fn expected(&self, timestamp_s: i64, value: f32) -> Expected {
        if self.bins == 0 {
            return Expected { value: self.level, within_an_hour: self.level, first_weekend: false };
        }
        let Moment { kind, bin, turns, friday_afternoon } = self.moment(timestamp_s);
        let own = self.known(kind, bin);
        let other = self.known(1 - kind, bin);
        let near = match (own, other) {
            (Some(own), Some(other)) if turns => Some(value.clamp(own.min(other), own.max(other))),
            _ => nearer(value, own, other),
        };
        let bins = usize::from(self.bins);
        let hour = (bins / 24).max(1);
        let moved = nearer(value, self.known(kind, (bin + hour) % bins), self.known(kind, (bin + bins - hour) % bins));
        let first_weekend = (kind == 1 || friday_afternoon) && self.known(1, bin).is_none();
        let expected = near.unwrap_or(self.level);
        let within_an_hour = if near.is_some() { nearer(value, near, moved).unwrap_or(expected) } else { expected };
        Expected { value: expected, within_an_hour, first_weekend }
    }

    /// Learns a value; `scale` is the mean absolute deviation so far, `seen` the points before.
    pub(super) fn learn(&mut self, timestamp_s: i64, value: f32, scale: f32, seen: u32) {
        let clip = CLIP * scale.max(f32::MIN_POSITIVE);
        let early = 1.0 / (seen as f32 + 1.0);
        let away = value - self.level;
        self.level += if seen > 20 { LEVEL_SHARE.max(early) * away.clamp(-2.0 * clip, 2.0 * clip) } else { away * early };
        if self.bins == 0 {
            return;
        }
        let Moment { kind, bin, .. } = self.moment(timestamp_s);
        let count = self.counts[kind][bin].saturating_add(1);
        self.counts[kind][bin] = count;
        let away = value - self.profiles[kind][bin];
        let away = if count > UNCLIPPED { away.clamp(-clip, clip) } else { away };
        let share = (DAY_SHARE / self.points_a_bin).min(LARGEST_SHARE).max(1.0 / f32::from(count));
        self.profiles[kind][bin] += share * away;
    }

    /// How many times as large as usual deviations are at this hour of the day, at least 1; `scale` is the usual mean absolute deviation.
    pub(super) fn noisier(&self, timestamp_s: i64, scale: f32) -> f32 {
        let noise = self.noise[hour_of(timestamp_s)];
        if noise > scale && scale > 0.0 { noise / scale } else { 1.0 }
    }

    /// Learns a deviation from a known expectation; without a daily season there is nothing to learn.
    pub(super) fn learn_noise(&mut self, timestamp_s: i64, deviation: f32, scale: f32) {
        if self.bins == 0 {
            return;
        }
        let points_an_hour = (self.points_a_bin * f32::from(self.bins) / HOURS as f32).max(1.0);
        let noise = &mut self.noise[hour_of(timestamp_s)];
        if *noise == 0.0 {
            *noise = scale;
        }
        let clipped = deviation.abs().min(CLIP * noise.max(scale));
        *noise += NOISE_SHARE / points_an_hour * (clipped - *noise);
    }

    /// Moves everything by `by`, as a level shift does.
    pub(super) fn shift(&mut self, by: f32) {
        self.level += by;
        self.profiles.iter_mut().flatten().for_each(|bin| *bin += by);
    }

    pub(super) fn write(&self, out: &mut StateWriter) {
        out.u8(self.bins);
        out.f32(self.level);
        self.noise.iter().for_each(|noise| out.f32(*noise));
        for kind in 0..2 {
            for bin in 0..usize::from(self.bins) {
                out.u8(self.counts[kind][bin]);
                out.f32(self.profiles[kind][bin]);
            }
        }
    }

    pub(super) fn read(from: &mut StateReader<'_>, period_s: u32) -> Result<Self, StateError> {
        let mut fresh = Self::new(period_s);
        if from.u8()? != fresh.bins {
            return Err(StateError::Damaged("bins of the day"));
        }
        fresh.level = from.f32()?;
        for noise in &mut fresh.noise {
            *noise = from.f32()?;
        }
        for kind in 0..2 {
            for bin in 0..usize::from(fresh.bins) {
                fresh.counts[kind][bin] = from.u8()?;
                fresh.profiles[kind][bin] = from.f32()?;
            }
        }
        Ok(fresh)
    }
}

fn hour_of(timestamp_s: i64) -> usize {
    (timestamp_s.rem_euclid(DAY_S) / HOUR_S) as usize
}

fn nearer(value: f32, one: Option<f32>, other: Option<f32>) -> Option<f32> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if (value - other).abs() < (value - one).abs() { other } else { one }),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday 5 January 1970.
    const MONDAY: i64 = 4 * DAY_S;

    fn after_days(days: i64) -> Baseline {
        let mut baseline = Baseline::new(300);
        for step in 0..days * 288 {
            let time = MONDAY + step * 300;
            let level = if (step / 288) % 7 >= 5 { 1.0 } else { 10.0 };
            baseline.learn(time, level + (step % 288) as f32 / 288.0, 0.1, step as u32);
        }
        baseline
    }

    #[test]
    fn working_days_and_weekends_have_profiles_of_their_own() {
        let baseline = after_days(14);
        let monday = baseline.expected(MONDAY + 14 * DAY_S, 10.0);
        let saturday = baseline.expected(MONDAY + 19 * DAY_S, 1.0);
        assert!((monday.value - 10.0).abs() < 0.1, "{monday:?}");
        assert!((saturday.value - 1.0).abs() < 0.1 && !saturday.first_weekend, "{saturday:?}");
    }

    #[test]
    fn a_holiday_may_look_like_a_weekend_but_a_new_level_is_not_explained() {
        let baseline = after_days(14);
        let time = MONDAY + 15 * DAY_S;
        assert!((baseline.expected(time, 1.0).value - 1.0).abs() < 0.1);
        assert!((baseline.expected(time, 20.0).value - 10.0).abs() < 0.1);
    }

    #[test]
    fn the_first_weekend_is_said_to_be_unknown() {
        let baseline = after_days(5);
        assert!(baseline.expected(MONDAY + 5 * DAY_S, 1.0).first_weekend);
        assert!(!baseline.expected(MONDAY + 4 * DAY_S, 1.0).first_weekend);
        assert!(baseline.expected(MONDAY + 4 * DAY_S + DAY_S * 3 / 4, 1.0).first_weekend, "Friday evening");
    }

    #[test]
    fn a_day_moved_by_an_hour_is_within_an_hour() {
        let mut baseline = Baseline::new(300);
        let value = |time: i64| ((time.rem_euclid(DAY_S)) as f32 / DAY_S as f32 * std::f32::consts::TAU).sin() * 100.0;
        for step in 0..288 * 12 {
            let time = MONDAY + step * 300;
            baseline.learn(time, value(time), 1.0, step as u32);
        }
        let now = MONDAY + 14 * DAY_S;
        let moved = value(now + 3_600);
        let expected = baseline.expected(now, moved);
        assert!((expected.within_an_hour - moved).abs() < 4.0 && (expected.value - moved).abs() > 15.0, "{expected:?} {moved}");
    }

    #[test]
    fn an_hour_that_is_often_off_is_noisier_and_the_others_are_not() {
        let mut baseline = Baseline::new(300);
        for step in 0..288 * 28 {
            let time = MONDAY + step * 300;
            let off = if time.rem_euclid(DAY_S) < HOUR_S { 4.0 } else { 1.0 };
            baseline.learn_noise(time, off, 1.0);
        }
        assert!((3.0..=4.0).contains(&baseline.noisier(MONDAY, 1.0)), "{}", baseline.noisier(MONDAY, 1.0));
        assert_eq!(baseline.noisier(MONDAY + HOUR_S, 1.0), 1.0);
        assert_eq!(baseline.noisier(MONDAY, 0.0), 1.0, "without a scale nothing is noisier");
        assert_eq!(Baseline::new(300).noisier(MONDAY, 1.0), 1.0);
    }

    #[test]
    fn every_period_has_bins_that_fit() {
        for (period, bins) in [(0, 96), (1, 96), (60, 96), (300, 96), (900, 96), (3_600, 24), (21_600, 4), (86_400, 0), (u32::MAX, 0)] {
            assert_eq!(Baseline::new(period).bins, bins, "{period}");
        }
    }
}
