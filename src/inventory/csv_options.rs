//! How a CSV file is written. The strict reading is the usual one: nothing is guessed.

use std::str::FromStr;

use crate::document::excerpt;

/// How the bytes of a file are characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, with or without a byte order mark.
    #[default]
    Utf8,
    /// ISO 8859-1: each byte is its code point.
    Latin1,
}

/// What separates the cells of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// `,`, as RFC 4180 has it.
    #[default]
    Comma,
    /// `;`, as spreadsheets write where the comma is in numbers.
    Semicolon,
    /// A tab.
    Tab,
}

/// What stands before the decimals of a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DecimalMark {
    /// `1299.50`.
    #[default]
    Point,
    /// `1299,50`.
    Comma,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// Its characters.
    pub charset: Charset,
    /// What separates cells.
    pub delimiter: Delimiter,
    /// What stands before decimals.
    pub decimal: DecimalMark,
}

impl Delimiter {
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
        }
    }

    /// What to write for it as an option.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Comma => ",",
            Self::Semicolon => ";",
            Self::Tab => "tab",
        }
    }
}

impl FromStr for Charset {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "latin-1" | "latin1" | "iso-8859-1" => Ok(Self::Latin1),
            _ => Err(format!("`{}` is no charset that is read; write utf-8 or latin-1", excerpt(word))),
        }
    }
}

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "," => Ok(Self::Comma),
            ";" => Ok(Self::Semicolon),
            "tab" | "\t" => Ok(Self::Tab),
            _ => Err(format!("`{}` is no delimiter; write `,`, `;` or tab", excerpt(word))),
        }
    }
}

impl FromStr for DecimalMark {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "." => Ok(Self::Point),
            "," => Ok(Self::Comma),
            _ => Err(format!("`{}` is no decimal mark; write `.` or `,`", excerpt(word))),
        }
    }
}
