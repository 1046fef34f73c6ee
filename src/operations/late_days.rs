//! Measurements of days that were taken already: a history that was imported, an agent that was cut off for a week.
//!
//! With each question stands in the Delta commit which versions of the tables it had been asked about. What later versions brought of days
//! that were taken is late: these days are asked again, and what has no row yet gets one. A row that is there stays as it is: figures
//! that were told rest on it. Rows come into the table before the versions move on, and only those that are missing: a crash in between asks
//! again, and no day is there twice.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::ScalarValue;

use super::capacity_days::{CapacityDays, CapacityError, moment, text_at};
use crate::capacity::CapacityQuestion;
use crate::clock::DAY_US;
use crate::query::{Parameters, QueryError, QueryRequest};
use crate::table::{Position, Table, TableSnapshot};

/// Days that one question is asked about at once: the answer and the rows that are there are in memory side by side.
const DAYS_AT_ONCE: i64 = 8;

/// What questions are asked about, as of a moment.
#[derive(Debug)]
pub(super) struct Sources {
    tables: [(Table, Arc<TableSnapshot>); 2],
    /// Files of versions before: most questions were asked about the same.
    before: BTreeMap<(usize, i64), Arc<HashSet<String>>>,
}

impl Sources {
    /// As they are now: what comes while a question is asked counts as late the next time.
    pub(super) fn now(samples: &Table, logs: &Table) -> Self {
        Self { tables: [samples, logs].map(|table| (table.clone(), table.snapshot())), before: BTreeMap::new() }
    }

    /// The versions that a question has been asked about, to be committed with rows of its days.
    pub(super) fn positions(&self, question: &CapacityQuestion) -> Vec<Position> {
        let position =
            |(table, now): &(Table, Arc<TableSnapshot>)| Position { app_id: position_of(question, table).into(), sequence: now.version };
        self.tables.iter().map(position).collect()
    }

    /// Days from `oldest` up to, not including, `taken` of which a question has not seen everything: those of files that came after the
    /// versions it knows, and all where it knows none.
    async fn late(&mut self, question: &CapacityQuestion, days: &CapacityDays, (oldest, taken): (i64, i64)) -> BTreeSet<i64> {
        let mut late = BTreeSet::new();
        for at in 0..self.tables.len() {
            let (table, now) = self.tables[at].clone();
            let seen = match days.looked_at(&position_of(question, &table)) {
                Some(version) if version >= now.version => continue,
                Some(version) => self.files_before(at, version).await,
                None => Arc::default(),
            };
            let new = now.files.iter().filter(|file| !seen.contains(&file.path));
            late.extend(new.filter_map(|file| file.day).map(i64::from).filter(|day| (oldest..taken).contains(day)));
        }
        late
    }

    /// The paths of a version before; none if the log does not reach back so far: all days are asked once more then.
    async fn files_before(&mut self, at: usize, version: i64) -> Arc<HashSet<String>> {
        if let Some(known) = self.before.get(&(at, version)) {
            return known.clone();
        }
        let table = &self.tables[at].0;
        match table.snapshot_at(version).await {
            Ok(before) => {
                let paths: Arc<HashSet<String>> = Arc::new(before.files.iter().map(|file| file.path.clone()).collect());
                self.before.insert((at, version), paths.clone());
                paths
            }
            Err(error) => {
                tracing::info!(%error, "it is not known which measurements came late since resources were judged; all days are asked again");
                Arc::default()
            }
        }
    }
}

fn position_of(question: &CapacityQuestion, table: &Table) -> String {
    format!("capacity/{}/{}", question.name, table.kind().name())
}

