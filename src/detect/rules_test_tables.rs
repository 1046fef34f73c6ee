//! Made-up tables for the tests of the shipped rules, with the columns of the real ones.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int8Array, Int64Array, MapBuilder, MapFieldNames, RecordBatch, StringBuilder, StringViewArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use serde_json::{Map, Value};

use crate::clock::{SECOND_US, TimestampUs};
use crate::detect::{Rule, Window, shipped_rules};
use crate::record::arrow_schema::{DATE, LOGS, partition_day, text_map};
use crate::store::Finding;

pub(super) const MINUTE_US: i64 = 60 * SECOND_US;

/// Noon of 20 November 2026.
pub(super) const NOON: TimestampUs = 1_795_176_000 * SECOND_US;

/// A log line, as far as the rules look at it.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) at_us: TimestampUs,
    pub(super) host: Option<&'static str>,
    pub(super) app: Option<&'static str>,
    pub(super) severity: Option<i8>,
    pub(super) message: String,
}

pub(super) fn line(at_us: TimestampUs, host: &'static str, app: &'static str, severity: i8, message: impl Into<String>) -> Line {
    Line { at_us, host: Some(host), app: Some(app), severity: Some(severity), message: message.into() }
}

/// A measurement with its labels.
pub(super) struct Measure {
    pub(super) at_us: TimestampUs,
    pub(super) name: &'static str,
    pub(super) host: &'static str,
    pub(super) labels: Vec<(&'static str, &'static str)>,
    pub(super) value: f64,
}

/// A measurement with its labels, in the order of their names.
pub(super) fn measure(
    at_us: TimestampUs,
    host: &'static str,
    name: &'static str,
    labels: &[(&'static str, &'static str)],
    value: f64,
) -> Measure {
    Measure { at_us, name, host, labels: labels.to_vec(), value }
}

/// What a program says, a message a second, two minutes before noon.
pub(super) fn said(host: &'static str, app: &'static str, severity: i8, messages: &[&str]) -> Tables {
    let at_us = |n: usize| NOON - 2 * MINUTE_US + n as i64 * SECOND_US;
    let lines = messages.iter().enumerate().map(|(n, message)| line(at_us(n), host, app, severity, *message));
    Tables { lines: lines.collect(), measures: Vec::new() }
}

/// The titles of what a rule finds in the bin that ends at noon, sorted.
pub(super) async fn titles(tables: &Tables, name: &str) -> Vec<String> {
    tables.findings(&rule(name), NOON).await.into_iter().map(|finding| finding.title).collect()
}

/// A rule among the shipped ones.
pub(super) fn rule(name: &str) -> Rule {
    shipped_rules().unwrap().into_iter().find(|rule| rule.name == name).unwrap()
}

/// The tables of a test.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) lines: Vec<Line>,
    pub(super) measures: Vec<Measure>,
}

impl Tables {
    /// The rule's findings in the bin that ends at `end_us`.
    pub(super) async fn findings(&self, rule: &Rule, end_us: TimestampUs) -> Vec<Finding> {
        self.findings_between(rule, rule.schedule.latest(end_us - 1), end_us).await
    }

    /// The rule's findings in the bins between two borders, in the order of time: judged in one run, and judged again bin by
    /// bin, which must find the same.
    pub(super) async fn findings_between(&self, rule: &Rule, start_us: TimestampUs, end_us: TimestampUs) -> Vec<Finding> {
        let at_once = self.judge(rule, rule.window(start_us, end_us)).await;
        let (mut one_by_one, mut bin_us) = (Vec::new(), start_us);
        while bin_us < end_us {
            let next_us = rule.schedule.next_after(bin_us);
            one_by_one.extend(self.judge(rule, rule.window(bin_us, next_us)).await);
            bin_us = next_us;
        }
        let shown = |findings: &[Finding]| findings.iter().map(|f| (f.window_end_us, f.title.clone())).collect::<Vec<_>>();
        assert_eq!(shown(&at_once), shown(&one_by_one), "{}: a run over many bins finds what single runs find", rule.name);
        at_once
    }

    async fn judge(&self, rule: &Rule, window: Window) -> Vec<Finding> {
        let rows = self.rows(&rule.sql, &window, &[]).await;
        let mut findings: Vec<_> = rows.into_iter().filter_map(|row| rule.finding(row, &window).unwrap()).collect();
        findings.sort_by(|a, b| (a.window_end_us, &a.title).cmp(&(b.window_end_us, &b.title)));
        findings
    }

    /// The lines that the rule gives as evidence for a finding.
    pub(super) async fn evidence(&self, rule: &Rule, finding: &Finding) -> Vec<Map<String, Value>> {
        let window = rule.window(finding.window_start_us, finding.window_end_us);
        let entity: Vec<_> = finding.entity.iter().map(|(column, value)| (column.as_str(), ScalarValue::from(value.as_str()))).collect();
        self.rows(rule.evidence_sql.as_deref().unwrap(), &window, &entity).await
    }

