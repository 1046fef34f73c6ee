//! Single fields of records: what they may hold, and complaints that name them.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use crate::document::{Complaint, excerpt, turns_direction};

/// Longest name of a record: it stands in addresses of the API and in columns of lists.
const MAX_NAME_CHARS: usize = 100;
/// Longest single text, such as a model or a place.
const MAX_TEXT_CHARS: usize = 200;
/// Longest description: a few sentences.
const MAX_DESCRIPTION_CHARS: usize = 1_000;
/// Longest word of a vocabulary (kinds, units): it stands in headings.
const MAX_WORD_CHARS: usize = 40;
/// Longest list in a record; what refers to more is better named by a service.
const MAX_LIST: usize = 1_000;
/// Largest amount in minor units: 10 billion of a currency with cents, and sums of a million such amounts can be counted.
const MAX_MINOR: i64 = 1_000_000_000_000;
/// Days and dates outside of these are slips of the pen.
const FIRST_DAY: Date = date(1970, 1, 1);
const LAST_DAY: Date = date(2200, 12, 31);

/// What separates the entries of a list in a CSV cell, so that no entry may hold it.
pub(super) const LIST_SEPARATOR: char = '|';

/// Complaints as they are found.
#[derive(Debug, Default)]
pub(super) struct Complaints(Vec<Complaint>);

impl Complaints {
    /// Keeps a complaint about a field.
    pub(super) fn add(&mut self, field: impl Into<String>, why: impl Into<String>) {
        self.0.push(Complaint::new(field, why));
    }

    pub(super) fn into_vec(self) -> Vec<Complaint> {
        self.0
    }

    /// A text that must say something.
    pub(super) fn text(&mut self, field: &str, text: &str) {
        match text.trim().is_empty() {
            true => self.add(field, format!("it is empty; write 1 to {MAX_TEXT_CHARS} characters")),
            false => self.line(field, text, MAX_TEXT_CHARS),
        }
    }

    /// A text that may be left out, but says something if it is there.
    pub(super) fn optional(&mut self, field: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.text(field, text);
        }
    }

    /// A description, which may be empty.
    pub(super) fn description(&mut self, text: &str) {
        self.line("description", text, MAX_DESCRIPTION_CHARS);
    }

    fn line(&mut self, field: &str, text: &str, most: usize) {
        if text.contains(|c: char| c.is_control() || turns_direction(c)) {
            self.add(field, "it holds a line break or another control character; write one line of plain text");
        } else if text.chars().count() > most {
            self.add(field, format!("it has {} characters; shorten it to {most}", text.chars().count()));
        } else if text != text.trim() {
            self.add(field, "it begins or ends with a blank; take it away");
        }
    }

    /// A word of the department's own vocabulary: `server`, `filesystem`.
    pub(super) fn word(&mut self, field: &str, word: &str) {
        let letters = word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if word.is_empty() || !letters || word.len() > MAX_WORD_CHARS {
            self.add(
                field,
                format!("`{}` is no word for a kind; write 1 to {MAX_WORD_CHARS} of a-z, 0-9 and `_`, such as filesystem", excerpt(word)),
            );
        }
    }

    /// A unit: any short text.
    pub(super) fn unit(&mut self, field: &str, unit: &str) {
        if unit.trim().is_empty() {
            self.add(field, "it is empty; write a unit such as GiB, cores or licences");
        } else {
            self.line(field, unit, MAX_WORD_CHARS);
        }
    }

    /// A capacity in some unit.
    pub(super) fn capacity(&mut self, field: &str, capacity: f64) {
        if !capacity.is_finite() || capacity <= 0.0 {
            self.add(field, format!("it is {capacity}; a capacity is more than 0"));
        }
    }

    /// An amount that somebody pays.
    pub(super) fn price(&mut self, field: &str, minor: i64) {
        if minor < 0 {
            self.add(field, "it is negative; write 0 or more");
        } else if minor > MAX_MINOR {
            self.add(field, format!("it is over {MAX_MINOR} minor units; take digits away, or split it"));
        }
    }

    /// A count or a number of days.
    pub(super) fn within(&mut self, field: &str, number: u32, least: u32, most: u32) {
        if !(least..=most).contains(&number) {
            self.add(field, format!("it is {number}; write {least} to {most}"));
        }
    }

    /// A day that can be meant.
    pub(super) fn day(&mut self, field: &str, day: Option<Date>) {
        if let Some(day) = day.filter(|day| !(FIRST_DAY..=LAST_DAY).contains(day)) {
            self.add(field, format!("{day} cannot be meant; write a day from {FIRST_DAY} to {LAST_DAY}"));
        }
    }

    /// Two days of which the first may not be after the second.
    pub(super) fn in_order(&mut self, (earlier, from): (&str, Option<Date>), (later, to): (&str, Option<Date>)) {
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            self.add(later, format!("{to} is before `{earlier}`, which is {from}; put the two right"));
        }
    }

    /// A list of names or patterns.
    pub(super) fn list(&mut self, field: &str, entries: &[String]) {
        if entries.len() > MAX_LIST {
            return self.add(field, format!("it has {} entries; leave at most {MAX_LIST}", entries.len()));
        }
        let mut seen = BTreeSet::new();
        for (at, entry) in entries.iter().enumerate() {
            let place = format!("{field}[{at}]");
            if let Err(why) = check_name(entry) {
                self.add(place, why);
            } else if !seen.insert(entry) {
                self.add(place, format!("`{}` stands there twice; take one away", excerpt(entry)));
            }
        }
    }
}

