//! Units of capacity: which of them measure the same, and how an amount is shown.
//!
//! Words that the table does not have (licences, seats, connections) convert to themselves only, in either number.

/// Digits after the point of a number that is reckoned with.
const FINE_DIGITS: usize = 6;

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    Bytes,
    BitsPerSecond,
    Share,
    Cores,
    Seconds,
}

/// Words in lower case, what they measure, and how much of its smallest unit each is. Powers of ten after SI, powers of two
/// after IEC 80000-13.
const UNITS: [(&[&str], Dimension, f64); 27] = [
    (&["b", "byte"], Dimension::Bytes, 1.0),
    (&["kb"], Dimension::Bytes, 1e3),
    (&["mb"], Dimension::Bytes, 1e6),
    (&["gb"], Dimension::Bytes, 1e9),
    (&["tb"], Dimension::Bytes, 1e12),
    (&["pb"], Dimension::Bytes, 1e15),
    (&["kib"], Dimension::Bytes, 1024.0),
    (&["mib"], Dimension::Bytes, 1_048_576.0),
    (&["gib"], Dimension::Bytes, 1_073_741_824.0),
    (&["tib"], Dimension::Bytes, 1_099_511_627_776.0),
    (&["pib"], Dimension::Bytes, 1_125_899_906_842_624.0),
    (&["bit/s", "bits/s", "bps"], Dimension::BitsPerSecond, 1.0),
    (&["kbit/s", "kbps"], Dimension::BitsPerSecond, 1e3),
    (&["mbit/s", "mbps"], Dimension::BitsPerSecond, 1e6),
    (&["gbit/s", "gbps"], Dimension::BitsPerSecond, 1e9),
    (&["tbit/s", "tbps"], Dimension::BitsPerSecond, 1e12),
    (&["byte/s", "b/s"], Dimension::BitsPerSecond, 8.0),
    (&["mb/s"], Dimension::BitsPerSecond, 8e6),
    (&["gb/s"], Dimension::BitsPerSecond, 8e9),
    (&["ratio", "share"], Dimension::Share, 1.0),
    (&["%", "percent"], Dimension::Share, 0.01),
    (&["core", "cpu", "vcpu"], Dimension::Cores, 1.0),
    (&["s", "second"], Dimension::Seconds, 1.0),
    (&["min", "minute"], Dimension::Seconds, 60.0),
    (&["h", "hour"], Dimension::Seconds, 3_600.0),
    (&["d", "day"], Dimension::Seconds, 86_400.0),
    (&["week"], Dimension::Seconds, 604_800.0),
];

/// The word as the table has it: lower case, singular.
fn singular(unit: &str) -> String {
    let word = unit.trim().to_lowercase();
    match word.strip_suffix('s') {
        Some(one) if one.chars().count() > 2 && one.chars().all(char::is_alphabetic) => one.to_owned(),
        _ => word,
    }
}

/// Whether it is one of `Mb`, `Gb`, `Tb`: megabits to those who write it so, and megabytes to the others. It is not guessed.
fn is_ambiguous(unit: &str) -> bool {
    let unit = unit.trim();
    unit.len() == 2 && unit.ends_with('b') && unit.starts_with(|c: char| c.is_ascii_uppercase())
}

fn measure(unit: &str) -> Option<(Dimension, f64)> {
    let trimmed = unit.trim();
    if is_ambiguous(trimmed) {
        return None;
    }
    let word = singular(trimmed);
    // `kbps` and its like end in an s that is no plural.
    let known = |words: &[&str]| words.contains(&word.as_str()) || words.contains(&trimmed.to_lowercase().as_str());
    UNITS.iter().find(|(words, ..)| known(words)).map(|&(_, dimension, size)| (dimension, size))
}

/// The amount in another unit; `None` if the two do not measure the same.
pub fn convert(amount: f64, from: &str, to: &str) -> Option<f64> {
    let both_clear = !is_ambiguous(from) && !is_ambiguous(to);
    if from.trim() == to.trim() || both_clear && singular(from) == singular(to) {
        return Some(amount);
    }
    let ((from, from_size), (to, to_size)) = (measure(from)?, measure(to)?);
    (from == to).then(|| amount * from_size / to_size)
}

