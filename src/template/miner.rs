//! The stateful miner: templates of one source, learned line by line.

use hashbrown::HashMap;

use super::alias::Aliases;
use super::cue::cues;
use super::generalise::{Candidate, merges};
use super::identity::{VALUE, sequence_id, skeleton_id};
use super::known_hash::KnownHash;
use super::render::render;
use super::skeleton::{Part, Piece, absorb, elements, pieces};
use super::tree::Tree;

/// Templates of a source that are kept.
pub const MAX_TEMPLATES: usize = 10_000;

/// Pieces of all templates together: forty a template. Hostile lines with hundreds of marks use up this budget, not the
/// memory of the machine: at most about 30 MB a source.
const MAX_ALL_PIECES: usize = 40 * MAX_TEMPLATES;

/// Skeletons whose template is remembered. Past that all are forgotten and found again.
const MAX_KNOWN: usize = 65_536;

/// A template that had a line among so many last ones is in use and does not make room for others: when all are in use,
/// new lines get the overflow template. Ten lines for each template that is kept.
const IN_USE: u64 = 10 * MAX_TEMPLATES as u64;

/// Lines of a template that are all compared with it; after that one in [`SAMPLE_EVERY`].
const COMPARE_FIRST: u64 = 64;

/// A power of two, so that the sample costs a shift. Comparing takes a few microseconds, a hit 0.1: one in 512 adds a few per cent.
const SAMPLE_EVERY: u64 = 512;

/// Lines after which few lines of a template mean that it is rare. The size of the samples that log parsing is judged by,
/// and minutes of a quiet host's log.
const RIPE_AFTER: u64 = 2_000;

/// Lines after which a new template makes the miner look at the whole again, however few templates are new.
const SETTLE_EVERY: u64 = 50_000;

/// Rounds of generalisation in one settling: each takes away one word a template, and templates differ in few places.
const MAX_ROUNDS: usize = 6;

/// The id of a template: stable across restarts and machines. See [`super`] for what it is a hash of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TemplateId(pub u64);

impl TemplateId {
    /// The template of lines for which there was no room.
    pub const OVERFLOW: Self = Self(u64::MAX);
}

/// A template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) id: u64,
    pub(super) pieces: Vec<Piece>,
    pub(super) elements: Vec<u64>,
    /// Whether words became values, so that other skeletons can belong to it.
    pub(super) general: bool,
    pub(super) hits: u64,
    /// The number of the first line it had.
    pub(super) first_line: u64,
    /// The number of the last line it had.
    pub(super) last_line: u64,
}

/// The templates of one source. See [`super`] for the contract.
#[derive(Debug, Clone, Default)]
pub struct Miner {
    pub(super) templates: Vec<Template>,
    pub(super) aliases: Aliases,
    /// Lines learned so far.
    pub(super) lines: u64,
    /// Lines that got the overflow template.
    pub(super) overflowed: u64,
    /// The number of lines at the last settling.
    pub(super) settled_at: u64,
    /// Templates made since the last settling.
    pub(super) unsettled: u64,
    /// The line before which it is not worth trying to make room.
    pub(super) full_until: u64,
    /// Pieces of all templates.
    held: usize,
    by_id: HashMap<u64, u32, KnownHash>,
    known: HashMap<u64, u32, KnownHash>,
    tree: Tree,
}

impl Miner {
    /// A miner that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns a line and gives the id of its template as it stands.
    #[inline]
    pub fn learn(&mut self, message: &[u8]) -> TemplateId {
        self.learn_skeleton(skeleton_id(message), message, 1)
    }

    /// [`Miner::learn`] for a caller that has computed the [`skeleton_id`] already, and has seen `lines` lines with it of
    /// which `message` is one.
    #[inline]
    pub fn learn_skeleton(&mut self, skeleton: u64, message: &[u8], lines: u64) -> TemplateId {
        self.lines += lines;
        match self.known.get(&skeleton) {
            Some(&index) => self.hit(index as usize, message, lines),
            None => self.miss(skeleton, message, lines),
        }
    }

    #[inline]
    fn hit(&mut self, index: usize, message: &[u8], lines: u64) -> TemplateId {
        let template = &mut self.templates[index];
        let before = template.hits;
        template.hits += lines;
        template.last_line = self.lines;
        if before < COMPARE_FIRST || before / SAMPLE_EVERY != template.hits / SAMPLE_EVERY {
            let before = template.pieces.len();
            absorb(&mut template.pieces, &pieces(message));
            self.held = self.held + template.pieces.len() - before;
        }
        TemplateId(template.id)
    }