/// Whether a record may be called so: 1 to 100 characters that one can see, without `|`.
///
/// # Errors
/// What is wrong with it and what to write instead.
pub fn check_name(name: &str) -> Result<(), String> {
    let harmful = |c: char| c.is_control() || turns_direction(c) || c == LIST_SEPARATOR;
    let plain = !name.is_empty() && name == name.trim() && !name.contains(harmful) && !matches!(name, "." | "..");
    if plain && name.chars().count() <= MAX_NAME_CHARS {
        return Ok(());
    }
    let shown = excerpt(name);
    Err(format!(
        "`{shown}` is no name; write 1 to {MAX_NAME_CHARS} visible characters without `|`, and no blank at either end, such as db01"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_seen_and_never_meet_a_separator() {
        for good in ["db01", "2027/storage", "Rack 3, unit 12", "INV-0001", "é"] {
            check_name(good).unwrap();
        }
        for wrong in ["", " ", " a", "a ", "a|b", "a\nb", "a\u{202e}b", ".", "..", &"x".repeat(101)] {
            assert!(check_name(wrong).unwrap_err().contains("such as db01"), "{wrong}");
        }
    }

    #[test]
    fn every_kind_of_field_is_judged() {
        let mut complaints = Complaints::default();
        complaints.text("a", " ");
        complaints.text("b", "x\u{7}");
        complaints.word("c", "File System");
        complaints.unit("d", "");
        complaints.capacity("e", f64::NAN);
        complaints.capacity("f", -1.0);
        complaints.price("g", -1);
        complaints.price("h", i64::MAX);
        complaints.within("i", 0, 1, 9);
        complaints.day("j", Some(date(206, 1, 1)));
        complaints.in_order(("a", Some(date(2026, 2, 1))), ("k", Some(date(2026, 1, 1))));
        complaints.list("l", &["a".to_owned(), "a".to_owned(), String::new()]);
        complaints.line("m", "x", 0);
        complaints.description(" x");
        let fields: Vec<String> = complaints.into_vec().into_iter().map(|complaint| complaint.field).collect();
        assert_eq!(fields.join(" "), "a b c d e f g h i j k l[1] l[2] m description");
    }

    #[test]
    fn what_is_right_is_taken() {
        let mut complaints = Complaints::default();
        complaints.text("a", "Vienna, rack 3");
        complaints.word("b", "filesystem");
        complaints.capacity("c", 0.5);
        complaints.price("d", 0);
        complaints.day("e", Some(date(2026, 11, 22)));
        complaints.in_order(("a", Some(date(2026, 1, 1))), ("b", Some(date(2026, 1, 1))));
        complaints.list("l", &["a".to_owned(), "b".to_owned()]);
        assert_eq!(complaints.into_vec(), []);
    }
}
