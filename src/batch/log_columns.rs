//! Builder of the table `logs`.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int8Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::error::ArrowError;
use bytes::Bytes;

use super::attribute_column::AttributeColumn;
use super::text_column::{Block, TextColumn, VALUE_LIMIT, View, fit};
use crate::clock::{DAY_US, TimestampUs};
use crate::record::arrow_schema::LOGS;
use crate::record::{LogRecord, Origin};

/// Midnight at the start of the year 1 and the last microsecond of 9999: what SQL, RFC 3339 and Delta can write.
const FIRST_TIMESTAMP_US: TimestampUs = -62_135_596_800_000_000;
const LAST_TIMESTAMP_US: TimestampUs = 253_402_300_799_999_999;

const FUTURE: &str = "time stamp more than 24 h in the future";
const OUT_OF_RANGE: &str = "time stamp outside the years 1 to 9999";
const TOO_LONG: &str = "text over 256 MiB was cut";
const NO_ROOM: &str = "attributes left out: the batch holds 2 GiB of them";

/// Small integers of which some are absent.
#[derive(Debug, Default)]
struct CodeColumn {
    codes: Vec<i8>,
    valid: Vec<bool>,
}

impl CodeColumn {
    fn push(&mut self, code: Option<u8>) {
        // Codes above 127 exist in no protocol; they count as not stated.
        let code = code.and_then(|code| i8::try_from(code).ok());
        self.codes.push(code.unwrap_or(0));
        self.valid.push(code.is_some());
    }

    fn finish(&mut self) -> ArrayRef {
        let column = std::mem::take(self);
        let nulls = NullBuffer::from(column.valid);
        Arc::new(Int8Array::new(ScalarBuffer::from(column.codes), (nulls.null_count() > 0).then_some(nulls)))
    }
}

/// What every row of a block shares.
#[derive(Debug, Default)]
struct BlockContext {
    block: Block,
    received_at_us: TimestampUs,
    source: View,
    /// `None` where the origin has no peer.
    peer: Option<View>,
    /// The peer as a view of the column `host`, made when the first line without a host needs it.
    peer_as_host: Option<View>,
    peer_name: Arc<str>,
}

/// Collects records into the columns of [`LOGS`].
///
/// `host` is what the line states, else the sender's address; `template_id` is null where nobody has set it.
#[derive(Debug)]
pub struct LogColumns {
    context: BlockContext,
    block_bytes: usize,
    timestamp: Vec<TimestampUs>,
    received_at: Vec<TimestampUs>,
    host: TextColumn,
    app: TextColumn,
    severity: CodeColumn,
    facility: CodeColumn,
    pid: TextColumn,
    msgid: TextColumn,
    message: TextColumn,
    attributes: AttributeColumn,
    source: TextColumn,
    peer: TextColumn,
    parse_error: TextColumn,
    raw: TextColumn,
    template_id: Vec<i64>,
}

impl LogColumns {
    /// A builder with room for `rows` rows; it grows when they are more.
    pub fn with_capacity(rows: usize) -> Self {
        let text = || TextColumn::with_capacity(rows);
        let code = || CodeColumn { codes: Vec::with_capacity(rows), valid: Vec::with_capacity(rows) };
        Self {
            context: BlockContext::default(),
            block_bytes: 0,
            timestamp: Vec::with_capacity(rows),
            received_at: Vec::with_capacity(rows),
            host: text(),
            app: text(),
            severity: code(),
            facility: code(),
            pid: text(),
            msgid: text(),
            message: text(),
            attributes: AttributeColumn::with_capacity(rows, true),
            source: text(),
            peer: text(),
            parse_error: text(),
            raw: text(),
            template_id: Vec::new(),
        }
    }

