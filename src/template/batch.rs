//! The template ids of a batch of lines, with one short visit to the miner.

use hashbrown::HashMap;

use super::identity::skeleton_id;
use super::known_hash::KnownHash;
use super::miner::{Miner, TemplateId};

/// The skeletons of a batch of lines, each with how often it came: what parse workers compute without sharing anything.
///
/// A batch of some thousand lines has some dozens of skeletons, so the visit to the miner, under its lock, is short.
#[derive(Debug, Clone, Default)]
pub struct Skeletons {
    /// For each line, its place among the distinct ones.
    lines: Vec<u32>,
    /// Each distinct skeleton, the first line that has it, and how many have it.
    distinct: Vec<(u64, u32, u64)>,
    place: HashMap<u64, u32, KnownHash>,
}

impl Skeletons {
    /// Adds the next line of the batch.
    #[inline]
    pub fn push(&mut self, message: &[u8]) {
        let skeleton = skeleton_id(message);
        let line = self.lines.len() as u32;
        let place = *self.place.entry(skeleton).or_insert_with(|| {
            self.distinct.push((skeleton, line, 0));
            self.distinct.len() as u32 - 1
        });
        self.distinct[place as usize].2 += 1;
        self.lines.push(place);
    }

    /// Lines in the batch.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether the batch has no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Learns the batch and gives the id of each line. `message` gives the bytes of the line with a number, as pushed.
    pub fn learn<'a>(&self, miner: &mut Miner, message: impl Fn(usize) -> &'a [u8]) -> Vec<TemplateId> {
        let ids: Vec<TemplateId> =
            self.distinct.iter().map(|&(skeleton, first, lines)| miner.learn_skeleton(skeleton, message(first as usize), lines)).collect();
        self.lines.iter().map(|&place| ids[place as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gets_the_ids_that_its_lines_get_one_by_one() {
        let lines: Vec<String> = (0..200).map(|at| format!("{} took {at} ms", ["read", "write", "sync"][at % 3])).collect();
        let mut batch = Skeletons::default();
        for line in &lines {
            batch.push(line.as_bytes());
        }
        assert_eq!(batch.len(), 200);
        let (mut at_once, mut one_by_one) = (Miner::new(), Miner::new());
        let ids = batch.learn(&mut at_once, |line| lines[line].as_bytes());
        let expected: Vec<TemplateId> = lines.iter().map(|line| one_by_one.learn(line.as_bytes())).collect();
        assert_eq!(ids, expected);
        assert_eq!((at_once.lines(), at_once.len()), (200, 3));
    }
}
