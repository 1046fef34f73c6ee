//! What a start makes of the files it finds.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Sequence;
use super::config::Config;
use super::disk::Disk;
use super::error::OpenError;
use super::folder::Folder;
use super::frame::{BadSegmentHeader, PAGE, RECORD_HEADER, SegmentHeader};
use super::replay::{CutTail, Damage, DamagedSegments, Replay, Source, Tear};
use super::segment_reader::SegmentReader;

/// A segment that is not written any more.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) first: Sequence,
    pub(super) last: Sequence,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// The state that appending starts from.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) folder: Folder,
    /// In order; the newest is kept until there is a newer one, because its name and its records carry the sequence on.
    pub(super) sealed: VecDeque<Sealed>,
    pub(super) spares: Vec<PathBuf>,
    pub(super) next: Sequence,
    pub(super) damaged: DamagedSegments,
}

struct Found {
    first: Sequence,
    path: PathBuf,
    /// `None` where it is damaged.
    header: Option<SegmentHeader>,
}

/// Reads the folder. Segments are not renamed or deleted, so that a start that fails later can be tried again.
pub(super) fn recover(path: &Path, config: &Config, resume_after: Sequence, disk: &Disk) -> Result<(Recovered, Replay), OpenError> {
    config.check()?;
    let folder = Folder::open(path, disk)?;
    let in_folder = |error| OpenError::Io { path: path.to_owned(), error };
    let mut listing = folder.list().map_err(in_folder)?;
    let found = listing.segments.into_iter().map(|(first, path)| read_header(first, path)).collect::<Result<Vec<_>, _>>()?;
    let excess = listing.spares.split_off(listing.spares.len().min(config.spare_segments));
    for leftover in listing.leftovers.iter().chain(&excess) {
        fs::remove_file(leftover).map_err(in_folder)?;
    }

    let damaged = DamagedSegments::default();
    let mut replay = Replay::new(resume_after, Arc::clone(&damaged));
    let mut sealed = VecDeque::new();
    for (index, segment) in found.iter().enumerate() {
        let next_first = found.get(index + 1).map(|next| next.first);
        let judged = judge(segment, next_first, config, disk, &mut replay);
        sealed.push_back(judged.map_err(|error| OpenError::Io { path: segment.path.clone(), error })?);
    }
    let next = sealed.back().map_or(0, |newest: &Sealed| newest.last).max(resume_after) + 1;
    Ok((Recovered { folder, sealed, spares: listing.spares, next, damaged }, replay))
}

fn read_header(first: Sequence, path: PathBuf) -> Result<Found, OpenError> {
    let mut page = Vec::new();
    if let Err(error) = File::open(&path).and_then(|file| file.take(PAGE).read_to_end(&mut page)) {
        return Err(OpenError::Io { path, error });
    }
    match SegmentHeader::decode(&page) {
        // A name that states another sequence is damage as well: something else renamed the file.
        Ok(header) => Ok(Found { first, path, header: (header.first == first).then_some(header) }),
        Err(BadSegmentHeader::Damaged) => Ok(Found { first, path, header: None }),
        Err(BadSegmentHeader::Version(version)) => Err(OpenError::Version { path, version }),
    }
}

/// Finds out which sequences a segment holds and what of it is to be replayed.
fn judge(segment: &Found, next_first: Option<Sequence>, config: &Config, disk: &Disk, replay: &mut Replay) -> io::Result<Sealed> {
    let &Found { first, ref path, header } = segment;
    let last = match (next_first, header) {
        (Some(next_first), _) => next_first - 1,
        (None, Some(header)) => {
            let (last, tear) = settle_end(path, header, disk)?;
            replay.cut_tail = tear.map(|tear| CutTail { path: path.clone(), after: last, tear });
            last
        }
        // Nobody knows how far it went: no sequence is given again that it may have held.
        (None, None) => first + config.segment_bytes.max(fs::metadata(path)?.len()) / RECORD_HEADER as u64,
    };
    match header {
        Some(header) if last > replay.resume_after && last >= first => {
            replay.sources.push_back(Source { path: path.clone(), header, upper: last + 1 });
        }
        Some(_) => {}
        None => {
            let lost = first.max(replay.resume_after + 1)..=last;
            let missing = if lost.is_empty() { Vec::new() } else { vec![lost] };
            replay.report(first, Damage { path: path.clone(), readable: 0, missing });
        }
    }
    Ok(Sealed { first, last, path: path.clone(), bytes: fs::metadata(path)?.len() })
}

/// Finds the last record of the newest segment that counts, and whether what follows it is torn.
///
/// The last group counts up to its first record that is not whole: all of it was written before one `fdatasync`, in any
/// order. The groups before it were on disk when it was written, so they count whatever became of them since.
fn settle_end(path: &Path, header: SegmentHeader, disk: &Disk) -> io::Result<(Sequence, Option<Tear>)> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    // What a killed process left in the page cache counts from now on, so it must survive a power failure too.
    disk.sync(&file)?;
    let mut reader = SegmentReader::new(file.try_clone()?, header, None, 0)?;
    let mut group_first = header.first;
    let (mut last, mut end) = (header.first - 1, PAGE);
    let mut broken = None;
    let mut whole = true;
    while let Some(record) = reader.next()? {
        if record.group_first > group_first {
            whole &= record.group_first == last + 1;
            group_first = record.group_first;
            last = group_first - 1;
            broken = None;
        }
        if record.sequence == last + 1 {
            last = record.sequence;
            end = reader.offset();
        } else if broken.is_none() {
            broken = Some(reader.tear.unwrap_or(Tear::Header));
        }
        reader.tear = None;
    }
    let tear = broken.or(reader.tear);
    if whole && tear.is_none() {
        // A clean end gives back the space behind it: nothing is appended to this file again.
        disk.cut(&file, end + RECORD_HEADER as u64, end + RECORD_HEADER as u64)?;
    }
    Ok((last, tear))
}
