//! The metric detector: seven streams of evidence against one series' own past, in one score.

use super::alarm::Bar;
use super::baseline::{Baseline, CLIP, DAY_S};
use super::calibration::Calibration;
use super::logarithm::log2;
use super::novelty::Novelty;
use super::state_bytes::{StateError, StateReader, StateWriter};

/// First byte of a saved detector, and the version of its layout.
const KIND: u8 = 0xD1;
const VERSION: u8 = 3;
/// Number of streams.
const STREAMS: usize = 7;
/// Points before the first score: fewer than a hundred cannot tell what one in a hundred looks like.
const WARM_UP: u32 = 100;
/// Windows of the smoothed streams in points: an hour and six hours of five-minute points.
const SHORT_WINDOW: f64 = 12.0;
const LONG_WINDOW: f64 = 72.0;
/// Points in a row that the lasting deviation is taken over: the fewest that tell a step from a spike and from a pair of spikes.
const LASTING: usize = 3;
/// What counts of the smallest deviation while the last ones are on both sides: something, so that their past is never all zeros and the first
/// three on one side no sensation.
const BOTH_SIDES: f32 = 0.3;
/// Weight of the newest point in the follower of the last few points, from which steps and spread are measured.
const FOLLOW: f64 = 0.2;
/// Weight of the newest point in the scales (memory of a thousand points) and in the usual spread (two thousand).
const SCALE: f64 = 0.001;
const USUAL_SPREAD: f64 = 0.0005;
/// Steps count at most this many mean steps in the spread, so that one spike is the value stream's business alone.
const STEP_CLIP: f64 = 6.0;
/// The longer the history, the larger the surprises that chance alone brings, and the more its tail can be trusted: beyond a thousand points
/// the evidence is divided by 1 + 0.7 · log₁₀(points / 1,000), up to half a year of five-minute points. So a young detector says what
/// stands out, an old one what stands out of months (alpha spending, Foster and Stine 2008).
const AGE: f32 = 0.7;
const AGE_FROM: f32 = 1_000.0;
const AGE_TO: f32 = 50_000.0;
/// A young series has not shown its days yet, so that the first morning is a surprise: until three days have passed (for points closer than four
/// minutes: until a thousand came), the score counts from nothing on, rising evenly.
const YOUNG_S: f64 = 3.0 * DAY_S as f64;
const YOUNG_POINTS: f64 = 1_000.0;
/// Nor its weeks: evidence counts from three quarters on, until two weeks have passed or as many five-minute points came. With that and the
/// age a clean series alarms about as often in each of its first weeks; without, five times as often in the first as in the third.
const GROWN_S: f64 = 14.0 * DAY_S as f64;
const GROWN_POINTS: f64 = 4_032.0;
const YOUNG_EVIDENCE: f64 = 0.75;
/// Deviations from the baseline weigh half on the first weekend: that weekends may differ is known, how this one differs is not. What does not
/// go by the baseline weighs four fifths.
const FIRST_WEEKEND: f64 = 0.5;
const FIRST_WEEKEND_ELSEWHERE: f64 = 0.8;
/// The score is the sum of the last points' surprises to the sixteenth power, each point's share fading, and its sixteenth root: nearly the
/// largest of them, but what stays surprising ranks above one odd point. Powers of 8 to 16 rank alike on four data sets; 8 is better for
/// labels of hours, 16 for those of minutes. It fades by e in `LINGER` points, so that it marks the event and not its sharpest points.
const SCORE_POWER: f64 = 16.0;
const LINGER: f64 = 100.0;
/// Faded sums below this are nothing: a score of 0.03.
const NOTHING: f64 = 1e-24;
/// Sums of powers cannot come near this: five surprises of six make 13.4.
const LARGEST_SUM: f64 = 1e21;
/// Deviations that are no alarm each are one when they persist: the fourth root of the faded sum of the fourth powers, times `PERSISTENCE`,
/// is evidence too. It passes that of the single point after about five equal points, and ends at 1.7 times as much.
const PERSIST: f64 = 36.0;
const PERSISTENCE: f64 = 0.7;
/// What persisted is remembered as long as what was surprising, about 10,000 points.
const RECORD: f64 = 10_000.0;
/// What is left of a record at the next point.
const FORGETTING: f32 = (1.0 - 1.0 / RECORD) as f32;
/// How much larger than its record a stream has to be to be news: the long mean may equal it, three points have far more chances and must
/// be half as large again.
const NEWS_OF_LONG_MEAN: f32 = 1.0;
const NEWS_OF_LASTING: f32 = 1.5;
/// Values are held to this, so that squares stay finite.
const LARGEST: f64 = 1e15;

