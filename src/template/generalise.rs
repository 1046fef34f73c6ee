//! Which words of which templates are values after all: a decision from all templates and their counts at once.
//!
//! Templates that are the same but for one place form a family. The place holds a value when the family looks like an
//! open set (many members, most of them rare, or a value among them), and holds text when it looks like a handful of
//! events, each of them common (`started`, `stopped`).

use hashbrown::HashMap;

use super::identity::{VALUE, fold, sequence_id};

/// What the text before a place says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cue {
    None,
    /// A preposition that often has a name after it.
    Preposition,
    /// A word that is the kind of a name (`user`), or an equals sign.
    Kind,
}

/// What the decision needs to know of a template.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) elements: &'a [u64],
    /// For each element, what stands before it.
    pub(super) cues: &'a [Cue],
    pub(super) hits: u64,
    /// Whether it has been there long enough for few lines to mean that it is rare.
    pub(super) ripe: bool,
}

/// Templates that become one, and the elements of the one that they become.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Merge {
    pub(super) members: Vec<usize>,
    pub(super) elements: Vec<u64>,
}

/// All templates that are the same but for the element at one place.
#[derive(Debug, Default)]
struct Family {
    at: usize,
    /// Whether the members lose a word beside a value, so that they are as long as the template that has only the value.
    beside: bool,
    /// (element, template)
    members: Vec<(u64, usize)>,
}

/// Members of a family that are enough whatever their counts: no handful of events has so many.
const MANY: usize = 8;

/// The same for the first place, or where one word alone would stay: messages seldom begin with a value that has no digit.
const MANY_AT_START: usize = 12;

/// Members that are enough when most of them are rare.
const FEW: usize = 4;

/// Members that are enough where one of them has the value and the others a rare word beside it.
const FEW_BESIDE: usize = 3;

/// Lines of a member that is rare.
const RARE: u64 = 2;

/// How many times more common the template with the value must be than one with a rare word beside the value.
const RARE_SHARE: u64 = 4;

/// The merges that the candidates ask for; no candidate is in two of them.
pub(super) fn merges(candidates: &[Candidate<'_>]) -> Vec<Merge> {
    let mut families: HashMap<u64, Family> = HashMap::new();
    for (index, candidate) in candidates.iter().enumerate() {
        register(&mut families, index, candidate.elements);
        register_beside(&mut families, index, candidate.elements);
    }
    let mut asked: Vec<(u64, Family)> = families.into_iter().filter(|(_, family)| is_open(family, candidates)).collect();
    // The widest first; the key breaks ties, so that the order in which templates came does not matter.
    asked.sort_unstable_by(|(a_key, a), (b_key, b)| b.members.len().cmp(&a.members.len()).then(a_key.cmp(b_key)));
    let mut taken = vec![false; candidates.len()];
    let mut merges = Vec::new();
    for (_, family) in asked {
        if family.members.iter().any(|(_, index)| taken[*index]) {
            continue;
        }
        let members: Vec<usize> = family.members.iter().map(|(_, index)| *index).collect();
        for &index in &members {
            taken[index] = true;
        }
        let mut elements = candidates[members[0]].elements.to_vec();
        if !family.beside {
            elements[family.at] = VALUE;
        } else if let Some((_, index)) = family.members.iter().find(|(element, _)| *element == VALUE) {
            elements = candidates[*index].elements.to_vec();
        }
        elements.dedup_by(|a, b| *a == VALUE && *b == VALUE);
        merges.push(Merge { members, elements });
    }
    merges
}

/// Enters a template into the family of each of its places.
fn register(families: &mut HashMap<u64, Family>, index: usize, elements: &[u64]) {
    let mut after = vec![0u64; elements.len() + 1];
    for at in (0..elements.len()).rev() {
        after[at] = fold(after[at + 1], elements[at]);
    }
    let mut before = elements.len() as u64;
    for (at, &element) in elements.iter().enumerate() {
        let key = fold(fold(before, after[at + 1]), at as u64);
        let family = families.entry(key).or_default();
        family.at = at;
        family.members.push((element, index));
        before = fold(before, element);
    }
}

/// Enters a template into the families that it would be in if a word beside a value were part of that value.
fn register_beside(families: &mut HashMap<u64, Family>, index: usize, elements: &[u64]) {
    let mut enter = |elements: &[u64], at: usize, element: u64| {
        let family = families.entry(fold(sequence_id(elements), at as u64)).or_default();
        family.at = at;
        family.beside = true;
        family.members.push((element, index));
    };
    for at in 0..elements.len() {
        if elements[at] == VALUE {
            enter(elements, at, VALUE);
            continue;
        }
        let value_before = at > 0 && elements[at - 1] == VALUE;
        if value_before || elements.get(at + 1) == Some(&VALUE) {
            let mut shorter = elements.to_vec();
            shorter[at] = VALUE;
            shorter.dedup_by(|a, b| *a == VALUE && *b == VALUE);
            enter(&shorter, at - usize::from(value_before), elements[at]);
        }
    }
}

/// Whether the place where the members differ holds a value: an open set, not a handful of events.
fn is_open(family: &Family, candidates: &[Candidate<'_>]) -> bool {
    let distinct = family.members.len();
    if distinct < 2 {
        return false;
    }
    let hits = |member: &(u64, usize)| candidates[member.1].hits;
    let value = family.members.iter().find(|(element, _)| *element == VALUE);
    let first = &candidates[family.members[0].1];
    if family.beside {
        let Some(value) = value else { return false };
        let words = candidates[value.1].elements.iter().filter(|element| **element != VALUE).count();
        let rare = |member: &(u64, usize)| member.0 == VALUE || (hits(member) <= RARE && hits(member) * RARE_SHARE <= hits(value));
        return words >= 2 && distinct >= FEW_BESIDE && family.members.iter().all(rare);
    }
    let words = first.elements.iter().enumerate().filter(|(at, element)| *at != family.at && **element != VALUE).count();
    if words == 0 {
        return false;
    }
    if value.is_some() && words >= 2 {
        return true;
    }
    let cue_of = |member: &(u64, usize)| candidates[member.1].cues.get(family.at).copied();
    let cue = family.members.iter().filter_map(cue_of).min().unwrap_or(Cue::None);
    if cue == Cue::Kind {
        return true;
    }
    if words < 2 || family.at == 0 {
        return distinct >= MANY_AT_START;
    }
    let rare = family.members.iter().filter(|member| hits(member) <= RARE && candidates[member.1].ripe).count();
    distinct >= MANY || distinct >= FEW && (rare * 2 >= distinct || cue == Cue::Preposition)
}