/// The unit that prices are told per, for a resource of this limit: one in which prices can be read. Nobody knows what a byte
/// costs.
pub(super) fn price_unit(limit: f64, unit: &str) -> String {
    let large = match measure(unit).map(|(dimension, size)| (dimension, limit * size)) {
        Some((Dimension::Bytes, bytes)) if bytes >= 1e12 => "TB",
        Some((Dimension::Bytes, _)) => "GB",
        Some((Dimension::BitsPerSecond, _)) => "Gbit/s",
        _ => unit,
    };
    large.to_owned()
}

/// An amount for a person: bytes and bits in the largest unit that leaves a whole, the rest as given; two digits after the point.
pub(super) fn shown(amount: f64, unit: &str) -> String {
    shown_with(amount, unit, 2)
}

/// The same with six digits, for who wants to reckon with it.
pub(super) fn shown_finely(amount: f64, unit: &str) -> String {
    shown_with(amount, unit, FINE_DIGITS)
}

fn shown_with(amount: f64, unit: &str, digits: usize) -> String {
    const BYTES: [(&str, f64); 6] = [("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("B", 0.0)];
    const BITS: [(&str, f64); 5] = [("Tbit/s", 1e12), ("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3), ("bit/s", 0.0)];
    let steps: &[(&str, f64)] = match measure(unit) {
        Some((Dimension::Bytes, _)) => &BYTES,
        Some((Dimension::BitsPerSecond, _)) => &BITS,
        _ => return format!("{} {unit}", number_with(amount, digits)).trim_end().to_owned(),
    };
    let size = measure(unit).map_or(1.0, |(_, size)| size);
    let base = amount * size;
    let (word, step) = steps.iter().find(|(_, step)| base.abs() >= *step).copied().unwrap_or(("", 0.0));
    format!("{} {word}", number_with(base / step.max(1.0), digits)).trim_end().to_owned()
}

/// A number with at most two digits after the point, and no zeros at its end; more digits where it is small.
pub(super) fn number(value: f64) -> String {
    number_with(value, 2)
}

/// The same with six digits.
pub(super) fn fine_number(value: f64) -> String {
    number_with(value, FINE_DIGITS)
}

/// So many of these things: `1 piece`, `2 pieces`.
pub(super) fn counted(count: u32, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

fn number_with(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    if value != 0.0 && value.abs() < 10_f64.powf(-(digits as f64)) || value.abs() >= 1e15 {
        return format!("{value:.3e}");
    }
    let text = format!("{value:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_convert_within_what_they_measure() {
        let table = [
            (1.0, "TB", "bytes", Some(1e12)),
            (1.0, "TiB", "B", Some(1_099_511_627_776.0)),
            (2048.0, "MiB", "GiB", Some(2.0)),
            (8.0, "Gbit/s", "gbps", Some(8.0)),
            (1.0, "GB/s", "Gbit/s", Some(8.0)),
            (85.0, "percent", "ratio", Some(0.85)),
            (5.0, "licence", "Licences", Some(5.0)),
            (2.0, "h", "minutes", Some(120.0)),
            (4.0, "vcpus", "cores", Some(4.0)),
            (5.0, "licences", "connections", None),
            (5.0, "GB", "Gbit/s", None),
            (5.0, "Gb", "GB", None),
            (5.0, "", "GB", None),
        ];
        for (amount, from, to, expected) in table {
            assert_eq!(convert(amount, from, to), expected, "{amount} {from} in {to}");
        }
    }

    #[test]
    fn amounts_are_shown_in_the_unit_that_fits() {
        assert_eq!(shown(1.5e12, "bytes"), "1.5 TB");
        assert_eq!(shown(2.0, "TiB"), "2.2 TB");
        assert_eq!(shown(-3e9, "B"), "-3 GB");
        assert_eq!(shown(0.0, "B"), "0 B");
        assert_eq!(shown_finely(8.0, "TiB"), "8.796093 TB");
        assert_eq!((counted(1, "piece"), counted(0, "piece")), ("1 piece".to_owned(), "0 pieces".to_owned()));
        assert_eq!(shown(40.0, "licences"), "40 licences");
        assert_eq!(shown(2.5e9, "bit/s"), "2.5 Gbit/s");
        assert_eq!(shown(f64::NAN, "cores"), "unknown cores");
        assert_eq!(price_unit(5e12, "bytes"), "TB");
        assert_eq!(price_unit(500.0, "GB"), "GB");
        assert_eq!(price_unit(50.0, "licences"), "licences");
    }
}
