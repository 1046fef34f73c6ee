//! An alert as Watchroom sees it, whoever sent it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::identity::hex_of_half;
use crate::clock::TimestampUs;
use crate::document::Complaint;
use crate::store::FindingSeverity;

/// Source of what Alertmanager, Grafana and Prometheus send.
pub const ALERTMANAGER: &str = "alertmanager";
/// Source of what comes by PagerDuty's Events API.
pub const PAGERDUTY: &str = "pagerduty";
/// Source of missed heartbeats.
pub const HEARTBEAT: &str = "heartbeat";

/// Longest body of Alertmanager's two ways. An alert is about a kilobyte, and a group of some thousands must pass.
pub const MAX_BODY_BYTES: usize = 4 << 20;

/// Alerts of one message that are read; the rest is refused, with the number. Prometheus sends some hundred, Alertmanager as
/// many as a group has unless `max_alerts` is set.
pub const MAX_ALERTS: usize = 4_096;

/// What an alert asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It goes on: open a ticket or join the one that is open. Senders say it again and again.
    Trigger,
    /// Somebody has seen it.
    Acknowledge,
    /// It is over.
    Resolve,
}

/// An alert from outside.
///
/// The acknowledging and resolving events of PagerDuty name no more than the key: everything else is empty, the severity
/// [`FindingSeverity::Medium`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The kind of sender: [`ALERTMANAGER`], [`PAGERDUTY`] or [`HEARTBEAT`].
    pub source: &'static str,
    /// Which alert of that sender it is: 32 hexadecimal digits (Alertmanager), the sender's own key of at most 255 characters
    /// (PagerDuty), the heartbeat's name.
    pub dedup_key: String,
    /// What it asks for.
    pub action: Action,
    /// One line, at most 300 characters.
    pub title: String,
    /// How bad it is, by [`super::severity_of`].
    pub severity: FindingSeverity,
    /// What it is about, by [`super::entity_of`]; values of at most 256 characters.
    pub entity: BTreeMap<String, String>,
    /// Everything it was labelled with: at most 128 names of 128 characters, with values of 1,024.
    pub labels: BTreeMap<String, String>,
    /// More about it, as lines of plain text; at most 16,000 characters. Not written by us: escape it.
    pub details: String,
    /// Where to look, `http` or `https`, at most 2,000 characters.
    pub link: Option<String>,
    /// When it began; the moment of receipt if the sender did not say.
    pub started_at_us: TimestampUs,
    /// When it was over; only with [`Action::Resolve`].
    pub ended_at_us: Option<TimestampUs>,
    /// When it counts as over if it is not sent again before; `None`: only when the sender says so.
    pub expires_at_us: Option<TimestampUs>,
}

impl Alert {
    /// The fingerprint of the problem: 32 hexadecimal digits, the first half of a SHA-256 over source, integration and key,
    /// each with its length before it. `integration` is what the caller knows the sender by: keys of PagerDuty's senders are
    /// only their own, so two senders that both say `disk` are two problems. Stored with tickets: this may never change.
    pub fn problem(&self, integration: &str) -> String {
        let mut hasher = Sha256::new();
        for text in [self.source, integration, &self.dedup_key] {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hex_of_half(&hasher.finalize())
    }
}

/// What a message held.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Received {
    /// The alerts that read, in the order in which they were sent.
    pub alerts: Vec<Alert>,
    /// What was wrong with the others. Not empty: answer with 400 and these after the alerts above were taken.
    pub refused: Vec<Complaint>,
    /// Alerts that the sender left out of the message (`truncatedAlerts`). Something happened there that nobody is told of.
    pub left_out_by_sender: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(source: &'static str, key: &str) -> Alert {
        Alert {
            source,
            dedup_key: key.to_owned(),
            action: Action::Resolve,
            title: String::new(),
            severity: FindingSeverity::Medium,
            entity: BTreeMap::new(),
            labels: BTreeMap::new(),
            details: String::new(),
            link: None,
            started_at_us: 0,
            ended_at_us: None,
            expires_at_us: None,
        }
    }

    #[test]
    fn the_problem_is_stable_and_its_parts_have_borders() {
        assert_eq!(alert(PAGERDUTY, "disk").problem("billing"), "d2304b1562b29abbfbdba84672e4e03d");
        assert_ne!(alert(PAGERDUTY, "disk").problem("a"), alert(PAGERDUTY, "disk").problem("b"));
        assert_ne!(alert(PAGERDUTY, "bc").problem("a"), alert(PAGERDUTY, "c").problem("ab"));
        assert_ne!(alert(PAGERDUTY, "a").problem(""), alert(ALERTMANAGER, "a").problem(""));
    }
}
