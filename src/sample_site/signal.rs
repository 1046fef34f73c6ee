//! The value of a series at a moment, without the moments before it.

use super::shape::{Ramp, Unevenness};
use super::site::Site;
use crate::clock::{DAY_US, SECOND_US, TimestampUs};

/// How much of something goes on: a steady part, parts that follow the site's curves, and what incidents add.
#[derive(Debug, Clone, Default)]
pub(super) struct Load {
    /// Always.
    pub(super) steady: f64,
    /// On top of it in the busiest hour of the people.
    pub(super) business: f64,
    /// On top of it during the nightly backup.
    pub(super) backup: f64,
    /// On top of it at the height of an incident; may be negative.
    pub(super) surges: Vec<(Ramp, f64)>,
}

impl Load {
    pub(super) fn new(steady: f64, business: f64, backup: f64) -> Self {
        Self { steady, business, backup, surges: Vec::new() }
    }

    pub(super) fn steady(steady: f64) -> Self {
        Self::new(steady, 0.0, 0.0)
    }

    pub(super) fn with_surge(mut self, ramp: Option<Ramp>, amount: f64) -> Self {
        self.surges.extend(ramp.map(|ramp| (ramp, amount)));
        self
    }

    /// Everything times a factor.
    pub(super) fn scaled(&self, factor: f64) -> Self {
        let surges = self.surges.iter().map(|(ramp, amount)| (*ramp, amount * factor)).collect();
        Self { steady: self.steady * factor, business: self.business * factor, backup: self.backup * factor, surges }
    }

    /// The smooth level at a moment.
    fn at(&self, site: &Site, at_us: TimestampUs) -> f64 {
        let mut level = self.steady;
        if self.business != 0.0 {
            level += self.business * site.business.at(at_us);
        }
        if self.backup != 0.0 {
            level += self.backup * site.backup.at(at_us);
        }
        level + self.surges.iter().map(|(ramp, amount)| amount * ramp.at(at_us)).sum::<f64>()
    }

    /// What gathers between two moments, at a level in units a second. The curves run in uneven time; incidents do not,
    /// so that they begin when their labels say.
    fn gathered(&self, site: &Site, uneven: Unevenness, from_us: TimestampUs, to_us: TimestampUs) -> f64 {
        let (from, to) = (uneven.warp(from_us), uneven.warp(to_us));
        let mut sum = self.steady * ((to - from) as f64 / SECOND_US as f64);
        if self.business != 0.0 {
            sum += self.business * site.business.between(from, to);
        }
        if self.backup != 0.0 {
            sum += self.backup * site.backup.between(from, to);
        }
        sum + self.surges.iter().map(|(ramp, amount)| amount * ramp.between(from_us, to_us)).sum::<f64>()
    }
}

/// A level that wanders: most gauges.
#[derive(Debug, Clone)]
pub(super) struct Gauge {
    pub(super) level: Load,
    pub(super) uneven: Unevenness,
    /// Largest wander to either side.
    pub(super) wander: f64,
    /// Growth a week.
    pub(super) trend_per_week: f64,
    /// Growth over a day that midnight's rotation takes back.
    pub(super) saw_per_day: f64,
    /// Share of the level above; what is reported is `offset + scale * level`.
    pub(super) scale: f64,
    pub(super) offset: f64,
    /// Resolution of the report.
    pub(super) grain: f64,
}

impl Gauge {
    pub(super) fn new(level: Load, uneven: Unevenness) -> Self {
        Self { level, uneven, wander: 0.0, trend_per_week: 0.0, saw_per_day: 0.0, scale: 1.0, offset: 0.0, grain: 1.0 }
    }

    fn value(&self, site: &Site, at_us: TimestampUs) -> f64 {
        let since_s = (at_us - site.config().start_us) as f64 / SECOND_US as f64;
        let of_day = at_us.rem_euclid(DAY_US) as f64 / DAY_US as f64;
        let level = self.level.at(site, at_us)
            + self.wander * self.uneven.wander(at_us)
            + self.trend_per_week * since_s / 604_800.0
            + self.saw_per_day * of_day;
        rounded_down((self.offset + self.scale * level).max(0.0), self.grain)
    }
}

/// What a series reports.
#[derive(Debug, Clone)]
pub(super) enum Signal {
    /// The same always.
    Constant(f64),
    /// When the host was started, in seconds since the epoch.
    BootTime,
    /// Grows since the host was started, in steps of `grain`.
    Counter { load: Load, uneven: Unevenness, grain: f64 },
    /// Processor time that the others of its processor leave.
    Idle { others: Vec<(Load, Unevenness)> },
    /// The mean rate over the last `window_s` seconds: load averages.
    Mean { load: Load, uneven: Unevenness, window_s: i64 },
    /// A level.
    Gauge(Gauge),
    /// 1 (up) or 2 (down): a port that changes at these moments, beginning with down.
    PortState { changes: Vec<TimestampUs> },
}

impl Signal {
    /// The value at a moment on a host that was started at `boot_us`.
    pub(super) fn value(&self, site: &Site, at_us: TimestampUs, boot_us: TimestampUs) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::BootTime => (boot_us / SECOND_US) as f64,
            Self::Counter { load, uneven, grain } => rounded_down(load.gathered(site, *uneven, boot_us, at_us), *grain),
            Self::Idle { others } => {
                let spent: f64 = others.iter().map(|(load, uneven)| load.gathered(site, *uneven, boot_us, at_us)).sum();
                rounded_down((at_us - boot_us) as f64 / SECOND_US as f64 - spent, 0.01)
            }
            Self::Mean { load, uneven, window_s } => {
                let from_us = (at_us - window_s * SECOND_US).max(boot_us);
                let window_s = ((at_us - from_us) as f64 / SECOND_US as f64).max(1.0);
                rounded_down(load.gathered(site, *uneven, from_us, at_us) / window_s, 0.01)
            }
            Self::Gauge(gauge) => gauge.value(site, at_us),
            Self::PortState { changes } => {
                let passed = changes.partition_point(|change| *change <= at_us);
                if passed % 2 == 1 { 2.0 } else { 1.0 }
            }
        }
    }
}

/// The largest multiple of `grain` that is not above `value`. Counters stay monotonic, and what is reported is as short
/// as a real exporter's numbers.
fn rounded_down(value: f64, grain: f64) -> f64 {
    if grain >= 1.0 {
        return (value / grain).floor() * grain;
    }
    // Dividing by a whole number gives the double that the shortest decimal stands for; multiplying by 0.01 does not.
    let steps = (1.0 / grain).round();
    (value * steps).floor() / steps
}
