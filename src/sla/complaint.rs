//! What is wrong with a document that somebody wrote.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong, where it stands, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Complaint {
    /// Path of the field, such as `hours.mon[0]`.
    pub field: String,
    /// What is wrong, and what to write instead; a sentence for a person.
    pub why: String,
}

impl Complaint {
    pub(super) fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }

    /// The same complaint, seen from the document that holds the one it is about.
    pub(super) fn below(self, parent: &str) -> Self {
        Self { field: format!("{parent}.{}", self.field), why: self.why }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)
    }
}

/// The beginning of a text that goes into a complaint: what somebody pasted may be a megabyte.
pub(super) fn shown(text: &str) -> String {
    // A line of an 80-column terminal.
    const MOST: usize = 80;
    let mut characters = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let start: String = characters.by_ref().take(MOST).collect();
    if characters.next().is_some() { format!("{start}...") } else { start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_a_line_with_its_path() {
        let complaint = Complaint::new("hours.mon[0]", "no").below("calendars.office");
        assert_eq!(complaint.to_string(), "calendars.office.hours.mon[0]: no");
    }

    #[test]
    fn what_is_quoted_is_short_and_harmless() {
        assert_eq!(shown("a\u{1b}[2Jb"), "a [2Jb");
        assert_eq!(shown(&"é".repeat(1_000)).chars().count(), 83);
    }
}
