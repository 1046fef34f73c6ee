//! Simulated clean series: seasonal, with drift, weekends, holidays, daylight saving, gaps and counter resets, and nothing to report.

/// A small pseudo-random generator (splitmix64), so that runs repeat.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// A generator from a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Standard normal, by Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// Seconds between points.
pub(crate) const STEP_S: i64 = 300;
/// Skewed noise is log-normal with this shape; its mean e^(0.6²/2), and its standard deviation.
const LOGNORMAL_SHAPE: f64 = 0.6;
const LOGNORMAL_MEAN: f64 = 1.197;
const LOGNORMAL_DEVIATION: f64 = 0.788;
/// Seconds of daylight saving: thirty weeks, as in Europe.
const SUMMER_S: i64 = 30 * 604_800;

/// What one simulated series is like.
#[derive(Debug)]
pub(crate) struct Shape {
    base: f64,
    harmonics: [(f64, f64); 4],
    weekend: f64,
    drift_a_week: f64,
    noise: f64,
    memory: f64,
    skewed: bool,
    counts: bool,
    clock_change: Option<i64>,
    holidays: Vec<i64>,
    counter: bool,
}

impl Shape {
    /// Draws a shape for a series of `weeks`.
    pub(crate) fn draw(dice: &mut Dice, weeks: i64) -> Self {
        let size = dice.between(0.5, 2.0);
        let harmonics =
            std::array::from_fn(|order| (size * dice.normal() / (1.0 + order as f64), dice.between(0.0, std::f64::consts::TAU)));
        let holidays = (0..weeks * 7).filter(|_| dice.unit() < 0.02).collect();
        Self {
            base: dice.between(6.0, 20.0),
            harmonics,
            weekend: if dice.unit() < 0.5 { 1.0 } else { dice.between(0.2, 0.9) },
            drift_a_week: if dice.unit() < 0.5 { 0.0 } else { dice.normal() * 0.3 },
            noise: size * dice.between(0.05, 0.5),
            memory: if dice.unit() < 0.5 { 0.0 } else { dice.between(0.2, 0.9) },
            skewed: dice.unit() < 0.3,
            counts: dice.unit() < 0.2,
            clock_change: (dice.unit() < 0.5).then(|| dice.between(8.0, 20.0) as i64 * 604_800),
            holidays,
            counter: dice.unit() < 0.2,
        }
    }

    /// Share of the usual load at a local time: a quiet day comes and goes within four hours around midnight.
    fn load_of_day(&self, local: i64) -> f64 {
        let of_day = |day: i64| if day.rem_euclid(7) >= 5 || self.holidays.contains(&day) { self.weekend } else { 1.0 };
        let (day, second) = (local.div_euclid(86_400), local.rem_euclid(86_400) as f64);
        let blend = 7_200.0;
        let (other, share) = if second < blend {
            (day - 1, 0.5 - second / blend / 2.0)
        } else if second > 86_400.0 - blend {
            (day + 1, 0.5 - (86_400.0 - second) / blend / 2.0)
        } else {
            (day, 0.0)
        };
        of_day(day) * (1.0 - share) + of_day(other) * share
    }

    /// Standard deviation of what is random in the values.
    pub(crate) fn deviation(&self) -> f64 {
        if self.counts { (20.0 * self.base).sqrt() } else { self.noise * if self.skewed { LOGNORMAL_DEVIATION } else { 1.0 } }
    }

    /// Points of `weeks`, `step_s` apart, in UTC seconds.
    pub(crate) fn points(&self, dice: &mut Dice, weeks: i64, step_s: i64) -> Vec<(i64, f64)> {
        let start = 345_600 + 604_800 * 2_800;
        let mut noise = 0.0;
        let mut points = Vec::with_capacity((weeks * 604_800 / step_s) as usize);
        for step in 0..weeks * 604_800 / step_s {
            let since = step * step_s;
            let local = since + self.clock_change.filter(|change| (*change..change + SUMMER_S).contains(&since)).map_or(0, |_| 3_600);
            let fresh = if self.skewed { (dice.normal() * LOGNORMAL_SHAPE).exp() - LOGNORMAL_MEAN } else { dice.normal() };
            noise = self.memory * noise + (1.0 - self.memory * self.memory).sqrt() * fresh;
            let weekend = self.load_of_day(local);
            let angle = local.rem_euclid(86_400) as f64 / 86_400.0 * std::f64::consts::TAU;
            let season: f64 =
                self.harmonics.iter().enumerate().map(|(order, (size, phase))| size * ((order + 1) as f64 * angle + phase).sin()).sum();
            let level = (self.base + season) * weekend + self.drift_a_week * since as f64 / 604_800.0;
            let mut value = level + self.noise * noise;
            if self.counts {
                // A Poisson count has the standard deviation of the root of its mean.
                let mean = (20.0 * level).max(1.0);
                value = (mean + mean.sqrt() * dice.normal()).round().max(0.0);
            }
            if dice.unit() > 0.003 && !(self.counter && dice.unit() < 0.0005) {
                points.push((start + since, value));
            }
        }
        points
    }
}
