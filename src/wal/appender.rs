//! The thread that writes: groups, rotation, release.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use super::Sequence;
use super::config::Config;
use super::disk::Disk;
use super::error::AppendError;
use super::event::{Event, Observer};
use super::folder::{CORRUPT, SPARE};
use super::recovery::{Recovered, Sealed};
use super::segment::{Failure, Payload, Segment};
use super::shard::{Completion, Shared, Status};
use crate::clock::Stopwatch;

/// Beyond this the staging buffer is given back after a group of unusual size.
const KEEP_STAGING: usize = 8 << 20;

/// An entry that waits to be written.
pub(super) struct Queued {
    pub(super) payload: Payload,
    pub(super) done: Completion,
}

/// Owns the files of a shard.
pub(super) struct Appender {
    pub(super) shared: Arc<Shared>,
    pub(super) config: Config,
    pub(super) disk: Disk,
    pub(super) observer: Observer,
    pub(super) files: Recovered,
    pub(super) active: Option<Segment>,
    pub(super) released: Sequence,
    pub(super) staging: Vec<u8>,
}

impl Appender {
    /// Works until the shard is closed or the log is broken.
    pub(super) fn run(mut self) {
        let ended = catch_unwind(AssertUnwindSafe(|| self.work()));
        let reason = match ended {
            Ok(Ok(())) => return,
            Ok(Err(reason)) => reason,
            Err(_) => Arc::from("BUG: a completion or the observer of the write-ahead log panicked"),
        };
        let error = AppendError::Fatal(Arc::clone(&reason));
        for queued in self.shared.refuse_from_now_on(error.clone()) {
            (queued.done)(Err(error.clone()));
        }
        (self.observer)(Event::Fatal { error: reason });
    }

    fn work(&mut self) -> Result<(), Arc<str>> {
        loop {
            let work = self.shared.next_work(self.config.group_bytes as u64, self.config.group_delay());
            if let Some(up_to) = work.release {
                // The tables cannot have what the log has not given out yet.
                self.released = self.released.max(up_to.min(self.files.next - 1));
                self.dispose()?;
                self.publish();
            }
            if work.stop {
                return Ok(());
            }
            self.store(work.group)?;
        }
    }

    /// Stores a group, in two parts where a segment ends within it.
    fn store(&mut self, mut group: VecDeque<Queued>) -> Result<(), Arc<str>> {
        let bytes: u64 = group.iter().map(|queued| queued.payload.record_bytes()).sum();
        if self.bytes_held() + bytes > self.config.max_bytes {
            fail(group, &AppendError::LogFull { max_bytes: self.config.max_bytes });
            return Ok(());
        }
        while !group.is_empty() {
            let fitting = how_many_fit(&group, self.active.as_ref().map_or(0, Segment::room));
            let stored = match fitting {
                0 => self.rotate().map_err(|failure| (failure, std::mem::take(&mut group))),
                _ => self.commit(group.drain(..fitting).collect()),
            };
            if let Err((failure, unstored)) = stored {
                self.report(failure, unstored)?;
            }
        }
        Ok(())
    }

    /// Writes and syncs entries that fit the active segment, and acknowledges them. On failure they come back.
    fn commit(&mut self, group: VecDeque<Queued>) -> Result<(), (Failure, VecDeque<Queued>)> {
        let Some(segment) = &mut self.active else { return Ok(()) };
        let first = self.files.next;
        let before = segment.bytes();
        let times = match segment.append(&self.disk, group.iter().map(|queued| &queued.payload), first, &mut self.staging) {
            Ok(times) => times,
            Err(failure) => return Err((failure, group)),
        };
        let bytes = segment.bytes() - before;
        if self.staging.capacity() > KEEP_STAGING {
            self.staging = Vec::new();
        }
        let records = group.len() as u64;
        self.files.next += records;
        self.publish();
        (self.observer)(Event::Committed { records, bytes, write_seconds: times.write_seconds, sync_seconds: times.sync_seconds });
        for (sequence, queued) in (first..).zip(group) {
            (queued.done)(Ok(sequence));
        }
        Ok(())
    }

