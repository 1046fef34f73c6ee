//! Stretches of days that stand far from those before and after, which agree: outages, holidays, a copy that was deleted again, a first day
//! of which only a part was measured. They say nothing about the trend.

use std::ops::Range;

use super::order_statistics::{median, robust_sigma};

/// Days of a stretch at most: what lasts longer is how the resource is now.
const LONGEST: usize = 7;
/// Days on each side of one that say what is usual: more than twice as many as a stretch has.
const AROUND: usize = 10;
/// Days on each side of a stretch that must agree.
const SIDE: usize = 5;
/// Days after a stretch without which nobody knows that it is over.
const AFTER: usize = 1;
/// A distance in spreads of such distances: ordinary noise does not get there.
const FAR: f64 = 5.0;
/// Days beside a far one that belong to its stretch.
const RATHER_FAR: f64 = 2.5;
/// Stretches like one that is not over, without which nobody knows what it is.
const LIKE: usize = 2;
/// The spread of values that follow a line to the last digit, which stand within ±1.
const EXACT: f64 = 1e-6;
/// Where more than this share of the days stands far from the others, that is the rule and no exception: one day of each week is more.
const RARE: f64 = 0.12;

/// Days, and how far they stand from what is around.
type Stretch = (Range<usize>, f64);

/// What a day is beside those around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// As the others.
    Usual,
    /// Within a stretch far above.
    Above,
    /// Within a stretch far below.
    Below,
}

/// How each of `values` stands (no gaps).
pub(super) fn standings(values: &[f64]) -> Vec<Standing> {
    let mut standings = vec![Standing::Usual; values.len()];
    let mut mark = |days: Range<usize>, distance: f64| {
        standings[days].fill(if distance > 0.0 { Standing::Above } else { Standing::Below });
    };
    let is_rare = |found: &Vec<Stretch>| {
        let days: usize = found.iter().map(|(days, _)| days.len()).sum();
        days <= LONGEST.max((RARE * values.len() as f64) as usize)
    };
    let mut found: Vec<Stretch> = [spikes(values), stretches(values)].into_iter().filter(is_rare).flatten().collect();
    found.extend(going_on(values, &found));
    found.into_iter().for_each(|(days, distance)| mark(days, distance));
    standings
}

/// Single days that stand far from the two before and the two after, which agree.
fn spikes(values: &[f64]) -> Vec<Stretch> {
    if values.len() < 7 {
        return Vec::new();
    }
    let distance = |place: usize| {
        let mut around = [values[place - 2], values[place - 1], values[place + 1], values[place + 2]];
        values[place] - median(&mut around)
    };
    let distances: Vec<f64> = (2..values.len() - 2).map(distance).collect();
    let edge = FAR * robust_sigma(&distances);
    let far = |distance: f64| edge > 0.0 && distance.abs() > edge;
    let alone = |place: usize, distance: f64| {
        let (before, after) = (values[place] - values[place - 1], values[place] - values[place + 1]);
        before * after > 0.0 && before.abs().min(after.abs()) > 0.5 * distance.abs()
    };
    let places = distances.iter().enumerate().map(|(index, &distance)| (index + 2, distance));
    places
        .filter(|&(place, distance)| far(distance) && alone(place, distance))
        .map(|(place, distance)| (place..place + 1, distance))
        .collect()
}

/// Stretches far from what is usual around them that are over, and how far they are.
fn stretches(values: &[f64]) -> Vec<Stretch> {
    let n = values.len();
    if n < AROUND + SIDE {
        return Vec::new();
    }
    let distances: Vec<f64> = (0..n).map(|place| values[place] - usual_at(values, place)).collect();
    let spread = robust_sigma(&distances).max(EXACT);
    let side = |place: usize| if distances[place].abs() > RATHER_FAR * spread { distances[place].signum() } else { 0.0 };
    let mut found = Vec::new();
    let mut start = 0;
    while start < n {
        let sign = side(start);
        let end = (start..n).find(|&place| side(place) != sign).unwrap_or(n);
        if sign != 0.0
            && end - start <= LONGEST
            && end + AFTER <= n
            && let Some(distance) = distance_of(values, start..end, &distances)
            && distance * sign > FAR * spread
        {
            found.push((start..end, distance));
        }
        start = end;
    }
    found
}

/// A stretch that lasts to the end of the history, if there were `others` like it: to the same side, not shorter, and nearly as far.
fn going_on(values: &[f64], others: &[Stretch]) -> Option<Stretch> {
    let stretch = |begin: usize| {
        let before = median(&mut values[begin - SIDE..begin].to_vec());
        let distance = median(&mut values[begin..].to_vec()) - before;
        let each_day = values[begin..].iter().all(|value| (value - before) * distance.signum() > 0.5 * distance.abs());
        each_day.then_some((begin..values.len(), distance))
    };
    let is_known = |(days, distance): &Stretch| {
        let is_like = |(other, far): &&Stretch| days.len() <= other.len() && (0.5..2.0).contains(&(distance / far));
        others.iter().filter(is_like).count() >= LIKE
    };
    (values.len().saturating_sub(LONGEST).max(SIDE)..values.len()).filter_map(stretch).find(is_known)
}

/// What the days around a place say is usual there: their median, and towards the ends of the history, where they lie on one side, what
/// their median slope makes of it.
fn usual_at(values: &[f64], place: usize) -> f64 {
    let (from, to) = (place.saturating_sub(AROUND), (place + AROUND + 1).min(values.len()));
    let around = &values[from..to];
    let off_centre = place as f64 - 0.5 * (from + to - 1) as f64;
    let slope = if off_centre == 0.0 { 0.0 } else { repeated_median_slope(around) };
    median(&mut around.to_vec()) + off_centre * slope
}

/// The slope of a line through points of which nearly one half may be anything: Siegel, "Robust regression using repeated medians" (1982).
fn repeated_median_slope(values: &[f64]) -> f64 {
    let from = |one: usize| {
        let others = (0..values.len()).filter(|&other| other != one);
        median(&mut others.map(|other| (values[other] - values[one]) / (other as f64 - one as f64)).collect::<Vec<_>>())
    };
    median(&mut (0..values.len()).map(from).collect::<Vec<_>>())
}

/// How far a stretch is from the days on both sides, which agree; from those after it at the beginning of the history. `None` where the
/// sides do not agree: the level moved.
fn distance_of(values: &[f64], days: Range<usize>, distances: &[f64]) -> Option<f64> {
    if days.start == 0 {
        return Some(median(&mut distances[days].to_vec()));
    }
    let before = median(&mut values[days.start.saturating_sub(SIDE)..days.start].to_vec());
    let after = median(&mut values[days.end..(days.end + SIDE).min(values.len())].to_vec());
    let distance = median(&mut values[days].to_vec()) - 0.5 * (before + after);
    ((before - after).abs() < 0.5 * distance.abs()).then_some(distance)
}
