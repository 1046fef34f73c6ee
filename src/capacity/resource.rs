//! A resource: a question and what tells its rows apart.

use std::collections::BTreeSet;
use std::fmt::Write;

use sha2::{Digest, Sha256};

/// What a row of a question is about: names and values of its entity columns, in the order of the header.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceKey {
    /// The question.
    pub question: String,
    /// Column and value.
    pub entity: Vec<(String, String)>,
}

impl ResourceKey {
    /// Sixteen hexadecimal digits that are the same on every machine and after every upgrade: the first half of a quarter of
    /// SHA-256 over question, columns and values. A hundred thousand resources meet once in four thousand million installations.
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        part(&self.question);
        for (column, value) in &self.entity {
            part(column);
            part(value);
        }
        hash.finalize().iter().take(8).fold(String::with_capacity(16), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        })
    }

    /// In a line, for people and for patterns: the values with blanks between them.
    pub fn name(&self) -> String {
        let values: Vec<&str> = self.entity.iter().map(|(_, value)| value.as_str()).filter(|value| !value.is_empty()).collect();
        values.join(" ")
    }

    /// What metrics call it and whatever it is part of, each once.
    pub fn names(&self) -> BTreeSet<&str> {
        self.entity.iter().map(|(_, value)| value.as_str()).filter(|value| !value.is_empty()).collect()
    }

    /// The same without its host: what tells it from others of the same host.
    pub fn own_names(&self) -> BTreeSet<&str> {
        self.entity.iter().filter(|(column, value)| column != "host" && !value.is_empty()).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of an entity column.
    pub fn value(&self, column: &str) -> Option<&str> {
        self.entity.iter().find(|(name, _)| name == column).map(|(_, value)| value.as_str())
    }
}

/// Whether a pattern fits a text as a whole; `*` stands for anything, also nothing.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| text.strip_prefix(start)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_what_it_is() {
        let key = |question: &str, entity: &[(&str, &str)]| ResourceKey {
            question: question.into(),
            entity: entity.iter().map(|(column, value)| ((*column).into(), (*value).into())).collect(),
        };
        let data = key("filesystem_space", &[("host", "db01"), ("mountpoint", "/data")]);
        assert_eq!((data.id().len(), data.name().as_str(), data.value("host")), (16, "db01 /data", Some("db01")));
        assert_eq!(data.id(), "2b0b605dbd5f3fa5");
        assert_ne!(data.id(), key("filesystem_space", &[("host", "db01/"), ("mountpoint", "data")]).id());
    }

    #[test]
    fn patterns_fit_whole_texts() {
        for (pattern, text, fit) in [
            ("*", "", true),
            ("db*", "db01 /data", true),
            ("db01", "db01 /data", false),
            ("*/data", "db01 /data", true),
            ("db*/d*a", "db01 /data", true),
            ("db*x*", "db01 /data", false),
            ("", "db01", false),
            ("", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
    }
}
