//! The templates of a file, as they stand after all of it was seen.

use std::sync::Arc;

use hashbrown::HashMap;

use super::miner::{Miner, TemplateId};
use super::render::WILDCARD;

/// The template of each line, as it stands after all were seen: id and text, in the order of the lines.
///
/// Lines may be messages alone or whole raw lines: the fields of a header (time, host, process number) then become values
/// or words like everything else. Lines for which there was no room get [`TemplateId::OVERFLOW`] and [`WILDCARD`].
pub fn mine_lines<L: AsRef<[u8]>>(lines: &[L]) -> Vec<(TemplateId, Arc<str>)> {
    let mut miner = Miner::new();
    let ids: Vec<TemplateId> = lines.iter().map(|line| miner.learn(line.as_ref())).collect();
    miner.settle();
    let texts: HashMap<TemplateId, Arc<str>> = miner.templates().map(|(id, text, _)| (id, text.into())).collect();
    let overflow: Arc<str> = WILDCARD.into();
    let text = |id: TemplateId| texts.get(&id).unwrap_or(&overflow).clone();
    ids.into_iter().map(|id| miner.canonical(id)).map(|id| (id, text(id))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_get_their_template_as_it_stands_at_the_end() {
        let lines: Vec<String> =
            ["ann", "ben", "cat", "dan"].iter().map(|name| format!("session opened for user {name} by (uid=0)")).collect();
        let mined = mine_lines(&lines);
        assert!(mined.iter().all(|(id, text)| *id == mined[0].0 && &**text == "session opened for user <*> by (uid=<*>)"), "{mined:?}");
    }

    #[test]
    fn an_empty_file_and_empty_lines_are_no_trouble() {
        assert!(mine_lines::<&str>(&[]).is_empty());
        assert_eq!(&*mine_lines(&["", "  "])[1].1, "");
    }
}
