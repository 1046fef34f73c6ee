//! Plays faults through the grouper and counts what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use watchroom::incident::{Asset, Cause, Dependency, Grouper, IncidentId, Settings, Signal, Topology};

use super::case::{Case, Dice, Site};

const MINUTE_US: i64 = 60_000_000;
const HOUR_US: i64 = 60 * MINUTE_US;
/// Faults that begin within a quarter of an hour when they are played at once.
const AT_ONCE: usize = 3;

/// How faults lie on the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Apart,
    AtOnce,
    InARow,
}

impl Layout {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Apart => "apart",
            Self::AtOnce => "at once",
            Self::InARow => "in a row",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    faults: usize,
    fingerprints: usize,
    /// Sum over faults: share of its fingerprints in its main incident.
    share: f64,
    incidents: usize,
    /// Pairs of faults with different causes and the same main incident.
    merged_pairs: usize,
    /// Pairs of faults with the same cause and the same main incident.
    same_cause_pairs: usize,
    /// Fingerprints in an incident that mostly belongs to another fault.
    strayed: usize,
    ranked: usize,
    first: [usize; 3],
    /// The true cause is anywhere in the main incident.
    anywhere: usize,
    /// Expected hits of a random order.
    chance: [f64; 3],
}

impl Figures {
    pub(super) const HEADER: &'static str = concat!(
        "set      layout     part        faults prints incid.  share  merged (same) strayed | ",
        "cause in 1    3    5  all (by chance  1    3    5) of"
    );

    pub(super) fn row(&self, set: &str, layout: &str, part: &str) -> String {
        let of = |count: f64, all: usize| if all == 0 { 0.0 } else { 100.0 * count / all as f64 };
        let [one, three, five] = self.first.map(|hits| of(hits as f64, self.ranked));
        let [by_one, by_three, by_five] = self.chance.map(|hits| of(hits, self.ranked));
        format!(
            "{set:8} {layout:10} {part:11} {:6} {:6} {:6} {:5.1}% {:7} {:6} {:6.1}% \
             | {one:9.0}% {three:3.0}% {five:3.0}% {:3.0}% {:11.0}% {by_three:3.0}% {by_five:3.0}% {:4}",
            self.faults,
            self.fingerprints,
            self.incidents,
            of(self.share, self.faults),
            self.merged_pairs,
            self.same_cause_pairs,
            of(self.strayed as f64, self.fingerprints),
            of(self.anywhere as f64, self.ranked),
            by_one,
            self.ranked
        )
    }
}

pub(super) fn play(cases: &[&Case], layout: Layout, settings: &Settings) -> Figures {
    let mut dice = Dice::new(11);
    let mut placed: Vec<Case> = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        placed.push(match layout {
            Layout::InARow => (*case).clone().at(at as i64 * HOUR_US / 2),
            Layout::Apart => (*case).clone().at(at as i64 * 6 * HOUR_US),
            Layout::AtOnce => {
                let offset_us = dice.below(15 * 60) as i64 * 1_000_000;
                (*case).copied(&format!("c{}", at % AT_ONCE)).at((at / AT_ONCE) as i64 * 6 * HOUR_US + offset_us)
            }
        });
    }
    let mut site = Site::default();
    for case in &placed {
        site.assets.extend(case.site.assets.iter().cloned());
        site.dependencies.extend(case.site.dependencies.iter().cloned());
    }
    let mut total = Figures::default();
    let labelled = placed.iter().enumerate().flat_map(|(at, case)| {
        let label = move |signal: &Signal| (!case.noise.contains(&signal.fingerprint)).then_some(at);
        case.signals.iter().map(move |signal| (label(signal), signal.clone()))
    });
    let truth: Vec<Truth<'_>> = placed.iter().map(|case| Truth { places: &case.places, subjects: &case.subjects }).collect();
    run(labelled.collect(), &truth, &site, settings, &mut total);
    total
}

/// Plays an axis as it is, with findings that belong to no fault.
pub(super) fn play_timeline(labelled: Vec<(Option<usize>, Signal)>, places: &[Vec<String>], site: &Site, settings: &Settings) -> Figures {
    let truth: Vec<Truth<'_>> = places.iter().map(|places| Truth { places, subjects: &[] }).collect();
    let mut total = Figures::default();
    run(labelled, &truth, site, settings, &mut total);
    total
}

/// Causes of an incident, and the subject of each of its fingerprints.
type Ranking = (Vec<Cause>, Vec<(String, String)>);

struct Truth<'a> {
    places: &'a [String],
    subjects: &'a [String],
}

