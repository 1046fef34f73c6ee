//! A binary logarithm in plain arithmetic: the compiler takes several at once, and it gives the same digits on every machine and C library,
//! so that state saved on one goes on exactly on another.

/// Bits of the fraction of a 32-bit float.
const FRACTION_BITS: u32 = 23;
/// Bits of √½: between it and √2 the series below converges fastest.
const ROOT_OF_HALF: u32 = 0x3F35_04F3;

/// log₂ of a number, to about the last two digits of a 32-bit float; negative infinity for zero, for numbers too small for a full float
/// (below 1.2e-38) and below zero.
///
/// The exponent is read off the bits; for the fraction, log₂ m = 2/ln 2 · (s + s³/3 + s⁵/5 + s⁷/7) with s = (m − 1)/(m + 1), at most 0.172,
/// so that the next term is below 5e-8.
#[inline]
pub(super) fn log2(value: f32) -> f32 {
    let moved = (value.to_bits().wrapping_sub(ROOT_OF_HALF) as i32) >> FRACTION_BITS;
    let fraction = f32::from_bits(value.to_bits().wrapping_sub((moved as u32) << FRACTION_BITS));
    let s = (fraction - 1.0) / (fraction + 1.0);
    let square = s * s;
    let series = s * (1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square / 7.0)));
    let logarithm = moved as f32 + series * (2.0 * std::f32::consts::LOG2_E);
    if value >= f32::MIN_POSITIVE { logarithm } else { f32::NEG_INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn powers_of_two_are_exact_and_nothing_is_infinitely_small() {
        for power in -126..=127_i32 {
            assert_eq!(log2(2.0_f32.powi(power)), power as f32);
        }
        for none in [0.0, -0.0, -1.0, f32::MIN_POSITIVE / 2.0, f32::NEG_INFINITY, f32::NAN] {
            assert_eq!(log2(none), f32::NEG_INFINITY);
        }
        assert_eq!(log2(f32::INFINITY), 128.0);
    }

    proptest! {
        #[test]
        fn it_is_the_logarithm(value in prop_oneof![f32::MIN_POSITIVE..f32::MAX, 0.5_f32..2.0, 1e-6_f32..1e6]) {
            let exact = f64::from(value).log2();
            prop_assert!((f64::from(log2(value)) - exact).abs() <= 3e-7 * exact.abs().max(1.0), "{} {}", log2(value), exact);
        }
    }
}
