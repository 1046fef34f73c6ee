//! Makes a backup, whether or not a server runs on the data folder.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::copying::{Progress, copy, make_folder, measure, parent, sync_folder};
use super::manifest::{FORMAT, MANIFEST_FILE, Manifest, Missing, Stored};
use crate::clock::{Clock, rfc3339};
use crate::store::{ATTACHMENTS_FOLDER, DESK_FILE, FileStore, attached_files, copy_database};

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What is in it.
    pub manifest: Manifest,
    /// Size of all its files but the manifest.
    pub bytes: u64,
}

/// Copies the desk of the data folder `data` into the new folder `target`. `progress` is told of every piece of it in bytes.
///
/// An attached file that is lost or damaged does not keep the rest from being saved: the manifest names it.
///
/// # Errors
/// If there is no desk, if `target` is there and not empty, or if it cannot be written; then nothing of it is left.
pub async fn make_backup(data: &Path, target: &Path, clock: &Clock, progress: Progress<'_>) -> anyhow::Result<Made> {
    let desk = data.join(DESK_FILE);
    if !desk.try_exists()? {
        bail!("there is no desk in the data folder {}; name the folder of the server with --data", data.display());
    }
    refuse_full(target)?;
    let partial = beside(target)?;
    make_folder(parent(target)).with_context(|| format!("the folder {} cannot be made", parent(target).display()))?;
    if partial.try_exists()? {
        bail!("{} is there: another backup runs, or one was interrupted; if none runs, remove that folder", partial.display());
    }
    let made = async {
        make_folder(&partial)?;
        let made = fill(&desk, &FileStore::new(data.join(ATTACHMENTS_FOLDER)), &partial, clock, progress).await?;
        // An empty folder of that name gives way.
        fs::rename(&partial, target)?;
        sync_folder(parent(target))?;
        Ok::<_, anyhow::Error>(made)
    };
    let result = made.await.with_context(|| format!("the backup {} cannot be written", target.display()));
    if result.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    result
}

fn refuse_full(target: &Path) -> anyhow::Result<()> {
    match fs::read_dir(target) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => bail!("the folder {} is not empty; name one that is not there yet", target.display()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            Err(error).with_context(|| format!("{} cannot be used for a backup; name a folder that is not there yet", target.display()))
        }
    }
}

fn beside(target: &Path) -> anyhow::Result<PathBuf> {
    let mut name =
        target.file_name().with_context(|| format!("{} has no name of its own; name the backup's folder", target.display()))?.to_owned();
    name.push(".partial");
    Ok(target.with_file_name(name))
}

async fn fill(desk: &Path, files: &FileStore, folder: &Path, clock: &Clock, progress: Progress<'_>) -> anyhow::Result<Made> {
    let database_file = folder.join(DESK_FILE);
    let made_at = rfc3339(clock.now_us());
    let schema = copy_database(desk, &database_file).await?;
    let named = attached_files(&database_file).await?;
    fs::File::open(&database_file)?.sync_all()?;
    let database = measure(&database_file, progress)?;
    let (mut attached, mut missing) = (Vec::new(), Vec::new());
    let target = FileStore::new(folder.join(ATTACHMENTS_FOLDER));
    for (sha256, _) in named {
        match copy_attachment(files, &target, &sha256, progress)? {
            Ok(stored) => attached.push(stored),
            Err(why) => missing.push(Missing { sha256, why }),
        }
    }
    let bytes = database.bytes + attached.iter().map(|file| file.bytes).sum::<u64>();
    let program = env!("CARGO_PKG_VERSION").to_owned();
    let manifest = Manifest { format: FORMAT, program, schema, made_at, database, attachments: attached, missing };
    sync_tree(folder)?;
    write_manifest(folder, &manifest)?;
    Ok(Made { manifest, bytes })
}

/// The outer error is the backup's, the inner one the file's own, which keeps nothing else from being saved.
fn copy_attachment(from: &FileStore, to: &FileStore, sha256: &str, progress: Progress<'_>) -> anyhow::Result<Result<Stored, String>> {
    let (Some(source), Some(target)) = (from.path(sha256), to.path(sha256)) else {
        return Ok(Err("its name is no hash".to_owned()));
    };
    make_folder(parent(&target))?;
    let why = match copy(&source, &target, progress)? {
        Ok(stored) if stored.sha256 == sha256 => return Ok(Ok(stored)),
        Ok(_) => "it was changed on the disk".to_owned(),
        Err(error) => format!("it cannot be read: {error}"),
    };
    match fs::remove_file(&target) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(Err(why)),
    }
}

/// Makes durable what was written below a folder: the files themselves are synced already.
fn sync_tree(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        }
    }
    sync_folder(folder)
}

fn write_manifest(folder: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(MANIFEST_FILE))?;
    file.write_all(serde_json::to_string_pretty(manifest)?.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    sync_folder(folder)?;
    Ok(())
}
