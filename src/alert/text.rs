//! Texts of strangers, made fit to be stored and shown.

use crate::document::turns_direction;

/// A title: the desk's longest.
pub(super) const MAX_TITLE_CHARS: usize = 300;
/// Details: a stack trace fits, a log file does not.
pub(super) const MAX_DETAILS_CHARS: usize = 16_000;
/// The name of a label.
pub(super) const MAX_LABEL_NAME_CHARS: usize = 128;
/// The value of a label.
pub(super) const MAX_LABEL_VALUE_CHARS: usize = 1_024;
/// A value of the entity: a host's name has at most 253 characters (RFC 1035, 2.3.4).
pub(super) const MAX_ENTITY_CHARS: usize = 256;
/// A link: what every browser and mail program takes.
const MAX_LINK_CHARS: usize = 2_000;

/// One line of at most `most` characters: line breaks and tabs become spaces, other control characters and the marks that
/// turn the reading direction are dropped (CVE-2023-32712, CVE-2021-42574), and what is cut ends in `…`.
pub(super) fn line(text: &str, most: usize) -> String {
    let flat = text.chars().filter_map(|character| kept(character, ' ', ' '));
    cut(flat.skip_while(|character| character.is_whitespace()), most)
}

/// Several lines of at most `most` characters, as [`line`], but with their line breaks and tabs.
pub(super) fn lines(text: &str, most: usize) -> String {
    cut(text.chars().filter_map(|character| kept(character, '\n', '\t')), most)
}

fn kept(character: char, line_break: char, tab: char) -> Option<char> {
    match character {
        '\n' | '\u{2028}' | '\u{2029}' => Some(line_break),
        '\t' => Some(tab),
        // Half of a line break, or one alone from an old system.
        '\r' if line_break == ' ' => Some(' '),
        other if other.is_control() || turns_direction(other) => None,
        other => Some(other),
    }
}

fn cut(characters: impl Iterator<Item = char>, most: usize) -> String {
    let (mut text, mut count) = (String::new(), 0);
    for character in characters {
        if count == most {
            // The mark takes the place of the last character, so that the limit holds with it.
            text.pop();
            text.push('…');
            break;
        }
        text.push(character);
        count += 1;
    }
    text.truncate(text.trim_end().len());
    text
}

/// A link that a person may be offered: `http` or `https`, without blanks or control characters. Anything else (`javascript:`,
/// `file:`) is none.
pub(super) fn link(text: &str) -> Option<String> {
    let text = text.trim();
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let host = if lower.starts_with("https://") { text.get(8..)? } else { lower.starts_with("http://").then(|| text.get(7..))?? };
    let clean = |character: char| kept(character, ' ', ' ') == Some(character) && !character.is_whitespace();
    let sound = !host.is_empty() && text.chars().all(clean) && text.chars().nth(MAX_LINK_CHARS).is_none();
    sound.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_commands_a_terminal_is_gone() {
        assert_eq!(line("disk\u{1b}[31m full\r\non web01\t!\u{7}\u{202e}", 100), "disk[31m full  on web01 !");
        assert_eq!(lines("a\r\nb\tc\u{0}\u{85}\n", 100), "a\nb\tc");
        assert_eq!(line(" \n\t", 100), "");
    }

    #[test]
    fn what_is_cut_says_so_and_stays_within_the_limit() {
        assert_eq!(line("äöüß", 4), "äöüß");
        assert_eq!(line("äöüßx", 4), "äöü…");
    }

    #[test]
    fn only_links_of_the_web_are_links() {
        assert_eq!(link(" https://am.example.org/#/alerts "), Some("https://am.example.org/#/alerts".to_owned()));
        assert_eq!(link("HTTP://a"), Some("HTTP://a".to_owned()));
        for wrong in ["", "http://", "https://", "javascript:alert(1)", "file:///etc", "http://a b", "http://a\u{1b}", "//a", "ä://éééé"]
        {
            assert_eq!(link(wrong), None, "{wrong}");
        }
        assert_eq!(link(&format!("http://{}", "a".repeat(2_000))), None);
    }

    proptest! {
        #[test]
        fn any_text_is_made_fit(text in any::<String>(), most in 1_usize..50) {
            for made in [line(&text, most), lines(&text, most)] {
                prop_assert!(made.chars().count() <= most);
                prop_assert!(made.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
            }
            prop_assert!(!line(&text, most).contains(['\n', '\t']));
            prop_assert_eq!(line(&line(&text, most), most), line(&text, most), "cleaning what is clean changes nothing");
            link(&text);
        }
    }
}
