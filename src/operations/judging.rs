//! Judges a resource: its limit, its threshold, when that is reached, and what to think of it.

use serde::Serialize;

use crate::capacity::{
    CapacityPolicy, CapacityQuestion, Day, FEWEST_DAYS, FORGOTTEN_AFTER_DAYS, Headroom, Limit, LimitSource, ResourceKey, Status,
    fitting_limit, is_oversized, is_seen, limit_of, without_gaps,
};
use crate::forecast::{Calibration, ForecastError, Futures, OutlookDay, ThresholdOptions, TimeToThreshold};

/// A resource crosses within the planning horizon if there is at least one chance in five: rarer than that, waiting another month and
/// looking again costs less than buying for nothing.
const CHANCE_TO_PLAN_FOR: f64 = 0.2;

/// Growth of a year under this share of the limit is none.
const STEADY_SHARE: f64 = 0.01;

/// Days between the points of an outlook: a week shows every bend that a plan can follow.
const OUTLOOK_STEP: usize = 7;

/// What all resources of a question are judged by.
#[derive(Debug, Clone)]
pub(super) struct Yardstick<'a> {
    /// The question.
    pub question: &'a CapacityQuestion,
    /// What people decided.
    pub policy: &'a CapacityPolicy,
    /// Days looked ahead.
    pub horizon_days: usize,
    /// Days from deciding to having it: approval, delivery, installation.
    pub lead_days: i64,
    /// How wide errors of resources of this question were.
    pub class: Option<f64>,
    /// The day before which resources were to be seen.
    pub end: i64,
}

impl Yardstick<'_> {
    /// What is asked about a threshold.
    fn asked(&self, threshold: f64) -> ThresholdOptions {
        ThresholdOptions { threshold, days: self.horizon_days, level: self.policy.level, class: self.class }
    }
}

/// A resource with its days and what else is known of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Which.
    pub key: &'a ResourceKey,
    /// Its days, oldest first.
    pub days: &'a [Day],
    /// What its asset holds, in the question's unit.
    pub asset: Option<f64>,
    /// How many resources share a load with it, itself among them, by the exception that says so.
    pub sharing: u32,
}

/// How a resource stands. Days are counted from 1970-01-01, values are in the question's unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// Its id.
    pub resource: String,
    /// The question.
    pub question: String,
    /// The kind of resource.
    pub kind: String,
    /// In a line.
    pub name: String,
    /// Entity columns and their values.
    #[serde(serialize_with = "as_object")]
    pub entity: Vec<(String, String)>,
    /// The unit.
    pub unit: String,
    /// What to think of it.
    pub status: Status,
    /// In use on the last day.
    pub used: Option<f64>,
    /// What there is.
    pub limit: Option<f64>,
    /// Who says so.
    pub limit_source: Option<LimitSource>,
    /// What is not to be reached.
    pub threshold: Option<f64>,
    /// Why it is that.
    pub headroom: String,
    /// Growth a day at the end of the history.
    pub growth_per_day: Option<f64>,
    /// The day by which the threshold is reached in the lower tail of the futures: 2.5 % of them at the policy's usual level of 0.95.
    pub lower_day: Option<i64>,
    /// The same for half of them.
    pub median_day: Option<i64>,
    /// The same for all but the upper tail.
    pub upper_day: Option<i64>,
    /// The chance that it is reached within the planning horizon, or the question's own.
    pub chance: Option<f64>,
    /// The last day to decide: the lower day less approval, delivery and installation, or less what the question says.
    pub order_by_day: Option<i64>,
    /// Limit to be added so that the threshold holds to the end of the horizon in all futures but that tail.
    pub needed: Option<f64>,
    /// The limit that the last quarter would have needed.
    pub fitting_limit: Option<f64>,
    /// What a day without it costs, in whole units of the purchase policy's currency.
    pub outage_cost_per_day: Option<u64>,
    /// Days from the first to the last.
    pub days: usize,
    /// The last day.
    pub last_day: i64,
    /// What a person should know, in sentences.
    pub why: Vec<String>,
    /// How many processors or servers share the work, where that counts.
    pub servers: Option<f64>,
}

