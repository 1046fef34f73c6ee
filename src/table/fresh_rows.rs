//! Rows that are not in a Delta commit yet, in memory.
//!
//! Rows come in batches of any size, often of one row. They are kept as runs; when 32 neighbours of a size class have
//! gathered, they become one run of the next class (1 to 31 rows, 32 to 1,023 rows). So every row is copied at most twice,
//! and there are never more than some dozens of small runs. Runs of 1,024 rows or 1 MiB are left as they are.
//!
//! Rows of one app id form a lane, in the order of arrival, with marks where the rows of each position end: what another
//! writer has committed meanwhile can be cut off exactly.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;

/// Neighbouring runs of one size class that are merged into one.
const FAN_IN: usize = 32;
/// A run of this many rows is never merged again: larger batches make queries hardly faster.
const FULL_ROWS: usize = FAN_IN * FAN_IN;
/// A run of this many bytes is never merged again: copying would cost more than the shorter list saves.
const FULL_BYTES: usize = 1 << 20;
/// Class of the runs that are never merged again.
const FULL_CLASS: u32 = 2;

/// A place in a WAL shard: everything up to and including it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// The shard's name, the `appId` of Delta's application transactions.
    pub app_id: Arc<str>,
    /// Sequence number of a block in the shard.
    pub sequence: i64,
}

/// Rows by lane; the lane `None` takes rows that stand for no position.
#[derive(Debug, Default)]
pub(super) struct FreshRows {
    lanes: BTreeMap<Option<Arc<str>>, Lane>,
    rows: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Lane {
    runs: Vec<Run>,
    /// Where the rows of each position end, ascending.
    marks: Vec<Mark>,
    rows: usize,
    /// The last position, with or without rows.
    last: Option<i64>,
}

#[derive(Debug)]
struct Run {
    batch: RecordBatch,
    bytes: usize,
}

#[derive(Debug)]
struct Mark {
    sequence: i64,
    rows_end: usize,
}

impl FreshRows {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Size of the values; buffers that several batches share are counted by what each uses of them.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Neither rows nor positions.
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    pub(super) fn append(&mut self, batches: Vec<RecordBatch>, position: Option<&Position>) {
        let lane = self.lanes.entry(position.map(|p| p.app_id.clone())).or_default();
        for batch in batches.into_iter().filter(|batch| batch.num_rows() > 0) {
            let run = Run { bytes: batch_bytes(&batch), batch };
            self.rows += run.batch.num_rows();
            self.bytes += run.bytes;
            let (before, after) = lane.push(run);
            self.bytes = (self.bytes + after).saturating_sub(before);
        }
        if let Some(position) = position {
            if lane.marks.last().map_or(0, |mark| mark.rows_end) < lane.rows {
                lane.marks.push(Mark { sequence: position.sequence, rows_end: lane.rows });
            }
            lane.last = Some(position.sequence);
        }
    }

    /// All rows, each lane in the order of arrival.
    pub(super) fn batches(&self) -> impl Iterator<Item = &RecordBatch> {
        self.lanes.values().flat_map(|lane| lane.runs.iter().map(|run| &run.batch))
    }

    /// The last position of each lane.
    pub(super) fn positions(&self) -> Vec<Position> {
        let last = |(app_id, lane): (&Option<Arc<str>>, &Lane)| Some(Position { app_id: app_id.clone()?, sequence: lane.last? });
        self.lanes.iter().filter_map(last).collect()
    }

    /// Puts rows back in front that were taken out earlier.
    pub(super) fn put_back(&mut self, older: Self) {
        self.rows += older.rows;
        self.bytes += older.bytes;
        for (app_id, mut lane) in older.lanes {
            if let Some(newer) = self.lanes.remove(&app_id) {
                lane.marks.extend(newer.marks.into_iter().map(|m| Mark { rows_end: m.rows_end + lane.rows, ..m }));
                lane.runs.extend(newer.runs);
                lane.rows += newer.rows;
                lane.last = newer.last.or(lane.last);
            }
            self.lanes.insert(app_id, lane);
        }
    }

