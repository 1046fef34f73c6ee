//! What is left of the log when its files are damaged or a crash tears its end.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::frame::{PAGE, RECORD_HEADER};
use super::test_log::{Log, copy_folder, files, folder, payload, small};
use super::{Event, Sequence, Tear};

/// Where an acknowledged record lies.
#[derive(Debug, Clone)]
struct Place {
    sequence: Sequence,
    length: usize,
    file: PathBuf,
    bytes: Range<u64>,
    /// First sequence of its group.
    group: Sequence,
}

/// Stores groups of records of these lengths, starting after `base`, and says where each one lies.
fn store_groups(log: &Log, dir: &Path, groups: &[Vec<usize>]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut next = log.shard.status().durable_sequence + 1;
    for group in groups {
        let payloads: Vec<Vec<u8>> = (next..).zip(group).map(|(sequence, length)| payload(sequence, *length)).collect();
        let answers = log.store_group(&payloads);
        assert!(answers.into_iter().eq((next..next + group.len() as u64).map(Ok)));
        let group_first = next;
        for length in group {
            let file = files(dir, "wal").into_iter().rfind(|file| first_of(file) <= next).unwrap();
            let start = match places.last() {
                Some(last) if last.file == file => last.bytes.end,
                _ => PAGE,
            };
            // A group that does not fit the segment is continued, as a group of its own, in the next.
            let group = if first_of(&file) > group_first { first_of(&file) } else { group_first };
            places.push(Place { sequence: next, length: *length, file, bytes: start..start + (RECORD_HEADER + length) as u64, group });
            next += 1;
        }
    }
    places
}

fn first_of(file: &Path) -> Sequence {
    file.file_stem().unwrap().to_str().unwrap().parse().unwrap()
}

/// Fills and releases segments, so that what is stored afterwards lies in files full of old records.
fn use_files_before(log: &Log) -> Sequence {
    log.store_each(&[1_000; 250]);
    log.release(200);
    // Stored and released once more, so that the segment in use is one that was written before.
    log.store_each(&[1_000; 62]);
    log.release(250);
    log.shard.status().durable_sequence
}

#[derive(Debug, Clone)]
enum Harm {
    Flip { bit: u8 },
    Truncate,
    Zero { length: u64 },
    Garbage { length: u64 },
}

impl Harm {
    /// Damages the file from `at` on, and says which bytes may be others now.
    fn apply(&self, path: &Path, at: u64) -> Range<u64> {
        let file = File::options().read(true).write(true).open(path).unwrap();
        let length = file.metadata().unwrap().len();
        let (bytes, until) = match *self {
            Self::Flip { bit } => {
                let mut byte = [0];
                file.read_exact_at(&mut byte, at).unwrap();
                (vec![byte[0] ^ (1 << bit)], at + 1)
            }
            Self::Truncate => {
                file.set_len(at).unwrap();
                (vec![], u64::MAX)
            }
            Self::Zero { length: many } => (vec![0; many.min(length - at) as usize], at + many),
            Self::Garbage { length: many } => (payload(at, many.min(length - at) as usize), at + many),
        };
        file.write_all_at(&bytes, at).unwrap();
        at..until
    }
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        3 => (0_u8..8).prop_map(|bit| Harm::Flip { bit }),
        1 => Just(Harm::Truncate),
        1 => (1_u64..5_000).prop_map(|length| Harm::Zero { length }),
        1 => (1_u64..5_000).prop_map(|length| Harm::Garbage { length }),
    ]
}

fn record_groups() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let length = prop_oneof![4 => 0_usize..300, 2 => 300_usize..9_000, 1 => 30_000_usize..40_000];
    prop::collection::vec(prop::collection::vec(length, 1..6), 1..10)
}

