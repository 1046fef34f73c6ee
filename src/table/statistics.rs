//! Range of each column in a file, as the Delta log carries it.
//!
//! The ranges serve to leave files out of a scan, so they may be wider than the truth but never narrower: text is cut at
//! 64 bytes with its maximum rounded up, time stamps go into the log in whole milliseconds, rounded outwards, and a
//! column of floating-point numbers with a NaN among them has no range (engines disagree on where NaN sorts).

use std::collections::BTreeMap;

use arrow::datatypes::DataType;
use jiff::Timestamp;
use parquet::file::statistics::Statistics;
use serde_json::{Map, Number, Value as Json, json};

use crate::clock::TimestampUs;
use crate::record::arrow_schema::{LOGS, SAMPLES, SERIES};

/// Longest text in a range, in bytes; Delta's own default is 32 characters, Parquet's 64 bytes.
pub(super) const TEXT_LIMIT: usize = 64;

const MILLISECOND_US: i64 = 1_000;

/// An end of a column's range.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Value {
    /// Any integer column.
    Int(i64),
    /// A floating-point column; never NaN.
    Float(f64),
    /// A text column; at most 64 bytes unless no shorter bound exists.
    Text(String),
    /// A time stamp, µs UTC.
    TimestampUs(TimestampUs),
    /// A boolean column.
    Boolean(bool),
}

/// What a file holds of one column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnRange {
    /// No value is less; `None` where nothing is known or all values are null.
    pub min: Option<Value>,
    /// No value is greater; `None` where nothing is known or all values are null.
    pub max: Option<Value>,
    /// Number of nulls.
    pub null_count: u64,
}

/// The ranges of a file's columns, by column name. A column that is not there is unknown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FileStatistics {
    /// Column name to range.
    pub columns: BTreeMap<String, ColumnRange>,
}

impl FileStatistics {
    /// The `stats` member of Delta's `add` action for a file of `rows` rows, as JSON text.
    ///
    /// Source: Delta transaction log protocol, *Per-file statistics*. Maps have no statistics there and are left out.
    pub fn to_delta_json(&self, rows: u64) -> String {
        let (mut min_values, mut max_values, mut null_count) = (Map::new(), Map::new(), Map::new());
        for (name, range) in self.columns.iter().filter(|(name, _)| !matches!(type_of(name), Some(DataType::Map(..)))) {
            if let Some(value) = range.min.as_ref().and_then(|value| to_json(value, i64::div_euclid)) {
                min_values.insert(name.clone(), value);
            }
            if let Some(value) =
                range.max.as_ref().and_then(|value| to_json(value, |us, step| us.div_euclid(step) + i64::from(us.rem_euclid(step) > 0)))
            {
                max_values.insert(name.clone(), value);
            }
            null_count.insert(name.clone(), range.null_count.into());
        }
        json!({"numRecords": rows, "minValues": min_values, "maxValues": max_values, "nullCount": null_count}).to_string()
    }

    /// Reads the `stats` of an `add` action, ours or another program's. What cannot be read counts as unknown.
    ///
    /// The columns of our tables are read by their type there. Some programs cut the maximum of a time stamp to the
    /// millisecond below: it is taken as the last microsecond of that millisecond.
    pub fn from_delta_json(stats: &str) -> Self {
        let Ok(Json::Object(stats)) = serde_json::from_str(stats) else { return Self::default() };
        let mut columns = BTreeMap::<String, ColumnRange>::new();
        let members = |member: &str| stats.get(member).and_then(Json::as_object).into_iter().flatten();
        for (name, count) in members("nullCount") {
            if let Some(count) = count.as_u64() {
                columns.entry(name.clone()).or_default().null_count = count;
            }
        }
        // A range without a null count would read as "no nulls"; such a column stays unknown.
        for (name, value) in members("minValues") {
            if let Some(range) = columns.get_mut(name) {
                range.min = match from_json(name, value) {
                    Some(Value::Float(least)) => Some(Value::Float(least - float_slack(least))),
                    other => other,
                };
            }
        }
        for (name, value) in members("maxValues") {
            if let Some(range) = columns.get_mut(name) {
                range.max = match from_json(name, value) {
                    Some(Value::TimestampUs(us)) if us % MILLISECOND_US == 0 => {
                        Some(Value::TimestampUs(us.saturating_add(MILLISECOND_US - 1)))
                    }
                    Some(Value::Float(greatest)) => Some(Value::Float(greatest + float_slack(greatest))),
                    other => other,
                };
            }
        }
        Self { columns }
    }
}

