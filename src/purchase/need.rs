//! What a resource will lack, and when: the forecast's answer, as the caller gives it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::clean_up::AgreedCleanUp;
use super::days::{days_between, plus_days, plus_fraction};
use super::error::PurchaseError;
use crate::forecast::USUAL_LEVEL;
use crate::inventory::Criticality;

/// One of the largest users of a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// A folder, a table, a tenant.
    pub name: String,
    /// How much it holds, in the need's unit.
    pub amount: f64,
    /// How much of that can go, if somebody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removable: Option<f64>,
    /// How much of it might go by what was counted, before anybody has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub might_go: Option<f64>,
}

/// A resource that crosses its threshold. Amounts are in `unit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Name of the resource, such as `db01 /data`.
    pub resource: String,
    /// Its kind, as offers and budget lines name it.
    pub kind: String,
    /// The unit of all amounts.
    pub unit: String,
    /// The day on which the proposal is made.
    pub today: Date,
    /// In use today.
    pub used: f64,
    /// What there is.
    pub limit: f64,
    /// How much of it may be used.
    pub threshold: f64,
    /// Capacity to be added so that the threshold holds to the end of the planning horizon in all futures but the upper tail.
    pub needed: f64,
    /// Growth a day that is as likely exceeded as not.
    pub growth_per_day: f64,
    /// Growth a day that is exceeded in a tail of the futures.
    pub growth_per_day_fast: f64,
    /// Share of futures between `lower` and `upper`: a half of the rest is the tail on either side.
    #[serde(default = "usual_level")]
    pub level: f64,
    /// The day before which the threshold is crossed in the lower tail of the futures; none: later than was looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<Date>,
    /// The same for one half of the futures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<Date>,
    /// The same for all futures but the upper tail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<Date>,
    /// The chance that it is crossed within the planning horizon, 0 to 1.
    pub chance: f64,
    /// Days ahead that the chance is about, where they are fewer than the policy plans for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_days: Option<u32>,
    /// The service that runs on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// How much depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<Criticality>,
    /// What a day without it costs, in minor units of the policy's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_of_outage_minor_per_day: Option<i64>,
    /// Who holds most of it, largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consumers: Vec<Consumer>,
    /// What somebody has agreed to remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<AgreedCleanUp>,
}

/// Until when the capacity of an option is enough. None: no end in sight at that growth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastsUntil {
    /// At the growth that is as likely exceeded as not.
    pub median: Option<Date>,
    /// At the growth that is exceeded in a tail of the futures.
    pub fast: Option<Date>,
}

/// Of needs that were written down before it could be another.
fn usual_level() -> f64 {
    USUAL_LEVEL
}

impl Need {
    /// Growth a day by which what is free is used up on the day before which that happens in the lower tail of the futures; never less than
    /// the usual growth.
    pub fn fast_growth(growth_per_day: f64, free: f64, days_to_lower: Option<i64>) -> f64 {
        let fast = days_to_lower.filter(|days| *days > 0).map_or(growth_per_day, |days| free / days as f64);
        fast.max(growth_per_day)
    }

    /// Whether its numbers have a meaning.
    ///
    /// # Errors
    /// [`PurchaseError::Need`] names the first that has none.
    pub fn check(&self) -> Result<(), PurchaseError> {
        let wrong = |field, value, instead| Err(PurchaseError::Need { resource: self.resource.clone(), field, value, instead });
        let positive = [("limit", self.limit), ("threshold", self.threshold)];
        if let Some((field, value)) = positive.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0)) {
            return wrong(field, value, "a number above 0; a resource without a limit has no threshold to plan for");
        }
        let not_negative = [("used", self.used), ("needed", self.needed)];
        if let Some((field, value)) = not_negative.into_iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0)) {
            return wrong(field, value, "a number from 0 on");
        }
        let finite = [("growth_per_day", self.growth_per_day), ("growth_per_day_fast", self.growth_per_day_fast)];
        if let Some((field, value)) = finite.into_iter().find(|(_, value)| !value.is_finite()) {
            return wrong(field, value, "a number");
        }
        if !(0.0..1.0).contains(&self.level) {
            return wrong("level", self.level, "a share under 1");
        }
        if !(0.0..=1.0).contains(&self.chance) {
            return wrong("chance", self.chance, "a number from 0 to 1");
        }
        Ok(())
    }

    /// The part of the capacity that may be used: what a unit of new capacity is worth in load.
    pub(super) fn usable_share(&self) -> f64 {
        (self.threshold / self.limit).min(1.0)
    }

    /// Capacity that the load at the median growth takes so many days ahead, beyond what there is; 0 if there is enough.
    pub(super) fn lacking_after(&self, days: f64) -> f64 {
        let load = self.used + self.growth_per_day.max(0.0) * days;
        ((load - self.threshold) / self.usable_share()).max(0.0)
    }

    /// The chance that the threshold is crossed before this day: a straight line between the days that the forecast gives (today
    /// 0 %, lower and upper what their level says, median 50 %, the end of the horizon `chance`), and the last of them afterwards.
    pub(super) fn chance_before(&self, day: Date, horizon_ends: Date) -> f64 {
        let mut points = vec![(0_i64, 0.0_f64)];
        let tail = 0.5 * (1.0 - self.level);
        let quantiles = [(self.lower, tail), (self.median, 0.5), (self.upper, 1.0 - tail), (Some(horizon_ends), self.chance)];
        let known = quantiles.into_iter().filter_map(|(date, chance)| Some((days_between(self.today, date?).max(0), chance)));
        points.extend(known);
        points.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
        let mut highest = 0.0_f64;
        for (_, chance) in &mut points {
            highest = highest.max(*chance);
            *chance = highest;
        }
        let at = days_between(self.today, day).max(0);
        let before = points.iter().rev().find(|(point, _)| *point <= at).copied().unwrap_or((0, 0.0));
        match points.iter().find(|(point, _)| *point > at) {
            Some(after) => before.1 + (after.1 - before.1) * (at - before.0) as f64 / (after.0 - before.0) as f64,
            None => before.1,
        }
    }

    /// Until when it lasts with so much more capacity: the forecast's own day, put off by the load that the gain carries divided
    /// by the growth. Where the forecast sees no crossing, the straight line from today, and not before the end of the horizon.
    pub(super) fn lasts_with(&self, gained: f64, horizon_ends: Date) -> LastsUntil {
        let until = |crossing: Option<Date>, growth: f64| {
            if growth <= 0.0 {
                return None;
            }
            let line = || Some(plus_fraction(self.today, (self.threshold - self.used).max(0.0) / growth)?.max(horizon_ends));
            plus_fraction(crossing.or_else(line)?, gained * self.usable_share() / growth)
        };
        LastsUntil { median: until(self.median, self.growth_per_day), fast: until(self.lower, self.growth_per_day_fast) }
    }

    /// The last day that is planned for, where the policy plans so many ahead.
    pub(super) fn horizon_ends(&self, horizon_days: u32) -> Date {
        plus_days(self.today, i64::from(self.horizon_days.unwrap_or(horizon_days).min(horizon_days)))
    }
}

#[cfg(test)]
#[path = "need_tests.rs"]
mod tests;
