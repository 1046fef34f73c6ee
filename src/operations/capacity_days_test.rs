//! Days of resources out of measurements, through the real gate and tables.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, MapBuilder, MapFieldNames, RecordBatch, StringBuilder, StringViewArray};
use arrow::array::{AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};

use super::CapacityDays;
use crate::capacity::{CapacityQuestion, SHIPPED_QUESTIONS};
use crate::clock::{DAY_US, HOUR_US, TimestampUs};
use crate::query::{Config, QueryEngine, QueryRequest, Tables};
use crate::record::arrow_schema::{SAMPLES, SERIES};
use crate::table;

/// A Monday.
pub(super) const START_US: TimestampUs = 1_795_392_000_000_000;

/// A series: its name, host and labels, and its value by the hour.
pub(super) struct Measured<'a> {
    pub(super) name: &'a str,
    pub(super) host: &'a str,
    pub(super) labels: &'a [(&'a str, &'a str)],
    pub(super) value: &'a dyn Fn(i64) -> Option<f64>,
}

pub(super) struct Site {
    pub(super) days: CapacityDays,
    tables: Tables,
    pub(super) engine: Arc<QueryEngine>,
    folder: tempfile::TempDir,
}

pub(super) async fn site(measured: &[Measured<'_>], hours: i64) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let tables = Tables::open(folder.path(), &table::Config::default()).await.unwrap();
    let site = site_over(tables, folder);
    site.measure(0, measured, 0..hours);
    site.flush().await;
    site
}

fn site_over(tables: Tables, folder: tempfile::TempDir) -> Site {
    let config = Config { target_partitions: 2, spill_dir: Some(folder.path().join("spill")), ..Config::default() };
    let engine = Arc::new(QueryEngine::new(&config, tables.clone(), Vec::new()).unwrap());
    Site { days: CapacityDays::new(engine.clone(), tables.clone()), tables, engine, folder }
}

impl Site {
    /// Stores series, numbered from `first` on, and what they were in these hours.
    fn measure(&self, first: i64, measured: &[Measured<'_>], hours: std::ops::Range<i64>) {
        let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
        let mut labels = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
            .with_keys_field(Field::new("key", DataType::Utf8, false))
            .with_values_field(Field::new("value", DataType::Utf8, true));
        for series in measured {
            for (key, value) in series.labels {
                labels.keys().append_value(key);
                labels.values().append_value(value);
            }
            labels.append(true).unwrap();
        }
        let text =
            |of: &dyn Fn(&Measured<'_>) -> String| -> ArrayRef { Arc::new(StringViewArray::from_iter_values(measured.iter().map(of))) };
        let moments = |all: Vec<i64>| Arc::new(TimestampMicrosecondArray::from(all).with_timezone("UTC"));
        let series: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(first..first + measured.len() as i64)),
            text(&|series| series.name.to_owned()),
            text(&|series| series.host.to_owned()),
            Arc::new(labels.finish()),
            text(&|_| "gauge".into()),
            text(&|_| String::new()),
            moments(vec![START_US; measured.len()]),
        ];
        self.tables.series.append(RecordBatch::try_new(SERIES.clone(), series).unwrap(), None);
        let points: Vec<(i64, i64, f64)> = (first..)
            .zip(measured)
            .flat_map(|(id, series)| hours.clone().filter_map(move |hour| Some((id, START_US + hour * HOUR_US, (series.value)(hour)?))))
            .collect();
        let samples: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(points.iter().map(|point| point.0))),
            moments(points.iter().map(|point| point.1).collect()),
            Arc::new(Float64Array::from_iter_values(points.iter().map(|point| point.2))),
        ];
        self.tables.samples.append(RecordBatch::try_new(SAMPLES.clone(), samples).unwrap(), None);
    }

    async fn flush(&self) {
        self.tables.series.flush().await.unwrap();
        self.tables.samples.flush().await.unwrap();
    }

    /// The number that a statement gives.
    async fn number(&self, sql: &str) -> i64 {
        let rows = self.engine.run(QueryRequest::new(sql)).await.unwrap().collect().await.unwrap();
        rows[0].column(0).as_primitive::<Int64Type>().value(0)
    }
}

