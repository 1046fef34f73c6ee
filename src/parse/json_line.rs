//! JSON lines: one object a line, its fields mapped to the columns of a log record.
//!
//! Nested objects flatten with dots (`{"http": {"status": 200}}` is `http.status`). The names of the columns follow OpenTelemetry's semantic
//! conventions where it has one (`host.name`, `service.name`, `severity_text`, `process.pid`) and the habits of common loggers besides. Everything else
//! becomes an attribute: text as it is, numbers and booleans as text, arrays as JSON, null left out.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Context, timestamp};
use crate::record::{Attribute, LogRecord};

const DIALECT: &str = "json";

/// Fields tried for the time, in this order, where the request names none.
const TIME_FIELDS: [&str; 9] = ["_time", "time", "timestamp", "@timestamp", "ts", "date", "datetime", "eventTime", "time_unix_nano"];

/// Fields tried for the message.
const MESSAGE_FIELDS: [&str; 9] = ["_msg", "msg", "message", "log", "body", "MESSAGE", "short_message", "event.original", "text"];

/// Which fields of a JSON line hold what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonFields {
    /// Names tried for the time, in order.
    time: Vec<String>,
    /// Names tried for the message, in order.
    message: Vec<String>,
}

impl Default for JsonFields {
    fn default() -> Self {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self { time: own(&TIME_FIELDS), message: own(&MESSAGE_FIELDS) }
    }
}

impl JsonFields {
    /// The fields that a request's URL query names: `_time_field=ts&_msg_field=log,body`; the usual names where it names none.
    ///
    /// `_stream_fields`, which VictoriaLogs' clients send, changes nothing: every field can be asked for here. Unknown keys are ignored.
    pub fn from_hints(query: &str) -> Self {
        let mut fields = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let names: Vec<String> = value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
            match key.as_ref() {
                "_time_field" if !names.is_empty() => fields.time = names,
                "_msg_field" if !names.is_empty() => fields.message = names,
                _ => {}
            }
        }
        fields
    }
}

/// Reads one JSON line. Never fails: what is not an object is kept whole as the message, with `parse_error` set.
///
/// A time is RFC 3339 text or a Unix time in s, ms, µs or ns, told apart by its size. Without a message field the whole line is the message. Text
/// borrows from `frame` wherever it has no escapes; where the frame is not UTF-8, the record owns its text and `lossy` is set.
pub fn parse_json_line<'a>(frame: &'a [u8], context: &Context, fields: &JsonFields) -> LogRecord<'a> {
    match std::str::from_utf8(frame) {
        Ok(text) => parse_text(text, context, fields),
        Err(_) => {
            let mut record = owned(parse_text(&String::from_utf8_lossy(frame), context, fields));
            record.lossy = true;
            record
        }
    }
}

fn parse_text<'a>(text: &'a str, context: &Context, fields: &JsonFields) -> LogRecord<'a> {
    let line = text.trim_end_matches(['\n', '\r', '\0']);
    let mut record = LogRecord { dialect: DIALECT, message: Cow::Borrowed(line), ..LogRecord::default() };
    let mut flat = Vec::with_capacity(16);
    if let Err(reason) = flatten(line.strip_prefix('\u{feff}').unwrap_or(line), &mut flat) {
        record.parse_error = Some(Cow::Borrowed(reason));
        return record;
    }
    let first = |names: &[String]| names.iter().find_map(|name| flat.iter().position(|field| field.name == name.as_str()));
    let (time, message) = (first(&fields.time), first(&fields.message));
    for (at, field) in flat.into_iter().enumerate() {
        if Some(at) == message {
            record.message = field.value;
        } else if Some(at) == time {
            read_time(field, context, &mut record);
        } else if let Some(field) = take_column(field, &mut record) {
            record.attributes.push(field);
        }
    }
    record
}

fn read_time<'a>(field: Attribute<'a>, context: &Context, record: &mut LogRecord<'a>) {
    let text = field.value.trim();
    let moment = timestamp::read_unix_time(text).or_else(|| timestamp::read(text)?.0.resolve(context));
    record.timestamp_us = moment;
    // VictoriaLogs' clients send 0 for "now".
    if moment.is_none() && text != "0" {
        record.parse_error = Some(Cow::Borrowed("time field holds no time"));
        record.attributes.push(field);
    }
}

