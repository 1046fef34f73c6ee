//! A message as parts: what a template keeps to print itself and to be compared with others.

use super::identity::{VALUE, word_hash};
use super::scan::{Kind, MAX_TOKENS, scan};

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// Constant text.
    Word(Box<str>),
    /// A value: all that was seen so far was this text, or several texts if it is `None`.
    Value(Option<Box<str>>),
    /// A word that counts as a value but is shown until it changes, which makes it `None`.
    Soft(Option<Box<str>>),
    /// The unit of the number before it, shown until it changes, which makes it `None`.
    Unit(Option<Box<str>>),
    /// Part of a date: the name of a day or a month.
    Date,
    /// Punctuation.
    Mark(Box<str>),
}

impl Part {
    pub(super) fn is_value(&self) -> bool {
        matches!(self, Self::Value(_) | Self::Soft(_) | Self::Unit(_) | Self::Date)
    }
}

/// A part and whether white space stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) spaced: bool,
    pub(super) part: Part,
}

/// A value longer than this is not kept to be compared: it never is part of a program's text.
const MAX_HELD: usize = 24;

/// Pieces of a template. The scan gives a few more than its bound; a template that would grow past this stays as it is.
pub(super) const MAX_PIECES: usize = 2 * MAX_TOKENS;

/// The pieces of a message.
pub(super) fn pieces(message: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut last_end = 0;
    scan(message, |token| {
        let bytes = &message[token.start..token.end];
        let text = || String::from_utf8_lossy(bytes).into_owned().into_boxed_str();
        let part = match token.kind {
            Kind::Word => Part::Word(text()),
            Kind::Value => Part::Value((bytes.len() <= MAX_HELD).then(text)),
            Kind::Soft => Part::Soft(Some(text())),
            Kind::Unit => Part::Unit(Some(text())),
            Kind::Date => Part::Date,
            Kind::Mark => Part::Mark(text()),
        };
        pieces.push(Piece { spaced: token.start > last_end, part });
        last_end = token.end;
    });
    pieces
}

/// The values of a message, in order: numbers, addresses, paths, what stands after `=`. Units and dates are left out.
#[cfg(test)]
pub(super) fn values(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut values = Vec::new();
    scan(message, |token| {
        if matches!(token.kind, Kind::Value | Kind::Soft) {
            values.push(&message[token.start..token.end]);
        }
    });
    values.into_iter()
}

/// The elements of a sequence of pieces: the hashes of its words, and [`VALUE`] for each run of values. Beside each
/// stands the index of its (first) piece.
pub(super) fn elements(pieces: &[Piece]) -> (Vec<u64>, Vec<usize>) {
    let (mut elements, mut places) = (Vec::new(), Vec::new());
    for (place, piece) in pieces.iter().enumerate() {
        let element = match &piece.part {
            Part::Word(word) => word_hash(word.as_bytes()),
            part if part.is_value() && elements.last() != Some(&VALUE) => VALUE,
            _ => continue,
        };
        elements.push(element);
        places.push(place);
    }
    (elements, places)
}

/// Takes in the pieces of another message of the same template: values that differ are no longer held, and stretches
/// between words that differ in number or punctuation become one value between what they share.
///
/// Leaves the template as it is when its words are not all found, in order, in the other message.
pub(super) fn absorb(template: &mut Vec<Piece>, other: &[Piece]) {
    let Some(anchors) = align(template, other) else { return };
    let mut merged = Vec::with_capacity(template.len());
    let (mut mine, mut theirs) = (0, 0);
    for (my_word, their_word) in anchors {
        merge_gap(&mut merged, &template[mine..my_word], &other[theirs..their_word]);
        if my_word < template.len() {
            merged.push(template[my_word].clone());
        }
        (mine, theirs) = (my_word + 1, their_word + 1);
    }
    if merged.len() <= MAX_PIECES {
        *template = merged;
    }
}

