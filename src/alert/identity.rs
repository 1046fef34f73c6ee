//! Which alert it is, from its labels.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

/// The offset basis and the prime of 64-bit FNV-1a (Fowler, Noll, Vo).
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// The fingerprint that Prometheus and Alertmanager give to these labels, 16 hexadecimal digits in their messages: FNV-1a over
/// names and values in the order of the names, each followed by the byte 255, which stands in no UTF-8.
pub fn label_fingerprint(labels: &BTreeMap<String, String>) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
    let put = |hash: u64, text: &String| step(text.bytes().fold(hash, step), 255);
    labels.iter().fold(FNV_BASIS, |hash, (name, value)| put(put(hash, name), value))
}

/// The key of an alert: 32 hexadecimal digits, the first half of a SHA-256 over its labels in the order of their names, each
/// text with its length before it.
///
/// The sender's fingerprint goes in only if it is not the one that follows from the labels: Grafana's covers labels that it
/// does not send, and two such alerts must stay two. So an alert has the same key whether Prometheus sends it or an
/// Alertmanager in between. Prometheus' own 64 bits will not do: whoever can choose a label's value can make two of them equal.
pub fn label_key(labels: &BTreeMap<String, String>, fingerprint: Option<&str>) -> String {
    let mut hasher = Sha256::new();
    let mut put = |text: &str| {
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for (name, value) in labels {
        put(name);
        put(value);
    }
    let own = format!("{:016x}", label_fingerprint(labels));
    if let Some(other) = fingerprint.filter(|given| !given.is_empty() && *given != own) {
        put(other);
    }
    hex_of_half(&hasher.finalize())
}

/// The first 16 bytes as hexadecimal digits.
pub(super) fn hex_of_half(digest: &[u8]) -> String {
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    /// Labels and fingerprint that an Alertmanager sent.
    fn sent() -> (BTreeMap<String, String>, &'static str) {
        let labels = labels(&[
            ("alert_name", "Check_LowDiskSpace"),
            ("alert_source", "AM"),
            ("alertname", "Check_LowDiskSpace"),
            ("device", "overlay"),
            ("fstype", "overlay"),
            ("instance", "node-exporter-ubuntu:9100"),
            ("job", "node-exporter"),
            ("monitor", "AM-Body-Check"),
            ("mountpoint", "/"),
            ("severity", "info"),
        ]);
        (labels, "cfa231e7b7342048")
    }

    #[test]
    fn the_fingerprint_is_alertmanagers() {
        let (labels, fingerprint) = sent();
        assert_eq!(format!("{:016x}", label_fingerprint(&labels)), fingerprint);
        assert_eq!(label_fingerprint(&BTreeMap::new()), FNV_BASIS);
    }

    #[test]
    fn the_key_is_one_with_and_without_the_usual_fingerprint() {
        let (labels, fingerprint) = sent();
        let key = label_key(&labels, None);
        assert_eq!(key, "f2e48b9e58ccb1bd24bd14c52a2c8687");
        assert_eq!(label_key(&labels, Some(fingerprint)), key);
        assert_eq!(label_key(&labels, Some("")), key);
        assert_ne!(label_key(&labels, Some("0123456789abcdef")), key);
    }

    #[test]
    fn borders_between_texts_count() {
        assert_ne!(label_key(&labels(&[("a", "bc")]), None), label_key(&labels(&[("ab", "c")]), None));
        assert_ne!(label_key(&labels(&[("a", "b"), ("c", "d")]), None), label_key(&labels(&[("a", "bcd")]), None));
    }
}
