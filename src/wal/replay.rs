//! Reading the log back after a start.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io;
use std::iter::FusedIterator;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::Sequence;
use super::error::ReplayError;
use super::frame::SegmentHeader;
use super::segment_reader::SegmentReader;

/// What replay finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replayed {
    /// A record, in the order of the sequence.
    Record {
        /// Its number.
        sequence: Sequence,
        /// Header and data of the entry, as they were submitted, one after the other.
        payload: Bytes,
    },
    /// Records that cannot be read. Replay goes on behind them.
    Damage(Damage),
}

/// Acknowledged records of a segment that cannot be read any more. Reported once the segment was read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the write-ahead log file {} is damaged: {readable} of its records could be read, those numbered {missing:?} could not and are lost; \
     check the disk; the file is kept, with the ending .corrupt, once the rest of it is in the tables",
    path.display()
)]
pub struct Damage {
    /// The segment.
    pub path: PathBuf,
    /// Records of it that could be read.
    pub readable: u64,
    /// Sequences that could not. Where the newest segment lost its header, the end of the range is the most that it can
    /// have held.
    pub missing: Vec<RangeInclusive<Sequence>>,
}

/// The end of the log was not whole when it was opened: a crash broke off the last group, which nobody had been told
/// is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutTail {
    /// The segment.
    pub path: PathBuf,
    /// The last record that counts; what was behind it does not.
    pub after: Sequence,
    /// What was found there.
    pub tear: Tear,
}

/// What is wrong with the bytes where a record should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tear {
    /// Neither a record header nor the end mark.
    Header,
    /// A record header whose payload is cut short or does not match its checksum.
    Payload,
}

/// First sequences of the segments in which something could not be read: the appender keeps these.
pub(super) type DamagedSegments = Arc<Mutex<BTreeSet<Sequence>>>;

/// A segment to read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    pub(super) header: SegmentHeader,
    /// One past the last sequence in it.
    pub(super) upper: Sequence,
}

/// The records after `resume_after`, read as they are asked for: one payload in memory at a time.
///
/// Appending may go on meanwhile; what is appended is not replayed. Release nothing that was not replayed yet. After a
/// [`ReplayError`] it ends.
#[derive(Debug)]
pub struct Replay {
    pub(super) sources: VecDeque<Source>,
    current: Option<(Source, SegmentReader)>,
    reports: VecDeque<Damage>,
    pub(super) resume_after: Sequence,
    damaged: DamagedSegments,
    pub(super) cut_tail: Option<CutTail>,
}

impl Replay {
    pub(super) fn new(resume_after: Sequence, damaged: DamagedSegments) -> Self {
        Self { sources: VecDeque::new(), current: None, reports: VecDeque::new(), resume_after, damaged, cut_tail: None }
    }

    /// The torn tail that was cut when the log was opened, if there was one.
    pub fn cut_tail(&self) -> Option<&CutTail> {
        self.cut_tail.as_ref()
    }

    /// Has the damage told to the caller, and the segment kept when it is released.
    pub(super) fn report(&mut self, first: Sequence, damage: Damage) {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).insert(first);
        self.reports.push_back(damage);
    }

    fn advance(&mut self) -> Result<Option<Replayed>, (PathBuf, io::Error)> {
        loop {
            if let Some(damage) = self.reports.pop_front() {
                return Ok(Some(Replayed::Damage(damage)));
            }
            let (source, mut reader) = match self.current.take() {
                Some(current) => current,
                None => match self.sources.pop_front() {
                    Some(source) => {
                        let reader = File::open(&source.path)
                            .and_then(|file| SegmentReader::new(file, source.header, Some(source.upper), self.resume_after))
                            .map_err(|error| (source.path.clone(), error))?;
                        (source, reader)
                    }
                    None => return Ok(None),
                },
            };
            if let Some(record) = reader.next().map_err(|error| (source.path.clone(), error))? {
                self.current = Some((source, reader));
                return Ok(Some(Replayed::Record { sequence: record.sequence, payload: record.payload }));
            }
            if !reader.missing.is_empty() {
                let damage = Damage { path: source.path, readable: reader.readable, missing: reader.missing };
                self.report(source.header.first, damage);
            }
        }
    }
}

impl Iterator for Replay {
    type Item = Result<Replayed, ReplayError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance()
            .map_err(|(path, error)| {
                self.current = None;
                self.sources.clear();
                ReplayError { path, error }
            })
            .transpose()
    }
}

impl FusedIterator for Replay {}
