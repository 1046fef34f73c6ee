//! How a resource stands: its limit and threshold, whether it is in trouble, and whether it is too big.

use serde::{Deserialize, Serialize};

use super::headroom::Headroom;

/// Days of history under which nothing is said.
pub const FEWEST_DAYS: usize = 14;

/// What was not seen for a quarter is forgotten: somebody has taken it away on purpose.
pub const FORGOTTEN_AFTER_DAYS: i64 = 92;

/// Days after which a limit that is not measured any more counts as gone: a weekend without an exporter is no change.
const LIMIT_KEPT_DAYS: usize = 4;

/// Days that a size is fitted to: a quarter, so that a month's end is in it three times.
const FITTED_DAYS: usize = 90;
/// Days of history under which nobody calls a resource too big.
const FEWEST_DAYS_TO_FIT: usize = 60;
/// Share of days that fit without help; the plan's p97 to p99.
const FITTED_SHARE: f64 = 0.98;
/// What is left free above that; the plan's 15 to 20 %.
const FITTED_ROOM: f64 = 1.2;
/// What is at least twice as big as it needs to be can be halved.
const OVERSIZE: f64 = 2.0;

/// A day of a resource.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// Days since 1970-01-01.
    pub day: i64,
    /// The value that counts; NaN where there is none.
    pub value: f64,
    /// The limit that was measured.
    pub limit: Option<f64>,
    /// How many servers share the work.
    pub servers: Option<f64>,
}

/// Where a limit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitSource {
    /// It is measured.
    Metric,
    /// A person set it for this resource.
    Policy,
    /// The asset's capacity.
    Asset,
    /// The header of the question.
    Question,
}

impl LimitSource {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Policy => "policy",
            Self::Asset => "asset",
            Self::Question => "question",
        }
    }
}

/// A limit, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// There is one.
    Known(f64, LimitSource),
    /// It was measured until this day (days since 1970-01-01), and is not any more.
    Gone(i64),
    /// Nobody has said one.
    Unknown,
}

/// The limit of a resource on its last day: what a person decided, else what is measured, else the asset's, else the header's.
pub fn limit_of(days: &[Day], decided: Option<f64>, asset: Option<f64>, fixed: Option<f64>) -> Limit {
    if let Some(limit) = decided {
        return Limit::Known(limit, LimitSource::Policy);
    }
    let sound = |limit: f64| limit.is_finite() && limit > 0.0;
    let measured = days.iter().rev().find_map(|day| Some((day.day, day.limit.filter(|limit| sound(*limit))?)));
    let last = days.last().map_or(0, |day| day.day);
    if let Some((day, limit)) = measured
        && last - day < LIMIT_KEPT_DAYS as i64
    {
        return Limit::Known(limit, LimitSource::Metric);
    }
    if let Some(limit) = asset.filter(|limit| sound(*limit)) {
        return Limit::Known(limit, LimitSource::Asset);
    }
    if let Some(limit) = fixed {
        return Limit::Known(limit, LimitSource::Question);
    }
    measured.map_or(Limit::Unknown, |(day, _)| Limit::Gone(day))
}

/// Whether a resource is still measured, of days up to, not including, `end`. What is measured once a week, as a full backup is, may
/// miss twice.
pub fn is_seen(days: &[Day], end: i64) -> bool {
    let mut gaps: Vec<i64> = days.windows(2).map(|pair| pair[1].day - pair[0].day).collect();
    gaps.sort_unstable();
    let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(1);
    days.last().is_some_and(|last| is_recent(last.day, usual, end))
}

/// The same of what was last measured on a day and usually is every `usual` days.
pub fn is_recent(last_day: i64, usual: i64, end: i64) -> bool {
    end - last_day <= (LIMIT_KEPT_DAYS as i64).max(3 * usual)
}

/// One value a day from the first day to the last; NaN where there is none.
pub fn without_gaps(days: &[Day]) -> Vec<f64> {
    let (Some(first), Some(last)) = (days.first(), days.last()) else { return Vec::new() };
    let length = usize::try_from(last.day - first.day + 1).unwrap_or(0);
    let mut values = vec![f64::NAN; length];
    for day in days {
        if let Some(value) = usize::try_from(day.day - first.day).ok().and_then(|at| values.get_mut(at)) {
            *value = day.value;
        }
    }
    values
}

/// How a resource stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Over its threshold now.
    OverThreshold,
    /// Reaches its threshold within the planning horizon, as likely as not or sooner than is safe.
    Crosses,
    /// Grows, and reaches it later.
    BeyondHorizon,
    /// Goes nowhere.
    Steady,
    /// Becomes less.
    Shrinking,
    /// At least twice as big as it needs to be.
    Oversized,
    /// Too young, or seen too seldom.
    NotEnoughHistory,
    /// Its limit is not measured any more.
    LimitGone,
    /// Nobody has said what its limit is.
    NoLimit,
    /// It is not measured any more.
    NotSeen,
}

