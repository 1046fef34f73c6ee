//! Forecasts and capacity reports from the command line, and a question of one's own: what is printed, where, and with which exit code.

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::command::{Ran, run, run_with};
use crate::server::{Launch, Server};

const HEADER: &str = "timestamp,mean,lower,upper";

/// A series of days that grows by 1 a day from 100 on, with something of a week in it; moments as `at` writes them.
fn growing(days: i64, at: impl Fn(i64) -> String) -> String {
    let rows: Vec<String> = (0..days).map(|day| format!("{},{}\n", at(day), 100.0 + day as f64 + 0.5 * (day % 7) as f64)).collect();
    format!("timestamp,value\n{}", rows.concat())
}

/// 2026-01-01 is day 0.
fn iso(day: i64) -> String {
    Timestamp::from_second(1_767_225_600 + 86_400 * day).unwrap().to_string()
}

fn unix(day: i64) -> String {
    (1_767_225_600 + 86_400 * day).to_string()
}

/// The rows of a forecast: when, and mean, lower and upper.
fn rows(printed: &str) -> Vec<(String, [f64; 3])> {
    let mut lines = printed.lines();
    assert_eq!(lines.next(), Some(HEADER), "{printed}");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [at, numbers @ ..] = cells.as_slice() else { panic!("{line}") };
        (at.to_string(), numbers.iter().map(|cell| cell.parse().unwrap()).collect::<Vec<f64>>().try_into().unwrap())
    };
    lines.take_while(|line| !line.starts_with('{')).map(row).collect()
}

#[test]
fn a_forecast_is_a_row_a_step_and_a_threshold_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    file("iso.csv", &growing(120, iso));
    file("unix.csv", &growing(120, unix));
    let forecast = |arguments: &[&str]| run(folder.path(), &[&["forecast"], arguments].concat());

    let printed = forecast(&["iso.csv", "--horizon", "30", "--season", "7"]).good();
    let said = rows(&printed);
    assert_eq!((said.len(), printed.lines().count()), (30, 31), "a row a step and nothing else");
    assert_eq!((said[0].0.as_str(), said[29].0.as_str()), ("2026-05-01T00:00:00Z", "2026-05-30T00:00:00Z"));
    for (day, (at, [mean, lower, upper])) in (120..).zip(&said) {
        let truth = 100.0 + f64::from(day) + 0.5 * f64::from(day % 7);
        assert!(lower <= mean && mean <= upper && (mean - truth).abs() < 0.5, "{at}: {lower} {mean} {upper}, {truth} comes");
    }
    // Unix time in gives Unix time out, and the same figures.
    let by_number = rows(&forecast(&["unix.csv", "--horizon", "30", "--season", "7"]).good());
    assert_eq!(by_number[0].0, "1777593600");
    let figures = |said: &[(String, [f64; 3])]| said.iter().map(|row| row.1).collect::<Vec<_>>();
    assert_eq!(figures(&by_number), figures(&said));
    // Standard input is a file like any other.
    let piped = run_with(folder.path(), &["forecast", "-", "--horizon", "30", "--season", "7"], &[], growing(120, iso).as_bytes());
    assert_eq!(piped.good(), printed);
    // A series that wavers: less certainty is a narrower interval, and the mean is the same.
    let wavering: String = (0..120).map(|day| format!("{},{}\n", unix(day), 100 + day + (day * 7919) % 13)).collect();
    file("wavering.csv", &format!("timestamp,value\n{wavering}"));
    let at_level = |level: &str| rows(&forecast(&["wavering.csv", "--horizon", "5", "--level", level]).good());
    for ((_, [wide_mean, low, high]), (_, [mean, lower, upper])) in at_level("0.95").iter().zip(&at_level("0.6")) {
        assert!(low < lower && upper < high && (wide_mean - mean).abs() < 1e-9, "{low} {lower} {upper} {high}");
    }

    // 222 are in use on the last day: 250 are there after four weeks.
    let printed = forecast(&["iso.csv", "--horizon", "2", "--threshold", "250", "--level", "0.9"]).good();
    assert_eq!((rows(&printed).len(), printed.lines().count()), (2, 4));
    let line: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    let days = |key: &str| line[key].as_f64().unwrap_or_else(|| panic!("{key} in {line}"));
    assert_eq!((days("threshold"), days("level"), days("within_days")), (250.0, 0.9, 365.0));
    assert!(days("lower_days") <= days("median_days") && days("median_days") <= days("upper_days"), "{line}");
    assert!((24.0..=34.0).contains(&days("median_days")) && days("chance") > 0.9, "{line}");
    let never: Value =
        serde_json::from_str(forecast(&["iso.csv", "--horizon", "1", "--threshold", "1e9"]).good().lines().last().unwrap()).unwrap();
    assert!(never["median_days"].is_null() && never["chance"] == 0.0, "{never}");
    let passed = forecast(&["iso.csv", "--horizon", "1", "--threshold", "-5"]).good();
    assert!(passed.contains("\"median_days\":0.0"), "{passed}");
    // Fifteen hours are a forecast, and no days that a threshold could be told in.
    file("hours.csv", &growing(15, |hour| (1_767_225_600 + 3_600 * hour).to_string()).replace(',', ";"));
    let printed = forecast(&["hours.csv", "--horizon", "2", "--threshold", "500"]).good();
    let line: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    assert!(rows(&printed).len() == 2 && line["median_days"].is_null() && line["chance"].is_null(), "{printed}");
    assert!(line["note"].as_str().unwrap().contains("1 of the 14 values"), "{line}");
}

