//! The segment that is being written.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::Sequence;
use super::config::Config;
use super::disk::Disk;
use super::error::is_disk_full;
use super::folder::{Folder, MAKING, SEGMENT};
use super::frame::{PAGE, RECORD_HEADER, RecordHeader, SegmentHeader};
use crate::clock::Stopwatch;

/// Data from this size on is written from where it lies; below it, a copy is cheaper than a system call.
const COPY_BELOW: usize = 32 << 10;
/// Piece in which zeros are written.
const ZEROS: usize = 1 << 20;

/// What a record holds, in two parts so that the large one need not be copied.
#[derive(Debug)]
pub(super) struct Payload {
    header: Vec<u8>,
    data: Bytes,
    crc: u32,
}

impl Payload {
    pub(super) fn new(header: Vec<u8>, data: Bytes) -> Self {
        let crc = crc32c::crc32c_append(crc32c::crc32c(&header), &data);
        Self { header, data, crc }
    }

    pub(super) fn bytes(&self) -> u64 {
        (self.header.len() + self.data.len()) as u64
    }

    /// What the record takes in a segment.
    pub(super) fn record_bytes(&self) -> u64 {
        RECORD_HEADER as u64 + self.bytes()
    }
}

/// Why a group or a new segment did not get onto the disk.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no room, and nothing is left of the attempt.
    DiskFull(io::Error),
    /// It is not known what is on disk.
    Fatal(Arc<str>),
}

impl Failure {
    fn fatal(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::Fatal(format!("{doing} {} failed: {error}", path.display()).into())
    }

    fn of(doing: &str, path: &Path, error: io::Error) -> Self {
        if is_disk_full(&error) { Self::DiskFull(error) } else { Self::fatal(doing, path, &error) }
    }
}

/// How long the two parts of a commit took, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) write_seconds: f64,
    pub(super) sync_seconds: f64,
}

/// A segment open for appending.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    path: PathBuf,
    id: u64,
    first: Sequence,
    /// One past the last acknowledged record.
    position: u64,
    /// Up to here the file has blocks that were written before, so that a write takes no space.
    allocated: u64,
    grow_bytes: u64,
    segment_bytes: u64,
}

impl Segment {
    /// Puts a spare file to use, or makes a new one, for the records from `first` on. The name is on disk on return.
    pub(super) fn create(folder: &Folder, disk: &Disk, spare: Option<&Path>, first: Sequence, config: &Config) -> Result<Self, Failure> {
        let &Config { segment_bytes, grow_bytes, .. } = config;
        let path = folder.file(first, SEGMENT);
        let (bits, more_bits) = uuid::Uuid::new_v4().as_u64_pair();
        let id = bits ^ more_bits;
        let page = SegmentHeader { id, first }.first_page();
        let made_in = spare.map_or_else(|| folder.file(first, MAKING), Path::to_owned);
        // Before the rename nothing reads these files: whatever fails leaves a leftover or a spare.
        let made = match spare {
            Some(spare) => write_over(disk, spare, &page),
            None => make_new(disk, &made_in, &page, grow_bytes.min(segment_bytes)),
        };
        let (file, allocated) = made.map_err(|error| Failure::of("preparing", &made_in, error))?;
        fs::rename(&made_in, &path).map_err(|error| Failure::of("renaming", &made_in, error))?;
        disk.sync_folder(folder.path()).map_err(|error| Failure::fatal("syncing the folder", folder.path(), &error))?;
        Ok(Self { file, path, id, first, position: PAGE, allocated, grow_bytes, segment_bytes })
    }

