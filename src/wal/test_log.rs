//! A shard on a temporary folder, as the tests use it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, mpsc};

use bytes::Bytes;

use super::disk::Disk;
use super::disk::faults::Faults;
use super::{AppendError, Config, CutTail, Damage, Entry, Event, OpenError, Replayed, Sequence, Shard};

/// Small segments, so that a few records fill several.
pub(super) fn small() -> Config {
    Config { segment_bytes: 64 << 10, grow_bytes: 8 << 10, group_bytes: 32 << 10, max_bytes: 4 << 20, ..Config::default() }
}

/// A folder of its own for a test, in memory where the system has such a place: the tests sync thousands of times.
pub(super) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Bytes that no other call with other arguments gives.
pub(super) fn payload(tag: u64, length: usize) -> Vec<u8> {
    let mut state = tag.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ length as u64;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

/// What a start found.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) records: BTreeMap<Sequence, Bytes>,
    pub(super) damage: Vec<Damage>,
    pub(super) cut_tail: Option<CutTail>,
}

impl Seen {
    pub(super) fn sequences(&self) -> Vec<Sequence> {
        self.records.keys().copied().collect()
    }

    pub(super) fn missing(&self) -> Vec<Sequence> {
        self.damage.iter().flat_map(|damage| damage.missing.iter().cloned().flatten()).collect()
    }
}

pub(super) struct Log {
    pub(super) shard: Shard,
    pub(super) faults: Arc<Faults>,
    pub(super) events: Arc<Mutex<Vec<Event>>>,
}

impl Log {
    /// Opens the shard and replays it, checking that the records come in order and once.
    pub(super) fn open(path: &Path, config: &Config, resume_after: Sequence) -> (Self, Seen) {
        Self::try_open(path, config, resume_after).unwrap()
    }

    pub(super) fn try_open(path: &Path, config: &Config, resume_after: Sequence) -> Result<(Self, Seen), OpenError> {
        let disk = Disk::default();
        let faults = Arc::clone(&disk.faults);
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&events);
        let observer = Box::new(move |event| sink.lock().unwrap().push(event));
        let (shard, mut replay) = Shard::open_on(disk, path, config, resume_after, observer)?;
        let mut seen = Seen { cut_tail: replay.cut_tail().cloned(), ..Seen::default() };
        for found in &mut replay {
            match found.unwrap() {
                Replayed::Record { sequence, payload } => {
                    assert!(sequence > resume_after);
                    assert!(seen.records.last_key_value().is_none_or(|(last, _)| *last < sequence), "records come in order, once");
                    seen.records.insert(sequence, payload);
                }
                Replayed::Damage(damage) => seen.damage.push(damage),
            }
        }
        assert!(replay.next().is_none());
        Ok((Self { shard, faults, events }, seen))
    }

    /// Stores one entry and waits for the answer.
    pub(super) fn store(&self, payload: &[u8]) -> Result<Sequence, AppendError> {
        self.store_group(&[payload.to_vec()]).remove(0)
    }

    /// Stores entries that are queued at once, and waits for the answers, which are returned in the order of the calls.
    pub(super) fn store_group(&self, payloads: &[Vec<u8>]) -> Vec<Result<Sequence, AppendError>> {
        let (answers, received) = mpsc::channel();
        let entries = payloads.iter().map(|payload| {
            let answers = answers.clone();
            let (header, data) = payload.split_at(payload.len().min(7));
            let done = Box::new(move |answer| answers.send(answer).unwrap());
            Entry { header: header.to_vec(), data: Bytes::copy_from_slice(data), done }
        });
        let mut entries: Vec<Entry> = entries.collect();
        if entries.len() == 1 {
            self.shard.submit(entries.remove(0));
        } else {
            self.shard.submit_together(entries);
        }
        payloads.iter().map(|_| received.recv().unwrap()).collect()
    }

    /// Stores records of these lengths, each a group, with payloads made from their sequences.
    pub(super) fn store_each(&self, lengths: &[usize]) {
        for length in lengths {
            let next = self.shard.status().durable_sequence + 1;
            assert_eq!(self.store(&payload(next, *length)), Ok(next));
        }
    }

    /// Releases and waits until it is carried out.
    pub(super) fn release(&self, up_to: Sequence) {
        self.shard.release(up_to);
        while self.shard.status().released_sequence < up_to {
            std::thread::yield_now();
        }
    }

    pub(super) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// From now on, so many bytes fit on the disk.
    pub(super) fn set_room(&self, bytes: i64) {
        self.faults.room.store(bytes, SeqCst);
    }
}

/// The files of the folder with this ending, by name.
pub(super) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == ending));
    files.sort();
    files
}

/// What the folder would look like after the process was killed now.
pub(super) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