/// The places of the template's words in both lists, and the ends of both as the last pair.
fn align(template: &[Piece], other: &[Piece]) -> Option<Vec<(usize, usize)>> {
    let mut anchors = Vec::new();
    let mut from = 0;
    for (place, piece) in template.iter().enumerate() {
        if matches!(piece.part, Part::Word(_)) {
            let found = from + other.get(from..)?.iter().position(|theirs| theirs.part == piece.part)?;
            anchors.push((place, found));
            from = found + 1;
        }
    }
    anchors.push((template.len(), other.len()));
    Some(anchors)
}

/// Merges what stands between two words.
fn merge_gap(merged: &mut Vec<Piece>, mine: &[Piece], theirs: &[Piece]) {
    if mine.len() == theirs.len() && mine.iter().zip(theirs).all(|(a, b)| same_kind(a, b)) {
        merged.extend(mine.iter().zip(theirs).map(|(a, b)| merge_piece(a, b)));
        return;
    }
    let only_marks = |gap: &[Piece]| gap.iter().all(|piece| matches!(piece.part, Part::Mark(_)));
    if (only_marks(mine) && only_marks(theirs)) || lacks_values(theirs, mine) {
        merged.extend(mine.iter().cloned());
        return;
    }
    if lacks_values(mine, theirs) {
        merged.extend(theirs.iter().map(open_piece));
        return;
    }
    let same = |(a, b): &(&Piece, &Piece)| same_kind(a, b);
    let is_value = |piece: &&Piece| piece.part.is_value();
    let mut head = mine.iter().zip(theirs).take_while(same).count();
    // Values right beside what differs are one with it: `12 bytes (3 KB)` and `12 bytes`.
    head -= mine[..head].iter().rev().take_while(is_value).count();
    let mut tail = mine[head..].iter().rev().zip(theirs[head..].iter().rev()).take_while(same).count();
    tail -= mine[mine.len() - tail..].iter().take_while(is_value).count();
    merged.extend(mine[..head].iter().zip(theirs).map(|(a, b)| merge_piece(a, b)));
    merged.push(Piece { spaced: mine.get(head).or(theirs.get(head)).is_some_and(|piece| piece.spaced), part: Part::Value(None) });
    merged.extend(mine[mine.len() - tail..].iter().zip(&theirs[theirs.len() - tail..]).map(|(a, b)| merge_piece(a, b)));
}

/// Whether `short` is `long` without some of its values: an empty pair of brackets, a value left out.
fn lacks_values(short: &[Piece], long: &[Piece]) -> bool {
    let mut rest = short.iter().peekable();
    for piece in long {
        if rest.peek().is_some_and(|next| same_kind(piece, next)) {
            rest.next();
        } else if !piece.part.is_value() {
            return false;
        }
    }
    rest.peek().is_none()
}

/// Whether a piece of another message can stand for one of a template.
fn same_kind(mine: &Piece, theirs: &Piece) -> bool {
    if mine.part.is_value() {
        matches!(theirs.part, Part::Word(_)) || theirs.part.is_value() && is_unit_like(mine) == is_unit_like(theirs)
    } else {
        mine.part == theirs.part
    }
}

/// Whether a piece is a unit: it must not stand for the number before it.
fn is_unit_like(piece: &Piece) -> bool {
    matches!(piece.part, Part::Unit(_))
}

/// The piece that stands for both.
fn merge_piece(mine: &Piece, theirs: &Piece) -> Piece {
    if mine.part == theirs.part || !mine.part.is_value() {
        return mine.clone();
    }
    open_piece(mine)
}

/// A piece as it is once its value has changed.
fn open_piece(piece: &Piece) -> Piece {
    let part = match &piece.part {
        Part::Value(_) => Part::Value(None),
        Part::Soft(_) => Part::Soft(None),
        Part::Unit(_) => Part::Unit(None),
        other => other.clone(),
    };
    Piece { spaced: piece.spaced, part }
}
