//! Jumps in daily values: level shifts, resizes, clean-ups.
//!
//! A jump is one day's change that is far beyond the usual ones and stays: medians on both sides move, so that a spike or a
//! holiday is no jump.

use super::order_statistics::{median, robust_sigma};

/// Values on each side that must agree that the level moved.
const SIDE: usize = 5;
/// A jump in spreads of the usual change of the level over as many days.
const FAR: f64 = 7.0;

/// So many jumps upwards are no exceptions: this is how the resource grows, and its growth must not be taken off.
const GROWTH_BY_JUMPS: usize = 2;

/// A sudden change of the level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Jump {
    /// Index of the first value after it.
    pub(super) at: usize,
    /// Level after less level before.
    pub(super) size: f64,
}

/// The jumps in `values` (no gaps), in the order of time; `least` is the smallest that counts.
pub(super) fn find_jumps(values: &[f64], least: f64) -> Vec<Jump> {
    let n = values.len();
    if n < 2 * SIDE + 4 {
        return Vec::new();
    }
    let size_at = |at: usize| {
        let mut before = values[at.saturating_sub(SIDE)..at].to_vec();
        let mut after = values[at..(at + SIDE).min(n)].to_vec();
        median(&mut after) - median(&mut before)
    };
    let sizes: Vec<f64> = (2..n - 1).map(size_at).collect();
    let steps: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mut usual = sizes.clone();
    let centre = median(&mut usual);
    let spread = robust_sigma(&sizes).max(1e-12);
    let step_spread = robust_sigma(&steps);
    let mut jumps: Vec<Jump> = Vec::new();
    for (place, &size) in sizes.iter().enumerate() {
        let at = place + 2;
        let step = steps[at - 1];
        let stays = (size - centre).abs() > FAR * spread && size.abs() > least;
        // Most of the change must come in the one day: a steep week is growth.
        let sudden = step * size > 0.0 && step.abs() > 0.6 * size.abs() && step.abs() > FAR * step_spread.min(spread);
        if stays && sudden {
            match jumps.last_mut() {
                Some(last) if at - last.at < SIDE => {
                    if step.abs() > steps[last.at - 1].abs() {
                        *last = Jump { at, size };
                    }
                }
                _ => jumps.push(Jump { at, size }),
            }
        }
    }
    let up = jumps.iter().filter(|jump| jump.size > 0.0).count();
    if up >= GROWTH_BY_JUMPS {
        jumps.retain(|jump| jump.size < 0.0);
    }
    jumps
}
