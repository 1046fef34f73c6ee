//! Does a parameter of a template behave as it used to: as many different values an hour, of the same size?

use super::bytes::{DecodeError, Reader, Writer};
use super::identity::{VALUE, fold, word_hash};

/// Seconds of a window. An hour: long enough to count different values, short enough to be told in time.
pub const WINDOW_SECONDS: i64 = 3_600;

/// Bits of the counter of different values, in words of 64. 1,024 bits count to about 2,000 within 5 % (K.-Y. Whang,
/// B. Vander-Zanden, H. Taylor, "A linear-time probabilistic counting algorithm for database applications", ACM TODS 15,
/// 1990) in 128 bytes.
const COUNTER_WORDS: usize = 16;

/// Windows before there is a baseline: a day, so that its busy and its quiet hours are in it.
const ENOUGH_WINDOWS: u32 = 24;

/// Windows that the baseline looks back on: a week.
const MEMORY: f64 = 168.0;

/// Numbers that a window needs before their size is compared.
const ENOUGH_NUMBERS: u32 = 10;

/// Standard deviations from the baseline that are a finding. Windows are hourly and have heavy tails.
const DEVIATIONS: f64 = 5.0;

/// A deviation is never taken for smaller than this, in natural logarithms: a change by a fifth is none.
const LEAST_DEVIATION: f64 = 0.2;

/// What changed about a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// How many different values there are in an hour.
    Distinct,
    /// How large the numbers are.
    Size,
}

/// A finding about a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drifted {
    /// What changed.
    pub changed: Changed,
    /// What it was in the window that ended: a count, or the geometric mean of the numbers.
    pub actual: f64,
    /// What it used to be.
    pub expected: f64,
    /// Half the distance in standard deviations, at most 6: on the scale of the other detectors about −log₁₀ of a chance.
    pub score: f64,
}

/// A level and its spread, both as logarithms.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Level {
    windows: u32,
    mean: f64,
    variance: f64,
}

impl Level {
    /// How many deviations `value` is away, then takes it in.
    fn take(&mut self, value: f64) -> Option<f64> {
        let distance = (value - self.mean) / self.variance.sqrt().max(LEAST_DEVIATION);
        let known = self.windows >= ENOUGH_WINDOWS;
        // What is far out moves the baseline no further than what is at the limit: a lasting change is learned, slowly.
        let step =
            if known { (value - self.mean).clamp(-DEVIATIONS * self.spread(), DEVIATIONS * self.spread()) } else { value - self.mean };
        let share = 1.0 / f64::from(self.windows.saturating_add(1)).min(MEMORY);
        self.mean += share * step;
        self.variance = (1.0 - share) * (self.variance + share * step * step);
        self.windows = self.windows.saturating_add(1);
        known.then_some(distance)
    }

    fn spread(&self) -> f64 {
        self.variance.sqrt().max(LEAST_DEVIATION)
    }
}

/// One parameter of one template. O(1) a value, about 230 bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parameter {
    /// The window's number since the epoch.
    window: Option<i64>,
    seen: [u64; COUNTER_WORDS],
    values: u32,
    numbers: u32,
    /// Sum of the signed logarithms of the numbers.
    sizes: f64,
    distinct_level: Level,
    size_level: Level,
}

impl Parameter {
    /// Takes in a value at `now` (Unix seconds). When this opens a new window, gives what the last one showed.
    pub fn value(&mut self, now: i64, value: &[u8]) -> [Option<Drifted>; 2] {
        let window = now.div_euclid(WINDOW_SECONDS);
        let findings = match self.window {
            Some(open) if window > open => self.close(),
            _ => [None; 2],
        };
        self.window = Some(self.window.map_or(window, |open| open.max(window)));
        // Folded once more, for the hash of a word is made to tell words apart and not to spread them evenly.
        let bit = (fold(word_hash(value), VALUE) >> 54) as usize;
        self.seen[bit / 64] |= 1 << (bit % 64);
        self.values = self.values.saturating_add(1);
        if let Some(number) = number(value) {
            self.numbers = self.numbers.saturating_add(1);
            self.sizes += number.signum() * (1.0 + number.abs()).ln();
        }
        findings
    }

    /// Different values in the open window, by linear counting.
    #[must_use]
    pub fn distinct(&self) -> f64 {
        let bits = (COUNTER_WORDS * 64) as f64;
        let clear = self.seen.iter().map(|word| word.count_zeros()).sum::<u32>();
        bits * (bits / f64::from(clear).max(1.0)).ln()
    }

    fn close(&mut self) -> [Option<Drifted>; 2] {
        let distinct = self.distinct();
        let finding = |changed, level: &mut Level, value: f64, back: fn(f64) -> f64| {
            let expected = back(level.mean);
            let distance = level.take(value)?.abs();
            (distance >= DEVIATIONS).then(|| Drifted { changed, actual: back(value), expected, score: (distance / 2.0).min(6.0) })
        };
        let by_distinct = finding(Changed::Distinct, &mut self.distinct_level, distinct.ln_1p(), f64::exp_m1);
        let mut by_size = None;
        if self.numbers >= ENOUGH_NUMBERS {
            let size = self.sizes / f64::from(self.numbers);
            by_size = finding(Changed::Size, &mut self.size_level, size, |size| size.signum() * size.abs().exp_m1());
        }
        (self.seen, self.values, self.numbers, self.sizes) = ([0; COUNTER_WORDS], 0, 0, 0.0);
        [by_distinct, by_size]
    }

