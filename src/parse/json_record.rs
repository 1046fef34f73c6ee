//! One record as the JSON object that `watchroom parse` prints.

use serde_json::{Map, Value};

use super::timestamp::civil_from_days;
use crate::clock::{DAY_US, SECOND_US, TimestampUs};
use crate::record::{Attribute, LogRecord};

/// The record as an object with the keys `facility severity timestamp host app pid msgid structured_data message parse_error dialect`, in this
/// order, and `attributes` behind them where there are attributes that are not structured data.
///
/// Absent is null; `message` is null where an RFC 5424 line ends before it. `timestamp` is RFC 3339 in UTC with as many fractional digits as it
/// needs. `structured_data` is `{"<SD-ID>": {"<name>": "<value>"}}`, empty where there is none; a name given more than once has a list of values.
pub fn structured_json(record: &LogRecord<'_>) -> Value {
    let text = |column: Option<&str>| column.map_or(Value::Null, Value::from);
    let mut structured = Map::new();
    let mut plain = Map::new();
    for Attribute { namespace, name, value } in &record.attributes {
        if namespace.is_empty() {
            add(&mut plain, name, value);
        } else if let Value::Object(element) = structured.entry(namespace.as_ref()).or_insert_with(|| Value::Object(Map::new()))
            && !name.is_empty()
        {
            add(element, name, value);
        }
    }
    let mut object = Map::new();
    object.insert("facility".into(), record.facility.into());
    object.insert("severity".into(), record.severity.into());
    object.insert("timestamp".into(), record.timestamp_us.map(rfc3339).into());
    object.insert("host".into(), text(record.host.as_deref()));
    object.insert("app".into(), text(record.app.as_deref()));
    object.insert("pid".into(), text(record.pid.as_deref()));
    object.insert("msgid".into(), text(record.msgid.as_deref()));
    object.insert("structured_data".into(), Value::Object(structured));
    let no_message = record.message.is_empty() && record.dialect == "rfc5424";
    object.insert("message".into(), if no_message { Value::Null } else { Value::from(record.message.as_ref()) });
    object.insert("parse_error".into(), text(record.parse_error.as_deref()));
    object.insert("dialect".into(), Value::from(record.dialect));
    if !plain.is_empty() {
        object.insert("attributes".into(), Value::Object(plain));
    }
    Value::Object(object)
}

fn add(object: &mut Map<String, Value>, name: &str, value: &str) {
    match object.get_mut(name) {
        None => {
            object.insert(name.to_owned(), Value::from(value));
        }
        Some(Value::Array(values)) => values.push(Value::from(value)),
        Some(single) => *single = Value::Array(vec![single.take(), Value::from(value)]),
    }
}

/// RFC 3339 in UTC with the fractional digits that are not zero.
fn rfc3339(us: TimestampUs) -> String {
    let (year, month, day) = civil_from_days(us.div_euclid(DAY_US));
    let within = us.rem_euclid(DAY_US);
    let second = within / SECOND_US;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    let fraction = within % SECOND_US;
    if fraction != 0 {
        text.push('.');
        text.push_str(format!("{fraction:06}").trim_end_matches('0'));
    }
    text.push('Z');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Context, parse_syslog};
    use crate::record::Zone;

    fn printed(line: &str) -> String {
        let context = Context { received_at_us: 1_767_225_600_000_000, zone: Zone::UTC };
        let mut scratch = String::new();
        structured_json(&parse_syslog(line.as_bytes(), &context, &mut scratch)).to_string()
    }

    #[test]
    fn keys_stand_in_their_order() {
        assert_eq!(
            printed("<165>1 2026-01-02T03:04:05.250Z db1 pg 8 LOG [a@1 x=\"1\" x=\"2\"][b] it said \"no\""),
            r#"{"facility":20,"severity":5,"timestamp":"2026-01-02T03:04:05.25Z","host":"db1","app":"pg","pid":"8","msgid":"LOG","#
                .to_owned()
                + r#""structured_data":{"a@1":{"x":["1","2"]},"b":{}},"message":"it said \"no\"","parse_error":null,"dialect":"rfc5424"}"#
        );
    }

    #[test]
    fn further_attributes_have_a_key_of_their_own() {
        let text = printed("<189>7: Jan  2 03:04:05: %SYS-5-CONFIG_I: x");
        assert!(text.ends_with(r#""dialect":"cisco_ios","attributes":{"sequence":"7"}}"#), "{text}");
    }

    #[test]
    fn absent_is_null() {
        let text = printed("hello");
        assert!(text.starts_with(r#"{"facility":null,"severity":null,"timestamp":null,"host":null,"app":null,"pid":null,"msgid":null,"structured_data":{},"message":"hello""#));
        assert!(printed("<14>1 - - - - - -").contains(r#""message":null"#));
    }

    #[test]
    fn moments_before_1970_are_printed_too() {
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
    }
}
