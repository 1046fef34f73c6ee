//! Upgrade proposals in the store.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::judging::date_of;
use crate::clock::{DAY_US, TimestampUs};
use crate::desk::Actor;
use crate::purchase::{Need, Options};
use crate::store::StoreError;

/// What has become of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// Somebody must decide.
    Open,
    /// Decided: it is bought, or done.
    Approved,
    /// Decided later.
    Deferred,
    /// Decided: not.
    Rejected,
    /// The resource does not cross any more.
    Withdrawn,
    /// What was approved is there.
    Delivered,
}

impl ProposalState {
    const ALL: [Self; 6] = [Self::Open, Self::Approved, Self::Deferred, Self::Rejected, Self::Withdrawn, Self::Delivered];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Deferred => "deferred",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
            Self::Delivered => "delivered",
        }
    }

    /// The state of that word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

/// What a proposal rests on.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
pub struct ProposalFacts {
    /// What is needed, and when.
    pub need: Need,
    /// The entity of the resource.
    pub entity: Value,
    /// The version of each offer that an option is made of.
    #[serde(default)]
    pub offers: BTreeMap<String, i64>,
    /// The statement that its days come from, for `capacity_days`.
    pub sql: String,
    /// Its parameters.
    pub parameters: Value,
}

/// An upgrade proposal as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposal {
    /// Its number.
    pub number: i64,
    /// The resource's id.
    pub resource: String,
    /// The question.
    pub question: String,
    /// The kind of resource.
    pub kind: String,
    /// One line.
    pub title: String,
    /// What has become of it.
    pub state: ProposalState,
    /// The last day to decide.
    pub order_by: Option<String>,
    /// What it rests on.
    pub facts: ProposalFacts,
    /// What can be done, best first.
    pub options: Options,
    /// The place of the option that was approved, from 1.
    pub chosen: Option<i64>,
    /// The budget line that pays.
    pub budget_line: Option<String>,
    /// What of it is committed, in minor units.
    pub committed_minor: Option<i64>,
    /// The currency of that.
    pub currency: Option<String>,
    /// The change ticket.
    pub ticket: Option<i64>,
    /// Deferred until then.
    pub again_on: Option<String>,
    /// When it was made, µs since 1970.
    pub opened_at_us: TimestampUs,
    /// Its latest event.
    pub updated_at_us: TimestampUs,
    /// Raised with each event, from 1; figures that follow the day do not raise it.
    pub version: i64,
}

/// Something that happened to a proposal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposalEvent {
    /// Its place, from 1.
    pub seq: i64,
    /// When.
    pub at_us: TimestampUs,
    /// Who.
    pub actor: String,
    /// What.
    pub kind: String,
    /// The rest.
    pub detail: Value,
}

/// A day as the store keeps it.
pub(super) fn at_us(day: i64) -> TimestampUs {
    day.saturating_mul(DAY_US)
}

/// Writes today's figures of a proposal that says what it said: no event, and the same version.
pub(super) async fn save_figures(
    write: &mut SqliteConnection,
    number: i64,
    title: &str,
    facts: &ProposalFacts,
    options: &Options,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE proposals SET title = ?2, facts = ?3, options = ?4 WHERE number = ?1")
        .bind(number)
        .bind(title)
        .bind(json_text(facts)?)
        .bind(json_text(options)?)
        .execute(write)
        .await?;
    Ok(())
}

fn json_text(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Other(error.to_string()))
}

