//! What a PagerDuty event says beside its summary, as lines of text.

use serde::Deserialize;
use serde_json::Value;

use super::json_field::Field;
use super::text::{MAX_DETAILS_CHARS, lines};

/// Lines made of details, links and images at most; the text is cut far earlier.
const MAX_LINES: usize = 1_000;

/// A link or an image of an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawLink {
    href: Field,
    text: Field,
    src: Field,
    alt: Field,
}

impl RawLink {
    /// Its address: where it leads to, or the picture itself.
    pub(super) fn address(&self) -> Option<&str> {
        as_text(&self.href).or(as_text(&self.src))
    }

    fn line(&self) -> Option<String> {
        let address = self.address()?;
        Some(match as_text(&self.text).or(as_text(&self.alt)) {
            Some(label) => format!("{label}: {address}"),
            None => address.to_owned(),
        })
    }
}

fn as_text(field: &Field) -> Option<&str> {
    match field {
        Field::Text(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
        _ => None,
    }
}

/// The custom details, a line each if they are an object, then the notes, links and images.
pub(super) fn details(custom: &Value, notes: &[(&str, Option<&str>)], links: &[RawLink]) -> String {
    let mut made: Vec<String> = match custom {
        Value::Null => Vec::new(),
        Value::Object(fields) => fields.iter().take(MAX_LINES).map(|(name, value)| format!("{name}: {}", plain(value))).collect(),
        other => vec![plain(other)],
    };
    made.extend(notes.iter().filter_map(|(name, value)| value.map(|value| format!("{name}: {value}"))));
    made.extend(links.iter().take(MAX_LINES).filter_map(RawLink::line));
    lines(&made.join("\n"), MAX_DETAILS_CHARS)
}

/// Text as it is, everything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