    /// Whether a commit of these rows would repeat a committed position, or take an app id back to an earlier one.
    pub(super) fn overlaps(&self, committed: &BTreeMap<Arc<str>, i64>) -> bool {
        self.lanes.iter().any(|(app_id, lane)| {
            let first = lane.marks.first().map(|mark| mark.sequence).or(lane.last);
            app_id.as_ref().and_then(|id| committed.get(id)).is_some_and(|committed| first.is_some_and(|first| first <= *committed))
        })
    }

    /// Drops the rows whose position is committed already, and says how many there were.
    pub(super) fn drop_committed(&mut self, committed: &BTreeMap<Arc<str>, i64>) -> usize {
        let mut dropped = 0;
        self.lanes.retain(|app_id, lane| {
            let Some(through) = app_id.as_ref().and_then(|id| committed.get(id)) else { return true };
            dropped += lane.drop_through(*through);
            lane.rows > 0 || lane.last > Some(*through)
        });
        if dropped > 0 {
            self.rows -= dropped;
            self.bytes = self.lanes.values().flat_map(|lane| &lane.runs).map(|run| run.bytes).sum();
        }
        dropped
    }
}

impl Lane {
    /// Adds a run and merges what has gathered; returns the bytes of the merged runs before and after.
    fn push(&mut self, run: Run) -> (usize, usize) {
        self.rows += run.batch.num_rows();
        self.runs.push(run);
        let (mut before, mut after) = (0, 0);
        while let Some(start) = self.mergeable() {
            let tail = &self.runs[start..];
            // A failure leaves the runs as they are: the list is longer then, and nothing else changes.
            let Some(merged) = merge(tail) else { break };
            before += tail.iter().map(|run| run.bytes).sum::<usize>();
            after += merged.bytes;
            self.runs.truncate(start);
            self.runs.push(merged);
        }
        (before, after)
    }

    /// Start of the runs at the end that are to become one.
    fn mergeable(&self) -> Option<usize> {
        let class = self.runs.last()?.class();
        if class == FULL_CLASS {
            return None;
        }
        let length = self.runs.iter().rev().take_while(|run| run.class() <= class).count();
        (length >= FAN_IN).then(|| self.runs.len() - length)
    }

    fn drop_through(&mut self, sequence: i64) -> usize {
        let known = self.marks.partition_point(|mark| mark.sequence <= sequence);
        let dropped = known.checked_sub(1).map_or(0, |last| self.marks[last].rows_end);
        self.marks.drain(..known);
        for mark in &mut self.marks {
            mark.rows_end -= dropped;
        }
        self.rows -= dropped;
        let mut rest = dropped;
        let whole = self.runs.iter().take_while(|run| consume(&mut rest, run.batch.num_rows())).count();
        self.runs.drain(..whole);
        if rest > 0
            && let Some(run) = self.runs.first_mut()
        {
            run.batch = run.batch.slice(rest, run.batch.num_rows() - rest);
            run.bytes = batch_bytes(&run.batch);
        }
        dropped
    }
}

/// Takes `rows` off `rest` if it holds that many.
fn consume(rest: &mut usize, rows: usize) -> bool {
    let whole = *rest >= rows;
    if whole {
        *rest -= rows;
    }
    whole
}

impl Run {
    fn class(&self) -> u32 {
        let rows = self.batch.num_rows();
        if rows >= FULL_ROWS || self.bytes >= FULL_BYTES { FULL_CLASS } else { rows.max(1).ilog2() / FAN_IN.ilog2() }
    }
}

fn merge(runs: &[Run]) -> Option<Run> {
    let schema = runs.first()?.batch.schema();
    let joined = concat_batches(&schema, runs.iter().map(|run| &run.batch)).ok()?;
    // Views keep the buffers of every batch they came from alive; copying the text lets go of them.
    let columns = joined.columns().iter().map(compact).collect();
    let batch = RecordBatch::try_new(schema, columns).ok()?;
    Some(Run { bytes: batch_bytes(&batch), batch })
}

fn compact(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => column.clone(),
    }
}

fn batch_bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(column_bytes).sum()
}

