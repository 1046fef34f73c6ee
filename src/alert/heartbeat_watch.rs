//! Which heartbeats were missed, and which came back.

use std::collections::BTreeMap;

use super::label_set::fit;
use super::received::HEARTBEAT;
use super::text::{MAX_DETAILS_CHARS, MAX_TITLE_CHARS, line, lines};
use super::{Action, Alert, Heartbeat};
use crate::clock::TimestampUs;

/// A heartbeat and how it stands.
#[derive(Debug, Clone, Copy)]
pub struct WatchedHeartbeat<'a> {
    /// Its name, which is also the key of its alerts.
    pub name: &'a str,
    /// What was agreed.
    pub heartbeat: &'a Heartbeat,
    /// When it was set up. One that was never seen has a whole period from then on.
    pub created_at_us: TimestampUs,
    /// When it was last seen.
    pub last_beat_us: Option<TimestampUs>,
    /// Whether it was told as missed and not yet as back.
    pub missed: bool,
}

/// The alerts that are to be told now: a trigger for each heartbeat that is overdue and was not told, a resolve for each that
/// was told and is back. The caller stores `missed` with what it tells; asked again with that, nothing is told twice.
///
/// A heartbeat is overdue from the moment that period and grace are over since its last beat, or since it was set up. It began
/// to be missed when the period was over; it ended with the beat that came back, or now if only its document was changed. One
/// whose durations do not read is never missed.
pub fn heartbeat_alerts(watched: &[WatchedHeartbeat<'_>], now_us: TimestampUs) -> Vec<Alert> {
    watched.iter().filter_map(|one| one.alert(now_us)).collect()
}

/// When the next of them will be overdue, if no beat comes; `None` if none can be. May lie in the past: then ask now.
pub fn next_heartbeat_due_us(watched: &[WatchedHeartbeat<'_>]) -> Option<TimestampUs> {
    watched.iter().filter(|one| !one.missed).filter_map(|one| Some(one.deadlines_us()?.1)).min()
}

impl WatchedHeartbeat<'_> {
    /// When the next beat was agreed, and when the grace is over too.
    fn deadlines_us(&self) -> Option<(TimestampUs, TimestampUs)> {
        let (period_us, grace_us) = self.heartbeat.times_us()?;
        // A beat from before it was set up was another's of the same name.
        let since_us = self.last_beat_us.unwrap_or(self.created_at_us).max(self.created_at_us);
        let due_us = since_us.saturating_add(period_us);
        Some((due_us, due_us.saturating_add(grace_us)))
    }

    fn alert(&self, now_us: TimestampUs) -> Option<Alert> {
        let deadlines_us = self.deadlines_us();
        let overdue = deadlines_us.is_some_and(|(_, late_us)| now_us >= late_us);
        let due_us = deadlines_us.map_or(now_us, |(due_us, _)| due_us);
        match (overdue, self.missed) {
            (true, false) => Some(self.told(Action::Trigger, due_us, None)),
            (false, true) => {
                let back_us = self.last_beat_us.unwrap_or(now_us).min(now_us);
                Some(self.told(Action::Resolve, back_us, Some(back_us)))
            }
            _ => None,
        }
    }

    fn told(&self, action: Action, started_at_us: TimestampUs, ended_at_us: Option<TimestampUs>) -> Alert {
        let heartbeat = self.heartbeat;
        let seen = match self.last_beat_us.and_then(|at_us| jiff::Timestamp::from_microsecond(at_us).ok()) {
            Some(at) => format!("It was last seen at {at:.0}."),
            None => "It was never seen.".to_owned(),
        };
        let agreed = format!("A beat was agreed every {}, with {} of grace. {seen}", heartbeat.every, heartbeat.grace);
        let details = if heartbeat.description.is_empty() { agreed } else { format!("{}\n{agreed}", heartbeat.description) };
        let title = match action {
            Action::Resolve => format!("Heartbeat {} is back", self.name),
            _ => format!("Heartbeat {} is missing", self.name),
        };
        let mut labels = BTreeMap::from([("heartbeat".to_owned(), self.name.to_owned())]);
        labels.extend(heartbeat.team.clone().map(|team| ("team".to_owned(), team)));
        Alert {
            source: HEARTBEAT,
            dedup_key: self.name.to_owned(),
            action,
            title: line(&title, MAX_TITLE_CHARS),
            severity: heartbeat.severity,
            entity: fit(&heartbeat.entity),
            labels: fit(&labels),
            details: lines(&details, MAX_DETAILS_CHARS),
            link: None,
            started_at_us,
            ended_at_us,
            expires_at_us: None,
        }
    }
}
