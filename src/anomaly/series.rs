//! A whole series at once, as the command line reads it from a file.

use super::alarm::DEFAULT_THRESHOLD;
use super::detector::Detector;

/// Period of series with fewer than two points.
const UNKNOWN_PERIOD_S: u32 = 300;

/// The median spacing of the points in seconds, at least 1; steps back and repeats do not count.
pub fn infer_period(points: &[(i64, f64)]) -> u32 {
    let mut steps: Vec<i64> = points.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0)).filter(|step| *step > 0).collect();
    if steps.is_empty() {
        return UNKNOWN_PERIOD_S;
    }
    let middle = steps.len() / 2;
    let (_, median, _) = steps.select_nth_unstable(middle);
    u32::try_from(*median).unwrap_or(u32::MAX)
}

/// Score and alarm of each point, in order, each from the points up to it only. Points are (Unix seconds, value).
pub fn detect_series(points: &[(i64, f64)], period_s: Option<u32>) -> Vec<(f64, bool)> {
    let mut detector = Detector::new(period_s.unwrap_or_else(|| infer_period(points)));
    points
        .iter()
        .map(|&(timestamp_s, value)| {
            let reading = detector.update(timestamp_s, value);
            (reading.score, detector.alarm(&reading, DEFAULT_THRESHOLD))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_the_median_spacing() {
        let points: Vec<(i64, f64)> = [0, 300, 600, 600, 500, 800, 1_100, 9_000].into_iter().map(|time| (time, 0.0)).collect();
        assert_eq!(infer_period(&points), 300);
        assert_eq!(infer_period(&[]), UNKNOWN_PERIOD_S);
        assert_eq!(infer_period(&[(i64::MIN, 0.0), (i64::MAX, 0.0)]), u32::MAX);
    }

    #[test]
    fn a_plain_jump_alarms_at_once_and_hardly_again() {
        let points: Vec<(i64, f64)> = (0..4_000_i64)
            .map(|step| (step * 300, (step * 7_919 % 101) as f64 / 100.0 + if (3_000..3_010).contains(&step) { 20.0 } else { 0.0 }))
            .collect();
        let alarms: Vec<usize> = detect_series(&points, None).iter().enumerate().filter(|(_, point)| point.1).map(|(row, _)| row).collect();
        assert_eq!(alarms.first(), Some(&3_000), "{alarms:?}");
        assert!(alarms.len() <= 3 && alarms.iter().all(|row| *row < 3_010), "{alarms:?}");
    }
}
