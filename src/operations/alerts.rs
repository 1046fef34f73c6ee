//! What other programs report, on its way to tickets.
//!
//! An alert is filed under the sender's own key: the sender has grouped already, and says itself when it is over. It is kept as
//! a finding, so that it is counted, shown and asked for in SQL like those of our own rules.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::Row;
use tokio::sync::MutexGuard;

use super::OperationsError;
use super::alerts_at_rest::{self as at_rest, HeldAlert, Returns};
use super::maintenance::MaintenanceWindows;
use super::register::Register;
use super::setup::Setup;
use crate::alert::{Action, Alert, HEARTBEAT, WatchedHeartbeat, heartbeat_alerts};
use crate::clock::{Clock, TimestampUs};
use crate::desk::{Actor, Desk, Ended, Filed as FiledFinding, FiledAs, Round};
use crate::incident::{Maintenance, Signal};
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
    /// Alerts that a maintenance window holds back: they are kept, and open tickets at its end if they are not over by then.
    pub held: u64,
}

/// Turns that are taken to file alerts.
const TURNS: usize = 64;

/// Files alerts. Clones share the store.
#[derive(Debug, Clone)]
pub struct Alerts {
    desk: Desk,
    store: Store,
    clock: Clock,
    register: Arc<Register>,
    windows: MaintenanceWindows,
    turns: Arc<Turns>,
    /// What was set up when what is held back was last judged.
    held_by: Arc<Mutex<Option<Arc<Setup>>>>,
}

/// Who files about a problem: one at a time, so that an end is not overtaken by the beginning before it, and what is due by itself is not
/// acted on while somebody says something else of it. Two problems seldom share a turn.
#[derive(Debug)]
struct Turns([tokio::sync::Mutex<()>; TURNS]);

impl Turns {
    /// The places of these problems' turns, in order: whoever waits holds none that comes after.
    fn places(problems: &[String]) -> BTreeSet<usize> {
        let place = |problem: &String| problem.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())) % TURNS;
        problems.iter().map(place).collect()
    }

    async fn of(&self, problems: &[String]) -> Vec<MutexGuard<'_, ()>> {
        let mut taken = Vec::new();
        for place in Self::places(problems) {
            taken.push(self.0[place].lock().await);
        }
        taken
    }

    /// The same without waiting; `None` if somebody has one of them.
    fn try_of(&self, problems: &[String]) -> Option<Vec<MutexGuard<'_, ()>>> {
        Self::places(problems).into_iter().map(|place| self.0[place].try_lock().ok()).collect()
    }
}

/// What a message comes to, before it is stored.
#[derive(Debug, Default)]
struct Sorted {
    round: Round,
    held: Vec<HeldAlert>,
    returns: Vec<Returns>,
    /// So many more can be held back.
    room: usize,
}

impl Alerts {
    /// Over the desk and its store.
    pub fn new(desk: Desk, store: Store, clock: Clock, register: Arc<Register>, windows: MaintenanceWindows) -> Self {
        let turns = Arc::new(Turns(std::array::from_fn(|_| tokio::sync::Mutex::new(()))));
        Self { desk, store, clock, register, windows, turns, held_by: Arc::default() }
    }

    /// The present moment, for whoever reads alerts.
    pub fn now_us(&self) -> TimestampUs {
        self.clock.now_us()
    }

    /// Files alerts: their tickets in one transaction, all of them or none. What fails in between is filed again when the sender, who had
    /// no answer, sends it again. `integration` is what the sender is known by.
    pub async fn file(&self, alerts: &[Alert], integration: &str, actor: &Actor) -> Result<Filed, OperationsError> {
        let problems: Vec<String> = alerts.iter().map(|alert| alert.problem(integration)).collect();
        let _turns = self.turns.of(&problems).await;
        let now_us = self.clock.now_us();
        let sorted = self.sorted(alerts, &problems, integration, now_us).await?;
        let recorded = self.desk.record(&sorted.round).await?;
        let mut filed = Filed {
            opened: recorded.opened,
            joined: recorded.joined,
            resolved: recorded.resolved,
            held: recorded.held,
            ..Filed::default()
        };
        filed.joined.extend(recorded.reopened);
        for alert in alerts.iter().filter(|alert| alert.action == Action::Acknowledge) {
            if let Some(ticket) = self.desk.open_ticket_of(&alert.problem(integration)).await? {
                self.desk.acknowledge(ticket, alert.source, actor).await?;
                filed.acknowledged.push(ticket);
            }
        }
        self.expect_again(alerts, &problems, &sorted).await?;
        Ok(filed)
    }