/// Puts a field into its column; gives it back where it has none, or where the column already has a value.
fn take_column<'a>(field: Attribute<'a>, record: &mut LogRecord<'a>) -> Option<Attribute<'a>> {
    let column = match field.name.as_ref() {
        "host" | "hostname" | "host.name" | "host.hostname" | "_HOSTNAME" | "_hostname" => &mut record.host,
        "service.name" | "service" | "app" | "application" | "app_name" | "appname" | "program" | "SYSLOG_IDENTIFIER" => &mut record.app,
        "pid" | "process.pid" | "procid" | "_PID" => &mut record.pid,
        "msgid" | "msg_id" | "event_name" | "event.name" => &mut record.msgid,
        "severity" | "level" | "severity_text" | "log.level" | "lvl" | "loglevel" | "PRIORITY" => {
            let Some(code) = severity_code(&field.value).filter(|_| record.severity.is_none()) else { return Some(field) };
            record.severity = Some(code);
            // What the code cannot say (fatal, trace, a logger's own numbers) stays readable.
            let spoken = crate::record::severity_name(code).is_some_and(|word| starts_with_ignoring_case(word, &field.value));
            return (!spoken && !is_single_digit(&field.value)).then_some(field);
        }
        "severity_number" => {
            record.severity = record.severity.or_else(|| field.value.parse().ok().and_then(severity_of_otel_number));
            return Some(field);
        }
        "facility" => {
            let code = field.value.parse().ok().filter(|code| *code < 24);
            record.facility = record.facility.or(code);
            return if code.is_some() { None } else { Some(field) };
        }
        _ => return Some(field),
    };
    if column.is_some() || field.value.is_empty() {
        return Some(field);
    }
    *column = Some(field.value);
    None
}

fn starts_with_ignoring_case(word: &str, start: &str) -> bool {
    word.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

fn is_single_digit(text: &str) -> bool {
    text.len() == 1 && text.as_bytes()[0].is_ascii_digit()
}

/// The syslog severity that a word or number of a logger means: syslog's words and codes, log4j's, zap's, and the numbers of bunyan and pino.
pub(super) fn severity_code(level: &str) -> Option<u8> {
    const WORDS: [(&str, u8); 20] = [
        ("info", 6),
        ("informational", 6),
        ("information", 6),
        ("warn", 4),
        ("warning", 4),
        ("error", 3),
        ("err", 3),
        ("debug", 7),
        ("notice", 5),
        ("trace", 7),
        ("verbose", 7),
        ("critical", 2),
        ("crit", 2),
        ("fatal", 2),
        ("alert", 1),
        ("emergency", 0),
        ("emerg", 0),
        ("panic", 0),
        ("severe", 3),
        ("dpanic", 2),
    ];
    let level = level.trim();
    if let Ok(number) = level.parse::<u8>() {
        return match number {
            0..=7 => Some(number),
            10 | 20 => Some(7),
            30 => Some(6),
            40 => Some(4),
            50 => Some(3),
            60 => Some(2),
            _ => None,
        };
    }
    WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(level)).map(|(_, code)| *code)
}

/// OpenTelemetry's SeverityNumber (1 to 24) as a syslog severity, by the table of its logs data model, appendix B.
fn severity_of_otel_number(number: u8) -> Option<u8> {
    Some(match number {
        1..=8 => 7,
        9 => 6,
        10..=12 => 5,
        13..=16 => 4,
        17 => 3,
        18 => 2,
        19..=20 => 1,
        21..=24 => 0,
        _ => return None,
    })
}

