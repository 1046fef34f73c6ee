//! What the log tells its surroundings while it works.

use std::path::PathBuf;
use std::sync::Arc;

/// Something that happened on the writing thread. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A group is on disk; its completions are called right after this.
    Committed {
        /// Entries in the group.
        records: u64,
        /// Bytes that the group takes in the segment, record headers included.
        bytes: u64,
        /// Time to write, growing the file included.
        write_seconds: f64,
        /// Time of the `fdatasync`.
        sync_seconds: f64,
    },
    /// A new segment was put to use.
    Rotated {
        /// Whether a released file was written over (else the file is new and grows).
        recycled: bool,
        /// Time it took.
        seconds: f64,
    },
    /// A group failed because the disk is full; the next one tries again.
    DiskFull {
        /// Entries that failed.
        records: u64,
        /// What the system said.
        error: String,
    },
    /// A released segment with unreadable records was kept as evidence.
    Quarantined {
        /// Its new name.
        path: PathBuf,
    },
    /// A released segment could not be renamed or deleted; the next release tries again.
    ReleaseFailed {
        /// What the system said.
        error: String,
    },
    /// The log cannot go on. The process must end, without another attempt to sync.
    Fatal {
        /// What happened.
        error: Arc<str>,
    },
}

/// Told of every [`Event`], on the writing thread: it must be quick and must not wait for the log.
pub type Observer = Box<dyn Fn(Event) + Send>;
