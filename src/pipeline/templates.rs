//! Log templates at ingest: the id of each line's template, and what is known of the templates.
//!
//! A parse job hashes the skeleton of each line without sharing anything; at its end it visits the miners once for each
//! distinct pair of application and skeleton, some dozens for a thousand lines. What the miners know is saved every few
//! minutes; lines that are replayed after a crash get the ids that they had, which are hashes of the templates.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use super::template_file;
use super::template_sources::Sources;
use crate::clock::{SECOND_US, TimestampUs};
use crate::template::{Miner, Novelty, TemplateId, skeleton_id};

/// Templates of which times and counts are kept, for each application: twice what a miner holds, for those whose id became
/// another.
const MAX_KNOWN: usize = 20_000;

/// Lines of which a parse job remembers the skeleton, as a power of two: 128 KiB. Of the lines of the end-to-end benchmark
/// 45 % are found among so many, 41 % among half and 48 % among twice as many.
const REMEMBERED_BITS: u32 = 13;

/// The miners of all applications.
#[derive(Debug, Default)]
pub(super) struct Templates {
    sources: Mutex<Sources>,
    /// What earlier jobs remembered; as many as ever ran at a time.
    remembered: Mutex<Vec<Remembered>>,
}

/// What is known of one application's lines.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) miner: Miner,
    pub(super) novelty: Novelty,
    pub(super) known: HashMap<u64, Known>,
}

/// What is known of a template id.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Known {
    pub(super) lines: u64,
    pub(super) first_seen_us: TimestampUs,
    pub(super) last_seen_us: TimestampUs,
    /// Surprise of its first line, −log₁₀ of the chance; `None` while the application was only listened to, or for a
    /// template that others became.
    pub(super) novelty: Option<f64>,
}

/// A template as a query sees it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TemplateRow {
    pub(super) id: TemplateId,
    pub(super) canonical: TemplateId,
    pub(super) app: Arc<str>,
    pub(super) text: Option<String>,
    pub(super) known: Known,
}

impl Templates {
    /// A new job, for lines that were received at this moment: it decides which applications are long silent.
    pub(super) fn job(&self, received_at_us: TimestampUs) -> JobTemplates {
        self.sources().received(received_at_us);
        let remembered = self.remembered().pop().unwrap_or_default();
        JobTemplates { lines: Vec::new(), distinct: Vec::new(), places: HashMap::new(), remembered }
    }

    fn remembered(&self) -> MutexGuard<'_, Vec<Remembered>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every template id that lines carry.
    pub(super) fn rows(&self) -> Vec<TemplateRow> {
        let mut rows = Vec::new();
        for (app, source) in self.sources().all() {
            let app: Arc<str> = app.into();
            let source = lock(&source);
            rows.extend(source.known.iter().map(|(id, known)| {
                let (id, canonical) = (TemplateId(*id), source.miner.canonical(TemplateId(*id)));
                TemplateRow { id, canonical, app: app.clone(), text: source.miner.template(canonical), known: *known }
            }));
        }
        rows.sort_by_key(|row| std::cmp::Reverse((row.known.last_seen_us, row.id.0)));
        rows
    }

    /// The whole state as bytes; see [`template_file`].
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let sources = self.sources().all();
        let mut out = template_file::Writer::new(sources.len());
        for (app, source) in sources {
            out.source(&app, &lock(&source));
        }
        out.finish()
    }

    /// The state that [`Templates::to_bytes`] wrote; `None` if the bytes are none.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let sources = template_file::read(bytes)?;
        Some(Self { sources: Mutex::new(Sources::restored(sources)), remembered: Mutex::default() })
    }
}

fn lock(source: &Mutex<Source>) -> MutexGuard<'_, Source> {
    source.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lines of one parse job on their way to their templates.
#[derive(Debug)]
pub(super) struct JobTemplates {
    /// For each line, its place among the distinct ones.
    lines: Vec<u32>,
    distinct: Vec<Distinct>,
    /// By application and skeleton.
    places: HashMap<(u64, u64), u32>,
    remembered: Remembered,
}

/// The skeletons of lines that came lately, in any application: half of all lines differ from an earlier one in digits only,
/// and need not be cut into words again. It saves work and decides nothing, so jobs hand it on to each other.
#[derive(Debug)]
struct Remembered {
    /// The hash of a line with its digits blanked out, and the line's skeleton, in the place that the hash names. A new line
    /// takes the place of the one before.
    slots: Vec<(u64, u64)>,
    /// Where the hashes begin: nobody outside can make up two lines with the same one.
    seed: u64,
}

impl Default for Remembered {
    fn default() -> Self {
        let seed = RandomState::new().hash_one(REMEMBERED_BITS);
        // A place that was never taken must not seem to hold a line: no hash beginning with ones has its place at zero.
        let mut slots = vec![(0, 0); 1 << REMEMBERED_BITS];
        slots[0].0 = u64::MAX;
        Self { slots, seed }
    }
}

