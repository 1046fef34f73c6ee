//! What a person should know about a forecast, in sentences.

use crate::clock::{DAY_US, HOUR_US, SECOND_US};

use super::general::{BackTest, Member};
use super::threshold::{PastStatement, Shape};

/// Below this many earlier moments the intervals rest on little.
const FEW_ORIGINS: usize = 8;

/// How much of the history was not as it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mending {
    pub(super) filled: usize,
    pub(super) calmed: usize,
    pub(super) trailing: usize,
}

/// A number of steps as a duration, in the largest unit that divides it.
fn duration(steps: usize, step_us: i64) -> String {
    let us = i64::try_from(steps).unwrap_or(i64::MAX).saturating_mul(step_us);
    let (unit, name) = [(DAY_US, "day"), (HOUR_US, "hour"), (60 * SECOND_US, "minute")]
        .into_iter()
        .find(|(unit, _)| us % unit == 0)
        .unwrap_or((SECOND_US, "second"));
    let count = us / unit;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

/// Numbers as people read them: four digits that matter.
fn number(value: f64) -> String {
    let digits = if value == 0.0 || !value.is_finite() { 0 } else { 3 - value.abs().log10().floor() as i32 };
    if (-12..=9).contains(&digits) { format!("{value:.*}", digits.max(0) as usize) } else { format!("{value:.3e}") }
}

/// The sentences of a general forecast.
pub(super) fn of_forecast(
    seasons: &[usize],
    step_us: i64,
    method: &[Member],
    backtest: &BackTest,
    mending: Mending,
    level: f64,
) -> Vec<String> {
    let mut why = Vec::new();
    match seasons {
        [] => why.push("No season was found.".to_owned()),
        seasons => why.push(format!(
            "It repeats after {}.",
            seasons.iter().map(|&season| format!("{season} steps ({})", duration(season, step_us))).collect::<Vec<_>>().join(" and ")
        )),
    }
    if let Some(first) = method.first() {
        let logarithms = if first.logarithms { " of the logarithms" } else { "" };
        why.push(format!(
            "{} methods are mixed by their errors on this series; the heaviest, with {}, is: {}{logarithms}.",
            method.len(),
            percent(first.weight),
            first.method
        ));
    }
    let against = if backtest.naive_error > 0.0 {
        let ratio = backtest.error / backtest.naive_error;
        let word = if ratio <= 1.0 { "less" } else { "more" };
        format!(", {} {word} than repeating the last season would have", percent((1.0 - ratio).abs()))
    } else {
        String::new()
    };
    why.push(format!(
        "From {} earlier moments it would have been off by {} in the mean{against}; {} of the values came within the intervals, which are to hold {}.",
        backtest.origins.len(),
        number(backtest.error),
        percent(backtest.coverage),
        percent(level)
    ));
    if backtest.origins.len() < FEW_ORIGINS {
        why.push("The history is short: the intervals rest on few errors and have been widened for that.".to_owned());
    }
    mended(&mut why, mending);
    why
}

fn mended(why: &mut Vec<String>, mending: Mending) {
    if mending.filled > 0 {
        why.push(format!("{} missing values were filled.", mending.filled));
    }
    if mending.calmed > 0 {
        why.push(format!("{} values far from those before and after them were not taken at their word.", mending.calmed));
    }
    if mending.trailing > 0 {
        why.push(format!("The last {} slots have no values: the forecast begins before them.", mending.trailing));
    }
}

/// The sentences of a time to a threshold.
pub(super) fn of_threshold(shape: &Shape, backtest: &[PastStatement], widening: f64, mending: Mending, reached: bool) -> Vec<String> {
    let mut why = Vec::new();
    if reached {
        why.push("The last value is at the threshold already.".to_owned());
    }
    match shape.clean_ups {
        Some((count, cycle)) => why.push(format!(
            "It is cleaned up again and again ({count} times, about every {cycle} days): what counts is how the peaks grow, {} a day.",
            number(shape.growth_per_day)
        )),
        None => why.push(format!("It grows by {} a day now.", number(shape.growth_per_day))),
    }
    if !shape.seasons.is_empty() {
        let seasons: Vec<String> = shape.seasons.iter().map(usize::to_string).collect();
        why.push(format!("It repeats after {} days, and the peaks count.", seasons.join(" and ")));
    }
    if shape.recurring_peaks > 0 {
        why.push(format!("It rises far above that for a few days again and again ({} times): such peaks count.", shape.recurring_peaks));
    }
    if let Some(at) = shape.shifted_at {
        why.push(format!(
            "The level jumped at day {at} of the history; growth is judged across the jump, and the jump itself is not taken for growth."
        ));
    }
    if backtest.is_empty() {
        why.push("The history is too short to look back at what would have been said before.".to_owned());
    } else {
        let inside = backtest.iter().filter(|past| (past.lower..=past.upper).contains(&past.actual)).count();
        why.push(format!("Of {} statements it would have made before, {inside} held.", backtest.len()));
    }
    if widening > 1.05 {
        why.push(format!("Its errors were larger than the model expects, so the interval is {} wider.", percent(widening - 1.0)));
    }
    mended(&mut why, mending);
    why
}
