//! Growth that somebody cleans up again and again.
//!
//! What matters for the day on which a volume is full is the peak before each clean-up, how that grows from cycle to cycle, and how long a cycle is.

use super::order_statistics::median;

/// Clean-ups from which on there is a pattern: two full cycles between them.
const CLEAN_UPS: usize = 3;

/// The largest day's share of a cycle's rise from which on the rise is no growth.
const SUDDEN: f64 = 0.7;

/// A series with clean-ups.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SawTooth {
    /// Index of the last value before each clean-up.
    pub(super) peaks: Vec<usize>,
    /// Days from clean-up to clean-up.
    pub(super) cycles: Vec<usize>,
    /// Rise a day within a cycle, the median.
    pub(super) rise: f64,
    /// Days since the last clean-up.
    pub(super) phase: usize,
}

impl SawTooth {
    /// Finds drops of more than `least` from a day to the next; `None` if there are too few, or if what rises between them is not most of what drops.
    pub(super) fn find(values: &[f64], least: f64) -> Option<Self> {
        let mut peaks: Vec<usize> = Vec::new();
        for place in 1..values.len() {
            let drop = values[place - 1] - values[place];
            // A dip of a day or two is no clean-up: what follows must stay down.
            let stays = values[place..(place + 3).min(values.len())].iter().all(|value| values[place - 1] - value > 0.5 * drop);
            if drop > least && stays && peaks.last().is_none_or(|&last| place - 1 - last >= 3) {
                peaks.push(place - 1);
            }
        }
        if peaks.len() < CLEAN_UPS {
            return None;
        }
        let cycles: Vec<usize> = peaks.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (mut rises, mut sudden) = (Vec::with_capacity(cycles.len()), Vec::with_capacity(cycles.len()));
        for pair in peaks.windows(2) {
            let cycle = &values[pair[0] + 1..=pair[1]];
            let total = cycle[cycle.len() - 1] - cycle[0];
            rises.push(total / (cycle.len() - 1).max(1) as f64);
            sudden.push(cycle.windows(2).map(|days| days[1] - days[0]).fold(0.0, f64::max) / total.abs().max(f64::MIN_POSITIVE));
        }
        // What rises in one day falls the next: that is a day of the week, not growth that is cleaned up.
        if median(&mut sudden) > SUDDEN {
            return None;
        }
        let rise = median(&mut rises);
        let phase = values.len() - 1 - peaks[peaks.len() - 1];
        (rise > 0.0).then_some(Self { peaks, cycles, rise, phase })
    }
}
