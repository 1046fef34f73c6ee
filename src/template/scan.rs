//! Cutting a message into words, values and punctuation, in one pass over its bytes.
//!
//! The scanner allocates nothing and knows nothing about what was seen before: the same bytes always give the same
//! tokens. What it decides is final for the identity of a line, so its rules hold for every system alike.

use super::{quote, word};

/// Bytes of a message that are looked at; what follows counts as one value.
///
/// Long enough for every template of the public log collections (the longest has about 600 bytes) and short enough that
/// ten thousand templates of hostile text stay in the tens of megabytes.
pub(super) const MAX_SCAN: usize = 2_048;

/// Words, values and marks of a message that are looked at; what follows counts as one value. Four times what the longest
/// public template has; keeps the work on a miss and the memory of a template bounded.
pub(super) const MAX_TOKENS: usize = 256;

/// A word longer than this is taken for data (base64, a key, a blob), never for text that a programmer wrote.
const MAX_WORD_BYTES: usize = 64;

/// What a piece of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text that the program prints every time, as far as one line can tell.
    Word,
    /// A value: a number, an address, a path, an identifier.
    Value,
    /// A word that counts as a value for where it stands: after `=`, in quotes, in a list. A template shows its text as
    /// long as it has not changed.
    Soft,
    /// The unit after a number, which counts as a part of it. A template shows it as long as it has not changed.
    Unit,
    /// The name of a day or a month beside a number: always a value, and part of a date.
    Date,
    /// Punctuation between words and values, never white space.
    Mark,
}

/// A piece of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// First byte.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
}

/// Class bits of a byte; the bits of a token's bytes are joined by OR, and most tokens are decided by that alone.
pub(super) mod class {
    pub(crate) const DIGIT: u8 = 1;
    pub(crate) const SLASH: u8 = 2;
    pub(crate) const AT: u8 = 4;
    pub(crate) const DOT: u8 = 8;
    pub(crate) const LETTER: u8 = 16;
    pub(crate) const SPACE: u8 = 32;
    pub(crate) const MARK: u8 = 64;
    /// A token without any of these is no value.
    pub(crate) const VALUE_LIKE: u8 = DIGIT | SLASH | AT | DOT;
    /// Ends a token.
    pub(crate) const STOP: u8 = SPACE | MARK;
}

/// The class of each byte. Bytes above 127 count as letters: they belong to words of other languages.
const CLASS: [u8; 256] = {
    let mut table = [0u8; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' => class::DIGIT,
            b'a'..=b'z' | b'A'..=b'Z' | 128..=255 => class::LETTER,
            b'/' | b'\\' => class::SLASH,
            b'@' => class::AT,
            b'.' => class::DOT,
            b'=' | b':' | b',' | b';' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b'\'' | b'|' | b'<' | b'>' | b'#' | b'`' => {
                class::MARK
            }
            0..=32 | 127 => class::SPACE,
            _ => 0,
        };
        byte += 1;
    }
    table
};

/// The class bits of a byte.
#[inline]
pub(super) fn class_of(byte: u8) -> u8 {
    CLASS[usize::from(byte)]
}

/// Where the scan stands.
struct Cursor<'a, V> {
    text: &'a [u8],
    at: usize,
    /// Whether the last word or value was a value.
    after_value: bool,
    /// The mark that was the last token, or zero.
    mark: u8,
    tokens: usize,
    /// One past the last list in brackets whose words are values.
    list_end: usize,
    visit: V,
}

/// Calls `visit` for every token of the first [`MAX_SCAN`] bytes, in order.
#[inline]
pub(super) fn scan(message: &[u8], visit: impl FnMut(Token)) {
    let text = &message[..word::cut(message, MAX_SCAN, MAX_WORD_BYTES)];
    let mut cursor = Cursor { text, at: 0, after_value: false, mark: 0, tokens: 0, list_end: 0, visit };
    while cursor.at < cursor.text.len() && cursor.tokens < MAX_TOKENS {
        let byte = cursor.text[cursor.at];
        let class = class_of(byte);
        if class & class::SPACE != 0 {
            cursor.at += 1;
        } else if class & class::MARK != 0 {
            cursor.marked(byte);
        } else {
            cursor.token();
        }
    }
    if cursor.at < message.len() && (cursor.tokens >= MAX_TOKENS || text.len() < message.len()) {
        cursor.emit(Kind::Value, cursor.at, message.len());
    }
}

