//! What the engine promises around a query: limits, parameters, errors, cancellation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde_json::json;

use super::fixture::{Site, cell, lines, rows};
use super::{Config, LimitOverrides, Parameters, QueryEngine, QueryError, QueryRequest, RelationalView, ViewError};
use crate::clock::Stopwatch;
use crate::store::{Comparison, ViewCondition, ViewScan, ViewValue};

/// Keeps both threads busy for hours.
const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 9000000) a, generate_series(1, 9000000) b WHERE a.value + b.value < 0";

#[tokio::test]
async fn a_result_over_its_rows_ends_with_an_error_or_is_cut_when_asked() {
    let site = Site::filled().await;
    let engine = site.engine();
    let limits = LimitOverrides { max_rows: Some(1_500), ..LimitOverrides::default() };
    let request = QueryRequest { limits, ..QueryRequest::new("SELECT message FROM logs") };
    let error = engine.run(request.clone()).await.unwrap().collect().await.unwrap_err();
    assert_eq!(error, QueryError::TooManyRows { limit: 1_500 });
    let mut run = engine.run(QueryRequest { truncate: true, ..request.clone() }).await.unwrap();
    let batches = run.collect().await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1_500);
    assert!(run.truncated());
    let exact = QueryRequest { sql: "SELECT message FROM logs LIMIT 1500".into(), truncate: true, ..request };
    let mut run = engine.run(exact).await.unwrap();
    run.collect().await.unwrap();
    assert!(!run.truncated(), "exactly the limit is no truncation");
}

#[tokio::test]
async fn a_result_over_its_bytes_ends_with_an_error_or_is_cut_when_asked() {
    let site = Site::filled().await;
    let engine = site.engine();
    let limits = LimitOverrides { max_result_bytes: Some(50_000), ..LimitOverrides::default() };
    let request = QueryRequest { limits, ..QueryRequest::new("SELECT message FROM logs") };
    let error = engine.run(request.clone()).await.unwrap().collect().await.unwrap_err();
    assert_eq!(error, QueryError::TooLarge { limit_bytes: 50_000 });
    let mut run = engine.run(QueryRequest { truncate: true, ..request }).await.unwrap();
    let bytes: u64 = run.collect().await.unwrap().iter().map(super::batch_bytes::batch_bytes).sum();
    assert!(run.truncated() && bytes <= 50_000 && bytes > 10_000, "{bytes}");
}

#[tokio::test]
async fn a_request_cannot_raise_a_limit() {
    let site = Site::filled().await;
    let engine = site.engine_with(Config { max_rows: 10, ..site.config() });
    let limits = LimitOverrides { max_rows: Some(1_000_000), ..LimitOverrides::default() };
    let request = QueryRequest { limits, ..QueryRequest::new("SELECT host FROM logs") };
    assert_eq!(engine.run(request).await.unwrap().collect().await.unwrap_err(), QueryError::TooManyRows { limit: 10 });
}

#[tokio::test]
async fn the_time_limit_ends_a_query_in_the_middle_of_its_work() {
    let site = Site::empty().await;
    let engine = site.engine();
    let clock = Stopwatch::start();
    let limits = LimitOverrides { timeout_ms: Some(300), ..LimitOverrides::default() };
    let outcome = async { engine.run(QueryRequest { limits, ..QueryRequest::new(ENDLESS) }).await?.collect().await };
    assert_eq!(outcome.await.unwrap_err(), QueryError::TimedOut { limit_ms: 300 });
    assert!(clock.elapsed() < Duration::from_secs(5), "{:?}", clock.elapsed());
    place_is_free(&engine, 8).await;
}

