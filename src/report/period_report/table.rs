//! A table of a report, and its forms for programs and spreadsheets.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::report::csv;

/// Rows with the columns that they have.
#[derive(Debug, Clone)]
pub struct DataTable {
    /// Its name: the question's.
    pub name: String,
    /// What it says, for people.
    pub description: String,
    /// In order.
    pub columns: Vec<DataColumn>,
    /// By the name of the column.
    pub rows: Vec<Map<String, Value>>,
}

/// A column: its name, and its type in words, as an answer of the server has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataColumn {
    /// Its name.
    pub name: String,
    /// Its type, such as `integer` or `text`.
    #[serde(rename = "type")]
    pub kind: String,
}

impl DataTable {
    /// The rows of an answer.
    ///
    /// # Errors
    /// It has no columns or rows, or they are none.
    pub fn of_answer(name: &str, description: &str, answer: &Value) -> Result<Self, String> {
        let part = |key: &str| answer.get(key).cloned().ok_or_else(|| format!("the answer has no `{key}`"));
        Ok(Self {
            name: name.to_owned(),
            description: description.to_owned(),
            columns: serde_json::from_value(part("columns")?).map_err(|error| format!("the answer's columns cannot be read: {error}"))?,
            rows: serde_json::from_value(part("rows")?).map_err(|error| format!("the answer's rows cannot be read: {error}"))?,
        })
    }

    /// A table with these columns, yet without rows.
    pub fn new(name: &str, description: &str, columns: &[(&str, &str)]) -> Self {
        let column = |(name, kind): &(&str, &str)| DataColumn { name: (*name).to_owned(), kind: (*kind).to_owned() };
        Self { name: name.to_owned(), description: description.to_owned(), columns: columns.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Appends a row: a value for each column, in order.
    pub fn push<const N: usize>(&mut self, values: [Value; N]) {
        debug_assert_eq!(N, self.columns.len(), "a row of {} has a value for each column", self.name);
        self.rows.push(self.columns.iter().map(|column| column.name.clone()).zip(values).collect());
    }

    pub(super) fn json(&self, title: &str) -> Value {
        json!({ "name": self.name, "title": title, "description": self.description, "columns": self.columns, "rows": self.rows })
    }
}

/// What stands above the answer to a question that says so much of itself; `cut` are the tables that have more than a question looks at.
pub fn described(description: Option<&str>, cut: Option<&str>) -> String {
    let description = description.unwrap_or_default();
    let Some(cut) = cut.filter(|cut| !cut.is_empty()) else { return description.to_owned() };
    format!("{description} Not complete: there is more in {cut} than a question looks at, and what is missing is the oldest.")
}

/// A cell as text; what is not known is empty.
pub fn cell(row: &Map<String, Value>, column: &str) -> String {
    match row.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// All tables as one, so that it is one table to whatever reads it: the first column says which table a row is of, and a row
/// is empty in the columns of the others.
pub(super) fn tables_csv(tables: &[&DataTable]) -> String {
    let mut columns: Vec<&str> = Vec::new();
    for column in tables.iter().flat_map(|table| &table.columns) {
        if !columns.contains(&column.name.as_str()) {
            columns.push(&column.name);
        }
    }
    let mut out = "table".to_owned();
    for column in &columns {
        out.push(',');
        out.push_str(&csv::text(column));
    }
    out.push_str("\r\n");
    for table in tables {
        for row in &table.rows {
            out.push_str(&csv::text(&table.name));
            for column in &columns {
                out.push(',');
                match row.get(*column) {
                    None | Some(Value::Null) => {}
                    Some(Value::String(text)) => out.push_str(&csv::text(text)),
                    // A minus sign before a number is no formula.
                    Some(other) => out.push_str(&other.to_string()),
                }
            }
            out.push_str("\r\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> [DataTable; 2] {
        let mut load = DataTable::new("load", "", &[("person", "text"), ("pages", "integer")]);
        load.push([json!("=cmd()"), json!(3)]);
        load.push([json!("a,\"b\""), json!(-1)]);
        let mut gaps = DataTable::new("gaps", "", &[("rota", "text"), ("person", "text")]);
        gaps.push([json!("\u{1b}[2Jwatch"), Value::Null]);
        [load, gaps]
    }

    #[test]
    fn csv_is_one_table_that_a_spreadsheet_does_not_run() {
        let [load, gaps] = tables();
        assert_eq!(
            tables_csv(&[&load, &gaps]),
            "table,person,pages,rota\r\nload,\"'=cmd()\",3,\r\nload,\"a,\"\"b\"\"\",-1,\r\ngaps,,,\u{1b}[2Jwatch\r\n"
        );
    }

    #[test]
    fn an_answer_of_the_server_is_read_with_its_columns() {
        let answer = json!({ "columns": [{ "name": "n", "type": "integer" }], "rows": [{ "n": 1 }] });
        let table = DataTable::of_answer("q", "d", &answer).unwrap();
        assert_eq!(
            table.json("Title"),
            json!({ "name": "q", "title": "Title", "description": "d", "columns": [{ "name": "n", "type": "integer" }], "rows": [{ "n": 1 }] })
        );
        assert!(DataTable::of_answer("q", "d", &json!({ "rows": [] })).unwrap_err().contains("`columns`"));
    }
}