    /// What opens or joins tickets, what is held back, and what is over.
    async fn sorted(
        &self,
        alerts: &[Alert],
        problems: &[String],
        integration: &str,
        now_us: TimestampUs,
    ) -> Result<Sorted, OperationsError> {
        let (windows, rules) = (self.windows.at(now_us).await?, self.desk.rules());
        let room = at_rest::room_to_hold(&mut *self.store.read().await?).await?;
        let triggers = alerts.iter().enumerate().filter(|(_, alert)| alert.action == Action::Trigger);
        let last_trigger: HashMap<&str, usize> = triggers.map(|(at, _)| (problems[at].as_str(), at)).collect();
        let mut sorted = Sorted { room, ..Sorted::default() };
        for (at, (alert, problem)) in alerts.iter().zip(problems).enumerate() {
            match alert.action {
                Action::Trigger => {
                    sorted.returns.push(self.returns(problem, alert.source, |it| it.trigger(now_us, &rules)).await?.0);
                    self.sort_in(finding(alert, integration, now_us), &windows, &mut sorted).await?;
                }
                // It ended and came back, all in one message: it is not over.
                Action::Resolve if last_trigger.get(problem.as_str()).is_some_and(|last| *last > at) => {}
                Action::Resolve => {
                    let (returns, counts) = self.returns(problem, alert.source, |it| it.end(now_us, &rules)).await?;
                    // Of what nobody has heard of nothing is remembered.
                    let is_heard_of = returns.is_known || last_trigger.contains_key(problem.as_str());
                    if is_heard_of || self.desk.open_ticket_of(problem).await?.is_some() || self.is_held(problem).await? {
                        sorted.returns.push(returns);
                    }
                    sorted.held.retain(|held| held.finding.fingerprint != *problem);
                    if counts {
                        let reason = format!("{} says that it is over", alert.source);
                        sorted.round.ended.push(Ended { problem: problem.clone(), reason, by_hand: false });
                    }
                }
                Action::Acknowledge => {}
            }
        }
        Ok(sorted)
    }

    /// How the alert came and went, with the news of it.
    async fn returns<T>(&self, problem: &str, source: &str, news: impl FnOnce(&mut Returns) -> T) -> Result<(Returns, T), OperationsError> {
        let mut returns = Returns::of(&mut *self.store.read().await?, problem, source).await?;
        let said = news(&mut returns);
        Ok((returns, said))
    }

    /// A finding on its way to its ticket, or into the maintenance window that holds it back. What has its ticket goes on there.
    async fn sort_in(&self, finding: Finding, windows: &[Maintenance], sorted: &mut Sorted) -> Result<(), OperationsError> {
        let now_us = finding.window_end_us;
        let Some((window, until_us)) = Maintenance::holding(windows, &signal_of(&finding), now_us) else {
            sorted.round.findings.push(FiledFinding::from(finding));
            return Ok(());
        };
        let has_ticket = self.desk.open_ticket_of(&finding.fingerprint).await?.is_some();
        if has_ticket || (sorted.held.len() >= sorted.room && !self.is_held(&finding.fingerprint).await?) {
            sorted.round.findings.push(FiledFinding::from(finding));
            return Ok(());
        }
        let (problem, outcome, reasons) = (None, FiledAs::Held, json!({ "held_by": window }));
        sorted.held.push(HeldAlert { finding: finding.clone(), window: window.to_owned(), until_us });
        sorted.round.findings.push(FiledFinding { finding, problem, outcome, because: String::new(), reasons });
        Ok(())
    }

