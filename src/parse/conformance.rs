//! Real syslog lines of many projects, where they are at hand: `WATCHROOM_SHARED_DATA` names the folder that holds `syslog/lines.jsonl`.
//!
//! Each line states what its source says about it; the test compares all of that and prints the share of lines, by class and vendor, of
//! which every stated field matches.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Context, parse_syslog, structured_json, timestamp};
use crate::clock::SECOND_US;
use crate::record::{LogRecord, Zone};

/// Shares of lines with every stated field right, in percent, below which the test fails: what was measured, rounded down.
const FLOORS: [(&str, f64); 3] = [("rfc3164", 98.0), ("rfc5424", 95.0), ("vendor", 94.0)];

/// Receipt of the lines that state none.
const DEFAULT_RECEIPT: &str = "2026-06-01T00:00:00Z";

fn moment(text: &str) -> i64 {
    let (stamp, _) = timestamp::read_iso(text).unwrap();
    stamp.resolve(&Context { received_at_us: 0, zone: Zone::UTC }).unwrap()
}

fn bytes_of(case: &Value) -> Vec<u8> {
    match case["raw"].as_str() {
        Some(raw) => raw.as_bytes().to_vec(),
        None => base64(case["raw_b64"].as_str().unwrap()),
    }
}

/// Standard base64; the test needs it for six lines, which is no reason for a dependency.
fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bits = 0_u32;
    let mut bytes = Vec::new();
    for (at, character) in text.trim_end_matches('=').chars().enumerate() {
        bits = bits << 6 | ALPHABET.find(character).unwrap() as u32;
        if at % 4 != 0 {
            bytes.push((bits >> (6 - 2 * (at % 4))) as u8);
        }
    }
    bytes
}

/// A stated time as µs, and the precision that it is stated to.
fn stated_moment(expect: &Value) -> Option<(i64, i64)> {
    if let Some(epoch) = expect["epoch"].as_str() {
        let digits = epoch.split_once('.').map_or(0, |(_, fraction)| fraction.len() as u32);
        return Some((timestamp::read_unix_time(epoch)?, 10_i64.pow(6 - digits.min(6))));
    }
    let stamp = &expect["timestamp"];
    let local = stamp["local"].as_str()?;
    if local.starts_with("--") || stamp["tz"].as_str().is_some_and(|zone| zone != "UTC" && zone != "GMT") {
        return None;
    }
    Some((moment(local) - stamp["utc_offset_s"].as_i64().unwrap_or(0) * SECOND_US, 1))
}

/// The fields that do not match, each with what was found.
fn differences(expect: &Value, record: &LogRecord<'_>) -> Vec<String> {
    let found = structured_json(record);
    let mut wrong = Vec::new();
    let Value::Object(fields) = expect else { return wrong };
    for (name, wanted) in fields {
        let same = match name.as_str() {
            "message" => wanted.as_str().unwrap_or("") == record.message,
            "message_contains" => record.message.contains(wanted.as_str().unwrap()),
            "structured_data_includes" => wanted.as_object().unwrap().iter().all(|(id, parameters)| {
                parameters.as_object().unwrap().iter().all(|(name, value)| found["structured_data"][id][name] == *value)
            }),
            "tag" => [&record.msgid, &record.app].iter().any(|column| column.as_deref() == wanted.as_str()),
            "timestamp" if wanted.is_null() => record.timestamp_us.is_none(),
            "timestamp" | "epoch" => match stated_moment(expect) {
                Some((us, precision)) => record.timestamp_us.is_some_and(|own| own.div_euclid(precision) == us.div_euclid(precision)),
                None => record.timestamp_us.is_some(),
            },
            "sequence" | "event_id" | "channel" => {
                let wanted = wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned);
                record.attributes.iter().any(|attribute| attribute.name == *name && attribute.value == wanted)
            }
            _ => found[name] == *wanted,
        };
        if !same {
            wrong.push(format!("{name}: wanted {wanted}, found {}", found.get(name).unwrap_or(&found["message"])));
        }
    }
    wrong
}

#[test]
fn real_lines_give_what_their_sources_say() {
    let Some(folder) = std::env::var_os("WATCHROOM_SHARED_DATA") else {
        eprintln!("skipped: WATCHROOM_SHARED_DATA names no folder with syslog/lines.jsonl");
        return;
    };
    let file = std::fs::read_to_string(Path::new(&folder).join("syslog/lines.jsonl")).unwrap();
    let mut by_group: BTreeMap<(String, String), (u32, u32)> = BTreeMap::new();
    for line in file.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (frame, mut scratch) = (bytes_of(&case), String::new());
        let context = Context { received_at_us: moment(case["received_at"].as_str().unwrap_or(DEFAULT_RECEIPT)), zone: Zone::UTC };
        let record = parse_syslog(&frame, &context, &mut scratch);
        let class = case["class"].as_str().unwrap();
        let wrong = differences(&case["expect"], &record);
        if class == "malformed" {
            // Kept: whole, or understood without a remainder.
            assert!(record.dialect != "plain" || String::from_utf8_lossy(&frame).contains(&*record.message), "{line}");
        }
        if !wrong.is_empty() {
            eprintln!("{} {class} [{}] {wrong:?}", case["id"].as_str().unwrap(), record.dialect);
        }
        let counts = by_group.entry((class.to_owned(), case["vendor"].as_str().unwrap_or("").to_owned())).or_default();
        counts.0 += u32::from(wrong.is_empty());
        counts.1 += 1;
    }
    let mut by_class: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for ((class, vendor), (right, all)) in by_group {
        eprintln!("{class:10} {vendor:30} {right:4} of {all:4}");
        let sums = by_class.entry(class).or_default();
        *sums = (sums.0 + right, sums.1 + all);
    }
    for (class, (right, all)) in &by_class {
        eprintln!("{class}: {right} of {all} lines, {:.1} %", 100.0 * f64::from(*right) / f64::from(*all));
    }
    for (class, floor) in FLOORS {
        let (right, all) = by_class[class];
        assert!(100.0 * f64::from(right) / f64::from(all) >= floor, "{class}: {right} of {all}");
    }
}