fn column_bytes(column: &ArrayRef) -> usize {
    if let Some(width) = column.data_type().primitive_width() {
        return column.len() * width;
    }
    let views = match column.data_type() {
        DataType::Utf8View => column.as_string_view().views(),
        DataType::BinaryView => column.as_binary_view().views(),
        _ => return column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size()),
    };
    // A view of at most 12 bytes holds them itself (Arrow columnar format, variable-size binary view layout).
    let text: usize = views.iter().map(|view| *view as u32 as usize).filter(|length| *length > 12).sum();
    size_of_val(&views[..]) + text
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray};
    use arrow::datatypes::{Field, Schema, SchemaRef};
    use proptest::prelude::*;

    use super::*;

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, false), Field::new("text", DataType::Utf8View, true)]))
    }

    /// Rows `start..end`, each with its number and a text longer than a view.
    fn rows(start: i64, end: i64) -> RecordBatch {
        let numbers = Int64Array::from_iter_values(start..end);
        let text = StringViewArray::from_iter_values((start..end).map(|n| format!("a text that a view cannot hold: {n}")));
        RecordBatch::try_new(schema(), vec![Arc::new(numbers), Arc::new(text)]).unwrap()
    }

    fn numbers(fresh: &FreshRows) -> Vec<i64> {
        let column = |batch: &RecordBatch| batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec();
        fresh.batches().flat_map(column).collect()
    }

    fn at(sequence: i64) -> Position {
        Position { app_id: "wal-0".into(), sequence }
    }

    #[test]
    fn ten_thousand_single_rows_make_a_short_list_in_order() {
        let mut fresh = FreshRows::default();
        for n in 0..10_000 {
            fresh.append(vec![rows(n, n + 1)], Some(&at(n)));
        }
        assert_eq!(numbers(&fresh), (0..10_000).collect::<Vec<_>>());
        assert!(fresh.batches().count() <= 10 + 2 * FAN_IN, "{} batches", fresh.batches().count());
        assert_eq!(fresh.positions(), [at(9_999)]);
        assert_eq!(fresh.bytes(), fresh.batches().map(batch_bytes).sum::<usize>());
    }

    #[test]
    fn merging_lets_go_of_the_buffers_it_copied_from() {
        let large = rows(0, 10_000);
        let mut fresh = FreshRows::default();
        for n in 0..FAN_IN {
            fresh.append(vec![large.slice(n * 10, 1)], None);
        }
        let held: usize = fresh.batches().map(|batch| batch.get_array_memory_size()).sum();
        assert!(held < 20_000, "{held} bytes are held for some dozens of rows");
    }

    #[test]
    fn a_position_without_rows_counts_but_holds_nothing() {
        let mut fresh = FreshRows::default();
        fresh.append(vec![], Some(&at(7)));
        assert_eq!((fresh.rows(), fresh.bytes(), fresh.is_empty()), (0, 0, false));
        assert_eq!(fresh.positions(), [at(7)]);
    }

    proptest! {
        #[test]
        fn committed_rows_are_cut_off_exactly(sizes in prop::collection::vec(0..40_i64, 1..60), cut in 0..60_usize, taken in 0..60_usize) {
            let mut older = FreshRows::default();
            let mut newer = FreshRows::default();
            let (mut next, mut boundary) = (0, 0);
            for (sequence, size) in sizes.iter().enumerate() {
                let part = if sequence < taken { &mut older } else { &mut newer };
                part.append(vec![rows(next, next + size)], Some(&at(sequence as i64)));
                next += size;
                if sequence <= cut {
                    boundary = next;
                }
            }
            newer.put_back(older);
            prop_assert_eq!(numbers(&newer), (0..next).collect::<Vec<_>>());
            let dropped = newer.drop_committed(&BTreeMap::from([(Arc::from("wal-0"), cut as i64)]));
            prop_assert_eq!(dropped as i64, boundary);
            prop_assert_eq!(numbers(&newer), (boundary..next).collect::<Vec<_>>());
            prop_assert_eq!(newer.rows() as i64, next - boundary);
            prop_assert_eq!(newer.bytes(), newer.batches().map(batch_bytes).sum::<usize>());
        }
    }
}