fn run(mut labelled: Vec<(Option<usize>, Signal)>, truth: &[Truth<'_>], site: &Site, settings: &Settings, figures: &mut Figures) {
    labelled.sort_by_key(|(_, signal)| signal.window_end_us);
    let mut grouper = Grouper::new(settings.clone(), topology(site));
    // Of each fault: its fingerprints, and where each went.
    let mut went: Vec<BTreeMap<String, IncidentId>> = vec![BTreeMap::new(); truth.len()];
    let mut ranked: BTreeMap<IncidentId, Ranking> = BTreeMap::new();
    let mut clock_us = labelled.first().map_or(0, |(_, signal)| signal.window_end_us);
    let mut all = BTreeSet::new();
    for (fault, signal) in labelled {
        let now_us = signal.window_end_us;
        // The clock runs by the minute, and stops running when nothing is left to end.
        while clock_us < now_us && grouper.incidents().next().is_some() {
            clock_us += MINUTE_US;
            grouper.step(clock_us);
        }
        clock_us = clock_us.max(now_us);
        let fingerprint = signal.fingerprint.clone();
        let placement = grouper.place(signal, now_us);
        let Some(id) = placement.incident else { continue };
        all.insert(id);
        for gone in placement.merged {
            all.remove(&gone);
            went.iter_mut().flat_map(BTreeMap::values_mut).filter(|one| **one == gone).for_each(|one| *one = id);
        }
        if let Some(fault) = fault {
            went[fault].entry(fingerprint).or_insert(id);
        }
        if let Some(incident) = grouper.incident(id) {
            let subjects = incident.members.iter().map(|one| (one.signal.fingerprint.clone(), one.signal.subject.clone())).collect();
            ranked.insert(id, (Vec::new(), subjects));
        }
        let by_member = fault.is_some_and(|fault| !truth[fault].subjects.is_empty());
        let causes = if by_member { grouper.member_causes(id) } else { grouper.causes(id) };
        if let Some(entry) = ranked.get_mut(&id) {
            entry.0 = causes;
        }
    }
    figures.incidents += all.len();
    count(&went, &ranked, truth, figures);
}

fn count(went: &[BTreeMap<String, IncidentId>], ranked: &BTreeMap<IncidentId, Ranking>, truth: &[Truth<'_>], figures: &mut Figures) {
    let mut owners: BTreeMap<IncidentId, BTreeMap<usize, usize>> = BTreeMap::new();
    for (fault, prints) in went.iter().enumerate() {
        for id in prints.values() {
            *owners.entry(*id).or_default().entry(fault).or_default() += 1;
        }
    }
    let mut mains: BTreeMap<IncidentId, Vec<usize>> = BTreeMap::new();
    for (fault, prints) in went.iter().enumerate().filter(|(_, prints)| !prints.is_empty()) {
        let mut by_incident: BTreeMap<IncidentId, usize> = BTreeMap::new();
        prints.values().for_each(|id| *by_incident.entry(*id).or_default() += 1);
        let Some((main, most)) = by_incident.into_iter().max_by_key(|(id, count)| (*count, std::cmp::Reverse(*id))) else { continue };
        figures.faults += 1;
        figures.fingerprints += prints.len();
        figures.share += most as f64 / prints.len() as f64;
        figures.strayed +=
            prints.values().filter(|id| owners[*id].iter().max_by_key(|(_, count)| **count).is_some_and(|(one, _)| *one != fault)).count();
        let before = mains.entry(main).or_default();
        let same = before.iter().filter(|one| !truth[**one].places.is_empty() && truth[**one].places == truth[fault].places).count();
        figures.same_cause_pairs += same;
        figures.merged_pairs += before.len() - same;
        before.push(fault);
        let Some((causes, subjects)) = ranked.get(&main) else { continue };
        let is_true = |cause: &Cause| {
            let subject = subjects.iter().find(|(print, _)| *print == cause.fingerprint).map(|(_, subject)| subject);
            truth[fault].places.contains(&cause.place) || subject.is_some_and(|subject| truth[fault].subjects.contains(subject))
        };
        let hits: Vec<bool> = causes.iter().map(is_true).collect();
        figures.ranked += 1;
        figures.anywhere += usize::from(hits.contains(&true));
        for (at, first) in [1, 3, 5].into_iter().enumerate() {
            figures.first[at] += usize::from(hits.iter().take(first).any(|hit| *hit));
            figures.chance[at] += chance(hits.len(), hits.iter().filter(|hit| **hit).count(), first);
        }
    }
}

/// That one of `good` among `all` is in the first `first` of a random order.
fn chance(all: usize, good: usize, first: usize) -> f64 {
    let mut miss = 1.0;
    for at in 0..first.min(all) {
        miss *= (all.saturating_sub(good + at)) as f64 / (all - at) as f64;
    }
    1.0 - miss
}

fn topology(site: &Site) -> Topology {
    let assets: Vec<Asset> = site.assets.clone();
    let dependencies: Vec<Dependency> = site.dependencies.clone();
    Topology::new(&assets, &dependencies)
}
