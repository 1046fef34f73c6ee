//! Points in time as a regular series, and as days.

use super::error::ForecastError;

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// Steps of a series at most: a year of minutes.
const MAX_STEPS: i64 = 525_600;

/// A regular series.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// One value a step from the first moment on; NaN where there is none.
    pub values: Vec<f64>,
    /// From value to value, in seconds.
    pub step_s: i64,
    /// The moment of the last value, in seconds since 1970.
    pub last_s: i64,
}

impl Grid {
    /// From points (seconds since 1970, value) in any order; the step is their median spacing, and of two points for one step the later
    /// one of the list counts.
    ///
    /// # Errors
    /// Fewer than two moments, or more steps than a year has minutes.
    pub fn of(mut points: Vec<(i64, f64)>) -> Result<Self, ForecastError> {
        points.sort_by_key(|point| point.0);
        let mut gaps: Vec<i64> = points.windows(2).map(|pair| pair[1].0.saturating_sub(pair[0].0)).filter(|gap| *gap > 0).collect();
        gaps.sort_unstable();
        let (Some(&step_s), Some(first), Some(last)) = (gaps.get(gaps.len() / 2), points.first(), points.last()) else {
            return Err(ForecastError::NoSteps { points: points.len() });
        };
        let slot = |at_s: i64| at_s.saturating_sub(first.0).saturating_add(step_s / 2) / step_s;
        let steps = slot(last.0) + 1;
        if steps > MAX_STEPS {
            return Err(ForecastError::TooManySteps { steps, step_s, most: MAX_STEPS });
        }
        let mut values = vec![f64::NAN; usize::try_from(steps).unwrap_or(0)];
        for (at_s, value) in &points {
            if let Some(kept) = usize::try_from(slot(*at_s)).ok().and_then(|slot| values.get_mut(slot)) {
                *kept = *value;
            }
        }
        Ok(Self { values, step_s, last_s: first.0 + (steps - 1) * step_s })
    }

    /// The values by day: of steps shorter than a day the largest of each, counted back from the last moment, so that the last day is
    /// whole; longer steps as they are.
    pub fn days(&self) -> Vec<f64> {
        if self.step_s >= DAY_S {
            return self.values.clone();
        }
        let days_before = |age: usize| (age as i64).saturating_mul(self.step_s) / DAY_S;
        let mut days = vec![f64::NAN; self.values.len().checked_sub(1).map_or(0, |oldest| days_before(oldest) as usize + 1)];
        for (age, value) in self.values.iter().rev().enumerate() {
            if let Some(day) = days.iter_mut().rev().nth(days_before(age) as usize) {
                *day = day.max(*value);
            }
        }
        days
    }

    /// How many days one value of [`Grid::days`] stands for.
    pub fn days_a_value(&self) -> f64 {
        if self.step_s > DAY_S { self.step_s as f64 / DAY_S as f64 } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_the_median_spacing_and_gaps_stay_gaps() {
        let grid = Grid::of(vec![(7_200, 3.0), (0, 1.0), (3_600, 2.0), (14_400, 5.0)]).unwrap();
        assert_eq!((grid.step_s, grid.values.len(), grid.last_s), (3_600, 5, 14_400));
        assert!(grid.values[3].is_nan() && grid.values[4] == 5.0);
    }

    #[test]
    fn a_day_counts_by_its_largest_value() {
        let grid = Grid::of((0..8).map(|at| (at * 21_600, (at % 4) as f64)).collect()).unwrap();
        assert_eq!((grid.days(), grid.days_a_value()), (vec![3.0, 3.0], 1.0));
        // Of steps of seven hours a day has three or four.
        let odd = Grid::of((0..8).map(|at| (at * 25_200, at as f64)).collect()).unwrap();
        assert_eq!(odd.days(), vec![0.0, 3.0, 7.0]);
        let weeks = Grid::of(vec![(0, 1.0), (7 * DAY_S, 2.0)]).unwrap();
        assert_eq!((weeks.days(), weeks.days_a_value()), (vec![1.0, 2.0], 7.0));
    }

    #[test]
    fn what_cannot_be_a_series_is_refused() {
        let error = |points: &[(i64, f64)]| Grid::of(points.to_vec()).unwrap_err().to_string();
        assert!(error(&[]).contains("0 points"));
        assert!(error(&[(5, 1.0), (5, 2.0)]).contains("2 points"));
        assert!(error(&[(0, 1.0), (1, 2.0), (2, 2.0), (99_999_999, 2.0)]).contains("or coarser ones"));
        assert!(Grid::of(vec![(i64::MIN, 1.0), (i64::MAX, 1.0)]).is_ok_and(|grid| grid.values.len() == 2));
    }
}
