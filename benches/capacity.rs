//! Judges very many resources with a year of days each, over the real table and the real store: `cargo bench --bench capacity`.
//!
//! A hundred thousand volumes grow, stand still, are cleaned up or jump, by a seeded generator; their days are written into the table
//! `capacity_days` in the files of fifty commits. Then a whole capacity run is timed: reading, forecasting twice (the first run pools the
//! errors of all resources), storing. `-- --test` does it with five hundred.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and ends where something fails")]
#![allow(clippy::disallowed_methods, reason = "a bench measures by the real clock")]

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, MapBuilder, MapFieldNames, RecordBatch, StringBuilder, StringViewArray, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::datatypes::{DataType, Field};
use watchroom::capacity::ResourceKey;
use watchroom::clock::{Clock, DAY_US};
use watchroom::desk::Desk;
use watchroom::operations::{Capacity, CapacityDays, CapacityParts, Inventory, Proposals, Register};
use watchroom::query::{Config, QueryEngine, Tables};
use watchroom::record::arrow_schema::CAPACITY_DAYS;
use watchroom::sql_file::Book;
use watchroom::store::{DESK_FILE, Store};
use watchroom::table;

const DAYS: i64 = 365;
const LIMIT: f64 = 1e12;

/// Numbers in [0, 1) that are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A year of a volume: where it starts, how it grows, whether it is cleaned up or jumps.
fn year(dice: &mut Dice) -> Vec<f64> {
    let (mut level, growth, noise) = (dice.roll() * 0.7 * LIMIT, (dice.roll() - 0.3) * 1e-3 * LIMIT, dice.roll() * 5e-3 * LIMIT);
    let (clean_up, jump_on) = ((dice.roll() < 0.2).then(|| 30 + (dice.roll() * 40.0) as i64), (dice.roll() * 1_000.0) as i64);
    (0..DAYS)
        .map(|day| {
            level += growth;
            level += if clean_up.is_some_and(|every| day % every == 0) { -0.1 * LIMIT } else { 0.0 };
            level += if day == jump_on { 0.1 * LIMIT } else { 0.0 };
            level = level.clamp(0.0, LIMIT);
            (level + noise * (dice.roll() - 0.5)).clamp(0.0, LIMIT)
        })
        .collect()
}

fn batch(first: usize, count: usize, first_day: i64) -> RecordBatch {
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut entities = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
        .with_keys_field(Field::new("key", DataType::Utf8, false))
        .with_values_field(Field::new("value", DataType::Utf8, true));
    let (mut ids, mut values, mut days) = (Vec::new(), Vec::new(), Vec::new());
    for number in first..first + count {
        let entity = vec![("host".to_owned(), format!("host{:05}", number / 4)), ("mountpoint".to_owned(), format!("/data{}", number % 4))];
        let id = ResourceKey { question: "filesystem_space".into(), entity: entity.clone() }.id();
        for (day, value) in year(&mut Dice(number as u64 + 1)).into_iter().enumerate() {
            for (key, value) in &entity {
                entities.keys().append_value(key);
                entities.values().append_value(value);
            }
            entities.append(true).unwrap();
            ids.push(id.clone());
            values.push(value);
            days.push((first_day + day as i64) * DAY_US);
        }
    }
    let rows = values.len();
    let values: ArrayRef = Arc::new(Float64Array::from(values));
    let none = || new_null_array(&DataType::Float64, rows);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n("filesystem_space", rows))),
        Arc::new(StringViewArray::from_iter_values(&ids)),
        Arc::new(entities.finish()),
        Arc::new(TimestampMicrosecondArray::from(days).with_timezone("UTC")),
        values.clone(),
        values.clone(),
        values.clone(),
        values,
        none(),
        Arc::new(Float64Array::from(vec![LIMIT; rows])),
        none(),
        Arc::new(Int64Array::from(vec![96; rows])),
    ];
    RecordBatch::try_new(CAPACITY_DAYS.clone(), columns).unwrap()
}

/// Highest memory of this process so far, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).unwrap_or(0) / 1_024
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let quick = arguments.iter().any(|argument| argument == "--test") || !arguments.iter().any(|argument| argument == "--bench");
    let resources = if quick { 500 } else { 100_000 };
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::System;
    let store = Store::open(&folder.path().join(DESK_FILE)).await.unwrap();
    let desk = Desk::new(store.clone(), clock.clone());
    let register = Arc::new(Register::open(store.clone(), clock.clone(), desk.clone()).await.unwrap());
    let tables = Tables::open(&folder.path().join("tables"), &table::Config::default()).await.unwrap();
    let today = (clock.now_us() - DAY_US / 24).div_euclid(DAY_US);
    let filling = Instant::now();
    for first in (0..resources).step_by(2_000) {
        tables.capacity_days.append(batch(first, 2_000.min(resources - first), today - DAYS), None);
        tables.capacity_days.flush().await.unwrap();
    }
    println!("{resources} resources with {DAYS} days each, written in {:.1} s", filling.elapsed().as_secs_f64());
    println!("peak memory after writing: {} MiB", peak_mib());
    let config = Config { spill_dir: Some(folder.path().join("spill")), ..Config::default() };
    let engine = Arc::new(QueryEngine::new(&config, tables.clone(), Vec::new()).unwrap());
    let inventory = Inventory::new(store, clock, register.clone());
    let parts = CapacityParts {
        days: CapacityDays::new(engine, tables),
        questions: Arc::new(Book::open(None)),
        register,
        proposals: Proposals::new(desk, inventory.clone()),
        inventory,
    };
    let capacity = Capacity::new(parts).unwrap();
    for round in ["first run (2,000 forecast twice)", "second run"] {
        let run = capacity.run(&|_, _| {}).await.unwrap();
        assert_eq!((run.resources, run.failed.len()), (resources, 0), "{:?}", run.failed);
        let each_us = 1e6 * run.seconds / resources as f64;
        println!("{round}: {:.1} s, {each_us:.0} us a resource, peak memory {} MiB", run.seconds, peak_mib());
    }
    for (status, count) in capacity.counts().await.unwrap() {
        println!("{status:>20} {count}");
    }
}
