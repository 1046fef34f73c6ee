//! Which id a template has today, for every id it ever had.

use hashbrown::{HashMap, HashSet};

/// Ids that are remembered. More than six old ids for each of the 10,000 templates of a source: past that the oldest go.
const MAX_ALIASES: usize = 65_536;

/// A forest of ids: each points to the more general one that took it in.
#[derive(Debug, Clone, Default)]
pub(super) struct Aliases {
    parent: HashMap<u64, u64>,
    /// In the order of their making, so that the oldest can go.
    made: Vec<u64>,
    /// All ids that another points or pointed to.
    taken_in: HashSet<u64>,
}

impl Aliases {
    /// The id that `id` stands for today: itself, when it was never generalised.
    pub(super) fn resolve(&self, id: u64) -> u64 {
        let mut at = id;
        // Paths are compressed when links are made, so this turns a handful of times; the bound only guards the loop.
        for _ in 0..64 {
            match self.parent.get(&at) {
                Some(&next) => at = next,
                None => break,
            }
        }
        at
    }

    /// Whether other ids may stand for this one: `false` is certain.
    pub(super) fn may_have_taken_in(&self, id: u64) -> bool {
        self.taken_in.contains(&id)
    }

    /// Makes `old` (and all that stands for it) stand for `new`.
    pub(super) fn link(&mut self, old: u64, new: u64) {
        let (old, root) = (self.resolve(old), self.resolve(new));
        if old == root {
            return;
        }
        if self.made.len() >= MAX_ALIASES {
            for id in self.made.drain(..MAX_ALIASES / 4) {
                self.parent.remove(&id);
            }
            self.taken_in = self.parent.values().copied().collect();
        }
        self.taken_in.insert(root);
        if self.parent.insert(old, root).is_none() {
            self.made.push(old);
        }
    }

    /// Shortens every path to one step.
    pub(super) fn compress(&mut self) {
        for index in 0..self.made.len() {
            let id = self.made[index];
            let root = self.resolve(id);
            self.parent.insert(id, root);
        }
    }

    /// All pairs of an old id and the id it points to, oldest first.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.made.iter().filter_map(|id| self.parent.get(id).map(|parent| (*id, *parent)))
    }

    /// Restores one pair as [`Aliases::pairs`] gave it.
    pub(super) fn restore(&mut self, old: u64, new: u64) {
        if self.made.len() < MAX_ALIASES && old != new && self.parent.insert(old, new).is_none() {
            self.made.push(old);
            self.taken_in.insert(new);
        }
    }
}