impl CapacityDays {
    /// Asks about the days that were taken before all of their measurements were there, and adds what is missing. A day that is too much for
    /// a statement is told and stands in nobody's way: the others are taken, and it is asked again with the next run.
    pub(super) async fn take_late(
        &self,
        question: &CapacityQuestion,
        sources: &mut Sources,
        days: (i64, i64),
    ) -> Result<Late, CapacityError> {
        let mut stretches = stretches(&sources.late(question, self, days).await);
        let mut late = Late::default();
        while let Some((from, to)) = stretches.pop() {
            match self.missing(question, from, to).await {
                Ok(missing) => {
                    late.rows += missing.iter().map(RecordBatch::num_rows).sum::<usize>();
                    self.tables.capacity_days.append_all(missing, None);
                }
                Err(error) if is_too_much(&error) && to - from > 1 => {
                    let middle = from + (to - from) / 2;
                    stretches.extend([(middle, to), (from, middle)]);
                }
                Err(error) if is_too_much(&error) => late.left_out.push(error),
                Err(error) => return Err(error),
            }
        }
        if late.rows > 0 {
            if late.left_out.is_empty() {
                for position in sources.positions(question) {
                    self.tables.capacity_days.append_all(Vec::new(), Some(position));
                }
            }
            self.tables.capacity_days.flush().await?;
        }
        if late.left_out.is_empty() {
            // A position goes into the table with rows only; without any, it is known until the end of the program.
            self.look_at(sources.positions(question));
        }
        Ok(late)
    }

    /// Rows of a question's days that the table does not have.
    pub(super) async fn missing(&self, question: &CapacityQuestion, from: i64, to: i64) -> Result<Vec<RecordBatch>, CapacityError> {
        let answer = self.ask(question, from, to).await?;
        let known = self.known_rows(question, from, to).await?;
        Ok(answer.iter().map(|batch| without(batch, &known)).collect())
    }

    /// Resources and days of a question that have a row.
    async fn known_rows(&self, question: &CapacityQuestion, from: i64, to: i64) -> Result<HashSet<(String, i64)>, CapacityError> {
        let name = ("question".to_owned(), ScalarValue::from(question.name.as_str()));
        let parameters = Parameters::Typed(BTreeMap::from([moment("from", from), moment("to", to), name]));
        let sql = "SELECT resource, day FROM capacity_days WHERE question = $question AND day >= $from AND day < $to";
        let mut run = self.engine.run(QueryRequest { parameters, background: true, ..QueryRequest::new(sql) }).await?;
        let mut known = HashSet::new();
        while let Some(batch) = run.next().await {
            let batch = batch?;
            let days = batch.column(1).as_primitive::<TimestampMicrosecondType>();
            known.extend((0..batch.num_rows()).map(|row| (text_at(batch.column(0), row), days.value(row).div_euclid(DAY_US))));
        }
        Ok(known)
    }
}

/// What has come of late measurements.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// Rows that were added.
    pub(super) rows: usize,
    /// Why days could not be asked.
    pub(super) left_out: Vec<CapacityError>,
}

/// Whether less at once may do.
pub(super) fn is_too_much(error: &CapacityError) -> bool {
    let (CapacityError::Question { source, .. } | CapacityError::Query(source)) = error else { return false };
    matches!(source, QueryError::OutOfMemory { .. } | QueryError::TimedOut { .. })
}

/// Rows of the table that are not among those.
fn without(rows: &RecordBatch, known: &HashSet<(String, i64)>) -> RecordBatch {
    let (Some(resources), Some(days)) = (rows.column_by_name("resource"), rows.column_by_name("day")) else { return rows.clone() };
    let days = days.as_primitive::<TimestampMicrosecondType>();
    let is_missing = (0..rows.num_rows()).map(|row| !known.contains(&(text_at(resources, row), days.value(row).div_euclid(DAY_US))));
    let is_missing = BooleanArray::from(is_missing.collect::<Vec<bool>>());
    // A mask of its own length always fits.
    filter_record_batch(rows, &is_missing).unwrap_or_else(|_| rows.slice(0, 0))
}

/// Days as stretches without gaps, each no longer than is asked about at once; end not included.
fn stretches(days: &BTreeSet<i64>) -> Vec<(i64, i64)> {
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    for day in days {
        match stretches.last_mut() {
            Some((from, to)) if *to == *day && *to - *from < DAYS_AT_ONCE => *to += 1,
            _ => stretches.push((*day, *day + 1)),
        }
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_stretches() {
        assert_eq!(stretches(&BTreeSet::from([3, 4, 5, 9])), [(3, 6), (9, 10)]);
        assert_eq!(stretches(&(0..20).collect()), [(0, 8), (8, 16), (16, 20)]);
        assert!(stretches(&BTreeSet::new()).is_empty());
    }
}
