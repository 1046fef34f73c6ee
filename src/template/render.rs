//! A template as people read it.

use super::skeleton::{Part, Piece, pieces};

/// What stands for a value.
pub const WILDCARD: &str = "<*>";

/// The template that one message alone would have: what `log_template` shows of a line that no miner has learned.
#[must_use]
pub fn skeleton_template(message: &[u8]) -> String {
    render(&pieces(message), 1)
}

/// Lines that must have shown the same name with a digit in the same place before it is printed as text.
const SURE_AFTER: u64 = 3;

/// The same for names with more digits or with marks between.
const VERY_SURE_AFTER: u64 = 10;

/// The text of a template: its words and punctuation, and [`WILDCARD`] for each value.
///
/// `hits` is how many lines it has had: a value with letters and digits (`ssh2`, `SOCKS5`) that was always the same
/// is printed as the text it probably is.
pub(super) fn render(pieces: &[Piece], hits: u64) -> String {
    let mut text = String::new();
    // Where one unit of a template changes (`12 B`, `3 KB`), the others would too.
    let units_change = pieces.iter().any(|piece| piece.part == Part::Unit(None));
    let mut at = 0;
    while at < pieces.len() {
        let piece = &pieces[at];
        at += 1;
        if units_change && matches!(piece.part, Part::Unit(_)) && text.ends_with(WILDCARD) {
            continue;
        }
        if piece.spaced && !text.is_empty() {
            text.push(' ');
        }
        match &piece.part {
            Part::Word(word) | Part::Mark(word) | Part::Soft(Some(word)) | Part::Unit(Some(word)) => text.push_str(word),
            Part::Value(Some(held)) if is_name(held, hits) => text.push_str(held),
            Part::Value(_) | Part::Soft(None) | Part::Unit(None) | Part::Date => {
                if !text.ends_with(WILDCARD) {
                    text.push_str(WILDCARD);
                }
                at += rest_of_date(&pieces[at - 1..]).max(rest_of_list(&pieces[at - 1..]));
            }
        }
    }
    text
}

/// Values with nothing but white space between that are printed one by one; more are a list without a fixed length.
const LONGEST_ROW: usize = 8;

/// How many values follow the first in a list without a fixed length.
fn rest_of_list(pieces: &[Piece]) -> usize {
    let row = pieces.iter().take_while(|piece| piece.part.is_value()).count();
    if row > LONGEST_ROW { row - 1 } else { 0 }
}

/// How many pieces after the first belong to the same date: values beside each other, or with a colon between, one of
/// which is the name of a day or a month.
fn rest_of_date(pieces: &[Piece]) -> usize {
    let mut last = 0;
    let mut dated = matches!(pieces[0].part, Part::Date);
    let mut at = 1;
    while at < pieces.len() {
        match &pieces[at].part {
            Part::Date => {
                dated = true;
                last = at;
            }
            Part::Value(_) | Part::Soft(_) | Part::Unit(_) => last = at,
            Part::Mark(mark) if &**mark == ":" && !pieces[at].spaced => {}
            _ => break,
        }
        at += 1;
    }
    if dated { last } else { 0 }
}

/// Whether a value reads like a name that a programmer wrote (`ssh2`, `L1`, `HTTP/1.1`) rather than one that the system
/// gave (`eth0`, `node-12`).
fn is_name(value: &str, hits: u64) -> bool {
    let bytes = value.as_bytes();
    let count = |is: fn(&u8) -> bool| bytes.iter().filter(|byte| is(byte)).count();
    let (letters, digits) = (count(u8::is_ascii_alphabetic), count(u8::is_ascii_digit));
    let marks = bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_'));
    if !bytes.first().is_some_and(u8::is_ascii_alphabetic) || !marks || digits == 0 || digits > letters {
        return false;
    }
    let plain = letters + digits == bytes.len();
    let cased = bytes.iter().any(u8::is_ascii_uppercase) || !bytes.last().is_some_and(u8::is_ascii_digit);
    if plain && digits == 1 && cased { true } else { hits >= if plain && digits == 1 { SURE_AFTER } else { VERY_SURE_AFTER } }
}
