//! The local file system as an object store whose writes survive a power cut.
//!
//! The Delta library writes its log through an object store, and the plain local one never syncs. This one writes an
//! object under a temporary name, syncs it, gives it its name by `link` (which fails if the name is taken) or `rename`,
//! and syncs the folder. So a log entry is complete on disk before anybody can see it, and stays once it is reported.
//!
//! Where an error comes back, the object may be visible all the same: the folder's sync is the last step. Whoever commits
//! looks before deciding (`commit.rs`).

use std::fs::File;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result,
};

/// Begins the names of files that are being written; no reader of Delta Lake looks at them.
const TEMPORARY_PREFIX: &str = "_watchroom-";
const TEMPORARY_SUFFIX: &str = ".tmp";
const STORE: &str = "SyncedStore";

/// See the module's description. Its root is the root of the file system.
#[derive(Debug)]
pub(super) struct SyncedStore {
    inner: LocalFileSystem,
    #[cfg(test)]
    pub(super) faults: std::sync::Arc<faults::Faults>,
}

impl SyncedStore {
    pub(super) fn new() -> Self {
        Self {
            inner: LocalFileSystem::new(),
            #[cfg(test)]
            faults: std::sync::Arc::default(),
        }
    }
}

/// Whether a file is one that [`SyncedStore`] was writing when the process ended.
pub(super) fn is_temporary(file_name: &str) -> bool {
    file_name.starts_with(TEMPORARY_PREFIX) && file_name.ends_with(TEMPORARY_SUFFIX)
}

/// Makes the names in a folder durable.
pub(super) fn sync_folder(folder: &FilePath) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[async_trait]
impl ObjectStore for SyncedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let target = self.inner.path_to_filesystem(location)?;
        let replace = match options.mode {
            PutMode::Overwrite => true,
            PutMode::Create => false,
            PutMode::Update(_) => return Err(not_offered("conditional update")),
        };
        #[cfg(test)]
        let fault = self.faults.next_put(location);
        let write = move || {
            #[cfg(test)]
            faults::before(fault)?;
            write_synced(&target, &payload, replace).map_err(|error| named(error, &target))?;
            #[cfg(test)]
            faults::after(fault)?;
            Ok(PutResult { e_tag: None, version: None })
        };
        tokio::task::spawn_blocking(write).await.map_err(|error| generic(io::Error::other(error)))?
    }

    /// Not offered: nothing in a Delta log is written in parts.
    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(not_offered("upload in parts"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        #[cfg(test)]
        self.faults.next_get()?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    /// Copies by link, as the inner store does; the source is synced first. Renaming is made of this and a delete.
    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let source = self.inner.path_to_filesystem(from)?;
        let target = self.inner.path_to_filesystem(to)?;
        blocking(move || File::open(source)?.sync_all()).await?;
        self.inner.copy_opts(from, to, options).await?;
        blocking(move || sync_folder(parent(&target)?)).await
    }
}

impl std::fmt::Display for SyncedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(STORE)
    }
}

/// Temporary file, sync, name, folder sync. An error of the last step leaves the object visible.
fn write_synced(target: &FilePath, payload: &PutPayload, replace: bool) -> io::Result<()> {
    let folder = parent(target)?;
    let temporary = folder.join(format!("{TEMPORARY_PREFIX}{}{TEMPORARY_SUFFIX}", uuid::Uuid::new_v4()));
    let placed = write_temporary(&temporary, payload)
        .and_then(|()| if replace { std::fs::rename(&temporary, target) } else { std::fs::hard_link(&temporary, target) });
    if placed.is_err() || !replace {
        // What cannot be removed now is removed when the table is opened next.
        let _ = std::fs::remove_file(&temporary);
    }
    placed?;
    sync_folder(folder)
}

fn write_temporary(path: &FilePath, payload: &PutPayload) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    payload.iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()
}

fn parent(path: &FilePath) -> io::Result<&FilePath> {
    path.parent().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a file without a folder"))
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<()> {
    tokio::task::spawn_blocking(work).await.map_err(|error| generic(io::Error::other(error)))?.map_err(generic)
}

fn generic(error: io::Error) -> Error {
    Error::Generic { store: STORE, source: Box::new(error) }
}

fn named(error: io::Error, path: &FilePath) -> Error {
    let path = PathBuf::from(path).display().to_string();
    match error.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source: Box::new(error) },
        io::ErrorKind::NotFound => Error::NotFound { path, source: Box::new(error) },
        _ => generic(error),
    }
}

fn not_offered(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: STORE.to_owned() }
}

/// Errors on order, so that tests can see what a failing disk does.
#[cfg(test)]
pub(super) mod faults {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::{Path, Result, generic, io};

