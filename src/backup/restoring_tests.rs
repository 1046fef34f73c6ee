//! Backups made of a real store, restored, and refused.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::data_folder::DataFolder;
use crate::desk::{Actor, Change, Desk, NewAttachment, NewTicket};
use crate::store::{ATTACHMENTS_FOLDER, DESK_FILE, FileStore, Store};

struct Site {
    folder: TempDir,
    clock: Clock,
}

fn ines() -> Actor {
    Actor { name: "user ines".into(), origin: "10.0.0.9".into() }
}

impl Site {
    /// A data folder with tickets, one of them with a file.
    async fn with_tickets(tickets: usize) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap(), clock: Clock::manual(1_800_000_000_000_000) };
        fs::create_dir(site.data()).unwrap();
        let store = Store::open(&site.data().join(DESK_FILE)).await.unwrap();
        let desk = Desk::new(store.clone(), site.clock.clone());
        for n in 0..tickets {
            let new: NewTicket = serde_json::from_value(serde_json::json!({ "title": format!("printer {n} is jammed") })).unwrap();
            let (ticket, _) = desk.create(&new, &ines(), None).await.unwrap();
            let change = Change { comment: Some("I look at it.".into()), assignee: Some("ines".into()), ..Change::default() };
            desk.change(ticket.number, None, &change, &ines()).await.unwrap();
        }
        let sha256 = FileStore::new(site.data().join(ATTACHMENTS_FOLDER)).put(b"a photo of the printer").unwrap();
        let new = NewAttachment { name: "photo.jpg".into(), media_type: "image/jpeg".into(), bytes: 22, sha256, internal: false };
        desk.attach(1, new, &ines(), None).await.unwrap();
        store.close().await;
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    async fn back_up(&self) -> PathBuf {
        let target = self.path("backup");
        make_backup(&self.data(), &target, &self.clock, &|_| ()).await.unwrap();
        target
    }

    async fn restore(&self, replace: bool) -> anyhow::Result<Restored> {
        restore_backup(&self.path("backup"), &self.path("restored"), replace, &self.clock, &|_| ()).await
    }

    /// The only attached file below a folder.
    fn attachment(&self, below: &str) -> PathBuf {
        let outer = fs::read_dir(self.path(below).join(ATTACHMENTS_FOLDER)).unwrap().next().unwrap().unwrap().path();
        fs::read_dir(outer).unwrap().next().unwrap().unwrap().path()
    }
}

async fn ticket_count(data: &Path) -> i64 {
    let store = Store::open(&data.join(DESK_FILE)).await.unwrap();
    let mut read = store.read().await.unwrap();
    let tickets = sqlx::query_scalar("SELECT count(*) FROM tickets").fetch_one(&mut *read).await.unwrap();
    drop(read);
    store.close().await;
    tickets
}

async fn run_sql(database: &Path, sql: &'static str) {
    let store = Store::open(database).await.unwrap();
    let mut write = store.write().await.unwrap();
    sqlx::query(sql).execute(&mut *write).await.unwrap();
    write.commit().await.unwrap();
    store.close().await;
}

/// Writes into the manifest what the backup's database now is: an alteration that hashes alone do not show.
fn forge_manifest(backup: &Path) {
    let mut manifest = Manifest::read(backup).unwrap();
    manifest.database = super::copying::measure(&backup.join(DESK_FILE), &|_| ()).unwrap();
    fs::write(backup.join(MANIFEST_FILE), serde_json::to_string(&manifest).unwrap()).unwrap();
}

#[tokio::test]
async fn what_was_backed_up_comes_back() {
    let site = Site::with_tickets(3).await;
    let backup = site.back_up().await;
    let manifest = Manifest::read(&backup).unwrap();
    assert_eq!((manifest.attachments.len(), manifest.missing.len()), (1, 0));
    assert_eq!(manifest.made_at, "2027-01-15T08:00:00Z");
    let restored = site.restore(false).await.unwrap();
    assert_eq!((restored.tickets, restored.kept, restored.missing), (3, None, vec![]));
    assert_eq!(ticket_count(&site.path("restored")).await, 3);
    assert_eq!(fs::read(site.attachment("restored")).unwrap(), b"a photo of the printer");
    let store = Store::open(&site.path("restored").join(DESK_FILE)).await.unwrap();
    let desk = Desk::new(store, site.clock.clone());
    let detail = desk.get(1).await.unwrap();
    assert_eq!((detail.ticket.assignee.as_deref(), detail.attachments[0].name.as_str()), (Some("ines"), "photo.jpg"));
    assert_eq!(detail.ticket, desk.replayed(1).await.unwrap());
}

