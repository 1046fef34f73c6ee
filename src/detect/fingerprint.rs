//! The identity of a problem.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// The identity of what `rule` finds wrong with `entity`: 32 hexadecimal digits, the first half of a SHA-256.
///
/// Each text goes in with its length before it, so no two entities write the same bytes; the columns go in by name, so
/// the order of the rule's header does not matter. Stored with every ticket: this may never change.
pub fn fingerprint(rule: &str, entity: &BTreeMap<String, String>) -> String {
    let mut hasher = Sha256::new();
    let mut put = |text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    put(rule);
    for (column, value) in entity {
        put(column);
        put(value);
    }
    hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rule: &str, pairs: &[(&str, &str)]) -> String {
        fingerprint(rule, &pairs.iter().map(|(column, value)| (column.to_string(), value.to_string())).collect())
    }

    #[test]
    fn the_fingerprint_is_stable_across_releases() {
        assert_eq!(of("error_burst", &[("host", "web01"), ("app", "nginx")]), "23ed144aadcad47aaa5f19a32b8c88dc");
        assert_eq!(of("error_burst", &[("app", "nginx"), ("host", "web01")]), of("error_burst", &[("host", "web01"), ("app", "nginx")]));
    }

    #[test]
    fn borders_between_texts_count() {
        assert_ne!(of("r", &[("a", "bc")]), of("r", &[("ab", "c")]));
        assert_ne!(of("r", &[("a", "x"), ("b", "")]), of("r", &[("a", ""), ("b", "x")]));
        assert_ne!(of("r", &[]), of("s", &[]));
    }
}