/// Waits until the work of an ended query has left its threads.
async fn place_is_free(engine: &QueryEngine, places: usize) {
    for _ in 0..2_000 {
        if engine.free_places() == places {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a place is still taken: the work goes on");
}

#[tokio::test]
async fn a_join_that_only_feeds_a_count_can_be_ended() {
    let site = Site::filled().await;
    let engine = site.engine();
    let limits = LimitOverrides { timeout_ms: Some(300), ..LimitOverrides::default() };
    for sql in [
        "SELECT count(*) FROM logs a, logs b, logs c, logs d WHERE a.message < d.message",
        "SELECT count(*) FROM logs a, logs b, logs c WHERE levenshtein(a.message, b.message) > 1000",
        "SELECT count(*) FROM logs a JOIN logs b ON a.source = b.source AND levenshtein(a.message, b.message) > 1000",
    ] {
        let outcome = async { engine.run(QueryRequest { limits, ..QueryRequest::new(sql) }).await?.collect().await };
        assert_eq!(outcome.await.unwrap_err(), QueryError::TimedOut { limit_ms: 300 }, "{sql}");
        place_is_free(&engine, 8).await;
    }
}

#[tokio::test]
async fn dropping_the_run_ends_the_work_and_frees_its_place() {
    let site = Site::filled().await;
    let engine = site.engine_with(Config { max_concurrent: 1, max_wait_ms: 50, ..site.config() });
    let run = engine.run(QueryRequest::new(ENDLESS)).await.unwrap();
    assert!(matches!(engine.run(QueryRequest::new("SELECT 1")).await.unwrap_err(), QueryError::Busy { limit: 1, .. }));
    drop(run);
    place_is_free(&engine, 1).await;
    assert_eq!(cell(&engine, "SELECT 1").await, "1");
}

#[tokio::test]
async fn a_reader_that_stops_reading_does_not_keep_its_place_for_ever() {
    let site = Site::filled().await;
    let engine = site.engine_with(Config { max_concurrent: 1, timeout_ms: 300, ..site.config() });
    let mut run = engine.run(QueryRequest::new("SELECT a.message FROM logs a, logs b")).await.unwrap();
    run.next().await.unwrap().unwrap();
    place_is_free(&engine, 1).await;
    assert_eq!(run.collect().await.unwrap_err(), QueryError::TimedOut { limit_ms: 300 }, "and does not take the rest for complete");
}

#[tokio::test]
async fn a_sort_that_outgrows_its_memory_spills_and_a_hash_table_that_does_ends_with_a_clear_error() {
    let site = Site::filled().await;
    let spill = site.folder.path().join("spill");
    let tight = Config { query_memory_bytes: 24 << 20, max_rows: 1_000_000, ..site.config() };
    let engine = site.engine_with(tight);
    let sorted = "SELECT a.message FROM logs a, generate_series(1, 100) b ORDER BY a.message, b.value";
    let mut run = engine.run(QueryRequest::new(sorted)).await.unwrap();
    let first = run.next().await.unwrap().unwrap();
    assert!(std::fs::read_dir(&spill).unwrap().count() > 0, "36 MB were sorted in 24 MiB without a file");
    let rest: usize = run.collect().await.unwrap().iter().map(RecordBatch::num_rows).sum();
    assert_eq!(first.num_rows() + rest, 300_000);
    let joined = "SELECT count(*) FROM (SELECT a.message, b.value FROM logs a, generate_series(1, 100) b) x \
                  JOIN (SELECT a.message, b.value FROM logs a, generate_series(1, 100) b) y ON x.message = y.message AND x.value = y.value";
    let error = rows(&engine, joined).await.unwrap_err();
    assert_eq!(error.kind(), "out_of_memory", "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[tokio::test]
async fn parameters_are_values_and_never_sql() {
    let site = Site::filled().await;
    let engine = site.engine();
    let count = async |sql: &str, parameters: Parameters| -> Result<String, QueryError> {
        let batches = engine.run(QueryRequest { parameters, ..QueryRequest::new(sql) }).await?.collect().await?;
        Ok(super::json_rows::cell_text(batches[0].column(0), 0).unwrap())
    };
    let positional = |values: &[serde_json::Value]| Parameters::Positional(values.to_vec());
    let named = |name: &str, value: serde_json::Value| Parameters::Named(BTreeMap::from([(name.to_owned(), value)]));
    let sql = "SELECT count(*) FROM logs WHERE host = $1 AND severity <= $2 AND timestamp < $3";
    assert_eq!(count(sql, positional(&[json!("host-00"), json!(7), json!("2026-11-21T00:00:00Z")])).await.unwrap(), "50");
    assert_eq!(count("SELECT count(*) FROM logs WHERE host = $host", named("host", json!("host-01"))).await.unwrap(), "150");
    let hostile = json!("x' OR 1 = 1 --");
    assert_eq!(count("SELECT count(*) FROM logs WHERE host = $host", named("host", hostile)).await.unwrap(), "0");
    let error = count(sql, positional(&[json!("host-00")])).await.unwrap_err();
    assert!(matches!(&error, QueryError::Invalid { .. }), "{error}");
    let error = count("SELECT count(*) FROM logs WHERE host = $1", Parameters::None).await.unwrap_err();
    assert!(error.to_string().contains("$1"), "{error}");
}

#[tokio::test]
async fn errors_name_what_is_wrong_and_what_is_near() {
    let site = Site::empty().await;
    let engine = site.engine();
    let told = async |sql: &str| rows(&engine, sql).await.unwrap_err();
    let error = told("SELECT mesage FROM logs").await;
    let QueryError::UnknownColumn { name, suggestions, known } = &error else { panic!("{error}") };
    assert_eq!((name.as_str(), suggestions.as_slice(), known.len()), ("mesage", ["message".to_owned()].as_slice(), 16));
    assert!(
        error.to_string().starts_with("There is no column mesage here. Did you mean message? Columns in reach: timestamp, "),
        "{error}"
    );
    assert_eq!(told("SELECT * FROM log").await.to_string(), "There is no table log. Did you mean logs? SHOW TABLES lists all of them.");
    assert_eq!(told("SELEC 1").await.kind(), "syntax");
    assert_eq!(told("SELECT (1").await.kind(), "syntax");
    assert_eq!(told("").await.kind(), "syntax");
    assert_eq!(told("SELECT nothing_like_it(1)").await.kind(), "invalid");
    assert_eq!(told("SELECT 1 / 0").await.kind(), "invalid");
    assert_eq!(told("SELECT host + 1 FROM logs").await.kind(), "invalid");
    assert_eq!(told("DROP TABLE logs").await.kind(), "refused");
}

#[tokio::test]
async fn the_tables_describe_themselves() {
    let site = Site::empty().await;
    let engine = site.engine();
    let shown = lines(&engine, "SHOW TABLES").await;
    for table in ["logs", "metrics", "samples", "series"] {
        assert!(shown.iter().any(|line| line.contains(&format!("|{table}|"))), "{shown:?}");
    }
    let described = lines(&engine, "DESCRIBE samples").await;
    assert_eq!(described.len(), 4, "{described:?}");
    assert!(described[3].starts_with("date|Date32"), "{described:?}");
    let columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'metrics' ORDER BY ordinal_position";
    assert_eq!(lines(&engine, columns).await, ["timestamp", "name", "host", "labels", "value", "kind", "unit", "series_id", "date"]);
    assert!(lines(&engine, "EXPLAIN SELECT * FROM logs").await.len() >= 2);
}

/// A desk table that counts how often it is read.
#[derive(Debug, Default)]
struct Tickets {
    loads: AtomicUsize,
}

#[async_trait::async_trait]
impl RelationalView for Tickets {
    fn name(&self) -> &str {
        "tickets"
    }

    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false), Field::new("host", DataType::Utf8, false)]))
    }

    async fn load(&self) -> Result<(RecordBatch, bool), ViewError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        let (ids, hosts) = (Int64Array::from(vec![1, 2]), StringArray::from(vec!["host-01", "host-02"]));
        let rows = RecordBatch::try_new(self.schema(), vec![Arc::new(ids), Arc::new(hosts)]);
        Ok((rows.map_err(|error| ViewError(error.to_string()))?, false))
    }
}

