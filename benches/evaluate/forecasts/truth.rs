//! Resources whose future is known because it is generated too.

/// What kinds of resources there are.
pub(crate) const KINDS: [&str; 8] = ["linear", "damped", "seasonal", "saw-tooth", "step", "resize", "holidays", "wandering"];
/// Harder kinds, looked at while the method was built: kinks, accelerating growth and growth by jumps came in because of them.
pub(crate) const STRANGE: [&str; 7] = ["turning", "bursts", "yearly", "steps", "exponential", "percent noise", "month ends"];

/// A resource: its past, and its future up to a year.
pub(crate) struct Resource {
    pub(crate) kind: &'static str,
    pub(crate) past: Vec<f64>,
    pub(crate) threshold: f64,
    /// Days from the last value of the past to the first at or over the threshold; infinite if not within a year.
    pub(crate) crossing: f64,
}

/// The generator of the generator.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03)
    }

    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Between, evenly in the logarithm.
    pub(crate) fn ratio(&mut self, low: f64, high: f64) -> f64 {
        (self.between(low.ln(), high.ln())).exp()
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().max(1e-300).ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

const FUTURE: usize = 365;

/// The same past as somebody measures it who began in the middle of a day, and whose resource did not always work: of some first days
/// there is only a part, and once in four months nothing much happens for up to a week.
pub(crate) fn disturbed(seed: u64, resource: Resource) -> Resource {
    let mut dice = Dice::new(seed ^ 0x5eed);
    let Resource { mut past, .. } = resource;
    if dice.unit() < 0.5 {
        past[0] -= past[0].abs() * dice.unit();
    }
    let mut day = 1;
    while day < past.len() {
        if dice.unit() < 1.0 / 120.0 {
            let days = dice.ratio(1.0, 8.0) as usize;
            let end = (day + days).min(past.len());
            past[day..end].iter_mut().for_each(|value| *value -= value.abs() * dice.between(0.3, 1.0));
            day = end;
        }
        day += 1;
    }
    Resource { past, ..resource }
}

pub(crate) fn resource(seed: u64, days: Option<usize>, kinds: &[&'static str], rough: bool) -> Resource {
    let mut dice = Dice::new(seed);
    let kind = kinds[(seed % kinds.len() as u64) as usize];
    let past = days.unwrap_or_else(|| dice.between(60.0, 366.0) as usize);
    let total = past + FUTURE;
    // Capacity is 100; the growth from the last day to the threshold takes from days to years.
    let threshold = dice.between(80.0, 100.0);
    let to_go = dice.between(3.0, 50.0);
    let slope = to_go / dice.ratio(15.0, 700.0);
    let noise = if rough { dice.ratio(0.5, 4.0) } else { dice.ratio(0.05, 2.0) };
    let memory = if dice.unit() < 0.5 { 0.0 } else { dice.between(0.2, 0.8) };
    let damping = if kind == "damped" { dice.between(0.99, 0.998) } else { 1.0 };
    let wander = if kind == "wandering" {
        dice.ratio(0.05, 0.6)
    } else if rough {
        dice.ratio(0.03, 0.3)
    } else {
        0.0
    };
    let (mut level, mut rate, mut error) = (0.0, slope, 0.0);
    if kind == "damped" {
        rate = slope / damping.powi(past as i32).max(0.05);
    }
    let week: Vec<f64> = (0..7).map(|_| dice.normal()).collect();
    let week_size = if kind == "seasonal" || kind == "holidays" { dice.ratio(0.3, 5.0) } else { 0.0 };
    let month_size = if kind == "seasonal" && dice.unit() < 0.5 { dice.ratio(0.5, 4.0) } else { 0.0 };
    let cycle = dice.between(7.0, 45.0);
    let clean = dice.between(6.0, 25.0);
    let mut since = dice.unit() * cycle;
    let mut this_cycle = cycle;
    let mut offset = 0.0;
    let jump_at = (past as f64 * dice.between(0.1, 0.95)) as usize;
    let jump = if dice.unit() < 0.3 { -1.0 } else { 1.0 } * dice.between(4.0, 30.0);
    let mut shrink = 1.0;
    let turn = dice.between(-0.5, 2.5);
    let turn_at = (past as f64 * dice.between(0.3, 0.9)) as usize;
    let month_end = (3.0 * turn.abs()).floor().min(2.0);
    let mut values = Vec::with_capacity(total);
    for day in 0..total {
        rate *= damping;
        let growth = match kind {
            "turning" if day < turn_at => rate * turn,
            "bursts" => {
                if dice.unit() < 0.15 {
                    -rate / 0.15 * dice.unit().max(1e-9).ln()
                } else {
                    0.0
                }
            }
            "steps" => {
                if dice.unit() < 0.03 {
                    rate / 0.03 * dice.between(0.5, 1.5)
                } else {
                    0.0
                }
            }
            "yearly" => rate + 0.8 * slope * (std::f64::consts::TAU * day as f64 / 365.0 + turn).sin(),
            "exponential" => rate * (1.0 + turn.abs() * day as f64 / past as f64),
            _ => rate,
        };
        level += growth * shrink + wander * dice.normal();
        error = memory * error + (1.0 - memory * memory).sqrt() * noise * dice.normal();
        let mut value = level + error + week_size * week[day % 7] + month_size * (std::f64::consts::TAU * day as f64 / 30.0).sin();
        match kind {
            "saw-tooth" => {
                since += 1.0;
                if since >= this_cycle {
                    since = 0.0;
                    this_cycle = (cycle * (1.0 + 0.1 * dice.normal())).max(4.0);
                }
                value += clean * since / cycle;
            }
            "percent noise" => value += error * (level / 20.0).abs(),
            "step" if day == jump_at => offset += jump,
            "resize" if day == jump_at => {
                // The volume becomes larger by a factor: percent fall, and grow slower.
                shrink = dice.between(0.4, 0.8);
                offset = f64::NAN;
            }
            "holidays" if dice.unit() < 0.03 => value -= dice.between(3.0, 20.0),
            // Months have 30 or 31 days, so that no season fits, and what is done at their ends takes as much each time, or nearly.
            "month ends" if (day as f64 % 30.44) < 1.0 + month_end => value += clean * dice.between(0.8, 1.2),
            _ => {}
        }
        if offset.is_nan() {
            let gone = (level + 40.0) * (1.0 - shrink);
            level -= gone;
            value -= gone;
            offset = 0.0;
        }
        values.push(value + offset);
    }
    let last = values[past - 1];
    let lift = threshold - to_go - last;
    values.iter_mut().for_each(|value| *value += lift);
    let crossing = values[past..].iter().position(|&value| value >= threshold).map_or(f64::INFINITY, |day| (day + 1) as f64);
    values.truncate(past);
    Resource { kind, past: values, threshold, crossing }
}
