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
    for seed in 1..=3 {
        crossing::run(seed, RESOURCES);
    }
    crossing::speed(RESOURCES);
}