#[tokio::test]
async fn a_view_is_read_once_for_each_query_that_names_it() {
    let site = Site::filled().await;
    let tickets = Arc::new(Tickets::default());
    let view: Arc<dyn RelationalView> = tickets.clone();
    let engine = QueryEngine::new(&site.config(), site.tables.clone(), vec![view]).unwrap();
    let joined =
        "SELECT t.id, count(*) FROM tickets t JOIN tickets u ON t.id = u.id JOIN logs l ON l.host = t.host GROUP BY t.id ORDER BY t.id";
    assert_eq!(lines(&engine, joined).await, ["1|150", "2|150"]);
    assert_eq!(tickets.loads.load(Ordering::Relaxed), 1);
    cell(&engine, "SELECT count(*) FROM logs").await;
    assert_eq!(tickets.loads.load(Ordering::Relaxed), 1, "a query that does not name it does not read it");
    let narrow = Config { max_view_bytes: 8, ..site.config() };
    let engine = QueryEngine::new(&narrow, site.tables.clone(), vec![tickets]).unwrap();
    assert_eq!(rows(&engine, "SELECT * FROM tickets").await.unwrap_err().kind(), "out_of_memory");
}

/// A desk table that reads only what a query wants, and remembers what that was.
#[derive(Debug, Default)]
struct Narrow {
    scans: Mutex<Vec<ViewScan>>,
    whole: Tickets,
}