    async fn is_held(&self, problem: &str) -> Result<bool, OperationsError> {
        at_rest::is_held(&mut *self.store.read().await?, problem).await
    }

    /// Notes when alerts count as over if they are not sent again, and what waits.
    async fn expect_again(&self, alerts: &[Alert], problems: &[String], sorted: &Sorted) -> Result<(), OperationsError> {
        let now_us = self.clock.now_us();
        let mut write = self.store.write().await?;
        let held: HashSet<&str> = sorted.held.iter().map(|held| held.finding.fingerprint.as_str()).collect();
        for returns in &sorted.returns {
            returns.save(&mut write, now_us).await?;
            if !held.contains(returns.problem.as_str()) {
                at_rest::let_go(&mut write, &returns.problem).await?;
            }
        }
        for held in &sorted.held {
            at_rest::hold(&mut write, held).await?;
        }
        for (alert, problem) in alerts.iter().zip(problems) {
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

    /// Ends the alerts that were not sent again in time, tells what maintenance windows held until now, and files heartbeats that were
    /// missed or came back.
    pub(super) async fn pass(&self) -> Result<(), OperationsError> {
        let now_us = self.clock.now_us();
        self.pass_ends(now_us).await?;
        self.pass_held(now_us).await?;
        self.pass_heartbeats(now_us).await
    }

    async fn pass_ends(&self, now_us: TimestampUs) -> Result<(), OperationsError> {
        let forget_before_us = now_us - self.desk.rules().flap_within_us;
        let (due, has_old) = self.ends(now_us, forget_before_us).await?;
        if due.is_empty() && !has_old {
            return Ok(());
        }
        // Somebody says something of one of them just now: the next pass sees what.
        let problems: Vec<String> = due.into_iter().map(|ended| ended.problem).collect();
        let Some(_turns) = self.turns.try_of(&problems) else { return Ok(()) };
        let mut round = Round { ended: self.ends(now_us, forget_before_us).await?.0, ..Round::default() };
        round.ended.retain(|ended| problems.contains(&ended.problem));
        if !round.ended.is_empty() {
            self.desk.record(&round).await?;
        }
        let mut write = self.store.write().await?;
        for ended in &round.ended {
            at_rest::let_go(&mut write, &ended.problem).await?;
            at_rest::told_over(&mut write, &ended.problem, now_us).await?;
            sqlx::query("DELETE FROM expected_alerts WHERE problem = ?1 AND expires_at_us <= ?2")
                .bind(&ended.problem)
                .bind(now_us)
                .execute(&mut *write)
                .await?;
        }
        at_rest::forget(&mut write, forget_before_us).await?;
        write.commit().await.map_err(Into::into)
    }

    /// Alerts that count as over by now, some of them, and whether there is anything to forget.
    async fn ends(&self, now_us: TimestampUs, forget_before_us: TimestampUs) -> Result<(Vec<Ended>, bool), OperationsError> {
        let mut read = self.store.read().await?;
        let sql = "SELECT problem, source FROM expected_alerts WHERE expires_at_us <= ?1 ORDER BY expires_at_us LIMIT ?2";
        let mut ended = Vec::new();
        for row in sqlx::query(sql).bind(now_us).bind(at_rest::PASS_ROWS).fetch_all(&mut *read).await? {
            let reason = format!("{} has not sent it again", row.try_get::<&str, _>(1)?);
            ended.push(Ended { problem: row.try_get(0)?, reason, by_hand: false });
        }
        for (problem, source, returns) in at_rest::over(&mut read, now_us).await? {
            let reason = format!("{source} says that it is over; it had come back {returns} times, and has been quiet since");
            ended.push(Ended { problem, reason, by_hand: false });
        }
        Ok((ended, at_rest::has_old(&mut read, forget_before_us).await?))
    }

    /// What was held back and is not over gets its ticket at the end of its window, or waits for the end of another.
    async fn pass_held(&self, now_us: TimestampUs) -> Result<(), OperationsError> {
        let holding = at_rest::holding_windows(&mut *self.store.read().await?).await?;
        if holding.is_empty() {
            return Ok(());
        }
        let windows = self.windows.at(now_us).await?;
        self.judge_held_again(&windows, &holding, now_us).await?;
        let due = at_rest::due(&mut *self.store.read().await?, now_us).await?;
        let problems: Vec<String> = due.into_iter().map(|held| held.finding.fingerprint).collect();
        let Some(_turns) = self.turns.try_of(&problems).filter(|_| !problems.is_empty()) else { return Ok(()) };
        let mut due = at_rest::due(&mut *self.store.read().await?, now_us).await?;
        due.retain(|held| problems.contains(&held.finding.fingerprint));
        let (mut again, mut told) = (Vec::new(), Round::default());
        for held in due {
            match Maintenance::holding(&windows, &signal_of(&held.finding), now_us) {
                Some((window, until_us)) => again.push(HeldAlert { window: window.to_owned(), until_us, ..held }),
                None => told.findings.push(after_maintenance(held, now_us)),
            }
        }
        // Told first: after a crash in between, it is told again, and joins its own ticket.
        self.desk.record(&told).await?;
        let mut write = self.store.write().await?;
        for filed in &told.findings {
            at_rest::let_go(&mut write, &filed.finding.fingerprint).await?;
        }
        for held in &again {
            at_rest::hold(&mut write, held).await?;
        }
        write.commit().await.map_err(Into::into)
    }

    /// What is held back is judged anew when somebody has changed what is set up, or a window of the configuration is gone.
    async fn judge_held_again(&self, windows: &[Maintenance], holding: &[String], now_us: TimestampUs) -> Result<(), OperationsError> {
        let setup = self.register.setup();
        let before = self.held_by.lock().unwrap_or_else(PoisonError::into_inner).replace(setup.clone());
        let lasts = |name: &String| windows.iter().any(|window| window.name == *name && window.times.interval_at(now_us).is_some());
        if before.is_some_and(|before| Arc::ptr_eq(&before, &setup)) && holding.iter().all(lasts) {
            return Ok(());
        }
        let mut write = self.store.write().await?;
        at_rest::judge_all_again(&mut write, now_us).await?;
        write.commit().await.map_err(Into::into)
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

/// The finding as maintenance windows see it: with every label that its sender gave it.
fn signal_of(finding: &Finding) -> Signal {
    let mut signal = Signal::of_finding(finding, 0);
    let labels = finding.result.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
    // These three were worked out of the labels, in which they may mean something else.
    for (name, value) in labels.filter(|(name, _)| !["host", "service", "app"].contains(&name.as_str())) {
        signal.entity.entry(name.clone()).or_insert_with(|| value.to_owned());
    }
    signal
}

/// What was held back and goes on, as its ticket tells it.
fn after_maintenance(held: HeldAlert, now_us: TimestampUs) -> FiledFinding {
    let HeldAlert { mut finding, window, .. } = held;
    finding.window_end_us = now_us;
    let because = format!("the maintenance window `{window}` has ended, and it goes on");
    FiledFinding { because, reasons: json!({ "held_by": window }), ..FiledFinding::from(finding) }
}

fn finding(alert: &Alert, integration: &str, now_us: TimestampUs) -> Finding {
    let labels: Map<String, Value> = alert.labels.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let link = alert.link.as_ref().map_or_else(String::new, |link| format!("\n\n<{link}>"));
    let mut result = labels.clone();
    if !integration.is_empty() {
        // Who is noisy is asked by it.
        result.insert("integration".to_owned(), json!(integration));
    }
    Finding {
        rule: alert.source.to_owned(),
        fingerprint: alert.problem(integration),
        entity: alert.entity.clone(),
        title: alert.title.clone(),
        description: format!("{}{link}", alert.details),
        severity: alert.severity,
        result,
        window_start_us: alert.started_at_us,
        window_end_us: now_us,
        holds_us: 0,
        evidence: Evidence { lines: vec![labels], ..Evidence::default() },
    }
}