#[test]
fn rows_out_of_order_are_told_and_taken_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines: Vec<String> = growing(60, unix).lines().map(str::to_owned).collect();
    let forecast = |lines: &[String]| {
        std::fs::write(folder.path().join("series.csv"), lines.join("\n")).unwrap();
        run(folder.path(), &["forecast", "series.csv", "--horizon", "3"])
    };
    let in_order = forecast(&lines);
    lines.swap(9, 10);
    lines.insert(20, lines[19].replace(',', ",9"));
    lines.insert(21, lines[19].clone());
    let told = forecast(&lines);
    assert!(
        told.stderr.contains("earlier than the one before, first line 11") && told.stderr.contains("the later one counts"),
        "{}",
        told.stderr
    );
    assert_eq!(told.good(), in_order.good());
}

#[test]
fn what_cannot_be_forecast_is_told_and_nothing_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |what: &str, text: &str, more: &[&str], code: i32, words: &[&str]| {
        std::fs::write(folder.path().join("series.csv"), text).unwrap();
        let ran = run(folder.path(), &[&["forecast", "series.csv", "--horizon", "3"], more].concat());
        assert_eq!((ran.code, ran.text().as_str()), (code, ""), "{what}: {}", ran.stderr);
        words.iter().for_each(|word| assert!(ran.stderr.contains(word), "{what}: {word:?} is not in {}", ran.stderr));
    };
    let good = growing(60, unix);
    let with_line = |at: usize, line: &str| -> String {
        let mut lines: Vec<&str> = good.lines().collect();
        lines[at - 1] = line;
        lines.join("\n")
    };
    refused(
        "no header",
        &good.replace("timestamp,value\n", ""),
        &[],
        1,
        &["series.csv", "the first line is `1767225600,100`", "timestamp and value"],
    );
    refused("no number", &with_line(10, &format!("{},lots", unix(8))), &[], 1, &["line 10: `lots` is no number"]);
    refused("no time", &with_line(10, "soon,108"), &[], 1, &["line 10: `soon` is no time", "2026-11-22T08:00:00Z"]);
    refused("too few cells", &with_line(10, &unix(8)), &[], 1, &["line 10", "fewer columns"]);
    refused("too short", &growing(5, iso), &[], 1, &["not enough history: 5 of the 14"]);
    refused("one moment", &growing(1, iso), &[], 1, &["not enough history: 1 points"]);
    refused("no rows", "timestamp,value\n", &[], 1, &["not enough history: 0 points"]);
    refused("empty", "", &[], 1, &["it is empty"]);
    refused(
        "only gaps",
        &format!("timestamp,value\n{}", (0..60).map(|day| format!("{},\n", unix(day))).collect::<String>()),
        &[],
        1,
        &["not enough history"],
    );
    refused("a threshold that is none", &good, &["--threshold", "nan"], 1, &["threshold is NaN", "a finite number"]);
    refused("a level that is none", &good, &["--level", "95"], 1, &["level is 95", "between 0.5 and 0.999"]);
    refused("a season that is none", &good, &["--season", "weekly"], 2, &["--season", "auto or a number of steps"]);
    refused("a season too long", &good, &["--season", "60"], 1, &["not enough history: 60 of the 120"]);
    let far = run(folder.path(), &["forecast", "series.csv", "--horizon", "0"]);
    assert!(far.code == 1 && far.text().is_empty() && far.stderr.contains("ask for 1 to "), "{}", far.stderr);
    let missing = run(folder.path(), &["forecast", "missing.csv", "--horizon", "3"]);
    assert!(
        missing.code == 1 && missing.text().is_empty() && missing.stderr.contains("missing.csv cannot be opened"),
        "{}",
        missing.stderr
    );
    let without = run(folder.path(), &["forecast", "series.csv"]);
    assert!(without.code == 2 && without.stderr.contains("--horizon"), "{}", without.stderr);
}

