//! From the bytes of a file to text whose cells can be told apart, or where that fails.

use std::borrow::Cow;

use super::csv_options::{Charset, CsvOptions, Delimiter};
use crate::document::excerpt;

/// Something that is wrong with a place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The line, from 1.
    pub(super) line: usize,
    /// What is wrong, and what to do.
    pub(super) why: String,
}

/// The text of a file, without its byte order mark.
pub(super) fn text_of(bytes: &[u8], charset: Charset) -> Result<Cow<'_, str>, Fault> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Fault { line: 1, why: "the file is UTF-16; save it as UTF-8".to_owned() });
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(Fault { line: 1, why: "the file is a workbook or another archive; save its sheet as CSV".to_owned() });
    }
    if charset == Charset::Latin1 {
        return Ok(bytes.iter().map(|byte| char::from(*byte)).collect());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let in_line = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        let byte = bytes.get(error.valid_up_to()).copied().unwrap_or(0);
        Fault {
            line,
            why: format!(
                "byte {in_line} (0x{byte:02x}) is no UTF-8; save the file as UTF-8, or, if it is Latin-1, read it with charset=latin-1"
            ),
        }
    })
}

/// Refuses a heading whose cells are separated by something else than the options say, and a text whose quotation marks do not
/// close: everything after them would be read as one cell.
pub(super) fn check_cells(text: &str, options: CsvOptions) -> Result<(), Fault> {
    let header = text.lines().next().unwrap_or("");
    if header.trim_start().starts_with(['[', '{']) {
        let why = "the file is JSON and not CSV; send it as application/json, or name it with the ending .json";
        return Err(Fault { line: 1, why: why.to_owned() });
    }
    if !header.contains(char::from(options.delimiter.byte())) {
        let others = [Delimiter::Comma, Delimiter::Semicolon, Delimiter::Tab];
        if let Some(other) = others.into_iter().find(|other| header.contains(char::from(other.byte()))) {
            let (named, word) = (other.word(), options.delimiter.word());
            let why = format!(
                "the columns of `{}` are separated by `{named}` and not by `{word}`; read it with delimiter={named}",
                excerpt(header)
            );
            return Err(Fault { line: 1, why });
        }
    }
    check_quotes(text, options.delimiter.byte())
}

/// Where a reader of quoted cells is.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    CellBegins,
    Plain,
    Quoted,
    /// After a quotation mark inside of a quoted cell: it closes the cell, or is doubled and stands for itself.
    MayClose,
}

fn check_quotes(text: &str, delimiter: u8) -> Result<(), Fault> {
    let (mut place, mut line, mut opened) = (Place::CellBegins, 1, 1);
    for byte in text.bytes() {
        place = match (place, byte) {
            (Place::Quoted, b'"') => Place::MayClose,
            (Place::Quoted, _) | (Place::MayClose, b'"') => Place::Quoted,
            (Place::CellBegins, b'"') => {
                opened = line;
                Place::Quoted
            }
            (_, b'\n' | b'\r') => Place::CellBegins,
            (_, byte) if byte == delimiter => Place::CellBegins,
            (Place::MayClose, _) => {
                let why = "after a closing quotation mark there is more text; write a quotation mark inside of a quoted cell twice";
                return Err(Fault { line, why: why.to_owned() });
            }
            _ => Place::Plain,
        };
        line += usize::from(byte == b'\n');
    }
    if place == Place::Quoted {
        let why = "a cell begins with a quotation mark that is closed nowhere after it; close it, or write it twice within quotation marks";
        return Err(Fault { line: opened, why: why.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_read_as_they_were_written() {
        assert_eq!(text_of("\u{feff}name,é".as_bytes(), Charset::Utf8).unwrap(), "name,é");
        assert_eq!(text_of(b"Z\xfcrich", Charset::Latin1).unwrap(), "Zürich");
        let fault = text_of(b"name,place\nsw1,Z\xfcrich\n", Charset::Utf8).unwrap_err();
        assert_eq!(fault.line, 2);
        assert!(fault.why.starts_with("byte 6 (0xfc)") && fault.why.contains("charset=latin-1"), "{}", fault.why);
        assert!(text_of(b"\xff\xfen\0", Charset::Utf8).unwrap_err().why.contains("UTF-16"));
        assert!(text_of(b"PK\x03\x04\x14", Charset::Latin1).unwrap_err().why.contains("workbook"));
    }

    #[test]
    fn another_separator_is_named() {
        let options = CsvOptions::default();
        for (text, option) in [("name;kind\n", "delimiter=;"), ("name\tkind\n", "delimiter=tab")] {
            assert!(check_cells(text, options).unwrap_err().why.contains(option), "{text}");
        }
        let semicolon = CsvOptions { delimiter: Delimiter::Semicolon, ..options };
        assert!(check_cells("name,kind\n", semicolon).unwrap_err().why.contains("delimiter=,"));
        assert_eq!(check_cells("name\n", options), Ok(()));
        assert!(check_cells("[{\"name\": \"a\"}]", options).unwrap_err().why.contains("application/json"));
    }

    #[test]
    fn quotation_marks_close() {
        let check = |text| check_quotes(text, b',').map_err(|fault| fault.line);
        assert_eq!(check("a,\"b \"\"c\"\"\nd\",e\nf,g\"h\n"), Ok(()));
        assert_eq!(check("a,b\n\"c,d\ne,f\n"), Err(2), "where the cell begins");
        assert_eq!(check("a,\"b\" c\n"), Err(1));
        assert_eq!(check("a,\"\"\n"), Ok(()));
    }
}
