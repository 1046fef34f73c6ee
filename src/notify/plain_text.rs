//! Text from tickets, logs and people, made safe for where it goes. Pure.

use crate::document::turns_direction;

/// One line without control characters: for subjects, headers and buttons. At most `most` characters.
///
/// Line ends become blanks, so that a title can never begin a header of its own (CWE-93). Characters that turn the
/// direction of writing are left out, because they make text read as what it is not (CVE-2021-42574).
pub(super) fn one_line(text: &str, most: usize) -> String {
    let blanks = text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c });
    let words: String = blanks.filter(|c| !turns_direction(*c)).collect();
    shortened(words.trim(), most)
}

/// Lines without other control characters than line feeds and tabs. At most `most` characters.
pub(super) fn printable(text: &str, most: usize) -> String {
    let kept: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !(c.is_control() || turns_direction(*c))).collect();
    shortened(kept.trim_end(), most)
}

/// The beginning of a text, with `…` where something was cut off; at most `most` characters in all.
pub(super) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) if most == 0 => String::new(),
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
    }
}

/// Text for HTML, in elements and in quoted attributes.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of hexadecimal digits; `None` for anything else.
pub(super) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    digits.chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_title_cannot_begin_another_line() {
        assert_eq!(one_line("disk full\r\nBcc: all@example.org\u{2028}x\u{0}\u{1b}[31m", 100), "disk full  Bcc: all@example.org x  [31m");
        assert_eq!(one_line("invoice\u{202e}txt.exe", 100), "invoicetxt.exe");
        assert_eq!(printable("a\tb\r\nc\u{1b}[2J\u{7f}\n\n", 100), "a\tb\nc[2J");
    }

    #[test]
    fn cutting_is_by_characters_and_is_shown() {
        assert_eq!(shortened("äöüß", 4), "äöüß");
        assert_eq!(shortened("äöüß", 3), "äö…");
        assert_eq!((shortened("äöüß", 1), shortened("ä", 0)), ("…".to_owned(), String::new()));
    }

    #[test]
    fn html_has_no_markup_left() {
        assert_eq!(html(r#"<a href="x" title='y'>&amp;"#), "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;");
    }

    proptest! {
        #[test]
        fn a_line_has_no_control_characters_and_no_more_than_it_may(text in any::<String>(), most in 0_usize..50) {
            let line = one_line(&text, most);
            prop_assert!(line.chars().count() <= most && !line.contains(char::is_control));
            prop_assert!(printable(&text, most).chars().count() <= most);
        }

        #[test]
        fn hexadecimal_reads_back(bytes in proptest::collection::vec(any::<u8>(), 0..40), other in "[0-9a-zé]{0,9}") {
            prop_assert_eq!(from_hex(&hex(&bytes)), Some(bytes));
            let _ = from_hex(&other);
        }
    }
}