    /// The state, version first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(1);
        out.byte(u8::from(self.window.is_some()));
        out.word(self.window.unwrap_or(0).cast_unsigned());
        for word in self.seen {
            out.word(word);
        }
        out.number(u64::from(self.values));
        out.number(u64::from(self.numbers));
        out.word(self.sizes.to_bits());
        for level in [self.distinct_level, self.size_level] {
            out.number(u64::from(level.windows));
            out.word(level.mean.to_bits());
            out.word(level.variance.to_bits());
        }
        out.finish()
    }

    /// Restores what [`Parameter::to_bytes`] gave.
    ///
    /// # Errors
    /// When the bytes are no such state.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        from.version(1)?;
        let (open, window) = (from.byte()? != 0, from.word()?.cast_signed());
        let mut parameter = Self { window: open.then_some(window), ..Self::default() };
        for word in &mut parameter.seen {
            *word = from.word()?;
        }
        parameter.values = small(&mut from)?;
        parameter.numbers = small(&mut from)?;
        parameter.sizes = finite(&mut from)?;
        for level in [&mut parameter.distinct_level, &mut parameter.size_level] {
            *level = Level { windows: small(&mut from)?, mean: finite(&mut from)?, variance: finite(&mut from)?.abs() };
        }
        from.end()?;
        Ok(parameter)
    }
}

fn small(from: &mut Reader<'_>) -> Result<u32, DecodeError> {
    u32::try_from(from.number()?).map_err(|_| DecodeError::Malformed)
}

fn finite(from: &mut Reader<'_>) -> Result<f64, DecodeError> {
    let number = f64::from_bits(from.word()?);
    if number.is_finite() { Ok(number) } else { Err(DecodeError::Malformed) }
}

/// The number that a value is, with what follows the digits (a unit, a percent sign) left out.
fn number(value: &[u8]) -> Option<f64> {
    let head = value.iter().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+')).count();
    let tail = &value[head..];
    let unit = tail.len() <= 4 && tail.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'%');
    let text = std::str::from_utf8(&value[..head]).ok()?;
    text.parse::<f64>().ok().filter(|number| unit && number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An hour of lines with so many different addresses and the given size; gives the findings of the hour before.
    fn hour(parameter: &mut Parameter, hour: i64, different: u32, size: u32) -> Vec<Drifted> {
        let mut found = Vec::new();
        for line in 0..200u32 {
            let value = (size + line % different).to_string();
            found.extend(parameter.value(hour * WINDOW_SECONDS + i64::from(line), value.as_bytes()).into_iter().flatten());
        }
        found
    }

    #[test]
    fn a_steady_parameter_does_not_drift_and_changes_do() {
        let mut parameter = Parameter::default();
        for at in 0..48 {
            assert!(hour(&mut parameter, at, 5 + (at % 2) as u32, 100).is_empty());
        }
        assert!(hour(&mut parameter, 48, 150, 100).is_empty(), "told when the hour is over");
        let found = hour(&mut parameter, 49, 5, 9_000);
        assert_eq!(found[0].changed, Changed::Distinct);
        assert!((found[0].actual - 150.0).abs() < 15.0 && (found[0].expected - 5.5).abs() < 1.5, "{found:?}");
        let found = hour(&mut parameter, 50, 5, 100);
        assert!(found.iter().any(|found| found.changed == Changed::Size && found.actual > 8_000.0), "{found:?}");
    }

    #[test]
    fn the_counter_counts() {
        for many in [1, 10, 100, 1_000, 2_000] {
            let mut parameter = Parameter::default();
            for value in 0..many {
                parameter.value(0, format!("10.0.{}.{}", value / 256, value % 256).as_bytes());
            }
            let error = (parameter.distinct() - f64::from(many)).abs() / f64::from(many);
            assert!(error < 0.1, "{many}: {}", parameter.distinct());
        }
    }

    #[test]
    fn what_is_a_number() {
        assert_eq!(number(b"12.5ms"), Some(12.5));
        assert_eq!(number(b"-3"), Some(-3.0));
        for text in [&b"10.0.0.1"[..], b"", b"abc", b"1e999999", b"12-34", b"\xff"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_state_survives() {
        let mut parameter = Parameter::default();
        hour(&mut parameter, 3, 7, 10);
        hour(&mut parameter, 4, 7, 10);
        let bytes = parameter.to_bytes();
        assert_eq!(Parameter::from_bytes(&bytes), Ok(parameter));
        assert_eq!(Parameter::from_bytes(&bytes[..9]), Err(DecodeError::Short));
    }
}