/// Days that the queue is measured: as many as a question is asked about at once.
const DAYS: i64 = 30;

/// A question of the user's own: letters in a queue, told by log lines.
const QUEUES: &str = "\
-- name: queues
-- description: Letters in each queue.
-- kind: queue
-- entity: host
-- used: letters
-- fixed_limit: 1000
-- unit: letters
-- headroom: 10%
-- basis: max
-- runbook: Look who writes so many.

SELECT timestamp, host, CAST(attributes['letters'] AS DOUBLE) AS letters
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end AND app = 'queue'
";

/// A server with the user's questions in `questions`, and a queue that has grown by five a day for thirty days.
async fn with_questions(folder: &Path) -> Server {
    let questions = folder.join("questions");
    std::fs::create_dir_all(&questions).unwrap();
    std::fs::write(questions.join("queues.sql"), QUEUES).unwrap();
    let config = format!("[capacity]\nquestions_dir = \"{}\"\n", questions.display());
    std::fs::write(folder.join("watchroom.toml"), config).unwrap();
    let server = Launch::on(folder).flag("--config", folder.join("watchroom.toml").to_str().unwrap()).start().await;
    let today = Timestamp::now().as_second().div_euclid(86_400);
    let line = |day: i64| {
        let at = Timestamp::from_second(86_400 * (today - DAYS + day) + 3_600).unwrap();
        format!(
            "{}\n",
            json!({ "_time": at.to_string(), "host": "mail01", "app": "queue", "_msg": "counted", "letters": (550 + 5 * day).to_string() })
        )
    };
    let answer = server.post("/insert/jsonline", (0..DAYS).map(line).collect::<String>()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    server.wait_for("SELECT count(*) FROM logs", DAYS, std::time::Duration::from_secs(30)).await;
    server
}

async fn judge(server: &Server) -> Value {
    let answer = server.post("/api/v1/capacity/run", "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn report(folder: &Path, arguments: &[&str]) -> Ran {
    let data = folder.join("data");
    run(folder, &[&["report", "capacity", "--data", data.to_str().unwrap()], arguments].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_ones_own_is_asked_and_a_broken_one_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_questions(folder.path()).await;
    let ran = judge(&server).await;
    assert_eq!(
        (&ran["resources"], &ran["failed"], &ran["broken"]),
        (&json!(2), &json!([]), &json!([])),
        "the queue, and the volume of its log: {ran}"
    );
    let list = server.get("/api/v1/capacity?kind=queue").await.json();
    let queue = &list["resources"][0];
    assert_eq!((&queue["name"], &queue["status"], &queue["limit"]), (&json!("mail01"), &json!("crosses"), &json!(1000.0)), "{list}");
    // 695 on the last day, 900 are to be kept free of: 41 days later.
    let median: jiff::civil::Date = queue["median"].as_str().unwrap().parse().unwrap();
    let ahead = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().until(median).unwrap().get_days();
    assert!((35..=48).contains(&ahead), "{queue}");

    // A file that came later and cannot be read, and one whose statement cannot be asked: both are told, and the others run on.
    let questions = folder.path().join("questions");
    std::fs::write(questions.join("broken.sql"), QUEUES.replace("-- basis: max\n", "").replace("name: queues", "name: broken")).unwrap();
    std::fs::write(questions.join("failing.sql"), QUEUES.replace("FROM logs", "FROM letters").replace("name: queues", "name: failing"))
        .unwrap();
    let ran = judge(&server).await;
    assert_eq!(ran["resources"], 2, "{ran}");
    let only = |list: &Value, words: [&str; 2]| {
        let [said] = list.as_array().unwrap().as_slice() else { panic!("{list}") };
        words.iter().for_each(|word| assert!(said.as_str().unwrap().contains(word), "{word} is not in {said}"));
    };
    only(&ran["broken"], ["broken.sql", "basis"]);
    only(&ran["failed"], ["failing", "letters"]);
    assert_eq!(server.get("/api/v1/capacity?kind=queue").await.json()["resources"][0]["name"], "mail01");
    assert!(server.stderr().contains("broken.sql"), "{}", server.stderr());
    let config = folder.path().join("watchroom.toml");
    let checked = run(folder.path(), &["check", "--config", config.to_str().unwrap()]);
    assert!(checked.code == 2 && checked.stderr.contains("broken.sql"), "{}", checked.stderr);

    // Mended, it is asked; taken away, what it found is forgotten.
    std::fs::write(questions.join("broken.sql"), QUEUES.replace("name: queues", "name: broken").replace("kind: queue", "kind: mended"))
        .unwrap();
    std::fs::remove_file(questions.join("failing.sql")).unwrap();
    let ran = judge(&server).await;
    assert_eq!((&ran["resources"], &ran["failed"], &ran["broken"]), (&json!(3), &json!([]), &json!([])), "{ran}");
    std::fs::remove_file(questions.join("broken.sql")).unwrap();
    assert_eq!(judge(&server).await["resources"], 2);
    assert_eq!(server.get("/api/v1/capacity?kind=mended").await.json()["resources"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_capacity_report_has_every_form_and_says_why_there_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let server = with_questions(folder.path()).await;
    judge(&server).await;
    let made: Value = serde_json::from_str(&report(folder.path(), &["--format", "json"]).good()).expect("the report is JSON");
    assert_eq!((&made["resources"][0]["name"], &made["summary"]["crossing_within_horizon"]), (&json!("mail01"), &json!(1)), "{made}");
    let csv = report(folder.path(), &["--format", "csv"]).good();
    assert!(csv.starts_with("id,question,kind,name,") && csv.contains(",queues,queue,mail01,letters,crosses,"), "{csv}");
    let page = folder.path().join("capacity.html");
    assert_eq!(report(folder.path(), &["--format", "html", "--output", page.to_str().unwrap()]).good(), "");
    let html = std::fs::read_to_string(page).unwrap();
    assert!(html.contains("mail01") && html.contains("<svg") && html.trim_end().ends_with("</html>"), "{}", html.len());
    let text = report(folder.path(), &[]).good();
    assert!(text.contains("2 resources: 1 reach their threshold") && text.contains("mail01"), "{text}");

    // As it would have been told ten days ago: less was in use, and there were fewer days.
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let before = today.checked_sub(jiff::Span::new().days(10)).unwrap().to_string();
    let then: Value = serde_json::from_str(&report(folder.path(), &["--as-of", &before, "--format", "json"]).good()).unwrap();
    assert_eq!(then["as_of"], json!(before));
    let used = |report: &Value| report["resources"][0]["used"].as_f64().unwrap();
    assert!(used(&then) < used(&made) && then["resources"][0]["history"].as_array().unwrap().len() < 25, "{then}");

    let refused = |ran: Ran, code: i32, words: &str| {
        assert_eq!((ran.code, ran.text().as_str()), (code, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains(words), "{words:?} is not in {}", ran.stderr);
    };
    for wrong in ["soon", "2026-02-30", "2026-02-03T10:00", "20260203"] {
        refused(report(folder.path(), &["--as-of", wrong]), 2, "write one such as 2026-11-21");
    }
    for format in ["html", "json", "csv", "text"] {
        refused(report(folder.path(), &["--as-of", "2101-01-01", "--format", format]), 1, "the last whole day is");
    }
    refused(report(folder.path(), &["--format", "pdf"]), 2, "pdf");
    refused(report(folder.path(), &["--from", "7d"]), 1, "give --as-of instead");
    tokio::task::spawn_blocking(|| server.terminate()).await.unwrap();
    // The folder is the same without a server; another folder is none, and is not made.
    let config = folder.path().join("watchroom.toml");
    let offline = report(folder.path(), &["--format", "csv", "--config", config.to_str().unwrap()]).good();
    assert!(offline.contains(",queues,queue,mail01,letters,crosses,"), "{offline}");
    let nowhere = folder.path().join("nowhere");
    let arguments = ["report", "capacity", "--data", nowhere.to_str().unwrap()];
    refused(run(folder.path(), &arguments), 1, "there is no data in it");
    assert!(!nowhere.try_exists().unwrap());
    refused(run(folder.path(), &["report", "capacity", "--server", "http://127.0.0.1:9"]), 1, "does not answer; is it running?");
}
