//! A table of a report, and the forms in which it is shown but the page.

use anyhow::Context as _;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::query::write_csv_text;

/// Rows with the columns that they have.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Map<String, Value>>,
}

/// A column: its name, and its type in words, as an answer of the server has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
}

impl Table {
    /// The rows of an answer.
    pub(super) fn of_answer(name: &str, description: &str, answer: &Value) -> anyhow::Result<Self> {
        let part = |key: &str| answer.get(key).cloned().with_context(|| format!("the answer has no `{key}`"));
        Ok(Self {
            name: name.to_owned(),
            description: description.to_owned(),
            columns: serde_json::from_value(part("columns")?).context("the answer's columns cannot be read")?,
            rows: serde_json::from_value(part("rows")?).context("the answer's rows cannot be read")?,
        })
    }

    /// A table with these columns, yet without rows.
    pub(super) fn new(name: &str, description: &str, columns: &[(&str, &str)]) -> Self {
        let column = |(name, kind): &(&str, &str)| Column { name: (*name).to_owned(), kind: (*kind).to_owned() };
        Self { name: name.to_owned(), description: description.to_owned(), columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Appends a row: a value for each column, in order.
    pub(super) fn push<const N: usize>(&mut self, values: [Value; N]) {
        debug_assert_eq!(N, self.columns.len(), "a row of {} has a value for each column", self.name);
        self.rows.push(self.columns.iter().map(|column| column.name.clone()).zip(values).collect());
    }

    pub(super) fn json(&self, title: &str) -> Value {
        json!({ "name": self.name, "title": title, "description": self.description, "columns": self.columns, "rows": self.rows })
    }

    /// Drawn for a terminal.
    pub(super) fn text(&self, width: Option<u16>) -> String {
        if self.rows.is_empty() {
            return "nothing\n".to_owned();
        }
        let mut drawn = comfy_table::Table::new();
        drawn.load_preset(UTF8_FULL_CONDENSED).set_header(self.columns.iter().map(|column| column.name.replace('_', " ")));
        if let Some(width) = width {
            drawn.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(width);
        }
        for row in &self.rows {
            // A name must not move the terminal's cursor.
            drawn.add_row(self.columns.iter().map(|column| cell(row, &column.name).replace(char::is_control, "\u{fffd}")));
        }
        format!("{drawn}\n")
    }
}

/// A cell as text; what is not known is empty.
pub(super) fn cell(row: &Map<String, Value>, column: &str) -> String {
    match row.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// All tables as one, so that it is one table to whatever reads it: the first column says which table a row is of, and a row
/// is empty in the columns of the others.
pub(super) fn csv(tables: &[&Table]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for column in tables.iter().flat_map(|table| &table.columns) {
        if !columns.contains(&column.name.as_str()) {
            columns.push(&column.name);
        }
    }
    let mut out = b"table".to_vec();
    for column in &columns {
        out.push(b',');
        write_csv_text(column, &mut out);
    }
    out.extend_from_slice(b"\r\n");
    for table in tables {
        for row in &table.rows {
            write_csv_text(&table.name, &mut out);
            for column in &columns {
                out.push(b',');
                match row.get(*column) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(text)) => write_csv_text(text, &mut out),
                    // A minus sign before a number is no formula.
                    Some(other) => out.extend_from_slice(other.to_string().as_bytes()),
                }
            }
            out.extend_from_slice(b"\r\n");
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> [Table; 2] {
        let mut load = Table::new("load", "", &[("person", "text"), ("pages", "integer")]);
        load.push([json!("=cmd()"), json!(3)]);
        load.push([json!("a,\"b\""), json!(-1)]);
        let mut gaps = Table::new("gaps", "", &[("rota", "text"), ("person", "text")]);
        gaps.push([json!("\u{1b}[2Jwatch"), Value::Null]);
        [load, gaps]
    }

    #[test]
    fn csv_is_one_table_that_a_spreadsheet_does_not_run() {
        let [load, gaps] = tables();
        assert_eq!(
            csv(&[&load, &gaps]),
            "table,person,pages,rota\r\nload,\"'=cmd()\",3,\r\nload,\"a,\"\"b\"\"\",-1,\r\ngaps,,,\u{1b}[2Jwatch\r\n"
        );
    }

    #[test]
    fn a_terminal_gets_no_control_characters_and_a_word_where_nothing_is() {
        let [load, gaps] = tables();
        assert!(load.text(None).contains("=cmd()") && load.text(None).contains("-1"));
        assert!(!gaps.text(None).contains('\u{1b}') && gaps.text(None).contains("[2Jwatch"));
        assert_eq!(Table::new("t", "", &[("a", "text")]).text(Some(80)), "nothing\n");
    }

    #[test]
    fn an_answer_of_the_server_is_read_with_its_columns() {
        let answer = json!({ "columns": [{ "name": "n", "type": "integer" }], "rows": [{ "n": 1 }] });
        let table = Table::of_answer("q", "d", &answer).unwrap();
        assert_eq!(
            table.json("Title"),
            json!({ "name": "q", "title": "Title", "description": "d", "columns": [{ "name": "n", "type": "integer" }], "rows": [{ "n": 1 }] })
        );
        assert!(Table::of_answer("q", "d", &json!({ "rows": [] })).unwrap_err().to_string().contains("`columns`"));
    }
}
