//! Every statement of `hostile_statements.txt` against an engine with tight limits: it ends in time, reads no file and
//! writes none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt;

use super::fixture::Site;
use super::{Config, Encoder, Format, QueryEngine, QueryError, QueryRequest};
use crate::clock::Stopwatch;

const CANARY: &str = "canary-5f1c0a";

/// The time that a statement gets, and what an unlucky one may take on a loaded machine.
const TIMEOUT_MS: u64 = 1_000;
const PLACES: usize = 4;
const LONGEST: Duration = Duration::from_secs(30);

#[tokio::test]
async fn hostile_statements_end_within_their_limits_and_touch_no_file() {
    let site = Site::filled().await;
    let canary = site.folder.path().join("canary.csv");
    std::fs::write(&canary, format!("a,b\n{CANARY},{CANARY}\n")).unwrap();
    let fresh = site.folder.path().join("fresh");
    let engine = site.engine_with(Config {
        timeout_ms: TIMEOUT_MS,
        max_rows: 10_000,
        max_result_bytes: 8 << 20,
        memory_bytes: 64 << 20,
        query_memory_bytes: 32 << 20,
        max_spill_bytes: 64 << 20,
        max_concurrent: PLACES,
        max_wait_ms: 60_000,
        ..site.config()
    });
    let before = files(site.folder.path());
    let statements = statements(&canary, &fresh);
    assert!(statements.len() >= 300, "{}", statements.len());
    let (mut refused, mut answered) = (0, 0);
    for statement in &statements {
        let clock = Stopwatch::start();
        let answer = answer(&engine, statement).await;
        let shown: String = statement.chars().take(200).collect();
        // Told in time is not enough: the work has to leave its threads, or a few such statements would hold them all.
        while engine.free_places() < PLACES && clock.elapsed() < LONGEST {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert!(clock.elapsed() < LONGEST, "{shown} held its place for {:?}", clock.elapsed());
        match answer {
            Ok(text) => {
                answered += 1;
                assert!(!text.contains(CANARY) && !text.contains("root:"), "{shown} read a file: {text}");
            }
            Err(error) => {
                refused += 1;
                let told = error.to_string();
                assert_ne!(error.kind(), "internal", "{shown}: {told}");
                assert!(!told.contains(CANARY) && told.len() < 2_000, "{shown}: {told}");
            }
        }
    }
    assert_eq!(files(site.folder.path()), before, "a file was made or removed");
    assert!(refused > answered * 5, "{refused} refused, {answered} answered");
    let rows = super::fixture::cell(&engine, "SELECT count(*) FROM logs").await;
    assert_eq!(rows, "3000", "and the engine goes on");
}

async fn answer(engine: &QueryEngine, statement: &str) -> Result<String, QueryError> {
    let run = engine.run(QueryRequest::new(statement)).await?;
    let mut encoder = Encoder::new(Format::Ndjson, &run.schema()).unwrap();
    let mut text = Vec::new();
    let mut batches = std::pin::pin!(run.into_stream());
    while let Some(batch) = batches.next().await {
        text.extend_from_slice(&encoder.encode(&batch?).unwrap());
    }
    Ok(String::from_utf8(text).unwrap())
}

/// All files below a folder but the engine's spill folder, which is its own business.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("spill") {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn statements(canary: &Path, fresh: &Path) -> Vec<String> {
    let (canary, fresh) = (canary.to_str().unwrap(), fresh.to_str().unwrap());
    let lines = include_str!("hostile_statements.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => generated(name),
            None => line.replace("{canary}", canary).replace("{fresh}", fresh).replace("\\n", "\n").replace("\\0", "\0"),
        })
        .collect()
}

/// Statements that are long or deep.
fn generated(name: &str) -> String {
    let nested =
        |open: &str, core: &str, close: &str, levels: usize| format!("SELECT {}{core}{}", open.repeat(levels), close.repeat(levels));
    match name {
        "empty" => String::new(),
        "blank" => "   ".into(),
        "laughs" => {
            let levels = (1..40).map(|n| format!(", c{n} AS (SELECT a.x FROM c{0} a, c{0} b)", n - 1)).collect::<String>();
            format!("WITH c0 AS (SELECT 1 AS x){levels} SELECT * FROM c39")
        }
        "nested_subqueries" => nested("(SELECT ", "1", ")", 2_000),
        "nested_parentheses" => nested("(", "1", ")", 30_000),
        "nested_functions" => nested("upper(", "'x'", ")", 5_000),
        "nested_case" => nested("CASE WHEN true THEN ", "1", " END", 1_500),
        "nested_arrays" => nested("[", "1", "]", 20_000),
        "long_text" => format!("SELECT '{}'", "x".repeat(1_000_000)),
        "many_columns" => format!("SELECT {} FROM logs", vec!["message"; 20_000].join(",")),
        "many_unions" => vec!["SELECT 1"; 5_000].join(" UNION ALL "),
        "many_joins" => format!("SELECT count(*) FROM {}", (0..1_000).map(|n| format!("logs l{n}")).collect::<Vec<_>>().join(", ")),
        "minus_chain" => format!("SELECT {}1", "- ".repeat(30_000)),
        "not_chain" => format!("SELECT {}true", "NOT ".repeat(15_000)),
        "concat_chain" => format!("SELECT {} FROM logs", vec!["message"; 3_000].join(" || ")),
        "doubling" => {
            let levels = (1..40).map(|n| format!(", c{n} AS (SELECT x || x AS x FROM c{})", n - 1)).collect::<String>();
            format!("WITH c0 AS (SELECT message AS x FROM logs){levels} SELECT length(x) FROM c39")
        }
        "constants" => {
            let text = "x".repeat(20_000);
            format!("SELECT {} FROM (SELECT '{text}' AS x FROM logs) y", vec!["x"; 1_000].join(","))
        }
        other => panic!("no statement is called {other}"),
    }
}
