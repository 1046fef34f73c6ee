//! Is a template that nobody has seen before worth a finding?

use super::bytes::{DecodeError, Reader, Writer};

/// How long a source is only listened to, in seconds: a day shows what its daily jobs write.
pub const WARM_UP_SECONDS: i64 = 24 * 3_600;

/// Templates after which the counts are halved, so that the chance speaks of the recent past. A source that has shown so
/// many lines has settled, and a halving then moves the estimate by less than its own error.
const HALVE_AT: u64 = 1 << 20;

/// What is known of how often one source brings a new template.
///
/// The chance that the next line is of a template never seen is estimated as the share of lines whose template was seen
/// once (I. J. Good, "The population frequencies of species and the estimation of population parameters", Biometrika 40,
/// 1953; the estimate is Turing's). O(1) a line, 40 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Novelty {
    /// Unix seconds of the first line, once there was one.
    first_seen: Option<i64>,
    lines: u64,
    /// Templates that had exactly one line.
    singles: u64,
}

/// A finding about a new template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NewTemplate {
    /// −log₁₀ of the chance that a line of this source brings a new template, raised for grave lines: 0 to 6.
    pub score: f64,
    /// The estimated chance, before this line.
    pub chance: f64,
}

impl Novelty {
    /// Takes in a line whose template had `earlier` lines before this one, at `now` (Unix seconds), with the syslog
    /// `severity` (0 emergency to 7 debug, RFC 5424 section 6.2.1), if it has one. Gives a finding when the template is
    /// new and the warm-up is over.
    pub fn line(&mut self, now: i64, earlier: u64, severity: Option<u8>) -> Option<NewTemplate> {
        let first_seen = *self.first_seen.get_or_insert(now);
        let chance = self.chance();
        self.lines += 1;
        match earlier {
            0 => self.singles += 1,
            1 => self.singles = self.singles.saturating_sub(1),
            _ => {}
        }
        self.halve_when_full();
        if earlier > 0 || now.saturating_sub(first_seen) < WARM_UP_SECONDS {
            return None;
        }
        Some(NewTemplate { score: (-chance.log10() * weight(severity)).clamp(0.0, 6.0), chance })
    }

    /// [`Novelty::line`] for each of `lines` lines of one template, in a few steps however many they are.
    pub fn lines(&mut self, now: i64, earlier: u64, lines: u64, severity: Option<u8>) -> Option<NewTemplate> {
        // Only a template's first two lines are anything special.
        let mut found = None;
        for line in 0..lines.min(2) {
            found = found.or(self.line(now, earlier + line, severity));
        }
        let mut more = lines.saturating_sub(2);
        while more > 0 {
            let until_full = more.min(HALVE_AT.saturating_sub(self.lines).max(1));
            self.lines += until_full;
            more -= until_full;
            self.halve_when_full();
        }
        found
    }

    fn halve_when_full(&mut self) {
        if self.lines >= HALVE_AT {
            self.lines /= 2;
            self.singles /= 2;
        }
    }

    /// The chance that the next line brings a template never seen: (singles + 1) / (lines + 2), never zero and below one.
    #[must_use]
    pub fn chance(&self) -> f64 {
        (self.singles + 1) as f64 / (self.lines + 2) as f64
    }

    /// The state, version first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(1);
        out.byte(u8::from(self.first_seen.is_some()));
        out.word(self.first_seen.unwrap_or(0).cast_unsigned());
        out.number(self.lines);
        out.number(self.singles);
        out.finish()
    }

    /// Restores what [`Novelty::to_bytes`] gave.
    ///
    /// # Errors
    /// When the bytes are no such state.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        from.version(1)?;
        let (seen, first) = (from.byte()? != 0, from.word()?.cast_signed());
        let (lines, singles) = (from.number()?, from.number()?);
        from.end()?;
        if singles > lines || lines > HALVE_AT {
            return Err(DecodeError::Malformed);
        }
        Ok(Self { first_seen: seen.then_some(first), lines, singles })
    }
}

/// What a line's severity makes of its surprise: as it stands for a warning, half as much again for what is critical, less
/// than half for debug lines, which nobody is meant to read. Lines without severity count like notices.
fn weight(severity: Option<u8>) -> f64 {
    match severity {
        Some(0..=2) => 1.5,
        Some(3) => 1.25,
        Some(4) => 1.0,
        Some(6) => 0.6,
        Some(7..) => 0.4,
        Some(5) | None => 0.8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_found_in_the_first_day() {
        let mut novelty = Novelty::default();
        for hour in 0..24 {
            assert_eq!(novelty.line(hour * 3_600, 0, Some(2)), None);
        }
        assert!(novelty.line(24 * 3_600, 0, Some(2)).is_some());
    }

    #[test]
    fn a_settled_source_is_more_surprising_than_one_that_always_brings_new_lines() {
        let (mut settled, mut restless) = (Novelty::default(), Novelty::default());
        for line in 0..5_000 {
            settled.line(line, 3, None);
            restless.line(line, 0, None);
        }
        let settled = settled.line(WARM_UP_SECONDS, 0, Some(4)).unwrap();
        let restless = restless.line(WARM_UP_SECONDS, 0, Some(4)).unwrap();
        assert!(settled.score > 3.0, "{settled:?}");
        assert!(restless.score < 0.1, "{restless:?}");
    }

    #[test]
    fn many_lines_at_once_count_like_one_after_the_other() {
        let (mut at_once, mut one_by_one) = (Novelty::default(), Novelty::default());
        for (now, earlier, lines) in [(0, 0, 1), (1, 1, 0), (2, 1, 700), (WARM_UP_SECONDS, 0, 3), (WARM_UP_SECONDS, 3, 3 * HALVE_AT + 5)] {
            let found = at_once.lines(now, earlier, lines, Some(4));
            let each: Vec<_> = (0..lines).filter_map(|line| one_by_one.line(now, earlier + line, Some(4))).collect();
            assert_eq!(found.into_iter().collect::<Vec<_>>(), each);
            assert_eq!(at_once, one_by_one);
        }
    }

    #[test]
    fn a_grave_line_weighs_more() {
        let mut novelty = Novelty::default();
        for line in 0..100 {
            novelty.line(line, 3, None);
        }
        let score = |severity| novelty.clone().line(WARM_UP_SECONDS, 0, Some(severity)).unwrap().score;
        assert!(score(2) > score(4) && score(4) > score(7));
    }

    #[test]
    fn the_state_survives_and_damage_is_refused() {
        let mut novelty = Novelty::default();
        novelty.line(-5, 0, None);
        let bytes = novelty.to_bytes();
        assert_eq!(Novelty::from_bytes(&bytes), Ok(novelty));
        for end in 0..bytes.len() {
            assert!(Novelty::from_bytes(&bytes[..end]).is_err());
        }
        assert_eq!(Novelty::from_bytes(&[9]), Err(DecodeError::Version { found: 9, known: 1 }));
    }
}