fn as_object<S: serde::Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// A standing with what it was made from.
#[derive(Debug, Clone)]
pub struct Judged {
    /// How it stands.
    pub standing: Standing,
    /// Its errors of the past.
    pub calibration: Option<Calibration>,
    /// The forecast, where there is one.
    pub forecast: Option<TimeToThreshold>,
    /// What it will be, where that was asked for.
    pub outlook: Vec<OutlookDay>,
}

/// Judges a resource; `None` if people want to hear nothing of it, or it has no days or none lately. `whole` also makes the outlook.
pub(super) fn judge(yardstick: &Yardstick<'_>, seen: &Seen<'_>, whole: bool) -> Option<Judged> {
    let question = yardstick.question;
    let decided = yardstick.policy.decided(seen.key);
    let last = seen.days.last().filter(|last| !decided.ignore && yardstick.end - last.day <= FORGOTTEN_AFTER_DAYS)?;
    let headroom = decided.headroom.as_ref().unwrap_or(&question.headroom);
    let values = without_gaps(seen.days);
    let mut standing = Standing {
        resource: seen.key.id(),
        question: question.name.clone(),
        kind: question.kind.clone(),
        name: seen.key.name(),
        entity: seen.key.entity.clone(),
        unit: question.unit.clone(),
        status: Status::NoLimit,
        used: values.iter().rev().copied().find(|value| value.is_finite()),
        limit: None,
        limit_source: None,
        threshold: None,
        headroom: headroom.told(last.servers),
        growth_per_day: None,
        lower_day: None,
        median_day: None,
        upper_day: None,
        chance: None,
        order_by_day: None,
        needed: None,
        fitting_limit: None,
        outage_cost_per_day: decided.outage_cost_per_day,
        days: values.len(),
        last_day: last.day,
        why: Vec::new(),
        servers: last.servers,
    };
    if !is_seen(seen.days, yardstick.end) {
        standing.status = Status::NotSeen;
        if let Limit::Known(limit, source) = limit_of(seen.days, decided.limit, seen.asset, question.fixed_limit) {
            (standing.limit, standing.limit_source) = (Some(limit), Some(source));
        }
        let last = date_text(last.day);
        standing.why.push(format!("It was last measured on {last}; look whether it is still there, and why nothing is reported of it."));
        return Some(Judged { standing, calibration: None, forecast: None, outlook: Vec::new() });
    }
    let (limit, source) = match limit_of(seen.days, decided.limit, seen.asset, question.fixed_limit) {
        Limit::Known(limit, source) => (limit, source),
        Limit::Gone(day) => {
            standing.status = Status::LimitGone;
            standing.why.push(format!(
                "Its limit was last measured on {}; look why `{}` is not reported any more, or set a limit in the capacity policy.",
                date_text(day),
                question.limit.as_deref().unwrap_or("the limit")
            ));
            return Some(Judged { standing, calibration: None, forecast: None, outlook: Vec::new() });
        }
        Limit::Unknown => {
            standing.why.push("Nobody has said what its limit is: set one in the capacity policy, or in its asset.".to_owned());
            (f64::NAN, LimitSource::Question)
        }
    };
    let share = decided.spares.map_or(1.0, |(_, spares)| share_of(spares, seen.sharing, &mut standing.why));
    let threshold = share * headroom.threshold(limit, last.servers);
    if limit.is_finite() {
        (standing.limit, standing.limit_source, standing.threshold) = (Some(limit), Some(source), Some(threshold));
    }
    Some(with_forecast(yardstick, standing, &values, headroom, share, whole))
}

