//! Amounts for people: bytes in powers of 1,024 (IEC 80000-13), bits in powers of 1,000, shares as percentages, seconds as hours
//! and days, and the steps at which an axis of them is read well.

use jiff::civil::Date;

use super::dates;

/// Bytes, largest last.
const BYTES: [(&str, f64); 6] = [
    ("B", 1.0),
    ("KiB", 1_024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("PiB", 1_125_899_906_842_624.0),
];
const BITS: [(&str, f64); 5] = [("bit/s", 1.0), ("kbit/s", 1e3), ("Mbit/s", 1e6), ("Gbit/s", 1e9), ("Tbit/s", 1e12)];
const SECONDS: [(&str, f64); 4] = [("s", 1.0), ("min", 60.0), ("h", 3_600.0), ("days", 86_400.0)];

/// Steps at which an axis is read well, in tenths of a power of ten.
const STEPS: [f64; 4] = [1.0, 2.0, 2.5, 5.0];

/// How the amounts of a resource are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Bits in a second.
    BitsPerSecond,
    /// A share of the whole.
    Ratio,
    /// A time span.
    Seconds,
    /// Days since 1970-01-01: an amount is a date, a difference is a number of days.
    Calendar,
    /// Whatever is counted.
    Counted(String),
}

impl Unit {
    /// The unit of a resource. Certificates count the days from 1970 until they end.
    pub fn of(kind: &str, unit: &str) -> Self {
        match unit.trim() {
            "days" if kind == "certificate" => Self::Calendar,
            "bytes" | "byte" | "B" => Self::Bytes,
            "bits/s" | "bit/s" => Self::BitsPerSecond,
            "ratio" => Self::Ratio,
            "seconds" | "s" => Self::Seconds,
            other => Self::Counted(other.to_owned()),
        }
    }

    /// An amount.
    pub fn amount(&self, value: f64) -> String {
        match self {
            Self::Calendar => date_of(value).map_or_else(|| "unknown".to_owned(), dates::short),
            other => other.difference(value),
        }
    }

    /// An amount where there is little room: the word of what is counted stands elsewhere.
    pub fn brief(&self, value: f64) -> String {
        if matches!(self, Self::Counted(_)) { number(value) } else { self.amount(value) }
    }

    /// A difference of two amounts.
    pub fn difference(&self, value: f64) -> String {
        if !value.is_finite() {
            return "unknown".to_owned();
        }
        match self {
            Self::Ratio => format!("{}\u{a0}%", number(100.0 * value)),
            Self::Calendar => counted(value, "days"),
            Self::Counted(word) => counted(value, word),
            Self::Bytes | Self::BitsPerSecond | Self::Seconds => {
                let (word, size) = self.step_for(value);
                format!("{}\u{a0}{}", number(value / size), singular(word, number(value / size) == "1"))
            }
        }
    }

    /// The values between two that an axis names, with their names, all in one unit: about `wanted` of them.
    pub fn ticks(&self, low: f64, high: f64, wanted: usize) -> Vec<(f64, String)> {
        if !low.is_finite() || !high.is_finite() || high <= low {
            return Vec::new();
        }
        let (word, size) = match self {
            Self::Ratio => ("%", 0.01),
            other => other.step_for(high.abs().max(low.abs())),
        };
        let rough = (high - low) / size / wanted.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = STEPS.iter().map(|step| step * power).find(|step| *step >= rough).unwrap_or(10.0 * power);
        // A day of the calendar has no parts, nor has a licence.
        let whole = matches!(self, Self::Calendar | Self::Counted(_));
        let step = if whole { step.ceil().max(1.0) } else { step } * size;
        let first = (low / step).ceil();
        let last = (high / step + 1e-9).floor();
        let count = (last - first).clamp(-1.0, 50.0) as i64;
        let named = |value: f64| match self {
            Self::Calendar => self.amount(value),
            // The word of what is counted stands in the title; a column of it would only be wide.
            Self::Counted(_) => number(value),
            _ => format!("{} {word}", number(value / size)),
        };
        (0..=count).map(|at| (first + at as f64) * step).map(|value| (value, named(value))).collect()
    }

    /// The largest word whose size is not larger than the amount, and its size.
    fn step_for(&self, value: f64) -> (&'static str, f64) {
        let steps: &[(&'static str, f64)] = match self {
            Self::Bytes => &BYTES,
            Self::BitsPerSecond => &BITS,
            Self::Seconds => &SECONDS,
            Self::Ratio | Self::Calendar | Self::Counted(_) => return ("", 1.0),
        };
        // 1,023.99 of a unit would be shown as 1,024 of it.
        steps.iter().rev().find(|(_, size)| value.abs() * 1.0005 >= *size).copied().unwrap_or(steps[0])
    }
}

/// The date that so many days since 1970 are.
fn date_of(days: f64) -> Option<Date> {
    let days = days.is_finite().then_some(days.floor() as i64)?;
    let span = jiff::Span::new().try_days(days).ok()?;
    Date::constant(1970, 1, 1).checked_add(span).ok()
}

fn counted(value: f64, word: &str) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    let number = number(value);
    let word = singular(word, number == "1");
    if word.is_empty() { number } else { format!("{number}\u{a0}{word}") }
}

