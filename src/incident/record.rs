//! An incident: what belongs together, since when, and whether it is over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::member::{least_telling, worse};
use super::{MAX_MEMBERS, Member, Settings, Signal};
use crate::clock::TimestampUs;
use crate::store::FindingSeverity;

/// Number of an incident: given in the order of opening, never given twice.
pub type IncidentId = u64;

/// Returns of a fingerprint beyond which the wait for quiet grows no more: 2⁴ quiet times, hours in practice.
const MAX_DOUBLINGS: u32 = 4;

/// Places remembered of members that are not kept whole: a data centre's worth, 16 bytes each.
const MAX_PLACES: usize = 4_096;

/// Whether an incident goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Findings go on, or have stopped a short while ago.
    Open,
    /// It was quiet long enough.
    Resolved {
        /// When that was decided.
        at_us: TimestampUs,
    },
}

/// That something comes and goes: how often, in how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flapping {
    /// Times it came back within `within_us`.
    pub returns: usize,
    /// The time looked at.
    pub within_us: i64,
}

/// Findings that are one trouble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: IncidentId,
    /// Open or over.
    pub phase: Phase,
    /// Earliest onset of its findings.
    pub onset_us: TimestampUs,
    /// Latest moment that a finding speaks of.
    pub last_us: TimestampUs,
    /// When it was last heard of: the later of the clock and `last_us`.
    pub heard_us: TimestampUs,
    /// The worst of its findings.
    pub severity: FindingSeverity,
    /// The findings kept whole, at most [`MAX_MEMBERS`].
    pub members: Vec<Member>,
    /// All findings, repetitions too.
    pub findings: u64,
    /// Different fingerprints that are not kept whole.
    pub more_members: u64,
    /// Places of members that are not kept whole, with their latest onset, so that another finding there is still known to be
    /// near; at most [`MAX_PLACES`], as hashed names.
    pub(super) more_places: BTreeMap<u64, TimestampUs>,
    /// Set when something in it comes and goes.
    pub flapping: Option<Flapping>,
    /// The longest cadence of the rules in it.
    pub cadence_us: i64,
}

impl Incident {
    pub(super) fn open(id: IncidentId, member: Member, now_us: TimestampUs) -> Self {
        let signal = &member.signal;
        Self {
            id,
            phase: Phase::Open,
            onset_us: signal.onset_us,
            last_us: signal.window_end_us,
            heard_us: now_us.max(signal.window_end_us),
            severity: signal.severity,
            findings: member.findings,
            more_members: 0,
            more_places: BTreeMap::new(),
            flapping: None,
            cadence_us: signal.cadence_us,
            members: vec![member],
        }
    }

    /// Whether it goes on.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// How long it has to be quiet to be over: by severity, at least twice the cadence of its slowest rule (once would end it
    /// between two runs), doubled for each return of what flaps beyond the number that made it flapping.
    pub fn quiet_us(&self, settings: &Settings) -> i64 {
        let base = settings.quiet_us(self.severity).max(self.cadence_us.saturating_mul(2));
        let Some(flapping) = self.flapping else { return base };
        let doublings = (flapping.returns.saturating_sub(settings.flap_returns) as u32 + 1).min(MAX_DOUBLINGS);
        base.saturating_mul(1 << doublings).min(settings.longest_us.max(base))
    }

    /// Whether a signal with this onset may become a new member, as far as time goes.
    pub(super) fn takes(&self, onset_us: TimestampUs, settings: &Settings) -> bool {
        let until = self.last_us.saturating_add(settings.gap_us).max(self.onset_us.saturating_add(settings.life_us));
        let until = until.min(self.onset_us.saturating_add(settings.longest_us));
        self.is_open() && onset_us <= until && onset_us >= self.onset_us.saturating_sub(settings.life_us)
    }

    /// Whether the return of one of its findings is enough to say that all of it is back: it has no others, or comes and goes.
    /// One symptom of several may be back for another cause.
    pub(super) fn is_back_with_one(&self) -> bool {
        self.flapping.is_some() || (self.members.len() == 1 && self.more_members == 0)
    }

    /// The kept member with this fingerprint.
    pub(super) fn member_mut(&mut self, fingerprint: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.signal.fingerprint == fingerprint)
    }

    /// Takes note of a finding: times, severity, counts.
    pub(super) fn hear(&mut self, signal: &Signal, now_us: TimestampUs) {
        self.onset_us = self.onset_us.min(signal.onset_us);
        self.last_us = self.last_us.max(signal.window_end_us);
        self.heard_us = self.heard_us.max(now_us).max(signal.window_end_us);
        self.severity = worse(self.severity, signal.severity);
        self.cadence_us = self.cadence_us.max(signal.cadence_us);
        self.findings += 1;
    }

    /// Adds a member; gives back the one that is no longer kept whole, if there is one too many.
    pub(super) fn keep(&mut self, member: Member) -> Option<Member> {
        self.members.push(member);
        if self.members.len() <= MAX_MEMBERS {
            return None;
        }
        self.more_members += 1;
        let gone = least_telling(&self.members).map(|at| self.members.remove(at))?;
        self.remember_place(gone.place.key(), gone.signal.onset_us);
        Some(gone)
    }

    /// Remembers that something was found at a place.
    pub(super) fn remember_place(&mut self, place: u64, onset_us: TimestampUs) {
        if place != 0 && (self.more_places.len() < MAX_PLACES || self.more_places.contains_key(&place)) {
            let latest = self.more_places.entry(place).or_insert(onset_us);
            *latest = onset_us.max(*latest);
        }
    }
}