impl Remembered {
    fn skeleton(&mut self, message: &[u8]) -> u64 {
        let blanked = without_digits(self.seed, message);
        let slot = &mut self.slots[(blanked >> (64 - REMEMBERED_BITS)) as usize];
        if slot.0 != blanked {
            *slot = (blanked, skeleton_id(message));
        }
        slot.1
    }
}

/// Lines of one application with one skeleton.
#[derive(Debug)]
struct Distinct {
    app: Box<str>,
    skeleton: u64,
    message: Box<[u8]>,
    lines: u64,
    first_us: TimestampUs,
    last_us: TimestampUs,
    severity: Option<u8>,
}

impl JobTemplates {
    /// Adds the next line.
    pub(super) fn push(&mut self, app: &str, message: &str, at_us: TimestampUs, severity: Option<u8>) {
        let (of_app, skeleton) = (xxh3_64(app.as_bytes()), self.remembered.skeleton(message.as_bytes()));
        let place = *self.places.entry((of_app, skeleton)).or_insert_with(|| {
            let (app, message) = (app.into(), message.as_bytes().into());
            self.distinct.push(Distinct { app, skeleton, message, lines: 0, first_us: at_us, last_us: at_us, severity });
            self.distinct.len() as u32 - 1
        });
        let distinct = &mut self.distinct[place as usize];
        distinct.lines += 1;
        distinct.first_us = distinct.first_us.min(at_us);
        distinct.last_us = distinct.last_us.max(at_us);
        distinct.severity = [distinct.severity, severity].into_iter().flatten().min();
        self.lines.push(place);
    }

    /// Learns the lines and gives the id of each, as the table stores it.
    pub(super) fn learn(self, templates: &Templates) -> Vec<i64> {
        let mut ids = vec![0; self.distinct.len()];
        let mut order: Vec<usize> = (0..self.distinct.len()).collect();
        order.sort_by(|a, b| self.distinct[*a].app.cmp(&self.distinct[*b].app));
        for run in order.chunk_by(|a, b| self.distinct[*a].app == self.distinct[*b].app) {
            let source = templates.sources().hear(&self.distinct[run[0]].app);
            let mut source = lock(&source);
            for index in run {
                ids[*index] = source.learn(&self.distinct[*index]).cast_signed();
            }
        }
        templates.remembered().push(self.remembered);
        self.lines.iter().map(|place| ids[*place as usize]).collect()
    }
}

/// A hash of the line in which every digit counts as the same one. Eight bytes at a time, each multiplied into the sum so
/// that all bits of it take part.
fn without_digits(seed: u64, message: &[u8]) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let mix = |sum: u64, word: u64| {
        let product = u128::from(sum ^ word) * 0x9e37_79b9_7f4a_7c15_u128;
        (product as u64) ^ ((product >> 64) as u64)
    };
    // A byte is a digit when its distance from '0' is below ten: then adding 0x76 does not reach the top bit.
    let blank = |word: u64| {
        let distance = word ^ 0x3030_3030_3030_3030;
        let digits = !(((distance & LOW) + 0x7676_7676_7676_7676) | distance) & !LOW;
        // 0xff stands in no UTF-8 text.
        word | ((digits >> 7) * 0xff)
    };
    let mut chunks = message.chunks_exact(8);
    let mut sum = mix(seed, message.len() as u64);
    for chunk in chunks.by_ref() {
        sum = mix(sum, blank(chunk.try_into().map_or(0, u64::from_le_bytes)));
    }
    let mut rest = [0; 8];
    let tail = chunks.remainder();
    rest[..tail.len()].copy_from_slice(tail);
    mix(sum, blank(u64::from_le_bytes(rest)))
}

impl Source {
    fn learn(&mut self, lines: &Distinct) -> u64 {
        let id = self.miner.learn_skeleton(lines.skeleton, &lines.message, lines.lines).0;
        let is_new = !self.known.contains_key(&id);
        // A template that others were joined into is not one that nobody has seen.
        let was_seen = is_new
            && self.miner.may_have_taken_in(TemplateId(id))
            && self.known.keys().any(|old| self.miner.canonical(TemplateId(*old)).0 == id);
        let earlier = self.known.get(&id).map_or(u64::from(was_seen) * 2, |known| known.lines);
        let now_s = lines.first_us.div_euclid(SECOND_US);
        let found = self.novelty.lines(now_s, earlier, lines.lines, lines.severity);
        if is_new && self.known.len() >= MAX_KNOWN {
            self.forget_one();
        }
        let fresh = Known { lines: 0, first_seen_us: lines.first_us, last_seen_us: lines.last_us, novelty: found.map(|found| found.score) };
        let known = self.known.entry(id).or_insert(fresh);
        known.lines += lines.lines;
        known.first_seen_us = known.first_seen_us.min(lines.first_us);
        known.last_seen_us = known.last_seen_us.max(lines.last_us);
        id
    }