/// What of its own limit a resource may use where so many of those that share its load may be lost. Where fewer are left than may be lost,
/// the others are meant to be there: a server that dies does not allow the last one more.
fn share_of(spares: u32, sharing: u32, why: &mut Vec<String>) -> f64 {
    let meant = sharing.max(spares.saturating_add(1));
    why.push(if meant == sharing {
        format!("{spares} of {sharing} that share the load may be lost.")
    } else {
        format!("{spares} of those that share the load are to be spare, but only {sharing} are measured: it is judged as one of {meant}.")
    });
    f64::from(meant - spares) / f64::from(meant)
}

/// Adds what the forecast says.
fn with_forecast(
    yardstick: &Yardstick<'_>,
    mut standing: Standing,
    values: &[f64],
    headroom: &Headroom,
    share: f64,
    whole: bool,
) -> Judged {
    // Without a limit the growth alone is told.
    let goal = standing.threshold.unwrap_or_else(|| 1e3 * values.iter().copied().fold(1.0, f64::max));
    let options = yardstick.asked(goal);
    let (futures, made) = match Futures::read(values, &options) {
        Ok(futures) => {
            let made = futures.time_to_threshold();
            (futures, made)
        }
        Err(error) => {
            standing.status = Status::NotEnoughHistory;
            standing.why.push(match error {
                ForecastError::NotEnoughHistory { have, .. } => format!("It was seen on {have} days; {FEWEST_DAYS} are needed."),
                other => format!("{other}."),
            });
            return Judged { standing, calibration: None, forecast: None, outlook: Vec::new() };
        }
    };
    standing.growth_per_day = Some(made.shape.growth_per_day);
    standing.why.extend(made.why.iter().cloned());
    let Some((limit, threshold)) = standing.limit.zip(standing.threshold) else {
        return Judged { standing, calibration: None, forecast: Some(made), outlook: Vec::new() };
    };
    let day = |ahead: Option<f64>| ahead.map(|ahead| standing.last_day + ahead.ceil() as i64);
    (standing.lower_day, standing.median_day, standing.upper_day) = (day(made.lower), day(made.median), day(made.upper));
    standing.chance = Some(made.chance);
    standing.order_by_day = standing.lower_day.map(|lower| lower - yardstick.lead_days);
    standing.fitting_limit = fitting_limit(values, headroom, standing.servers).map(|fitting| fitting / share);
    let is_over = standing.used.is_some_and(|used| used >= threshold);
    let crosses = is_over || made.chance >= CHANCE_TO_PLAN_FOR;
    let outlook = if whole { futures.outlook(OUTLOOK_STEP) } else { Vec::new() };
    let asks_for_the_end = crosses || standing.fitting_limit.is_some_and(|fitting| fitting * 2.0 <= limit);
    let at_the_end = if whole {
        outlook.last().copied()
    } else if asks_for_the_end {
        futures.at_the_end()
    } else {
        None
    };
    let at_horizon = at_the_end.map(|day| day.upper / share);
    if crosses {
        let wanted = at_horizon.map(|upper| headroom.limit_for(upper, standing.servers) - limit);
        standing.needed = wanted.filter(|needed| needed.is_finite()).map(|needed| needed.max(0.0));
    }
    let source = standing.limit_source.unwrap_or(LimitSource::Question);
    let steady = made.shape.growth_per_day.abs() * 365.0 < STEADY_SHARE * limit;
    standing.status = match made.shape.growth_per_day {
        _ if is_over => Status::OverThreshold,
        _ if crosses => Status::Crosses,
        _ if is_oversized(limit, source, standing.fitting_limit, at_horizon, headroom, standing.servers) => Status::Oversized,
        _ if steady => Status::Steady,
        growth if growth < 0.0 => Status::Shrinking,
        _ => Status::BeyondHorizon,
    };
    // What would be enough must be enough for what is coming too.
    if standing.status == Status::Oversized
        && let Some(upper) = at_horizon
    {
        let coming = headroom.limit_for(upper, standing.servers);
        standing.fitting_limit = standing.fitting_limit.map(|fitting| if coming.is_finite() { fitting.max(coming) } else { fitting });
    }
    Judged { standing, calibration: Some(made.calibration.clone()), forecast: Some(made), outlook }
}

