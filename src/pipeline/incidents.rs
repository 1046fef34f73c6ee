//! Findings on their way to the desk: grouped into incidents, ended when they have stopped, corrected by people.
//!
//! The grouping's state is stored in the transaction that records the findings it was made from; after a crash both are
//! as they were before the round, and the round is judged again.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::RuleBook;
use crate::clock::{Clock, SECOND_US, TimestampUs, rfc3339};
use crate::desk::{Actor, Asked, Desk, DeskError, DeskRules, Ended, Filed, FiledAs, Recorded, Round, RuleRun, Ticket};
use crate::detect::Rule;
use crate::incident::{
    ChangeEvent, ChangeKind, CorrectionError, Ending, Feedback, Grouper, Held, IncidentId, Maintenance, Outcome, Passing, Placement,
    Settings, Signal, ThresholdFactor, Topology, Verdict,
};
use crate::sql_file::Files;
use crate::store::{Finding, StoreError};

/// Under these names the states are kept.
const GROUPING: &str = "grouping";
const FEEDBACK: &str = "feedback";

/// Incidents end by the clock of their findings, looked at this often.
const STEP_US: i64 = 60 * SECOND_US;

/// What is known of the site.
pub struct SiteConfig {
    /// What stands where and needs what.
    pub topology: Topology,
    /// Maintenance windows as they stand at a moment.
    pub maintenance: Windows,
}

/// Gives the maintenance windows as they stand at a moment: they follow local clocks, and what people set up.
pub type Windows = Box<dyn Fn(TimestampUs) -> BoxFuture<'static, Result<Vec<Maintenance>, StoreError>> + Send + Sync>;

impl fmt::Debug for SiteConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteConfig").field("topology", &self.topology).finish_non_exhaustive()
    }
}

/// The incidents of a server. Shared by the analysis, which feeds it, and the API, which corrects it.
#[derive(Debug)]
pub struct Incidents {
    desk: Desk,
    clock: Clock,
    site: SiteConfig,
    rules: Arc<RuleBook>,
    /// Read from the store at the first use.
    state: OnceCell<Mutex<State>>,
}

#[derive(Debug, Clone)]
struct State {
    grouper: Grouper,
    feedback: Feedback,
    stepped_us: TimestampUs,
}