impl Status {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::OverThreshold => "over_threshold",
            Self::Crosses => "crosses",
            Self::BeyondHorizon => "beyond_horizon",
            Self::Steady => "steady",
            Self::Shrinking => "shrinking",
            Self::Oversized => "oversized",
            Self::NotEnoughHistory => "not_enough_history",
            Self::LimitGone => "limit_gone",
            Self::NoLimit => "no_limit",
            Self::NotSeen => "not_seen",
        }
    }

    /// The status of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::OverThreshold,
            Self::Crosses,
            Self::BeyondHorizon,
            Self::Steady,
            Self::Shrinking,
            Self::Oversized,
            Self::NotEnoughHistory,
            Self::LimitGone,
            Self::NoLimit,
            Self::NotSeen,
        ];
        all.into_iter().find(|status| status.word() == word)
    }
}

/// The limit that the last quarter would have needed, with its headroom and a fifth of room; `None` with too little history.
pub fn fitting_limit(values: &[f64], headroom: &Headroom, servers: Option<f64>) -> Option<f64> {
    let mut recent: Vec<f64> = values.iter().rev().take(FITTED_DAYS).copied().filter(|value| value.is_finite()).collect();
    if values.len() < FEWEST_DAYS_TO_FIT || recent.len() < FEWEST_DAYS_TO_FIT / 2 {
        return None;
    }
    recent.sort_unstable_by(f64::total_cmp);
    let high = recent[((recent.len() - 1) as f64 * FITTED_SHARE).round() as usize];
    let fitting = headroom.limit_for(high * FITTED_ROOM, servers);
    fitting.is_finite().then_some(fitting)
}

/// Whether a resource can be halved: what it needs now and what it may need until the horizon both fit into half of it. Limits that
/// are only agreed upon cannot be given back.
pub fn is_oversized(
    limit: f64,
    source: LimitSource,
    fitting: Option<f64>,
    at_horizon: Option<f64>,
    headroom: &Headroom,
    servers: Option<f64>,
) -> bool {
    let needed = [fitting, at_horizon.map(|upper| headroom.limit_for(upper, servers))];
    matches!(source, LimitSource::Metric | LimitSource::Asset)
        && !matches!(headroom, Headroom::Amount(_))
        && needed.iter().all(|needed| needed.is_some_and(|needed| needed * OVERSIZE <= limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(limits: &[Option<f64>]) -> Vec<Day> {
        (100..).zip(limits).map(|(day, limit)| Day { day, value: 1.0, limit: *limit, servers: None }).collect()
    }

    #[test]
    fn a_limit_comes_from_people_then_from_what_is_measured() {
        let measured = days(&[Some(10.0), Some(20.0), None]);
        assert_eq!(limit_of(&measured, Some(5.0), Some(6.0), None), Limit::Known(5.0, LimitSource::Policy));
        assert_eq!(limit_of(&measured, None, Some(6.0), None), Limit::Known(20.0, LimitSource::Metric));
        let gone = days(&[Some(10.0), None, None, None, None]);
        assert_eq!(limit_of(&gone, None, Some(6.0), Some(7.0)), Limit::Known(6.0, LimitSource::Asset));
        assert_eq!(limit_of(&gone, None, None, Some(7.0)), Limit::Known(7.0, LimitSource::Question));
        assert_eq!(limit_of(&gone, None, None, None), Limit::Gone(100));
        assert_eq!(limit_of(&days(&[None, Some(f64::NAN), Some(-1.0)]), None, Some(0.0), None), Limit::Unknown);
        assert_eq!(limit_of(&[], None, None, None), Limit::Unknown);
    }

    #[test]
    fn what_is_measured_seldom_may_be_silent_for_longer() {
        let daily = days(&[None; 10]);
        assert!(is_seen(&daily, 113) && !is_seen(&daily, 114), "109 was the last");
        let weekly: Vec<Day> = daily.iter().map(|day| Day { day: 7 * day.day, ..*day }).collect();
        assert!(is_seen(&weekly, 7 * 109 + 21) && !is_seen(&weekly, 7 * 109 + 22));
        assert!(!is_seen(&[], 100));
    }

    #[test]
    fn gaps_are_not_a_number() {
        let mut some = days(&[None, None]);
        some[1].day = 103;
        let values = without_gaps(&some);
        assert_eq!((values.len(), values[0], values[3]), (4, 1.0, 1.0));
        assert!(values[1].is_nan() && values[2].is_nan());
        assert!(without_gaps(&[]).is_empty());
    }

    #[test]
    fn what_needs_less_than_half_is_too_big() {
        let headroom = Headroom::Share(0.1);
        let fitting = fitting_limit(&[10.0; 90], &headroom, None);
        // 10 · 1.2 / 0.9
        assert!((fitting.unwrap() - 13.333).abs() < 0.001);
        assert!(is_oversized(30.0, LimitSource::Metric, fitting, Some(12.0), &headroom, None));
        assert!(!is_oversized(30.0, LimitSource::Metric, fitting, Some(14.0), &headroom, None), "it will need more");
        assert!(!is_oversized(26.0, LimitSource::Metric, fitting, Some(10.0), &headroom, None));
        assert!(!is_oversized(30.0, LimitSource::Policy, fitting, Some(10.0), &headroom, None));
        assert_eq!(fitting_limit(&[10.0; 30], &headroom, None), None);
    }
}
