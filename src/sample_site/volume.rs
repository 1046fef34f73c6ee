//! How full a volume is, and how that came: the quiet ones, and those that a report on capacity must find.

use super::incident::IncidentKind;
use super::metrics::Layout;
use super::shape::Ramp;
use super::signal::{Gauge, Load, Signal};
use super::slow_change::{SlowChange, WEEK_US, weeks};
use crate::clock::{DAY_US, HOUR_US, TimestampUs};

pub(super) const GIB: f64 = 1_073_741_824.0;

/// The volume of a backup server was enlarged this long before the sample week, from this size.
pub(super) const RESIZED_BEFORE_US: i64 = 150 * DAY_US;
const GIB_BEFORE_RESIZE: f64 = 4_400.0;

/// Mailboxes of a second office came this long before the end of the period.
pub(super) const MOVE_BEFORE_US: i64 = 130 * DAY_US;

/// A volume is never emptier, however far one looks back.
const LEAST: f64 = 0.01;

/// The share of a volume that is in use.
#[derive(Debug, Clone)]
pub(super) struct Filling {
    pub(super) level: Load,
    pub(super) trend_per_week: f64,
    pub(super) saw_per_day: f64,
    pub(super) changes: Vec<SlowChange>,
}

impl Filling {
    /// A level at the end of the period that was reached by steady growth.
    pub(super) fn steady(layout: &Layout<'_>, at_end: f64, trend_per_week: f64) -> Self {
        let at_start = at_end - trend_per_week * weeks(layout.end_us() - layout.config.start_us);
        Self { level: Load::steady(at_start), trend_per_week, saw_per_day: 0.0, changes: Vec::new() }
    }

    pub(super) fn with(mut self, change: SlowChange) -> Self {
        self.changes.push(change);
        self
    }

    /// The space that is free on a volume of this size.
    pub(super) fn free(self, layout: &Layout<'_>, bytes: f64, uneven: &str) -> Gauge {
        Gauge {
            wander: 0.001,
            trend_per_week: self.trend_per_week,
            saw_per_day: self.saw_per_day,
            changes: self.changes,
            least: LEAST,
            scale: -bytes,
            offset: bytes,
            grain: 4_096.0,
            ..Gauge::new(self.level, layout.uneven(uneven))
        }
    }
}

/// A root file system: packages and logs, a little more every week.
pub(super) fn root(layout: &Layout<'_>) -> Filling {
    Filling { level: Load::steady(0.31 + 0.2 * layout.own(2)), trend_per_week: 0.004, saw_per_day: 0.006, changes: Vec::new() }
}

/// The data of a Linux server.
pub(super) fn data(layout: &Layout<'_>, mount: &str) -> Filling {
    match layout.host.name {
        // The database and its archived write-ahead log: full in a few months, a little faster towards the turn of the year.
        "db01" => {
            Filling::steady(layout, 0.8325, 0.0125).with(SlowChange::Season { amplitude: 0.012, peak_us: layout.end_us() + 300 * DAY_US })
        }
        "backup01" => Filling::steady(layout, 0.66, 0.0075)
            .with(SlowChange::LessBefore { ramp: resize(layout.config.start_us), amount: -(1.0 - share_before_resize(layout)) }),
        _ => layout.troubles(IncidentKind::DiskFilling).find(|incident| incident.entity == mount).map_or_else(
            || {
                let level = Load::steady(0.34 + 0.2 * layout.own(3));
                cleaned(layout, Filling { level, trend_per_week: 0.012, saw_per_day: 0.010, changes: Vec::new() })
            },
            // It stands at 70 % when the filling begins, and the straight line to 96 % is not bent by anything else.
            |incident| {
                let level = Load::steady(0.70).with_surge(Some(incident.ramp()), 0.26);
                let before = SlowChange::GrowthUntil { until_us: layout.config.start_us, per_week: 0.001 };
                Filling { level, trend_per_week: 0.0, saw_per_day: 0.0, changes: vec![before] }
            },
        ),
    }
}

/// The volume of a Windows server.
pub(super) fn windows(layout: &Layout<'_>) -> Filling {
    if layout.host.name == "files01" {
        // Old projects go to the archive every six weeks, which gives back half of what came in between.
        let last_us = layout.config.start_us - 2 * WEEK_US;
        return Filling::steady(layout, 0.79, 0.012).with(SlowChange::CleanUps { last_us, every_us: 6 * WEEK_US, amount: 0.036 });
    }
    let level = Load::steady(0.46 + 0.15 * layout.own(4));
    cleaned(layout, Filling { level, trend_per_week: 0.009, saw_per_day: 0.0, changes: Vec::new() })
}

/// The size of a data volume.
pub(super) fn size(layout: &Layout<'_>, gib: f64) -> Signal {
    if layout.host.name != "backup01" {
        return Signal::Constant(gib * GIB);
    }
    let enlarged = SlowChange::LessBefore { ramp: resize(layout.config.start_us), amount: gib * GIB * (1.0 - share_before_resize(layout)) };
    Signal::Gauge(Gauge { changes: vec![enlarged], ..Gauge::new(Load::steady(gib * GIB), layout.uneven("size")) })
}

/// What is kept for some weeks and then deleted: it grows for five to eight weeks, and little of that stays.
fn cleaned(layout: &Layout<'_>, filling: Filling) -> Filling {
    const STAYS_PER_WEEK: f64 = 0.000_5;
    let every = 5 + (4.0 * layout.own(10)) as i64;
    // Not within the sample week: the last one was one to three weeks before it, at four in the morning.
    let day_us = (layout.config.start_us - 7 * DAY_US - (13.0 * layout.own(11)) as i64 * DAY_US).div_euclid(DAY_US) * DAY_US;
    let amount = (filling.trend_per_week - STAYS_PER_WEEK) * every as f64;
    filling.with(SlowChange::CleanUps { last_us: day_us + 4 * HOUR_US, every_us: every * WEEK_US, amount })
}

fn resize(start_us: TimestampUs) -> Ramp {
    Ramp { start_us: start_us - RESIZED_BEFORE_US - 1, rise_us: 1, fall_us: i64::MAX, fall_for_us: 1 }
}

fn share_before_resize(layout: &Layout<'_>) -> f64 {
    GIB_BEFORE_RESIZE / f64::from(layout.host.data_gib)
}