#[tokio::test]
async fn only_the_owner_may_read_a_backup_and_no_trace_of_the_making_stays() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::with_tickets(1).await;
    let backup = site.back_up().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&backup), mode(&backup.join(DESK_FILE)), mode(&backup.join(MANIFEST_FILE))), (0o700, 0o600, 0o600));
    assert_eq!(mode(&site.attachment("backup")), 0o600);
    let mut names: Vec<_> = fs::read_dir(&backup).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["attachments", "desk.sqlite", "manifest.json"]);
    assert!(!site.path("backup.partial").try_exists().unwrap());
}

#[tokio::test]
async fn nothing_is_overwritten() {
    let site = Site::with_tickets(1).await;
    site.back_up().await;
    let again = make_backup(&site.data(), &site.path("backup"), &site.clock, &|_| ()).await.unwrap_err();
    assert!(again.to_string().contains("is not empty"), "{again:#}");
    fs::create_dir(site.path("empty")).unwrap();
    make_backup(&site.data(), &site.path("empty"), &site.clock, &|_| ()).await.unwrap();
    fs::create_dir(site.path("other.partial")).unwrap();
    let running = make_backup(&site.data(), &site.path("other"), &site.clock, &|_| ()).await.unwrap_err();
    assert!(running.to_string().contains("another backup runs"), "{running:#}");
    let none = make_backup(&site.path("nowhere"), &site.path("third"), &site.clock, &|_| ()).await.unwrap_err();
    assert!(none.to_string().contains("there is no desk"), "{none:#}");
}

#[tokio::test]
async fn a_desk_that_is_there_is_kept() {
    let site = Site::with_tickets(1).await;
    site.back_up().await;
    site.restore(false).await.unwrap();
    run_sql(&site.path("restored").join(DESK_FILE), "UPDATE counters SET value = 41").await;
    let refused = site.restore(false).await.unwrap_err();
    assert!(refused.to_string().contains("--replace"), "{refused:#}");
    let kept = site.restore(true).await.unwrap().kept.unwrap();
    assert!(kept.ends_with("desk.sqlite.before-restore-20270115T080000Z"), "{}", kept.display());
    let store = Store::open(&kept).await.unwrap();
    let value: i64 = sqlx::query_scalar("SELECT value FROM counters").fetch_one(&mut *store.read().await.unwrap()).await.unwrap();
    assert_eq!(value, 41, "the kept desk is another");
    assert_eq!(ticket_count(&site.path("restored")).await, 1);
    let second = site.restore(true).await.unwrap().kept.unwrap();
    assert!(second.ends_with("desk.sqlite.before-restore-20270115T080000Z-2") && kept.try_exists().unwrap(), "{}", second.display());
}

/// What a killed program left beside the database belongs to that database and to no other.
#[tokio::test]
async fn a_write_ahead_file_goes_with_its_desk() {
    let site = Site::with_tickets(1).await;
    site.back_up().await;
    let desk = site.path("restored").join(DESK_FILE);
    site.restore(false).await.unwrap();
    let store = Store::open(&desk).await.unwrap();
    let mut write = store.write().await.unwrap();
    sqlx::query("UPDATE counters SET value = 42").execute(&mut *write).await.unwrap();
    write.commit().await.unwrap();
    // As a kill leaves it: the change stands in the write-ahead file only.
    let wal = fs::read(site.path("restored/desk.sqlite-wal")).unwrap();
    store.close().await;
    fs::copy(site.path("backup").join(DESK_FILE), &desk).unwrap();
    fs::write(site.path("restored/desk.sqlite-wal"), &wal).unwrap();
    let kept = site.restore(true).await.unwrap().kept.unwrap();
    assert!(!site.path("restored/desk.sqlite-wal").try_exists().unwrap());
    assert_eq!(fs::read(format!("{}-wal", kept.display())).unwrap(), wal);
    let store = Store::open(&desk).await.unwrap();
    let value: i64 = sqlx::query_scalar("SELECT value FROM counters").fetch_one(&mut *store.read().await.unwrap()).await.unwrap();
    assert_eq!(value, 1, "a change of the old desk came into the new one");
}

#[tokio::test]
async fn a_running_server_is_left_alone() {
    let site = Site::with_tickets(1).await;
    site.back_up().await;
    let _server = DataFolder::lock(&site.path("restored")).unwrap();
    let refused = site.restore(true).await.unwrap_err();
    assert!(refused.to_string().contains("is in use by another Watchroom server"), "{refused:#}");
}