    #[derive(Debug, Clone, Copy)]
    pub(in super::super) enum Fault {
        /// The disk is full: nothing is written.
        DiskFull,
        /// The object is written, and an error comes back nevertheless.
        AfterWriting,
    }

    #[derive(Debug, Default)]
    pub(in super::super) struct Faults {
        state: Mutex<State>,
    }

    #[derive(Debug, Default)]
    struct State {
        puts: u64,
        put_faults: BTreeMap<u64, Fault>,
        failing_gets: u32,
        checkpoints_fail: bool,
    }

    impl Faults {
        /// The `nth` put from now on (0: the next) meets this fault.
        pub(in super::super) fn fail_put(&self, nth: u64, fault: Fault) {
            let mut state = self.state.lock().unwrap();
            let at = state.puts + nth;
            state.put_faults.insert(at, fault);
        }

        /// The next `count` reads fail.
        pub(in super::super) fn fail_gets(&self, count: u32) {
            self.state.lock().unwrap().failing_gets = count;
        }

        /// No checkpoint can be written from now on.
        pub(in super::super) fn fail_checkpoints(&self, fail: bool) {
            self.state.lock().unwrap().checkpoints_fail = fail;
        }

        pub(super) fn next_put(&self, location: &Path) -> Option<Fault> {
            let mut state = self.state.lock().unwrap();
            let at = state.puts;
            state.puts += 1;
            if state.checkpoints_fail && location.as_ref().contains("checkpoint") {
                return Some(Fault::DiskFull);
            }
            state.put_faults.remove(&at)
        }

        pub(super) fn next_get(&self) -> Result<()> {
            let mut state = self.state.lock().unwrap();
            if state.failing_gets == 0 {
                return Ok(());
            }
            state.failing_gets -= 1;
            Err(generic(io::Error::other("injected read error")))
        }
    }

    pub(super) fn before(fault: Option<Fault>) -> Result<()> {
        match fault {
            Some(Fault::DiskFull) => Err(generic(io::Error::from(io::ErrorKind::StorageFull))),
            _ => Ok(()),
        }
    }

    pub(super) fn after(fault: Option<Fault>) -> Result<()> {
        match fault {
            Some(Fault::AfterWriting) => Err(generic(io::Error::other("injected error after writing"))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt as _;

    use super::*;

    fn location(folder: &FilePath, name: &str) -> Path {
        Path::from_absolute_path(folder.join(name)).unwrap()
    }

    fn create() -> PutOptions {
        PutOptions { mode: PutMode::Create, ..PutOptions::default() }
    }

    #[tokio::test]
    async fn a_name_is_taken_once_and_nothing_temporary_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = SyncedStore::new();
        let entry = location(folder.path(), "0.json");
        store.put_opts(&entry, "one".into(), create()).await.unwrap();
        let again = store.put_opts(&entry, "two".into(), create()).await;
        assert!(matches!(again, Err(Error::AlreadyExists { .. })), "{again:?}");
        assert_eq!(store.get(&entry).await.unwrap().bytes().await.unwrap(), "one");
        store.put(&entry, "three".into()).await.unwrap();
        assert_eq!(store.get(&entry).await.unwrap().bytes().await.unwrap(), "three", "a plain put replaces");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_copy_and_a_rename_keep_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let store = SyncedStore::new();
        let (a, b, c) = (location(folder.path(), "a"), location(folder.path(), "b"), location(folder.path(), "c"));
        store.put(&a, "bytes".into()).await.unwrap();
        store.copy(&a, &b).await.unwrap();
        store.rename(&b, &c).await.unwrap();
        assert_eq!(store.get(&c).await.unwrap().bytes().await.unwrap(), "bytes");
        assert!(store.head(&b).await.is_err());
    }

    #[tokio::test]
    async fn a_fault_strikes_the_put_it_was_ordered_for() {
        let folder = tempfile::tempdir().unwrap();
        let store = SyncedStore::new();
        store.faults.fail_put(1, faults::Fault::DiskFull);
        store.faults.fail_put(2, faults::Fault::AfterWriting);
        store.put(&location(folder.path(), "0"), "x".into()).await.unwrap();
        assert!(store.put(&location(folder.path(), "1"), "x".into()).await.is_err());
        assert!(store.put(&location(folder.path(), "2"), "x".into()).await.is_err());
        assert!(!folder.path().join("1").is_file());
        assert!(folder.path().join("2").is_file());
        assert!(is_temporary("_watchroom-1b4e28ba.tmp") && !is_temporary("00000000000000000001.json"));
    }
}
