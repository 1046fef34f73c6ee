//! What queries see of the tables: every row once, and no file that cannot matter.

use super::fixture::{START_US, Site, cell, lines, logs, rows, samples, series};
use super::{QueryError, QueryRequest};
use crate::clock::DAY_US;

#[tokio::test]
async fn rows_in_files_and_in_memory_are_seen_exactly_once() {
    let site = Site::filled().await;
    let engine = site.engine();
    assert_eq!(site.tables.logs.snapshot().files.len(), 2);
    assert_eq!(cell(&engine, "SELECT count(*) FROM logs").await, "3000");
    assert_eq!(cell(&engine, "SELECT count(DISTINCT message) FROM logs").await, "3000");
    assert_eq!(cell(&engine, "SELECT count(*) FROM logs a JOIN logs b ON a.message = b.message").await, "3000");
    assert_eq!(
        lines(&engine, "SELECT date, count(*), min(timestamp) FROM logs GROUP BY date ORDER BY date").await,
        ["2026-11-20|1000|2026-11-20T00:00:00Z", "2026-11-21|1000|2026-11-21T00:00:00Z", "2026-11-22|1000|2026-11-22T00:00:00Z"]
    );
    site.tables.logs.flush().await.unwrap();
    assert_eq!(cell(&engine, "SELECT count(*), count(DISTINCT message) FROM logs").await, "3000|3000");
}

#[tokio::test]
async fn rows_in_memory_out_of_the_filters_range_are_not_looked_at() {
    let site = Site::filled().await;
    let engine = site.engine();
    for (filter, rows, looks) in [
        ("timestamp >= '2026-11-22T00:00:00Z'", "1000", true),
        ("timestamp < '2026-11-22T00:00:00Z'", "2000", false),
        ("timestamp <= '2026-11-22T00:00:00Z'", "2001", true),
        ("timestamp < '2026-11-22T00:00:00Z' OR date = '2026-11-22'", "3000", true),
    ] {
        let counting = format!("SELECT count(message) FROM logs WHERE {filter}");
        assert_eq!(cell(&engine, &counting).await, rows, "{filter}");
        let plan = lines(&engine, &format!("EXPLAIN {counting}")).await.join("\n");
        assert_eq!(plan.contains("partition_sizes"), looks, "{filter}: {plan}");
    }
}

#[tokio::test]
async fn an_event_far_ahead_has_the_same_date_in_memory_and_in_its_file() {
    let site = Site::empty().await;
    let engine = site.engine();
    let mut columns = logs(0, 0..1).columns().to_vec();
    columns[0] = logs(9, 0..1).column(0).clone();
    site.tables.logs.append(arrow::array::RecordBatch::try_new(logs(0, 0..1).schema(), columns).unwrap(), None);
    assert_eq!(cell(&engine, "SELECT date FROM logs").await, "2026-11-20");
    site.tables.logs.flush().await.unwrap();
    assert_eq!(cell(&engine, "SELECT date FROM logs").await, "2026-11-20");
}

#[tokio::test]
async fn every_column_reads_back_from_files_as_from_memory() {
    let site = Site::empty().await;
    let engine = site.engine();
    site.tables.logs.append(logs(0, 0..50), None);
    let all = "SELECT * FROM logs ORDER BY timestamp";
    let before = lines(&engine, all).await;
    site.tables.logs.flush().await.unwrap();
    assert_eq!(lines(&engine, all).await, before);
    assert_eq!(before.len(), 50);
    assert!(before[7].contains(r"raw \xff bytes"), "{}", before[7]);
    assert_eq!(
        lines(&engine, "SELECT DISTINCT attributes['user'] AS who FROM logs WHERE attributes['n'] < '3' ORDER BY who").await,
        ["user-0", "user-1", "user-2", "user-3", "user-4"]
    );
    assert_eq!(
        cell(&engine, "SELECT severity_name(severity) || '/' || facility_name(facility) FROM logs WHERE pid = '3'").await,
        "error/daemon"
    );
}

#[tokio::test]
async fn a_message_has_its_template_whatever_type_its_text_has() {
    let site = Site::empty().await;
    let engine = site.engine();
    let message = "'request 17 from 10.0.0.1 took 3 ms'";
    for kind in ["Utf8", "LargeUtf8", "Utf8View"] {
        let asked = format!("SELECT log_template(arrow_cast({message}, '{kind}'))");
        assert_eq!(cell(&engine, &asked).await, "request <*> from <*> took <*> ms", "{kind}");
    }
    let counted = "SELECT log_template(m) || ': ' || count(*) AS line FROM (VALUES ('user 1 came'), ('user 22 came'), ('disk full'), (NULL)) \
        AS t(m) WHERE m IS NOT NULL GROUP BY log_template(m) ORDER BY line";
    assert_eq!(lines(&engine, counted).await, ["disk full: 1", "user <*> came: 2"]);
    assert_eq!(cell(&engine, "SELECT log_template(NULL) IS NULL").await, "true");
    assert!(rows(&engine, "SELECT log_template(17, 4)").await.is_err());
    let long = "SELECT max(length(log_template(repeat('1 ', 30000))))";
    assert!(cell(&engine, long).await.parse::<u32>().unwrap() < 8_192, "what is long is cut");
}

/// Deletes the files of a table that `keep` does not keep: a query that opens one of them fails.
fn delete_files(table: &crate::table::Table, keep: impl Fn(&crate::table::DataFile) -> bool) -> usize {
    let snapshot = table.snapshot();
    let gone = snapshot.files.iter().filter(|file| !keep(file));
    gone.map(|file| std::fs::remove_file(snapshot.root.join(&file.path)).unwrap()).count()
}

