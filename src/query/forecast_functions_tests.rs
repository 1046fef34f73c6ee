//! Forecasts in SQL, through the gate.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, TimestampMicrosecondType};

use super::fixture::Site;
use super::{QueryEngine, QueryError, QueryRequest};
use crate::clock::DAY_US;

async fn engine() -> (Site, QueryEngine) {
    let site = Site::empty().await;
    let engine = QueryEngine::new(&site.config(), site.tables.clone(), Vec::new()).unwrap();
    (site, engine)
}

async fn ask(engine: &QueryEngine, sql: &str) -> Result<RecordBatch, QueryError> {
    let mut run = engine.run(QueryRequest::new(sql)).await?;
    let batches = run.collect().await?;
    Ok(arrow::compute::concat_batches(&run.schema(), &batches).unwrap())
}

/// A hundred days of two hosts: one grows by one a day, the other by two, both with a week's swing; a third is nine days old.
const DAYS: &str = "SELECT to_timestamp(1767225600 + n * 86400) AS timestamp, ''h'' || h AS host, \
    CAST(h * n + n % 7 AS DOUBLE) AS value, 300.0 AS threshold \
    FROM generate_series(0, 99) AS s(n) CROSS JOIN (VALUES (1), (2), (3)) AS hosts(h) WHERE h < 3 OR n >= 91";

#[tokio::test]
async fn a_time_to_a_threshold_of_each_group() {
    let (_site, engine) = engine().await;
    let sql =
        format!("SELECT host, threshold, lower, median, upper, growth_per_day, note FROM time_to_threshold('{DAYS}', 400) ORDER BY host");
    let rows = ask(&engine, &sql).await.unwrap();
    assert_eq!(rows.num_rows(), 3);
    let day = |row: usize, column: &str| {
        let column = rows.column_by_name(column).unwrap().as_primitive::<TimestampMicrosecondType>();
        column.is_valid(row).then(|| (column.value(row) - 1_767_225_600_000_000) / DAY_US)
    };
    // Host 1 is at 99 + 1 on day 99 and reaches 300 about two hundred days later, host 2 at 198 + 1, fifty days later.
    assert!((285..=305).contains(&day(0, "median").unwrap()), "{:?}", day(0, "median"));
    assert!((142..=154).contains(&day(1, "median").unwrap()), "{:?}", day(1, "median"));
    assert!(day(1, "lower") <= day(1, "median") && day(1, "median") <= day(1, "upper"));
    assert_eq!(day(2, "median"), None);
    let note = rows.column_by_name("note").unwrap().as_string::<i32>().value(2).to_owned();
    assert!(note.contains("not enough history: 9 of the "), "{note}");
    let growth = rows.column_by_name("growth_per_day").unwrap().as_primitive::<Float64Type>();
    assert!((growth.value(1) - 2.0).abs() < 0.1, "{}", growth.value(1));
}

#[tokio::test]
async fn the_newest_threshold_counts() {
    let (_site, engine) = engine().await;
    let grown = DAYS.replace("300.0 AS threshold", "CASE WHEN n < 50 THEN 120.0 ELSE 300.0 END AS threshold");
    let sql = format!("SELECT host, threshold, median FROM time_to_threshold('{grown}', 400) WHERE host = 'h1'");
    let rows = ask(&engine, &sql).await.unwrap();
    let median = rows.column_by_name("median").unwrap().as_primitive::<TimestampMicrosecondType>().value(0);
    let day = (median - 1_767_225_600_000_000) / DAY_US;
    assert!((285..=305).contains(&day), "{day}");
}

#[tokio::test]
async fn a_season_that_no_series_has_is_refused_or_ignored() {
    let (_site, engine) = engine().await;
    for season in ["-3", "1e300", "100000"] {
        let asked = ask(&engine, &format!("SELECT * FROM forecast('{DAYS}', 14, 0.95, {season})")).await;
        assert!(asked.as_ref().is_err_and(|error| error.to_string().contains("season")) || asked.is_ok(), "{season}: {asked:?}");
    }
}

#[tokio::test]
async fn a_course_of_each_group() {
    let (_site, engine) = engine().await;
    let rows = ask(&engine, &format!("SELECT * FROM forecast('{DAYS}', horizon => 14, season => 'auto') AS f ORDER BY host, timestamp"))
        .await
        .unwrap();
    let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["host", "threshold", "timestamp", "mean", "lower", "upper"]);
    assert_eq!(rows.num_rows(), 28, "the third host has too little history");
    let mean = rows.column_by_name("mean").unwrap().as_primitive::<Float64Type>();
    // Day 100 of host 1 is 100 + 100 % 7.
    assert!((mean.value(0) - 102.0).abs() < 2.0, "{}", mean.value(0));
    let (lower, upper) = (rows.column_by_name("lower").unwrap().as_primitive::<Float64Type>(), rows.column_by_name("upper").unwrap());
    assert!((0..28).all(|row| lower.value(row) <= mean.value(row) && mean.value(row) <= upper.as_primitive::<Float64Type>().value(row)));
}

#[tokio::test]
async fn as_aggregates_they_stand_anywhere() {
    let (_site, engine) = engine().await;
    let inner = DAYS.replace("''", "'");
    let sql =
        format!("SELECT host, time_to_threshold(timestamp, value, 300.0)['chance'] AS chance FROM ({inner}) GROUP BY host ORDER BY host");
    let rows = ask(&engine, &sql).await.unwrap();
    let chance = rows.column(1).as_primitive::<Float64Type>();
    assert!(chance.value(0) > 0.9 && chance.value(1) > 0.99 && chance.is_null(2));
}

#[tokio::test]
async fn what_stands_in_the_text_passes_the_gate_too() {
    let (_site, engine) = engine().await;
    for (sql, wanted) in [
        ("SELECT * FROM forecast('SELECT 1', 3)", "timestamp"),
        ("SELECT * FROM forecast('DELETE FROM logs', 3)", "is no query"),
        ("SELECT * FROM forecast('SELECT 1; SELECT 2', 3)", "not one query"),
        ("SELECT * FROM forecast('SELECT timestamp, value FROM read_csv(''/etc/passwd'')', 3)", "read_csv"),
        ("SELECT * FROM forecast('SELECT timestamp, value FROM ''/etc/passwd''', 3)", ""),
        ("SELECT * FROM forecast('SELECT timestamp, value FROM information_schema.df_settings', 3)", "settings"),
        ("SELECT * FROM forecast('SELECT timestamp, value FROM metrics')", "`horizon` is missing"),
        ("SELECT * FROM forecast('SELECT timestamp, value FROM metrics', steps => 3)", "no argument `steps`"),
        ("SELECT * FROM forecast(SELECT 1, 3)", ""),
        ("SELECT * FROM forecast(7, 3)", "does not belong there"),
        ("SELECT * FROM forecast('SELECT timestamp, value FROM metrics', 3, 2.0)", "level"),
        ("SELECT * FROM time_to_threshold('SELECT timestamp, value FROM metrics')", "threshold"),
    ] {
        let error = match ask(&engine, sql).await {
            // Without points no option is looked at.
            Ok(rows) => format!("level {}", rows.num_rows()),
            Err(error) => error.to_string(),
        };
        assert!(error.contains(wanted), "{sql}: {error}");
    }
    let many = ["SELECT 1 FROM forecast('SELECT timestamp, value FROM metrics', 3) AS f"; 9].join(" UNION ALL ");
    assert!(ask(&engine, &many).await.unwrap_err().to_string().contains("more than 8 times"));
}
