//! Structured data (RFC 5424, section 6.3), as the standard has it and as some programs write it.

use std::borrow::Cow;

use memchr::{memchr2, memchr3};
use nom::IResult;
use nom::Parser;
use nom::bytes::complete::take_while;
use nom::character::complete::char;
use nom::error::{Error, ErrorKind};
use nom::sequence::preceded;

use crate::record::Attribute;

/// How the elements were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elements<'a> {
    /// By the standard; what follows the last `]`.
    WellFormed(&'a str),
    /// With liberties: values without quotes, names that the standard forbids (those elements are left out).
    Tolerated(&'a str),
    /// Not structured data: nothing was added.
    Malformed,
}

/// One `name="value"`; the flag is true where the value stood without quotes.
type Parameter<'a> = (&'a str, Cow<'a, str>, bool);

fn failed<T>(input: &str) -> IResult<&str, T> {
    Err(nom::Err::Error(Error::new(input, ErrorKind::Verify)))
}

/// SD-NAME: up to a blank, `=`, `]` or `"`, at least one character.
fn sd_name(input: &str) -> IResult<&str, &str> {
    match input.bytes().position(|byte| matches!(byte, b' ' | b'=' | b']' | b'"')) {
        Some(0) | None => failed(input),
        Some(end) => Ok((&input[end..], &input[..end])),
    }
}

fn blanks(input: &str) -> IResult<&str, &str> {
    take_while(|c| c == ' ').parse(input)
}

/// PARAM-VALUE behind its opening quote, up to and with the closing one.
fn quoted(input: &str) -> IResult<&str, Cow<'_, str>> {
    let bytes = input.as_bytes();
    let mut at = 0;
    let mut escaped = false;
    while let Some(step) = memchr2(b'"', b'\\', &bytes[at..]) {
        at += step;
        if bytes[at] == b'"' {
            let raw = &input[..at];
            let value = if escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) };
            return Ok((&input[at + 1..], value));
        }
        // The backslash and what it stands before; a multi-byte character is skipped from within, which no quote can be.
        escaped = true;
        at = (at + 2).min(bytes.len());
    }
    failed(input)
}

/// `\"`, `\\` and `\]` lose their backslash; before any other character it stays (section 6.3.3).
fn unescape(raw: &str) -> String {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        match rest.as_bytes().get(at + 1) {
            Some(b'"' | b'\\' | b']') => {
                value.push_str(&rest[at + 1..at + 2]);
                rest = &rest[at + 2..];
            }
            _ => {
                value.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    value.push_str(rest);
    value
}

/// A value without quotes, up to a blank or the end of the element.
fn bare(input: &str) -> IResult<&str, &str> {
    match memchr3(b' ', b']', b'"', input.as_bytes()) {
        Some(end) if input.as_bytes()[end] != b'"' => Ok((&input[end..], &input[..end])),
        _ => failed(input),
    }
}

fn parameter(input: &str) -> IResult<&str, Parameter<'_>> {
    let (input, name) = sd_name(input)?;
    // A blank between `=` and the quote is seen in the wild and hides nothing.
    let (input, _) = (char('='), blanks).parse(input)?;
    let (input, value, unquoted) = match input.strip_prefix('"') {
        Some(behind) => quoted(behind).map(|(rest, value)| (rest, value, false))?,
        None => bare(input).map(|(rest, value)| (rest, Cow::Borrowed(value), true))?,
    };
    // `x="a"b"` must not become `a`: after a value comes a blank or the end of the element.
    if input.starts_with([' ', ']']) { Ok((input, (name, value, unquoted))) } else { failed(input) }
}

/// One `[id name="value" ...]`, its parameters added to `out`; true where liberties were taken.
fn element<'a>(input: &'a str, out: &mut Vec<Attribute<'a>>) -> IResult<&'a str, bool> {
    let (mut input, id) = preceded(char('['), sd_name).parse(input)?;
    let mut liberties = false;
    let mut any = false;
    loop {
        input = blanks(input)?.0;
        if let Some(rest) = input.strip_prefix(']') {
            if !any {
                out.push(Attribute { namespace: Cow::Borrowed(id), name: Cow::Borrowed(""), value: Cow::Borrowed("") });
            }
            return Ok((rest, liberties));
        }
        let (rest, (name, value, unquoted)) = parameter(input)?;
        out.push(Attribute { namespace: Cow::Borrowed(id), name: Cow::Borrowed(name), value });
        (input, liberties, any) = (rest, liberties | unquoted, true);
    }
}

/// An element that has the brackets but not the form: its text up to the `]` that ends it.
fn skip_element(input: &str) -> Option<&str> {
    let bytes = input.as_bytes();
    let mut quotes = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quotes = !quotes,
            b']' if !quotes => return Some(&input[at + 1..]),
            _ => {}
        }
    }
    None
}