    /// Names the block that the records pushed from here on come from: its bytes, its sender, the time of its receipt.
    ///
    /// Text of those records that stands in `data` is not copied; `data` lives as long as the batch.
    pub fn begin_block(&mut self, data: &Bytes, origin: &Origin, received_at_us: TimestampUs) {
        for column in [&mut self.host, &mut self.app, &mut self.pid, &mut self.msgid, &mut self.parse_error, &mut self.raw] {
            column.leave_block();
        }
        self.message.leave_block();
        let none = Block::default();
        self.block_bytes += data.len();
        self.context = BlockContext {
            block: Block::new(data),
            received_at_us: received_at_us.clamp(FIRST_TIMESTAMP_US, LAST_TIMESTAMP_US),
            source: self.source.view(fit(&origin.source).as_bytes(), &none),
            peer: (!origin.peer.is_empty()).then(|| self.peer.view(fit(&origin.peer).as_bytes(), &none)),
            peer_as_host: None,
            peer_name: origin.peer.clone(),
        };
    }

    /// Adds a row. `frame` holds the raw bytes of the record: they are kept in `raw` where the line was not understood,
    /// or its text is not what was sent, and the message alone would not give them back.
    pub fn push(&mut self, record: &LogRecord<'_>, frame: &[u8]) {
        let mut error: Option<Cow<'static, str>> = record.parse_error.clone();
        let mut keep_raw = record.lossy || error.is_some();
        let received_at_us = self.context.received_at_us;

        let timestamp_us = match record.timestamp_us {
            Some(stated) if !(FIRST_TIMESTAMP_US..=LAST_TIMESTAMP_US).contains(&stated) => {
                error.get_or_insert(Cow::Borrowed(OUT_OF_RANGE));
                keep_raw = true;
                received_at_us
            }
            Some(stated) => {
                if stated.saturating_sub(received_at_us) > DAY_US {
                    error.get_or_insert(Cow::Borrowed(FUTURE));
                }
                stated
            }
            None => received_at_us,
        };
        self.timestamp.push(timestamp_us);
        self.received_at.push(received_at_us);
        self.severity.push(record.severity);
        self.facility.push(record.facility);

        let message = fit(&record.message);
        if message.len() < record.message.len() {
            error.get_or_insert(Cow::Borrowed(TOO_LONG));
            keep_raw = true;
        }
        let block = &self.context.block;
        self.app.push(record.app.as_deref().map(|text| fit(text).as_bytes()), block);
        self.pid.push(record.pid.as_deref().map(|text| fit(text).as_bytes()), block);
        self.msgid.push(record.msgid.as_deref().map(|text| fit(text).as_bytes()), block);
        self.message.push(Some(message.as_bytes()), block);
        self.push_host(record.host.as_deref());
        self.source.push_view(self.context.source);
        match self.context.peer {
            Some(peer) => self.peer.push_view(peer),
            None => self.peer.push_null(),
        }
        if !self.push_attributes(record) {
            error.get_or_insert(Cow::Borrowed(NO_ROOM));
            keep_raw = true;
        }
        let block = &self.context.block;
        let raw = (keep_raw && frame != message.as_bytes()).then(|| &frame[..frame.len().min(VALUE_LIMIT)]);
        self.raw.push(raw, block);
        self.parse_error.push(error.as_deref().map(|text| fit(text).as_bytes()), block);
    }

    fn push_host(&mut self, stated: Option<&str>) {
        let context = &mut self.context;
        match stated.filter(|host| !host.is_empty()) {
            Some(host) => self.host.push(Some(fit(host).as_bytes()), &context.block),
            None if context.peer.is_none() => self.host.push_null(),
            None => {
                let host = &mut self.host;
                let view = *context.peer_as_host.get_or_insert_with(|| host.view(fit(&context.peer_name).as_bytes(), &Block::default()));
                host.push_view(view);
            }
        }
    }

    /// Whether the record's attributes had room.
    fn push_attributes(&mut self, record: &LogRecord<'_>) -> bool {
        let mut room = true;
        if !record.attributes.is_empty() {
            // One more byte a key for the point between its parts.
            let text = record.attributes.iter().map(|a| a.namespace.len() + a.name.len() + a.value.len() + 1).sum();
            room = self.attributes.has_room(text, record.attributes.len());
            if room {
                for attribute in &record.attributes {
                    self.attributes.entry(&attribute.namespace, &attribute.name, &attribute.value);
                }
            }
        }
        self.attributes.end_row();
        room
    }