impl ColumnRange {
    /// Widens the range by a further part of the same file. Unknown on either side stays unknown, unless that part
    /// consists of nulls alone.
    pub(super) fn merge(&mut self, rows_so_far: u64, part: Self, part_rows: u64) {
        let (mine_empty, part_empty) = (self.null_count == rows_so_far, part.null_count == part_rows);
        let wider = |mine: Option<Value>, part: Option<Value>, take_part: fn(&Value, &Value) -> bool| match (mine, part) {
            (mine, None) if part_empty => mine,
            (None, part) if mine_empty => part,
            (Some(mine), Some(part)) => Some(if take_part(&part, &mine) { part } else { mine }),
            _ => None,
        };
        self.min = wider(self.min.take(), part.min, |part, mine| part < mine);
        self.max = wider(self.max.take(), part.max, |part, mine| part > mine);
        self.null_count += part.null_count;
    }

    /// The range that Parquet's statistics of a column chunk give, for a column of Arrow type `data_type`.
    pub(super) fn of_chunk(data_type: &DataType, statistics: Option<&Statistics>, null_count: u64) -> Self {
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(|text| Value::Text(text.to_owned()));
        let (min, max) = match (data_type, statistics) {
            (DataType::Timestamp(..), Some(Statistics::Int64(s))) => {
                (s.min_opt().copied().map(Value::TimestampUs), s.max_opt().copied().map(Value::TimestampUs))
            }
            (_, Some(Statistics::Int64(s))) => (s.min_opt().copied().map(Value::Int), s.max_opt().copied().map(Value::Int)),
            (_, Some(Statistics::Int32(s))) => (s.min_opt().map(|&v| Value::Int(v.into())), s.max_opt().map(|&v| Value::Int(v.into()))),
            (_, Some(Statistics::Boolean(s))) => (s.min_opt().copied().map(Value::Boolean), s.max_opt().copied().map(Value::Boolean)),
            (DataType::Utf8View, Some(Statistics::ByteArray(s))) => {
                (s.min_opt().and_then(|v| text(v.data())), s.max_opt().and_then(|v| text(v.data())))
            }
            _ => (None, None),
        };
        Self { min, max, null_count }
    }
}

/// How far the number read from JSON may lie from the one that was written: the reader does not round to the nearest.
fn float_slack(value: f64) -> f64 {
    (value.abs() * 1e-14).max(f64::MIN_POSITIVE)
}

/// The Arrow type of a column of our tables; a name means the same type in each of them.
fn type_of(column: &str) -> Option<&'static DataType> {
    [&LOGS, &SERIES, &SAMPLES].into_iter().find_map(|schema| schema.field_with_name(column).ok()).map(|field| field.data_type())
}

fn to_json(value: &Value, round: fn(i64, i64) -> i64) -> Option<Json> {
    Some(match value {
        Value::Int(value) => Json::from(*value),
        Value::Float(value) => Json::Number(Number::from_f64(*value)?),
        Value::Text(value) => Json::from(value.as_str()),
        Value::TimestampUs(us) => {
            let moment = Timestamp::from_millisecond(round(*us, MILLISECOND_US)).ok()?;
            Json::from(format!("{moment:.3}"))
        }
        Value::Boolean(value) => Json::from(*value),
    })
}

