//! How rare is this value in the series' own past: a log histogram with a predictive tail.

use super::logarithm::log2;
use super::state_bytes::{StateError, StateReader, StateWriter};

/// Bins of the histogram: at five an octave they span eleven octaves below the largest value seen, and only the top matters.
const BINS: usize = 56;
/// Bins an octave: one bin is 15 % wide, finer than a tail of a hundred points can tell apart.
const PER_OCTAVE: f32 = 5.0;
/// Bins are at most this far from the one of value 1: five times the 150 octaves of a 32-bit float, rounded up.
const LARGEST_BIN: i32 = 1_000;
/// What one point adds to its bin: above one, so that halving does not wipe out single extreme points at once.
const UNIT: u32 = 3;
/// Total at which all bins are halved: the memory is 10,000 to 20,000 points (five to ten weeks of five minutes), and no bin overflows.
const FULL: u32 = 60_000;
/// Largest step up of the range at one point, two octaves: one absurd value must not push the whole past into the lowest bin.
const LARGEST_STEP: i32 = 10;
/// Share of the points that the tail is fitted to.
const TAIL_SHARE: f32 = 0.01;
/// A value that this share of the past exceeds is no surprise at all, which saves most points the logarithm.
const USUAL_SHARE: f32 = 0.3;
/// Scores end here: beyond one in a million a histogram of thousands of points says nothing.
const LARGEST_SURPRISE: f32 = 6.0;

/// A bin that this share of the past exceeds is remembered as quiet: somewhat more than `USUAL_SHARE`, so that it stays so for a while.
const QUIET_SHARE: f32 = 0.35;
/// Growth of the total up to which a quiet bin stays quiet whatever comes: 0.35 / 1.15 is still more than `USUAL_SHARE`.
const QUIET_GROWTH: f32 = 1.15;

/// The distribution of one stream of non-negative values.
#[derive(Clone, Debug)]
pub(super) struct Calibration {
    counts: [u16; BINS],
    total: u32,
    /// Bin number of the highest bin; `i32::MIN` until a value above zero came.
    top: i32,
    /// Values in the bins below this one are no surprise, as long as the total is at most `quiet_until`: saves counting for most points and
    /// changes no result, so it is neither saved nor compared.
    quiet_below: u32,
    quiet_until: u32,
}

impl PartialEq for Calibration {
    fn eq(&self, other: &Self) -> bool {
        self.counts == other.counts && self.total == other.total && self.top == other.top
    }
}

impl Calibration {
    /// Knows nothing.
    pub(super) fn new() -> Self {
        Self { counts: [0; BINS], total: 0, top: i32::MIN, quiet_below: 0, quiet_until: 0 }
    }

    /// Bin coordinate of a value; negative infinity for zero.
    pub(super) fn place(value: f32) -> f32 {
        PER_OCTAVE * log2(value)
    }

    /// −log₁₀ of the chance of a value at least this large, 0 to 6.
    ///
    /// `dependence` is how many neighbouring points count as one independent observation (1 for unsmoothed streams). Inside the past the
    /// chance is the share above. In the top hundredth it is the predictive chance of a Pareto tail whose exponent has the k tail points
    /// as its evidence, (1 + excess / sum of excesses)^(−k) on the log axis: heavy while the evidence is thin.
    pub(super) fn surprise(&mut self, place: f32, dependence: f32) -> f32 {
        let unit = UNIT as f32 * dependence;
        let total = self.total as f32 + unit;
        if self.total == 0 || place == f32::NEG_INFINITY {
            return 0.0;
        }
        let low = self.top.saturating_sub(BINS as i32 - 1);
        let at = if self.top == i32::MIN { BINS as f32 } else { place - low as f32 };
        if at < 1.0 {
            return 0.0;
        }
        let needed = (TAIL_SHARE * self.total as f32).max(unit);
        let index = at as usize;
        if self.total > self.quiet_until {
            self.find_quiet();
        }
        if index < self.quiet_below as usize {
            return 0.0;
        }
        if index < BINS {
            let above = self.above(index);
            let inside = f32::from(self.counts[index]) * (1.0 - (at - index as f32));
            if above as f32 > USUAL_SHARE * self.total as f32 {
                return 0.0;
            }
            if above as f32 >= needed {
                return -decades((above as f32 + inside + 0.5 * unit) / total);
            }
        }
        self.tail_surprise(at, needed, unit, total)
    }

    /// Counts in the bins above one: all bins are looked at, without a branch, and 16 bits hold the sum because they hold the total.
    fn above(&self, index: usize) -> u32 {
        let mut sum = 0_u16;
        for (bin, count) in (0_u16..).zip(&self.counts) {
            sum = sum.wrapping_add(if bin > index as u16 { *count } else { 0 });
        }
        u32::from(sum)
    }

    fn find_quiet(&mut self) {
        let enough = QUIET_SHARE * self.total as f32;
        let (mut above, mut bin) = (0, BINS);
        while bin > 0 && (above as f32) < enough {
            bin -= 1;
            above += u32::from(self.counts[bin]);
        }
        self.quiet_below = bin as u32;
        self.quiet_until = (QUIET_GROWTH * self.total as f32) as u32;
    }

    fn tail_surprise(&self, at: f32, needed: f32, unit: f32, total: f32) -> f32 {
        let (mut taken, mut weighted, mut border) = (0.0, 0.0, BINS);
        while border > 0 && taken < needed {
            border -= 1;
            let count = f32::from(self.counts[border]);
            taken += count;
            weighted += count * (border as f32 + 0.5);
        }
        let border = border as f32;
        let share = (taken.max(0.5 * unit) / total).min(1.0);
        if at <= border {
            return -decades(share);
        }
        let evidence = (taken / unit).max(1.0);
        let excesses = ((weighted - taken * border) / unit).max(0.25);
        let rarer = evidence * decades(1.0 + (at - border) / excesses);
        (rarer - decades(share)).min(LARGEST_SURPRISE)
    }

