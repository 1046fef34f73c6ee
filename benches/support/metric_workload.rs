//! A seeded stream of samples as node exporters give them: counters and gauges, every 15 seconds, at slightly uneven
//! times in whole milliseconds.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use super::syslog_workload::Random;

/// The generator. Each series belongs to a target; the samples of a target's scrape share their time stamp.
#[derive(Debug)]
pub(crate) struct MetricWorkload {
    random: Random,
    series: Vec<Series>,
    scrape_ms: i64,
}

#[derive(Debug)]
struct Series {
    id: i64,
    kind: Kind,
    value: f64,
    rate: f64,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Sizes, versions, limits: hardly ever another value.
    Constant,
    /// Bytes, packets, context switches: whole numbers that grow.
    Counter,
    /// CPU seconds: hundredths that grow by at most the interval.
    Seconds,
    /// Memory and disk space: multiples of a page that wander.
    Bytes,
    /// Load, temperatures: two decimals that wander.
    Decimal,
}

/// A measurement: series, time stamp in µs, value.
pub(crate) type Sample = (i64, i64, f64);

/// Series of one target, scraped together.
const SERIES_OF_TARGET: usize = 250;
const INTERVAL_MS: i64 = 15_000;

impl MetricWorkload {
    /// `series` series whose first scrape is at `start_us`.
    pub(crate) fn new(seed: u64, series: usize, start_us: i64) -> Self {
        let mut random = Random(seed ^ 0x4D45_5452_4943_0001);
        let series = (0..series).map(|_| Series::new(&mut random)).collect();
        Self { random, series, scrape_ms: start_us / 1_000 }
    }

    /// Appends one scrape of every series.
    pub(crate) fn scrape(&mut self, out: &mut Vec<Sample>) {
        let mut at_us = 0;
        for (index, series) in self.series.iter_mut().enumerate() {
            if index % SERIES_OF_TARGET == 0 {
                let offset = (index / SERIES_OF_TARGET) as i64 * 3_700;
                // Scrapers keep their phase and miss it by some milliseconds.
                at_us = (self.scrape_ms + offset + self.random.skewed(12) as i64) * 1_000;
            }
            series.step(&mut self.random);
            out.push((series.id, at_us, series.value));
        }
        self.scrape_ms += INTERVAL_MS;
    }
}

impl Series {
    fn new(random: &mut Random) -> Self {
        let kind = match random.below(100) {
            0..=19 => Kind::Constant,
            20..=54 => Kind::Counter,
            55..=69 => Kind::Seconds,
            70..=84 => Kind::Bytes,
            _ => Kind::Decimal,
        };
        let id = random.next() as i64;
        let (value, rate) = match kind {
            Kind::Constant => (random.skewed(1 << 36) as f64, 0.0),
            // Some counters stand still for long, some run by the megabyte.
            Kind::Counter => (random.skewed(1 << 40) as f64, (random.unit() * 16.0 - 3.0).exp()),
            Kind::Seconds => (random.skewed(90_000_000) as f64 / 100.0, random.unit() * random.unit() * 15.0),
            Kind::Bytes => (random.below(1 << 23) as f64 * 4_096.0, (random.unit() * 9.0).exp()),
            Kind::Decimal => (random.below(9_000) as f64 / 100.0, 0.02 + random.unit()),
        };
        Self { id, kind, value, rate }
    }

    fn step(&mut self, random: &mut Random) {
        match self.kind {
            Kind::Constant => {}
            Kind::Counter => self.value += (random.long_tail(self.rate) * 0.8).floor(),
            Kind::Seconds => self.value = ((self.value + self.rate * (0.8 + 0.4 * random.unit())) * 100.0).round() / 100.0,
            Kind::Bytes => self.value = (self.value + ((random.unit() - 0.5) * self.rate).round() * 4_096.0).max(0.0),
            Kind::Decimal => self.value = ((self.value + (random.unit() - 0.5) * self.rate) * 100.0).round().max(0.0) / 100.0,
        }
    }
}