    /// Lets the tenth go that was heard of the longest ago.
    fn forget_one(&mut self) {
        let mut times: Vec<TimestampUs> = self.known.values().map(|known| known.last_seen_us).collect();
        let middle = times.len() / 10;
        let (_, oldest_us, _) = times.select_nth_unstable(middle);
        let oldest_us = *oldest_us;
        let before = self.known.len();
        self.known.retain(|_, known| known.last_seen_us > oldest_us);
        // All of one moment: the order among them does not matter.
        if self.known.len() == before
            && let Some(any) = self.known.keys().next().copied()
        {
            self.known.remove(&any);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::template_sources::MAX_SOURCES;
    use super::*;
    use crate::clock::DAY_US;

    fn learn(templates: &Templates, lines: &[(&str, String, TimestampUs)]) -> Vec<i64> {
        let mut job = templates.job(0);
        lines.iter().for_each(|(app, message, at_us)| job.push(app, message, *at_us, Some(4)));
        job.learn(templates)
    }

    #[test]
    fn lines_of_one_statement_have_one_id_and_applications_do_not_mix() {
        let templates = Templates::default();
        let lines: Vec<_> = (0..100).map(|n| (["shop", "cron"][n % 2], format!("request {n} took {n} ms"), n as i64)).collect();
        let ids = learn(&templates, &lines);
        assert!(ids.iter().all(|id| *id == ids[0]), "the id is the template's, whoever writes it");
        let rows = templates.rows();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].known.lines, rows[0].text.as_deref()), (50, Some("request <*> took <*> ms")));
        assert_eq!((rows[0].known.first_seen_us, rows[0].known.last_seen_us), (1, 99));
    }

    #[test]
    fn a_new_template_after_the_first_day_is_a_novelty() {
        let templates = Templates::default();
        let usual = |day: i64| (0..500).map(move |n| ("shop", format!("request {n} took {n} ms"), day * DAY_US + n)).collect::<Vec<_>>();
        learn(&templates, &usual(0));
        learn(&templates, &[("shop", "payment refused by bank".into(), DAY_US / 2)]);
        learn(&templates, &usual(2));
        learn(&templates, &[("shop", "the disk has no more space".into(), 2 * DAY_US)]);
        let novelty = |text: &str| templates.rows().into_iter().find(|row| row.text.as_deref() == Some(text)).unwrap().known.novelty;
        assert_eq!(novelty("payment refused by bank"), None, "on the first day everything is new");
        assert!(novelty("the disk has no more space").unwrap() > 2.0);
    }

    #[test]
    fn only_digits_are_blanked_out() {
        let hash = |text: &str| without_digits(7, text.as_bytes());
        assert_eq!(hash("request 17 took 3 ms"), hash("request 98 took 0 ms"));
        for other in [
            "request 17 took 3 mz",
            "request 17 took x ms",
            "request 177 took 3 ms",
            "request :7 took 3 ms",
            "request /7 took 3 ms",
            "request 1\u{b7} took 3 ms",
        ] {
            assert_ne!(hash("request 17 took 3 ms"), hash(other), "{other}");
        }
        for byte in 0..=254_u8 {
            assert_eq!(without_digits(7, &[byte; 9]) == without_digits(7, b"000000000"), byte.is_ascii_digit(), "{byte}");
        }
    }

    #[test]
    fn what_earlier_jobs_remembered_changes_no_id() {
        let templates = Templates::default();
        let lines: Vec<_> = (0..3_000).map(|n| (["shop", "cron"][n % 2], format!("{} of run{n} took {n} ms", n % 7), n as i64)).collect();
        let ids = learn(&templates, &lines);
        assert_eq!(learn(&templates, &lines), ids);
        assert_eq!(templates.remembered.lock().unwrap().len(), 1, "one job after the other needs no more");
        let alone: Vec<i64> = lines.iter().flat_map(|line| learn(&Templates::default(), std::slice::from_ref(line))).collect();
        assert_eq!(alone, ids);
    }

    #[test]
    fn the_state_survives_a_restart() {
        let templates = Templates::default();
        let lines: Vec<_> = (0..50).map(|n| ("app", format!("user u{n} logged in from 10.0.0.{n}"), n)).collect();
        let ids = learn(&templates, &lines);
        let again = Templates::from_bytes(&templates.to_bytes()).unwrap();
        assert_eq!(again.rows(), templates.rows());
        assert_eq!(learn(&again, &lines), ids);
        let mut torn = templates.to_bytes();
        torn.pop();
        assert!(Templates::from_bytes(&torn).is_none());
    }

    #[test]
    fn invented_applications_fill_no_memory() {
        let templates = Templates::default();
        let lines: Vec<_> = (0..2_000).map(|n| (Box::leak(format!("app{n}").into_boxed_str()) as &str, "hello".to_owned(), n)).collect();
        learn(&templates, &lines);
        assert!(templates.sources().all().len() <= MAX_SOURCES + 1);
    }
}
