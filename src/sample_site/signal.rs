//! The value of a series at a moment, without the moments before it.

use super::dice::unit_at;
use super::shape::{Ramp, Unevenness};
use super::site::Site;
use super::slow_change::{SlowChange, WEEK_US, weeks};
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
    /// Growth of all but the surges from each week to the next, as a share of what the sample week has. It comes in steps, at the
    /// hour at which the sample week begins, so that the week itself knows nothing of it.
    pub(super) growth_per_week: f64,
}

impl Load {
    pub(super) fn new(steady: f64, business: f64, backup: f64) -> Self {
        Self { steady, business, backup, surges: Vec::new(), growth_per_week: 0.0 }
    }

    /// Growing from week to week by this share of what it is in the sample week.
    pub(super) fn growing(mut self, per_week: f64) -> Self {
        self.growth_per_week = per_week;
        self
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
        let (steady, business, backup) = (self.steady * factor, self.business * factor, self.backup * factor);
        Self { steady, business, backup, surges, growth_per_week: self.growth_per_week }
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
        if self.growth_per_week != 0.0 {
            level *= 1.0 + self.growth_per_week * week_of(site, at_us) as f64;
        }
        level + self.surges.iter().map(|(ramp, amount)| amount * ramp.at(at_us)).sum::<f64>()
    }

    /// What gathers between two moments, at a level in units a second. The curves run in uneven time; incidents do not,
    /// so that they begin when their labels say.
    fn gathered(&self, site: &Site, uneven: Unevenness, from_us: TimestampUs, to_us: TimestampUs) -> f64 {
        let (from, to) = (uneven.warp(from_us), uneven.warp(to_us));
        let gathered = if self.growth_per_week == 0.0 || (week_of(site, from), week_of(site, to)) == (0, 0) {
            self.even(site, from, to)
        } else {
            self.grown(site, to) - self.grown(site, from)
        };
        gathered + self.surges.iter().map(|(ramp, amount)| amount * ramp.between(from_us, to_us)).sum::<f64>()
    }

    /// What gathers without growth and surges, in uneven time.
    fn even(&self, site: &Site, from: TimestampUs, to: TimestampUs) -> f64 {
        let mut sum = self.steady * ((to - from) as f64 / SECOND_US as f64);
        if self.business != 0.0 {
            sum += self.business * site.business.between(from, to);
        }
        if self.backup != 0.0 {
            sum += self.backup * site.backup.between(from, to);
        }
        sum
    }

    /// What gathers from the start of the sample week to a moment, with growth: whole weeks are an arithmetic series.
    fn grown(&self, site: &Site, to: TimestampUs) -> f64 {
        let start_us = site.config().start_us;
        let week = week_of(site, to);
        let (number, growth) = (week as f64, self.growth_per_week);
        let whole = self.even(site, start_us, start_us + WEEK_US) * (number + growth * number * (number - 1.0) / 2.0);
        whole + self.even(site, start_us + week * WEEK_US, to) * (1.0 + growth * number)
    }
}

/// The number of the week of a moment; the sample week begins week 0.
fn week_of(site: &Site, at_us: TimestampUs) -> i64 {
    (at_us - site.config().start_us).div_euclid(WEEK_US)
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
    /// What changes it over months.
    pub(super) changes: Vec<SlowChange>,
    /// The level is never below this.
    pub(super) least: f64,
    /// Share of the level above; what is reported is `offset + scale * level`.
    pub(super) scale: f64,
    pub(super) offset: f64,
    /// Resolution of the report.
    pub(super) grain: f64,
}

impl Gauge {
    pub(super) fn new(level: Load, uneven: Unevenness) -> Self {
        Self {
            level,
            uneven,
            wander: 0.0,
            trend_per_week: 0.0,
            saw_per_day: 0.0,
            changes: Vec::new(),
            least: f64::NEG_INFINITY,
            scale: 1.0,
            offset: 0.0,
            grain: 1.0,
        }
    }

    fn value(&self, site: &Site, at_us: TimestampUs) -> f64 {
        let of_day = at_us.rem_euclid(DAY_US) as f64 / DAY_US as f64;
        let since_s = (at_us - site.config().start_us) as f64 / SECOND_US as f64;
        let mut level = self.level.at(site, at_us)
            + self.wander * self.uneven.wander(at_us)
            + self.trend_per_week * since_s / 604_800.0
            + self.saw_per_day * of_day;
        for change in &self.changes {
            level += change.at(at_us);
        }
        let level = level.max(self.least);
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
    /// How long the last run of something took that runs at equal distances; `end_us` is the end of one of the runs.
    LastRun { seconds: f64, growth_per_week: f64, end_us: TimestampUs, every_us: i64, key: u64 },
    /// The end of the certificate in use, in seconds since the epoch.
    Expiry { end_us: TimestampUs, renewal: Renewal },
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
            Self::LastRun { seconds, growth_per_week, end_us, every_us, key } => {
                let run = (at_us - end_us).div_euclid(*every_us);
                let week = weeks(end_us + run * every_us - site.config().start_us);
                // Runs differ by six percent at most.
                (seconds * (1.0 + growth_per_week * week) * (0.94 + 0.12 * unit_at(*key, run))).floor()
            }
            Self::Expiry { end_us, renewal } => (renewal.end_us(*end_us, at_us) / SECOND_US) as f64,
            Self::PortState { changes } => {
                let passed = changes.partition_point(|change| *change <= at_us);
                if passed % 2 == 1 { 2.0 } else { 1.0 }
            }
        }
    }
}

/// How a certificate gets its successors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renewal {
    /// Time from one certificate to the next.
    pub(super) every_us: i64,
    /// What the old one has left when the next one comes.
    pub(super) ahead_us: i64,
    /// Whether somebody has to think of it: then there is no successor to the one of the sample week.
    pub(super) by_hand: bool,
}

impl Renewal {
    /// The end of the certificate that is in use at a moment, where `end_us` is the end of one of them.
    fn end_us(&self, end_us: TimestampUs, at_us: TimestampUs) -> TimestampUs {
        let issued_us = end_us - self.every_us - self.ahead_us;
        let later = (at_us - issued_us).div_euclid(self.every_us);
        end_us + self.every_us * if self.by_hand { later.min(0) } else { later }
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
