//! Has a template that came regularly stopped?

use super::bytes::{DecodeError, Reader, Writer};

/// Gaps before a template's rhythm is known. A day of hourly lines; with fewer, the spread of the gaps is a guess.
const ENOUGH_GAPS: u32 = 24;

/// Gaps that the averages look back on: long enough to be calm, short enough to follow a changed schedule in a week or so
/// of hourly lines.
const MEMORY: f64 = 128.0;

/// A template whose gaps vary more than this (standard deviation over mean) has no rhythm to miss. Lines that come by
/// chance (Poisson) have 1.
const MAX_VARIATION: f64 = 0.8;

/// How many standard deviations beyond the longest recent gap is silence.
const DEVIATIONS: f64 = 4.0;

/// Gaps below this, in seconds, are one burst of lines and counted as one coming.
const BURST_SECONDS: f64 = 1.0;

/// The rhythm of one template: mean and spread of the time between its lines, and the longest recent gap. O(1) a line,
/// 56 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rhythm {
    last: Option<i64>,
    gaps: u32,
    mean: f64,
    variance: f64,
    longest: f64,
    told: bool,
}

/// A finding about a template that stopped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Silence {
    /// How far the silence is beyond what was usual, from 3 on as it passes the limit, a third for each doubling more: to 6.
    pub score: f64,
    /// Seconds since the last line.
    pub silent_for: f64,
    /// Seconds between lines, as a rule.
    pub usual: f64,
}

impl Rhythm {
    /// Takes in a line at `now` (Unix milliseconds). Lines that come late change nothing.
    pub fn line(&mut self, now: i64) {
        let Some(last) = self.last else {
            self.last = Some(now);
            return;
        };
        let gap = now.saturating_sub(last) as f64 / 1_000.0;
        if gap < 0.0 {
            return;
        }
        self.last = Some(now);
        if gap < BURST_SECONDS {
            return;
        }
        let share = 1.0 / f64::from(self.gaps.saturating_add(1)).min(MEMORY);
        // A gap that was told as silence counts as little more than the limit, and not as the longest: an outage hardly
        // changes the rhythm, but a new schedule is learned after a few.
        let gap = if self.told { gap.min(2.0 * self.limit().unwrap_or(gap)) } else { gap };
        let step = gap - self.mean;
        self.mean += share * step;
        self.variance = (1.0 - share) * (self.variance + share * step * step);
        if !self.told {
            self.longest = gap.max(self.longest - share * (self.longest - self.mean) / 4.0);
        }
        self.gaps = self.gaps.saturating_add(1);
        self.told = false;
    }

    /// Seconds without a line from which on it is silence, or `None` as long as there is no rhythm.
    #[must_use]
    pub fn limit(&self) -> Option<f64> {
        let deviation = self.variance.sqrt();
        let regular = self.gaps >= ENOUGH_GAPS && deviation <= MAX_VARIATION * self.mean;
        // Twice the mean for a clockwork, whose deviation is nothing.
        regular.then(|| (self.longest + DEVIATIONS * deviation).max(2.0 * self.mean + BURST_SECONDS))
    }

    /// Looks whether the template is silent at `now` (Unix milliseconds); says so once for each silence.
    pub fn check(&mut self, now: i64) -> Option<Silence> {
        let (last, limit) = (self.last?, self.limit()?);
        let silent_for = now.saturating_sub(last) as f64 / 1_000.0;
        if self.told || silent_for <= limit {
            return None;
        }
        self.told = true;
        Some(Silence { score: (3.0 + (silent_for / limit).log2() / 3.0).min(6.0), silent_for, usual: self.mean })
    }

    /// The state, version first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(1);
        out.byte(u8::from(self.last.is_some()) | (u8::from(self.told) << 1));
        out.word(self.last.unwrap_or(0).cast_unsigned());
        out.number(u64::from(self.gaps));
        for number in [self.mean, self.variance, self.longest] {
            out.word(number.to_bits());
        }
        out.finish()
    }

    /// Restores what [`Rhythm::to_bytes`] gave.
    ///
    /// # Errors
    /// When the bytes are no such state.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader::new(bytes);
        from.version(1)?;
        let (flags, last) = (from.byte()?, from.word()?.cast_signed());
        let gaps = u32::try_from(from.number()?).map_err(|_| DecodeError::Malformed)?;
        let mut numbers = [0.0; 3];
        for number in &mut numbers {
            *number = f64::from_bits(from.word()?);
            if !number.is_finite() || *number < 0.0 {
                return Err(DecodeError::Malformed);
            }
        }
        from.end()?;
        let [mean, variance, longest] = numbers;
        Ok(Self { last: (flags & 1 != 0).then_some(last), gaps, mean, variance, longest, told: flags & 2 != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line every `gap` seconds, with the given jitter in seconds.
    fn rhythm(lines: i64, gap: i64, jitter: i64) -> Rhythm {
        let mut rhythm = Rhythm::default();
        for line in 0..lines {
            rhythm.line(1_000 * (line * gap + line * 7_919 % (2 * jitter + 1) - jitter));
        }
        rhythm
    }

    #[test]
    fn a_heartbeat_that_stops_is_told_once() {
        let mut heart = rhythm(100, 60, 5);
        let last = 99 * 60_000;
        assert_eq!(heart.check(last + 60_000), None);
        let silence = heart.check(last + 600_000).unwrap();
        assert!(silence.score > 3.0 && (silence.usual - 60.0).abs() < 2.0, "{silence:?}");
        assert_eq!(heart.check(last + 700_000), None);
        heart.line(last + 800_000);
        assert_eq!(heart.check(last + 850_000), None);
        assert!(heart.check(last + 2_000_000).is_some(), "a second silence is told again");
    }

    #[test]
    fn a_new_schedule_is_learned() {
        let mut rhythm = rhythm(200, 60, 5);
        let mut now = 200 * 60_000;
        let told = (0..400)
            .filter(|_| {
                now += 1_800_000;
                let told = rhythm.check(now).is_some();
                rhythm.line(now);
                told
            })
            .count();
        assert!(told < 100, "{told}");
    }

    #[test]
    fn lines_that_come_by_chance_have_no_rhythm() {
        let mut rhythm = Rhythm::default();
        let (mut now, mut state) = (0i64, 1u64);
        for _ in 0..500 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let uniform = (state >> 11) as f64 / (1u64 << 53) as f64;
            now += (-(1.0 - uniform).ln() * 60_000.0) as i64 + 1_000;
            rhythm.line(now);
        }
        assert_eq!(rhythm.limit(), None);
    }

    #[test]
    fn few_lines_and_late_lines_make_no_rhythm() {
        assert_eq!(rhythm(10, 60, 0).limit(), None);
        let mut known = rhythm(100, 60, 0);
        let before = known;
        known.line(0);
        assert_eq!(known, before);
        known.line(i64::MIN);
        known.line(i64::MAX);
        assert!(known.mean.is_finite());
    }

    #[test]
    fn the_state_survives() {
        let rhythm = rhythm(50, 60, 3);
        assert_eq!(Rhythm::from_bytes(&rhythm.to_bytes()), Ok(rhythm));
        assert!(Rhythm::from_bytes(&rhythm.to_bytes()[..20]).is_err());
    }
}
