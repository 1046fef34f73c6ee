//! What somebody wrote, as a complaint shows it.

/// Characters of a text that a complaint repeats: enough to find it again, too few to fill a screen.
const MAX_CHARS: usize = 60;

/// The beginning of a text, on one line: what somebody pasted may be a megabyte, or move a terminal's cursor.
pub fn excerpt(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_short_and_harmless() {
        assert_eq!(excerpt("a\u{1b}[2Jb\n"), "a [2Jb ");
        assert_eq!(excerpt(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(excerpt(&"é".repeat(1_000)), format!("{}…", "é".repeat(60)));
    }
}
