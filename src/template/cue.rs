//! What the text before a place says about what stands there.

use super::generalise::Cue;
use super::skeleton::{Part, Piece, elements};

/// For each element of the pieces, what the word or mark right before it announces.
pub(super) fn cues(pieces: &[Piece]) -> Vec<Cue> {
    let (_, places) = elements(pieces);
    places.iter().map(|&place| cue(&pieces[..place], &pieces[place])).collect()
}

/// What the pieces before a place announce: names of kinds of things that have names of their own, prepositions of
/// origin and purpose, the key in `[key: value` or `, key: value`.
fn cue(before: &[Piece], piece: &Piece) -> Cue {
    let part = |back: usize| before.len().checked_sub(back).and_then(|at| before.get(at)).map(|piece| &piece.part);
    let is_mark = |back: usize, marks: &[&str]| matches!(part(back), Some(Part::Mark(mark)) if marks.contains(&&**mark));
    if is_mark(1, &["="]) {
        return Cue::Kind;
    }
    // Names in capitals are the constants of a program (`from NEW to RUNNING`), whatever stands before them.
    if matches!(&piece.part, Part::Word(word) if !word.bytes().any(|byte| byte.is_ascii_lowercase())) {
        return Cue::None;
    }
    if piece.spaced && is_mark(1, &[":"]) && matches!(part(2), Some(Part::Word(_))) && is_mark(3, &["[", "{", "(", ","]) {
        return Cue::Preposition;
    }
    match part(1) {
        Some(Part::Word(word)) => match &**word {
            "user" | "username" | "host" | "hostname" | "account" => Cue::Kind,
            "for" | "from" | "by" => Cue::Preposition,
            _ => Cue::None,
        },
        _ => Cue::None,
    }
}