    /// A skeleton that is not known: an old one, one of a generalised template, or a new one.
    #[cold]
    fn miss(&mut self, skeleton: u64, message: &[u8], lines: u64) -> TemplateId {
        let id = self.aliases.resolve(skeleton);
        if let Some(&index) = self.by_id.get(&id) {
            self.remember(skeleton, index);
            return self.hit(index as usize, message, lines);
        }
        let pieces = pieces(message);
        let (elements, _) = elements(&pieces);
        if let Some(index) = self.tree.find(&elements) {
            self.remember(skeleton, index);
            return self.hit(index as usize, message, lines);
        }
        if (self.templates.len() >= MAX_TEMPLATES || self.held >= MAX_ALL_PIECES) && !self.make_room() {
            self.overflowed += lines;
            return TemplateId::OVERFLOW;
        }
        let index = self.templates.len() as u32;
        self.held += pieces.len();
        self.templates.push(Template {
            id: skeleton,
            pieces,
            elements,
            general: false,
            hits: lines,
            first_line: self.lines,
            last_line: self.lines,
        });
        self.by_id.insert(skeleton, index);
        self.remember(skeleton, index);
        self.unsettled += 1;
        // Settling looks at all templates: its cost a new template stays constant if it waits for a share of them.
        if self.unsettled >= 64.max(self.templates.len() as u64 / 4) || self.lines >= self.settled_at + SETTLE_EVERY {
            self.settle_ripe(RIPE_AFTER);
        }
        TemplateId(self.aliases.resolve(skeleton))
    }

    fn remember(&mut self, skeleton: u64, index: u32) {
        if self.known.len() >= MAX_KNOWN {
            self.known.clear();
        }
        self.known.insert(skeleton, index);
    }

    /// Lets the least recently used sixteenth go, if it is out of use.
    fn make_room(&mut self) -> bool {
        if self.lines < self.full_until {
            return false;
        }
        let mut ages: Vec<u64> = self.templates.iter().map(|template| template.last_line).collect();
        let nth = ages.len() / 16;
        let (_, &mut limit, _) = ages.select_nth_unstable(nth);
        let limit = limit.min(self.lines.saturating_sub(IN_USE));
        let before = self.templates.len();
        self.templates.retain(|template| template.last_line > limit);
        self.reindex();
        let made = self.templates.len() < before;
        if !made {
            self.full_until = self.lines + IN_USE / 16;
        }
        made
    }

    /// Looks at the whole, as at the end of a file: no more lines are waited for before a template counts as rare.
    ///
    /// While lines come this happens by itself, but for templates that are too young to tell whether they are rare.
    pub fn settle(&mut self) {
        self.settle_ripe(0);
    }

    /// Generalises: words that turn out to be values become so, and ids of the templates that this joins become aliases.
    ///
    /// The outcome depends on the templates and their counts, not on the order in which they came.
    fn settle_ripe(&mut self, ripe_after: u64) {
        self.unsettled = 0;
        self.settled_at = self.lines;
        for _ in 0..MAX_ROUNDS {
            self.templates.sort_unstable_by_key(|template| template.id);
            let cues: Vec<_> = self.templates.iter().map(|template| cues(&template.pieces)).collect();
            let candidates: Vec<Candidate<'_>> = self
                .templates
                .iter()
                .zip(&cues)
                .map(|(template, cues)| {
                    let ripe = self.lines - template.first_line.min(self.lines) >= ripe_after;
                    Candidate { elements: &template.elements, cues, hits: template.hits, ripe }
                })
                .collect();
            let merges = merges(&candidates);
            if merges.is_empty() {
                break;
            }
            for merge in merges {
                self.merge(&merge.members, merge.elements);
            }
            self.templates.retain(|template| !template.pieces.is_empty() || template.hits > 0);
            self.join_same();
        }
        self.aliases.compress();
        self.reindex();
    }