    /// Takes the value at `place` into the past.
    pub(super) fn learn(&mut self, place: f32) {
        let index = if place == f32::NEG_INFINITY {
            0
        } else {
            self.index_for((place + LARGEST_BIN as f32).clamp(0.0, 2.0 * LARGEST_BIN as f32) as i32 - LARGEST_BIN)
        };
        self.counts[index] += UNIT as u16;
        self.total += UNIT;
        if self.total >= FULL {
            self.halve();
        }
    }

    fn index_for(&mut self, bin: i32) -> usize {
        if self.top == i32::MIN {
            self.top = bin + LARGEST_STEP;
        }
        if bin > self.top {
            let step = (bin - self.top).min(LARGEST_STEP);
            let merged: u32 = self.counts[..=step as usize].iter().map(|count| u32::from(*count)).sum();
            self.counts.copy_within(step as usize.., 0);
            self.counts[BINS - step as usize..].fill(0);
            // The total is below 65,536, so a merged bin is too.
            self.counts[0] = u16::try_from(merged).unwrap_or(u16::MAX);
            self.top += step;
            self.quiet_until = 0;
        }
        (bin - self.top + BINS as i32 - 1).clamp(0, BINS as i32 - 1) as usize
    }

    /// Halves the weight of the past.
    pub(super) fn halve(&mut self) {
        self.counts.iter_mut().for_each(|count| *count /= 2);
        self.total = self.counts.iter().map(|count| u32::from(*count)).sum();
        self.quiet_until = 0;
    }

    pub(super) fn write(&self, out: &mut StateWriter) {
        self.counts.iter().for_each(|count| out.u16(*count));
        out.i32(self.top);
    }

    pub(super) fn read(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let mut fresh = Self::new();
        for count in &mut fresh.counts {
            *count = from.u16()?;
        }
        fresh.total = fresh.counts.iter().map(|count| u32::from(*count)).sum();
        fresh.top = from.i32()?;
        // A larger total would overflow a bin later.
        if fresh.total >= FULL || (fresh.top != i32::MIN && fresh.top.saturating_abs() > 2 * LARGEST_BIN) {
            return Err(StateError::Damaged("calibration"));
        }
        Ok(fresh)
    }
}

/// log₁₀ by way of log₂, which is the fastest logarithm.
fn decades(ratio: f32) -> f32 {
    log2(ratio) * std::f32::consts::LOG10_2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> Calibration {
        let mut calibration = Calibration::new();
        for step in 1..=5_000_u32 {
            // Exponential quantiles in a scattered order.
            let share = f64::from(step * 1_871 % 5_003) / 5_003.0;
            calibration.learn(Calibration::place(-(1.0 - share).ln() as f32));
        }
        calibration
    }

    #[test]
    fn inside_the_past_the_chance_is_the_share_above() {
        let mut calibration = filled();
        for chance in [0.25_f32, 0.2, 0.05] {
            let surprise = calibration.surprise(Calibration::place(-chance.ln()), 1.0);
            assert!((surprise + chance.log10()).abs() < 0.03, "{chance}: {surprise}");
        }
    }

    #[test]
    fn surprise_grows_with_the_value_and_ends_at_six() {
        let mut calibration = filled();
        let mut last = 0.0;
        for step in 1..400 {
            let surprise = calibration.surprise(Calibration::place(step as f32 * 0.1), 1.0);
            assert!(surprise >= last - 0.02, "at {step}: {surprise} after {last}");
            last = surprise;
        }
        assert!(last > 4.0 && last <= LARGEST_SURPRISE, "{last}");
        assert_eq!(calibration.surprise(Calibration::place(f32::MAX), 1.0), LARGEST_SURPRISE);
    }

    #[test]
    fn the_quiet_bins_change_no_result() {
        let mut calibration = Calibration::new();
        let mut quiet = 0;
        for step in 0..60_000_u64 {
            // Scattered sizes over many octaves, which grow now and then, so that the range moves and the past is halved.
            let scattered = (step.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f32 / (1 << 24) as f32;
            let place = Calibration::place(scattered * scattered * (1.0 + (step / 5_000) as f32));
            let mut counted = Calibration { quiet_below: 0, quiet_until: u32::MAX, ..calibration.clone() };
            assert_eq!(calibration.surprise(place, 12.0).to_bits(), counted.surprise(place, 12.0).to_bits(), "at {step}");
            quiet += u32::from(calibration.quiet_below > 0);
            calibration.learn(place);
        }
        assert!(quiet > 50_000, "{quiet}");
    }

    #[test]
    fn dependent_points_are_less_evidence() {
        let mut calibration = filled();
        let place = Calibration::place(20.0);
        assert!(calibration.surprise(place, 20.0) < calibration.surprise(place, 1.0) - 1.0);
    }

    #[test]
    fn the_past_never_overflows_and_is_halved_when_full() {
        let mut calibration = Calibration::new();
        for _ in 0..100_000 {
            calibration.learn(0.0);
        }
        assert!(calibration.total < FULL && calibration.total >= FULL / 2 - UNIT);
    }

    #[test]
    fn one_absurd_value_leaves_the_past_in_place() {
        let mut calibration = filled();
        let before = calibration.surprise(Calibration::place(3.0), 1.0);
        calibration.learn(Calibration::place(1e30));
        assert!((calibration.surprise(Calibration::place(3.0), 1.0) - before).abs() < 0.02);
    }
}
