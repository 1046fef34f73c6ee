//! How good forecasts are: on the M4 competition's series, on measured ones, and on resources whose future was made with them.

mod crossing;
mod m4;
mod scoring;
mod series;
mod truth;

use std::path::Path;

/// Resources whose crossing is known.
const RESOURCES: u64 = 2_000;

/// Everything, from `DATA/forecast`.
pub(super) fn run(data: &Path) {
    let data = data.join("forecast");
    m4::run(&data, "hourly", 48, 24);
    m4::run(&data, "weekly", 13, 1);
    series::run(&data);
    // The first three were looked at while the method was built; the others show whether it holds.
    for seed in 1..=9 {
        println!("seed {seed}:");
        crossing::run(seed, RESOURCES);
    }
    crossing::speed(RESOURCES);
}
