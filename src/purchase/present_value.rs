//! What payments of the coming months are worth today.
//!
//! A year's rate r is the month's rate i = (1 + r)^(1/12) − 1; a payment at the end of month m is worth 1 / (1 + i)^m of itself.
//! A month's payment over n months is worth its annuity factor a = (1 − (1 + i)^−n) / i of itself (n at a rate of 0). The factor
//! is rounded to nine digits once, and everything after it is done in whole numbers, rounded half to even: who takes the factor
//! that is shown reaches the same cent.

/// Digits of a factor.
const BILLION: i128 = 1_000_000_000;
/// A hundred years: longer than anything is used.
pub(super) const MOST_MONTHS: u32 = 1_200;

/// What a month's payment over some months is worth today, in billionths of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AnnuityFactor(i64);

impl AnnuityFactor {
    /// The factor at a rate in percent a year. Rates below 0 count as 0, more than a hundred years as a hundred.
    pub(super) fn new(percent_a_year: f64, months: u32) -> Self {
        let months = f64::from(months.min(MOST_MONTHS));
        let rate = if percent_a_year > 0.0 { (1.0 + percent_a_year / 100.0).powf(1.0 / 12.0) - 1.0 } else { 0.0 };
        // Below a hundred-millionth the quotient is all rounding error, and the factor is the number of months.
        let factor = if rate < 1e-10 { months } else { (1.0 - (1.0 + rate).powf(-months)) / rate };
        Self((factor * BILLION as f64).round() as i64)
    }

    /// The factor as a number.
    pub(super) fn value(self) -> f64 {
        self.0 as f64 / BILLION as f64
    }

    /// What a payment every `every` months is worth today, counted as equal parts at the end of each month; `None` if it
    /// cannot be counted.
    pub(super) fn present_value(self, payment_minor: i64, every: u32) -> Option<i64> {
        let whole = i128::from(payment_minor).checked_mul(i128::from(self.0))?;
        divided(whole, i128::from(every).checked_mul(BILLION)?)
    }

    /// The month's payment that is worth so much today; `None` without months, or if it cannot be counted.
    pub(super) fn payment(self, present_minor: i128) -> Option<i64> {
        divided(present_minor.checked_mul(BILLION)?, i128::from(self.0))
    }
}

/// The quotient rounded half to even; `None` for a divisor that is not positive, or a quotient that is too large.
pub(super) fn divided(dividend: i128, divisor: i128) -> Option<i64> {
    if divisor <= 0 {
        return None;
    }
    let (quotient, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    let up = match (rest.checked_mul(2)?).cmp(&divisor) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Equal => quotient.rem_euclid(2),
        std::cmp::Ordering::Greater => 1,
    };
    i64::try_from(quotient.checked_add(up)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 12.682503013 % a year is 1 % a month, for which tables of annuities are printed: 12 months 11.255077, 24 months 21.243387,
    /// 36 months 30.107505.
    const ONE_PERCENT_A_MONTH: f64 = 12.682_503_013_196_972;

    #[test]
    fn factors_are_those_of_printed_tables() {
        for (months, expected) in [(0, 0.0), (1, 0.990_099), (12, 11.255_077), (24, 21.243_387), (36, 30.107_505)] {
            let factor = AnnuityFactor::new(ONE_PERCENT_A_MONTH, months).value();
            assert!((factor - expected).abs() < 1e-6, "{months} months: {factor}");
        }
        // i = 1.05^(1/12) − 1 = 0.004074124; 1.05^−3 = 0.863837599; (1 − 0.863837599) / 0.004074124 = 33.42127.
        assert!((AnnuityFactor::new(5.0, 36).value() - 33.421_273).abs() < 1e-6);
        assert_eq!(AnnuityFactor::new(0.0, 36), AnnuityFactor(36_000_000_000));
        assert_eq!(AnnuityFactor::new(-5.0, 36), AnnuityFactor::new(f64::NAN, 36));
    }

    #[test]
    fn payments_are_discounted_by_hand() {
        let factor = AnnuityFactor::new(ONE_PERCENT_A_MONTH, 12);
        // 100.00 a month for 12 months at 1 %: 100.00 × 11.255077 = 1,125.51.
        assert_eq!(factor.present_value(10_000, 1), Some(112_551));
        // 1,200.00 a year is 100.00 a month.
        assert_eq!(factor.present_value(120_000, 12), Some(112_551));
        // And back: 1,125.51 / 11.255077 = 100.00.
        assert_eq!(factor.payment(112_551), Some(10_000));
        assert_eq!(AnnuityFactor::new(5.0, 0).payment(1), None);
        assert_eq!(AnnuityFactor::new(0.0, 1_200).present_value(i64::MAX, 1), None);
    }

    #[test]
    fn halves_are_rounded_to_even() {
        let table = [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (1, 3, 0), (2, 3, 1), (-2, 3, -1), (6, 3, 2)];
        for (dividend, divisor, expected) in table {
            assert_eq!(divided(dividend, divisor), Some(expected), "{dividend} / {divisor}");
        }
        assert_eq!(divided(1, 0), None);
        assert_eq!(divided(i128::MAX, 1), None);
    }

    proptest! {
        #[test]
        fn no_payment_panics(payment: i64, every: u32, months: u32, rate: f64) {
            let factor = AnnuityFactor::new(rate, months);
            prop_assert!(factor.value() >= 0.0 && factor.value() <= f64::from(MOST_MONTHS));
            factor.present_value(payment, every);
            factor.payment(i128::from(payment) * 12);
        }

        #[test]
        fn prices_scale(payment in -1_000_000_000_i64..1_000_000_000, times in 1_i64..1_000, months in 1_u32..120, rate in 0.0..40.0) {
            let factor = AnnuityFactor::new(rate, months);
            let (one, many) = (factor.present_value(payment, 12).unwrap(), factor.present_value(payment * times, 12).unwrap());
            // Each of the two is rounded by half a unit at most.
            prop_assert!((one * times - many).abs() <= times / 2 + 1);
        }

        #[test]
        fn a_payment_is_found_again(payment in 0_i64..1_000_000_000, months in 1_u32..600, rate in 0.0..40.0) {
            let factor = AnnuityFactor::new(rate, months);
            prop_assert!((factor.payment(i128::from(factor.present_value(payment, 1).unwrap())).unwrap() - payment).abs() <= 1);
        }
    }
}