    /// Rows of a query. The parameters are given once as timestamps and once as text, as JSON carries them: both must
    /// give the same answer.
    pub(super) async fn rows(&self, sql: &str, window: &Window, entity: &[(&str, ScalarValue)]) -> Vec<Map<String, Value>> {
        let context = SessionContext::new();
        let logs = log_batch(&self.lines);
        context.register_table("logs", Arc::new(MemTable::try_new(logs.schema(), vec![vec![logs]]).unwrap())).unwrap();
        let metrics = metric_batch(&self.measures);
        context.register_table("metrics", Arc::new(MemTable::try_new(metrics.schema(), vec![vec![metrics]]).unwrap())).unwrap();
        let texts = window.parameter_texts();
        let as_text = window.parameters().map(|(name, _)| (name, ScalarValue::from(texts[name].as_str())));
        let as_time = window.parameters().map(|(name, at_us)| (name, ScalarValue::TimestampMicrosecond(Some(at_us), Some("UTC".into()))));
        let mut answers = Vec::new();
        for parameters in [as_text, as_time] {
            let values: Vec<_> = parameters.into_iter().chain(entity.iter().cloned()).collect();
            let frame = context.sql(sql).await.unwrap().with_param_values(values).unwrap();
            let mut rows = json_rows(&frame.collect().await.unwrap());
            if !sql.contains("\nORDER BY") {
                rows.sort_by_key(|row| serde_json::to_string(row).unwrap());
            }
            answers.push(rows);
        }
        assert_eq!(answers[0], answers[1], "text and timestamps as parameters");
        answers.remove(0)
    }
}

fn json_rows(batches: &[RecordBatch]) -> Vec<Map<String, Value>> {
    let mut bytes = Vec::new();
    let builder = arrow::json::WriterBuilder::new().with_explicit_nulls(true);
    let mut writer = builder.build::<_, arrow::json::writer::JsonArray>(&mut bytes);
    writer.write_batches(&batches.iter().collect::<Vec<_>>()).unwrap();
    writer.finish().unwrap();
    if bytes.is_empty() { Vec::new() } else { serde_json::from_slice(&bytes).unwrap() }
}

fn moments(at_us: impl Iterator<Item = TimestampUs>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(at_us).with_timezone("UTC"))
}

fn with_date(schema: &Schema) -> SchemaRef {
    let date = Arc::new(Field::new(DATE, DataType::Date32, false));
    Arc::new(Schema::new(schema.fields().iter().cloned().chain([date]).collect::<Vec<_>>()))
}

fn log_batch(lines: &[Line]) -> RecordBatch {
    let schema = with_date(&LOGS);
    let columns = schema.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "timestamp" | "received_at" => moments(lines.iter().map(|line| line.at_us)),
            "host" => Arc::new(lines.iter().map(|line| line.host).collect::<StringViewArray>()),
            "app" => Arc::new(lines.iter().map(|line| line.app).collect::<StringViewArray>()),
            "severity" => Arc::new(lines.iter().map(|line| line.severity).collect::<Int8Array>()),
            "message" => Arc::new(lines.iter().map(|line| Some(line.message.as_str())).collect::<StringViewArray>()),
            "source" => Arc::new(lines.iter().map(|_| Some("syslog_tcp")).collect::<StringViewArray>()),
            DATE => Arc::new(Date32Array::from_iter_values(lines.iter().map(|line| partition_day(line.at_us)))),
            _ => new_null_array(field.data_type(), lines.len()),
        }
    });
    RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap()
}

fn metric_batch(measures: &[Measure]) -> RecordBatch {
    let schema = with_date(&Schema::new(vec![
        Field::new("timestamp", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        Field::new("name", DataType::Utf8View, false),
        Field::new("host", DataType::Utf8View, true),
        Field::new("labels", text_map(), false),
        Field::new("value", DataType::Float64, false),
        Field::new("kind", DataType::Utf8View, true),
        Field::new("unit", DataType::Utf8View, true),
        Field::new("series_id", DataType::Int64, false),
    ]));
    let names = MapFieldNames { entry: "key_value".into(), key: "key".into(), value: "value".into() };
    let mut labels = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for measure in measures {
        for (name, value) in &measure.labels {
            labels.keys().append_value(name);
            labels.values().append_value(value);
        }
        labels.append(true).unwrap();
    }
    let columns: Vec<ArrayRef> = vec![
        moments(measures.iter().map(|measure| measure.at_us)),
        Arc::new(measures.iter().map(|measure| Some(measure.name)).collect::<StringViewArray>()),
        Arc::new(measures.iter().map(|measure| Some(measure.host)).collect::<StringViewArray>()),
        Arc::new(labels.finish()),
        Arc::new(measures.iter().map(|measure| measure.value).collect::<Float64Array>()),
        new_null_array(&DataType::Utf8View, measures.len()),
        new_null_array(&DataType::Utf8View, measures.len()),
        Arc::new((0..measures.len() as i64).collect::<Int64Array>()),
        Arc::new(Date32Array::from_iter_values(measures.iter().map(|measure| partition_day(measure.at_us)))),
    ];
    RecordBatch::try_new(schema, columns).unwrap()
}