/// Whether a record may be gone when these bytes of this file were touched.
fn may_be_lost(place: &Place, file: &Path, touched: &Range<u64>, newest: &[&Place]) -> bool {
    let hit = |place: &Place| place.file == file && place.bytes.start < touched.end && touched.start < place.bytes.end;
    let header_hit = place.file == file && touched.start < PAGE;
    // The newest group is only as good as its first damaged record.
    let cut =
        newest.iter().any(|other| other.sequence <= place.sequence && hit(other)) && newest.iter().any(|p| p.sequence == place.sequence);
    hit(place) || header_hit || cut
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn damage_costs_the_damaged_records_only_and_every_loss_is_reported(
        groups in record_groups(),
        recycled: bool,
        harm in harm(),
        which in 0.0_f64..1.0,
        whereabouts in 0.0_f64..1.0,
    ) {
        let dir = folder();
        let (log, _) = Log::open(dir.path(), &small(), 0);
        let base = if recycled { use_files_before(&log) } else { 0 };
        let all = store_groups(&log, dir.path(), &groups);
        log.shard.close();
        // The records of `use_files_before` share the first file with the groups; only files of the groups alone are harmed.
        let mut harmed_files = files(dir.path(), "wal");
        harmed_files.retain(|file| first_of(file) > base && all.iter().any(|place| &place.file == file));
        if harmed_files.is_empty() {
            return Ok(());
        }
        let victim = &harmed_files[(which * harmed_files.len() as f64) as usize];
        let in_use = all.iter().filter(|place| &place.file == victim).map(|place| place.bytes.end).max().unwrap_or(PAGE);
        let touched = harm.apply(victim, (whereabouts * in_use as f64) as u64);

        let newest_group = all.last().unwrap().group;
        let newest: Vec<&Place> = all.iter().filter(|place| place.group == newest_group).collect();
        let (log, seen) = Log::open(dir.path(), &small(), base);
        for (sequence, bytes) in &seen.records {
            let place = all.iter().find(|place| place.sequence == *sequence);
            prop_assert!(place.is_some_and(|place| payload(*sequence, place.length) == *bytes), "record {} was invented", sequence);
        }
        let missing: BTreeSet<Sequence> = seen.missing().into_iter().collect();
        let last_read = seen.sequences().last().copied().unwrap_or(base);
        for place in &all {
            let read = seen.records.contains_key(&place.sequence);
            prop_assert!(read || may_be_lost(place, victim, &touched, &newest), "{:?} was lost without cause", place);
            // Behind the last readable record a loss looks like a torn tail, and zeros look like the end mark.
            let cut = place.sequence > last_read && (seen.cut_tail.is_some() || matches!(harm, Harm::Zero { .. }));
            let reported = missing.contains(&place.sequence) || cut;
            prop_assert!(read != reported, "{:?}: read {}, missing {:?}, cut {:?}", place, read, missing, seen.cut_tail);
        }

        // What comes after is numbered on, and the damage looks the same at the next start.
        let next = log.store(b"after").unwrap();
        prop_assert!(next > last_read);
        prop_assert!(missing.iter().all(|sequence| *sequence < next));
        log.shard.close();
        let (log, again) = Log::open(dir.path(), &small(), base);
        prop_assert_eq!(again.sequences(), [seen.sequences(), vec![next]].concat());
        prop_assert_eq!(&again.damage, &seen.damage);
        prop_assert_eq!(again.cut_tail, None);

        // Released, the damaged segment is kept for whoever wants to know.
        log.store_each(&[60_000; 2]);
        log.release(next);
        let kept = files(dir.path(), "corrupt").len();
        prop_assert_eq!(kept, usize::from(!seen.damage.is_empty()));
        prop_assert_eq!(log.events().iter().filter(|event| matches!(event, Event::Quarantined { .. })).count(), kept);
    }

    #[test]
    fn a_crash_before_the_sync_cuts_the_newest_group_and_never_looks_like_damage(
        groups in record_groups(),
        torn in prop::collection::vec(0_usize..3_000, 1..8),
        recycled: bool,
        kept_sectors in prop::collection::vec(any::<bool>(), 1..200),
    ) {
        let dir = folder();
        let (log, _) = Log::open(dir.path(), &small(), 0);
        let base = if recycled { use_files_before(&log) } else { 0 };
        let acknowledged: Vec<Place> = store_groups(&log, dir.path(), &groups);
        let durable = acknowledged.last().unwrap().sequence;
        // As the disk has it if the newest group's sectors are written in any order, and not all of them.
        let crashed = folder();
        copy_folder(dir.path(), crashed.path());
        let places = store_groups(&log, dir.path(), &[torn]);
        let after = files(dir.path(), "wal").pop().unwrap();
        let before = crashed.path().join(after.file_name().unwrap());
        if before.try_exists().unwrap() && places.iter().all(|place| place.file == after) {
            let (old, new) = (fs::read(&before).unwrap(), fs::read(&after).unwrap());
            let mut mixed = new;
            for (index, sector) in mixed.chunks_mut(512).enumerate() {
                if !kept_sectors[index % kept_sectors.len()] {
                    let at = index * 512;
                    for (offset, byte) in sector.iter_mut().enumerate() {
                        *byte = old.get(at + offset).copied().unwrap_or(0);
                    }
                }
            }
            fs::write(&before, mixed).unwrap();
        }
        log.shard.close();

        let (log, seen) = Log::open(crashed.path(), &small(), base);
        prop_assert_eq!(&seen.damage, &vec![]);
        let sequences = seen.sequences();
        prop_assert_eq!(&sequences, &(base + 1..=base + sequences.len() as u64).collect::<Vec<_>>(), "no gap");
        let last = *sequences.last().unwrap();
        prop_assert!(last >= durable, "what was acknowledged is there");
        for place in acknowledged.iter().chain(&places).filter(|place| place.sequence <= last) {
            prop_assert_eq!(&seen.records[&place.sequence], &payload(place.sequence, place.length));
        }
        // What was cut stays cut: its sequences are given to others, and nothing of it comes back.
        prop_assert_eq!(log.store(b"instead"), Ok(last + 1));
        log.shard.close();
        let (_log, again) = Log::open(crashed.path(), &small(), base);
        prop_assert_eq!(again.sequences(), [sequences, vec![last + 1]].concat());
        prop_assert_eq!(&again.records[&(last + 1)], &b"instead"[..]);
        prop_assert_eq!(again.damage, vec![]);
    }
}