/// Reads the elements at the start of `input`, one directly behind the other, and adds them to `out`.
pub(super) fn read<'a>(input: &'a str, out: &mut Vec<Attribute<'a>>) -> Elements<'a> {
    let before = out.len();
    let mut rest = input;
    let mut liberties = false;
    while rest.starts_with('[') {
        let kept = out.len();
        match element(rest, out) {
            Ok((behind, loose)) => (rest, liberties) = (behind, liberties | loose),
            Err(_) => {
                out.truncate(kept);
                // A bad element behind good ones is left out; a bad first one means that this is something else.
                match skip_element(rest).filter(|_| kept > before) {
                    Some(behind) => (rest, liberties) = (behind, true),
                    None => break,
                }
            }
        }
    }
    let ends_well = rest.is_empty() || rest.starts_with(' ');
    if rest.len() == input.len() || !ends_well {
        out.truncate(before);
        return Elements::Malformed;
    }
    if liberties { Elements::Tolerated(rest) } else { Elements::WellFormed(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(input: &str) -> (Elements<'_>, Vec<(String, String, String)>) {
        let mut out = Vec::new();
        let elements = read(input, &mut out);
        (elements, out.into_iter().map(|a| (a.namespace.into(), a.name.into(), a.value.into())).collect())
    }

    fn triple(namespace: &str, name: &str, value: &str) -> (String, String, String) {
        (namespace.into(), name.into(), value.into())
    }

    #[test]
    fn elements_by_the_standard() {
        let (elements, found) = read_all(r#"[a@1 x="1" y="two words"][b] text"#);
        assert_eq!(elements, Elements::WellFormed(" text"));
        assert_eq!(found, [triple("a@1", "x", "1"), triple("a@1", "y", "two words"), triple("b", "", "")]);
    }

    #[test]
    fn three_characters_are_escaped_and_no_others() {
        let (elements, found) = read_all(r#"[a x="q\"b\\s\]n\n⌘\⌘"]"#);
        assert_eq!(elements, Elements::WellFormed(""));
        assert_eq!(found, [triple("a", "x", r#"q"b\s]n\n⌘\⌘"#)]);
    }

    #[test]
    fn liberties_are_taken_and_told() {
        let (elements, found) = read_all(r#"[a x=1 y= "2" ] text"#);
        assert_eq!(elements, Elements::Tolerated(" text"));
        assert_eq!(found, [triple("a", "x", "1"), triple("a", "y", "2")]);
        let (elements, found) = read_all(r#"[a x="1"][p=q r="]"] text"#);
        assert_eq!(elements, Elements::Tolerated(" text"));
        assert_eq!(found, [triple("a", "x", "1")]);
    }

    #[test]
    fn other_brackets_are_left_alone() {
        for input in [r#"[a x="1""] t"#, r#"[a x=""1"] t"#, "[ ]", "[=]", "[\"]", "[a", r#"[a x="1]"#, r#"[a x="1"]text"#, "text", ""] {
            assert_eq!(read_all(input), (Elements::Malformed, vec![]), "{input}");
        }
    }
}