fn owned(record: LogRecord<'_>) -> LogRecord<'static> {
    fn own(text: Cow<'_, str>) -> Cow<'static, str> {
        Cow::Owned(text.into_owned())
    }
    let attributes = record.attributes.into_iter();
    LogRecord {
        timestamp_us: record.timestamp_us,
        facility: record.facility,
        severity: record.severity,
        host: record.host.map(own),
        app: record.app.map(own),
        pid: record.pid.map(own),
        msgid: record.msgid.map(own),
        message: own(record.message),
        attributes: attributes.map(|a| Attribute { namespace: own(a.namespace), name: own(a.name), value: own(a.value) }).collect(),
        parse_error: record.parse_error,
        dialect: record.dialect,
        lossy: record.lossy,
    }
}

/// The leaves of a JSON object, in its order, into `out`; else why it is none.
fn flatten<'a>(text: &'a str, out: &mut Vec<Attribute<'a>>) -> Result<(), &'static str> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let outcome = reader.deserialize_any(Leaves { path: "", out }).and_then(|()| reader.end());
    outcome.map_err(|error| match error.classify() {
        serde_json::error::Category::Data => "not a JSON object",
        _ => "not JSON",
    })
}

/// Visits an object and flattens what it holds under `path`.
struct Leaves<'p, 'o, 'a> {
    path: &'p str,
    out: &'o mut Vec<Attribute<'a>>,
}

impl<'a> Visitor<'a> for Leaves<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(Key(key)) = map.next_key()? {
            let name = if self.path.is_empty() { key } else { Cow::Owned([self.path, ".", &key].concat()) };
            map.next_value_seed(Leaf { name, out: self.out })?;
        }
        Ok(())
    }
}

/// A key, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'a> serde::Deserialize<'a> for Key<'a> {
    fn deserialize<D: serde::Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'a> Visitor<'a> for Text {
            type Value = Key<'a>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Key<'a>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// A value under its full name.
struct Leaf<'o, 'a> {
    name: Cow<'a, str>,
    out: &'o mut Vec<Attribute<'a>>,
}

impl<'a> Leaf<'_, 'a> {
    fn push<E>(self, value: Cow<'a, str>) -> Result<(), E> {
        self.out.push(Attribute { namespace: Cow::Borrowed(""), name: self.name, value });
        Ok(())
    }
}