/// Writes a proposal, new or changed, and what happened to it.
pub(super) async fn save_proposal(
    write: &mut SqliteConnection,
    proposal: &Proposal,
    (kind, detail): (&str, &Value),
    actor: &Actor,
) -> Result<(), StoreError> {
    let day_us = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok()).map(|date| at_us(super::day_of(date)));
    sqlx::query(
        "INSERT OR REPLACE INTO proposals (number, resource, question, kind, title, state, order_by_us, facts, options, chosen,
             budget_line, committed_minor, currency, ticket, again_at_us, opened_at_us, updated_at_us, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    )
    .bind(proposal.number)
    .bind(&proposal.resource)
    .bind(&proposal.question)
    .bind(&proposal.kind)
    .bind(&proposal.title)
    .bind(proposal.state.word())
    .bind(day_us(&proposal.order_by))
    .bind(json_text(&proposal.facts)?)
    .bind(json_text(&proposal.options)?)
    .bind(proposal.chosen)
    .bind(&proposal.budget_line)
    .bind(proposal.committed_minor)
    .bind(&proposal.currency)
    .bind(proposal.ticket)
    .bind(day_us(&proposal.again_on))
    .bind(proposal.opened_at_us)
    .bind(proposal.updated_at_us)
    .bind(proposal.version)
    .execute(&mut *write)
    .await?;
    sqlx::query(
        "INSERT INTO proposal_events (proposal, seq, at_us, actor, origin, kind, detail)
         SELECT ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4, ?5, ?6 FROM proposal_events WHERE proposal = ?1",
    )
    .bind(proposal.number)
    .bind(proposal.updated_at_us)
    .bind(&actor.name)
    .bind(&actor.origin)
    .bind(kind)
    .bind(detail.to_string())
    .execute(write)
    .await?;
    Ok(())
}

/// The next number.
pub(super) async fn next_number(write: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(number), 0) + 1 FROM proposals").fetch_one(write).await?)
}

/// How long a resource is left alone after its proposal was rejected or delivered: a decision holds for a month, and what was delivered
/// has to be built in and measured for whole days.
pub(super) const REST_US: i64 = 30 * DAY_US;

/// Of a row of `proposals`, whether its resource is left alone for a while. A clean-up that was agreed is delivered when it is measured: what
/// is left to be done is known then.
pub(super) const IS_LEFT_ALONE: &str = "(state = 'rejected' OR (state = 'delivered' AND NOT (facts ->> '$.need.agreed.amount' IS NOT NULL
    AND options ->> ('$.options[' || (chosen - 1) || '].kind') IS 'clean_up')))";

/// Whether it was rejected or delivered lately what was proposed about a resource.
pub(super) async fn rests(read: &mut SqliteConnection, resource: &str, now_us: TimestampUs) -> Result<bool, StoreError> {
    let sql = format!("SELECT count(*) FROM proposals WHERE resource = ?1 AND {IS_LEFT_ALONE} AND updated_at_us > ?2");
    let lately: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(resource).bind(now_us - REST_US).fetch_one(read).await?;
    Ok(lately > 0)
}

/// A proposal by its number.
pub(super) async fn load_proposal(read: &mut SqliteConnection, number: i64) -> Result<Option<Proposal>, StoreError> {
    let row = sqlx::query("SELECT * FROM proposals WHERE number = ?1").bind(number).fetch_optional(read).await?;
    row.as_ref().map(proposal_of).transpose()
}

/// The proposals about which something is still to happen.
pub(super) async fn load_active(read: &mut SqliteConnection) -> Result<Vec<Proposal>, StoreError> {
    let rows =
        sqlx::query("SELECT * FROM proposals WHERE state IN ('open', 'approved', 'deferred') ORDER BY number").fetch_all(read).await?;
    rows.iter().map(proposal_of).collect()
}

/// The proposals that a change ticket is about.
pub(super) async fn load_proposals_of_ticket(read: &mut SqliteConnection, ticket: i64) -> Result<Vec<Proposal>, StoreError> {
    let rows = sqlx::query("SELECT * FROM proposals WHERE ticket = ?1 ORDER BY number").bind(ticket).fetch_all(read).await?;
    rows.iter().map(proposal_of).collect()
}

