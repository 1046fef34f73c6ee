//! What the module's documentation promises, apart from damage: one test for each statement.

use std::fs;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc;

use bytes::Bytes;
use proptest::prelude::*;

use super::test_log::{Log, copy_folder, files, folder, payload, small};
use super::{AppendError, Config, Entry, Event, OpenError, Tear};

#[test]
fn what_was_acknowledged_is_read_back_after_a_restart() {
    let dir = folder();
    let lengths = [0, 1, 6, 7, 8, 4_096, 40_000, 50_000, 100, 33_000, 0];
    let (log, seen) = Log::open(dir.path(), &small(), 0);
    assert!(seen.records.is_empty());
    log.store_each(&lengths);
    assert!(log.shard.status().segments > 2, "the records span segments");
    log.shard.close();
    for resume_after in [0, 4, 11] {
        let (_log, seen) = Log::open(dir.path(), &small(), resume_after);
        assert_eq!(seen.sequences(), (resume_after + 1..=11).collect::<Vec<_>>());
        assert!(seen.records.iter().all(|(sequence, bytes)| *bytes == payload(*sequence, lengths[*sequence as usize - 1])));
        assert_eq!((seen.damage, seen.cut_tail), (vec![], None));
    }
}

#[test]
fn completions_come_in_the_order_of_the_sequence_and_after_the_sync() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    let (sent, received) = mpsc::channel();
    std::thread::scope(|scope| {
        for submitter in 0..4_u64 {
            let (log, sent) = (&log, sent.clone());
            scope.spawn(move || {
                for _ in 0..100 {
                    let sent = sent.clone();
                    let events = std::sync::Arc::clone(&log.events);
                    let done = Box::new(move |answer: Result<u64, AppendError>| {
                        let committed = |event: &Event| if let Event::Committed { records, .. } = event { *records } else { 0 };
                        sent.send((answer.unwrap(), events.lock().unwrap().iter().map(committed).sum::<u64>())).unwrap();
                    });
                    log.shard.submit(Entry { header: vec![], data: payload(submitter, 300).into(), done });
                }
            });
        }
    });
    drop(sent);
    let answers: Vec<(u64, u64)> = received.iter().take(400).collect();
    assert_eq!(answers.iter().map(|a| a.0).collect::<Vec<_>>(), (1..=400).collect::<Vec<_>>());
    assert!(answers.iter().all(|(sequence, committed)| committed >= sequence), "each was committed when it was called");
}

#[test]
fn entries_that_wait_together_share_one_sync() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_group(&vec![payload(1, 100); 20]);
    let groups: Vec<u64> =
        log.events().into_iter().filter_map(|e| if let Event::Committed { records, .. } = e { Some(records) } else { None }).collect();
    assert_eq!(groups, [20]);
}

#[test]
fn a_delay_gathers_entries_that_come_one_by_one() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &Config { group_delay_ms: 500, ..small() }, 0);
    let (sent, received) = mpsc::channel();
    for _ in 0..3 {
        let sent = sent.clone();
        log.shard.submit(Entry { header: vec![1], data: Bytes::new(), done: Box::new(move |answer| sent.send(answer).unwrap()) });
    }
    assert_eq!(received.iter().take(3).collect::<Vec<_>>(), [Ok(1), Ok(2), Ok(3)]);
    let commits = log.events().iter().filter(|event| matches!(event, Event::Committed { .. })).count();
    assert_eq!(commits, 1);
}

#[test]
fn released_segments_are_recycled_and_the_excess_is_deleted() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[50_000; 6]);
    assert_eq!(files(dir.path(), "wal").len(), 6);
    log.release(5);
    assert_eq!((files(dir.path(), "wal").len(), files(dir.path(), "spare").len()), (1, 2));
    let status = log.shard.status();
    assert_eq!((status.segments, status.spare_segments, status.first_sequence, status.durable_sequence), (1, 2, 6, 6));
    log.store_each(&[50_000]);
    assert_eq!(files(dir.path(), "spare").len(), 1, "a spare is put to use");
    assert!(log.events().iter().any(|event| matches!(event, Event::Rotated { recycled: true, .. })));
}

#[test]
fn a_record_that_is_not_released_keeps_its_segment() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[20_000; 6]);
    log.release(3);
    log.release(4);
    log.shard.close();
    let (_log, seen) = Log::open(dir.path(), &small(), 0);
    // Three records fit a segment: the second one holds 4 to 6.
    assert_eq!(seen.sequences(), [4, 5, 6]);
}

