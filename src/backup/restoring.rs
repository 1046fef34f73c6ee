//! Brings a backup into a data folder on which no server runs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::copying::{Progress, copy, make_folder, measure, parent, sync_folder};
use super::manifest::{Manifest, Missing, Stored};
use crate::clock::{Clock, SECOND_US};
use crate::data_folder::DataFolder;
use crate::desk::Desk;
use crate::people::Logins;
use crate::store::{ATTACHMENTS_FOLDER, AuditEntry, DESK_FILE, FileStore, Store, append_audit};

/// Tickets, the newest, that are held against their histories: seconds of work, and damage of a kind shows in them too.
const REPLAYED_TICKETS: i64 = 1_000;

/// What SQLite keeps beside a database: what was committed last, and an index of that.
const WAL_SUFFIX: &str = "-wal";
const SHARED_MEMORY_SUFFIX: &str = "-shm";

/// A restore that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// When the backup was made.
    pub made_at: String,
    /// Tickets in it.
    pub tickets: i64,
    /// Where the desk that was there before is kept.
    pub kept: Option<PathBuf>,
    /// Attached files that the backup did not have either.
    pub missing: Vec<Missing>,
}

/// Makes the desk of the data folder `data` that of the backup. `replace` keeps a desk that is there under another name
/// instead of refusing. `progress` is told of every piece that is read, in bytes: all of it twice.
///
/// Logins do not come back: everybody logs in again. The rest is as it was, also passwords and tokens.
///
/// # Errors
/// If a server runs on the folder, if the backup is not whole or of a newer program, or if what is in it is not sound. The
/// desk of the folder is then as it was.
pub async fn restore_backup(backup: &Path, data: &Path, replace: bool, clock: &Clock, progress: Progress<'_>) -> anyhow::Result<Restored> {
    let manifest = Manifest::read(backup)?;
    prove(backup, &manifest, progress)?;
    let folder = DataFolder::lock(data)?;
    let desk = folder.path().join(DESK_FILE);
    if !replace && desk.try_exists()? {
        bail!(
            "the data folder {} has a desk already; name another with --data, or keep that desk under another name with --replace",
            data.display()
        );
    }
    let attachments = FileStore::new(folder.path().join(ATTACHMENTS_FOLDER));
    for file in &manifest.attachments {
        bring_attachment(backup, &attachments, file, progress)?;
    }
    let candidate = folder.path().join(format!("{DESK_FILE}.restoring"));
    let made_ready = async {
        remove_database(&candidate)?;
        let stored = copy(&backup.join(DESK_FILE), &candidate, progress)??;
        if stored != manifest.database {
            bail!("{DESK_FILE} of the backup was changed while it was read; take another backup");
        }
        examine(&candidate, &manifest, clock).await
    };
    let tickets = match made_ready.await {
        Ok(tickets) => tickets,
        Err(error) => {
            let _ = remove_database(&candidate);
            return Err(error.context(format!("the backup {} was not restored, and nothing was changed", backup.display())));
        }
    };
    let kept = set_aside(&desk, clock)?;
    fs::rename(&candidate, &desk)
        .with_context(|| format!("the desk that was checked cannot take its place; rename {} by hand", candidate.display()))?;
    sync_folder(folder.path())?;
    Ok(Restored { made_at: manifest.made_at, tickets, kept, missing: manifest.missing })
}

/// Reads every file of the backup and holds it against the manifest.
fn prove(backup: &Path, manifest: &Manifest, progress: Progress<'_>) -> anyhow::Result<()> {
    let files = FileStore::new(backup.join(ATTACHMENTS_FOLDER));
    let mut all = vec![(backup.join(DESK_FILE), &manifest.database)];
    for file in &manifest.attachments {
        let path = files.path(&file.sha256);
        all.push((path.with_context(|| format!("the backup is damaged: its manifest names `{}`, which is no hash", file.sha256))?, file));
    }
    for (path, expected) in all {
        let found = measure(&path, progress)
            .with_context(|| format!("the backup is not whole: {} cannot be read; restore another backup", path.display()))?;
        if found.bytes != expected.bytes {
            bail!(
                "the backup is damaged: {} has {} bytes, and had {} when it was made; restore another backup",
                path.display(),
                found.bytes,
                expected.bytes
            );
        }
        if found.sha256 != expected.sha256 {
            bail!(
                "the backup is damaged: the content of {} is not what was saved (its SHA-256 differs); restore another backup",
                path.display()
            );
        }
    }
    Ok(())
}

