//! The write-ahead log: what makes an acknowledgement true.
//!
//! One [`Shard`] is a folder of segment files and a thread that alone writes them. Entries are queued by [`Shard::submit`];
//! the thread takes everything that is queued (a *group*), writes it, calls `fdatasync` once, and then calls the entries'
//! completions in the order of their sequence numbers. Payloads are opaque here.
//!
//! # Byte layout (little endian, version 1)
//!
//! ```text
//! <first sequence, 20 digits>.wal    a segment: one header page, then records without gaps, then zeros or old bytes
//!     header   0 magic "WATCHWAL" · 8 u32 version · 12 u64 segment id · 20 u64 first sequence · 28 u32 CRC32C of 0..28
//!              zeros up to 4096: the page of the header is never written again
//!     record   0 u32 CRC32C of (segment id, bytes 4..24) · 4 u32 CRC32C of the payload · 8 u64 sequence
//!              16 u32 payload length · 20 u32 place in its group, from 0 · 24 payload
//!     end      24 zero bytes after the newest group; the next group overwrites them
//! *.spare      a released segment, kept to be written over; its bytes mean nothing
//! *.corrupt    a released segment in which something could not be read, kept as evidence; never read again, never deleted
//! *.tmp        a segment in the making; deleted by the next start
//! lock         held while a process has the shard open
//! ```
//!
//! * The segment id is random and new each time a file is put to use, and every record's checksum covers it: what an
//!   earlier use left in the file cannot pass for a record, nor can bytes that a sender chose.
//! * Sequence numbers start at 1 and grow by 1. A process never appends to a segment that another process wrote: the
//!   first append after a start begins a new segment, whose first sequence says where the one before it ends.
//! * The place in the group says which records were on disk before this one was written: those before its group.
//!
//! # Acknowledgement
//!
//! `done(Ok(sequence))` is called after the `fdatasync` that covers the record; until then nothing is promised. After
//! `done(Err(DiskFull | LogFull | TooLarge | Closed))` the record is not in the log and never will be read from it.
//! After `done(Err(Fatal))` nobody knows: the record may come back at the next start.
//!
//! # What replay guarantees
//!
//! 1. Every acknowledged record after `resume_after` is read back with its sequence, once, in order, unless its own bytes,
//!    the header of its segment or an earlier record of the newest group were damaged.
//! 2. Nothing is read back that was not submitted.
//! 3. Damage costs the damaged records only. Acknowledged records that cannot be read are reported as [`Damage`] with
//!    their sequences, and the segment is kept as `*.corrupt` once it is released.
//! 4. A torn tail (the last group of the last segment, broken off by a crash before its `fdatasync`) is cut and reported
//!    as [`CutTail`]. Damage behind which no record can be read looks the same and is cut too (and if it is all zeros, like
//!    a log that ends there); damage to a group that a later group follows does not, because the later one proves that
//!    the earlier one was on disk.
//! 5. A sequence that was acknowledged is never given again, also when all segments are released (the newest stays),
//!    when the log was deleted (it continues after `resume_after`), or when the newest segment lost its header.
//!
//! # What fails, and how
//!
//! * **Disk full** (`ENOSPC`, `EDQUOT`, `EFBIG`) while writing or growing a file: the group fails with
//!   [`AppendError::DiskFull`], the file is cut back to the last acknowledged record, and the next group tries again.
//! * **`fdatasync` fails, whatever the reason**: everything from then on fails with [`AppendError::Fatal`] and
//!   [`Event::Fatal`] is sent; the process must end. The kernel may have thrown the pages away, so that a second
//!   `fdatasync` would succeed without the data being on disk (PostgreSQL learned this in 2018). A full disk cannot show
//!   up there on file systems that write in place (ext4, xfs): space is taken by writing zeros and syncing them before a
//!   record is put on it. Where every write is a new allocation (btrfs, ZFS, thin volumes) it can, and is fatal; the next
//!   start writes nothing until the first append, and that one fails at the growing with `DiskFull`, so a full disk does
//!   not become a restart loop. The one exception is the sync of fresh zeros: no record is on them, they are cut off again.
//! * **The tables do not drain**: beyond `max_bytes` appends fail with [`AppendError::LogFull`].
//! * **Reading fails** (not a wrong checksum, but the disk says no): [`OpenError`] or [`ReplayError`]; nothing is skipped.
//! * A limit on file sizes (`RLIMIT_FSIZE`) raises `SIGXFSZ`, which ends the process unless it is ignored.

mod appender;
mod config;
mod disk;
mod error;
mod event;
mod folder;
mod frame;
mod recovery;
mod replay;
mod segment;
mod segment_reader;
mod shard;

#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod test_log;

pub use config::Config;
pub use error::{AppendError, OpenError, ReplayError};
pub use event::{Event, Observer};
pub use replay::{CutTail, Damage, Replay, Replayed, Tear};
pub use shard::{Completion, Entry, Shard, Status};

/// Number of a record within its shard: 1 for the first, one more for each that follows, never reused once acknowledged.
pub type Sequence = u64;
