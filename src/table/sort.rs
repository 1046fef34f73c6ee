//! The order of rows in files: which day's file a row goes into, and where in it.
//!
//! Rows are put into groups (a day, a host and a program; or a day and a series), the groups are sorted, and each group
//! is sorted by time. There are few groups and rows arrive nearly in order of time, so this costs about one hash lookup and
//! a scattered write a row. Equal times keep the order of arrival.

use std::hash::Hash;

use arrow::array::{Array, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use hashbrown::HashMap;

use crate::clock::DAY_US;
use crate::record::arrow_schema::partition_day;

/// A row by the number of its batch and its place there, in the form that Arrow's `interleave` takes.
pub(super) type RowRef = (usize, usize);

/// The columns that rows are sorted by, in this order; the last one is a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SortOrder {
    /// Columns before the time; at most two. Nulls come first.
    pub(super) groups: &'static [&'static str],
    /// The time column.
    pub(super) time: &'static str,
}

/// The rows of one file, in their order.
#[derive(Debug)]
pub(super) struct FileRows {
    /// Days since 1970-01-01 UTC; `None` where the table is not partitioned.
    pub(super) day: Option<i32>,
    pub(super) rows: Vec<RowRef>,
}

/// The partition of every row: the UTC day of `timestamp`, or that of `received_at` where the event claims to be more
/// than 24 hours ahead of its receipt. A batch without `received_at` goes by `timestamp` alone.
///
/// # Errors
/// The batch has no time stamps.
pub(super) fn partition_days(batch: &RecordBatch) -> Result<Vec<i32>, ArrowError> {
    let timestamps = times(batch, "timestamp")?;
    if batch.column_by_name("received_at").is_none() {
        return Ok(timestamps.iter().map(|at| partition_day(*at)).collect());
    }
    let received = times(batch, "received_at")?;
    let day = |(stated, received): (&i64, &i64)| partition_day(if stated.saturating_sub(*received) > DAY_US { *received } else { *stated });
    Ok(timestamps.iter().zip(received).map(day).collect())
}

/// Sorts all rows of `batches` into files: one a day, or one for everything if `partitioned` is false.
///
/// # Errors
/// A column of `order` is missing or has another type; more than 4 billion rows.
pub(super) fn sort_into_files(batches: &[RecordBatch], order: SortOrder, partitioned: bool) -> Result<Vec<FileRows>, ArrowError> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if u32::try_from(rows).is_err() {
        return Err(ArrowError::InvalidArgumentError(format!("{rows} rows in one write; hand over fewer at a time")));
    }
    let keys: Vec<Vec<u32>> = order.groups.iter().map(|column| ranks(batches, column)).collect::<Result<_, _>>()?;
    let mut time = Vec::with_capacity(rows);
    let mut days = Vec::with_capacity(if partitioned { rows } else { 0 });
    for batch in batches {
        time.extend_from_slice(times(batch, order.time)?);
        if partitioned {
            days.extend(partition_days(batch)?);
        }
    }
    let key = |row: usize| (days.get(row).copied().unwrap_or(0), keys.first().map_or(0, |k| k[row]), keys.get(1).map_or(0, |k| k[row]));
    let mut grouping = Interner::with_capacity(rows.min(4_096));
    let group_of: Vec<u32> = (0..rows).map(|row| grouping.intern(key(row))).collect();
    let sorted = scatter(&group_of, &grouping, &time);

    let mut places = Places::new(batches);
    let mut files: Vec<FileRows> = Vec::new();
    for (day, range) in sorted.days {
        let rows = sorted.rows[range].iter().map(|row| places.of(*row as usize)).collect();
        files.push(FileRows { day: partitioned.then_some(day), rows });
    }
    Ok(files)
}

type GroupKey = (i32, u32, u32);

struct Sorted {
    /// Row numbers, counted through all batches, in the order of the files.
    rows: Vec<u32>,
    /// Days in ascending order with their part of `rows`.
    days: Vec<(i32, std::ops::Range<usize>)>,
}