/// Which stream of evidence was the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The value is far from what is expected at this time of day.
    Value,
    /// The mean of the last twelve points is.
    ShortMean,
    /// The mean of the last seventy-two points is.
    LongMean,
    /// The series moves much more, or much less, than usual.
    Spread,
    /// The series was never in such a state.
    Novelty,
    /// The value is far from the last few.
    Step,
    /// Each of the last three points is far from what is expected, to the same side.
    Lasting,
}

impl Stream {
    const ALL: [Self; STREAMS] = [Self::Value, Self::ShortMean, Self::LongMean, Self::Spread, Self::Novelty, Self::Step, Self::Lasting];

    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::ShortMean => "short mean",
            Self::LongMean => "long mean",
            Self::Spread => "spread",
            Self::Novelty => "novelty",
            Self::Step => "step",
            Self::Lasting => "lasting",
        }
    }
}

/// What the detector says of one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// How anomalous the series is by now, 0 to 20, to rank and to draw: what is surprising and stays so is high, and it fades after an event.
    pub score: f64,
    /// What an alarm is judged by: the surprise of this point, or of deviations that persist, less the older the series is.
    pub evidence: f64,
    /// The value expected at this time; NaN while unknown.
    pub expected: f64,
    /// The strongest stream.
    pub stream: Stream,
    /// −log₁₀ of the chance of this much or more in the strongest stream, by the series' own past; 0 while unknown.
    pub surprise: f64,
}

impl Reading {
    /// Chance of this much or more in the strongest stream; 1 while unknown.
    pub fn p(&self) -> f64 {
        10_f64.powf(-self.surprise)
    }
}

/// What all streams of one point say together.
#[derive(Clone, Copy, Debug)]
struct Verdict {
    evidence: f64,
    /// The fourth power of the evidence of the value and of its short mean: what may persist.
    persisting: f64,
    /// Sum of the squared surprises that the score ranks by, whatever the series' age.
    squares: f64,
    strongest: Stream,
    surprise: f64,
}

/// State of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Detector {
    period_s: u32,
    seen: u32,
    first_s: i64,
    last_s: i64,
    /// The first value: everything is kept relative to it, so that small movements on a large level keep their digits.
    anchor: f64,
    baseline: Baseline,
    novelty: Novelty,
    calibrations: [Calibration; STREAMS],
    /// Mean absolute deviation from the expectation, and of steps.
    scale: f64,
    step_scale: f64,
    short_mean: f64,
    long_mean: f64,
    /// The deviations before this point, the newest first.
    previous: [f32; LASTING - 1],
    /// The largest long mean and the largest lasting deviation, slowly forgotten.
    records: [f32; 2],
    follower: f64,
    power: f64,
    usual_spread: f64,
    /// Faded sums of powers: of the surprises, and of the evidence of what may persist.
    lingering: f64,
    persisting: f64,
    /// The largest sum of what persisted, slowly forgotten.
    record: f64,
    bar: Bar,
}

impl Detector {
    /// A detector for points about `period_s` seconds apart (0 counts as 1).
    pub fn new(period_s: u32) -> Self {
        Self {
            period_s,
            seen: 0,
            first_s: 0,
            last_s: i64::MIN,
            anchor: 0.0,
            baseline: Baseline::new(period_s),
            novelty: Novelty::new(),
            calibrations: std::array::from_fn(|_| Calibration::new()),
            scale: 0.0,
            step_scale: 0.0,
            short_mean: 0.0,
            long_mean: 0.0,
            previous: [0.0; LASTING - 1],
            records: [0.0; 2],
            follower: 0.0,
            power: 0.0,
            usual_spread: 0.0,
            lingering: 0.0,
            persisting: 0.0,
            record: 0.0,
            bar: Bar::default(),
        }
    }