fn singular(word: &str, is_one: bool) -> &str {
    if is_one && word.len() > 2 { word.strip_suffix('s').unwrap_or(word) } else { word }
}

/// A number with about three digits that say something, thousands set apart.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    if value.abs() >= 1e15 || (value != 0.0 && value.abs() < 0.001) {
        return format!("{value:.2e}");
    }
    let decimals = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.0995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if text == "-0" { "0".to_owned() } else { grouped(text) }
}

/// The digits before the point in groups of three, with a narrow blank that no line ends at; four digits stay together.
pub(super) fn grouped(decimal: &str) -> String {
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |digits| ("-", digits));
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && whole.len() > 4 && (whole.len() - at) % 3 == 0 {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out.push_str(rest);
    out
}

/// A share as a percentage without decimals, but never 0 or 100 where it is not.
pub(super) fn percent(share: f64) -> String {
    match share {
        share if !share.is_finite() => "unknown".to_owned(),
        share if share > 0.0 && share < 0.005 => "under 1\u{a0}%".to_owned(),
        share if (0.995..1.0).contains(&share) => "over 99\u{a0}%".to_owned(),
        share => format!("{:.0}\u{a0}%", 100.0 * share),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_in_the_unit_that_fits() {
        let bytes = Unit::of("filesystem", "bytes");
        let table = [
            (bytes.clone(), 0.0, "0 B"),
            (bytes.clone(), 1_023.99, "1 KiB"),
            (bytes.clone(), 1.5 * 1_099_511_627_776.0, "1.5 TiB"),
            (bytes.clone(), -3.0 * 1_073_741_824.0, "-3 GiB"),
            (bytes, f64::NAN, "unknown"),
            (Unit::of("network_port", "bits/s"), 2.5e9, "2.5 Gbit/s"),
            (Unit::of("cpu", "ratio"), 0.734, "73.4 %"),
            (Unit::of("backup_window", "seconds"), 28_800.0, "8 h"),
            (Unit::of("backup_window", "seconds"), 86_400.0, "1 day"),
            (Unit::of("certificate", "days"), 20_779.0, "22 Nov 2026"),
            (Unit::of("certificate", "days"), 1e300, "unknown"),
            (Unit::of("licence", "licences"), 1.0, "1 licence"),
            (Unit::of("licence", "licences"), 12_480.0, "12\u{202f}480 licences"),
            (Unit::of("x", ""), 0.000_04, "4.00e-5"),
        ];
        for (unit, value, text) in table {
            assert_eq!(unit.amount(value).replace('\u{a0}', " "), text, "{unit:?} {value}");
        }
        assert_eq!(Unit::Calendar.difference(14.0), "14\u{a0}days");
    }

    #[test]
    fn an_axis_has_round_steps() {
        let names = |unit: &Unit, low: f64, high: f64| unit.ticks(low, high, 5).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        let gib = 1_073_741_824.0;
        assert_eq!(names(&Unit::Bytes, 0.0, 2_100.0 * gib), ["0 TiB", "0.5 TiB", "1 TiB", "1.5 TiB", "2 TiB"]);
        assert_eq!(names(&Unit::Ratio, 0.0, 1.0), ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
        assert_eq!(names(&Unit::Counted("licences".into()), 0.0, 3.0), ["0", "1", "2", "3"]);
        assert_eq!(names(&Unit::Seconds, 0.0, 30_000.0), ["0 h", "2 h", "4 h", "6 h", "8 h"]);
        assert!(names(&Unit::Bytes, 0.0, f64::NAN).is_empty() && names(&Unit::Bytes, 1.0, 1.0).is_empty());
        for (low, high) in [(-1e300, 1e300), (0.0, f64::MIN_POSITIVE), (1e17, 1e17 + 16.0)] {
            assert!(Unit::Bytes.ticks(low, high, 5).len() <= 51);
        }
    }

    #[test]
    fn shares_are_not_rounded_to_certainty() {
        let table = [(0.0, "0 %"), (0.001, "under 1 %"), (0.714, "71 %"), (0.999, "over 99 %"), (1.0, "100 %"), (f64::NAN, "unknown")];
        for (share, text) in table {
            assert_eq!(percent(share).replace('\u{a0}', " "), text);
        }
    }
}
