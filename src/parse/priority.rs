//! The priority in front of a line: `<34>` is facility 4, severity 2 (RFC 5424, section 6.2.1).

use nom::IResult;
use nom::Parser;
use nom::character::complete::{char, digit1};
use nom::sequence::delimited;

/// Highest priority: facility 23, severity 7.
const HIGHEST: u16 = 191;

/// What stands where a priority may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority<'a> {
    /// A priority, split, and the rest of the line.
    Stated { facility: u8, severity: u8, rest: &'a str },
    /// The line begins with something else.
    Absent,
    /// The line begins with an angle bracket, but not with a priority; the reason.
    Unreadable(&'static str),
}

fn bracketed_number(input: &str) -> IResult<&str, &str> {
    delimited(char('<'), digit1, char('>')).parse(input)
}

/// Reads the priority at the start of a line.
pub(super) fn read(line: &str) -> Priority<'_> {
    if !line.starts_with('<') {
        return Priority::Absent;
    }
    let Ok((rest, digits)) = bracketed_number(line) else {
        return Priority::Unreadable("priority is not a number in brackets");
    };
    // RFC 3164, section 4.1.1: zeros may not lead, so `<00>` and `<00013>` are no priorities.
    if digits.len() > 1 && digits.starts_with('0') {
        return Priority::Unreadable("priority with leading zeros");
    }
    match digits.parse::<u16>() {
        Ok(code) if code <= HIGHEST => Priority::Stated { facility: (code >> 3) as u8, severity: (code & 7) as u8, rest },
        _ => Priority::Unreadable("priority over 191"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facility_and_severity_are_the_two_parts_of_the_number() {
        assert_eq!(read("<34>x"), Priority::Stated { facility: 4, severity: 2, rest: "x" });
        assert_eq!(read("<0>"), Priority::Stated { facility: 0, severity: 0, rest: "" });
        assert_eq!(read("<191>"), Priority::Stated { facility: 23, severity: 7, rest: "" });
    }

    #[test]
    fn what_is_no_priority_says_why() {
        assert_eq!(read("hello"), Priority::Absent);
        assert_eq!(read("<192>x"), Priority::Unreadable("priority over 191"));
        assert_eq!(read("<99999999999999999999>x"), Priority::Unreadable("priority over 191"));
        assert_eq!(read("<00013>x"), Priority::Unreadable("priority with leading zeros"));
        for line in ["<>x", "<-1>x", "<13", "<1 3>x", "<"] {
            assert_eq!(read(line), Priority::Unreadable("priority is not a number in brackets"), "{line}");
        }
    }
}
