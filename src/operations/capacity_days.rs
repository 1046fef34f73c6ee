//! Fills the table `capacity_days`: asks the capacity questions about whole days, and reads the days of resources.
//!
//! A question's day is taken once, an hour after it has ended. How far each question is stands in the Delta commit itself, under
//! the application id `capacity/QUESTION` with the day's number: after a crash no day is missing and none is there twice. What is measured
//! of it later is added by `late_days`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, MapBuilder, MapFieldNames, RecordBatch, StringBuilder, StringViewArray};
use arrow::compute::{cast, min};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use datafusion::common::ScalarValue;

use super::late_days::{Sources, is_too_much};
use super::{InventoryError, ProposalError};
use crate::capacity::{CapacityQuestion, Day, FORGOTTEN_AFTER_DAYS, ResourceKey, is_recent};
use crate::clock::{DAY_US, HOUR_US, TimestampUs};
use crate::purchase::Consumer;
use crate::query::{Parameters, QueryEngine, QueryError, QueryRequest, Tables};
use crate::record::arrow_schema::CAPACITY_DAYS;
use crate::store::StoreError;
use crate::table::{Position, TableError};

/// How long after its end a day is taken: what comes later is late.
const SETTLED_AFTER_US: i64 = HOUR_US;

/// Days of the past that are read at the first run.
const OLDEST_DAYS: i64 = 730;

/// Days that one question is asked about at once; fewer where that takes too much memory or time.
const DAYS_AT_ONCE: i64 = 32;

/// Rows of `capacity_days` that are read into memory at once: 64 MiB of them.
const ROWS_AT_ONCE: usize = 1 << 20;

/// Consumers of a resource that are shown.
const MOST_CONSUMERS: usize = 10;

/// Hexadecimal digits by which resources are read in parts, at most: 4,096 parts.
const MOST_DIGITS: u32 = 3;