#[async_trait::async_trait]
impl RelationalView for Narrow {
    fn name(&self) -> &str {
        "narrow"
    }

    fn schema(&self) -> SchemaRef {
        self.whole.schema()
    }

    async fn load(&self) -> Result<(RecordBatch, bool), ViewError> {
        self.whole.load().await
    }

    async fn load_scan(&self, scan: &ViewScan) -> Result<Option<(RecordBatch, bool)>, ViewError> {
        self.scans.lock().unwrap().push(scan.clone());
        let (rows, _) = RelationalView::load(&Tickets::default()).await?;
        let rows = rows.project(scan.columns.as_ref().unwrap()).unwrap();
        Ok(Some((rows, false)))
    }
}

#[tokio::test]
async fn a_view_is_told_which_columns_and_rows_a_query_wants() {
    let site = Site::filled().await;
    let narrow = Arc::new(Narrow::default());
    let view: Arc<dyn RelationalView> = narrow.clone();
    let engine = QueryEngine::new(&site.config(), site.tables.clone(), vec![view]).unwrap();
    // The view gives a row too much: it is filtered again.
    assert_eq!(lines(&engine, "SELECT id FROM narrow WHERE id > 1 AND host <> 'host-09'").await, ["2"]);
    let above = ViewCondition::Compare { column: 0, comparison: Comparison::Greater, value: ViewValue::Integer(1) };
    let scan = narrow.scans.lock().unwrap().pop().unwrap();
    assert_eq!(scan, ViewScan { columns: Some(vec![0, 1]), conditions: vec![above.clone()] }, "`Utf8` is none of its types");
    let same = "SELECT count(*) FROM narrow a JOIN narrow b ON a.id = b.id WHERE a.id > 1 AND b.id > 1";
    assert_eq!(cell(&engine, same).await, "1");
    assert_eq!(narrow.scans.lock().unwrap().drain(..).collect::<Vec<_>>(), [ViewScan { columns: Some(vec![0]), conditions: vec![above] }]);
    // One that is asked for in many ways is read once, as a whole.
    let parts: Vec<String> = (0..9).map(|id| format!("SELECT host FROM narrow WHERE id > {id}")).collect();
    assert_eq!(rows(&engine, &parts.join(" UNION ALL ")).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 3);
    assert_eq!((narrow.scans.lock().unwrap().len(), narrow.whole.loads.load(Ordering::Relaxed)), (3, 1));
}

#[tokio::test]
async fn deep_statements_end_with_rows_in_a_moment() {
    let site = Site::filled().await;
    let engine = site.engine();
    let clock = Stopwatch::start();
    let chain = format!("SELECT {}", vec!["1"; 390].join("+"));
    assert_eq!(cell(&engine, &chain).await, "390");
    let links = |count: usize| (0..count).map(|n| format!("pid <> '{n}'")).collect::<Vec<_>>();
    assert_eq!(cell(&engine, &format!("SELECT count(*) FROM logs WHERE {}", links(390).join(" AND "))).await, "1830");
    let list = (0..4_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(cell(&engine, &format!("SELECT count(*) FROM logs WHERE severity IN ({list})")).await, "3000");
    let union = vec!["SELECT 1"; 250].join(" UNION ALL ");
    assert_eq!(rows(&engine, &union).await.unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 250);
    assert!(clock.elapsed() < Duration::from_secs(60), "{:?}", clock.elapsed());
}
