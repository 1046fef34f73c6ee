//! What somebody wrote, as a complaint shows it.

/// Characters of a text that a complaint repeats: enough to find it again, too few to fill a screen.
const MAX_CHARS: usize = 60;

/// The beginning of a text, on one line: what somebody pasted may be a megabyte, move a terminal's cursor, or make the
/// sentence around it read as another.
pub fn excerpt(text: &str) -> String {
    let harmful = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || turns_direction(c);
    let mut shown: String = text.chars().take(MAX_CHARS).map(|c| if harmful(c) { ' ' } else { c }).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a character is a control of Unicode's bidirectional algorithm (UAX #9): embeddings, overrides, isolates and marks.
/// They make text read as what it is not (CVE-2021-42574).
pub fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_short_and_harmless() {
        assert_eq!(excerpt("a\u{1b}[2Jb\n"), "a [2Jb ");
        assert_eq!(excerpt("invoice\u{202e}txt\u{2028}exe"), "invoice txt exe");
        assert_eq!(excerpt(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(excerpt(&"é".repeat(1_000)), format!("{}…", "é".repeat(60)));
    }
}