    /// Rows pushed since the last [`LogColumns::finish`].
    pub fn len(&self) -> usize {
        self.timestamp.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.timestamp.is_empty()
    }

    /// Bytes the rows keep in memory: views and numbers, copied text, and every block that was begun.
    pub fn byte_size(&self) -> usize {
        let texts = [&self.host, &self.app, &self.pid, &self.msgid, &self.source, &self.peer, &self.parse_error, &self.raw];
        let text_bytes: usize = texts.iter().map(|column| column.byte_size()).sum();
        self.block_bytes + self.message.byte_size() + text_bytes + self.attributes.byte_size() + self.len() * (8 + 8 + 2 + 2 + 8)
    }

    /// The ids of the templates of all rows pushed so far, one a row.
    pub fn set_template_ids(&mut self, ids: Vec<i64>) {
        debug_assert_eq!(ids.len(), self.len(), "an id a row");
        self.template_id = ids;
    }

    /// The rows as a batch of [`LOGS`]. The builder is empty afterwards; a block has to be begun before the next push.
    ///
    /// # Errors
    /// None that a record can cause: only a column that contradicts the schema, which would be a fault of this room.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let schema = &*LOGS;
        let rows = self.len();
        let time = |times: &mut Vec<TimestampUs>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(std::mem::take(times)).with_timezone("UTC"))
        };
        let type_of = |name: &str| schema.field_with_name(name).map(|field| field.data_type());
        let columns = schema
            .fields()
            .iter()
            .map(|field| match field.name().as_str() {
                "timestamp" => Ok(time(&mut self.timestamp)),
                "received_at" => Ok(time(&mut self.received_at)),
                "host" => self.host.finish(field.data_type()),
                "app" => self.app.finish(field.data_type()),
                "severity" => Ok(self.severity.finish()),
                "facility" => Ok(self.facility.finish()),
                "pid" => self.pid.finish(field.data_type()),
                "msgid" => self.msgid.finish(field.data_type()),
                "message" => self.message.finish(field.data_type()),
                "attributes" => self.attributes.finish(type_of("attributes")?),
                "source" => self.source.finish(field.data_type()),
                "peer" => self.peer.finish(field.data_type()),
                "template_id" => {
                    let ids = std::mem::take(&mut self.template_id);
                    Ok(if ids.len() == rows { Arc::new(Int64Array::from(ids)) as ArrayRef } else { Arc::new(Int64Array::new_null(rows)) })
                }
                "parse_error" => self.parse_error.finish(field.data_type()),
                "raw" => self.raw.finish(field.data_type()),
                other => Err(ArrowError::SchemaError(format!("the table logs has a column {other} that nothing fills"))),
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.block_bytes = 0;
        self.context = BlockContext::default();
        RecordBatch::try_new(schema.clone(), columns)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Int8Type, TimestampMicrosecondType};
    use proptest::prelude::*;

    use super::super::text_column::texts;
    use super::*;
    use crate::record::Attribute;
    use crate::record::Zone;

    const RECEIVED: TimestampUs = 1_795_334_400_000_000;

    fn origin(peer: &str) -> Origin {
        Origin { source: "syslog_tcp".into(), peer: peer.into(), zone: Zone::UTC, hints: "".into() }
    }

    fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a ArrayRef {
        batch.column_by_name(name).unwrap()
    }

    fn one(record: &LogRecord<'_>, frame: &[u8]) -> RecordBatch {
        let mut columns = LogColumns::with_capacity(1);
        columns.begin_block(&Bytes::copy_from_slice(frame), &origin("10.0.0.7"), RECEIVED);
        columns.push(record, frame);
        columns.finish().unwrap()
    }

    fn times(batch: &RecordBatch) -> (i64, i64) {
        let at = |name| column(batch, name).as_primitive::<TimestampMicrosecondType>().value(0);
        (at("timestamp"), at("received_at"))
    }

    #[test]
    fn what_the_line_does_not_say_comes_from_the_receipt() {
        let batch = one(&LogRecord { message: "m".into(), ..LogRecord::default() }, b"m");
        assert_eq!(times(&batch), (RECEIVED, RECEIVED));
        assert_eq!(texts(column(&batch, "host")), [Some("10.0.0.7")]);
        assert_eq!(texts(column(&batch, "peer")), [Some("10.0.0.7")]);
        assert_eq!(texts(column(&batch, "source")), [Some("syslog_tcp")]);
        for absent in ["app", "severity", "facility", "pid", "msgid", "attributes", "template_id", "parse_error", "raw"] {
            assert!(column(&batch, absent).is_null(0), "{absent}");
        }
    }

    #[test]
    fn a_file_has_no_peer() {
        let mut columns = LogColumns::with_capacity(1);
        columns.begin_block(&Bytes::new(), &origin(""), RECEIVED);
        columns.push(&LogRecord { host: Some("a-host-with-a-long-name.example".into()), ..LogRecord::default() }, b"");
        columns.push(&LogRecord::default(), b"");
        let batch = columns.finish().unwrap();
        assert_eq!(texts(column(&batch, "host")), [Some("a-host-with-a-long-name.example"), None]);
        assert!(column(&batch, "peer").is_null(0));
    }

    #[test]
    fn a_time_far_ahead_is_kept_and_flagged() {
        for (ahead, flagged) in [(DAY_US, false), (DAY_US + 1, true)] {
            let batch = one(&LogRecord { timestamp_us: Some(RECEIVED + ahead), message: "m".into(), ..LogRecord::default() }, b"<1>m");
            assert_eq!(times(&batch).0, RECEIVED + ahead);
            assert_eq!(texts(column(&batch, "parse_error")), [flagged.then_some(FUTURE)]);
            assert!(column(&batch, "raw").is_null(0), "nothing was lost");
        }
        let record =
            LogRecord { timestamp_us: Some(i64::MAX), parse_error: Some("first".into()), message: "m".into(), ..LogRecord::default() };
        assert_eq!(texts(column(&one(&record, b"m"), "parse_error")), [Some("first")]);
    }

    #[test]
    fn an_impossible_time_counts_as_absent_and_the_bytes_are_kept() {
        for stated in [FIRST_TIMESTAMP_US - 1, LAST_TIMESTAMP_US + 1, i64::MIN, i64::MAX] {
            let batch = one(&LogRecord { timestamp_us: Some(stated), message: "m".into(), ..LogRecord::default() }, b"<1>m");
            assert_eq!(times(&batch).0, RECEIVED);
            assert_eq!(texts(column(&batch, "parse_error")), [Some(OUT_OF_RANGE)]);
            assert_eq!(column(&batch, "raw").as_binary_view().value(0), b"<1>m");
        }
        let kept = one(&LogRecord { timestamp_us: Some(FIRST_TIMESTAMP_US), ..LogRecord::default() }, b"");
        assert_eq!(times(&kept).0, FIRST_TIMESTAMP_US);
    }

    #[test]
    fn raw_is_kept_only_where_the_message_does_not_hold_it() {
        let error = || Some(Cow::Borrowed("no grammar"));
        let whole = LogRecord { message: "all of it".into(), parse_error: error(), ..LogRecord::default() };
        assert!(column(&one(&whole, b"all of it"), "raw").is_null(0));
        assert_eq!(column(&one(&whole, b"<5>all of it"), "raw").as_binary_view().value(0), b"<5>all of it");
        let lossy = LogRecord { message: "caf\u{FFFD}".into(), lossy: true, ..LogRecord::default() };
        assert_eq!(column(&one(&lossy, b"caf\xE9"), "raw").as_binary_view().value(0), b"caf\xE9");
        let fine = LogRecord { message: "it".into(), ..LogRecord::default() };
        assert!(column(&one(&fine, b"<5>it"), "raw").is_null(0));
    }

    #[test]
    fn structured_data_becomes_a_map() {
        let attribute = |namespace: &'static str, name: &'static str, value: &'static str| Attribute {
            namespace: namespace.into(),
            name: name.into(),
            value: value.into(),
        };
        let attributes = vec![
            attribute("id@1", "ip", "1.2.3.4"),
            attribute("id@1", "ip", "5.6.7.8"),
            attribute("empty@1", "", ""),
            attribute("", "level", "warn"),
        ];
        let batch = one(&LogRecord { attributes, ..LogRecord::default() }, b"");
        let map = column(&batch, "attributes").as_map().value(0);
        let text = |n: usize| map.column(n).as_string::<i32>().iter().flatten().map(String::from).collect::<Vec<_>>();
        assert_eq!(text(0), ["id@1.ip", "id@1.ip#2", "empty@1", "level"]);
        assert_eq!(text(1), ["1.2.3.4", "5.6.7.8", "", "warn"]);
    }

    #[test]
    fn a_message_in_the_block_costs_a_view_and_no_copy() {
        let data = Bytes::from(vec![b'x'; 100_000]);
        let mut columns = LogColumns::with_capacity(10);
        columns.begin_block(&data, &origin("10.0.0.7"), RECEIVED);
        let before = columns.byte_size();
        for n in 0..10 {
            let frame = &data[n * 10_000..(n + 1) * 10_000];
            columns.push(&LogRecord { message: std::str::from_utf8(frame).unwrap().into(), ..LogRecord::default() }, frame);
        }
        assert_eq!(columns.len(), 10);
        assert!(columns.byte_size() - before < 10 * 300, "{} bytes for ten rows", columns.byte_size() - before);
        let batch = columns.finish().unwrap();
        assert!(columns.is_empty());
        let message = column(&batch, "message").as_string_view();
        assert_eq!(message.value(9).as_ptr(), data[90_000..].as_ptr());
        assert_eq!(columns.byte_size(), 0);
    }

    proptest! {
        #[test]
        fn any_record_becomes_one_row(
            timestamp_us in prop::option::of(any::<i64>()),
            received in any::<i64>(),
            codes in (prop::option::of(any::<u8>()), prop::option::of(any::<u8>())),
            texts_in in prop::collection::vec(prop::option::of(".{0,40}"), 5),
            attributes in prop::collection::vec(("[ab]{0,1}", "[ab#2]{0,2}", ".{0,20}"), 0..40),
            lossy in any::<bool>(),
            frame in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let owned = |n: usize| texts_in[n].clone().map(Cow::Owned);
            let record = LogRecord {
                timestamp_us, facility: codes.0, severity: codes.1, host: owned(0), app: owned(1), pid: owned(2), msgid: owned(3),
                message: owned(4).unwrap_or_default(), lossy,
                attributes: attributes.iter().map(|(a, b, c)| Attribute { namespace: a.as_str().into(), name: b.as_str().into(), value: c.as_str().into() }).collect(),
                ..LogRecord::default()
            };
            let mut columns = LogColumns::with_capacity(2);
            columns.begin_block(&Bytes::copy_from_slice(&frame), &origin("peer"), received);
            columns.push(&record, &frame);
            columns.push(&record, &frame);
            let batch = columns.finish().unwrap();
            prop_assert_eq!(batch.num_rows(), 2);
            prop_assert_eq!(texts(column(&batch, "app"))[1], record.app.as_deref());
            prop_assert_eq!(texts(column(&batch, "message"))[0], Some(&*record.message));
            let severity = column(&batch, "severity").as_primitive::<Int8Type>();
            prop_assert_eq!(severity.is_valid(0).then(|| severity.value(0) as u8), codes.1.filter(|c| *c < 128));
            if !attributes.is_empty() {
                let map = column(&batch, "attributes").as_map().value(1);
                let keys: std::collections::HashSet<_> = map.column(0).as_string::<i32>().iter().collect();
                prop_assert_eq!(keys.len(), attributes.len());
            }
        }
    }
}
