//! Backup and restore of the desk: its database and the files attached to tickets.
//!
//! A backup is a folder:
//!
//! ```text
//! manifest.json              what there is: versions, sizes, SHA-256 of each file; see [`Manifest`]
//! desk.sqlite                the database as of one moment
//! attachments/ab/abcd...     the files that this database names, each under its SHA-256
//! ```
//!
//! Invariants:
//! * The database is copied first, in one transaction; attachments are never changed or removed, so that every file that the
//!   copy names is still there when it is copied after it.
//! * A backup that has its final name is whole and on the disk: it is written beside it as `NAME.partial`, and the manifest,
//!   the last file, names every other.
//! * No name in a manifest becomes a path: attachments are named by their hashes, which are checked to be hashes.
//! * A restore proves everything (hashes, schema, integrity, every ticket of the newest against its history) before the
//!   database takes its place, and never deletes the one that was there.
//! * Files are readable by their owner only: the database holds the hashes of passwords and tokens, and secrets.
//!
//! Logs and metrics are no part of it: they are files that are never changed, which any program can copy.

mod copying;
mod making;
mod manifest;
mod restoring;
#[cfg(test)]
mod restoring_tests;

pub use making::{Made, make_backup};
pub use manifest::{FORMAT, MANIFEST_FILE, Manifest, Missing, Stored};
pub use restoring::{Restored, restore_backup};