fn from_json(column: &str, value: &Json) -> Option<Value> {
    match type_of(column) {
        Some(DataType::Timestamp(..)) => {
            value.as_str()?.parse::<Timestamp>().ok().map(|moment| Value::TimestampUs(moment.as_microsecond()))
        }
        Some(DataType::Float64) => value.as_f64().map(Value::Float),
        _ => match value {
            Json::String(text) => Some(Value::Text(text.clone())),
            Json::Bool(value) => Some(Value::Boolean(*value)),
            Json::Number(number) => number.as_i64().map(Value::Int).or_else(|| number.as_f64().map(Value::Float)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn range(min: Value, max: Value) -> ColumnRange {
        ColumnRange { min: Some(min), max: Some(max), null_count: 2 }
    }

    fn one(column: &str, range: ColumnRange) -> FileStatistics {
        FileStatistics { columns: BTreeMap::from([(column.to_owned(), range)]) }
    }

    #[test]
    fn the_json_is_what_delta_expects() {
        let mut statistics = one("timestamp", range(Value::TimestampUs(1_795_334_400_000_001), Value::TimestampUs(1_795_334_400_123_001)));
        statistics.columns.insert("severity".into(), range(Value::Int(0), Value::Int(7)));
        statistics.columns.insert("host".into(), range(Value::Text("a\"b".into()), Value::Text("z".into())));
        statistics.columns.insert("attributes".into(), ColumnRange::default());
        let json: Json = serde_json::from_str(&statistics.to_delta_json(9)).unwrap();
        assert_eq!(
            json,
            json!({
                "numRecords": 9,
                "minValues": {"timestamp": "2026-11-22T08:00:00.000Z", "severity": 0, "host": "a\"b"},
                "maxValues": {"timestamp": "2026-11-22T08:00:00.124Z", "severity": 7, "host": "z"},
                "nullCount": {"timestamp": 2, "severity": 2, "host": 2},
            })
        );
    }

    #[test]
    fn another_programs_statistics_are_read_as_far_as_they_go() {
        let read = FileStatistics::from_delta_json(
            r#"{"numRecords":3,"minValues":{"timestamp":"2026-11-22T08:00:00.123456+01:00","value":1,"nested":{"a":1},"app":"x"},
                "maxValues":{"timestamp":"2026-11-22T08:00:00.124Z","value":2.5},"nullCount":{"timestamp":0,"value":1,"nested":{"a":0}}}"#,
        );
        assert_eq!(read.columns.keys().collect::<Vec<_>>(), ["timestamp", "value"]);
        assert_eq!(read.columns["timestamp"].min, Some(Value::TimestampUs(1_795_330_800_123_456)));
        assert_eq!(read.columns["timestamp"].max, Some(Value::TimestampUs(1_795_334_400_124_999)));
        assert_eq!(read.columns["value"].min, Some(Value::Float(1.0 - 1e-14)));
        for broken in ["", "null", "[]", "{", r#"{"minValues":3,"nullCount":{"a":-1}}"#] {
            assert_eq!(FileStatistics::from_delta_json(broken), FileStatistics::default(), "{broken}");
        }
    }

    #[test]
    fn unknown_swallows_a_range_but_a_part_of_nulls_does_not() {
        let known = || ColumnRange { min: Some(Value::Int(1)), max: Some(Value::Int(2)), null_count: 0 };
        let mut nulls_first = ColumnRange { null_count: 10, ..ColumnRange::default() };
        nulls_first.merge(10, known(), 5);
        assert_eq!(nulls_first, ColumnRange { null_count: 10, ..known() });
        let mut nulls_last = known();
        nulls_last.merge(5, ColumnRange { null_count: 10, ..ColumnRange::default() }, 10);
        assert_eq!(nulls_last, ColumnRange { null_count: 10, ..known() });
        let mut unknown = known();
        unknown.merge(5, ColumnRange::default(), 10);
        assert_eq!(unknown, ColumnRange::default());
    }

    proptest! {
        #[test]
        fn what_the_log_says_covers_the_range(min in -62_135_596_800_000_000_i64..253_402_207_200_000_000, span in 0..86_400_000_000_i64) {
            let written = one("timestamp", range(Value::TimestampUs(min), Value::TimestampUs(min + span)));
            let read = FileStatistics::from_delta_json(&written.to_delta_json(5));
            let read = &read.columns["timestamp"];
            prop_assert_eq!(read.null_count, 2);
            let (Some(Value::TimestampUs(low)), Some(Value::TimestampUs(high))) = (&read.min, &read.max) else { panic!("lost") };
            prop_assert!(*low <= min && min - low < 1_000);
            prop_assert!(*high >= min + span && high - (min + span) < 2_000);
        }

        #[test]
        fn text_and_numbers_read_back(text in ".{0,40}", number in any::<i64>(), float in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
            let mut written = one("host", range(Value::Text(text.clone()), Value::Text(text)));
            written.columns.insert("series_id".into(), range(Value::Int(number), Value::Int(number)));
            prop_assert_eq!(&FileStatistics::from_delta_json(&written.to_delta_json(5)), &written);
            written.columns.insert("value".into(), range(Value::Float(float), Value::Float(float)));
            let read = FileStatistics::from_delta_json(&written.to_delta_json(5));
            let Some(ColumnRange { min: Some(Value::Float(low)), max: Some(Value::Float(high)), .. }) = read.columns.get("value") else { panic!("lost") };
            prop_assert!(*low <= float && float <= *high && *high - *low <= float.abs() * 3e-14 + 3.0 * f64::MIN_POSITIVE);
        }
    }
}
