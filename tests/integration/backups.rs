//! `watchroom backup` and `restore`, as an administrator uses them: while the server works, after a kill, in another folder.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::command::{Ran, run};
use crate::load::Known;
use crate::server::{Launch, Server};

fn command(folder: &Path, arguments: &[&str], data: &str) -> Ran {
    let data = folder.join(data);
    let mut arguments = arguments.to_vec();
    arguments.extend(["--data", data.to_str().unwrap()]);
    run(folder, &arguments)
}

async fn open_ticket(server: &Server, title: &str) -> Option<i64> {
    server.post("/api/v1/tickets", json!({ "title": title }).to_string()).await.json()["number"].as_i64()
}

/// A server on what was restored into `data` below a new folder.
async fn restored(folder: &Path, backup: &Path) -> Server {
    let said = command(folder, &["restore", backup.to_str().unwrap()], "data").good();
    assert!(said.contains("Everybody logs in again"), "{said}");
    Launch::on(folder).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_while_tickets_come_in_is_of_one_moment() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Launch::on(folder.path()).start().await;
    let first = open_ticket(&server, "the first").await.unwrap();
    let path = format!("/api/v1/tickets/{first}/attachments?name=photo.jpg");
    let attached = server.request("POST", &path).header("content-type", "image/jpeg").body("a photo").send().await.unwrap();
    assert_eq!(attached.status().as_u16(), 201, "{}", attached.text().await.unwrap());
    let backup = folder.path().join("backup");
    let opening = async {
        let mut opened = 0;
        loop {
            opened = open_ticket(&server, &format!("ticket {opened}")).await.unwrap();
        }
    };
    let (path, name) = (folder.path().to_owned(), backup.to_str().unwrap().to_owned());
    let copying = tokio::task::spawn_blocking(move || {
        // Some tickets come before the copy, and some while it is made.
        std::thread::sleep(Duration::from_millis(300));
        command(&path, &["backup", &name], "data")
    });
    let ran = tokio::select! {
        ran = copying => ran.unwrap(),
        never = opening => never,
    };
    assert!(ran.stderr.contains("keep it where only administrators can read it"), "{}", ran.stderr);
    let said = ran.good();
    assert!(said.contains("1 attached files"), "{said}");
    let last = open_ticket(&server, "after the backup").await.unwrap();

    let copy = restored(elsewhere.path(), &backup).await;
    let numbers = copy.sql("SELECT count(*) AS n, max(number) AS last FROM tickets").await;
    let (count, newest) = (numbers[0]["n"].as_i64().unwrap(), numbers[0]["last"].as_i64().unwrap());
    assert!(count == newest && count > 1 && newest < last, "{count} tickets up to {newest}, and the backup was made before {last}");
    assert_eq!(open_ticket(&copy, "goes on").await, Some(newest + 1));
    let detail = copy.get(&format!("/api/v1/tickets/{first}")).await.json();
    let id = &detail["attachments"][0]["id"];
    let photo = copy.get(&format!("/api/v1/tickets/{first}/attachments/{id}")).await;
    assert_eq!((photo.status, photo.text().as_str()), (200, "a photo"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_desk_is_saved_whole_and_replaced_by_an_older_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    assert_eq!(open_ticket(&server, "one").await, Some(1));
    command(folder.path(), &["backup", "older"], "data").good();
    assert_eq!(open_ticket(&server, "two").await, Some(2));
    let running = command(folder.path(), &["restore", "older", "--replace"], "data");
    assert!(running.code == 1 && running.stderr.contains("is in use by another Watchroom server"), "{}", running.stderr);
    server.kill();
    command(folder.path(), &["backup", "newer"], "data").good();
    let taken = command(folder.path(), &["restore", "older"], "data");
    assert!(taken.code == 1 && taken.stderr.contains("has a desk already"), "{}", taken.stderr);
    let said = command(folder.path(), &["restore", "older", "--replace"], "data").good();
    assert!(said.contains("1 tickets") && said.contains("desk.sqlite.before-restore-"), "{said}");
    let server = Launch::on(folder.path()).start().await;
    assert_eq!(server.number("SELECT count(*) FROM tickets").await, 1);
    server.terminate();
    command(folder.path(), &["restore", "newer", "--replace"], "data").good();
    let server = Launch::on(folder.path()).start().await;
    assert_eq!(server.number("SELECT count(*) FROM tickets").await, 2, "what was committed before the kill is in the backup");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_not_whole_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = Launch::on(folder.path()).start().await;
    command(folder.path(), &["backup", "copy"], "data").good();
    drop(server);
    let again = command(folder.path(), &["backup", "copy"], "data");
    assert!(again.code == 1 && again.stderr.contains("is not empty"), "{}", again.stderr);
    let database = folder.path().join("copy/desk.sqlite");
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(database, bytes).unwrap();
    let refused = command(folder.path(), &["restore", "copy"], "elsewhere");
    assert!(refused.code == 1 && refused.stderr.contains("its SHA-256 differs"), "{}", refused.stderr);
    let none = command(folder.path(), &["restore", "data"], "elsewhere");
    assert!(none.code == 1 && none.stderr.contains("is no backup"), "{}", none.stderr);
}

/// Copies files and folders, but none of the name `without`.
fn copy_folder(from: &Path, to: &Path, without: &str) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap).filter(|entry| entry.file_name() != without) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &target, without),
            // A temporary file may have got its final name meanwhile.
            false => drop(fs::copy(entry.path(), target)),
        }
    }
}

/// The way that the README gives for logs and metrics: the log of each table first, then the files that it names.
#[tokio::test(flavor = "multi_thread")]
async fn tables_copied_log_first_while_lines_come_in_are_whole() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let launch = Launch::on(folder.path()).env("WATCHROOM_TABLE_FLUSH_AGE_MS", 50).env("WATCHROOM_TABLE_CHECKPOINT_INTERVAL_COMMITS", 5);
    let (server, known) = (launch.start().await, Known::default());
    let (client, push, write) = (server.client.clone(), server.url("/insert/jsonline"), server.url("/api/v1/write"));
    let pushing = tokio::spawn(known.clone().push_until_dead(client.clone(), push, "lines".into(), 20, 100));
    let sampling = tokio::spawn(known.clone().sample_until_dead(client, write, 0));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let seen = server.number("SELECT count(*) FROM logs").await;
    let flushed = server.request("POST", "/api/v1/flush").send().await.unwrap();
    assert!(flushed.status().is_success(), "what was seen is not committed");
    let (from, to) = (folder.path().join("data/tables"), elsewhere.path().join("data/tables"));
    for table in ["samples", "series", "logs"] {
        copy_folder(&from.join(table).join("_delta_log"), &to.join(table).join("_delta_log"), "");
    }
    // Commits come between the two steps, so that the copy has files that its log does not know.
    tokio::time::sleep(Duration::from_millis(300)).await;
    copy_folder(&from, &to, "_delta_log");
    server.kill();
    pushing.await.unwrap();
    sampling.await.unwrap();

    let copy = Launch::on(elsewhere.path()).start().await;
    let lines = copy.sql("SELECT count(*) AS n, count(DISTINCT message) AS distinct_lines FROM logs").await;
    assert_eq!(lines[0]["n"], lines[0]["distinct_lines"], "a line is there twice");
    let copied = lines[0]["n"].as_i64().unwrap();
    assert!(copied >= seen && seen > 0, "{copied} lines were copied, and {seen} were committed before");
    let samples = copy.number("SELECT count(*) FROM samples").await;
    assert!(samples > 0 && samples == copy.number("SELECT count(*) FROM metrics").await, "a sample has no series");
}