/// Why something could not be done with incidents.
#[derive(Debug, thiserror::Error)]
pub enum IncidentsError {
    /// The desk did not store it.
    #[error(transparent)]
    Desk(#[from] DeskError),
    /// The feedback cannot be read or written.
    #[error("BUG: the feedback is no JSON: {0}")]
    Feedback(#[from] serde_json::Error),
    /// The correction makes no sense.
    #[error("{0}")]
    Correction(#[from] CorrectionError),
    /// The ticket was not opened by detection.
    #[error("ticket {0} belongs to no incident that is known any more; only tickets that findings opened can be merged and split")]
    NoIncident(i64),
}

impl Incidents {
    /// The incidents kept in the desk's store.
    pub fn new(desk: Desk, clock: Clock, site: SiteConfig, rules: Arc<RuleBook>) -> Self {
        Self { desk, clock, site, rules, state: OnceCell::new() }
    }

    /// Groups what a round found and records it with how far the rules have read. `until_us` is the moment up to which the
    /// round judged; time passes for the incidents up to there. `over` are the fingerprints held by maintenance windows of
    /// which it is known that they have ended.
    pub(super) async fn record(
        &self,
        findings: Vec<Finding>,
        runs: Vec<RuleRun>,
        until_us: TimestampUs,
        over: HashSet<String>,
    ) -> Result<Recorded, IncidentsError> {
        let (findings, duplicates) = self.desk.without_recorded(findings).await?;
        let mut guard = self.state().await?;
        let mut state = guard.clone();
        state.grouper.set_maintenance((self.site.maintenance)(until_us).await.map_err(DeskError::Store)?, until_us);
        state.grouper.set_settings(settings(&self.desk.rules()));
        let mut round = Round { runs, ..Round::default() };
        let known = Known { rules: self.rules.current(), over };
        for finding in findings {
            state.pass(finding.window_end_us, &known, &mut round);
            state.file(finding, &mut round);
        }
        state.pass(until_us, &known, &mut round);
        if !(round.findings.is_empty() && round.ended.is_empty()) || state.grouper.held().len() != guard.grouper.held().len() {
            round.states.push((GROUPING, state.grouper.to_bytes()));
        }
        let recorded = self.desk.record(&round).await?;
        *guard = state;
        Ok(Recorded { duplicates: recorded.duplicates + duplicates, ..recorded })
    }

    /// What the maintenance windows hold that have ended by `until_us` and are not told yet.
    pub(super) async fn held_until(&self, until_us: TimestampUs) -> Result<Vec<Signal>, IncidentsError> {
        let windows = (self.site.maintenance)(until_us).await.map_err(DeskError::Store)?;
        let mut state = self.state().await?;
        // What is held by a window that was taken back ends now.
        state.grouper.set_maintenance(windows, until_us);
        let ended = state.grouper.held().iter().filter(|held| held.until_us <= until_us);
        Ok(ended.flat_map(Held::signals).cloned().collect())
    }

    /// A person says that two tickets are one trouble: the second is resolved, its findings go to the first from now on, and,
    /// where both are incidents, the grouping learns it. Tickets and grouping change together or not at all.
    pub async fn merge(&self, into: i64, other: i64, asked: &Asked<'_>) -> Result<Ticket, IncidentsError> {
        // Asked for under the lock: of two requests of one name the second finds what the first has made.
        let mut state = self.state().await?;
        if let Some(ticket) = self.desk.opened_before(asked).await? {
            return Ok(ticket);
        }
        let (Ok(into_id), Ok(other_id)) = (self.incident_of(into).await, self.incident_of(other).await) else {
            return Ok(self.desk.merge(into, other, None, asked).await?);
        };
        let mut grouper = state.grouper.clone();
        grouper.merge(into_id, other_id, self.clock.now_us())?;
        let ticket = self.desk.merge(into, other, Some((GROUPING, grouper.to_bytes())), asked).await?;
        state.grouper = grouper;
        Ok(ticket)
    }

    /// A person says that some of a ticket's findings are another trouble: they get a ticket of their own, and the grouping
    /// learns it. Tickets and grouping change together or not at all.
    pub async fn split(&self, from: i64, fingerprints: &[String], asked: &Asked<'_>) -> Result<Ticket, IncidentsError> {
        // Asked for under the lock: of two requests of one name the second finds what the first has made.
        let mut state = self.state().await?;
        if let Some(ticket) = self.desk.opened_before(asked).await? {
            return Ok(ticket);
        }
        let id = self.incident_of(from).await?;
        let mut grouper = state.grouper.clone();
        let new_id = grouper.split(id, fingerprints, self.clock.now_us())?;
        let ticket = self.desk.split_off(from, fingerprints, &problem(new_id), (GROUPING, grouper.to_bytes()), asked).await?;
        state.grouper = grouper;
        Ok(ticket)
    }

    /// What a person said of a finding moves the threshold of its rule for its entity. The same word said again moves nothing.
    pub async fn judge(&self, finding: i64, verdict: Verdict, actor: &Actor) -> Result<ThresholdFactor, IncidentsError> {
        let mut state = self.state().await?;
        let (fingerprint, said_before) = self.desk.finding_verdict(finding).await?;
        let now_us = self.clock.now_us();
        if said_before.as_deref() == Some(verdict.word()) {
            return Ok(state.feedback.factor(&fingerprint, now_us));
        }
        let mut feedback = state.feedback.clone();
        let factor = feedback.judge(&fingerprint, verdict, now_us);
        self.desk.note_verdict(finding, verdict.word(), (FEEDBACK, serde_json::to_vec(&feedback)?), actor).await?;
        state.feedback = feedback;
        Ok(factor)
    }

    /// Something was changed, now if no moment is given: what begins soon after at that place may come of it. Kept over a
    /// restart.
    pub async fn note_change(
        &self,
        at_us: Option<TimestampUs>,
        place: String,
        kind: ChangeKind,
        title: String,
        actor: &Actor,
    ) -> Result<ChangeEvent, IncidentsError> {
        let change = ChangeEvent { at_us: at_us.unwrap_or_else(|| self.clock.now_us()), place, kind, title };
        let mut state = self.state().await?;
        let mut grouper = state.grouper.clone();
        grouper.note_change(change.clone());
        let told = json!({ "kind": change.kind, "title": change.title, "at": rfc3339(change.at_us) });
        self.desk.note_change(&change.place, &told, (GROUPING, grouper.to_bytes()), actor).await?;
        state.grouper = grouper;
        Ok(change)
    }

    /// The factors by which people's words move a threshold.
    pub(super) async fn feedback(&self) -> Result<Feedback, IncidentsError> {
        Ok(self.state().await?.feedback.clone())
    }

    /// What is known of a ticket's incident: its members, and its causes in the order of suspicion, with every term.
    pub async fn describe(&self, ticket: &Ticket) -> Result<Value, IncidentsError> {
        let Some(id) = ticket.fingerprint.as_deref().and_then(incident_id) else { return Ok(Value::Null) };
        let state = self.state().await?;
        let Some(incident) = state.grouper.incident(id) else { return Ok(Value::Null) };
        let terms = |terms: &[crate::incident::Term]| -> Vec<Value> { terms.iter().map(|term| json!(term)).collect() };
        let causes: Vec<_> = state.grouper.causes(id).iter().take(5).map(|cause| {
            json!({ "place": cause.place, "fingerprint": cause.fingerprint, "score": cause.score, "terms": terms(&cause.terms), "change": cause.change })
        }).collect();
        let members: Vec<_> = incident
            .members
            .iter()
            .map(|member| {
                let signal = &member.signal;
                json!({
                    "fingerprint": signal.fingerprint, "rule": signal.rule, "title": signal.text, "entity": signal.entity,
                    "onset": rfc3339(signal.onset_us), "last_seen": rfc3339(signal.window_end_us), "findings": member.findings,
                })
            })
            .collect();
        Ok(json!({
            "id": id, "open": incident.is_open(), "onset": rfc3339(incident.onset_us), "last_seen": rfc3339(incident.last_us),
            "findings": incident.findings, "members": members, "more_members": incident.more_members, "causes": causes,
            "flapping": incident.flapping,
        }))
    }

    async fn incident_of(&self, ticket: i64) -> Result<IncidentId, IncidentsError> {
        let detail = self.desk.get(ticket).await?;
        let problem = self.desk.problem_of(&detail.ticket).await?;
        problem.as_deref().and_then(incident_id).ok_or(IncidentsError::NoIncident(ticket))
    }

    async fn state(&self) -> Result<MutexGuard<'_, State>, IncidentsError> {
        Ok(self.state.get_or_try_init(|| self.load()).await?.lock().await)
    }

    async fn load(&self) -> Result<Mutex<State>, IncidentsError> {
        let topology = self.site.topology.clone();
        let grouper = match self.desk.analysis_state(GROUPING).await? {
            Some(bytes) => Grouper::from_bytes(&bytes, Settings::default(), topology.clone(), Vec::new()).unwrap_or_else(|error| {
                tracing::error!(%error, "the grouping begins anew; tickets stay as they are");
                Grouper::new(Settings::default(), topology)
            }),
            None => Grouper::new(Settings::default(), topology),
        };
        let feedback = match self.desk.analysis_state(FEEDBACK).await? {
            Some(bytes) => serde_json::from_slice(&bytes)?,
            None => Feedback::default(),
        };
        Ok(Mutex::new(State { grouper, feedback, stepped_us: TimestampUs::MIN }))
    }
}

/// What is known from outside while time passes.
struct Known {
    rules: Arc<Files<Rule>>,
    /// Fingerprints of which their rule says that they are over.
    over: HashSet<String>,
}

impl Known {
    fn rule(&self, name: &str) -> Option<&Arc<Rule>> {
        self.rules.read.iter().find(|rule| rule.name == name)
    }

    fn by_hand(&self, rule: &str) -> bool {
        self.rule(rule).is_some_and(|rule| rule.resolved_by_hand)
    }

    /// Whether what a maintenance window held went on until its end, where anything tells.
    fn goes_on(&self, signal: &Signal) -> Option<bool> {
        if self.over.contains(&signal.fingerprint) {
            return Some(false);
        }
        // Such a rule finds nothing more of what has not ended.
        self.by_hand(&signal.rule).then_some(true)
    }
}

impl State {
    /// Lets time pass up to `at_us`: incidents end.
    fn pass(&mut self, at_us: TimestampUs, known: &Known, round: &mut Round) {
        if at_us.saturating_sub(self.stepped_us) < STEP_US {
            return;
        }
        self.stepped_us = at_us;
        self.grouper.tell_held(at_us, |signal| known.goes_on(signal));
        for passing in self.grouper.step(at_us) {
            match passing {
                Passing::Resolved { incident, ending } => {
                    let members = self.grouper.incident(incident).map(|incident| incident.members.as_slice()).unwrap_or_default();
                    let by_hand = members.iter().any(|member| known.by_hand(&member.signal.rule));
                    round.ended.push(Ended { problem: problem(incident), reason: reason(ending), by_hand });
                }
                Passing::MaintenanceEnded { window, until_us, findings, going_on, .. } => {
                    tracing::info!(window, findings, going_on = going_on.len(), "a maintenance window has ended");
                    // What its rule finds again has its ticket then; a rule that speaks once has spoken.
                    let lasting = going_on.into_iter().filter(|(signal, _)| signal.holds_us > 0 || known.by_hand(&signal.rule));
                    let tell =
                        |(signal, placement): (Signal, Placement)| self.after_maintenance(&window, until_us, signal, &placement, known);
                    round.findings.extend(lasting.map(tell));
                }
            }
        }
    }

    /// What was held back and goes on, found at the end of its window.
    fn after_maintenance(&self, window: &str, until_us: TimestampUs, signal: Signal, placement: &Placement, known: &Known) -> Filed {
        let rule = known.rule(&signal.rule);
        let window_start_us = signal.onset_us.min(until_us);
        // The bin that it was found in is not known any more; the rule asked about all the time finds it again.
        let evidence = rule.map(|rule| rule.evidence(&rule.window(rule.schedule.latest(window_start_us), until_us), &signal.entity));
        let result = [("held_by", json!(window)), ("onset", json!(signal.onset_us))].map(|(column, value)| (column.to_owned(), value));
        let finding = Finding {
            rule: signal.rule,
            fingerprint: signal.fingerprint,
            entity: signal.entity,
            title: signal.text,
            description: rule.map(|rule| rule.for_ticket()).unwrap_or_default(),
            severity: signal.severity,
            result: Map::from_iter(result),
            window_start_us,
            window_end_us: until_us,
            holds_us: signal.holds_us,
            evidence: evidence.unwrap_or_default(),
        };
        Filed {
            problem: placement.incident.map(problem),
            outcome: filed_as(placement.outcome),
            because: self.because(placement),
            reasons: json!({ "held_by": window, "terms": placement.terms, "total": placement.total, "with": placement.with }),
            finding,
        }
    }

    fn file(&mut self, finding: Finding, round: &mut Round) {
        let cadence_us = finding.window_end_us - finding.window_start_us;
        let placement = self.grouper.place(Signal::of_finding(&finding, cadence_us), finding.window_end_us);
        for gone in &placement.merged {
            let reason = "its findings turned out to be part of another incident".to_owned();
            round.ended.push(Ended { problem: problem(*gone), reason, by_hand: false });
        }
        let problem = placement.incident.map(problem);
        // What ended earlier in this round and is back has not ended.
        round.ended.retain(|ended| Some(&ended.problem) != problem.as_ref());
        round.findings.push(Filed {
            problem,
            outcome: filed_as(placement.outcome),
            because: self.because(&placement),
            reasons: reasons(&placement),
            finding,
        });
    }

    /// Why a finding joined, in a line.
    fn because(&self, placement: &Placement) -> String {
        let Some(with) = &placement.with else { return String::new() };
        let member = placement.incident.and_then(|id| self.grouper.incident(id)?.members.iter().find(|m| m.signal.fingerprint == *with));
        let terms = placement.terms.iter().filter(|term| term.value != 0.0);
        let sum = terms.map(|term| format!("{} {:.2}", term.name, term.share())).collect::<Vec<_>>().join(" + ");
        let nearest = member.map_or_else(String::new, |member| format!("; nearest: {}", member.signal.text));
        format!("{sum} = {:.2} ({}){nearest}", placement.total, placement.relation.word())
    }
}

fn reasons(placement: &Placement) -> Value {
    if placement.terms.is_empty() && placement.held_by.is_none() && placement.flapping.is_none() {
        return Value::Null;
    }
    json!({
        "terms": placement.terms, "total": placement.total, "with": placement.with, "relation": placement.relation.word(),
        "flapping": placement.flapping, "held_by": placement.held_by,
    })
}

fn filed_as(outcome: Outcome) -> FiledAs {
    match outcome {
        Outcome::Opened => FiledAs::Opened,
        Outcome::Joined => FiledAs::Joined,
        Outcome::Repeated => FiledAs::Repeated,
        Outcome::Continued => FiledAs::Continued,
        Outcome::Reopened => FiledAs::Reopened,
        Outcome::Held => FiledAs::Held,
    }
}

fn reason(ending: Ending) -> String {
    match ending {
        Ending::Quiet { for_us } => format!("nothing of it was found for {} minutes", for_us / (60 * SECOND_US)),
        Ending::CrowdedOut => "too many incidents are open, and this one was heard of the longest ago".to_owned(),
    }
}

/// The numbers that grouping works with, as far as a department may choose them.
fn settings(rules: &DeskRules) -> Settings {
    let DeskRules { quiet_time_us, flap_returns, flap_within_us, .. } = *rules;
    Settings { quiet_time_us, flap_returns, flap_within_us, ..Settings::default() }
}

/// The name under which the desk files an incident.
fn problem(id: IncidentId) -> String {
    format!("incident-{id}")
}

fn incident_id(problem: &str) -> Option<IncidentId> {
    problem.strip_prefix("incident-")?.parse().ok()
}