fn question(name: &str) -> Arc<CapacityQuestion> {
    let (file, text) = SHIPPED_QUESTIONS.into_iter().find(|(file, _)| *file == format!("{name}.sql")).unwrap();
    Arc::new(CapacityQuestion::parse(file, text).unwrap())
}

#[tokio::test]
async fn a_day_is_taken_once_and_an_hour_after_its_end() {
    let value = |hour: i64| Some(100.0 - (hour / 24) as f64);
    let labels: &[(&str, &str)] = &[("mountpoint", "/data"), ("fstype", "xfs")];
    let measured = [
        Measured { name: "node_filesystem_size_bytes", host: "db01", labels, value: &|_| Some(100.0) },
        Measured { name: "node_filesystem_avail_bytes", host: "db01", labels, value: &value },
    ];
    let site = site(&measured, 10 * 24).await;
    let questions = [question("filesystem_space")];
    let rows = async |now_us: TimestampUs| site.days.catch_up(&questions, now_us, &|_, _| {}).await.unwrap().rows;
    assert_eq!(rows(START_US + 3 * DAY_US + HOUR_US / 2).await, 2, "the third day has ended half an hour ago");
    assert_eq!(rows(START_US + 3 * DAY_US + HOUR_US / 2).await, 0);
    assert_eq!(rows(START_US + 10 * DAY_US + HOUR_US).await, 8);
    assert_eq!(site.tables.capacity_days.committed("capacity/filesystem_space"), Some(START_US / DAY_US + 9));
    let memory = [question("memory")];
    assert_eq!(site.days.catch_up(&memory, START_US + 10 * DAY_US + HOUR_US, &|_, _| {}).await.unwrap().rows, 0);
    assert_eq!(site.tables.capacity_days.committed("capacity/memory"), None, "what comes later may be of days that are over");

    let [part] = site.days.parts().try_into().unwrap();
    let seen = site.days.of_part(&questions[0], 0, &part).await.unwrap();
    let [(key, days)] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!((key.name().as_str(), days.len()), ("db01 /data", 10));
    assert_eq!((days[0].day, days[0].value, days[0].limit), (START_US / DAY_US, 0.0, Some(100.0)));
    assert_eq!(days[9].value, 9.0);
    let alone = site.days.of_resource(&questions[0], &key.id(), START_US / DAY_US + 5).await.unwrap().unwrap();
    assert_eq!((&alone.0, alone.1.len()), (key, 5));
    assert!(site.days.of_resource(&questions[0], "0000000000000000", 0).await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_measured_late_of_days_that_were_taken_is_added_once() {
    let volume = |host, used: &'static dyn Fn(i64) -> Option<f64>| {
        let labels: &[(&str, &str)] = &[("mountpoint", "/data")];
        let size = Measured { name: "node_filesystem_size_bytes", host, labels, value: &|_| Some(100.0) };
        [size, Measured { name: "node_filesystem_avail_bytes", host, labels, value: used }]
    };
    let site = site(&volume("db01", &|_| Some(60.0)), 10 * 24).await;
    let questions = [question("filesystem_space")];
    let now_us = START_US + 10 * DAY_US + HOUR_US;
    let rows = async |site: &Site| site.days.catch_up(&questions, now_us, &|_, _| {}).await.unwrap().rows;
    assert_eq!((rows(&site).await, rows(&site).await), (10, 0));

    // A history from before the first day, of a host that is known and of one that is not, which has also been measured since.
    site.measure(0, &volume("db01", &|_| Some(90.0)), -5 * 24..24);
    site.measure(2, &volume("db02", &|_| Some(30.0)), -5 * 24..10 * 24);
    site.flush().await;
    assert_eq!((rows(&site).await, rows(&site).await), (5 + 15, 0));
    let twice = "SELECT count(*) FROM (SELECT 1 FROM capacity_days GROUP BY question, resource, day HAVING count(*) > 1)";
    assert_eq!((site.number(twice).await, site.number("SELECT count(*) FROM capacity_days").await), (0, 30));
    // What was told of the first day rests on its row: that stays as it is.
    let first = "SELECT CAST(last AS BIGINT) FROM capacity_days WHERE entity['host'] = 'db01' AND day = TIMESTAMP '2026-11-23'";
    assert_eq!(site.number(first).await, 40);
    // What is older than two years, or not over yet, is nobody's day.
    site.measure(4, &volume("db03", &|_| Some(1.0)), -800 * 24..-799 * 24);
    site.measure(4, &volume("db03", &|_| Some(1.0)), 10 * 24..10 * 24 + 1);
    site.flush().await;
    assert_eq!(rows(&site).await, 0);

    // A crash after half of what is late was committed: the other half is added after it, and nothing twice.
    site.measure(6, &volume("db04", &|_| Some(20.0)), 0..4 * 24);
    site.flush().await;
    let start = START_US / DAY_US;
    let half: Vec<RecordBatch> = site.days.ask(&questions[0], start, start + 2).await.unwrap();
    let of_db04 = half.iter().map(|batch| batch.num_rows()).sum::<usize>();
    assert_eq!(of_db04, 6, "two days of three volumes");
    let is_new = "SELECT resource FROM capacity_days WHERE entity['host'] = 'db04'";
    let kept: Vec<RecordBatch> = half.iter().map(|batch| of_host(batch, "db04")).collect();
    site.tables.capacity_days.append_all(kept, None);
    site.tables.capacity_days.flush().await.unwrap();
    let Site { folder, .. } = site;
    let site = site_over(Tables::open(folder.path(), &table::Config::default()).await.unwrap(), folder);
    let count = format!("SELECT count(*) FROM ({is_new})");
    assert_eq!(site.number(&count).await, 2);
    assert_eq!((rows(&site).await, rows(&site).await), (2, 0));
    assert_eq!((site.number(&count).await, site.number(twice).await), (4, 0));
}

/// A volume of 100 of which 40 are in use.
fn volume_of(host: &str) -> [Measured<'_>; 2] {
    let labels: &[(&str, &str)] = &[("mountpoint", "/data")];
    let size = Measured { name: "node_filesystem_size_bytes", host, labels, value: &|_| Some(100.0) };
    [size, Measured { name: "node_filesystem_avail_bytes", host, labels, value: &|_| Some(60.0) }]
}

#[tokio::test]
async fn what_comes_late_and_adds_nothing_is_asked_about_once() {
    let site = site(&volume_of("db01"), 10 * 24).await;
    let questions = [question("filesystem_space")];
    let rows = async |day: i64| site.days.catch_up(&questions, START_US + day * DAY_US + HOUR_US, &|_, _| {}).await.unwrap().rows;
    assert_eq!(rows(10).await, 10);
    // Of a resource and a day that have their row.
    site.measure(0, &volume_of("db01"), 3 * 24..4 * 24);
    site.flush().await;
    let position = "capacity/filesystem_space/samples";
    assert!(site.days.looked_at(position) < Some(site.tables.samples.snapshot().version), "there is something late");
    assert_eq!(rows(10).await, 0);
    assert_eq!(site.days.looked_at(position), Some(site.tables.samples.snapshot().version));
    site.measure(0, &volume_of("db01"), 10 * 24..11 * 24);
    site.flush().await;
    assert_eq!(rows(11).await, 1);
    assert_eq!(
        site.tables.capacity_days.committed(position),
        Some(site.tables.samples.snapshot().version),
        "with the rows of the next day"
    );
}

#[tokio::test]
async fn days_that_were_empty_and_filled_late_are_not_there_twice_after_a_restart() {
    let site = site(&volume_of("db01"), 10 * 24).await;
    let questions = [question("filesystem_space")];
    let now_us = START_US + 12 * DAY_US + HOUR_US;
    let rows = async |site: &Site| site.days.catch_up(&questions, now_us, &|_, _| {}).await.unwrap().rows;
    assert_eq!((rows(&site).await, rows(&site).await), (10, 0), "nobody measured on the last two days");
    site.measure(0, &volume_of("db01"), 10 * 24..12 * 24);
    site.flush().await;
    assert_eq!(rows(&site).await, 2);
    let Site { folder, .. } = site;
    let site = site_over(Tables::open(folder.path(), &table::Config::default()).await.unwrap(), folder);
    assert_eq!(rows(&site).await, 0);
    assert_eq!(site.number("SELECT count(*) FROM capacity_days").await, 12);
}

/// The rows of a host.
fn of_host(rows: &RecordBatch, host: &str) -> RecordBatch {
    let entities = rows.column_by_name("entity").unwrap().as_map();
    let is_of = |row: usize| entities.value(row).column(1).as_string::<i32>().iter().any(|value| value == Some(host));
    let mask: Vec<bool> = (0..rows.num_rows()).map(is_of).collect();
    arrow::compute::filter_record_batch(rows, &mask.into()).unwrap()
}

#[tokio::test]
async fn days_that_are_in_memory_only_are_taken_too() {
    let labels: &[(&str, &str)] = &[("mountpoint", "/data")];
    let measured = [
        Measured { name: "node_filesystem_size_bytes", host: "db01", labels, value: &|_| Some(100.0) },
        Measured { name: "node_filesystem_avail_bytes", host: "db01", labels, value: &|_| Some(60.0) },
    ];
    let folder = tempfile::tempdir().unwrap();
    let site = site_over(Tables::open(folder.path(), &table::Config::default()).await.unwrap(), folder);
    site.measure(0, &measured, 0..60 * 24);
    let questions = [question("filesystem_space")];
    assert_eq!(site.days.catch_up(&questions, START_US + 60 * DAY_US + HOUR_US, &|_, _| {}).await.unwrap().rows, 60);
}

#[tokio::test]
async fn the_busy_hour_of_processors_is_the_highest() {
    // Two processors that idle half of the time, and a tenth of it from nine to ten.
    let idle = |hour: i64| Some((0..hour).map(|before| if before % 24 == 9 { 360.0 } else { 1_800.0 }).sum());
    let cpu = |number| Measured { name: "node_cpu_seconds_total", host: "web01", labels: number, value: &idle };
    let measured = [cpu(&[("cpu", "0"), ("mode", "idle")]), cpu(&[("cpu", "1"), ("mode", "idle")])];
    let site = site(&measured, 3 * 24).await;
    let questions = [question("cpu")];
    let done = site.days.catch_up(&questions, START_US + 4 * DAY_US, &|_, _| {}).await.unwrap();
    assert!(done.failed.is_empty(), "{:?}", done.failed);
    let [part] = site.days.parts().try_into().unwrap();
    let (_, days) = site.days.of_part(&questions[0], 0, &part).await.unwrap().pop().unwrap();
    assert_eq!(days.len(), 3);
    assert!(days.iter().all(|day| (day.value - 1.8).abs() < 1e-6 && day.servers == Some(2.0) && day.limit == Some(2.0)), "{days:?}");
    let sql = "SELECT p50, max FROM capacity_days ORDER BY day LIMIT 1";
    let rows = site.engine.run(QueryRequest::new(sql)).await.unwrap().collect().await.unwrap();
    let number = |column: usize| rows[0].column(column).as_primitive::<Float64Type>().value(0);
    assert!((number(0) - 1.0).abs() < 1e-6 && (number(1) - 1.8).abs() < 1e-6);
}

#[tokio::test]
async fn what_uses_most_of_a_resource_is_named_with_what_can_go() {
    let gauge = |name, labels, value| Measured { name, host: "db01", labels, value };
    let (size, tables) = ("node_directory_size_bytes", "pg_stat_user_tables_table_size_bytes");
    let (group, seconds) = ("namedprocess_namegroup_memory_bytes", "namedprocess_namegroup_cpu_seconds_total");
    let measured = [
        gauge(size, &[("directory", "/data/dumps")], &|_| Some(70.0)),
        gauge(size, &[("directory", "/data/wal")], &|hour| Some(hour as f64)),
        gauge(size, &[("directory", "/database")], &|_| Some(900.0)),
        gauge(size, &[("directory", "/database/base")], &|_| Some(800.0)),
        gauge("node_filesystem_size_bytes", &[("mountpoint", "/data")], &|_| Some(2_000.0)),
        Measured { host: "db02", ..gauge(size, &[("directory", "/data/other")], &|_| Some(900.0)) },
        gauge(tables, &[("datname", "orders"), ("schemaname", "public"), ("relname", "audit")], &|_| Some(50.0)),
        gauge("pg_stat_user_tables_index_size_bytes", &[("datname", "orders"), ("schemaname", "public"), ("relname", "audit")], &|_| {
            Some(5.0)
        }),
        gauge(tables, &[("datname", "stock"), ("schemaname", "public"), ("relname", "audit")], &|_| Some(99.0)),
        gauge("pg_stat_activity_count", &[("datname", "orders"), ("state", "idle")], &|_| Some(30.0)),
        gauge("pg_stat_activity_count", &[("datname", "orders"), ("state", "active")], &|_| Some(10.0)),
        gauge(group, &[("groupname", "postgres"), ("memtype", "resident")], &|_| Some(8.0)),
        gauge(group, &[("groupname", "postgres"), ("memtype", "virtual")], &|_| Some(80.0)),
        // Half a processor for the users, a quarter for the system; it began anew at noon.
        gauge(seconds, &[("groupname", "postgres"), ("mode", "user")], &|hour| Some(1_800.0 * (hour % 36) as f64)),
        gauge(seconds, &[("groupname", "postgres"), ("mode", "system")], &|hour| Some(900.0 * (hour % 36) as f64)),
    ];
    let site = site(&measured, 48).await;
    let consumers = async |name: &str, entity: &[(&str, &str)]| -> Vec<(String, f64, Option<f64>)> {
        let entity = entity.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned())).collect();
        let key = crate::capacity::ResourceKey { question: name.to_owned(), entity };
        let found = site.days.consumers(&question(name), &key, START_US / DAY_US + 2).await.unwrap();
        found.into_iter().map(|it| (it.name, it.amount, it.might_go)).collect()
    };
    let named = |name: &str, amount, removable| (name.to_owned(), amount, removable);
    let volume = consumers("filesystem_space", &[("host", "db01"), ("mountpoint", "/data")]).await;
    assert_eq!(volume, [named("/data/dumps", 70.0, None), named("/data/wal", 47.0, None)]);
    let root = consumers("filesystem_space", &[("host", "db01"), ("mountpoint", "/")]).await;
    assert_eq!(root, [named("/database", 900.0, None)], "not what lies on another volume, and nothing twice");
    let database = consumers("database_size", &[("host", "db01"), ("database", "orders")]).await;
    assert_eq!(database, [named("public.audit", 55.0, None)]);
    let connections = consumers("database_connections", &[("host", "db01")]).await;
    assert_eq!(connections, [named("orders", 40.0, Some(30.0))]);
    assert_eq!(consumers("memory", &[("host", "db01")]).await, [named("postgres", 8.0, None)]);
    assert_eq!(consumers("cpu", &[("host", "db01")]).await, [named("postgres", 0.75, None)]);
}

#[tokio::test]
async fn every_shipped_question_can_be_asked_and_a_broken_one_stops_nobody() {
    let site = site(&[Measured { name: "up", host: "db01", labels: &[], value: &|_| Some(1.0) }], 48).await;
    let mut questions: Vec<_> =
        SHIPPED_QUESTIONS.iter().map(|(file, text)| Arc::new(CapacityQuestion::parse(file, text).unwrap())).collect();
    let done = site.days.catch_up(&questions, START_US + 3 * DAY_US, &|_, _| {}).await.unwrap();
    assert!(done.failed.is_empty() && done.rows == 0, "{:?}", done.failed);
    let text = SHIPPED_QUESTIONS[0].1.replace("FROM metrics", "FROM metrix").replace("name: backup_window", "name: broken");
    questions.insert(0, Arc::new(CapacityQuestion::parse("broken.sql", &text).unwrap()));
    let done = site.days.catch_up(&questions, START_US + 3 * DAY_US, &|_, _| {}).await.unwrap();
    let [failed] = done.failed.as_slice() else { panic!("{:?}", done.failed) };
    assert!(failed.to_string().contains("the capacity question broken could not be asked: There is no table metrix"), "{failed}");
}