    pub(super) fn first(&self) -> Sequence {
        self.first
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in use.
    pub(super) fn bytes(&self) -> u64 {
        self.position
    }

    /// Bytes of records that still fit.
    pub(super) fn room(&self) -> u64 {
        self.segment_bytes.saturating_sub(self.position + RECORD_HEADER as u64)
    }

    /// Writes a group that starts with sequence `first` and fits the room, and returns when it is on disk. `staging` is
    /// kept by the caller only to be used again.
    pub(super) fn append<'a>(
        &mut self,
        disk: &Disk,
        group: impl Iterator<Item = &'a Payload> + Clone,
        first: Sequence,
        staging: &mut Vec<u8>,
    ) -> Result<Times, Failure> {
        let end = self.position + group.clone().map(Payload::record_bytes).sum::<u64>();
        let writing = Stopwatch::start();
        let written = self.grow(disk, end + RECORD_HEADER as u64).and_then(|()| self.write(disk, group, first, staging));
        if let Err(error) = written {
            let failure = Failure::of("writing", &self.path, error);
            if matches!(failure, Failure::DiskFull(_)) {
                self.cut_back(disk)?;
            }
            return Err(failure);
        }
        let write_seconds = writing.elapsed_seconds();
        let syncing = Stopwatch::start();
        disk.sync(&self.file).map_err(|error| Failure::fatal("syncing", &self.path, &error))?;
        self.position = end;
        Ok(Times { write_seconds, sync_seconds: syncing.elapsed_seconds() })
    }

    /// Takes disk space up to `end` at least: with zeros that are on disk before a record is, so that the sync of a record
    /// has nothing to allocate. (Merely extending the file would move a full disk into `fdatasync` on some file systems,
    /// and would make each one commit metadata.)
    fn grow(&mut self, disk: &Disk, end: u64) -> io::Result<()> {
        if end <= self.allocated {
            return Ok(());
        }
        let steps = (end - self.allocated).div_ceil(self.grow_bytes);
        let to = (self.allocated + steps * self.grow_bytes).min(self.segment_bytes).max(end);
        write_zeros(disk, &self.file, self.allocated, to)?;
        disk.sync(&self.file)?;
        self.allocated = to;
        Ok(())
    }

    fn write<'a>(&self, disk: &Disk, group: impl Iterator<Item = &'a Payload>, first: Sequence, staging: &mut Vec<u8>) -> io::Result<()> {
        let mut at = self.position;
        staging.clear();
        for (place, payload) in (0_u32..).zip(group) {
            let header = RecordHeader {
                payload_crc: payload.crc,
                sequence: first + u64::from(place),
                // An entry fits a segment, and a segment is at most 4 GiB.
                length: payload.bytes() as u32,
                place,
            };
            staging.extend_from_slice(&header.encode(self.id));
            staging.extend_from_slice(&payload.header);
            if payload.data.len() < COPY_BELOW {
                staging.extend_from_slice(&payload.data);
                continue;
            }
            disk.write(&self.file, staging, at)?;
            at += staging.len() as u64;
            staging.clear();
            disk.write(&self.file, &payload.data, at)?;
            at += payload.data.len() as u64;
        }
        staging.extend_from_slice(&[0; RECORD_HEADER]);
        disk.write(&self.file, staging, at)
    }

    /// Removes what a failed attempt left behind the last acknowledged record: records of it may be whole, and their
    /// senders are told that they were not stored.
    fn cut_back(&mut self, disk: &Disk) -> Result<(), Failure> {
        disk.cut(&self.file, self.position, self.position + RECORD_HEADER as u64)
            .map_err(|error| Failure::fatal("cutting back", &self.path, &error))?;
        self.allocated = self.position;
        Ok(())
    }
}

fn write_over(disk: &Disk, path: &Path, page: &[u8]) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().write(true).open(path)?;
    disk.write(&file, page, 0)?;
    disk.sync(&file)?;
    let allocated = file.metadata()?.len();
    Ok((file, allocated))
}

fn make_new(disk: &Disk, path: &Path, page: &[u8], length: u64) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
    let length = length.max(page.len() as u64);
    let written =
        disk.write(&file, page, 0).and_then(|()| write_zeros(disk, &file, page.len() as u64, length)).and_then(|()| disk.sync(&file));
    if let Err(error) = written {
        // The space is needed by others now; a leftover that cannot be removed goes at the next start.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok((file, length))
}

fn write_zeros(disk: &Disk, file: &File, from: u64, to: u64) -> io::Result<()> {
    let zeros = vec![0; ZEROS.min((to - from) as usize)];
    let mut at = from;
    while at < to {
        let piece = &zeros[..zeros.len().min((to - at) as usize)];
        disk.write(file, piece, at)?;
        at += piece.len() as u64;
    }
    Ok(())
}