#[tokio::test]
async fn a_torn_or_altered_backup_is_refused_and_touches_nothing() {
    type Harm = fn(&Site);
    let harms: [(Harm, &str); 8] = [
        (|site| fs::remove_file(site.path("backup").join(MANIFEST_FILE)).unwrap(), "is no backup"),
        (|site| fs::write(site.path("backup").join(MANIFEST_FILE), b"{\"format\": 1, \"prog").unwrap(), "is not what was written"),
        (|site| fs::remove_file(site.path("backup").join(DESK_FILE)).unwrap(), "is not whole"),
        (
            |site| fs::File::options().write(true).open(site.path("backup").join(DESK_FILE)).unwrap().set_len(8_192).unwrap(),
            "has 8192 bytes",
        ),
        (|site| fs::remove_file(site.attachment("backup")).unwrap(), "is not whole"),
        (|site| fs::write(site.attachment("backup"), b"A photo of the printer").unwrap(), "its SHA-256 differs"),
        (|site| change_manifest(site, "sha256", "../../../etc/passwd"), "which is no hash"),
        (|site| change_manifest(site, "schema", "99"), "knows versions up to"),
    ];
    for (harm, words) in harms {
        let site = Site::with_tickets(1).await;
        site.back_up().await;
        harm(&site);
        let refused = format!("{:#}", site.restore(true).await.unwrap_err());
        assert!(refused.contains(words), "{words:?} is not in: {refused}");
        assert!(!site.path("restored").try_exists().unwrap(), "{words}: something was made");
    }
}

/// Writes another schema version, or another name of the attached file, into the manifest.
fn change_manifest(site: &Site, key: &str, value: &str) {
    let path = site.path("backup").join(MANIFEST_FILE);
    let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    match key {
        "schema" => manifest["schema"] = value.parse::<i64>().unwrap().into(),
        _ => manifest["attachments"][0][key] = value.into(),
    }
    fs::write(path, manifest.to_string()).unwrap();
}

#[tokio::test]
async fn what_hashes_do_not_show_is_found_before_the_desk_is_touched() {
    let harms = [
        ("UPDATE tickets SET title = 'another'", "are not what their histories make of them (ticket 2, 1)"),
        ("INSERT INTO ticket_links (ticket, kind, other) VALUES (1, 'relates_to', 99)", "refers to a row of tickets that is not there"),
    ];
    for (sql, words) in harms {
        let site = Site::with_tickets(2).await;
        let backup = site.back_up().await;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(backup.join(DESK_FILE)).foreign_keys(false);
        let mut altering = sqlx::ConnectOptions::connect(&options).await.unwrap();
        sqlx::query(sql).execute(&mut altering).await.unwrap();
        sqlx::Connection::close(altering).await.unwrap();
        forge_manifest(&backup);
        let refused = format!("{:#}", site.restore(false).await.unwrap_err());
        assert!(refused.contains(words) && refused.contains("nothing was changed"), "{words:?} is not in: {refused}");
        let left: Vec<_> = fs::read_dir(site.path("restored")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("desk")), "{left:?}");
    }
}

#[tokio::test]
async fn a_lost_attachment_is_named_and_keeps_nothing_else_from_being_saved() {
    let site = Site::with_tickets(1).await;
    let photo = site.attachment("data");
    fs::write(&photo, b"noise").unwrap();
    let made = make_backup(&site.data(), &site.path("backup"), &site.clock, &|_| ()).await.unwrap();
    assert_eq!(made.manifest.missing[0].why, "it was changed on the disk");
    let restored = site.restore(false).await.unwrap();
    assert_eq!((restored.tickets, restored.missing), (1, made.manifest.missing));
    fs::remove_file(photo).unwrap();
    let made = make_backup(&site.data(), &site.path("second"), &site.clock, &|_| ()).await.unwrap();
    assert!(made.manifest.missing[0].why.starts_with("it cannot be read"), "{:?}", made.manifest);
}

#[tokio::test]
async fn logins_do_not_come_back_and_the_restore_is_noted() {
    let site = Site::with_tickets(1).await;
    run_sql(
        &site.data().join(DESK_FILE),
        "INSERT INTO sessions (id, secret_sha256, user, origin, created_at_us, expires_at_us, last_used_at_us)
         VALUES ('s', x'00', 'ines', '10.0.0.9', 1, 9000000000000000, 1)",
    )
    .await;
    site.back_up().await;
    site.restore(false).await.unwrap();
    let store = Store::open(&site.path("restored").join(DESK_FILE)).await.unwrap();
    let mut read = store.read().await.unwrap();
    let open: i64 = sqlx::query_scalar("SELECT count(*) FROM sessions WHERE ended_at_us IS NULL").fetch_one(&mut *read).await.unwrap();
    let noted: i64 = sqlx::query_scalar("SELECT count(*) FROM audit WHERE action = 'desk.restore'").fetch_one(&mut *read).await.unwrap();
    assert_eq!((open, noted), (0, 1));
}
