//! What is wrong with a document.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Complaints told in one line: enough to see the pattern.
const MAX_IN_WORDS: usize = 20;

/// One thing that is wrong, where it stands, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complaint {
    /// Path of the field, such as `rules[2].hours.mon[0]`; empty for the whole document.
    pub field: String,
    /// What is wrong and what to write instead; words for a person.
    pub why: String,
}

impl Complaint {
    /// A complaint about a field.
    pub fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }

    /// The same complaint, seen from the document that holds the one it is about.
    pub fn below(self, parent: &str) -> Self {
        let dot = if self.field.is_empty() { "" } else { "." };
        Self { field: format!("{parent}{dot}{}", self.field), why: self.why }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.why) } else { write!(f, "`{}`: {}", self.field, self.why) }
    }
}

/// The first 20 complaints, in one line.
pub fn in_words(complaints: &[Complaint]) -> String {
    complaints.iter().take(MAX_IN_WORDS).map(Complaint::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_a_line_with_its_path() {
        let complaint = Complaint::new("hours.mon[0]", "no").below("calendars.office");
        assert_eq!(complaint.to_string(), "`calendars.office.hours.mon[0]`: no");
    }

    #[test]
    fn a_complaint_about_a_whole_document_has_no_field() {
        let whole = Complaint::new("", "it is no table");
        assert_eq!(whole.to_string(), "it is no table");
        assert_eq!(whole.below("rota/ops").to_string(), "`rota/ops`: it is no table");
    }

    #[test]
    fn many_complaints_are_told_by_the_first() {
        let complaints: Vec<Complaint> = (0..1_000).map(|at| Complaint::new(format!("rules[{at}]"), "no")).collect();
        assert_eq!(in_words(&complaints[..2]), "`rules[0]`: no; `rules[1]`: no");
        assert!(in_words(&complaints).ends_with("`rules[19]`: no"));
    }
}
