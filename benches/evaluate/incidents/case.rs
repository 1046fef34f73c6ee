//! A labelled fault: the findings it made, and where it truly came from.

use std::collections::BTreeSet;

use watchroom::incident::{Asset, Dependency, Signal};

/// Hosts, services and what depends on what.
#[derive(Debug, Clone, Default)]
pub(super) struct Site {
    pub(super) assets: Vec<Asset>,
    pub(super) dependencies: Vec<Dependency>,
}

/// One fault, beginning at time 0.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    /// In the order of `window_end_us`; repetitions too. Fingerprints first seen before time 0 are noise.
    pub(super) signals: Vec<Signal>,
    /// Fingerprints that were there before the fault.
    pub(super) noise: BTreeSet<String>,
    /// True cause: places, or if these are empty, subjects.
    pub(super) places: Vec<String>,
    pub(super) subjects: Vec<String>,
    pub(super) site: Site,
}

impl Case {
    /// A fault with these findings, of which those before time 0 are noise; none without any others.
    pub(super) fn new(name: String, signals: Vec<Signal>, places: Vec<String>, subjects: Vec<String>, site: Site) -> Option<Self> {
        let before = signals.iter().filter(|signal| signal.onset_us < 0).map(|signal| signal.fingerprint.clone());
        let noise: BTreeSet<String> = before.collect();
        let has_others = signals.iter().any(|signal| !noise.contains(&signal.fingerprint));
        has_others.then_some(Self { name, signals, noise, places, subjects, site })
    }

    /// The same fault in a copy of its system.
    pub(super) fn copied(&self, copy: &str) -> Self {
        let named = |name: &str| format!("{copy}.{name}");
        let mut case = self.clone();
        for signal in &mut case.signals {
            for (column, value) in &mut signal.entity {
                if column != "metric" {
                    *value = named(value);
                }
            }
            signal.fingerprint = named(&signal.fingerprint);
        }
        case.noise = case.noise.iter().map(|one| named(one)).collect();
        case.places = case.places.iter().map(|place| named(place)).collect();
        case.site.assets = case
            .site
            .assets
            .iter()
            .map(|asset| Asset {
                name: named(&asset.name),
                services: asset.services.iter().map(|one| named(one)).collect(),
                rack: asset.rack.as_deref().map(named),
            })
            .collect();
        let dependencies = case.site.dependencies.iter();
        case.site.dependencies =
            dependencies.map(|one| Dependency { dependent: named(&one.dependent), upstream: named(&one.upstream) }).collect();
        case
    }

    /// The same fault, beginning at `start_us`.
    pub(super) fn at(mut self, start_us: i64) -> Self {
        for signal in &mut self.signals {
            signal.onset_us += start_us;
            signal.window_end_us += start_us;
        }
        self
    }
}

/// Repeatable random numbers: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }
}
