//! A stream of pseudo-random numbers that is the same on every machine: the same history gives the same forecast.
//!
//! SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): 64 bits of state, passes
//! BigCrush, and is far better than what a few thousand bootstrap paths can notice.

/// The generator's state.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    /// Seeded by the data, so that different series have different paths and the same series the same.
    pub(super) fn from_values(values: &[f64]) -> Self {
        let seed = values
            .iter()
            .fold(0x9E37_79B9_7F4A_7C15_u64, |state, value| (state ^ value.to_bits()).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(29));
        Self(seed)
    }

    /// Another stream, the same for the same number, that takes nothing from this one.
    pub(super) fn branch(&self, number: usize) -> Self {
        let mut branch = Self(self.0 ^ (number as u64).wrapping_mul(0xD605_BBB5_8C8A_BC2D));
        Self(branch.bits())
    }

    /// 64 random bits.
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Uniform in [0, 1).
    #[cfg(test)]
    pub(super) fn unit(&mut self) -> f64 {
        // 53 bits are what the mantissa of an f64 holds.
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0..n; 0 when n is 0.
    pub(super) fn below(&mut self, n: usize) -> usize {
        // The product's upper half is uniform to within n / 2^64, which nobody can see.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_values_give_the_same_stream_and_others_another() {
        let stream = |values: &[f64]| (0..4).scan(Random::from_values(values), |random, _| Some(random.bits())).collect::<Vec<_>>();
        assert_eq!(stream(&[1.0, 2.0]), stream(&[1.0, 2.0]));
        assert_ne!(stream(&[1.0, 2.0]), stream(&[2.0, 1.0]));
        let random = Random::from_values(&[1.0]);
        assert_eq!(random.branch(7).bits(), random.branch(7).bits());
        assert_ne!(random.branch(7).bits(), random.branch(8).bits());
    }

    #[test]
    fn numbers_are_uniform_and_in_range() {
        let mut random = Random::from_values(&[]);
        let mut counts = [[0_usize; 10]; 2];
        for number in 0..100_000 {
            counts[0][random.below(10)] += 1;
            counts[1][Random::from_values(&[]).branch(number).below(10)] += 1;
            assert!((0.0..1.0).contains(&random.unit()));
        }
        assert!(counts.as_flattened().iter().all(|&count| (9_600..10_400).contains(&count)), "{counts:?}");
        assert_eq!(random.below(0), 0);
    }
}