impl<'a> DeserializeSeed<'a> for Leaf<'_, 'a> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Leaf<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<(), E> {
        self.push(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.push(Cow::Owned(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.push(Cow::Borrowed(if value { "true" } else { "false" }))
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.push(Cow::Owned(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.push(Cow::Owned(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.push(Cow::Owned(number.to_string()))
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'a>>(self, mut sequence: S) -> Result<(), S::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element::<Value>()? {
            items.push(item);
        }
        let text = serde_json::to_string(&items).map_err(S::Error::custom)?;
        self.push(Cow::Owned(text))
    }

    fn visit_map<M: MapAccess<'a>>(self, map: M) -> Result<(), M::Error> {
        Leaves { path: &self.name, out: self.out }.visit_map(map)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Zone;

    const CONTEXT: Context = Context { received_at_us: 1_767_225_600_000_000, zone: Zone::UTC };

    fn parse(line: &str) -> LogRecord<'_> {
        parse_json_line(line.as_bytes(), &CONTEXT, &JsonFields::default())
    }

    fn attributes(record: &LogRecord<'_>) -> Vec<(String, String)> {
        record.attributes.iter().map(|a| (a.name.to_string(), a.value.to_string())).collect()
    }

    #[test]
    fn fields_go_to_their_columns_and_the_rest_to_attributes() {
        let record = parse(
            r#"{"ts":"2026-01-02T03:04:05.5Z","level":"warn","host":{"name":"web1"},"service.name":"shop","pid":77,"msg":"slow \"query\"","http":{"status":200,"ok":true,"path":"/a"},"tags":["a",1],"none":null,"took":1.5}"#,
        );
        assert_eq!((record.timestamp_us, record.severity), (Some(1_767_323_045_500_000), Some(4)));
        assert_eq!((record.host.as_deref(), record.app.as_deref(), record.pid.as_deref()), (Some("web1"), Some("shop"), Some("77")));
        assert_eq!((&*record.message, record.dialect, &record.parse_error), ("slow \"query\"", "json", &None));
        let own = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>();
        assert_eq!(
            attributes(&record),
            own(&[("http.status", "200"), ("http.ok", "true"), ("http.path", "/a"), ("tags", "[\"a\",1]"), ("took", "1.5")])
        );
    }

    #[test]
    fn times_in_every_unit_are_one_moment() {
        for time in [
            "1767323045",
            "1767323045.0",
            "1767323045000",
            "1767323045000000",
            "1767323045000000000",
            "\"1767323045\"",
            "\"2026-01-02 03:04:05\"",
        ] {
            assert_eq!(parse(&format!(r#"{{"time":{time},"msg":"x"}}"#)).timestamp_us, Some(1_767_323_045_000_000), "{time}");
        }
        let record = parse(r#"{"time":"yesterday","msg":"x"}"#);
        assert_eq!((record.timestamp_us, record.parse_error.as_deref()), (None, Some("time field holds no time")));
        assert_eq!(parse(r#"{"_time":0,"msg":"x"}"#).parse_error, None);
    }

    #[test]
    fn hints_name_the_fields() {
        let fields = JsonFields::from_hints("_stream_fields=a,b&_time_field=at&_msg_field=first%2Clog&x=y");
        let record = parse_json_line(br#"{"at":1767323045,"msg":"other","log":"this"}"#, &CONTEXT, &fields);
        assert_eq!((record.timestamp_us, &*record.message), (Some(1_767_323_045_000_000), "this"));
        assert_eq!(attributes(&record), [("msg".to_owned(), "other".to_owned())]);
        assert_eq!(JsonFields::from_hints(""), JsonFields::default());
    }

    #[test]
    fn levels_of_many_loggers() {
        for (level, code) in [("\"ERROR\"", 3), ("\"Information\"", 6), ("3", 3), ("\"fatal\"", 2), ("50", 3), ("\"trace\"", 7)] {
            assert_eq!(parse(&format!(r#"{{"level":{level},"msg":"x"}}"#)).severity, Some(code), "{level}");
        }
        assert_eq!(attributes(&parse(r#"{"level":"fatal"}"#)), [("level".to_owned(), "fatal".to_owned())]);
        assert_eq!(attributes(&parse(r#"{"level":"err"}"#)), []);
        assert_eq!(parse(r#"{"severity_number":17}"#).severity, Some(3));
        assert_eq!(attributes(&parse(r#"{"level":"loud"}"#)), [("level".to_owned(), "loud".to_owned())]);
    }

    #[test]
    fn what_is_no_object_is_kept_whole() {
        for (line, reason) in [
            ("hello", "not JSON"),
            ("[1,2]", "not a JSON object"),
            ("3", "not a JSON object"),
            ("{\"a\":1", "not JSON"),
            ("{\"a\":1} x", "not JSON"),
            ("", "not JSON"),
        ] {
            let record = parse(line);
            assert_eq!((&*record.message, record.parse_error.as_deref()), (line, Some(reason)), "{line}");
            assert!(record.attributes.is_empty());
        }
    }

    #[test]
    fn without_a_message_field_the_line_is_the_message() {
        let line = r#"{"event":"login","user":"kim"}"#;
        assert_eq!(parse(line).message, line);
    }

    #[test]
    fn invalid_bytes_are_replaced_and_told() {
        let record = parse_json_line(b"{\"msg\":\"caf\xe9\"}", &CONTEXT, &JsonFields::default());
        assert_eq!((&*record.message, record.lossy), ("caf\u{fffd}", true));
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}1{}", "{\"a\":".repeat(500), "}".repeat(500));
        let record = parse(&deep);
        assert_eq!((record.parse_error.as_deref(), record.message.len()), (Some("not JSON"), deep.len()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken(frame in prop::collection::vec(any::<u8>(), 0..120)) {
            let record = parse_json_line(&frame, &CONTEXT, &JsonFields::default());
            prop_assert_eq!(record.dialect, "json");
        }

        #[test]
        fn text_without_escapes_is_borrowed(message in "[a-z ]{1,30}", host in "[a-z]{1,8}") {
            let line = format!(r#"{{"host":"{host}","msg":"{message}","k":"v"}}"#);
            let record = parse(&line);
            prop_assert_eq!(&*record.message, &*message);
            let borrowed = matches!((&record.message, &record.host, &record.attributes[0].value), (Cow::Borrowed(_), Some(Cow::Borrowed(_)), Cow::Borrowed(_)));
            prop_assert!(borrowed);
        }
    }
}