/// Why days could not be taken or read.
#[derive(Debug, thiserror::Error)]
pub enum CapacityError {
    /// The question could not be asked.
    #[error("the capacity question {question} could not be asked: {source}")]
    Question {
        /// Its name.
        question: String,
        /// What the gate said.
        source: QueryError,
    },
    /// The answer has not the columns that the header says.
    #[error("the answer to the capacity question {question} does not fit its header: {source}; name the columns of its SELECT there")]
    Answer {
        /// Its name.
        question: String,
        /// What does not fit.
        source: ArrowError,
    },
    /// Days could not be read.
    #[error("the days of resources could not be read: {0}")]
    Query(#[from] QueryError),
    /// The table could not be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The inventory could not be read.
    #[error(transparent)]
    Inventory(InventoryError),
    /// Proposals could not be made.
    #[error(transparent)]
    Proposals(Box<ProposalError>),
    /// A report was asked for a day that has not ended.
    #[error("{asked} has not ended yet, or its measurements are still coming in; the last whole day is {last}")]
    NotYet {
        /// The day.
        asked: jiff::civil::Date,
        /// The last day that there can be a report of.
        last: jiff::civil::Date,
    },
    /// Judging broke off.
    #[error("judging resources broke off ({0}); the log of the server has more, and it is tried again in a minute")]
    Interrupted(String),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

/// The days of resources: how they are taken and read.
#[derive(Debug, Clone)]
pub struct CapacityDays {
    pub(super) engine: Arc<QueryEngine>,
    pub(super) tables: Tables,
    /// The day before which each question was asked about. The table knows it too, up to the last day that had rows.
    asked: Arc<Mutex<BTreeMap<String, i64>>>,
    /// The versions of tables that questions were asked about. The table knows those that came with rows.
    looked: Arc<Mutex<BTreeMap<Arc<str>, i64>>>,
}

/// Some of the resources: those with ids from one text up to, not including, another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part([String; 2]);

/// Told what is done and how much of it, 0 to 1.
pub type Progress<'a> = &'a (dyn Fn(&str, f64) + Send + Sync);

/// What catching up has done.
#[derive(Debug, Default)]
pub struct CaughtUp {
    /// Rows added: one a day and resource.
    pub rows: usize,
    /// Questions that could not be asked, which stay where they were.
    pub failed: Vec<CapacityError>,
}

impl CapacityDays {
    /// Over the tables that `engine` reads.
    pub fn new(engine: Arc<QueryEngine>, tables: Tables) -> Self {
        Self { engine, tables, asked: Arc::default(), looked: Arc::default() }
    }

    /// Takes every day that has ended and is not in the table yet; `progress` is told of each question and its share done, 0 to 1.
    ///
    /// # Errors
    /// The table cannot be written. Questions that fail are told in the result; the others go on.
    pub async fn catch_up(
        &self,
        questions: &[Arc<CapacityQuestion>],
        now_us: TimestampUs,
        progress: Progress<'_>,
    ) -> Result<CaughtUp, CapacityError> {
        let end = (now_us - SETTLED_AFTER_US).div_euclid(DAY_US);
        // What a run that was cut short has added is committed first: otherwise its days would be asked for again.
        if self.tables.capacity_days.fresh_rows() > 0 {
            self.tables.capacity_days.flush().await?;
        }
        let mut done = CaughtUp::default();
        let oldest = self.oldest_day(end);
        let mut sources = Sources::now(&self.tables.samples, &self.tables.logs);
        for (at, question) in questions.iter().enumerate() {
            let mut is_whole = true;
            if let Some(taken) = self.end_of(question) {
                match self.take_late(question, &mut sources, (end - OLDEST_DAYS, taken)).await {
                    Ok(late) => {
                        done.rows += late.rows;
                        is_whole = late.left_out.is_empty();
                        done.failed.extend(late.left_out);
                    }
                    Err(error @ CapacityError::Table(_)) => return Err(error),
                    Err(error) => {
                        // Its new days would not be asked about either, and then it would be told twice.
                        done.failed.push(error);
                        continue;
                    }
                }
            }
            let told = |share: f64| progress(&question.name, (at as f64 + share) / questions.len() as f64);
            let sources = Some(&sources).filter(|_| is_whole);
            self.take_new(question, (oldest.max(end - OLDEST_DAYS), end), sources, &mut done, &told).await?;
        }
        self.tables.capacity_days.maintain();
        Ok(done)
    }

    /// Takes a question's days that have ended since it was asked, or those from `oldest` on; `told` is told the share done. Without `sources`
    /// something that came late has not been asked about.
    async fn take_new(
        &self,
        question: &CapacityQuestion,
        (oldest, end): (i64, i64),
        sources: Option<&Sources>,
        done: &mut CaughtUp,
        told: &(dyn Fn(f64) + Send + Sync),
    ) -> Result<(), CapacityError> {
        let app_id: Arc<str> = format!("capacity/{}", question.name).into();
        let taken = self.end_of(question);
        let mut from = taken.unwrap_or(oldest).max(end - OLDEST_DAYS);
        let (first, mut has_begun) = (from, taken.is_some());
        let (mut at_once, mut new_rows) = (DAYS_AT_ONCE, 0);
        while from < end {
            let to = (from + at_once).min(end);
            // Days that were empty when they were asked, and got rows late, are asked again after a restart.
            let answer = if taken.is_some() { self.missing(question, from, to).await } else { self.ask(question, from, to).await };
            match answer {
                Ok(batches) => {
                    let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
                    done.rows += rows;
                    new_rows += rows;
                    has_begun |= rows > 0;
                    // A question begins with its first row: what is measured later may be of days that are over.
                    if has_begun {
                        let position = Position { app_id: app_id.clone(), sequence: to - 1 };
                        self.tables.capacity_days.append_all(batches, Some(position));
                        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(question.name.clone(), to);
                    }
                    from = to;
                }
                Err(error) if is_too_much(&error) && to - from > 1 => at_once = ((to - from) / 4).max(1),
                Err(error) => {
                    done.failed.push(error);
                    break;
                }
            }
            told((from - first) as f64 / (end - first) as f64);
        }
        if has_begun && from > first {
            let positions = sources.map(|sources| sources.positions(question)).unwrap_or_default();
            for position in positions.iter().filter(|_| new_rows > 0).cloned() {
                self.tables.capacity_days.append_all(Vec::new(), Some(position));
            }
            self.tables.capacity_days.flush().await?;
            self.look_at(positions);
        }
        Ok(())
    }

    /// The version of a table that a question was asked about last.
    pub(super) fn looked_at(&self, position: &str) -> Option<i64> {
        let looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner).get(position).copied();
        looked.max(self.tables.capacity_days.committed(position))
    }

    pub(super) fn look_at(&self, positions: Vec<Position>) {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        looked.extend(positions.into_iter().map(|position| (position.app_id, position.sequence)));
    }

    /// The day before which a question's days were taken; `None` if none was.
    pub fn end_of(&self, question: &CapacityQuestion) -> Option<i64> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner).get(&question.name).copied();
        let committed = self.tables.capacity_days.committed(&format!("capacity/{}", question.name)).map(|last| last + 1);
        asked.max(committed)
    }

    /// The first day of which there may be rows.
    fn oldest_day(&self, end: i64) -> i64 {
        let snapshots = [self.tables.samples.snapshot(), self.tables.logs.snapshot()];
        let in_files = snapshots.iter().flat_map(|snapshot| snapshot.files.iter().filter_map(|file| file.day)).map(i64::from);
        let in_memory = snapshots.iter().flat_map(|snapshot| &snapshot.fresh).filter_map(first_day);
        // Where there is nothing yet, a question that cannot be asked is told all the same.
        in_files.chain(in_memory).min().unwrap_or(end - DAYS_AT_ONCE)
    }

    /// The question's days from `from` up to, not including, `to`, as rows of the table.
    pub(super) async fn ask(&self, question: &CapacityQuestion, from: i64, to: i64) -> Result<Vec<RecordBatch>, CapacityError> {
        let failed = |source| CapacityError::Question { question: question.name.clone(), source };
        let parameters = BTreeMap::from([moment("window_start", from), moment("window_end", to)]);
        let request = QueryRequest { parameters: Parameters::Typed(parameters), background: true, ..QueryRequest::new(question.day_sql()) };
        let mut run = self.engine.run(request).await.map_err(failed)?;
        let mut batches = Vec::new();
        while let Some(batch) = run.next().await {
            let rows = day_rows(question, &batch.map_err(failed)?);
            batches.push(rows.map_err(|source| CapacityError::Answer { question: question.name.clone(), source })?);
        }
        Ok(batches)
    }

    /// The parts in which resources are read, so that not all of them are in memory at once.
    pub fn parts(&self) -> Vec<Part> {
        let rows: u64 = self.tables.capacity_days.snapshot().files.iter().map(|file| file.rows).sum();
        let digits = (0..MOST_DIGITS).find(|digits| rows as usize >> (4 * digits) <= ROWS_AT_ONCE).unwrap_or(MOST_DIGITS);
        // Ids are hexadecimal: those of a part lie between two prefixes, and `g` is beyond all of them.
        let prefix = |part: u32| match digits {
            0 if part == 0 => String::new(),
            _ if part >> (4 * digits) > 0 => "g".to_owned(),
            _ => format!("{part:0width$x}", width = digits as usize),
        };
        (0..1_u32 << (4 * digits)).map(|part| Part([prefix(part), prefix(part + 1)])).collect()
    }

    /// The resources of a question that belong to a part, with their days since a day, oldest first.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn of_part(
        &self,
        question: &CapacityQuestion,
        since_day: i64,
        part: &Part,
    ) -> Result<Vec<(ResourceKey, Vec<Day>)>, CapacityError> {
        self.read(question, since_day, "resource >= $from AND resource < $to", part.0.clone()).await
    }

    /// The days of one resource, oldest first; `None` if there are none.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn of_resource(
        &self,
        question: &CapacityQuestion,
        id: &str,
        since_day: i64,
    ) -> Result<Option<(ResourceKey, Vec<Day>)>, CapacityError> {
        let one = [id.to_owned(), id.to_owned()];
        Ok(self.read(question, since_day, "resource >= $from AND resource <= $to", one).await?.pop())
    }

    /// The resources of a question that are still measured, of days before `end`.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn seen_keys(&self, question: &CapacityQuestion, end: i64) -> Result<Vec<ResourceKey>, CapacityError> {
        let name = ("question".to_owned(), ScalarValue::from(question.name.as_str()));
        let parameters = BTreeMap::from([moment("since", end - FORGOTTEN_AFTER_DAYS), moment("until", end), name]);
        let columns: Vec<String> = question.entity.iter().map(|column| format!("last_value(entity['{column}'] ORDER BY day)")).collect();
        let sql = format!(
            "SELECT max(day), median(date_part('epoch', day) - date_part('epoch', before)) / 86400, {} FROM (
                 SELECT resource, entity, day, lag(day) OVER (PARTITION BY resource ORDER BY day) AS before
                 FROM capacity_days WHERE question = $question AND day >= $since AND day < $until
             ) GROUP BY resource",
            columns.join(", ")
        );
        let request = QueryRequest { parameters: Parameters::Typed(parameters), background: true, ..QueryRequest::new(sql) };
        let mut keys = Vec::new();
        for batch in self.engine.run(request).await?.collect().await? {
            let days = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            let gaps = batch.column(1).as_primitive::<Float64Type>();
            for row in 0..batch.num_rows() {
                let last = days.value(row).div_euclid(DAY_US);
                let usual = if gaps.is_valid(row) { gaps.value(row) as i64 } else { 1 };
                if is_recent(last, usual, end) {
                    let entity = question.entity.iter().zip(batch.columns().iter().skip(2));
                    let entity = entity.map(|(name, column)| (name.clone(), text_at(column, row))).collect();
                    keys.push(ResourceKey { question: question.name.clone(), entity });
                }
            }
        }
        Ok(keys)
    }

    /// Median and maximum of a resource's days since a day, by day.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn extents(&self, question: &CapacityQuestion, id: &str, since_day: i64) -> Result<BTreeMap<i64, (f64, f64)>, CapacityError> {
        let text = |name: &str, value: &str| (name.to_owned(), ScalarValue::from(value));
        let parameters = BTreeMap::from([moment("since", since_day), text("question", &question.name), text("resource", id)]);
        let sql = "SELECT day, p50, max FROM capacity_days WHERE question = $question AND resource = $resource AND day >= $since";
        let request = QueryRequest { parameters: Parameters::Typed(parameters), background: true, ..QueryRequest::new(sql) };
        let mut extents = BTreeMap::new();
        for batch in self.engine.run(request).await?.collect().await? {
            let days = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            let (low, high) = (batch.column(1).as_primitive::<Float64Type>(), batch.column(2).as_primitive::<Float64Type>());
            let rows = (0..batch.num_rows()).filter(|row| low.is_valid(*row) && high.is_valid(*row));
            extents.extend(rows.map(|row| (days.value(row).div_euclid(DAY_US), (low.value(row), high.value(row)))));
        }
        Ok(extents)
    }

    /// What uses most of a resource, largest first, as the question's own statement says it over the last thirty days.
    ///
    /// # Errors
    /// The statement cannot be asked.
    pub async fn consumers(&self, question: &CapacityQuestion, key: &ResourceKey, today: i64) -> Result<Vec<Consumer>, CapacityError> {
        let Some(sql) = &question.consumers_sql else { return Ok(Vec::new()) };
        let failed = |source| CapacityError::Question { question: question.name.clone(), source };
        let mut parameters = BTreeMap::from([moment("window_start", today - 30), moment("window_end", today)]);
        parameters.extend(key.entity.iter().map(|(column, value)| (column.clone(), ScalarValue::from(value.as_str()))));
        let request = QueryRequest { parameters: Parameters::Typed(parameters), background: true, ..QueryRequest::new(sql) };
        let mut consumers = Vec::new();
        for batch in self.engine.run(request).await.map_err(failed)?.collect().await.map_err(failed)? {
            let column =
                |name: &str| batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("it has no column `{name}`")));
            let read = || -> Result<Vec<Consumer>, ArrowError> {
                let (names, amounts) = (cast(column("name")?, &DataType::Utf8View)?, cast(column("amount")?, &DataType::Float64)?);
                let removable = batch.column_by_name("removable").map(|column| cast(column, &DataType::Float64)).transpose()?;
                let amounts: &Float64Array = amounts.as_primitive::<Float64Type>();
                let removable = removable.as_ref().map(|column| column.as_primitive::<Float64Type>());
                let can_go = |row: usize| removable.filter(|column| column.is_valid(row)).map(|column| column.value(row));
                let rows = (0..batch.num_rows()).filter(|row| amounts.is_valid(*row));
                Ok(rows
                    .map(|row| Consumer { name: text_at(&names, row), amount: amounts.value(row), removable: None, might_go: can_go(row) })
                    .collect())
            };
            consumers.extend(read().map_err(|source| CapacityError::Answer { question: question.name.clone(), source })?);
        }
        // Statements of the background are not held to a number of rows.
        consumers.truncate(MOST_CONSUMERS);
        Ok(consumers)
    }

    async fn read(
        &self,
        question: &CapacityQuestion,
        since_day: i64,
        which: &str,
        [from, to]: [String; 2],
    ) -> Result<Vec<(ResourceKey, Vec<Day>)>, CapacityError> {
        let text = |name: &str, value: String| (name.to_owned(), ScalarValue::from(value));
        let parameters =
            BTreeMap::from([moment("since", since_day), text("question", question.name.clone()), text("from", from), text("to", to)]);
        let request =
            |sql: String| QueryRequest { parameters: Parameters::Typed(parameters.clone()), background: true, ..QueryRequest::new(sql) };
        let rows = format!("FROM capacity_days WHERE question = $question AND day >= $since AND {which}");
        let columns: Vec<String> =
            question.entity.iter().map(|column| format!("last_value(entity['{column}'] ORDER BY day) AS \"{column}\"")).collect();
        let names = format!("SELECT resource, {} {rows} GROUP BY resource ORDER BY resource", columns.join(", "));
        let mut resources: Vec<(ResourceKey, Vec<Day>)> = Vec::new();
        let mut ids = Vec::new();
        for batch in self.engine.run(request(names)).await?.collect().await? {
            for row in 0..batch.num_rows() {
                ids.push(text_at(batch.column(0), row));
                let entity = question.entity.iter().zip(batch.columns().iter().skip(1));
                let entity = entity.map(|(name, column)| (name.clone(), text_at(column, row))).collect();
                resources.push((ResourceKey { question: question.name.clone(), entity }, Vec::new()));
            }
        }
        let basis = question.basis.column();
        let days = format!("SELECT resource, day, {basis} AS value, limit_value, servers {rows} ORDER BY resource, day");
        let mut run = self.engine.run(request(days)).await?;
        let mut at = 0;
        while let Some(batch) = run.next().await {
            let batch = batch?;
            let (days, numbers) =
                (batch.column(1).as_primitive::<TimestampMicrosecondType>(), [2, 3, 4].map(|column| batch.column(column)));
            let number = |column: usize, row: usize| {
                let column: &Float64Array = numbers[column].as_primitive::<Float64Type>();
                column.is_valid(row).then(|| column.value(row))
            };
            for row in 0..batch.num_rows() {
                let id = text_at(batch.column(0), row);
                while ids.get(at).is_some_and(|known| *known < id) {
                    at += 1;
                }
                // A day that was committed between the two questions may bring a resource that the first did not see.
                let Some((_, of_resource)) = resources.get_mut(at).filter(|_| ids[at] == id) else { continue };
                let day = days.value(row).div_euclid(DAY_US);
                of_resource.push(Day { day, value: number(0, row).unwrap_or(f64::NAN), limit: number(1, row), servers: number(2, row) });
            }
        }
        Ok(resources)
    }
}