#[test]
fn releasing_what_does_not_exist_yet_releases_nothing_to_come() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.shard.release(1_000);
    log.store_each(&[50_000; 4]);
    log.shard.close();
    let (_log, seen) = Log::open(dir.path(), &small(), 0);
    assert_eq!(seen.sequences(), [1, 2, 3, 4]);
}

#[test]
fn a_recycled_segment_never_replays_what_it_held_before() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    // Records of one size: the old records stand exactly where new ones would.
    log.store_each(&[1_000; 250]);
    log.release(200);
    log.store_each(&[1_000; 60]);
    assert!(log.events().iter().any(|event| matches!(event, Event::Rotated { recycled: true, .. })));
    let crashed = folder();
    copy_folder(dir.path(), crashed.path());
    let (_log, seen) = Log::open(crashed.path(), &small(), 200);
    assert_eq!(seen.sequences(), (201..=310).collect::<Vec<_>>());
    assert_eq!((seen.damage, seen.cut_tail), (vec![], None));
}

#[test]
fn the_sequence_continues_when_everything_was_released() {
    let dir = folder();
    let mut last = 0;
    for _ in 0..4 {
        let (log, seen) = Log::open(dir.path(), &small(), last);
        assert!(seen.records.is_empty());
        log.store_each(&[50_000; 3]);
        last += 3;
        assert_eq!(log.shard.status().durable_sequence, last);
        log.release(last);
        log.shard.close();
    }
    // A start that finds everything in the tables and appends nothing keeps the newest segment.
    Log::open(dir.path(), &small(), last).0.shard.close();
    assert_eq!(files(dir.path(), "wal").len(), 1);
    let (log, _) = Log::open(dir.path(), &small(), 0);
    assert_eq!(log.store(b"x"), Ok(last + 1), "also when the tables were lost");
}

#[test]
fn the_sequence_continues_after_the_tables_when_the_log_was_deleted() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[10; 3]);
    log.shard.close();
    for segment in files(dir.path(), "wal") {
        fs::remove_file(segment).unwrap();
    }
    let (log, _) = Log::open(dir.path(), &small(), 70);
    assert_eq!(log.store(b"x"), Ok(71));
    log.shard.close();
    let (_log, seen) = Log::open(dir.path(), &small(), 70);
    assert_eq!(seen.sequences(), [71]);
}

#[test]
fn a_jump_of_the_sequence_that_the_tables_explain_is_no_damage() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[10; 3]);
    log.shard.close();
    let (log, seen) = Log::open(dir.path(), &small(), 9);
    assert!(seen.records.is_empty());
    assert_eq!(log.store(b"x"), Ok(10));
    log.shard.close();
    let (_log, seen) = Log::open(dir.path(), &small(), 9);
    assert_eq!((seen.sequences(), seen.damage), (vec![10], vec![]));
}

#[test]
fn a_start_without_appends_changes_nothing_and_a_clean_end_gives_back_its_space() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[100]);
    log.shard.close();
    for _ in 0..3 {
        let (log, seen) = Log::open(dir.path(), &small(), 0);
        assert_eq!((seen.sequences(), seen.cut_tail), (vec![1], None));
        log.shard.close();
        let segments = files(dir.path(), "wal");
        assert_eq!(segments.len(), 1);
        assert_eq!(fs::metadata(&segments[0]).unwrap().len(), 4_096 + 24 + 100 + 24);
    }
}

#[test]
fn an_idle_shard_takes_one_step_of_space() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[100]);
    assert_eq!(fs::metadata(&files(dir.path(), "wal")[0]).unwrap().len(), small().grow_bytes);
}

#[test]
fn leftovers_of_a_crash_while_a_segment_was_made_are_removed() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[100]);
    log.shard.close();
    let leftover = dir.path().join("00000000000000000002.tmp");
    fs::write(&leftover, [0; 5_000]).unwrap();
    let (log, seen) = Log::open(dir.path(), &small(), 0);
    assert_eq!(seen.sequences(), [1]);
    assert!(!leftover.try_exists().unwrap());
    assert_eq!(log.store(b"x"), Ok(2));
}

