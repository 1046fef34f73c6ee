//! Peaks that come again: what is done at the end of each month, or when somebody runs a large job.
//!
//! They say nothing about the trend, and may be what reaches the threshold. When the next ones come is drawn from the distances of those
//! before, and how high they are from their heights.

use super::excursion::Standing;
use super::random::Random;

/// Peaks from which on they will come again.
const AGAIN: usize = 2;
/// Distances from which on theirs say how regular they are; with fewer the next may come at any time up to twice as far.
const REGULAR: usize = 3;

/// Peaks that come again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecurringPeaks {
    /// Days from the beginning of each to that of the next.
    distances: Vec<usize>,
    /// Days since the last began.
    since: usize,
    /// How far each stood above the level on each of its days, seasons and all.
    heights: Vec<Vec<f64>>,
}

impl RecurringPeaks {
    /// Those among `values`, whose days stand as said, that rise further above `level` than seasons do; `None` where there are too few. What
    /// stands at the very beginning is left out: nobody knows when it began.
    pub(super) fn find(values: &[f64], level: &[f64], usual_height: f64, standings: &[Standing]) -> Option<Self> {
        let is_peak = |place: usize| standings[place] == Standing::Above;
        let heights = |begin: usize| -> Vec<f64> {
            (begin..standings.len()).take_while(|&place| is_peak(place)).map(|place| values[place] - level[place]).collect()
        };
        let peaks = (1..standings.len()).filter(|&place| is_peak(place) && !is_peak(place - 1)).map(|begin| (begin, heights(begin)));
        let (begins, heights): (Vec<usize>, Vec<Vec<f64>>) =
            peaks.filter(|(_, heights)| heights.iter().any(|height| *height > usual_height)).unzip();
        let since = standings.len() - 1 - begins.last()?;
        let distances = begins.windows(2).map(|pair| pair[1] - pair[0]).collect();
        (begins.len() >= AGAIN).then_some(Self { distances, since, heights })
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.heights.len()
    }

    /// The highest day of all.
    pub(super) fn highest(&self) -> f64 {
        self.heights.iter().flatten().copied().fold(0.0, f64::max)
    }

    /// As many days more have passed.
    pub(super) fn after(&self, days: usize) -> Self {
        Self { since: self.since + days, ..self.clone() }
    }

    /// A future up to a day: the days ahead (from 1, ascending) with how far they stand above the level.
    pub(super) fn future(&self, days: usize, random: &mut Random) -> Vec<(usize, f64)> {
        let mut distance = || {
            let drawn = self.distances[random.below(self.distances.len())];
            if self.distances.len() < REGULAR { 1 + random.below(2 * drawn) } else { drawn }
        };
        // The longer it is overdue, the later it is expected: it may have stopped.
        let first = distance();
        let mut begins = first.checked_sub(self.since).filter(|days| *days > 0).unwrap_or_else(|| distance() + self.since - first);
        let mut places = Vec::new();
        while begins <= days {
            places.push(begins);
            begins += distance();
        }
        let mut future: Vec<(usize, f64)> = Vec::with_capacity(2 * places.len());
        for begin in places {
            let heights = &self.heights[random.below(self.heights.len())];
            let first = future.last().map_or(begin, |(last, _)| begin.max(last + 1));
            future.extend((first..).zip(heights.iter().copied()));
        }
        future
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_go_on_at_their_distances() {
        let mut values = vec![10.0; 100];
        let mut standings = vec![Standing::Usual; 100];
        for begin in [9, 39, 69, 99 - 5] {
            (values[begin], values[begin + 1]) = (30.0, 25.0);
            standings[begin..begin + 2].fill(Standing::Above);
        }
        let peaks = RecurringPeaks::find(&values, &[10.0; 100], 1.0, &standings).unwrap();
        assert_eq!((peaks.count(), peaks.highest(), peaks.since), (4, 20.0, 5));
        assert_eq!(peaks.distances, [30, 30, 25]);
        for path in 0..20 {
            let future = peaks.after(2).future(60, &mut Random::from_values(&[f64::from(path)]));
            assert!([18, 23].contains(&future[0].0) && future[0].1 == 20.0 && future[1] == (future[0].0 + 1, 15.0), "{future:?}");
            assert!(future.is_sorted_by_key(|(day, _)| *day), "{future:?}");
        }
    }

    #[test]
    fn one_is_not_again_and_two_say_little_of_when() {
        let mut standings = vec![Standing::Usual; 60];
        standings[0] = Standing::Above;
        standings[20] = Standing::Above;
        assert_eq!(
            RecurringPeaks::find(&[1.0; 60], &[0.0; 60], 0.0, &standings),
            None,
            "what stands at the beginning may be a part of something"
        );
        standings[50] = Standing::Above;
        let peaks = RecurringPeaks::find(&[1.0; 60], &[0.0; 60], 0.0, &standings).unwrap();
        assert_eq!(RecurringPeaks::find(&[1.0; 60], &[0.0; 60], 1.0, &standings), None, "a week goes as high");
        let first: Vec<usize> = (0..200).map(|path| peaks.future(300, &mut Random::from_values(&[f64::from(path)]))[0].0).collect();
        assert!(first.iter().any(|day| *day < 10) && first.iter().any(|day| *day > 40), "{first:?}");
        assert!(first.iter().all(|day| (1..=69).contains(day)), "as late as it is overdue: {first:?}");
    }
}
