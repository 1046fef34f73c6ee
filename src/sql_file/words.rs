//! The words of a SQL text outside of quotes and comments, to check what a rule asks for before it runs.
//!
//! This is not a parser and decides nothing about safety: the query gate does. It only lets the author know early, with a
//! line number, that a parameter is misspelt or that the rule could not be replayed.

/// A word or `$parameter`, and the line (from 0) that it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) line: usize,
    /// Whether an opening parenthesis follows.
    pub(super) is_call: bool,
}

/// The words of a SQL text.
pub(super) fn words(sql: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut rest = sql;
    let mut line = 0;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => quoted_length(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            c if c == '$' || is_word(c) => word_length(rest),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        if first == '$' || is_word(first) {
            words.push(Word { text: token, line, is_call: after.trim_start().starts_with('(') });
        }
        line += token.matches('\n').count();
        rest = after;
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word_length(text: &str) -> usize {
    let start = usize::from(text.starts_with('$'));
    text[start..].find(|c| !is_word(c)).map_or(text.len(), |end| start + end)
}

/// Length of a quoted text with its quotes; a doubled quote stands for itself, so it simply begins another quoted text.
fn quoted_length(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quotes_and_comments_hide_their_words() {
        let sql = "SELECT 'it''s $not' AS \"now()\" -- $neither\n, /* nor\n $this */ now () , $window_end";
        let found: Vec<_> = words(sql).into_iter().map(|word| (word.text, word.line, word.is_call)).collect();
        assert_eq!(found, [("SELECT", 0, false), ("AS", 0, false), ("now", 2, true), ("$window_end", 2, false)]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(sql in "[a-z$'\"/*\\-\n é(]{0,60}") {
            let _ = words(&sql);
        }
    }
}