/// Puts the rows of each group together, the groups in order of their keys, and each group in order of time.
fn scatter(group_of: &[u32], grouping: &Interner<GroupKey>, time: &[i64]) -> Sorted {
    let mut counts = vec![0_usize; grouping.values.len()];
    for group in group_of {
        counts[*group as usize] += 1;
    }
    let mut groups: Vec<u32> = (0..counts.len() as u32).collect();
    groups.sort_unstable_by_key(|group| grouping.values[*group as usize]);

    let mut next = vec![0_usize; counts.len()];
    let mut days: Vec<(i32, std::ops::Range<usize>)> = Vec::new();
    let mut at = 0;
    for group in &groups {
        let group = *group as usize;
        next[group] = at;
        at += counts[group];
        let day = grouping.values[group].0;
        match days.last_mut() {
            Some(last) if last.0 == day => last.1.end = at,
            _ => days.push((day, next[group]..at)),
        }
    }
    let mut rows = vec![0_u32; group_of.len()];
    for (row, group) in group_of.iter().enumerate() {
        let place = &mut next[*group as usize];
        rows[*place] = row as u32;
        *place += 1;
    }
    for group in &groups {
        let group = *group as usize;
        let part = &mut rows[next[group] - counts[group]..next[group]];
        if !part.is_sorted_by_key(|row| time[*row as usize]) {
            part.sort_by_key(|row| time[*row as usize]);
        }
    }
    Sorted { rows, days }
}

/// Gives equal values the same small number.
struct Interner<T> {
    numbers: HashMap<T, u32>,
    values: Vec<T>,
    last: Option<(T, u32)>,
}

impl<T: Copy + Eq + Hash> Interner<T> {
    fn with_capacity(capacity: usize) -> Self {
        Self { numbers: HashMap::with_capacity(capacity), values: Vec::new(), last: None }
    }

    fn intern(&mut self, value: T) -> u32 {
        if let Some((last, number)) = self.last
            && last == value
        {
            return number;
        }
        let values = &mut self.values;
        let number = *self.numbers.entry(value).or_insert_with(|| {
            values.push(value);
            (values.len() - 1) as u32
        });
        self.last = Some((value, number));
        number
    }
}

impl<T: Copy + Eq + Hash + Ord> Interner<T> {
    /// Replaces each value's number by the place of the value among all values in ascending order.
    fn rank(&self, mut numbers: Vec<u32>) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.values.len() as u32).collect();
        order.sort_unstable_by_key(|number| self.values[*number as usize]);
        let mut rank_of = vec![0_u32; order.len()];
        for (rank, number) in order.iter().enumerate() {
            rank_of[*number as usize] = rank as u32;
        }
        for number in &mut numbers {
            *number = rank_of[*number as usize];
        }
        numbers
    }
}

/// Every row's place in the order of the column's distinct values; nulls come first.
fn ranks(batches: &[RecordBatch], name: &str) -> Result<Vec<u32>, ArrowError> {
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let mut numbers = Vec::with_capacity(rows);
    if let Some(first) = batches.first()
        && column(first, name)?.as_primitive_opt::<Int64Type>().is_some()
    {
        let mut interner = Interner::with_capacity(4_096);
        for batch in batches {
            let ids = column(batch, name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong_type(name))?;
            numbers.extend(ids.values().iter().map(|id| interner.intern(*id)));
        }
        return Ok(interner.rank(numbers));
    }
    let mut interner: Interner<Option<&[u8]>> = Interner::with_capacity(256);
    for batch in batches {
        let texts = column(batch, name)?.as_string_view_opt().ok_or_else(|| wrong_type(name))?;
        number_texts(texts, &mut interner, &mut numbers);
    }
    Ok(interner.rank(numbers))
}

fn number_texts<'a>(texts: &'a StringViewArray, interner: &mut Interner<Option<&'a [u8]>>, numbers: &mut Vec<u32>) {
    // Neighbours are often alike; equal views are equal texts, and comparing them does not touch the text.
    let mut last: Option<(u128, u32)> = None;
    for row in 0..texts.len() {
        if texts.is_null(row) {
            numbers.push(interner.intern(None));
            continue;
        }
        let view = texts.views()[row];
        let number = match last {
            Some((before, number)) if before == view => number,
            _ => interner.intern(Some(texts.value(row).as_bytes())),
        };
        last = Some((view, number));
        numbers.push(number);
    }
}

/// Finds the batch of a row; neighbours in the sorted order mostly come from the same batch or a later one.
struct Places {
    starts: Vec<usize>,
    batch: usize,
}

impl Places {
    fn new(batches: &[RecordBatch]) -> Self {
        let mut starts = vec![0];
        for batch in batches {
            starts.push(starts.last().map_or(0, |last| last + batch.num_rows()));
        }
        Self { starts, batch: 0 }
    }

