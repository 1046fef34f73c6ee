//! Writers that share a commit: what is told is there, what was given up is not, and nobody spoils it for the others.

#![allow(clippy::disallowed_methods, reason = "a test joins the tasks that it spawns")]

use std::path::Path;
use std::time::Duration;

use futures::FutureExt;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};

use super::{DESK_FILE, Store, StoreError, WriteTransaction};

async fn note(write: &mut WriteTransaction, name: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO counters (name, value) VALUES (?1, 1)").bind(name).execute(&mut **write).await?;
    Ok(())
}

/// What somebody else sees who opens the file: only what is committed.
async fn look(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).read_only(true).connect().await.unwrap()
}

async fn noted(connection: &mut SqliteConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT name FROM counters WHERE name <> 'ticket' ORDER BY name").fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn nobody_is_told_before_the_commit_that_they_share() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DESK_FILE);
    let store = Store::open(&path).await.unwrap();
    let mut first = store.write_with_others().await.unwrap();
    note(&mut first, "a").await.unwrap();
    // The second stands in the line before the first is complete, and so comes into its transaction.
    let second = tokio::spawn({
        let store = store.clone();
        async move { store.write_with_others().await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut first_told = Box::pin(first.commit());
    assert!((&mut first_told).now_or_never().is_none());
    let mut second = second.await.unwrap();
    note(&mut second, "b").await.unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut first_told).await.is_err(), "told while nothing is durable");
    let mut other = look(&path).await;
    assert!(noted(&mut other).await.is_empty());
    second.commit().await.unwrap();
    first_told.await.unwrap();
    assert_eq!(noted(&mut other).await, ["a", "b"]);
}

#[tokio::test]
async fn what_is_given_up_takes_nothing_of_the_others_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DESK_FILE);
    let store = Store::open(&path).await.unwrap();
    let writers = (0..120).map(|at| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut write = store.write_with_others().await.unwrap();
            let name = format!("{at:03}");
            note(&mut write, &name).await.unwrap();
            match at % 4 {
                // Gives up by itself.
                1 => return None,
                // What it writes next is refused.
                2 => {
                    assert!(note(&mut write, &name).await.is_err());
                    return None;
                }
                _ => write.commit().await.unwrap(),
            }
            Some(name)
        })
    });
    let told: Vec<String> = futures::future::join_all(writers).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(told.len(), 60);
    assert_eq!(noted(&mut look(&path).await).await, told);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_cut_off_spoils_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DESK_FILE);
    let store = Store::open(&path).await.unwrap();
    let writers: Vec<_> = (0..200_u64)
        .map(|at| {
            let store = store.clone();
            tokio::spawn(async move {
                let work = async {
                    let mut write = store.write_with_others().await?;
                    note(&mut write, &format!("{at:03}")).await?;
                    tokio::task::yield_now().await;
                    note(&mut write, &format!("{at:03} too")).await?;
                    write.commit().await
                };
                // Cut off at any point: in the line, at the savepoint, while writing, while waiting for the commit.
                let patience = if at % 2 == 0 { Duration::from_secs(60) } else { Duration::from_micros(at * 37 % 6_000) };
                tokio::time::timeout(patience, work).await.ok().map(|done| done.map(|()| format!("{at:03}")))
            })
        })
        .collect();
    let mut told = Vec::new();
    for writer in writers {
        if let Some(done) = writer.await.unwrap() {
            told.push(done.unwrap());
        }
    }
    assert!(told.len() >= 100);
    // Whoever was cut off while waiting may have been written all the same.
    let kept = noted(&mut look(&path).await).await;
    assert!(told.iter().all(|name| kept.contains(name)), "told and not kept");
    let whole = |name: &String| name.ends_with("too") || kept.contains(&format!("{name} too"));
    assert!(kept.iter().all(whole) && kept.len() % 2 == 0, "half a part was kept");
    let mut write = store.write_with_others().await.unwrap();
    note(&mut write, "last").await.unwrap();
    write.commit().await.unwrap();
}

#[tokio::test]
async fn all_of_a_group_hear_that_the_database_rolled_back_by_itself_and_the_next_one_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DESK_FILE);
    let store = Store::open(&path).await.unwrap();
    let mut first = store.write_with_others().await.unwrap();
    note(&mut first, "a").await.unwrap();
    let second = tokio::spawn({
        let store = store.clone();
        async move { store.write_with_others().await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let first = tokio::spawn(first.commit());
    let mut second = second.await.unwrap();
    // As SQLite does by itself when the disk is full in the middle of a statement.
    sqlx::raw_sql("ROLLBACK").execute(&mut *second).await.unwrap();
    drop(second);
    assert!(first.await.unwrap().is_err());
    let mut third = store.write_with_others().await.unwrap();
    note(&mut third, "c").await.unwrap();
    third.commit().await.unwrap();
    assert_eq!(noted(&mut look(&path).await).await, ["c"]);
}

#[tokio::test]
async fn who_writes_alone_sees_only_what_is_durable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DESK_FILE);
    let store = Store::open(&path).await.unwrap();
    let writers = (0..60).map(|at| {
        let (store, path) = (store.clone(), path.clone());
        tokio::spawn(async move {
            let name = format!("{at:03}");
            if at % 3 > 0 {
                let mut write = store.write_with_others().await.unwrap();
                note(&mut write, &name).await.unwrap();
                return write.commit().await.unwrap();
            }
            let mut write = store.write().await.unwrap();
            let seen = noted(&mut write).await;
            assert_eq!(seen, noted(&mut look(&path).await).await);
            note(&mut write, &name).await.unwrap();
            write.commit().await.unwrap();
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(noted(&mut look(&path).await).await.len(), 60);
}

#[tokio::test]
async fn a_transaction_that_nobody_commits_does_not_stay_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(DESK_FILE);
    let store = Store::open(&path).await.unwrap();
    drop(store.write_with_others().await.unwrap());
    // Another program can write, without this one writing again.
    let other = SqliteConnectOptions::new().filename(&path).busy_timeout(Duration::from_secs(5));
    let mut other = other.connect().await.unwrap();
    sqlx::query("INSERT INTO counters (name, value) VALUES ('other', 1)").execute(&mut other).await.unwrap();
}