/// The first day of rows that are in memory only.
fn first_day(rows: &RecordBatch) -> Option<i64> {
    let moments = rows.column_by_name("timestamp")?.as_primitive_opt::<TimestampMicrosecondType>()?;
    Some(min(moments)?.div_euclid(DAY_US))
}

/// A parameter with the beginning of a day.
pub(super) fn moment(name: &str, day: i64) -> (String, ScalarValue) {
    (name.to_owned(), ScalarValue::TimestampMicrosecond(Some(day * DAY_US), Some("UTC".into())))
}

pub(super) fn text_at(column: &ArrayRef, row: usize) -> String {
    match column.data_type() {
        DataType::Utf8View => column.as_string_view().is_valid(row).then(|| column.as_string_view().value(row).to_owned()),
        DataType::Utf8 => column.as_string::<i32>().is_valid(row).then(|| column.as_string::<i32>().value(row).to_owned()),
        _ => None,
    }
    .unwrap_or_default()
}

/// The answer to [`CapacityQuestion::day_sql`] as rows of the table.
fn day_rows(question: &CapacityQuestion, answer: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let column = |name: &str| answer.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("it has no column `{name}`")));
    let numbers = |name: &str| cast(column(name)?, &DataType::Float64);
    let entity: Vec<ArrayRef> = question.entity.iter().map(|name| cast(column(name)?, &DataType::Utf8View)).collect::<Result<_, _>>()?;
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut entities = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
        .with_keys_field(Field::new("key", DataType::Utf8, false))
        .with_values_field(Field::new("value", DataType::Utf8, true));
    let mut ids = Vec::with_capacity(answer.num_rows());
    for row in 0..answer.num_rows() {
        let mut key = ResourceKey { question: question.name.clone(), entity: Vec::with_capacity(entity.len()) };
        for (name, column) in question.entity.iter().zip(&entity) {
            let value = text_at(column, row);
            entities.keys().append_value(name);
            entities.values().append_value(&value);
            key.entity.push((name.clone(), value));
        }
        entities.append(true)?;
        ids.push(key.id());
    }
    let days = cast(column("day")?, CAPACITY_DAYS.field_with_name("day")?.data_type())?;
    let samples = cast(column("samples")?, &DataType::Int64)?;
    debug_assert!(samples.as_primitive_opt::<Int64Type>().is_some());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringViewArray::from_iter_values(ids.iter().map(|_| question.name.as_str()))),
        Arc::new(StringViewArray::from_iter_values(&ids)),
        Arc::new(entities.finish()),
        days,
        numbers("p50")?,
        numbers("p95")?,
        numbers("max")?,
        numbers("last")?,
        numbers("busy_hour")?,
        numbers("limit_value")?,
        numbers("servers")?,
        samples,
    ];
    RecordBatch::try_new(CAPACITY_DAYS.clone(), columns)
}