    /// One more point, in Unix seconds UTC. Any spacing will do, repeats and steps back too. A value that is no finite number changes nothing.
    pub fn update(&mut self, timestamp_s: i64, value: f64) -> Reading {
        if !value.is_finite() {
            return Reading { score: self.score(), evidence: 0.0, expected: f64::NAN, stream: Stream::Value, surprise: 0.0 };
        }
        self.arrive(timestamp_s, value);
        let value = (value - self.anchor).clamp(-LARGEST, LARGEST);
        let expected = self.baseline.expected(timestamp_s, value as f32);
        let deviation = value - f64::from(expected.value);
        let noisier = f64::from(self.baseline.noisier(timestamp_s, self.scale as f32));
        let lenient = (value - f64::from(expected.within_an_hour)) / noisier;
        let step = (value - self.follower).abs();
        let spread = self.smooth(value, lenient);
        let streams = [
            (deviation / noisier).abs() as f32,
            self.short_mean.abs() as f32,
            self.long_mean.abs() as f32,
            spread as f32,
            self.novelty.distance(self.seen, value as f32),
            step as f32,
            self.lasting(lenient as f32),
        ];
        let (trust, grown) = (self.passed(timestamp_s, YOUNG_S, YOUNG_POINTS), self.passed(timestamp_s, GROWN_S, GROWN_POINTS));
        let verdict = self.judge(&streams, timestamp_s, expected.first_weekend);
        let known = self.seen >= WARM_UP;
        self.learn(timestamp_s, value, (!expected.first_weekend).then_some(deviation));
        let squares = trust * trust * verdict.squares;
        let fourth = squares * squares;
        let eighth = fourth * fourth;
        self.lingering = faded(self.lingering, SCORE_POWER / LINGER) + eighth * eighth;
        self.persisting = faded(self.persisting, 1.0 / PERSIST) + verdict.persisting;
        // Some series deviate for an hour every day: only what never persisted so is news.
        let news = if self.persisting >= self.record { PERSISTENCE * self.persisting.sqrt().sqrt() } else { 0.0 };
        self.record = faded(self.record, 1.0 / RECORD).max(self.persisting);
        Reading {
            score: self.score(),
            evidence: verdict.evidence.max(news) * (YOUNG_EVIDENCE + (1.0 - YOUNG_EVIDENCE) * grown),
            expected: if known { self.anchor + f64::from(expected.value) } else { f64::NAN },
            stream: verdict.strongest,
            surprise: verdict.surprise,
        }
    }

    /// The sixteenth root of the sum of sixteenth powers.
    fn score(&self) -> f64 {
        f64::from((self.lingering as f32).sqrt().sqrt().sqrt().sqrt())
    }

    /// Whether to raise an alarm for the reading just taken: its evidence passes the threshold and, for some hours after an alarm, what
    /// that one had. To be called once after each update, with the same threshold for the series.
    pub fn alarm(&mut self, reading: &Reading, threshold: f64) -> bool {
        self.bar.passes(reading.evidence, threshold)
    }

    /// Takes a new level for normal at once, `by` above the old one: for a level shift that was announced.
    pub fn rebase(&mut self, by: f64) {
        if by.is_finite() {
            let by = by.clamp(-LARGEST, LARGEST);
            self.baseline.shift(by as f32);
            self.novelty.shift(by as f32);
            self.follower += by;
            (self.short_mean, self.long_mean, self.persisting) = (0.0, 0.0, 0.0);
            self.previous = [0.0; LASTING - 1];
        }
    }

    /// Points seen so far.
    pub fn points(&self) -> u32 {
        self.seen
    }

    fn arrive(&mut self, timestamp_s: i64, value: f64) {
        if self.seen == 0 {
            self.anchor = value;
            self.first_s = timestamp_s;
        } else if timestamp_s.saturating_sub(self.last_s) > DAY_S {
            // After a season of silence the past is worth half, and nothing persists.
            self.persisting = 0.0;
            self.previous = [0.0; LASTING - 1];
            self.calibrations.iter_mut().for_each(Calibration::halve);
        }
        self.last_s = self.last_s.max(timestamp_s);
    }

    /// Moves the smoothed streams on; the result is how far the spread is from the usual one, on the log axis.
    fn smooth(&mut self, value: f64, lenient: f64) -> f64 {
        let early = 1.0 / (f64::from(self.seen) + 1.0);
        let clip = f64::from(CLIP) * self.scale.max(1e-12);
        let lenient = if self.seen > 20 { lenient.clamp(-clip, clip) } else { lenient };
        self.short_mean += (1.0 / SHORT_WINDOW).max(early) * (lenient - self.short_mean);
        self.long_mean += (1.0 / LONG_WINDOW).max(early) * (lenient - self.long_mean);
        let step = (value - self.follower).abs();
        let clipped = step.min(STEP_CLIP * self.step_scale.max(1e-12));
        self.power += (1.0 / LONG_WINDOW).max(early) * (clipped * clipped - self.power);
        self.step_scale += SCALE.max(early) * (if self.seen > 20 { clipped } else { step } - self.step_scale);
        self.follower += FOLLOW * (value - self.follower);
        // The floor is a thousandth of the scale: below that a spread is rounding.
        let spread = f64::from(log2((self.power + 1e-6 * self.scale * self.scale + 1e-30) as f32));
        let away = (spread - self.usual_spread).abs();
        self.usual_spread += USUAL_SPREAD.max(early) * (spread - self.usual_spread);
        away
    }