    fn of(&mut self, row: usize) -> RowRef {
        let within = |batch: usize| self.starts[batch] <= row && row < self.starts[batch + 1];
        if !within(self.batch) {
            self.batch = self.starts.partition_point(|start| *start <= row) - 1;
        }
        (self.batch, row - self.starts[self.batch])
    }
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a dyn Array, ArrowError> {
    let column = batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("the column `{name}` is missing")))?;
    Ok(column.as_ref())
}

fn times<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a [i64], ArrowError> {
    let times = column(batch, name)?.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(|| wrong_type(name))?;
    Ok(times.values())
}

fn wrong_type(name: &str) -> ArrowError {
    ArrowError::SchemaError(format!("the column `{name}` has a type that cannot be sorted by"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, TimestampMicrosecondArray};
    use proptest::prelude::*;

    use super::*;

    const HOSTS: SortOrder = SortOrder { groups: &["host", "app"], time: "timestamp" };

    type Row = (Option<String>, Option<String>, i64, i64);

    fn batch(rows: &[Row]) -> RecordBatch {
        let time = |of: fn(&Row) -> i64| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(of)).with_timezone("UTC"))
        };
        RecordBatch::try_from_iter_with_nullable([
            ("timestamp", time(|row| row.2), false),
            ("received_at", time(|row| row.3), false),
            ("host", Arc::new(rows.iter().map(|row| row.0.as_deref()).collect::<StringViewArray>()) as ArrayRef, true),
            ("app", Arc::new(rows.iter().map(|row| row.1.as_deref()).collect::<StringViewArray>()) as ArrayRef, true),
        ])
        .unwrap()
    }

    fn name() -> impl Strategy<Value = Option<String>> {
        prop::option::of(
            prop::sample::select(vec!["a", "b", "host-with-a-long-name-1", "host-with-a-long-name-2", ""]).prop_map(String::from),
        )
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_a_stable_comparison_sort(
            batches in prop::collection::vec(prop::collection::vec((name(), name(), 0..4 * DAY_US, 0..DAY_US), 0..30), 0..6),
        ) {
            let rows: Vec<(RowRef, &Row)> = batches
                .iter()
                .enumerate()
                .flat_map(|(number, rows)| rows.iter().enumerate().map(move |(row, values)| ((number, row), values)))
                .collect();
            let day = |row: &Row| partition_day(if row.2 - row.3 > DAY_US { row.3 } else { row.2 });
            let mut expected = rows.clone();
            expected.sort_by_key(|(_, row)| (day(row), row.0.clone(), row.1.clone(), row.2));

            let made: Vec<RecordBatch> = batches.iter().map(|rows| batch(rows)).collect();
            let files = sort_into_files(&made, HOSTS, true).unwrap();
            let found: Vec<(i32, RowRef)> = files.iter().flat_map(|file| file.rows.iter().map(|row| (file.day.unwrap(), *row))).collect();
            prop_assert_eq!(found, expected.iter().map(|(place, row)| (day(row), *place)).collect::<Vec<_>>());
            prop_assert!(files.windows(2).all(|pair| pair[0].day < pair[1].day));
        }
    }

    #[test]
    fn an_event_from_the_future_goes_to_the_day_of_its_receipt() {
        let received = 10 * DAY_US + 5;
        let row = |ahead: i64| (None, None, received + ahead, received);
        assert_eq!(partition_days(&batch(&[row(0), row(DAY_US), row(DAY_US + 1), row(-20 * DAY_US)])).unwrap(), [10, 11, 10, -10]);
    }

    #[test]
    fn series_are_in_order_of_their_signed_ids() {
        let ids = [5_i64, -1, i64::MAX, 5, i64::MIN];
        let columns: [(&str, ArrayRef); 2] = [
            ("series_id", Arc::new(Int64Array::from(ids.to_vec()))),
            ("timestamp", Arc::new(TimestampMicrosecondArray::from(vec![9, 8, 7, 6, 5]).with_timezone("UTC"))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let order = SortOrder { groups: &["series_id"], time: "timestamp" };
        let files = sort_into_files(&[batch], order, false).unwrap();
        assert_eq!(files[0].rows, [(0, 4), (0, 1), (0, 3), (0, 0), (0, 2)]);
        assert_eq!(files[0].day, None);
    }

    #[test]
    fn a_table_without_the_columns_is_an_error() {
        let columns: [(&str, ArrayRef); 1] = [("timestamp", Arc::new(Int64Array::from(vec![1])))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        assert!(sort_into_files(&[batch], HOSTS, true).is_err());
    }
}
