//! How well findings become incidents: labelled faults of real systems, a plain detector, one time axis.
//!
//! Faults come from petshop (issues), nezha (injected faults), smd and asd (labelled stretches). A robust z-score against the
//! fault-free data turns the metrics into findings; then the faults are laid on one axis in three ways and played through the
//! grouper: `apart` (six hours between two faults of the same system), `at once` (three faults within a quarter of an hour,
//! each in a copy of its system that is related to the others by nothing but words) and `in a row` (one every half hour on
//! the same system, which is how petshop was recorded). Nezha is also played as it was: one fault every eight minutes.

mod burst;
mod case;
mod nezha;
mod petshop;
mod play;
mod servers;
mod spotter;
mod table_file;

use std::path::Path;

use case::{Case, Dice};
use play::{Figures, Layout, play};
use watchroom::incident::Settings;

/// Prints all figures for the data below `data_dir`.
pub(crate) fn run(data_dir: &Path) {
    let settings = &Settings::default();
    let sets: Vec<(&str, Vec<Case>)> = vec![
        ("petshop", petshop::cases(data_dir)),
        ("nezha", nezha::cases(data_dir)),
        ("smd", servers::cases(data_dir, "smd", 60)),
        ("asd", servers::cases(data_dir, "asd", 300)),
    ];
    println!("{}", Figures::HEADER);
    for (set, cases) in &sets {
        let (first, second) = halves(cases);
        for layout in [Layout::Apart, Layout::AtOnce, Layout::InARow] {
            for (half, cases) in [("all", cases.iter().collect::<Vec<_>>()), ("half A", first.clone()), ("half B", second.clone())] {
                println!("{}", play(&cases, layout, settings).row(set, layout.word(), half));
            }
        }
    }
    for (day, figures) in nezha::as_it_was(data_dir, settings) {
        println!("{}", figures.row("nezha", "as it was", &day));
    }
    burst::run();
}

/// Two random halves, always the same ones.
fn halves(cases: &[Case]) -> (Vec<&Case>, Vec<&Case>) {
    let mut dice = Dice::new(7);
    let mut order: Vec<(u64, &Case)> = cases.iter().map(|case| (dice.next(), case)).collect();
    order.sort_by_key(|(key, _)| *key);
    let middle = order.len() / 2;
    let pick = |part: &[(u64, &'_ Case)]| part.iter().map(|(_, case)| case.name.clone()).collect::<Vec<_>>();
    let first = pick(&order[..middle]);
    cases.iter().partition(|case| first.contains(&case.name))
}
