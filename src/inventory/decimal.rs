//! Decimal text, exactly: no float stands between what was written and what is kept.

use crate::document::excerpt;

/// Digits of a number, before and after the point: more than any price or rate has, and far from what 128 bits hold.
const MOST_DIGITS: usize = 18;

/// A decimal number: `digits` divided by 10 to the power of `decimals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    /// All digits, as one whole number.
    pub(super) digits: i64,
    /// How many of them stand after the point.
    pub(super) decimals: u32,
}

impl Decimal {
    /// Reads `-12.50`: an optional sign, digits, and with a point digits after it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || unsigned.ends_with('.') || !digits_only(whole) || !digits_only(fraction) {
            return Err(format!("`{}` is no number; write digits with a point before the decimals, such as 1299.50", excerpt(text)));
        }
        let joined = format!("{whole}{fraction}");
        let digits = Some(joined.trim_start_matches('0')).filter(|significant| significant.len() <= MOST_DIGITS);
        let read = digits.and_then(|digits| if digits.is_empty() { Some(0) } else { digits.parse::<i64>().ok() });
        let (Some(digits), Ok(decimals)) = (read.filter(|_| fraction.len() <= MOST_DIGITS), u32::try_from(fraction.len())) else {
            return Err(format!("`{}` has too many digits; write at most {MOST_DIGITS}", excerpt(text)));
        };
        Ok(Self { digits: if unsigned == text { digits } else { -digits }, decimals })
    }
}

/// A quotient rounded to the nearest whole number, and a tie to the even one, as banks do it. `None` where the divisor is not
/// positive.
pub(super) fn divided_half_even(dividend: i128, divisor: i128) -> Option<i128> {
    if divisor <= 0 {
        return None;
    }
    let (quotient, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    let up = match rest.cmp(&(divisor - rest)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
    };
    Some(quotient + i128::from(up))
}

/// 10 to a power; `None` beyond 38 digits.
pub(super) fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_exactly() {
        let table =
            [("0", 0, 0), ("12", 12, 0), ("-12.50", -1_250, 2), ("0.000001", 1, 6), ("000000000000000000001", 1, 0), (" 7.0 ", 70, 1)];
        for (text, digits, decimals) in table {
            assert_eq!(Decimal::read(text), Ok(Decimal { digits, decimals }), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_said() {
        for wrong in ["", "-", ".5", "5.", "1,5", "1.2.3", "1e3", "+1", "1 000", "NaN", "١"] {
            assert!(Decimal::read(wrong).unwrap_err().contains("1299.50"), "{wrong}");
        }
        assert!(Decimal::read(&"9".repeat(19)).unwrap_err().contains("too many"));
        assert!(Decimal::read(&format!("0.{}", "0".repeat(19))).unwrap_err().contains("too many"));
    }

    #[test]
    fn ties_go_to_the_even_number() {
        for (dividend, divisor, quotient) in [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (8, 3, 3), (7, 3, 2), (-1, 3, 0), (-2, 3, -1)]
        {
            assert_eq!(divided_half_even(dividend, divisor), Some(quotient), "{dividend}/{divisor}");
        }
        assert_eq!(divided_half_even(1, 0), None);
    }
}