/// Three records of 20,000 bytes fill a segment: 1 to 3, 4 to 6, 7.
fn seven_records() -> (tempfile::TempDir, Vec<PathBuf>) {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[20_000; 7]);
    log.shard.close();
    let segments = files(dir.path(), "wal");
    assert_eq!(segments.iter().map(|file| first_of(file)).collect::<Vec<_>>(), [1, 4, 7]);
    (dir, segments)
}

#[test]
fn damage_in_an_earlier_segment_is_reported_and_the_rest_is_replayed() {
    let (dir, segments) = seven_records();
    Harm::Garbage { length: 100 }.apply(&segments[0], PAGE + 20_024);
    let (_log, seen) = Log::open(dir.path(), &small(), 0);
    assert_eq!(seen.sequences(), [1, 3, 4, 5, 6, 7]);
    assert_eq!(seen.damage.len(), 1);
    assert_eq!((&seen.damage[0].path, seen.damage[0].readable, &seen.damage[0].missing), (&segments[0], 2, &vec![2..=2]));
    assert_eq!(seen.cut_tail, None);
}

#[test]
fn damage_before_valid_groups_in_the_last_segment_is_damage_and_not_a_torn_tail() {
    let (dir, segments) = seven_records();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[500; 3]);
    log.shard.close();
    let newest = files(dir.path(), "wal").pop().unwrap();
    assert_ne!(newest, segments[2]);
    Harm::Zero { length: 300 }.apply(&newest, PAGE);
    let (log, seen) = Log::open(dir.path(), &small(), 0);
    assert_eq!((seen.missing(), &seen.cut_tail), (vec![8], &None));
    assert_eq!(seen.sequences(), [1, 2, 3, 4, 5, 6, 7, 9, 10]);
    assert_eq!(log.store(b"x"), Ok(11));
}

#[test]
fn a_bad_last_record_is_cut_and_the_reason_is_told() {
    for (at, tear) in [(PAGE + 3, Tear::Header), (PAGE + 24 + 9_000, Tear::Payload)] {
        let (dir, segments) = seven_records();
        Harm::Flip { bit: 0 }.apply(&segments[2], at);
        let (log, seen) = Log::open(dir.path(), &small(), 0);
        let tail = seen.cut_tail.unwrap();
        assert_eq!((tail.after, tail.tear, &tail.path), (6, tear, &segments[2]));
        assert_eq!(seen.damage, []);
        assert_eq!(log.store(b"x"), Ok(7));
    }
}

#[test]
fn damage_to_what_the_tables_have_is_not_reported() {
    let (dir, segments) = seven_records();
    Harm::Truncate.apply(&segments[0], PAGE + 10);
    Harm::Flip { bit: 1 }.apply(&segments[1], PAGE + 100);
    let (_log, seen) = Log::open(dir.path(), &small(), 4);
    assert_eq!((seen.sequences(), seen.damage), (vec![5, 6, 7], vec![]));
}

#[test]
fn no_sequence_is_given_twice_when_the_newest_segment_lost_its_header() {
    let (dir, segments) = seven_records();
    Harm::Zero { length: 8 }.apply(&segments[2], 0);
    let (log, seen) = Log::open(dir.path(), &small(), 0);
    assert_eq!(seen.sequences(), (1..=6).collect::<Vec<_>>());
    assert!(seen.missing().contains(&7));
    let next = log.store(b"x").unwrap();
    assert!(next > *seen.missing().last().unwrap());
    log.shard.close();
    let (log, again) = Log::open(dir.path(), &small(), 0);
    assert_eq!(again.sequences(), [1, 2, 3, 4, 5, 6, next]);
    log.store_each(&[60_000; 2]);
    log.release(next);
    assert_eq!(files(dir.path(), "corrupt").len(), 1);
}

#[test]
fn a_deleted_segment_in_the_middle_is_reported() {
    let (dir, segments) = seven_records();
    fs::remove_file(&segments[1]).unwrap();
    let (_log, seen) = Log::open(dir.path(), &small(), 0);
    assert_eq!((seen.sequences(), seen.missing()), (vec![1, 2, 3, 7], vec![4, 5, 6]));
}
