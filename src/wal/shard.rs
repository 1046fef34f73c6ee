//! The handle through which others use a shard.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;

use super::Sequence;
use super::appender::{Appender, Queued};
use super::config::Config;
use super::disk::Disk;
use super::error::{AppendError, OpenError};
use super::event::Observer;
use super::recovery::recover;
use super::replay::Replay;
use super::segment::Payload;
use crate::clock::Stopwatch;

/// Called with an entry's sequence once it is on disk, or with the reason why it is not stored.
///
/// Called on the writing thread, in the order of the sequences; refusals that need no writing are called on the thread
/// that submits. It must be quick, must not panic and must not wait for the log.
pub type Completion = Box<dyn FnOnce(Result<Sequence, AppendError>) + Send>;

/// Something to store.
pub struct Entry {
    /// First part of the payload.
    pub header: Vec<u8>,
    /// Second part; shared, not copied.
    pub data: Bytes,
    /// Told what became of it, exactly once.
    pub done: Completion,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("header", &self.header.len()).field("data", &self.data.len()).finish_non_exhaustive()
    }
}

/// How a shard stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Status {
    /// Segments with records, the one in use included.
    pub segments: usize,
    /// Released segments kept for use.
    pub spare_segments: usize,
    /// Bytes that count against `max_bytes`.
    pub bytes: u64,
    /// First sequence of the oldest segment.
    pub first_sequence: Sequence,
    /// The newest acknowledged record; 0 before the first.
    pub durable_sequence: Sequence,
    /// The newest record that the tables have, as far as the shard was told.
    pub released_sequence: Sequence,
    /// Entries that wait to be written.
    pub queued_entries: usize,
    /// Their bytes.
    pub queued_bytes: u64,
}

/// A shard of the log: a folder, and the thread that writes it. Share it in an [`Arc`]; dropping it closes it.
#[derive(Debug)]
pub struct Shard {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    max_payload: u64,
}

impl Shard {
    /// Opens the log in the folder `path`, which is made if need be and is locked against other processes.
    ///
    /// `resume_after` is the last record that the tables have (0: none): it and those before it are released and not
    /// replayed. Blocks for as long as it takes to read the newest segment.
    pub fn open(path: &Path, config: &Config, resume_after: Sequence, observer: Observer) -> Result<(Self, Replay), OpenError> {
        Self::open_on(Disk::default(), path, config, resume_after, observer)
    }

    pub(super) fn open_on(
        disk: Disk,
        path: &Path,
        config: &Config,
        resume_after: Sequence,
        observer: Observer,
    ) -> Result<(Self, Replay), OpenError> {
        let (files, replay) = recover(path, config, resume_after, &disk)?;
        let shared = Arc::new(Shared::default());
        // The first thing the thread does is to set aside what the tables have already.
        shared.state().release = Some(resume_after);
        let appender = Appender {
            shared: Arc::clone(&shared),
            config: config.clone(),
            disk,
            observer,
            files,
            active: None,
            released: resume_after,
            staging: Vec::new(),
        };
        appender.publish();
        let thread = thread::Builder::new()
            .name("wal".to_owned())
            .spawn(move || appender.run())
            .map_err(|error| OpenError::Io { path: path.to_owned(), error })?;
        Ok((Self { shared, thread: Mutex::new(Some(thread)), max_payload: config.max_payload() }, replay))
    }

    /// Queues an entry; never waits for the disk. The queue has no limit of its own: the caller bounds the bytes that it
    /// has submitted and that are not done.
    pub fn submit(&self, entry: Entry) {
        let Entry { header, data, done } = entry;
        let bytes = (header.len() + data.len()) as u64;
        if bytes > self.max_payload {
            done(Err(AppendError::TooLarge { bytes, limit: self.max_payload }));
            return;
        }
        // The checksum is computed here, where several threads submit, and not on the one thread that writes.
        let payload = Payload::new(header, data);
        if let Some((queued, error)) = self.shared.push(Queued { payload, done }) {
            (queued.done)(Err(error));
        }
    }

