//! Detectors as window functions, through the gate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arrow::array::AsArray;
use arrow::datatypes::{Float64Type, Int64Type};

use super::fixture::{Site, lines, rows};
use super::{QueryEngine, QueryRequest};
use crate::anomaly::{Detector, SeriesStates};

/// Two series of a point a minute, one with a jump; `BOUND` narrows the minutes.
const POINTS: &str = "SELECT series, minute, to_timestamp_seconds(minute * 60) AS t, (minute * 7919 % 101) / 10.0 + series
        + CASE WHEN series = 1 AND minute BETWEEN 900 AND 905 THEN 500 ELSE 0 END AS value
    FROM (SELECT a.value AS minute, b.value AS series FROM generate_series(0, 1199) a CROSS JOIN generate_series(0, 1) b)
    WHERE BOUND";

const SCORES: &str =
    "SELECT series, minute, anomaly_score(value) OVER (PARTITION BY series ORDER BY t) AS score FROM (POINTS) ORDER BY series, minute";

fn value(series: i64, minute: i64) -> f64 {
    let jump = if series == 1 && (900..=905).contains(&minute) { 500.0 } else { 0.0 };
    (minute * 7919 % 101) as f64 / 10.0 + series as f64 + jump
}

fn direct() -> HashMap<(i64, i64), f64> {
    let mut scores = HashMap::new();
    for series in 0..2 {
        let mut detector = Detector::new(60);
        for minute in 0..1_200 {
            scores.insert((series, minute), detector.update(minute * 60, value(series, minute)).evidence);
        }
    }
    scores
}

#[derive(Debug, Default)]
struct Kept {
    states: Mutex<HashMap<String, (Vec<u8>, i64)>>,
    settled_until_s: Mutex<i64>,
}

impl SeriesStates for Kept {
    fn load(&self, series: &str) -> Option<(Vec<u8>, i64)> {
        self.states.lock().unwrap().get(series).cloned()
    }

    fn save(&self, series: String, state: Vec<u8>, until_s: i64) {
        self.states.lock().unwrap().insert(series, (state, until_s));
    }

    fn settled_until_s(&self) -> i64 {
        *self.settled_until_s.lock().unwrap()
    }
}

async fn scores(engine: &QueryEngine, bound: &str, states: Option<Arc<dyn SeriesStates>>) -> HashMap<(i64, i64), f64> {
    let sql = SCORES.replace("POINTS", &POINTS.replace("BOUND", bound));
    let mut found = HashMap::new();
    for batch in engine.run(QueryRequest { states, ..QueryRequest::new(sql) }).await.unwrap().collect().await.unwrap() {
        let (series, minute) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
        let score = batch.column(2).as_primitive::<Float64Type>();
        let rows = (0..batch.num_rows()).filter(|row| !arrow::array::Array::is_null(score, *row));
        found.extend(rows.map(|row| ((series.value(row), minute.value(row)), score.value(row))));
    }
    found
}

#[tokio::test]
async fn sql_says_what_the_detector_says() {
    let site = Site::empty().await;
    let by_hand = scores(&site.engine(), "true", None).await;
    assert_eq!(by_hand, direct());
    assert!(by_hand[&(1, 900)] > 4.0 && by_hand[&(0, 900)] < 4.0, "{} {}", by_hand[&(1, 900)], by_hand[&(0, 900)]);
}

#[tokio::test]
async fn runs_that_continue_from_kept_states_say_what_one_run_says() {
    let site = Site::empty().await;
    let engine = site.engine();
    let kept = Arc::new(Kept::default());
    let whole = direct();
    // Each run reads from where the one before had settled, and ten minutes of it are not settled yet.
    for (from, until, settled) in [(0, 500, 490), (490, 501, 491), (491, 950, 940), (940, 1_200, 1_190)] {
        *kept.settled_until_s.lock().unwrap() = settled * 60;
        let found = scores(&engine, &format!("minute >= {from} AND minute < {until}"), Some(kept.clone())).await;
        assert_eq!(found.len(), 2 * (until - from) as usize);
        for (point, score) in found {
            assert_eq!(score, whole[&point], "{point:?} in the run to {until}");
        }
    }
    // What is read once more after it was settled is not counted twice.
    assert_eq!(scores(&engine, "minute >= 1000 AND minute < 1190", Some(kept.clone())).await.len(), 0);
}

#[tokio::test]
async fn the_companions_answer() {
    let site = Site::empty().await;
    let engine = site.engine();
    let over = |call: &str| {
        format!(
            "SELECT {call} OVER (PARTITION BY series ORDER BY t) AS x FROM ({}) ORDER BY minute DESC, series",
            POINTS.replace("BOUND", "true")
        )
    };
    let first = async |call: &str| lines(&engine, &over(call)).await.remove(0);
    assert_eq!(first("missing_after(value)").await, "180.0");
    assert_eq!(first("counter_rate(CAST(minute AS DOUBLE) * 60)").await, "1.0");
    let found = async |call: &str, condition: &str| {
        lines(&engine, &format!("SELECT count(*) FROM ({}) WHERE {condition}", over(call))).await.remove(0)
    };
    assert_eq!(found("near_limit(value, 505)", "x > 0.95").await, "1");
    assert_eq!(found("breach_in(CAST(minute AS DOUBLE), 1250, 7200)", "x BETWEEN 1 AND 7200").await, "2");
    assert_eq!(found("flat_line(CASE WHEN minute < 600 THEN value ELSE 7 END)", "x > 600").await, "2");
    assert_eq!(found("anomaly(value, 4)", "x['alarm']").await, "1");
    assert_eq!(found("level_shift(value)", "x IS NOT NULL").await, "0");
}

#[tokio::test]
async fn a_wrong_call_says_what_to_write() {
    let site = Site::empty().await;
    let engine = site.engine();
    for (call, advice) in [
        ("anomaly_score(value) OVER (PARTITION BY series)", "ORDER BY timestamp"),
        ("anomaly_score(value) OVER (ORDER BY t DESC)", "without DESC"),
        ("anomaly_score(value, 7) OVER (ORDER BY t)", "takes 1 arguments, not 2"),
        ("near_limit(value) OVER (ORDER BY t)", "takes 2 arguments"),
        ("breach_in(value) OVER (ORDER BY t)", "takes 2 to 3 arguments"),
    ] {
        let sql = format!("SELECT {call} FROM ({})", POINTS.replace("BOUND", "true"));
        let error = rows(&engine, &sql).await.unwrap_err().to_string();
        assert!(error.contains(advice), "{call}: {error}");
    }
}
