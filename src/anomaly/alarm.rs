//! From scores to alarms: the one threshold, sensitivity in words, and the bar that keeps one event from alarming many times.

/// Seconds of a week.
const WEEK_S: f64 = 604_800.0;
/// The score that clean series reach once in 1,000 points, and what a tenfold of points adds: a fit to simulated clean years (seasonal, drifting,
/// autocorrelated, skewed and counting noise, weekends, holidays, daylight saving) in `benches/evaluate/clean.rs`: once a week of five-minute
/// points 2.2, in 4 weeks 2.6, in 20 weeks 3.1, in a year 3.4.
const ONCE_IN_A_THOUSAND: f64 = 1.97;
const A_TENFOLD: f64 = 0.68;
/// Below this an alarm would be daily noise, whatever was asked for.
const LOWEST: f64 = 1.5;
/// The threshold for everybody: about one alarm in 40 weeks of a clean five-minute series.
pub const DEFAULT_THRESHOLD: f64 = 3.25;
/// The bar above the threshold falls by e in this many points below the threshold: an event that gets no worse is one alarm.
const BAR_POINTS: f64 = 100.0;
/// How much worse an event has to get at once to alarm again.
const WORSE: f64 = 0.5;

/// The threshold at which a clean series alarms about once in `weeks_between_alarms`, with points `period_s` apart.
///
/// Grows with the weeks and with the rate of points, and is never below 1.5. Odd input counts as the smallest.
pub fn threshold_for(weeks_between_alarms: f64, period_s: u32) -> f64 {
    let points = weeks_between_alarms.max(0.0) * WEEK_S / f64::from(period_s.max(1));
    (ONCE_IN_A_THOUSAND + A_TENFOLD * (points / 1_000.0).max(1e-3).log10()).clamp(LOWEST, 20.0)
}

/// The bar of one series.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Bar {
    /// Height above the threshold.
    pub(super) height: f64,
}

impl Bar {
    /// One more point with its evidence: whether to alarm.
    pub(super) fn passes(&mut self, evidence: f64, threshold: f64) -> bool {
        // An event that goes on is the same event, so the bar waits for its end.
        if evidence < threshold {
            self.height *= (-1.0 / BAR_POINTS).exp();
        }
        let alarm = evidence >= threshold + self.height;
        if alarm {
            self.height = evidence - threshold + WORSE;
        }
        alarm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_grow_with_the_weeks_and_with_the_rate_of_points() {
        let mut last = 0.0;
        for weeks in [0.5, 1.0, 4.0, 20.0, 52.0] {
            let threshold = threshold_for(weeks, 300);
            assert!(threshold > last && threshold_for(weeks, 60) > threshold);
            last = threshold;
        }
        assert!(
            threshold_for(f64::NAN, 0).is_finite() && threshold_for(-1.0, 300) >= LOWEST && threshold_for(f64::INFINITY, 1).is_finite()
        );
        assert!((threshold_for(40.0, 300) - DEFAULT_THRESHOLD).abs() < 0.05, "the default is once in 40 weeks");
    }

    #[test]
    fn one_event_is_one_alarm_and_a_worse_one_is_another() {
        let mut bar = Bar::default();
        let steady: Vec<bool> = (0..20).map(|_| bar.passes(6.0, 5.0)).collect();
        assert_eq!(steady.iter().filter(|alarm| **alarm).count(), 1);
        assert!(bar.passes(9.0, 5.0));
        assert!(!bar.passes(9.0, 5.0));
        assert!((0..1_000).all(|_| !bar.passes(0.0, 5.0)));
        assert!(bar.passes(5.1, 5.0), "the bar has come down");
        let lasting = (0..1_000).filter(|_| bar.passes(5.5, 5.0)).count();
        assert_eq!(lasting, 0, "an event that lasts and gets no worse is the same event");
    }
}