    /// Queues entries at once, so that they form one group if they fit one.
    #[cfg(test)]
    pub(super) fn submit_together(&self, entries: Vec<Entry>) {
        let mut state = self.shared.state();
        for Entry { header, data, done } in entries {
            let payload = Payload::new(header, data);
            state.queued_bytes += payload.record_bytes();
            state.queue.push_back(Queued { payload, done });
        }
        drop(state);
        self.shared.wake.notify_one();
    }

    /// Says that every record up to this one is in the tables, durably. Segments that hold none but such records are
    /// recycled or deleted soon after; a smaller number than before is ignored.
    pub fn release(&self, up_to: Sequence) {
        let mut state = self.shared.state();
        state.release = state.release.max(Some(up_to));
        drop(state);
        self.shared.wake.notify_one();
    }

    /// How the shard stands. Takes a lock for a moment, never waits for the disk.
    pub fn status(&self) -> Status {
        let state = self.shared.state();
        Status { queued_entries: state.queue.len(), queued_bytes: state.queued_bytes, ..state.status }
    }

    /// Stores what is queued, carries out the last release, and returns when the thread has ended and the folder is free.
    /// From the call on, entries are refused with [`AppendError::Closed`].
    pub fn close(&self) {
        self.shared.state().refusal.get_or_insert(AppendError::Closed);
        self.shared.wake.notify_one();
        let handle = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A completion may hold the last handle, and a thread cannot wait for itself.
        if let Some(handle) = handle.filter(|handle| handle.thread().id() != thread::current().id()) {
            // A panic was caught and reported on the thread itself.
            let _ = handle.join();
        }
    }
}

impl Drop for Shard {
    fn drop(&mut self) {
        self.close();
    }
}

/// What handle and thread share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Queued>,
    queued_bytes: u64,
    release: Option<Sequence>,
    /// Why entries are refused; once set, the thread ends when the queue is empty.
    refusal: Option<AppendError>,
    status: Status,
}

/// What the thread has to do next.
pub(super) struct Work {
    pub(super) release: Option<Sequence>,
    pub(super) group: VecDeque<Queued>,
    pub(super) stop: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an entry, or gives it back with the reason.
    fn push(&self, queued: Queued) -> Option<(Queued, AppendError)> {
        let mut state = self.state();
        if let Some(error) = &state.refusal {
            return Some((queued, error.clone()));
        }
        state.queued_bytes += queued.payload.record_bytes();
        state.queue.push_back(queued);
        drop(state);
        self.wake.notify_one();
        None
    }

    /// Waits for something to do, and after the first entry up to `delay` for a group of `group_bytes`.
    pub(super) fn next_work(&self, group_bytes: u64, delay: Duration) -> Work {
        let idle = |state: &mut State| state.queue.is_empty() && state.release.is_none() && state.refusal.is_none();
        let mut state = self.wake.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
        if !state.queue.is_empty() && !delay.is_zero() {
            let waiting = Stopwatch::start();
            while state.queued_bytes < group_bytes && state.refusal.is_none() {
                let left = delay.saturating_sub(waiting.elapsed());
                if left.is_zero() {
                    break;
                }
                state = self.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        let mut group = VecDeque::new();
        let mut taken = 0;
        while let Some(queued) = state.queue.pop_front_if(|queued| taken == 0 || taken + queued.payload.record_bytes() <= group_bytes) {
            taken += queued.payload.record_bytes();
            group.push_back(queued);
        }
        state.queued_bytes -= taken;
        Work { release: state.release.take(), stop: group.is_empty() && state.refusal.is_some(), group }
    }

    /// Refuses entries with this error and gives back those that were queued.
    pub(super) fn refuse_from_now_on(&self, error: AppendError) -> VecDeque<Queued> {
        let mut state = self.state();
        state.refusal = Some(error);
        state.queued_bytes = 0;
        std::mem::take(&mut state.queue)
    }

    pub(super) fn publish(&self, status: Status) {
        self.state().status = status;
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("status", &self.state().status).finish_non_exhaustive()
    }
}
