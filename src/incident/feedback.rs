//! "This was noise", "this was right": how much more or less it takes for a rule to speak up about an entity.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::{DAY_US, TimestampUs};

/// Bounds of the factor: a person's word makes a rule four times as deaf at most, so that a real disaster is still heard, and
/// twice as keen.
pub const MIN_FACTOR: f64 = 0.5;
/// See [`MIN_FACTOR`].
pub const MAX_FACTOR: f64 = 4.0;

/// One "noise" asks for a quarter more; three double it, seven reach the bound.
const NOISE_STEP: f64 = 1.25;

/// One "right" takes back a bit less than a "noise" gave: people complain about noise and keep quiet about what was right.
const RIGHT_STEP: f64 = 0.9;

/// What was taught fades by half in this time, in the logarithm: what was noise in spring may matter in autumn.
const HALF_LIFE_US: i64 = 90 * DAY_US;

/// Pairs of rule and entity remembered; a person clicks far less often.
const MAX_ENTRIES: usize = 10_000;

/// What a person said about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody needed to know.
    Noise,
    /// It was good to know.
    Right,
}

impl Verdict {
    /// The word for it, as in the API and the database.
    pub fn word(self) -> &'static str {
        match self {
            Self::Noise => "noise",
            Self::Right => "right",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// Natural logarithm of the factor, in millionths: an integer reads back exactly.
    log_micro: i64,
    at_us: TimestampUs,
    noise: u32,
    right: u32,
}

impl Entry {
    fn log(&self, now_us: TimestampUs) -> f64 {
        let age = now_us.saturating_sub(self.at_us).max(0) as f64;
        self.log_micro as f64 / 1e6 * (-age / HALF_LIFE_US as f64 * std::f64::consts::LN_2).exp()
    }
}

/// The factor of a threshold, and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdFactor {
    /// To multiply the threshold with: [`MIN_FACTOR`] to [`MAX_FACTOR`], 1 without a verdict.
    pub factor: f64,
    /// Verdicts "noise" so far.
    pub noise: u32,
    /// Verdicts "right" so far.
    pub right: u32,
}

impl ThresholdFactor {
    /// The reason in words.
    pub fn explain(&self) -> String {
        match (self.noise, self.right) {
            (0, 0) => "nobody has judged it yet".to_owned(),
            (noise, right) => format!("threshold × {:.2}: {noise} times noise, {right} times right, fading", self.factor),
        }
    }
}

/// Verdicts by fingerprint, which is a rule with an entity.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Feedback {
    entries: BTreeMap<String, Entry>,
}

impl Feedback {
    /// Takes a verdict in and gives the factor it makes. Beyond the most entries the one judged the longest ago goes.
    pub fn judge(&mut self, fingerprint: &str, verdict: Verdict, now_us: TimestampUs) -> ThresholdFactor {
        let mut entry = self.entries.get(fingerprint).copied().unwrap_or(Entry { log_micro: 0, at_us: now_us, noise: 0, right: 0 });
        let (step, count) = match verdict {
            Verdict::Noise => (NOISE_STEP, &mut entry.noise),
            Verdict::Right => (RIGHT_STEP, &mut entry.right),
        };
        *count = count.saturating_add(1);
        let log = (entry.log(now_us) + step.ln()).clamp(MIN_FACTOR.ln(), MAX_FACTOR.ln());
        (entry.log_micro, entry.at_us) = ((log * 1e6).round() as i64, now_us);
        self.entries.insert(fingerprint.to_owned(), entry);
        if self.entries.len() > MAX_ENTRIES {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.at_us).map(|(key, _)| key.clone());
            oldest.map(|key| self.entries.remove(&key));
        }
        self.factor(fingerprint, now_us)
    }

    /// The lowest factor of all, at most 1: what a rule has to look at so that nobody who wants to hear more misses something.
    pub fn lowest_factor(&self, now_us: TimestampUs) -> f64 {
        self.entries.values().map(|entry| entry.log(now_us).exp()).fold(1.0, f64::min).max(MIN_FACTOR)
    }

    /// The factor of a fingerprint now.
    pub fn factor(&self, fingerprint: &str, now_us: TimestampUs) -> ThresholdFactor {
        self.entries.get(fingerprint).map_or(ThresholdFactor { factor: 1.0, noise: 0, right: 0 }, |entry| ThresholdFactor {
            factor: entry.log(now_us).exp().clamp(MIN_FACTOR, MAX_FACTOR),
            noise: entry.noise,
            right: entry.right,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_deafens_up_to_a_bound_and_fades() {
        let mut feedback = Feedback::default();
        assert_eq!(feedback.factor("f", 0).factor, 1.0);
        assert!((feedback.judge("f", Verdict::Noise, 0).factor - NOISE_STEP).abs() < 1e-5);
        let last = (0..50).map(|_| feedback.judge("f", Verdict::Noise, 0)).last().unwrap();
        assert!((last.factor - MAX_FACTOR).abs() < 1e-4 && last.noise == 51, "{last:?}");
        assert!(last.explain().contains("51 times noise"));
        let later = feedback.factor("f", HALF_LIFE_US).factor;
        assert!((later - MAX_FACTOR.sqrt()).abs() < 1e-3, "{later}");
        assert_eq!(feedback.factor("another", 0).factor, 1.0);
    }

    #[test]
    fn right_sharpens_down_to_a_bound() {
        let mut feedback = Feedback::default();
        let last = (0..50).map(|_| feedback.judge("f", Verdict::Right, 0)).last().unwrap();
        assert!((last.factor - MIN_FACTOR).abs() < 1e-4, "{last:?}");
        assert!(feedback.judge("f", Verdict::Noise, 0).factor > MIN_FACTOR);
    }

    #[test]
    fn verdicts_are_bounded_in_number_and_the_oldest_goes() {
        let mut feedback = Feedback::default();
        for at in 0..=MAX_ENTRIES as i64 {
            feedback.judge(&format!("f{at}"), Verdict::Noise, at);
        }
        assert_eq!(feedback.entries.len(), MAX_ENTRIES);
        assert_eq!(feedback.factor("f0", 0).noise, 0);
    }
}
