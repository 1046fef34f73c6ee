//! The states of the detectors that rules use, by rule and series: in memory, and every few minutes on disk.
//!
//! A rule's states are those of a moment, up to which its points are taken in. After a crash the file may be some minutes
//! behind what the desk has recorded: the rule then reads those minutes again to bring its detectors forward, and what it
//! finds in them is known already. Layout of a file of [`state_file`]: `WRDET1`, u64 hash of the query, i64 moment in µs, u32
//! number of series, for each the name · i64 Unix seconds · the state.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use super::state_file::{self, StateReader, StateWriter};
use crate::anomaly::SeriesStates;
use crate::clock::{DAY_US, SECOND_US, Stopwatch, TimestampUs};
use crate::detect::Rule;
use crate::self_metrics::DETECTOR_SERIES_DROPPED;

const MARK: &[u8] = b"WRDET1";

/// Series of one rule whose states are kept: 250 MB. A rule over more is to look at sums.
const MAX_SERIES: usize = 100_000;

/// A series that was not heard of for this long is forgotten.
const FORGOTTEN_AFTER_US: i64 = 28 * DAY_US;

/// How often states go to disk: what a crash costs is reading this much again.
const SAVE_EVERY_S: f64 = 300.0;

/// State of a series, and the Unix second up to which it is.
type Kept = (Vec<u8>, i64);

/// The states of all rules.
#[derive(Debug)]
pub(super) struct DetectorStates {
    folder: Option<PathBuf>,
    rules: Mutex<HashMap<String, OfRule>>,
}

#[derive(Debug)]
struct OfRule {
    query: u64,
    until_us: TimestampUs,
    series: Arc<HashMap<String, Kept>>,
    unsaved_for: Option<Stopwatch>,
}

/// What one run of a rule reads and leaves behind.
#[derive(Debug)]
pub(super) struct RunStates {
    before: Arc<HashMap<String, Kept>>,
    after: Mutex<HashMap<String, Kept>>,
    settled_until_s: i64,
}

impl SeriesStates for RunStates {
    fn load(&self, series: &str) -> Option<Kept> {
        self.before.get(series).cloned()
    }

    fn save(&self, series: String, state: Vec<u8>, until_s: i64) {
        let mut after = self.after.lock().unwrap_or_else(PoisonError::into_inner);
        if after.len() < MAX_SERIES || after.contains_key(&series) {
            after.insert(series, (state, until_s));
        } else {
            DETECTOR_SERIES_DROPPED.add(1);
        }
    }

    fn settled_until_s(&self) -> i64 {
        self.settled_until_s
    }
}

impl DetectorStates {
    /// States kept in files of a folder, or in memory only (a back-test).
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, rules: Mutex::default() }
    }

    /// The moment up to which a rule's states are; `None` if there are none, or if its query is another now.
    pub(super) fn until_us(&self, rule: &Rule) -> Option<TimestampUs> {
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        if !rules.contains_key(&rule.name) {
            rules.insert(rule.name.clone(), self.read(&rule.name)?);
        }
        rules.get(&rule.name).filter(|of_rule| of_rule.query == hash(rule)).map(|of_rule| of_rule.until_us)
    }

    /// What a run may continue from. With `anew` everything kept of the rule is left out.
    pub(super) fn begin(&self, rule: &Rule, anew: bool, settled_us: TimestampUs) -> Arc<RunStates> {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let before = rules.get(&rule.name).filter(|of_rule| !anew && of_rule.query == hash(rule)).map(|of_rule| of_rule.series.clone());
        Arc::new(RunStates {
            before: before.unwrap_or_default(),
            after: Mutex::default(),
            settled_until_s: settled_us.div_euclid(SECOND_US),
        })
    }

    /// Keeps what a run left behind, once its findings are recorded.
    pub(super) fn commit(&self, rule: &Rule, run: &Arc<RunStates>, settled_us: TimestampUs) {
        let after = std::mem::take(&mut *run.after.lock().unwrap_or_else(PoisonError::into_inner));
        let mut series = HashMap::clone(&run.before);
        let oldest_s = (settled_us - FORGOTTEN_AFTER_US).div_euclid(SECOND_US);
        series.retain(|_, (_, until_s)| *until_s >= oldest_s);
        for (name, state) in after {
            if series.len() < MAX_SERIES || series.contains_key(&name) {
                series.insert(name, state);
            } else {
                DETECTOR_SERIES_DROPPED.add(1);
            }
        }
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let unsaved_for = rules.remove(&rule.name).and_then(|of_rule| of_rule.unsaved_for).or_else(|| Some(Stopwatch::start()));
        rules.insert(rule.name.clone(), OfRule { query: hash(rule), until_us: settled_us, series: Arc::new(series), unsaved_for });
    }

    /// Writes what has not been on disk for some minutes; with `all` everything that has changed.
    pub(super) fn save(&self, all: bool) {
        let Some(folder) = &self.folder else { return };
        let due = |of_rule: &OfRule| of_rule.unsaved_for.as_ref().is_some_and(|since| all || since.elapsed_seconds() > SAVE_EVERY_S);
        let snapshot: Vec<_> = {
            let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
            let due = rules.iter_mut().filter(|(_, of_rule)| due(of_rule));
            due.map(|(name, of_rule)| {
                of_rule.unsaved_for = None;
                (name.clone(), of_rule.query, of_rule.until_us, of_rule.series.clone())
            })
            .collect()
        };
        for (name, query, until_us, series) in snapshot {
            if let Err(error) = state_file::write(&file(folder, &name), &encode(query, until_us, &series)) {
                tracing::warn!(rule = name, %error, "the detectors of a rule cannot be written; after a crash they learn again");
            }
        }
    }

    fn read(&self, rule: &str) -> Option<OfRule> {
        let bytes = std::fs::read(file(self.folder.as_deref()?, rule)).ok()?;
        let decoded = decode(&bytes);
        if decoded.is_none() {
            tracing::warn!(rule, "the saved detectors of a rule cannot be read; they learn again");
        }
        decoded
    }
}