    /// The smallest of the last deviations, a part of it while they are not all on one side. A step raises it as much as the value, a spike
    /// hardly at all, so that it is calibrated against a past without spikes and three points of a step surprise more than their mean.
    fn lasting(&mut self, deviation: f32) -> f32 {
        let previous = self.previous;
        self.previous = [deviation, previous[0]];
        let smallest = previous.iter().fold(deviation.abs(), |least, other| least.min(other.abs()));
        let on_one_side = previous.iter().all(|other| (*other > 0.0) == (deviation > 0.0));
        if on_one_side { smallest } else { BOTH_SIDES * smallest }
    }

    /// From 0 for a new series to 1 for one that has lasted so long or has so many points.
    fn passed(&self, timestamp_s: i64, span_s: f64, points: f64) -> f64 {
        let since = timestamp_s.saturating_sub(self.first_s) as f64 / span_s;
        since.max(f64::from(self.seen) / points).clamp(0.0, 1.0)
    }

    /// Whether a stream is larger than it was in the last 10,000 points. Hours that are off and points in a row that are off come again and
    /// again in most series, in bursts, so that their rank among the points makes too much of them: only a new record is news.
    fn is_news(&mut self, stream: Stream, size: f32, unknown: bool) -> bool {
        // Less than a mean deviation is nothing, however steady: in a series of zeros and spikes, three zeros in a row would be news.
        let (at, margin, least) = match stream {
            Stream::LongMean => (0, NEWS_OF_LONG_MEAN, 0.0),
            Stream::Lasting => (1, NEWS_OF_LASTING, self.scale as f32),
            _ => return true,
        };
        let before = self.records[at];
        self.records[at] = FORGETTING * if unknown { before } else { before.max(size) };
        size >= (margin * before).max(least)
    }

    /// Finds the streams' surprises, and takes the streams into the past.
    fn judge(&mut self, streams: &[f32; STREAMS], timestamp_s: i64, first_weekend: bool) -> Verdict {
        // What is taken over a window is one independent observation a window.
        let dependence = [1.0, SHORT_WINDOW as f32, LONG_WINDOW as f32, LONG_WINDOW as f32, 1.0, 1.0, LASTING as f32];
        let seasonal = !self.baseline.is_seasonal() || self.knows_a_day(timestamp_s);
        let warm = self.seen >= WARM_UP;
        let mut places = [0.0; STREAMS];
        places.iter_mut().zip(streams).for_each(|(place, stream)| *place = Calibration::place(*stream));
        let mut surprises = [0.0; STREAMS];
        let (mut strongest, mut most) = (Stream::Value, 0.0);
        for (index, stream) in Stream::ALL.into_iter().enumerate() {
            let of_baseline = matches!(stream, Stream::Value | Stream::ShortMean | Stream::LongMean | Stream::Lasting);
            if of_baseline && !seasonal {
                continue;
            }
            let unknown = of_baseline && first_weekend;
            let place = places[index];
            if warm && self.is_news(stream, streams[index], unknown) {
                let surprise = f64::from(self.calibrations[index].surprise(place, dependence[index]).max(0.0));
                let weight = if unknown { FIRST_WEEKEND } else { FIRST_WEEKEND_ELSEWHERE };
                surprises[index] = if first_weekend { weight * surprise } else { surprise };
                if surprises[index] > most {
                    (strongest, most) = (stream, surprises[index]);
                }
            }
            // An unknown weekend's deviations would count as usual for months.
            if !unknown {
                self.calibrations[index].learn(place);
            }
        }
        self.join(&surprises, strongest, most)
    }

    /// Joins the surprises as the sides of a box: between the sum, which many small ones carry, and the maximum, which ignores that
    /// streams agree.
    fn join(&self, surprises: &[f64; STREAMS], strongest: Stream, most: f64) -> Verdict {
        let age = 1.0 + AGE * log2((self.seen as f32).clamp(AGE_FROM, AGE_TO) / AGE_FROM) * std::f32::consts::LOG10_2;
        let by_age = 1.0 / f64::from(age);
        let [value, short, long, spread, novelty, step, lasting] = surprises.map(|surprise| surprise * surprise);
        // Value and step are two expectations of the same value, short mean and lasting two sights of the same deviations: for an alarm the
        // larger surprise of each pair counts once. The score ranks better with both expectations and without what lasts, which lags.
        let of_point = value.max(step) + short.max(lasting) + long + spread + novelty;
        let persisting = (value + short) * by_age * by_age;
        Verdict {
            evidence: of_point.sqrt() * by_age,
            persisting: persisting * persisting,
            squares: value + step + short + spread + novelty,
            strongest,
            surprise: most,
        }
    }

