//! The places that an incident affects: what is found at each, and which of them need which.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::{Incident, Member, Signal, Topology};
use crate::clock::TimestampUs;

/// Suspicion for a late onset falls by a factor e in this time, as nearness does for grouping.
const ONSET_SCALE_US: i64 = 5 * super::settings::MINUTE_US;

/// Steps along dependencies looked at: chains of calls are rarely longer, and cycles end anyway.
const HOPS: u8 = 6;

/// One affected place.
#[derive(Debug)]
pub(super) struct AffectedPlace<'a> {
    /// Its findings, at least one.
    pub(super) members: Vec<&'a Member>,
    pub(super) most_surprising: &'a Member,
    /// Onset of its earliest finding.
    pub(super) onset_us: TimestampUs,
    /// Sum over its findings of the squared surprise: one glaring sign counts more than many faint ones, and many glaring ones
    /// more than one.
    surprise_squared: f64,
    /// Affected places that need it.
    dependents: usize,
    /// Affected places that it needs.
    upstream: usize,
}

impl AffectedPlace<'_> {
    /// Affected places that need this one, against those and the affected places it needs itself; a half if there are neither
    /// (half a count is added on each side, so that one of a kind is no certainty).
    pub(super) fn upstream(&self) -> f64 {
        (self.dependents as f64 + 0.5) / ((self.dependents + self.upstream) as f64 + 1.0)
    }
}

/// All affected places of an incident.
#[derive(Debug)]
pub(super) struct Affected<'a> {
    places: Vec<AffectedPlace<'a>>,
    first_us: TimestampUs,
    most_surprise: f64,
}

impl<'a> Affected<'a> {
    pub(super) fn of(incident: &'a Incident, topology: &Topology) -> Self {
        let mut by_place: BTreeMap<u64, AffectedPlace<'a>> = BTreeMap::new();
        for member in &incident.members {
            let key = member.place.key();
            let place = by_place.entry(key).or_insert_with(|| AffectedPlace {
                members: Vec::new(),
                most_surprising: member,
                onset_us: member.signal.onset_us,
                surprise_squared: 0.0,
                dependents: 0,
                upstream: 0,
            });
            place.onset_us = place.onset_us.min(member.signal.onset_us);
            place.surprise_squared += weighed_surprise(&member.signal).powi(2);
            if member.signal.surprise_milli > place.most_surprising.signal.surprise_milli {
                place.most_surprising = member;
            }
            place.members.push(member);
        }
        let mut places: Vec<AffectedPlace<'a>> = by_place.into_values().collect();
        for at in 0..places.len() {
            let reach = topology.reach(&places[at].most_surprising.place, HOPS);
            let count = |found: &HashMap<u64, u8>| {
                let is_found = |other: &AffectedPlace<'_>| other.most_surprising.place.nodes().any(|node| found.contains_key(&node));
                places.iter().enumerate().filter(|(index, other)| *index != at && is_found(other)).count()
            };
            let (dependents, upstream) = (count(&reach.dependents), count(&reach.upstream));
            (places[at].dependents, places[at].upstream) = (dependents, upstream);
        }
        let first_us = places.iter().map(|place| place.onset_us).min().unwrap_or(0);
        let most_surprise = places.iter().map(|place| place.surprise_squared.sqrt()).fold(0.0, f64::max);
        Self { places, first_us, most_surprise }
    }

    pub(super) fn places(&self) -> &[AffectedPlace<'a>] {
        &self.places
    }

    /// exp(−delay / scale) behind the first onset of all, where a delay within the rule's own cadence is none.
    pub(super) fn earliness(&self, onset_us: TimestampUs, member: &Member) -> f64 {
        let delay = onset_us.saturating_sub(self.first_us).saturating_sub(member.signal.cadence_us).max(0);
        (-(delay as f64) / ONSET_SCALE_US as f64).exp()
    }

    /// The place's surprise against that of the place with the most.
    pub(super) fn share_of_surprise(&self, place: &AffectedPlace<'_>) -> f64 {
        if self.most_surprise > 0.0 { place.surprise_squared.sqrt() / self.most_surprise } else { 0.0 }
    }
}

/// The surprise of a finding, half for what only measures load: of the four golden signals (latency, traffic, errors,
/// saturation; Site Reliability Engineering, chapter 6) traffic mostly tells what the callers do.
pub(super) fn weighed_surprise(signal: &Signal) -> f64 {
    let surprise = signal.surprise_milli.max(0) as f64;
    if is_load(&signal.subject) { surprise / 2.0 } else { surprise }
}

/// Words of a metric's name that stand for load, and words that say that it is no mere load in spite of those.
const LOAD_WORDS: [&str; 11] =
    ["request", "traffic", "throughput", "workload", "ops", "qps", "rps", "calls", "bytes", "packets", "syscall"];
const TROUBLE_WORDS: [&str; 7] = ["error", "fail", "drop", "refus", "reject", "retrans", "timeout"];

fn is_load(subject: &str) -> bool {
    let subject = subject.to_ascii_lowercase();
    LOAD_WORDS.iter().any(|word| subject.contains(word)) && !TROUBLE_WORDS.iter().any(|word| subject.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_is_told_from_trouble_by_the_name_of_the_metric() {
        for load in ["requests", "http_requests_total", "PodWorkload(Ops)", "net_bytes_in"] {
            assert!(is_load(load), "{load}");
        }
        for other in ["", "latency", "cpu_r", "http_requests_failed", "net_packets_dropped", "availability"] {
            assert!(!is_load(other), "{other}");
        }
    }
}