/// A day since 1970-01-01 as `2026-12-24`.
pub fn date_text(day: i64) -> String {
    date_of(day).to_string()
}

/// A day since 1970-01-01; the first or last day of the calendar if it lies beyond.
pub fn date_of(day: i64) -> jiff::civil::Date {
    let beyond = if day < 0 { jiff::civil::Date::MIN } else { jiff::civil::Date::MAX };
    let span = jiff::Span::new().try_days(day);
    span.and_then(|span| jiff::civil::date(1970, 1, 1).checked_add(span)).unwrap_or(beyond)
}

/// Days from 1970-01-01 to a date.
pub fn day_of(date: jiff::civil::Date) -> i64 {
    let span = jiff::civil::date(1970, 1, 1).until(date);
    span.map_or(0, |span| i64::from(span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::SHIPPED_QUESTIONS;

    fn question(name: &str) -> CapacityQuestion {
        let (file, text) = SHIPPED_QUESTIONS.into_iter().find(|(file, _)| *file == format!("{name}.sql")).unwrap();
        CapacityQuestion::parse(file, text).unwrap()
    }

    fn days(count: i64, value: impl Fn(i64) -> f64, limit: impl Fn(i64) -> Option<f64>) -> Vec<Day> {
        (0..count).map(|day| Day { day: 20_000 + day, value: value(day), limit: limit(day), servers: None }).collect()
    }

    fn judged(days: &[Day], policy: &str) -> Judged {
        judged_at(days, policy, days.last().map_or(0, |day| day.day + 1)).unwrap()
    }

    fn judged_at(days: &[Day], policy: &str, end: i64) -> Option<Judged> {
        let (question, policy) = (question("filesystem_space"), serde_json::from_str(policy).unwrap());
        let yardstick = Yardstick { question: &question, policy: &policy, horizon_days: 365, lead_days: 47, class: None, end };
        let key = ResourceKey { question: question.name.clone(), entity: vec![("host".into(), "db01".into())] };
        judge(&yardstick, &Seen { key: &key, days, asset: None, sharing: 3 }, false)
    }

    #[test]
    fn a_full_disk_is_told_with_its_last_day_to_order() {
        // At 500 after 200 days, one a day: 900 is reached 401 days later, 650 · 0.9 = 585 after 86.
        let said = judged(&days(200, |day| 300.0 + day as f64, |_| Some(650.0)), "{}").standing;
        assert_eq!((said.status, said.limit, said.threshold), (Status::Crosses, Some(650.0), Some(585.0)));
        let median = said.median_day.unwrap() - said.last_day;
        assert!((83..=89).contains(&median), "{median}");
        assert_eq!(said.order_by_day.unwrap(), said.lower_day.unwrap() - 47);
        // At the end of the horizon 864 are in use, so 960 are needed.
        assert!((300.0..360.0).contains(&said.needed.unwrap()), "{:?}", said.needed);
        let later = judged(&days(200, |day| 300.0 + day as f64, |_| Some(1_300.0)), "{}").standing;
        assert_eq!((later.status, later.needed), (Status::BeyondHorizon, None));
    }

    #[test]
    fn every_status_has_its_case() {
        let status = |days: &[Day], policy: &str| judged(days, policy).standing.status;
        let flat = |used: f64, limit: Option<f64>| days(120, move |day| used + (day % 2) as f64 * 0.01, move |_| limit);
        assert_eq!(status(&flat(95.0, Some(100.0)), "{}"), Status::OverThreshold);
        assert_eq!(status(&flat(60.0, Some(100.0)), "{}"), Status::Steady);
        assert_eq!(status(&flat(10.0, Some(100.0)), "{}"), Status::Oversized);
        assert_eq!(status(&flat(10.0, None), "{}"), Status::NoLimit);
        assert_eq!(status(&flat(10.0, None), r#"{"exceptions": [{"limit": 12.0}]}"#), Status::Steady);
        assert_eq!(status(&days(120, |day| 80.0 - day as f64 / 4.0, |_| Some(100.0)), "{}"), Status::Shrinking);
        let young = judged(&days(9, |day| day as f64, |_| Some(100.0)), "{}").standing;
        assert_eq!((young.status, young.why[0].as_str()), (Status::NotEnoughHistory, "It was seen on 9 days; 14 are needed."));
        let silent = judged_at(&days(120, |_| 50.0, |_| Some(100.0)), "{}", 20_125).unwrap().standing;
        assert!(silent.status == Status::NotSeen && silent.why[0].starts_with("It was last measured on 2025-01-31"), "{:?}", silent.why);
        assert!(judged_at(&days(120, |_| 50.0, |_| Some(100.0)), "{}", 20_300).is_none(), "nobody remembers it");
        let gone = judged(&days(120, |_| 50.0, |day| (day < 100).then_some(100.0)), "{}").standing;
        assert!(gone.status == Status::LimitGone && gone.chance.is_none());
        assert!(gone.why[0].contains(&format!("Its limit was last measured on {}", date_text(20_099))), "{:?}", gone.why);
    }

    #[test]
    fn spares_lower_the_threshold_and_ignored_resources_are_not_judged() {
        let policy = r#"{"exceptions": [{"spares": 1}]}"#;
        let said = judged(&days(120, |_| 70.0, |_| Some(100.0)), policy).standing;
        assert_eq!((said.threshold.map(f64::round), said.status), (Some(60.0), Status::OverThreshold));
        let alone = judged(&days(120, |_| 70.0, |_| Some(100.0)), r#"{"exceptions": [{"spares": 3}]}"#).standing;
        assert!(alone.threshold == Some(22.5) && alone.why.iter().any(|why| why.contains("as one of 4")), "{alone:?}");
        let (question, policy) = (question("filesystem_space"), serde_json::from_str(r#"{"exceptions": [{"ignore": true}]}"#).unwrap());
        let yardstick = Yardstick { question: &question, policy: &policy, horizon_days: 365, lead_days: 47, class: None, end: 20_120 };
        let key = ResourceKey { question: question.name.clone(), entity: Vec::new() };
        assert!(judge(&yardstick, &Seen { key: &key, days: &days(120, |_| 1.0, |_| None), asset: None, sharing: 1 }, false).is_none());
    }

    #[test]
    fn a_level_of_the_policy_moves_the_ends_and_not_the_middle() {
        // It wavers by a month's growth, without any order.
        let noise = |day: i64| {
            let mixed = (day as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            ((mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 59) as f64
        };
        let wavering = days(200, |day| 300.0 + day as f64 + noise(day), |_| Some(650.0));
        let [usual, sure, rough] = ["{}", r#"{"level": 0.99}"#, r#"{"level": 0.6}"#].map(|policy| judged(&wavering, policy).standing);
        assert_eq!((usual.median_day, usual.chance), (sure.median_day, sure.chance));
        assert!(sure.lower_day < usual.lower_day && usual.lower_day < rough.lower_day, "{sure:?} {usual:?} {rough:?}");
        assert!(sure.upper_day > usual.upper_day && usual.upper_day > rough.upper_day);
        assert!(sure.order_by_day < rough.order_by_day && sure.needed > usual.needed && usual.needed > rough.needed);
        assert_eq!(judged(&wavering, r#"{"level": 0.95}"#).standing, usual, "what counts where nobody says anything");
    }

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for day in [0, 1, 20_000, -5] {
            assert_eq!(day_of(date_of(day)), day);
        }
        assert_eq!((date_text(20_778), date_of(i64::MAX)), ("2026-11-21".to_owned(), jiff::civil::Date::MAX));
    }
}