fn hash(rule: &Rule) -> u64 {
    xxh3_64(rule.sql.as_bytes())
}

fn file(folder: &Path, rule: &str) -> PathBuf {
    folder.join(format!("{rule}.state"))
}

fn encode(query: u64, until_us: TimestampUs, series: &HashMap<String, Kept>) -> Vec<u8> {
    let mut out = StateWriter::new(MARK, 64 + series.len() * 2_600);
    out.u64(query);
    out.i64(until_us);
    out.u32(series.len() as u32);
    for (name, (state, until_s)) in series {
        out.bytes(name.as_bytes());
        out.i64(*until_s);
        out.bytes(state);
    }
    out.finish()
}

fn decode(bytes: &[u8]) -> Option<OfRule> {
    let mut from = StateReader::open(MARK, bytes)?;
    let (query, until_us) = (from.u64()?, from.i64()?);
    let count = from.u32()? as usize;
    let mut series = HashMap::new();
    for _ in 0..count.min(MAX_SERIES) {
        let name = from.bytes()?.to_vec();
        let until_s = from.i64()?;
        series.insert(String::from_utf8(name).ok()?, (from.bytes()?.to_vec(), until_s));
    }
    Some(OfRule { query, until_us, series: Arc::new(series), unsaved_for: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::shipped_rules;

    fn rule() -> Rule {
        shipped_rules().unwrap().remove(0)
    }

    #[test]
    fn states_survive_a_restart_and_a_changed_query_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let states = DetectorStates::new(Some(folder.path().to_owned()));
        let rule = rule();
        assert_eq!(states.until_us(&rule), None);
        let run = states.begin(&rule, false, 60 * SECOND_US);
        run.save("anomaly\0db01".into(), vec![1, 2, 3], 60);
        states.commit(&rule, &run, 60 * SECOND_US);
        states.save(true);
        let again = DetectorStates::new(Some(folder.path().to_owned()));
        assert_eq!(again.until_us(&rule), Some(60 * SECOND_US));
        assert_eq!(again.begin(&rule, false, 0).load("anomaly\0db01"), Some((vec![1, 2, 3], 60)));
        assert_eq!(again.begin(&rule, true, 0).load("anomaly\0db01"), None);
        let mut changed = rule.clone();
        changed.sql.push(' ');
        assert_eq!(again.until_us(&changed), None);
        std::fs::write(file(folder.path(), &rule.name), b"WRDET1 torn").unwrap();
        assert_eq!(DetectorStates::new(Some(folder.path().to_owned())).until_us(&rule), None, "a damaged file is as good as none");
    }

    #[test]
    fn a_run_that_is_not_committed_leaves_nothing() {
        let states = DetectorStates::new(None);
        let rule = rule();
        let run = states.begin(&rule, false, 0);
        run.save("a".into(), vec![1], 0);
        assert_eq!(states.begin(&rule, false, 0).load("a"), None);
        states.commit(&rule, &run, 0);
        assert_eq!(states.begin(&rule, false, 0).load("a"), Some((vec![1], 0)));
    }
}
