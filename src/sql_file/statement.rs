//! The statements of a file, and what can be told of them before they run.

use super::header::{Header, SqlFileError};
use super::words::words;

/// Functions and words that read the present time.
const CLOCK_WORDS: [&str; 6] = ["now", "today", "current_timestamp", "current_date", "current_time", "localtimestamp"];

/// A statement and the line of the file on which it begins, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its text, without a semicolon at the end.
    pub text: &'a str,
    /// The line.
    pub line: usize,
}

/// The name of what the file holds: that of the file without `.sql`. `what` is the word for it in errors.
///
/// # Errors
/// It is missing, no name, or another than the file's.
pub fn file_name(header: &Header<'_>, file: &str, what: &str) -> Result<String, SqlFileError> {
    let entry = header.required("name", "error_burst")?;
    let name = &entry.value;
    if name.len() > 64 || !is_column(name) {
        return Err(header.wrong(entry, format!("`{name}` is no name; write at most 64 of a-z, 0-9 and _")));
    }
    let stem = file.rsplit(['/', '\\']).next().and_then(|last| last.strip_suffix(".sql")).unwrap_or(file);
    if stem != name {
        return Err(header.wrong(entry, format!("the file is called `{stem}` and the {what} `{name}`; give both the same name")));
    }
    Ok(name.clone())
}

/// The columns that a key of the header names, with commas between them; none may be called like a parameter.
///
/// # Errors
/// The key is missing, or holds something else than columns.
pub fn columns_of(header: &Header<'_>, key: &str, example: &str, parameters: &[&str]) -> Result<Vec<String>, SqlFileError> {
    let entry = header.required(key, example)?;
    let columns: Vec<String> = entry.value.split(',').map(|column| column.trim().to_owned()).collect();
    if let Some(wrong) = columns.iter().find(|column| !is_column(column)) {
        return Err(header.wrong(entry, format!("`{wrong}` is no column; write names of the query's columns with commas between them")));
    }
    if let Some(taken) = columns.iter().find(|column| parameters.contains(&column.as_str())) {
        return Err(header.wrong(entry, format!("`{taken}` is a parameter's name; call the column otherwise")));
    }
    Ok(columns)
}

fn is_column(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// The query, and the statements after each of the marks, which stand in the order of `marks` where they stand at all.
///
/// # Errors
/// A statement is empty, or the marks stand in another order.
pub fn statements<'a, const N: usize>(
    header: &Header<'a>,
    marks: [&str; N],
) -> Result<(Statement<'a>, [Option<Statement<'a>>; N]), SqlFileError> {
    let body = header.body;
    let line_at = |at: usize| header.body_line + body[..at].matches('\n').count();
    let places = marks.map(|mark| body.find(mark));
    let mut query_end = body.len();
    let mut latest = 0;
    for (place, mark) in places.iter().zip(marks) {
        let Some(place) = *place else { continue };
        if place < latest {
            return Err(header.error(line_at(place), format!("the part `{mark}` comes too early; the order is {}", marks.join(", "))));
        }
        (latest, query_end) = (place, query_end.min(place));
    }
    let statement = |name: &str, from: usize, to: usize| {
        let trimmed = body[from..to].trim_start();
        let line = line_at(to - trimmed.len());
        if words(trimmed).is_empty() {
            return Err(header.error(line, format!("the {name} is empty; write a SELECT statement")));
        }
        Ok(Statement { text: trimmed.trim_end().trim_end_matches(';').trim_end(), line })
    };
    let query = statement("query", 0, query_end)?;
    let mut parts = [None; N];
    for (at, mark) in marks.iter().enumerate() {
        let Some(place) = places[at] else { continue };
        let end = places[at + 1..].iter().flatten().copied().next().unwrap_or(body.len());
        let name = mark.trim_start_matches("-- ").trim_end_matches(':');
        parts[at] = Some(statement(name, place + mark.len(), end)?);
    }
    Ok((query, parts))
}

/// Checks that a statement reads the time from its parameters, and from no others than `allowed`.
///
/// # Errors
/// It uses a parameter that does not exist, reads the present time, or is asked about no window.
pub fn check_statement(header: &Header<'_>, statement: &Statement<'_>, allowed: &[&str]) -> Result<(), SqlFileError> {
    let known = |names: &[&str]| names.iter().map(|name| format!("${name}")).collect::<Vec<_>>().join(", ");
    let mut uses_window = false;
    for word in words(statement.text) {
        let line = statement.line + word.line;
        if let Some(parameter) = word.text.strip_prefix('$') {
            if !allowed.contains(&parameter) {
                return Err(header.error(line, format!("there is no parameter `${parameter}`; use {}", known(allowed))));
            }
            uses_window |= parameter == "window_end";
        }
        let lower = word.text.to_ascii_lowercase();
        let is_clock =
            CLOCK_WORDS.contains(&lower.as_str()) && (word.is_call || lower.starts_with("current_") || lower == "localtimestamp");
        if is_clock {
            let what = format!("`{}` reads the present time, and nothing could be asked about last week; use $window_end", word.text);
            return Err(header.error(line, what));
        }
    }
    if uses_window {
        return Ok(());
    }
    Err(header
        .error(statement.line, "the query does not use $window_end, so every run would judge the same rows; add `timestamp < $window_end`"))
}
