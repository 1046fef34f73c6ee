//! Heartbeats over a moved clock.

use proptest::prelude::*;

use super::*;
use crate::clock::{DAY_US, HOUR_US, SECOND_US};
use crate::store::FindingSeverity;

const MINUTE_US: i64 = 60 * SECOND_US;
const START: i64 = 20_000 * DAY_US;

/// What the caller keeps of a heartbeat.
#[derive(Debug, Clone)]
struct Kept {
    heartbeat: Heartbeat,
    last_beat_us: Option<i64>,
    missed: bool,
}

impl Kept {
    fn new(every: &str) -> Self {
        Self { heartbeat: Heartbeat::every(every), last_beat_us: None, missed: false }
    }

    fn watched(&self) -> WatchedHeartbeat<'_> {
        WatchedHeartbeat {
            name: "backup",
            heartbeat: &self.heartbeat,
            created_at_us: START,
            last_beat_us: self.last_beat_us,
            missed: self.missed,
        }
    }

    /// Asks, and keeps what was told.
    fn ask(&mut self, now_us: i64) -> Option<Alert> {
        let alert = heartbeat_alerts(&[self.watched()], now_us).pop();
        if let Some(alert) = &alert {
            self.missed = alert.action == Action::Trigger;
        }
        alert
    }
}

#[test]
fn one_that_was_never_seen_has_a_whole_period_and_the_grace() {
    let mut kept = Kept::new("1h");
    assert_eq!(next_heartbeat_due_us(&[kept.watched()]), Some(START + 65 * MINUTE_US));
    assert_eq!(kept.ask(START), None);
    assert_eq!(kept.ask(START + 65 * MINUTE_US - 1), None);
    let alert = kept.ask(START + 65 * MINUTE_US).unwrap();
    assert_eq!((alert.action, alert.dedup_key.as_str(), alert.severity), (Action::Trigger, "backup", FindingSeverity::High));
    assert_eq!(alert.title, "Heartbeat backup is missing");
    assert_eq!(alert.started_at_us, START + HOUR_US, "it was missed when the period was over, not when the grace was");
    assert_eq!(alert.details, "A beat was agreed every 1h, with 5m of grace. It was never seen.");
    assert_eq!(kept.ask(START + 2 * HOUR_US), None, "told once");
    assert_eq!(next_heartbeat_due_us(&[kept.watched()]), None);
}

#[test]
fn a_missed_beat_triggers_and_the_next_one_resolves() {
    let mut kept = Kept::new("1h");
    kept.heartbeat.team = Some("servers".to_owned());
    kept.heartbeat.entity.insert("host".to_owned(), "backup01".to_owned());
    kept.heartbeat.description = "Look at the backup's log.".to_owned();
    kept.last_beat_us = Some(START + HOUR_US);
    assert_eq!(kept.ask(START + 2 * HOUR_US), None);
    let missing = kept.ask(START + 3 * HOUR_US).unwrap();
    assert_eq!((missing.entity["host"].as_str(), missing.labels["team"].as_str()), ("backup01", "servers"));
    assert!(missing.details.starts_with("Look at the backup's log.\nA beat was agreed"), "{}", missing.details);
    assert!(missing.details.ends_with("It was last seen at 2024-10-04T01:00:00Z."), "{}", missing.details);
    kept.last_beat_us = Some(START + 4 * HOUR_US);
    let back = kept.ask(START + 4 * HOUR_US).unwrap();
    assert_eq!(
        (back.action, back.ended_at_us, back.title.as_str()),
        (Action::Resolve, Some(START + 4 * HOUR_US), "Heartbeat backup is back")
    );
    assert_eq!(back.problem(""), missing.problem(""));
    assert_eq!(kept.ask(START + 4 * HOUR_US), None);
}

#[test]
fn a_longer_period_forgives() {
    let mut kept = Kept::new("1h");
    assert!(kept.ask(START + 2 * HOUR_US).is_some());
    kept.heartbeat.every = "24h".to_owned();
    let back = kept.ask(START + 3 * HOUR_US).unwrap();
    assert_eq!((back.action, back.ended_at_us), (Action::Resolve, Some(START + 3 * HOUR_US)));
}

#[test]
fn documents_round_trip_refuse_the_unknown_and_name_their_faults() {
    let text = "every = \"24h\"\ngrace = \"30m\"\nseverity = \"critical\"\nteam = \"servers\"\n\n[entity]\nhost = \"backup01\"\n";
    let heartbeat: Heartbeat = toml::from_str(text).unwrap();
    assert_eq!(heartbeat.check(), []);
    assert_eq!(toml::to_string(&heartbeat).unwrap(), text);
    assert_eq!(serde_json::from_value::<Heartbeat>(serde_json::to_value(&heartbeat).unwrap()).unwrap(), heartbeat);
    let least: Heartbeat = toml::from_str("every = \"1h\"").unwrap();
    assert_eq!(least, Heartbeat::every("1h"));
    assert!(toml::from_str::<Heartbeat>("grace = \"1h\"").is_err(), "the period is needed");
    assert!(toml::from_str::<Heartbeat>("every = \"1h\"\ncron = \"* * * * *\"").is_err());
    let wrong: Heartbeat = toml::from_str("every = \"9s\"\ngrace = \"-1m\"\nteam = \" \"\n[entity]\nhost = \"\"").unwrap();
    let fields: Vec<String> = wrong.check().into_iter().map(|complaint| complaint.field).collect();
    assert_eq!(fields, ["every", "grace", "team", "entity.host"]);
}

#[test]
fn what_does_not_read_is_never_missed_and_extreme_times_are_survived() {
    for (every, grace) in [("soon", "5m"), ("1s", "5m"), ("1h", "later")] {
        let mut kept = Kept::new(every);
        kept.heartbeat.grace = grace.to_owned();
        assert_eq!(kept.ask(i64::MAX), None);
        assert_eq!(next_heartbeat_due_us(&[kept.watched()]), None);
    }
    for created in [i64::MIN, 0, i64::MAX] {
        for last in [None, Some(i64::MIN), Some(i64::MAX)] {
            for now in [i64::MIN, 0, i64::MAX] {
                let kept = Kept { last_beat_us: last, ..Kept::new("1h") };
                for missed in [false, true] {
                    let watched = WatchedHeartbeat { created_at_us: created, missed, ..kept.watched() };
                    assert!(heartbeat_alerts(&[watched], now).len() <= 1);
                }
            }
        }
    }
}

proptest! {
    /// Against the plain reading: walk minute by minute, and compare the spells in which no beat came for too long.
    #[test]
    fn triggers_and_resolves_alternate_and_say_when(beats in prop::collection::btree_set(1_i64..600, 0..12), every in 10_i64..60) {
        let mut kept = Kept::new(&format!("{every}m"));
        kept.heartbeat.grace = "2m".to_owned();
        let mut told = Vec::new();
        let mut expected = Vec::new();
        let (mut last, mut missing) = (0, false);
        for minute in 0..=700 {
            if beats.contains(&minute) {
                kept.last_beat_us = Some(START + minute * MINUTE_US);
                last = minute;
                if missing {
                    expected.push((Action::Resolve, minute));
                    missing = false;
                }
            }
            if !missing && minute - last >= every + 2 {
                expected.push((Action::Trigger, last + every));
                missing = true;
            }
            told.extend(kept.ask(START + minute * MINUTE_US).map(|alert| (alert.action, (alert.started_at_us - START) / MINUTE_US)));
        }
        prop_assert_eq!(told, expected);
    }
}
