//! Single fields of documents: what they may hold, and complaints that name them.

use crate::document::{Complaint, excerpt};

/// Longest name of a person or team in characters: it stands in addresses of the API and in columns of lists.
const MAX_NAME_CHARS: usize = 64;

/// Longest email address: RFC 5321, section 4.5.3.1.3 gives a path 256 octets, two of which are its angle brackets.
const MAX_EMAIL_BYTES: usize = 254;

/// Complaints as they are found.
#[derive(Debug, Default)]
pub(super) struct Complaints(Vec<Complaint>);

impl Complaints {
    /// Keeps what is wrong with the field, if anything is.
    pub(super) fn note<T>(&mut self, field: impl Into<String>, checked: Result<T, String>) {
        if let Err(why) = checked {
            self.0.push(Complaint::new(field, why));
        }
    }

    /// Complains of a list that is longer than `most`; gives how many of its entries to look at.
    pub(super) fn bounded(&mut self, field: &str, len: usize, most: usize) -> usize {
        if len > most {
            self.note::<()>(field, Err(format!("it has {len} entries; leave at most {most}")));
        }
        len.min(most)
    }

    pub(super) fn into_vec(self) -> Vec<Complaint> {
        self.0
    }
}

/// Whether the name may be a person's: 1 to 64 of `a-z 0-9 . _ -`, beginning with a letter.
///
/// Only small letters, so that no two people differ by case alone; no slash and no leading dot, so that a name is never a path.
///
/// # Errors
/// What is wrong with it and what to write instead.
pub fn check_name(name: &str) -> Result<(), String> {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let letters = name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-'));
    if begins && letters && name.len() <= MAX_NAME_CHARS {
        return Ok(());
    }
    Err(format!(
        "`{}` is no name; write 1 to {MAX_NAME_CHARS} of a-z, 0-9, `.`, `_` and `-`, beginning with a letter, such as anna.huber",
        excerpt(name)
    ))
}

/// A line of text for people: something to see, nothing that moves a terminal's cursor, not too long.
pub(super) fn check_line(text: &str, most_chars: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("it is empty; write 1 to {most_chars} characters"));
    }
    check_remark(text, most_chars)
}

/// As [`check_line`], but it may be empty.
pub(super) fn check_remark(text: &str, most_chars: usize) -> Result<(), String> {
    if text.contains(char::is_control) {
        return Err("it holds a line break or another control character; write one line of plain text".to_owned());
    }
    let chars = text.chars().count();
    if chars > most_chars {
        return Err(format!("it has {chars} characters; shorten it to {most_chars}"));
    }
    Ok(())
}

/// An address that mail can be sent to: one `@` between a local part and a domain (RFC 5321, section 4.1.2, without quoted
/// local parts and address literals, which nobody uses and which hide line breaks and brackets).
pub(super) fn check_email(address: &str) -> Result<(), String> {
    let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "()<>[]:;@\\,\"".contains(c);
    let good = address.len() <= MAX_EMAIL_BYTES
        && address
            .split_once('@')
            .is_some_and(|(local, domain)| plain(local) && plain(domain) && !local.contains(forbidden) && !domain.contains(forbidden));
    if good { Ok(()) } else { Err(format!("`{}` is no email address; write one such as anna.huber@example.com", excerpt(address))) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names() {
        for good in ["a", "anna.huber", "j_doe-2", &"x".repeat(64)] {
            check_name(good).unwrap();
        }
        for wrong in ["", "Anna", "1st", ".ssh", "a/b", "anna huber", "änna", "a\n", &"x".repeat(65)] {
            assert!(check_name(wrong).unwrap_err().contains("anna.huber"), "{wrong}");
        }
    }

    #[test]
    fn email_addresses() {
        for good in ["a@b", "anna.huber+desk@example.com", "änna@exämple.com"] {
            check_email(good).unwrap();
        }
        let long = format!("{}@example.com", "x".repeat(250));
        for wrong in ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nBcc: c@d", "<a@b>", "a@b,c@d", ".a@b", "a@b..c", "a@[::1]", &long] {
            assert!(check_email(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_message_carries_control_characters(text in "\\PC{0,80}|[\\x00-\\x7f]{0,80}") {
            for checked in [check_name(&text), check_line(&text, 20), check_email(&text)] {
                prop_assert!(checked.err().is_none_or(|why| !why.contains(char::is_control)));
            }
        }
    }
}
