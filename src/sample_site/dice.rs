//! Random numbers that are a function of where they are thrown, so that any minute can be made without the ones before it.
//!
//! SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014) keyed by seed, stream,
//! place and moment. It is our own rather than a crate's generator because the bytes of the committed sample set depend
//! on it: an update of a dependency must not change them. For the same reason only operations that IEEE 754 fixes to
//! the last bit are used on floats (no `exp`, `ln`, `sin`), here and in the rest of the sample site.

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Scrambles one word; neighbours come out unrelated.
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// One word out of several, order included.
pub(super) fn key(words: &[u64]) -> u64 {
    words.iter().fold(0, |sum, word| mix(sum.wrapping_add(GOLDEN) ^ mix(word.wrapping_add(GOLDEN))))
}

/// A number in [0, 1) that belongs to a key and a point of a lattice.
pub(super) fn unit_at(key: u64, point: i64) -> f64 {
    to_unit(mix(key ^ mix((point as u64).wrapping_add(GOLDEN))))
}

fn to_unit(word: u64) -> f64 {
    // 53 bits: every f64 in [0, 1) on that grid is exact.
    (word >> 11) as f64 / (1_u64 << 53) as f64
}

/// A run of throws.
#[derive(Debug, Clone)]
pub(super) struct Dice {
    state: u64,
}

impl Dice {
    /// The dice of a key made with [`key`].
    pub(super) fn new(key: u64) -> Self {
        Self { state: key }
    }

    pub(super) fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Uniform in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        to_unit(self.word())
    }

    /// Uniform in `low..high`; `low` where the range is empty.
    pub(super) fn range(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(1) as u64;
        low + ((u128::from(self.word()) * u128::from(width)) >> 64) as i64
    }

    /// True in a share `p` of throws.
    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One of several, all alike. `choices` is never empty: they are tables in this module.
    pub(super) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.range(0, choices.len() as i64) as usize]
    }

    /// How many of something that happens `mean` times on average: close to Poisson below a dozen.
    pub(super) fn count(&mut self, mean: f64) -> u32 {
        const SLOTS: u32 = 16;
        let share = (mean / f64::from(SLOTS)).max(0.0);
        let whole = share.floor();
        (0..SLOTS).map(|_| whole as u32 + u32::from(self.chance(share - whole))).sum()
    }

    /// A duration or size with a long tail: half of the throws below `median`, one in a hundred above ten times it.
    pub(super) fn skewed(&mut self, median: f64) -> f64 {
        // Log-logistic with shape 2; the largest is 45 times the median.
        median * self.odds().sqrt()
    }

    /// A duration or size with a short tail: half of the throws below `median`, none above three times it.
    pub(super) fn steady(&mut self, median: f64) -> f64 {
        // Log-logistic with shape 4.
        median * self.odds().sqrt().sqrt().min(3.0)
    }

    fn odds(&mut self) -> f64 {
        // The cap keeps the largest near 2,000.
        let u = self.unit().clamp(0.0005, 0.9995);
        u / (1.0 - u)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_tails_have_the_shape_they_claim() {
        let mut dice = Dice::new(key(&[1, 2, 3]));
        let total: u32 = (0..20_000).map(|_| dice.count(1.7)).sum();
        assert!((32_500..35_500).contains(&total), "mean of 1.7 over 20,000 throws: {total}");
        let below = (0..20_000).filter(|_| dice.skewed(12.0) < 12.0).count();
        assert!((9_500..10_500).contains(&below), "half below the median: {below}");
        assert!((0..10_000).all(|_| (3..9).contains(&dice.range(3, 9))));
    }

    #[test]
    fn neighbouring_keys_are_unrelated_and_the_numbers_never_change() {
        assert_ne!(key(&[1, 2]), key(&[2, 1]));
        assert_ne!(unit_at(7, 1), unit_at(7, 2));
        // The committed sample set depends on this stream.
        let mut dice = Dice::new(0);
        assert_eq!(dice.word(), 0xE220_A839_7B1D_CDAF, "first word of SplitMix64 from 0, as published");
    }
}