    fn report(&self, failure: Failure, unstored: VecDeque<Queued>) -> Result<(), Arc<str>> {
        match failure {
            Failure::DiskFull(error) => {
                (self.observer)(Event::DiskFull { records: unstored.len() as u64, error: error.to_string() });
                fail(unstored, &AppendError::DiskFull);
                Ok(())
            }
            Failure::Fatal(reason) => {
                fail(unstored, &AppendError::Fatal(Arc::clone(&reason)));
                Err(reason)
            }
        }
    }

    /// Puts a new segment to use; the one before it stays in use if that fails.
    fn rotate(&mut self) -> Result<(), Failure> {
        let watch = Stopwatch::start();
        let first = self.files.next;
        // Somebody may have tidied up by hand; a new file does as well.
        self.files.spares.retain(|spare| spare.is_file());
        let spare = self.files.spares.last().map(PathBuf::as_path);
        let recycled = spare.is_some();
        let segment = Segment::create(&self.files.folder, &self.disk, spare, first, &self.config)?;
        if recycled {
            self.files.spares.pop();
        }
        // A segment of the last run that got no record had the same first sequence: the new one replaced it.
        self.files.sealed.pop_back_if(|newest| newest.first == first);
        if let Some(full) = self.active.replace(segment) {
            let path = full.path().to_owned();
            self.files.sealed.push_back(Sealed { first: full.first(), last: first - 1, path, bytes: full.bytes() });
        }
        (self.observer)(Event::Rotated { recycled, seconds: watch.elapsed_seconds() });
        self.dispose().map_err(Failure::Fatal)?;
        Ok(())
    }

    /// Sets released segments aside, oldest first, so that what remains is always the newest part of the log.
    fn dispose(&mut self) -> Result<(), Arc<str>> {
        let mut changed = false;
        while let Some(oldest) = self.files.sealed.front()
            && oldest.last <= self.released
            && (self.active.is_some() || self.files.sealed.len() > 1)
        {
            if let Err(error) = self.set_aside() {
                (self.observer)(Event::ReleaseFailed { error: error.to_string() });
                break;
            }
            self.files.sealed.pop_front();
            changed = true;
        }
        if changed {
            // Before a spare is written over, its old name must be gone for good.
            let folder = self.files.folder.path();
            self.disk.sync_folder(folder).map_err(|error| format!("syncing the folder {} failed: {error}", folder.display()))?;
        }
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        let Some(oldest) = self.files.sealed.front() else { return Ok(()) };
        let damaged = self.files.damaged.lock().unwrap_or_else(PoisonError::into_inner).contains(&oldest.first);
        if damaged {
            let path = self.files.folder.file(oldest.first, CORRUPT);
            fs::rename(&oldest.path, &path)?;
            (self.observer)(Event::Quarantined { path });
        } else if self.files.spares.len() < self.config.spare_segments {
            let path = self.files.folder.file(oldest.first, SPARE);
            fs::rename(&oldest.path, &path)?;
            self.files.spares.push(path);
        } else {
            fs::remove_file(&oldest.path)?;
        }
        Ok(())
    }

    /// Bytes that count against the limit. The newest segment of the last run may be released and still be there.
    fn bytes_held(&self) -> u64 {
        let sealed: u64 = self.files.sealed.iter().filter(|segment| segment.last > self.released).map(|segment| segment.bytes).sum();
        sealed + self.active.as_ref().map_or(0, Segment::bytes)
    }

    pub(super) fn publish(&self) {
        let files = &self.files;
        let first = files.sealed.front().map(|segment| segment.first).or(self.active.as_ref().map(Segment::first));
        let status = Status {
            segments: files.sealed.len() + usize::from(self.active.is_some()),
            spare_segments: files.spares.len(),
            bytes: self.bytes_held(),
            first_sequence: first.unwrap_or(files.next),
            durable_sequence: files.next - 1,
            released_sequence: self.released,
            ..Status::default()
        };
        self.shared.publish(status);
    }
}

fn how_many_fit(group: &VecDeque<Queued>, mut room: u64) -> usize {
    let fits = |queued: &&Queued| match room.checked_sub(queued.payload.record_bytes()) {
        Some(rest) => {
            room = rest;
            true
        }
        None => false,
    };
    group.iter().take_while(fits).count()
}

fn fail(group: VecDeque<Queued>, error: &AppendError) {
    for queued in group {
        (queued.done)(Err(error.clone()));
    }
}