fn bring_attachment(backup: &Path, target: &FileStore, file: &Stored, progress: Progress<'_>) -> anyhow::Result<()> {
    let source = FileStore::new(backup.join(ATTACHMENTS_FOLDER)).path(&file.sha256);
    let (Some(source), Some(path)) = (source, target.path(&file.sha256)) else { return Ok(()) };
    // What lies there under the hash is left, unless the disk has changed it.
    if measure(&path, &|_| ()).is_ok_and(|found| found == *file) {
        progress(file.bytes);
        return Ok(());
    }
    let failed = || format!("the attached file {} cannot be restored", path.display());
    let folder = parent(&path);
    make_folder(folder).with_context(failed)?;
    let partial = path.with_extension("restoring");
    remove_if_there(&partial)?;
    let stored = copy(&source, &partial, progress).and_then(|read| read).with_context(failed)?;
    if stored != *file {
        fs::remove_file(&partial)?;
        bail!("the backup is damaged: {} was changed while it was read", source.display());
    }
    fs::rename(&partial, &path).with_context(failed)?;
    sync_folder(folder)?;
    sync_folder(target.root()).with_context(failed)
}

/// Brings the schema forward, looks for damage, holds tickets against their histories, ends logins, notes the restore. Gives
/// the number of tickets.
async fn examine(database: &Path, manifest: &Manifest, clock: &Clock) -> anyhow::Result<i64> {
    let store = Store::open(database).await?;
    let examined = async {
        let complaints = store.complaints().await?;
        if !complaints.is_empty() {
            bail!("the database in it is damaged ({}); restore another backup", complaints.join("; "));
        }
        let differing = Desk::new(store.clone(), clock.clone()).differing(REPLAYED_TICKETS).await?;
        if !differing.is_empty() {
            let numbers: Vec<String> = differing.iter().take(10).map(ToString::to_string).collect();
            bail!(
                "{} tickets in it are not what their histories make of them (ticket {}): another program has changed the database; \
                 restore another backup",
                differing.len(),
                numbers.join(", ")
            );
        }
        let mut write = store.write().await?;
        let now_us = clock.now_us();
        Logins::new(store.clone(), clock.clone()).end_everybodys(&mut write).await?;
        let detail = serde_json::json!({ "made_at": manifest.made_at, "program": manifest.program, "schema": manifest.schema });
        let entry = AuditEntry {
            at_us: now_us,
            actor: "command line",
            origin: "this machine",
            action: "desk.restore",
            object: "desk",
            detail: Some(&detail),
        };
        append_audit(&mut write, entry).await?;
        let tickets = sqlx::query_scalar("SELECT count(*) FROM tickets").fetch_one(&mut *write).await?;
        write.commit().await?;
        Ok(tickets)
    };
    let tickets = examined.await;
    // Moves the write-ahead file into the database, so that the one file is all of it.
    store.close().await;
    let tickets = tickets?;
    let wal = with_suffix(database, WAL_SUFFIX);
    if wal.try_exists()? {
        bail!("the database could not be closed: {} is still there; see that no other program has it open", wal.display());
    }
    fs::File::open(database)?.sync_all()?;
    Ok(tickets)
}

/// Gives the desk that is there another name, with what was committed last to it. Also where only a write-ahead file is left:
/// it would be taken for the new desk's.
fn set_aside(desk: &Path, clock: &Clock) -> anyhow::Result<Option<PathBuf>> {
    let at = jiff::Timestamp::from_second(clock.now_us() / SECOND_US).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut kept = with_suffix(desk, &format!(".before-restore-{at}"));
    // Two restores within a second keep two desks.
    for again in 2.. {
        if !kept.try_exists()? {
            break;
        }
        kept = with_suffix(desk, &format!(".before-restore-{at}-{again}"));
    }
    let was_there = desk.try_exists()?;
    for (from, to) in [(desk.to_owned(), kept.clone()), (with_suffix(desk, WAL_SUFFIX), with_suffix(&kept, WAL_SUFFIX))] {
        match fs::rename(&from, &to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} cannot be kept as {}", from.display(), to.display()));
            }
            _ => {}
        }
    }
    remove_if_there(&with_suffix(desk, SHARED_MEMORY_SUFFIX))?;
    sync_folder(parent(desk))?;
    Ok(was_there.then_some(kept))
}

fn remove_database(path: &Path) -> std::io::Result<()> {
    for suffix in ["", WAL_SUFFIX, SHARED_MEMORY_SUFFIX] {
        remove_if_there(&with_suffix(path, suffix))?;
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