#[tokio::test]
async fn files_out_of_the_filters_range_are_not_opened() {
    let site = Site::filled().await;
    let first_day = (START_US / DAY_US) as i32;
    assert_eq!(delete_files(&site.tables.logs, |file| file.day == Some(first_day)), 1);
    let engine = site.engine();
    for filter in [
        "timestamp < '2026-11-21T00:00:00Z'",
        "date = '2026-11-20'",
        "date <> '2026-11-21' AND date <> '2026-11-22'",
        "timestamp >= '2026-11-20T00:00:00Z' AND timestamp < TIMESTAMP '2026-11-20T23:00:00Z'",
        "timestamp BETWEEN '2026-11-20T00:00:00Z' AND '2026-11-20T23:59:59.999999Z'",
    ] {
        assert_eq!(cell(&engine, &format!("SELECT count(DISTINCT message) FROM logs WHERE {filter}")).await, "1000", "{filter}");
    }
    assert_eq!(cell(&engine, "SELECT count(DISTINCT message) FROM logs WHERE host = 'nowhere'").await, "0", "text ranges prune");
    let error = rows(&engine, "SELECT count(DISTINCT message) FROM logs").await.unwrap_err();
    assert_eq!(error.kind(), "internal", "the deleted file is missed when it matters: {error}");
}

#[tokio::test]
async fn counts_and_integer_ranges_are_answered_without_opening_a_file() {
    let site = Site::filled().await;
    site.tables.samples.flush().await.unwrap();
    assert_eq!(delete_files(&site.tables.samples, |_| false), 5);
    let engine = site.engine();
    assert_eq!(cell(&engine, "SELECT count(*) FROM samples").await, "3000");
    assert_eq!(cell(&engine, "SELECT min(series_id), max(series_id) FROM samples").await, "0|9000");
}

#[tokio::test]
async fn the_newest_rows_leave_older_files_unopened() {
    let site = Site::empty().await;
    for day in 0..4 {
        site.tables.logs.append(logs(day, 0..100), None);
        site.tables.logs.flush().await.unwrap();
    }
    let engine = site.engine_with(super::Config { target_partitions: 1, ..site.config() });
    let analyzed = lines(&engine, "EXPLAIN ANALYZE SELECT message FROM logs ORDER BY timestamp DESC LIMIT 5").await.join("\n");
    assert!(analyzed.contains("files_ranges_pruned_statistics=4 total → 1 matched"), "{analyzed}");
}

#[tokio::test]
async fn metrics_reads_samples_of_the_named_series_only() {
    let site = Site::filled().await;
    site.tables.samples.flush().await.unwrap();
    let engine = site.engine();
    // Of two days, the files of the upper half of the ids hold nothing but `disk`.
    let cpu_too = |file: &crate::table::DataFile| file.statistics.columns["series_id"].min == Some(crate::table::Value::Int(0));
    assert_eq!(delete_files(&site.tables.samples, cpu_too), 2);
    assert_eq!(cell(&engine, "SELECT count(value), max(value) FROM metrics WHERE name = 'cpu'").await, "1485|498.0", "NaN is left out");
    assert_eq!(
        cell(
            &engine,
            "SELECT sum(value) FROM metrics WHERE labels['mode'] = 'idle' AND name = 'cpu' AND host = 'host-01' AND date = '2026-11-20'"
        )
        .await,
        "14751.0"
    );
    let error = rows(&engine, "SELECT count(value) FROM metrics WHERE name = 'disk'").await.unwrap_err();
    assert_eq!(error.kind(), "internal", "{error}");
}

#[tokio::test]
async fn metrics_prunes_row_groups_and_pages_of_other_series() {
    let site = Site::empty().await;
    site.tables.series.append(series(0..500), None);
    for part in 0..5 {
        site.tables.samples.append(samples(0, part * 100..(part + 1) * 100), None);
    }
    site.tables.samples.flush().await.unwrap();
    let engine = site.engine_with(super::Config { target_partitions: 1, ..site.config() });
    let sql = "EXPLAIN ANALYZE SELECT avg(value) FROM metrics WHERE host = 'host-07'";
    let analyzed = lines(&engine, sql).await.join("\n");
    let pages = analyzed.split("page_index_rows_pruned=").nth(1).unwrap_or_default();
    assert!(pages.starts_with("50.00 K total → 16.38 K matched"), "one page of the four is left: {analyzed}");
}

#[tokio::test]
async fn a_query_tells_its_versions_and_can_be_run_again_over_them() {
    let site = Site::filled().await;
    let engine = site.engine();
    let count = "SELECT count(*) FROM logs";
    let then = engine.run(QueryRequest::new(count)).await.unwrap().versions().clone();
    assert_eq!(then.keys().collect::<Vec<_>>(), ["logs"], "only what was read");
    site.tables.logs.append(logs(5, 0..10), None);
    site.tables.logs.flush().await.unwrap();
    assert_eq!(cell(&engine, count).await, "3010");
    let mut again = engine.run(QueryRequest { at_version: Some(then.clone()), ..QueryRequest::new(count) }).await.unwrap();
    assert_eq!(again.versions(), &then);
    let batches = again.collect().await.unwrap();
    assert_eq!(super::json_rows::cell_text(batches[0].column(0), 0).unwrap(), "2000", "what was committed then");
    let metrics = engine.run(QueryRequest::new("SELECT 1 FROM metrics LIMIT 1")).await.unwrap();
    assert_eq!(metrics.versions().keys().collect::<Vec<_>>(), ["samples", "series"]);
    let unknown = QueryRequest { at_version: Some([("logs".to_owned(), 99)].into()), ..QueryRequest::new(count) };
    assert!(matches!(engine.run(unknown).await.unwrap_err(), QueryError::Invalid { .. }));
}