impl<V: FnMut(Token)> Cursor<'_, V> {
    #[inline]
    fn emit(&mut self, kind: Kind, start: usize, end: usize) {
        (self.visit)(Token { kind, start, end });
        self.at = end;
        self.tokens += 1;
        if kind != Kind::Mark {
            self.after_value = kind != Kind::Word;
            self.mark = 0;
        }
    }

    /// A mark at the cursor, and what it says of the words after it: a quoted word, a quoted text after `=` and a list
    /// of words in brackets are values.
    #[inline]
    fn marked(&mut self, mark: u8) {
        let (start, assigned) = (self.at, self.is_assigned(self.at));
        self.emit(Kind::Mark, start, start + 1);
        self.mark = mark;
        let quoted = match mark {
            b'"' | b'\'' if start == 0 || class_of(self.text[start - 1]) & class::STOP != 0 => {
                quote::quoted_end(self.text, start, assigned)
            }
            b'[' | b'(' | b'{' => {
                self.list_end = self.list_end.max(quote::list_end(self.text, start).unwrap_or(0));
                None
            }
            _ => None,
        };
        if let Some(end) = quoted {
            let value = self.text[start + 1..end].iter().any(u8::is_ascii_digit);
            self.emit(if value { Kind::Value } else { Kind::Soft }, start + 1, end);
        }
    }

    /// The token at the cursor, which stands on no space and no mark.
    #[inline]
    fn token(&mut self) {
        let start = self.at;
        let (mut bits, mut end) = (0, start);
        while let Some(&byte) = self.text.get(end) {
            let class = class_of(byte);
            if class & class::STOP != 0 {
                break;
            }
            bits |= class;
            end += 1;
        }
        if bits & !class::LETTER == 0 { self.letters(start, end) } else { self.mixed(start, end, bits) }
    }

    /// A token of letters only: most words.
    #[inline]
    fn letters(&mut self, start: usize, end: usize) {
        let next = self.text.get(end).copied().unwrap_or(b' ');
        if self.is_assigned(start) {
            return self.assigned(start, end, class::LETTER);
        }
        if next == b':'
            && end - start <= 16
            && let Some(end) = word::address_end(self.text, start, end)
        {
            return self.emit(Kind::Value, start, end);
        }
        if next == b':' && end - start == 1 && self.text.get(end + 1) == Some(&b'\\') {
            // A path that begins with the letter of a drive.
            return self.emit(Kind::Value, start, word::colons_end(self.text, end));
        }
        let token = &self.text[start..end];
        let kind = if end - start > MAX_WORD_BYTES || word::is_literal_value(token) {
            Kind::Value
        } else if start < self.list_end {
            Kind::Soft
        } else if end - start <= 9 && (self.after_value || next == b' ') {
            self.short_word(start, end)
        } else {
            Kind::Word
        };
        self.emit(kind, start, end);
    }

    /// Whether what stands at `end` may make something else of a token with digits that ends there: a call, a key, or the
    /// beginning of an address. Otherwise it is a value.
    #[inline]
    fn goes_on(&self, end: usize) -> bool {
        matches!(self.text.get(end), Some(b':' | b'=' | b'('))
    }

    /// Whether what begins at `start` stands right behind an equals sign.
    #[inline]
    fn is_assigned(&self, start: usize) -> bool {
        self.mark == b'=' && start > 0 && self.text[start - 1] == b'='
    }

    /// A value after an equals sign, which goes on over colons: `context=system_u:object_r`.
    fn assigned(&mut self, start: usize, end: usize, bits: u8) {
        let end = word::colons_end(self.text, end);
        let token = &self.text[start..end];
        let value = bits & class::DIGIT != 0 || token.len() > MAX_WORD_BYTES || word::is_literal_value(token) || word::is_value(token);
        self.emit(if value { Kind::Value } else { Kind::Soft }, start, end);
    }

    /// A short word may be a unit or belong to a date, which depends on its neighbours.
    #[inline]
    fn short_word(&self, start: usize, end: usize) -> Kind {
        let token = &self.text[start..end];
        if self.after_value && self.mark == 0 && word::is_unit(token) {
            return Kind::Unit;
        }
        if self.after_value && self.mark == 0 && word::is_time_zone(token) {
            return Kind::Date;
        }
        if word::is_date_name(token) && (self.after_value || word::number_or_date_follows(self.text, end)) {
            Kind::Date
        } else {
            Kind::Word
        }
    }

    /// A token with more than letters in it: numbers, paths, names with dots, punctuation at its ends.
    #[inline]
    fn mixed(&mut self, start: usize, end: usize, bits: u8) {
        // Most of these tokens are numbers, paths and names with digits in them, without punctuation at the ends.
        let is_bare = |at: usize| class_of(self.text[at]) & (class::DIGIT | class::LETTER | class::SLASH) != 0;
        if bits & (class::DIGIT | class::DOT) == class::DIGIT && is_bare(start) && is_bare(end - 1) && !self.goes_on(end) {
            return self.emit(Kind::Value, start, end);
        }
        // Runs of dots are leader lines (`enable.......1`) or an ellipsis, not part of a name.
        if bits & class::DOT != 0
            && let Some(dots) = word::dot_run(&self.text[start..end])
        {
            let (from, to) = (start + dots.start, start + dots.end);
            if from > start {
                // The digits may all stand after the dots.
                self.trimmed(start, from, bits & !class::DIGIT);
            }
            if self.at <= from {
                self.emit(Kind::Mark, from, to);
            }
            return;
        }
        self.trimmed(start, end, bits);
    }

    /// Splits punctuation off both ends and decides what the rest is.
    fn trimmed(&mut self, start: usize, end: usize, bits: u8) {
        let (from, to) = word::trim(self.text, start, end);
        if from == to {
            return self.emit(Kind::Mark, start, end);
        }
        if from > start {
            self.emit(Kind::Mark, start, from);
        }
        let next = self.text.get(to).copied().unwrap_or(b' ');
        if self.is_assigned(from) && to == end {
            return self.assigned(from, end, bits);
        }
        let token = &self.text[from..to];
        if bits == class::LETTER | class::DIGIT | class::DOT
            && let Some(dot) = word::numbered(token)
        {
            self.emit(Kind::Word, from, from + dot);
            self.emit(Kind::Mark, from + dot, from + dot + 1);
            return self.emit(Kind::Value, from + dot + 1, to);
        }
        if bits & class::DIGIT != 0 && !self.goes_on(to) {
            self.emit(Kind::Value, from, to);
            if to < end {
                self.emit(Kind::Mark, to, end);
            }
            return;
        }
        let is_call = next == b'(' && self.text.get(to + 1) == Some(&b')') || next == b'=' && word::is_key(token);
        let value = to - from > MAX_WORD_BYTES
            || ((bits & class::DIGIT != 0 || bits & class::VALUE_LIKE != 0 && word::is_value(token))
                && !(is_call && word::is_identifier(token)));
        // `host:port`, `scheme://rest` and colon-separated addresses read on over the colon.
        if next == b':'
            && let Some(end) = word::address_end(self.text, from, to).or_else(|| word::port_end(self.text, from, to))
        {
            return self.emit(Kind::Value, from, end);
        }
        let kind = if value {
            // The name of a class is text as often as not: shown until it changes.
            if word::is_class_name(token) { Kind::Soft } else { Kind::Value }
        } else if from < self.list_end || self.is_assigned(from) {
            Kind::Soft
        } else if self.after_value && self.mark == 0 && word::is_unit(token) {
            Kind::Unit
        } else {
            Kind::Word
        };
        self.emit(kind, from, to);
        if to < end && self.at == to {
            self.emit(Kind::Mark, to, end);
        }
    }
}
