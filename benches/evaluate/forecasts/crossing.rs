//! Time to threshold on generated truth, beside `predict_linear`.

use rayon::prelude::*;
use watchroom::forecast::{Calibration, ThresholdOptions, TimeToThreshold, time_to_threshold};

use super::scoring::{LATER, Quantiles, pinball, predict_linear};
use super::truth::{KINDS, Resource, STRANGE, disturbed, resource};

fn quantiles(said: &TimeToThreshold) -> Quantiles {
    [said.lower, said.median, said.upper].map(|day| day.unwrap_or(f64::INFINITY))
}

fn table(name: &str, rows: &[(&Resource, Quantiles)]) {
    let n = rows.len() as f64;
    let share = |test: &dyn Fn(&Resource, &Quantiles) -> bool| 100.0 * rows.iter().filter(|(r, q)| test(r, q)).count() as f64 / n;
    let inside = share(&|r, q| r.crossing >= q[0].min(LATER) && r.crossing <= q[2] || r.crossing.is_infinite() && q[2].is_infinite());
    let late = share(&|r, q| r.crossing < q[0]);
    let over = share(&|r, q| r.crossing > q[2]);
    let wide: Vec<_> = rows.iter().filter(|(r, q)| r.crossing.is_finite() && q[2].min(LATER) - q[0].min(LATER) > 8.0).collect();
    let wide_in = 100.0 * wide.iter().filter(|(r, q)| r.crossing >= q[0] && r.crossing <= q[2]).count() as f64 / wide.len() as f64;
    print!("[wide {} {wide_in:.1}] ", wide.len());
    let mean = |loss: &dyn Fn(&Resource, &Quantiles) -> f64| rows.iter().map(|(r, q)| loss(r, q)).sum::<f64>() / n;
    let own = mean(&|r, q| pinball(q, r.crossing));
    let linear = mean(&|r, _| pinball(&predict_linear(r, true), r.crossing));
    let point = mean(&|r, _| pinball(&predict_linear(r, false), r.crossing));
    println!(
        "{name:12} n={n:5} coverage {inside:5.1} %  late {late:4.1} %  beyond {over:4.1} %  pinball {own:.4}  predict_linear {linear:.4} ({:+.0} %), as a point {point:.4} ({:+.0} %)  never {:.0} %",
        100.0 * (own / linear - 1.0),
        100.0 * (own / point - 1.0),
        share(&|r, _| r.crossing.is_infinite())
    );
}

pub(crate) fn run(seed: u64, count: u64) {
    judge(seed, count, &KINDS, &|seed| resource(seed, None, &KINDS, false));
    println!("the same, rougher: noise of 0.5 to 4 % of the capacity, every level wanders:");
    judge(seed, count, &KINDS, &|seed| resource(seed, None, &KINDS, true));
    println!("the same, disturbed: first days of which only a part was measured, and days on which nothing worked:");
    judge(seed, count, &KINDS, &|seed| disturbed(seed, resource(seed, None, &KINDS, false)));
    println!("harder kinds:");
    judge(seed, count, &STRANGE, &|seed| resource(seed, None, &STRANGE, false));
}

fn judge(seed: u64, count: u64, kinds: &[&'static str], made: &dyn Fn(u64) -> Resource) {
    let pooled = std::env::args().any(|argument| argument == "pooled");
    let resources: Vec<Resource> = (0..count).map(|i| made(seed * 1_000_003 + i)).collect();
    // The class's errors come from other resources of the same kinds than the ones judged.
    let others: Vec<Resource> = (0..500).map(|i| made(900_000_000 + seed * 7_919 + i)).collect();
    let errors: Vec<Calibration> =
        others.par_iter().map(|r| time_to_threshold(&r.past, &ThresholdOptions::new(r.threshold)).unwrap().calibration).collect();
    let class = Calibration::pooled(&errors);
    println!("spreads of the class are to be multiplied by {:.3}, mean origins {:.1}", class.factor(), class.origins() / 500.0);
    let started = std::time::Instant::now();
    let said: Vec<Quantiles> = resources
        .par_iter()
        .map(|r| {
            quantiles(
                &time_to_threshold(
                    &r.past,
                    &ThresholdOptions { class: pooled.then(|| class.factor()), ..ThresholdOptions::new(r.threshold) },
                )
                .unwrap(),
            )
        })
        .collect();
    let took = started.elapsed().as_secs_f64();
    let rows: Vec<(&Resource, Quantiles)> = resources.iter().zip(said).collect();
    table("all", &rows);
    for &kind in kinds {
        table(kind, &rows.iter().filter(|(r, _)| r.kind == kind).map(|(r, q)| (*r, *q)).collect::<Vec<_>>());
    }
    println!(
        "{count} resources in {took:.2} s on {} threads: {:.2} ms each and thread",
        rayon::current_num_threads(),
        1000.0 * took * rayon::current_num_threads() as f64 / count as f64
    );
}

pub(crate) fn speed(count: u64) {
    let resources: Vec<Resource> = (0..count).map(|i| resource(77_000_000 + i, Some(365), &KINDS, false)).collect();
    let started = std::time::Instant::now();
    let crossed =
        resources.par_iter().filter(|r| time_to_threshold(&r.past, &ThresholdOptions::new(r.threshold)).unwrap().median.is_some()).count();
    let took = started.elapsed().as_secs_f64();
    println!("{count} resources of 365 days in {took:.1} s on {} threads; {crossed} cross within a year", rayon::current_num_threads());
}