#[test]
fn a_second_process_is_kept_out() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    assert!(matches!(Log::try_open(dir.path(), &small(), 0), Err(OpenError::InUse { .. })));
    log.shard.close();
    Log::open(dir.path(), &small(), 0);
}

#[test]
fn a_segment_of_a_later_format_stops_the_start_and_is_left_alone() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[100]);
    log.shard.close();
    let segment = files(dir.path(), "wal").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[8] = 2;
    let crc = crc32c::crc32c(&bytes[..28]);
    bytes[28..32].copy_from_slice(&crc.to_le_bytes());
    fs::write(&segment, &bytes).unwrap();
    assert!(matches!(Log::try_open(dir.path(), &small(), 0), Err(OpenError::Version { version: 2, .. })));
    assert_eq!(fs::read(&segment).unwrap(), bytes);
}

#[test]
fn an_entry_that_fits_no_segment_is_refused_and_the_largest_that_fits_is_stored() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    let limit = small().max_payload();
    assert_eq!(log.store(&payload(1, limit as usize)), Ok(1));
    assert_eq!(log.store(&vec![0; limit as usize + 1]), Err(AppendError::TooLarge { bytes: limit + 1, limit }));
    assert_eq!(log.store(&payload(2, limit as usize)), Ok(2));
    log.shard.close();
    let (_log, seen) = Log::open(dir.path(), &small(), 0);
    assert_eq!((seen.sequences(), seen.damage, seen.cut_tail), (vec![1, 2], vec![], None));
}

#[test]
fn a_full_log_refuses_until_segments_are_released() {
    let dir = folder();
    let config = Config { max_bytes: 128 << 10, ..small() };
    let (log, _) = Log::open(dir.path(), &config, 0);
    log.store_each(&[50_000; 2]);
    assert_eq!(log.store(&[0; 50_000]), Err(AppendError::LogFull { max_bytes: 128 << 10 }));
    assert_eq!(files(dir.path(), "wal").len(), 2, "the limit holds on disk too");
    log.release(1);
    assert_eq!(log.store(&payload(3, 50_000)), Ok(3));
    log.shard.close();
    let (log, seen) = Log::open(dir.path(), &config, 0);
    assert_eq!(seen.sequences(), [2, 3]);
    log.release(3);
    log.store_each(&[50_000; 2]);
}

#[test]
fn a_closed_shard_stores_what_was_queued_and_refuses_the_rest() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    let (sent, received) = mpsc::channel();
    for _ in 0..50 {
        let sent = sent.clone();
        log.shard.submit(Entry {
            header: vec![1],
            data: payload(1, 2_000).into(),
            done: Box::new(move |answer| sent.send(answer).unwrap()),
        });
    }
    log.shard.close();
    assert_eq!(received.try_iter().collect::<Vec<_>>(), (1..=50).map(Ok).collect::<Vec<_>>());
    assert_eq!(log.store(b"late"), Err(AppendError::Closed));
}

#[test]
fn a_failed_sync_ends_everything_and_is_never_tried_again() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[100; 2]);
    for number in [libc::EIO, libc::ENOSPC] {
        let dir_of_run = folder();
        copy_folder(dir.path(), dir_of_run.path());
        let (log, _) = Log::open(dir_of_run.path(), &small(), 0);
        log.store_each(&[100]);
        log.faults.next_sync.store(i64::from(number), SeqCst);
        assert!(log.store_group(&[vec![1; 100], vec![2; 100]]).iter().all(|answer| matches!(answer, Err(AppendError::Fatal(_)))));
        assert!(matches!(log.store(b"later"), Err(AppendError::Fatal(_))));
        log.shard.close();
        assert!(matches!(log.events().last(), Some(Event::Fatal { .. })));
        let (_log, seen) = Log::open(dir_of_run.path(), &small(), 0);
        assert!(seen.sequences().starts_with(&[1, 2, 3]), "what was acknowledged before is there");
    }
}

#[test]
fn a_write_error_other_than_a_full_disk_ends_everything() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[100]);
    log.faults.broken.store(true, SeqCst);
    assert!(matches!(log.store(b"x"), Err(AppendError::Fatal(_))));
    log.faults.broken.store(false, SeqCst);
    assert!(matches!(log.store(b"x"), Err(AppendError::Fatal(_))));
}

