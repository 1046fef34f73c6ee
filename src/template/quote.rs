//! Quotes and lists in brackets: what stands inside is a value, not the program's text.

use super::scan::{class, class_of};

/// A quoted text after `=` that is longer than this is read word by word like the rest of the message.
const MAX_QUOTED: usize = 128;

/// Where the quote that opens at `open` closes, if what it holds is a value: one token, or any text after `=`.
pub(super) fn quoted_end(text: &[u8], open: usize, assigned: bool) -> Option<usize> {
    let quote = text[open];
    let inside = &text[open + 1..text.len().min(open + 1 + MAX_QUOTED)];
    // White space before the other quote decides: there is no need to look how far that is.
    let stops = |byte: u8| byte == quote || !assigned && class_of(byte) & class::SPACE != 0;
    let length = inside.iter().position(|&byte| stops(byte)).filter(|length| inside[*length] == quote)?;
    let after = text.get(open + 1 + length + 1).copied().unwrap_or(b' ');
    // An apostrophe goes on with a letter.
    let closed = class_of(after) & (class::LETTER | class::DIGIT) == 0;
    (length > 0 && closed).then_some(open + 1 + length)
}

/// One past the bracket that closes the list which opens at `open`: two or more single tokens with commas between.
pub(super) fn list_end(text: &[u8], open: usize) -> Option<usize> {
    let close = match text[open] {
        b'[' => b']',
        b'(' => b')',
        _ => b'}',
    };
    let mut at = open + 1;
    let mut commas = 0;
    loop {
        let token = text[at..].iter().position(|&byte| class_of(byte) & class::STOP != 0)?;
        at += token;
        match text[at] {
            _ if token == 0 => return None,
            b',' => commas += 1,
            byte if byte == close && commas > 0 => return Some(at + 1),
            _ => return None,
        }
        at += 1;
        if text.get(at) == Some(&b' ') {
            at += 1;
        }
    }
}
