//! How good detectors, templates, incidents and forecasts are: `cargo bench --bench evaluate -- metrics|templates|incidents|forecasts DATA`.
//!
//! `DATA` is a folder as its README describes; without it the environment variable `WATCHROOM_EVALUATION_DATA` is taken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "an evaluation prints, and ends where its data is not as described"
)]
#![allow(clippy::disallowed_methods, reason = "an evaluation measures by the real clock")]

mod anomaly;
mod clean;
mod forecasts;
mod incidents;
mod labelled_series;
mod loghub;
mod nab;
mod vus;

use std::path::PathBuf;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--bench")).collect();
    if arguments.iter().any(|argument| argument == "--test") {
        println!("evaluate needs data: cargo bench --bench evaluate -- metrics|templates|incidents|forecasts DATA");
        return;
    }
    let what = arguments.first().map_or("", String::as_str);
    let data = arguments.get(1).cloned().or_else(|| std::env::var("WATCHROOM_EVALUATION_DATA").ok());
    let Some(data) = data.map(PathBuf::from) else {
        println!("which data? cargo bench --bench evaluate -- metrics|templates|incidents|forecasts DATA");
        return;
    };
    match what {
        "metrics" => {
            if let Err(error) = anomaly::run(&data) {
                println!("metrics: not evaluated, {error}");
            }
        }
        "templates" => loghub::run(&data),
        "incidents" => incidents::run(&data),
        "forecasts" => forecasts::run(&data),
        other => println!("there is no evaluation `{other}`; there are metrics, templates, incidents and forecasts"),
    }
}
