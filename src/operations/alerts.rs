//! What other programs report, on its way to tickets.
//!
//! An alert is filed under the sender's own key: the sender has grouped already, and says itself when it is over. It is kept as
//! a finding, so that it is counted, shown and asked for in SQL like those of our own rules.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::Row;

use super::OperationsError;
use super::register::Register;
use crate::alert::{Action, Alert, HEARTBEAT, WatchedHeartbeat, heartbeat_alerts};
use crate::clock::{Clock, TimestampUs};
use crate::desk::{Actor, Desk, Ended, Filed as FiledFinding, Round};
use crate::store::{Evidence, Finding, Store};

/// What became of alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Filed {
    /// Tickets that were opened.
    pub opened: Vec<i64>,
    /// Tickets that an alert joined or reopened.
    pub joined: Vec<i64>,
    /// Tickets that were resolved because their alert is over.
    pub resolved: Vec<i64>,
    /// Tickets that the sender acknowledged.
    pub acknowledged: Vec<i64>,
}

/// Files alerts. Clones share the store.
#[derive(Debug, Clone)]
pub struct Alerts {
    desk: Desk,
    store: Store,
    clock: Clock,
    register: Arc<Register>,
}

impl Alerts {
    /// Over the desk and its store.
    pub fn new(desk: Desk, store: Store, clock: Clock, register: Arc<Register>) -> Self {
        Self { desk, store, clock, register }
    }

    /// The present moment, for whoever reads alerts.
    pub fn now_us(&self) -> TimestampUs {
        self.clock.now_us()
    }

    /// Files alerts in one transaction: all of them or none. `integration` is what the sender is known by.
    pub async fn file(&self, alerts: &[Alert], integration: &str, actor: &Actor) -> Result<Filed, OperationsError> {
        let now_us = self.clock.now_us();
        let mut round = Round::default();
        let problems: Vec<String> = alerts.iter().map(|alert| alert.problem(integration)).collect();
        let triggers = alerts.iter().enumerate().filter(|(_, alert)| alert.action == Action::Trigger);
        let last_trigger: HashMap<&str, usize> = triggers.map(|(at, _)| (problems[at].as_str(), at)).collect();
        for (at, (alert, problem)) in alerts.iter().zip(&problems).enumerate() {
            match alert.action {
                Action::Trigger => round.findings.push(FiledFinding::from(finding(alert, integration, now_us))),
                // It ended and came back, all in one message: it is not over.
                Action::Resolve if last_trigger.get(problem.as_str()).is_some_and(|last| *last > at) => {}
                Action::Resolve => {
                    let reason = format!("{} says that it is over", alert.source);
                    round.ended.push(Ended { problem: problem.clone(), reason, by_hand: false });
                }
                Action::Acknowledge => {}
            }
        }
        let recorded = self.desk.record(&round).await?;
        let mut filed = Filed { opened: recorded.opened, joined: recorded.joined, resolved: recorded.resolved, ..Filed::default() };
        filed.joined.extend(recorded.reopened);
        for alert in alerts.iter().filter(|alert| alert.action == Action::Acknowledge) {
            if let Some(ticket) = self.desk.open_ticket_of(&alert.problem(integration)).await? {
                self.desk.acknowledge(ticket, alert.source, actor).await?;
                filed.acknowledged.push(ticket);
            }
        }
        self.expect_again(alerts, integration).await?;
        Ok(filed)
    }

    /// Notes when alerts count as over if they are not sent again.
    async fn expect_again(&self, alerts: &[Alert], integration: &str) -> Result<(), OperationsError> {
        let mut write = self.store.write().await?;
        for alert in alerts {
            let problem = alert.problem(integration);
            match (alert.action, alert.expires_at_us) {
                (Action::Trigger, Some(expires_at_us)) => {
                    sqlx::query(
                        "INSERT INTO expected_alerts (problem, source, expires_at_us) VALUES (?1, ?2, ?3)
                         ON CONFLICT (problem) DO UPDATE SET expires_at_us = excluded.expires_at_us",
                    )
                    .bind(problem)
                    .bind(alert.source)
                    .bind(expires_at_us)
                    .execute(&mut *write)
                    .await?;
                }
                (Action::Acknowledge, _) => {}
                _ => {
                    sqlx::query("DELETE FROM expected_alerts WHERE problem = ?1").bind(problem).execute(&mut *write).await?;
                }
            }
        }
        write.commit().await.map_err(Into::into)
    }