#[test]
fn a_completion_that_panics_is_reported_and_nothing_waits_for_ever() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.shard.submit(Entry { header: vec![], data: Bytes::new(), done: Box::new(|_| panic!("in a completion")) });
    while log.events().iter().all(|event| !matches!(event, Event::Fatal { .. })) {
        std::thread::yield_now();
    }
    assert!(matches!(log.store(b"x"), Err(AppendError::Fatal(_))));
}

#[test]
fn a_disk_that_is_full_when_the_file_must_grow_fails_the_group_and_recovers() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[3_000]);
    // The zeros are written, but their sync finds no room: nothing is lost by that, because no record is on them.
    log.faults.next_sync.store(i64::from(libc::ENOSPC), SeqCst);
    assert_eq!(log.store(&[7; 3_000]), Err(AppendError::DiskFull));
    assert!(log.events().iter().any(|event| matches!(event, Event::DiskFull { records: 1, .. })));
    log.store_each(&[3_000, 20]);
    log.shard.close();
    let (_log, seen) = Log::open(dir.path(), &small(), 0);
    assert_eq!((seen.sequences(), seen.cut_tail), (vec![1, 2, 3], None));
    assert!(seen.records[&2] == payload(2, 3_000));
}

#[test]
fn a_disk_that_is_full_at_rotation_leaves_no_file_behind_and_recovers() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    log.store_each(&[50_000]);
    log.set_room(5_000);
    assert_eq!(log.store(&[7; 50_000]), Err(AppendError::DiskFull));
    assert_eq!((files(dir.path(), "wal").len(), files(dir.path(), "tmp").len()), (1, 0));
    log.set_room(i64::MAX);
    log.store_each(&[50_000]);
}

#[test]
fn bytes_that_imitate_records_do_not_become_records() {
    let dir = folder();
    let (log, _) = Log::open(dir.path(), &small(), 0);
    // A sender that sends a whole segment of this very format, and the crash that tears the record it came in.
    log.store_each(&[100; 5]);
    let imitation = fs::read(&files(dir.path(), "wal")[0]).unwrap();
    let other = folder();
    let (victim, _) = Log::open(other.path(), &small(), 0);
    assert_eq!(victim.store(b"first"), Ok(1));
    assert_eq!(victim.store(&imitation[4_000..]), Ok(2));
    victim.shard.close();
    let segment = files(other.path(), "wal").remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[4_096 + 24 + 5] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let (_log, seen) = Log::open(other.path(), &small(), 0);
    assert_eq!(seen.sequences(), [1]);
    assert_eq!(seen.cut_tail.map(|tail| (tail.after, tail.tear)), Some((1, Tear::Header)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_full_disk_leaves_nothing_of_the_failed_group_and_recovers_by_itself(
        room in 0_i64..40_000,
        before in prop::collection::vec(0_usize..9_000, 0..6),
        failing in prop::collection::vec(0_usize..9_000, 1..5),
        recycled: bool,
    ) {
        let dir = folder();
        let (log, _) = Log::open(dir.path(), &small(), 0);
        let mut base = 0;
        if recycled {
            log.store_each(&[50_000; 4]);
            base = 4;
            log.release(3);
        }
        log.store_each(&before);
        let acknowledged = base + before.len() as u64;
        log.set_room(room);
        let group: Vec<Vec<u8>> = failing.iter().map(|length| vec![0xEE; *length]).collect();
        let answers = log.store_group(&group);
        let stored = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
        prop_assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(AppendError::DiskFull))));

        let crashed = folder();
        copy_folder(dir.path(), crashed.path());
        let (_after_crash, seen) = Log::open(crashed.path(), &small(), base);
        prop_assert_eq!(seen.sequences(), (base + 1..=acknowledged + stored).collect::<Vec<_>>());
        prop_assert_eq!((seen.damage, seen.cut_tail), (vec![], None));

        log.set_room(i64::MAX);
        log.store_each(&failing);
        log.shard.close();
        let (_log, seen) = Log::open(dir.path(), &small(), base);
        let last = acknowledged + stored + failing.len() as u64;
        prop_assert_eq!(seen.sequences(), (base + 1..=last).collect::<Vec<_>>());
        for (index, length) in failing.iter().enumerate() {
            let sequence = acknowledged + stored + 1 + index as u64;
            prop_assert_eq!(&seen.records[&sequence], &payload(sequence, *length));
        }
        prop_assert_eq!((seen.damage, seen.cut_tail), (vec![], None));
    }
}
