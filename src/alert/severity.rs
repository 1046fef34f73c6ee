//! How bad an alert is, from the word that its sender uses.

use std::collections::BTreeMap;

use crate::store::FindingSeverity;

/// Labels that say how bad it is, the first that is there counts.
const LABELS: [&str; 3] = ["severity", "priority", "level"];

/// What the word says; letter case does not count, and a word that is not known is `medium`: worth a look, and nobody is woken.
///
/// | words | severity |
/// |---|---|
/// | `critical` `crit` `page` `fatal` `emergency` `emerg` `panic` `disaster` `p1` `sev1` `s1` | critical |
/// | `high` `error` `err` `major` `alert` `p2` `sev2` `s2` | high |
/// | `medium` `warning` `warn` `moderate` `average` `ticket` `p3` `sev3` `s3` | medium |
/// | `low` `minor` `notice` `p4` `sev4` `s4` | low |
/// | `info` `informational` `information` `none` `debug` `ok` `p5` `sev5` `s5` | info |
///
/// `page` and `ticket` are the two of Site Reliability Engineering, chapter 6; `average` and `disaster` are Zabbix's; `alert`
/// is kept below `emergency` as in RFC 5424; `none` is what the Watchdog alert of the Kubernetes rules says.
pub fn severity_of(word: &str) -> FindingSeverity {
    match word.trim().to_ascii_lowercase().as_str() {
        "critical" | "crit" | "page" | "fatal" | "emergency" | "emerg" | "panic" | "disaster" | "p1" | "sev1" | "s1" => {
            FindingSeverity::Critical
        }
        "high" | "error" | "err" | "major" | "alert" | "p2" | "sev2" | "s2" => FindingSeverity::High,
        "low" | "minor" | "notice" | "p4" | "sev4" | "s4" => FindingSeverity::Low,
        "info" | "informational" | "information" | "none" | "debug" | "ok" | "p5" | "sev5" | "s5" => FindingSeverity::Info,
        _ => FindingSeverity::Medium,
    }
}

/// What the labels `severity`, `priority` or `level` say; `medium` without them.
pub(super) fn severity_of_labels(labels: &BTreeMap<String, String>) -> FindingSeverity {
    LABELS.iter().find_map(|label| labels.get(*label)).map_or(FindingSeverity::Medium, |word| severity_of(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_table() {
        for (word, severity) in [
            ("critical", FindingSeverity::Critical),
            (" PAGE ", FindingSeverity::Critical),
            ("Error", FindingSeverity::High),
            ("warning", FindingSeverity::Medium),
            ("ticket", FindingSeverity::Medium),
            ("minor", FindingSeverity::Low),
            ("none", FindingSeverity::Info),
            ("", FindingSeverity::Medium),
            ("très grave", FindingSeverity::Medium),
        ] {
            assert_eq!(severity_of(word), severity, "{word}");
        }
        for severity in FindingSeverity::ALL {
            assert_eq!(severity_of(severity.word()), severity, "our own words mean what they say");
        }
    }

    #[test]
    fn severity_comes_before_priority() {
        let labels = [("priority", "p1"), ("severity", "info")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(severity_of_labels(&labels.into()), FindingSeverity::Info);
        assert_eq!(severity_of_labels(&BTreeMap::new()), FindingSeverity::Medium);
    }
}
