//! Finding the generalised template that a new skeleton belongs to.

use hashbrown::HashMap;

use super::identity::VALUE;

/// Steps of one search. A line that needs more belongs to no template: a bound against hostile input.
const MAX_STEPS: usize = 1_024;

/// A prefix tree over the elements of generalised templates.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    children: HashMap<(u32, u64), u32>,
    /// The template that ends at each node.
    ends: Vec<Option<u32>>,
}

impl Tree {
    /// Adds a template under its elements; the first to come keeps its place.
    pub(super) fn insert(&mut self, elements: &[u64], template: u32) {
        if self.ends.is_empty() {
            self.ends.push(None);
        }
        let mut node = 0u32;
        for &element in elements {
            let fresh = self.ends.len() as u32;
            node = *self.children.entry((node, element)).or_insert(fresh);
            if node == fresh {
                self.ends.push(None);
            }
        }
        self.ends[node as usize].get_or_insert(template);
    }

    /// The template whose words are found at the same places, words before values; `None` if there is none.
    pub(super) fn find(&self, elements: &[u64]) -> Option<u32> {
        if self.ends.is_empty() {
            return None;
        }
        // (node, next element, whether the last step matched a value)
        let mut open = vec![(0u32, 0usize, false)];
        for _ in 0..MAX_STEPS {
            let (node, at, in_value) = open.pop()?;
            let Some(&element) = elements.get(at) else {
                match self.ends[node as usize] {
                    Some(template) => return Some(template),
                    None => continue,
                }
            };
            // Tried last: a value next to the word that a value of the template took in.
            if in_value && element == VALUE {
                open.push((node, at + 1, true));
            }
            if let Some(&child) = self.children.get(&(node, VALUE)) {
                open.push((child, at + 1, true));
            }
            if element != VALUE
                && let Some(&child) = self.children.get(&(node, element))
            {
                open.push((child, at + 1, false));
            }
        }
        None
    }
}
