//! Which applications have a template miner of their own: a bounded number, and none for ever.

use std::sync::{Arc, Mutex};

use hashbrown::HashMap;

use super::templates::Source;
use crate::clock::{DAY_US, TimestampUs};

/// Applications with a miner of their own; the others share one, so that a sender that makes up names fills no memory.
pub(super) const MAX_SOURCES: usize = 512;

/// An application that was not heard of for this long makes room for one that comes; what is known of its templates goes.
/// Whatever runs weekly keeps its place.
const SILENT_AFTER_US: i64 = 8 * DAY_US;

/// The applications, and under the empty name those without a place and those without a name.
#[derive(Debug)]
pub(super) struct Sources {
    by_app: HashMap<Box<str>, Place>,
    /// The latest time of receipt: the senders' own times may be anything.
    now_us: TimestampUs,
    /// Before this moment nobody has been silent long enough; it spares a search for each new name.
    full_until_us: TimestampUs,
}

#[derive(Debug)]
struct Place {
    source: Arc<Mutex<Source>>,
    heard_us: TimestampUs,
}

impl Default for Sources {
    fn default() -> Self {
        Self::restored([])
    }
}

impl Sources {
    /// Those that were saved.
    pub(super) fn restored(saved: impl IntoIterator<Item = (Box<str>, Source)>) -> Self {
        let place = |source: Source| {
            let heard_us = source.known.values().map(|known| known.last_seen_us).max().unwrap_or(0);
            Place { heard_us, source: Arc::new(Mutex::new(source)) }
        };
        let by_app = saved.into_iter().map(|(app, source)| (app, place(source))).collect();
        Self { by_app, now_us: TimestampUs::MIN, full_until_us: TimestampUs::MIN }
    }

    /// Lines were received at this moment.
    pub(super) fn received(&mut self, at_us: TimestampUs) {
        if self.now_us == TimestampUs::MIN {
            // What was heard before the start was not heard after it, whatever its lines said.
            self.by_app.values_mut().for_each(|place| place.heard_us = place.heard_us.min(at_us));
        }
        self.now_us = self.now_us.max(at_us);
    }

    /// The miner of an application that is heard of now.
    pub(super) fn hear(&mut self, app: &str) -> Arc<Mutex<Source>> {
        let now_us = self.now_us;
        let name = if self.by_app.contains_key(app) || self.has_room() { app } else { "" };
        let place = self.by_app.entry_ref(name).or_insert_with(|| Place { source: Arc::default(), heard_us: now_us });
        place.heard_us = place.heard_us.max(now_us);
        place.source.clone()
    }

    /// Every application with its miner.
    pub(super) fn all(&self) -> Vec<(Box<str>, Arc<Mutex<Source>>)> {
        self.by_app.iter().map(|(app, place)| (app.clone(), place.source.clone())).collect()
    }

    /// Whether there is a place for one more: a free one, or that of the application unheard of for the longest time.
    fn has_room(&mut self) -> bool {
        if self.by_app.len() < MAX_SOURCES {
            return true;
        }
        if self.now_us < self.full_until_us {
            return false;
        }
        let named = self.by_app.iter().filter(|(app, _)| !app.is_empty());
        let Some((app, heard_us)) = named.map(|(app, place)| (app.clone(), place.heard_us)).min_by_key(|(_, heard_us)| *heard_us) else {
            return false;
        };
        self.full_until_us = heard_us.saturating_add(SILENT_AFTER_US);
        let is_silent = self.now_us >= self.full_until_us;
        if is_silent {
            self.by_app.remove(&app);
        }
        is_silent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(at_us: TimestampUs) -> Sources {
        let mut sources = Sources::default();
        sources.received(at_us);
        (0..MAX_SOURCES).for_each(|n| drop(sources.hear(&format!("app{n}"))));
        sources
    }

    fn has(sources: &Sources, app: &str) -> bool {
        sources.by_app.contains_key(app)
    }

    #[test]
    fn a_new_application_takes_the_place_of_one_that_is_long_silent() {
        let mut sources = full(DAY_US);
        let shared = sources.hear("late");
        assert!(Arc::ptr_eq(&shared, &sources.hear("later")), "both are counted together");
        sources.received(5 * DAY_US);
        (1..MAX_SOURCES).for_each(|n| drop(sources.hear(&format!("app{n}"))));
        sources.received(DAY_US + SILENT_AFTER_US - 1);
        assert!(Arc::ptr_eq(&shared, &sources.hear("late")));
        sources.received(DAY_US + SILENT_AFTER_US);
        assert!(!Arc::ptr_eq(&shared, &sources.hear("late")));
        assert!(has(&sources, "late") && has(&sources, "app1") && !has(&sources, "app0"));
        assert!(Arc::ptr_eq(&shared, &sources.hear("later")), "only one was silent");
        assert_eq!(sources.by_app.len(), MAX_SOURCES + 1);
    }

    #[test]
    fn lines_from_the_future_hold_no_place_over_a_restart() {
        let known = super::super::templates::Known { last_seen_us: TimestampUs::MAX, ..Default::default() };
        let source = || Source { known: HashMap::from([(1, known)]), ..Source::default() };
        let mut sources = Sources::restored((0..MAX_SOURCES).map(|n| (format!("app{n}").into(), source())));
        sources.received(DAY_US);
        sources.hear("other");
        assert!(!has(&sources, "other"));
        sources.received(DAY_US + SILENT_AFTER_US);
        sources.hear("other");
        assert!(has(&sources, "other"));
    }
}
