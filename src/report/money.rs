//! Money for people.

use super::units::grouped;
use crate::inventory::{Currency, Money};

/// An amount with all decimals of its currency: `12 480.00 EUR`. Of a currency that nobody knows, the minor units are told.
pub(super) fn money(minor: i64, currency: &str) -> String {
    match currency.parse::<Currency>() {
        Ok(known) => format!("{}\u{a0}{known}", amount(minor, currency)),
        Err(_) => format!("{}\u{a0}{currency} (minor units)", grouped(&minor.to_string())),
    }
}

/// An amount without its currency, where that is said once for many.
pub(super) fn amount(minor: i64, currency: &str) -> String {
    currency.parse::<Currency>().map_or_else(|_| money(minor, currency), |known| grouped(&Money::new(minor, known).decimal()))
}

/// The same as [`money`], rounded to whole minor units, of an amount that came out of a division.
pub(super) fn money_of_fraction(minor: f64, currency: &str) -> String {
    rounded(minor, |minor| money(minor, currency))
}

/// The same as [`amount`], rounded to whole minor units.
pub(super) fn amount_of_fraction(minor: f64, currency: &str) -> String {
    rounded(minor, |minor| amount(minor, currency))
}

fn rounded(minor: f64, told: impl Fn(i64) -> String) -> String {
    if !minor.is_finite() || minor.abs() >= 9e15 {
        return "unknown".to_owned();
    }
    if minor > 0.0 && minor < 1.0 { format!("under {}", told(1)) } else { told(minor.round() as i64) }
}

/// An amount that may be missing.
pub(super) fn money_or_blank(minor: Option<i64>, currency: &str) -> String {
    minor.map(|minor| money(minor, currency)).unwrap_or_default()
}

/// What share of an amount another is, where both are more than nothing.
pub(super) fn share(part: i64, whole: i64) -> Option<f64> {
    (part > 0 && whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let table = [
            (1_248_000, "EUR", "12\u{202f}480.00\u{a0}EUR"),
            (-129_950, "EUR", "-1299.50\u{a0}EUR"),
            (1_248_000, "JPY", "1\u{202f}248\u{202f}000\u{a0}JPY"),
            (1_500, "KWD", "1.500\u{a0}KWD"),
            (7, "<x>", "7\u{a0}<x> (minor units)"),
        ];
        for (minor, currency, text) in table {
            assert_eq!(money(minor, currency), text);
        }
        assert_eq!(money(i64::MIN, "EUR"), "-92\u{202f}233\u{202f}720\u{202f}368\u{202f}547\u{202f}758.08\u{a0}EUR");
    }

    #[test]
    fn fractions_are_rounded_and_never_to_nothing() {
        let table = [(3_549.6, "35.50\u{a0}EUR"), (0.2, "under 0.01\u{a0}EUR"), (f64::NAN, "unknown"), (1e300, "unknown")];
        for (minor, text) in table {
            assert_eq!(money_of_fraction(minor, "EUR"), text);
        }
        assert_eq!((share(1, 4), share(1, 0), share(-1, 4)), (Some(0.25), None, None));
    }
}
