//! Scrapes turned around: for each series its samples.

use std::collections::HashMap;
use std::sync::Arc;

use super::metrics::{LabelSet, Scrape};
use crate::clock::TimestampUs;

/// A series with some of its samples.
#[derive(Debug, Clone)]
pub struct SeriesRun {
    /// Which series.
    pub labels: Arc<LabelSet>,
    /// Moments (µs UTC) and values, in the order of the scrapes.
    pub samples: Vec<(TimestampUs, f64)>,
}

/// The series of the scrapes in the order in which they appear, each with its samples.
pub fn series_runs<'a>(scrapes: impl IntoIterator<Item = &'a Scrape>) -> Vec<SeriesRun> {
    let mut runs: Vec<SeriesRun> = Vec::new();
    // All scrapes share the labels of a series, so their address names it. The order comes from `runs`, not from the map.
    let mut places: HashMap<*const LabelSet, usize> = HashMap::new();
    for scrape in scrapes {
        for sample in &scrape.series {
            let place = *places.entry(Arc::as_ptr(&sample.labels)).or_insert_with(|| {
                runs.push(SeriesRun { labels: Arc::clone(&sample.labels), samples: Vec::new() });
                runs.len() - 1
            });
            runs[place].samples.push((scrape.time_us, sample.value));
        }
    }
    runs
}