    /// Ends the alerts that were not sent again in time, and files heartbeats that were missed or came back.
    pub(super) async fn pass(&self) -> Result<(), OperationsError> {
        let now_us = self.clock.now_us();
        let mut read = self.store.read().await?;
        let rows = sqlx::query("SELECT problem, source FROM expected_alerts WHERE expires_at_us <= ?1 LIMIT 1000")
            .bind(now_us)
            .fetch_all(&mut *read)
            .await?;
        let mut round = Round::default();
        for row in &rows {
            let reason = format!("{} has not sent it again", row.try_get::<&str, _>(1)?);
            round.ended.push(Ended { problem: row.try_get(0)?, reason, by_hand: false });
        }
        drop(read);
        if !rows.is_empty() {
            self.desk.record(&round).await?;
            let mut write = self.store.write().await?;
            for ended in &round.ended {
                sqlx::query("DELETE FROM expected_alerts WHERE problem = ?1 AND expires_at_us <= ?2")
                    .bind(&ended.problem)
                    .bind(now_us)
                    .execute(&mut *write)
                    .await?;
            }
            write.commit().await?;
        }
        self.pass_heartbeats(now_us).await
    }

    /// A program says that it still runs.
    ///
    /// # Errors
    /// [`crate::desk::DeskError::Invalid`] for a heartbeat that nobody has set up.
    pub async fn beat(&self, name: &str) -> Result<(), OperationsError> {
        if !self.register.setup().heartbeats.contains_key(name) {
            let why = format!("there is no heartbeat `{name}`; set it up with PUT /api/v1/setup/heartbeat/{name}");
            return Err(crate::desk::DeskError::Invalid { field: "name", why }.into());
        }
        let now_us = self.clock.now_us();
        let mut write = self.store.write().await?;
        sqlx::query(
            "INSERT INTO heartbeats (name, created_at_us, last_beat_us) VALUES (?1, ?2, ?2)
             ON CONFLICT (name) DO UPDATE SET last_beat_us = excluded.last_beat_us",
        )
        .bind(name)
        .bind(now_us)
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        self.pass_heartbeats(now_us).await
    }

    async fn pass_heartbeats(&self, now_us: TimestampUs) -> Result<(), OperationsError> {
        let setup = self.register.setup();
        if setup.heartbeats.is_empty() {
            return Ok(());
        }
        let known = self.known_heartbeats(setup.heartbeats.keys(), now_us).await?;
        let watched: Vec<WatchedHeartbeat<'_>> = setup
            .heartbeats
            .iter()
            .filter_map(|(name, heartbeat)| {
                let (created_at_us, last_beat_us, missed) = *known.get(name)?;
                Some(WatchedHeartbeat { name, heartbeat, created_at_us, last_beat_us, missed })
            })
            .collect();
        let alerts = heartbeat_alerts(&watched, now_us);
        if alerts.is_empty() {
            return Ok(());
        }
        // Filed first: after a crash in between, the alert is filed again, and joins its own ticket.
        self.file(&alerts, HEARTBEAT, &Actor::desk()).await?;
        let mut write = self.store.write().await?;
        for alert in &alerts {
            sqlx::query("UPDATE heartbeats SET missed = ?2 WHERE name = ?1")
                .bind(&alert.dedup_key)
                .bind(alert.action == Action::Trigger)
                .execute(&mut *write)
                .await?;
        }
        write.commit().await.map_err(Into::into)
    }

    /// Of each heartbeat: since when it is watched, its last beat, whether it is missed.
    async fn known_heartbeats(
        &self,
        names: impl Iterator<Item = &String>,
        now_us: TimestampUs,
    ) -> Result<BTreeMap<String, (TimestampUs, Option<TimestampUs>, bool)>, OperationsError> {
        let mut read = self.store.read().await?;
        let rows = sqlx::query("SELECT name, created_at_us, last_beat_us, missed FROM heartbeats").fetch_all(&mut *read).await?;
        drop(read);
        let mut known = BTreeMap::new();
        for row in rows {
            known.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?));
        }
        let new: Vec<&String> = names.filter(|name| !known.contains_key(*name)).collect();
        if !new.is_empty() {
            let mut write = self.store.write().await?;
            for name in new {
                sqlx::query("INSERT INTO heartbeats (name, created_at_us) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
                    .bind(name)
                    .bind(now_us)
                    .execute(&mut *write)
                    .await?;
                known.insert(name.clone(), (now_us, None, false));
            }
            write.commit().await?;
        }
        Ok(known)
    }
}

fn finding(alert: &Alert, integration: &str, now_us: TimestampUs) -> Finding {
    let labels: Map<String, Value> = alert.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let link = alert.link.as_ref().map_or_else(String::new, |link| format!("\n\n<{link}>"));
    Finding {
        rule: alert.source.to_owned(),
        fingerprint: alert.problem(integration),
        entity: alert.entity.clone(),
        title: alert.title.clone(),
        description: format!("{}{link}", alert.details),
        severity: alert.severity,
        result: labels.clone(),
        window_start_us: alert.started_at_us,
        window_end_us: now_us,
        holds_us: 0,
        evidence: Evidence { lines: vec![labels], ..Evidence::default() },
    }
}