    /// Makes the first member the generalised template and empties the others.
    fn merge(&mut self, members: &[usize], elements: Vec<u64>) {
        let id = sequence_id(&elements);
        let hits = members.iter().map(|&index| self.templates[index].hits).sum();
        let first_line = members.iter().map(|&index| self.templates[index].first_line).min().unwrap_or(0);
        let last_line = members.iter().map(|&index| self.templates[index].last_line).max().unwrap_or(0);
        for &index in members {
            self.aliases.link(self.templates[index].id, id);
        }
        // The member with most lines lends its pieces; its varying word becomes a value.
        let Some(&first) = members.iter().max_by_key(|&&index| (self.templates[index].elements == elements, self.templates[index].hits))
        else {
            return;
        };
        let pieces = generalised(&self.templates[first], &elements);
        for &index in members {
            self.templates[index].hits = 0;
            self.templates[index].pieces.clear();
        }
        self.templates[first] = Template { id, pieces, elements, general: true, hits, first_line, last_line };
    }

    /// Joins templates that came to have the same id.
    fn join_same(&mut self) {
        self.templates.sort_by_key(|template| template.id);
        self.templates.dedup_by(|later, first| {
            let same = later.id == first.id;
            if same {
                first.hits += later.hits;
                first.first_line = first.first_line.min(later.first_line);
                first.last_line = first.last_line.max(later.last_line);
                first.general |= later.general;
                absorb(&mut first.pieces, &later.pieces);
            }
            same
        });
    }

    /// Builds what can be computed from the templates.
    pub(super) fn reindex(&mut self) {
        self.known.clear();
        self.by_id.clear();
        self.tree = Tree::default();
        self.held = self.templates.iter().map(|template| template.pieces.len()).sum();
        for (index, template) in self.templates.iter().enumerate() {
            self.by_id.insert(template.id, index as u32);
            if template.general {
                self.tree.insert(&template.elements, index as u32);
            }
        }
    }

    /// How many templates there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Whether no template was made yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The template of a message as it stands, without learning: for queries. `None` if no line like it was ever learned.
    #[must_use]
    pub fn find(&self, message: &[u8]) -> Option<TemplateId> {
        let id = self.aliases.resolve(skeleton_id(message));
        let index = self.by_id.get(&id).copied().or_else(|| self.tree.find(&elements(&pieces(message)).0))?;
        self.templates.get(index as usize).map(|template| TemplateId(template.id))
    }

    /// All templates: id, text, and how many lines it had.
    pub fn templates(&self) -> impl Iterator<Item = (TemplateId, String, u64)> + '_ {
        self.templates.iter().map(|template| (TemplateId(template.id), render(&template.pieces, template.hits), template.hits))
    }

    /// Every id that was given and has become another, with the one that it stands for today.
    pub fn aliases(&self) -> impl Iterator<Item = (TemplateId, TemplateId)> + '_ {
        self.aliases.pairs().map(|(old, _)| (TemplateId(old), TemplateId(self.aliases.resolve(old))))
    }

    /// Lines learned so far.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Lines that got [`TemplateId::OVERFLOW`].
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// The id that an id given earlier stands for today.
    #[must_use]
    pub fn canonical(&self, id: TemplateId) -> TemplateId {
        TemplateId(self.aliases.resolve(id.0))
    }

    /// Whether other ids may have become this one: `false` is certain, and no walk over the ids is needed to say so.
    #[must_use]
    pub fn may_have_taken_in(&self, id: TemplateId) -> bool {
        self.aliases.may_have_taken_in(id.0)
    }

    /// The text of a template (of the canonical one, for an old id), or `None` if it was never known or let go.
    #[must_use]
    pub fn template(&self, id: TemplateId) -> Option<String> {
        if id == TemplateId::OVERFLOW {
            return Some(super::render::WILDCARD.to_owned());
        }
        let index = *self.by_id.get(&self.aliases.resolve(id.0))?;
        let template = self.templates.get(index as usize)?;
        Some(render(&template.pieces, template.hits))
    }
}

/// The pieces of a member with the words that are no longer among the elements turned into values.
fn generalised(template: &Template, general: &[u64]) -> Vec<Piece> {
    let mut pieces = template.pieces.clone();
    let (own, places) = elements(&pieces);
    if own == general {
        return pieces;
    }
    // The generalised sequence is the member's own with one word less: the common beginning and end leave that word.
    let head = own.iter().zip(general).take_while(|(a, b)| a == b).count();
    let tail = own[head..].iter().rev().zip(general[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    for at in head..own.len() - tail {
        if own[at] != VALUE {
            pieces[places[at]].part = Part::Value(None);
        }
    }
    pieces
}

#[cfg(test)]
#[path = "miner_tests.rs"]
mod tests;
