//! The comments at the top of a SQL file, as keys and values.
//!
//! ```sql
//! -- name: error_burst
//! -- runbook: Read the lines.
//! --   A line that begins with three spaces goes on with the value before it.
//!
//! -- The first line that is no comment ends the header: this comment is free.
//! SELECT ...
//! ```

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {what}")]
pub struct SqlFileError {
    /// The file.
    pub file: String,
    /// Line of the file, from 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub what: String,
}

/// A key of the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key.
    pub key: &'a str,
    /// Its value; lines that go on are joined with line breaks.
    pub value: String,
    /// Line of the file that it begins on, from 1.
    pub line: usize,
}

/// A file cut into header and body.
#[derive(Debug)]
pub struct Header<'a> {
    file: &'a str,
    entries: Vec<Entry<'a>>,
    /// Everything after the header.
    pub body: &'a str,
    /// Line of the file on which the body begins, from 1.
    pub body_line: usize,
}

impl<'a> Header<'a> {
    /// Cuts the file and checks the form of the header: each key once, and only keys that are `known`.
    pub fn parse(file: &'a str, text: &'a str, known: &[&str]) -> Result<Self, SqlFileError> {
        let mut header = Self { file, entries: Vec::new(), body: text, body_line: 1 };
        while let Some(comment) = header.body.strip_prefix("--") {
            let (line, rest) = comment.split_once('\n').unwrap_or((comment, ""));
            header.take_line(line.trim_end(), known)?;
            header.body = rest;
            header.body_line += 1;
        }
        Ok(header)
    }

    fn take_line(&mut self, line: &'a str, known: &[&str]) -> Result<(), SqlFileError> {
        let number = self.body_line;
        if let (true, Some(last)) = (line.starts_with("   ") || line.is_empty(), self.entries.last_mut()) {
            last.value.push('\n');
            last.value.push_str(line.trim());
            return Ok(());
        }
        let Some((key, value)) = line.split_once(':').map(|(key, value)| (key.trim(), value.trim())) else {
            let what = format!(
                "`{}` is no header line; write `-- key: value`, or begin it with `--` and three spaces to go on with the line before",
                line.trim()
            );
            return Err(self.error(number, what));
        };
        if !known.contains(&key) {
            return Err(self.error(number, format!("there is no key `{key}`; the keys are {}", known.join(", "))));
        }
        if let Some(earlier) = self.entries.iter().find(|entry| entry.key == key) {
            return Err(self.error(number, format!("`{key}` stands on line {} already; keep one of them", earlier.line)));
        }
        self.entries.push(Entry { key, value: value.to_owned(), line: number });
        Ok(())
    }

    /// The key's value, if it is there and not empty.
    pub fn optional(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key && !entry.value.is_empty())
    }

    /// The key's value; `example` shows what to write if it is missing.
    pub fn required(&self, key: &str, example: &str) -> Result<&Entry<'a>, SqlFileError> {
        let missing = || self.error(1, format!("the header has no `{key}`; add a line such as `-- {key}: {example}`"));
        self.optional(key).ok_or_else(missing)
    }

    /// An error on that line of the file.
    pub fn error(&self, line: usize, what: impl Into<String>) -> SqlFileError {
        SqlFileError { file: self.file.to_owned(), line, what: what.into() }
    }

    /// An error about the value of an entry.
    pub fn wrong(&self, entry: &Entry<'_>, why: impl std::fmt::Display) -> SqlFileError {
        self.error(entry.line, format!("`{}`: {why}", entry.key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KNOWN: [&str; 2] = ["name", "runbook"];

    #[test]
    fn values_go_on_over_lines_and_the_body_keeps_its_line_number() {
        let text = "-- name: a\n-- runbook: first: look\n--   then think\n--\n--   then act\n\n-- free\nSELECT 1\n";
        let header = Header::parse("a.sql", text, &KNOWN).unwrap();
        assert_eq!(header.required("runbook", "").unwrap().value, "first: look\nthen think\n\nthen act");
        assert_eq!((header.body, header.body_line), ("\n-- free\nSELECT 1\n", 6));
    }

    #[test]
    fn errors_say_where_and_what_to_write() {
        let says = |text: &str, what: &str| {
            let error = Header::parse("a.sql", text, &KNOWN).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        says("-- name: a\n-- nmae: b\n", "a.sql, line 2: there is no key `nmae`; the keys are name, runbook");
        says("-- name: a\n-- name: b\n", "line 2: `name` stands on line 1 already");
        says("-- just words\n", "line 1: `just words` is no header line");
        let missing = Header::parse("a.sql", "SELECT 1", &KNOWN).unwrap().required("name", "error_burst").unwrap_err();
        assert!(missing.to_string().contains("add a line such as `-- name: error_burst`"), "{missing}");
    }

    proptest! {
        #[test]
        fn any_text_is_cut_or_refused_but_never_panics(text in "(-- ?(name|x|   y)?:?[ a-zé]*\n?){0,8}.*") {
            let _ = Header::parse("a.sql", &text, &KNOWN);
        }
    }
}