/// The proposals about which something was still to happen at a moment, with what was decided by then.
pub(super) async fn load_proposals_at(read: &mut SqliteConnection, at_us: TimestampUs) -> Result<Vec<Proposal>, StoreError> {
    let rows = sqlx::query(
        "SELECT proposals.*, (SELECT event.kind FROM proposal_events AS event WHERE event.proposal = number AND event.at_us <= ?1
             AND event.kind NOT LIKE 'clean_up%' ORDER BY event.seq DESC LIMIT 1) AS latest
         FROM proposals WHERE opened_at_us <= ?1 AND (updated_at_us > ?1 OR state IN ('open', 'approved', 'deferred')) ORDER BY number",
    )
    .bind(at_us)
    .fetch_all(read)
    .await?;
    let mut standing = Vec::new();
    for row in &rows {
        let state = match row.try_get::<&str, _>("latest")? {
            "opened" | "changed" | "reopened" => ProposalState::Open,
            "approved" | "repriced" => ProposalState::Approved,
            "deferred" | "renewed" => ProposalState::Deferred,
            _ => continue,
        };
        let now = proposal_of(row)?;
        let is_as_then = now.state == state;
        let (chosen, ticket) = (now.chosen.filter(|_| is_as_then), now.ticket.filter(|_| state == ProposalState::Approved));
        standing.push(Proposal { state, chosen, ticket, ..now });
    }
    Ok(standing)
}

/// Proposals in a state (or all), those to be decided first first; after one of a page before.
pub(super) async fn load_proposals(
    read: &mut SqliteConnection,
    state: Option<ProposalState>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Proposal>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM proposals WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR number < ?2) ORDER BY number DESC LIMIT ?3",
    )
    .bind(state.map(ProposalState::word))
    .bind(before)
    .bind(limit)
    .fetch_all(read)
    .await?;
    rows.iter().map(proposal_of).collect()
}

/// What happened to a proposal, oldest first.
pub(super) async fn load_events(read: &mut SqliteConnection, number: i64) -> Result<Vec<ProposalEvent>, StoreError> {
    let rows = sqlx::query("SELECT seq, at_us, actor, kind, detail FROM proposal_events WHERE proposal = ?1 ORDER BY seq")
        .bind(number)
        .fetch_all(read)
        .await?;
    let event = |row: &SqliteRow| {
        let detail: &str = row.try_get("detail")?;
        Ok(ProposalEvent {
            seq: row.try_get("seq")?,
            at_us: row.try_get("at_us")?,
            actor: row.try_get("actor")?,
            kind: row.try_get("kind")?,
            detail: serde_json::from_str(detail).unwrap_or_else(|_| json!(detail)),
        })
    };
    rows.iter().map(event).collect()
}

fn proposal_of(row: &SqliteRow) -> Result<Proposal, StoreError> {
    let unreadable = |why: String| StoreError::Unreadable(why);
    let date = |column: &str| -> Result<Option<String>, StoreError> {
        let at_us: Option<i64> = row.try_get(column)?;
        Ok(at_us.map(|at_us| date_of(at_us.div_euclid(DAY_US)).to_string()))
    };
    let state: &str = row.try_get("state")?;
    let (facts, options): (&str, &str) = (row.try_get("facts")?, row.try_get("options")?);
    Ok(Proposal {
        number: row.try_get("number")?,
        resource: row.try_get("resource")?,
        question: row.try_get("question")?,
        kind: row.try_get("kind")?,
        title: row.try_get("title")?,
        state: ProposalState::from_word(state).ok_or_else(|| unreadable(format!("`{state}` is no state of a proposal")))?,
        order_by: date("order_by_us")?,
        facts: serde_json::from_str(facts).map_err(|error| unreadable(error.to_string()))?,
        options: serde_json::from_str(options).map_err(|error| unreadable(error.to_string()))?,
        chosen: row.try_get("chosen")?,
        budget_line: row.try_get("budget_line")?,
        committed_minor: row.try_get("committed_minor")?,
        currency: row.try_get("currency")?,
        ticket: row.try_get("ticket")?,
        again_on: date("again_at_us")?,
        opened_at_us: row.try_get("opened_at_us")?,
        updated_at_us: row.try_get("updated_at_us")?,
        version: row.try_get("version")?,
    })
}
