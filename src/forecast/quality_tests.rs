//! Fails when forecasts get worse: a small set of resources whose future was made with them, scored as `benches/evaluate` scores it.

use rayon::prelude::*;

use super::{ThresholdOptions, time_to_threshold};

#[path = "../../benches/evaluate/forecasts/scoring.rs"]
mod scoring;
#[allow(dead_code, reason = "the bench looks at more kinds of resources")]
#[path = "../../benches/evaluate/forecasts/truth.rs"]
mod truth;

use scoring::{LATER, Quantiles, pinball, predict_linear};
use truth::{KINDS, Resource, disturbed, resource};

/// Resources of each kind: with so many an interval that holds 95 % of the truth holds 93 to 97 of a hundred by luck alone.
const OF_EACH: u64 = 48;

/// Neither those that the method was tuned on nor those that the bench judges.
const FIRST_SEED: u64 = 31_000_000;

/// What came of a resource.
struct Scored {
    kind: &'static str,
    is_inside: bool,
    is_late: bool,
    own: f64,
    linear: f64,
}

fn score(resource: &Resource) -> Scored {
    let said = time_to_threshold(&resource.past, &ThresholdOptions::new(resource.threshold)).unwrap();
    let quantiles: Quantiles = [said.lower, said.median, said.upper].map(|day| day.unwrap_or(f64::INFINITY));
    let [lower, _, upper] = quantiles;
    let came = resource.crossing;
    Scored {
        kind: resource.kind,
        is_inside: came >= lower.min(LATER) && came <= upper || came.is_infinite() && upper.is_infinite(),
        is_late: came < lower,
        own: pinball(&quantiles, came),
        linear: pinball(&predict_linear(resource, true), came),
    }
}

/// Own loss over that of `predict_linear`.
fn ratio<'a>(scored: impl Iterator<Item = &'a Scored>) -> f64 {
    let (own, linear) = scored.fold((0.0, 0.0), |(own, linear), it| (own + it.own, linear + it.linear));
    own / linear
}

#[test]
fn times_to_a_threshold_are_as_good_as_they_were() {
    let resources: Vec<Resource> = (0..OF_EACH * KINDS.len() as u64).map(|at| resource(FIRST_SEED + at, None, &KINDS, false)).collect();
    let scored: Vec<Scored> = resources.par_iter().map(score).collect();
    let share = |of: &dyn Fn(&Scored) -> bool| scored.iter().filter(|it| of(it)).count() as f64 / scored.len() as f64;
    let (inside, late) = (share(&|it| it.is_inside), share(&|it| it.is_late));
    let all = ratio(scored.iter());
    let by_kind: Vec<(&str, f64)> = KINDS.iter().map(|kind| (*kind, ratio(scored.iter().filter(|it| it.kind == *kind)))).collect();
    let told = format!("covers {inside:.3}, late {late:.3}, pinball {all:.3} of predict_linear's, by kind {by_kind:.2?}");
    assert!((0.90..=0.99).contains(&inside), "{told}");
    assert!(late <= 0.025, "{told}");
    // 30 % less is what is aimed at; 81 % less is what it was when this was written.
    assert!(all <= 0.30, "{told}");
    assert!(by_kind.iter().all(|(_, ratio)| *ratio <= 0.9), "{told}");
}

#[test]
fn outages_and_parts_of_days_cost_little() {
    let made = |seed| disturbed(seed, resource(seed, None, &KINDS, false));
    let resources: Vec<Resource> = (0..OF_EACH * KINDS.len() as u64).map(|at| made(FIRST_SEED + at)).collect();
    let scored: Vec<Scored> = resources.par_iter().map(score).collect();
    let share = |of: &dyn Fn(&Scored) -> bool| scored.iter().filter(|it| of(it)).count() as f64 / scored.len() as f64;
    let (inside, late, all) = (share(&|it| it.is_inside), share(&|it| it.is_late), ratio(scored.iter()));
    let told = format!("covers {inside:.3}, late {late:.3}, pinball {all:.3} of predict_linear's");
    // Taken at their word they made it 1.08 of it; without them it is 0.25 as this is written.
    assert!((0.90..=0.99).contains(&inside) && late <= 0.04 && all <= 0.40, "{told}");
}
