//! The shard's folder: which files are in it, and how they change their names.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::Sequence;
use super::disk::Disk;
use super::error::OpenError;

/// Ending of a segment in use.
pub(super) const SEGMENT: &str = "wal";
/// Ending of a released segment that will be written over.
pub(super) const SPARE: &str = "spare";
/// Ending of a segment kept as evidence.
pub(super) const CORRUPT: &str = "corrupt";
/// Ending of a segment in the making.
pub(super) const MAKING: &str = "tmp";

/// The folder of one shard, held against other processes for as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

/// The files found in a folder.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Segments with the first sequence that their name states, in order.
    pub(super) segments: Vec<(Sequence, PathBuf)>,
    /// Files that can be written over.
    pub(super) spares: Vec<PathBuf>,
    /// Leftovers to delete.
    pub(super) leftovers: Vec<PathBuf>,
}

impl Folder {
    /// Makes the folder where it is missing, durably, and locks it.
    pub(super) fn open(path: &Path, disk: &Disk) -> Result<Self, OpenError> {
        let io = |error| OpenError::Io { path: path.to_owned(), error };
        create_durably(path, disk).map_err(io)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock")).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(io(error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file that holds, will hold or held the segment that starts with `first`.
    pub(super) fn file(&self, first: Sequence, ending: &str) -> PathBuf {
        self.path.join(format!("{first:020}.{ending}"))
    }

    /// Looks through the folder. Files that are none of the log's are left alone.
    pub(super) fn list(&self) -> io::Result<Listing> {
        let mut listing = Listing::default();
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            match (ending, first_sequence(&path)) {
                (SEGMENT, Some(first)) => listing.segments.push((first, path)),
                (SPARE, Some(_)) => listing.spares.push(path),
                (MAKING, Some(_)) => listing.leftovers.push(path),
                _ => {}
            }
        }
        listing.segments.sort_unstable();
        Ok(listing)
    }
}

fn first_sequence(path: &Path) -> Option<Sequence> {
    let stem = path.file_stem()?.to_str()?;
    let digits = stem.len() == 20 && stem.bytes().all(|b| b.is_ascii_digit());
    // The tables keep the sequence as an i64, so there are no others.
    stem.parse().ok().filter(|first| digits && (1..=i64::MAX as Sequence).contains(first))
}

/// Creates a folder and its parents so that a crash cannot take the names away again.
fn create_durably(path: &Path, disk: &Disk) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_durably(parent, disk)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => disk.sync_folder(parent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_files_of_the_log_are_taken() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(&root.path().join("wal/logs-0"), &Disk::default()).unwrap();
        for name in [
            "00000000000000000007.wal",
            "00000000000000000002.wal",
            "notes.wal",
            "00000000000000000001.spare",
            "00000000000000000009.tmp",
            "00000000000000000000.wal",
            "99999999999999999999.wal",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let listing = folder.list().unwrap();
        assert_eq!(listing.segments.iter().map(|s| s.0).collect::<Vec<_>>(), [2, 7]);
        assert_eq!((listing.spares.len(), listing.leftovers.len()), (1, 1));
    }
}