    /// Whether the first day is over.
    fn knows_a_day(&self, timestamp_s: i64) -> bool {
        timestamp_s.saturating_sub(self.first_s) >= DAY_S
    }

    fn learn(&mut self, timestamp_s: i64, value: f64, deviation: Option<f64>) {
        self.baseline.learn(timestamp_s, value as f32, self.scale as f32, self.seen);
        let early = 1.0 / (f64::from(self.seen) + 1.0);
        let clip = if self.seen > 20 { f64::from(CLIP) * self.scale.max(1e-12) } else { f64::MAX };
        if let Some(deviation) = deviation {
            if self.knows_a_day(timestamp_s) {
                self.baseline.learn_noise(timestamp_s, deviation as f32, self.scale as f32);
            }
            self.scale += SCALE.max(early) * (deviation.abs().min(clip) - self.scale);
        }
        self.seen = self.seen.saturating_add(1);
    }

    /// The state as bytes; see [`Detector::from_bytes`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = StateWriter::new(KIND, VERSION);
        out.u32(self.period_s);
        out.u32(self.seen);
        out.i64(self.first_s);
        out.i64(self.last_s);
        for number in [self.anchor, self.scale, self.step_scale, self.short_mean, self.long_mean, self.follower] {
            out.f64(number);
        }
        for number in [self.power, self.usual_spread, self.lingering, self.persisting, self.record, self.bar.height] {
            out.f64(number);
        }
        self.previous.iter().chain(&self.records).for_each(|number| out.f32(*number));
        self.baseline.write(&mut out);
        self.novelty.write(&mut out);
        self.calibrations.iter().for_each(|calibration| calibration.write(&mut out));
        out.into_bytes()
    }

    /// The state that [`Detector::to_bytes`] wrote: what follows gets exactly the scores that it would have got.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut from = StateReader::open(bytes, KIND, VERSION)?;
        let mut fresh = Self::new(from.u32()?);
        fresh.seen = from.u32()?;
        fresh.first_s = from.i64()?;
        fresh.last_s = from.i64()?;
        let first = [&mut fresh.anchor, &mut fresh.scale, &mut fresh.step_scale, &mut fresh.short_mean, &mut fresh.long_mean];
        let second = [&mut fresh.follower, &mut fresh.power, &mut fresh.usual_spread];
        let third = [&mut fresh.lingering, &mut fresh.persisting, &mut fresh.record, &mut fresh.bar.height];
        for number in first.into_iter().chain(second).chain(third) {
            *number = from.f64()?;
        }
        // Their roots would be no numbers.
        if [fresh.lingering, fresh.persisting, fresh.record].into_iter().any(|sum| !(0.0..=LARGEST_SUM).contains(&sum)) {
            return Err(StateError::Damaged("scores"));
        }
        for number in fresh.previous.iter_mut().chain(&mut fresh.records) {
            *number = from.f32()?;
        }
        fresh.baseline = Baseline::read(&mut from, fresh.period_s)?;
        fresh.novelty = Novelty::read(&mut from)?;
        for calibration in &mut fresh.calibrations {
            *calibration = Calibration::read(&mut from)?;
        }
        from.close()?;
        Ok(fresh)
    }
}

/// A sum of powers, one point later.
fn faded(sum: f64, rate: f64) -> f64 {
    let sum = sum * (-rate).exp();
    if sum < NOTHING { 0.0 } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_record_is_news_and_records_are_forgotten() {
        let mut detector = Detector { scale: 1.0, ..Detector::new(300) };
        assert!(!detector.is_news(Stream::Lasting, 0.9, false), "less than a mean deviation");
        assert!(detector.is_news(Stream::Lasting, 4.0, false) && !detector.is_news(Stream::Lasting, 5.0, false));
        assert!(detector.is_news(Stream::Lasting, 8.0, false), "half as large again as five");
        assert!(detector.is_news(Stream::LongMean, 0.5, false) && !detector.is_news(Stream::LongMean, 0.49, false));
        assert!(detector.is_news(Stream::Value, 0.0, false));
        assert!(
            detector.is_news(Stream::LongMean, 9.0, true) && detector.is_news(Stream::LongMean, 0.6, false),
            "an unknown time sets no record"
        );
        (0..20_000).for_each(|_| {
            detector.is_news(Stream::Lasting, 0.1, false);
        });
        assert!(detector.is_news(Stream::Lasting, 2.0, false), "two months are over");
    }
}
