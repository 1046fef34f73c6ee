//! Results as a table on a terminal.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Row, Table};

use super::EncodeError;
use super::column_names::{is_number, result_columns};
use super::json_rows::cell_text;
use crate::document::turns_direction;

/// Lines that a cell may take before it is cut with an ellipsis: a stack trace shows its head and the table stays readable.
const CELL_LINES: usize = 3;

/// Characters of a cell that are looked at; more would not fit three lines of any terminal.
const CELL_CHARACTERS: usize = 4_096;

/// Rows that are laid out. Column widths need all of them at once, and nobody reads more on a terminal.
const SHOWN_ROWS: usize = 10_000;

/// Gathers batches and lays them out.
#[derive(Debug)]
pub struct TableText {
    table: Table,
    numeric: Vec<bool>,
    rows: u64,
}

impl TableText {
    /// An empty table of `width` columns of characters; `None` lets lines be as long as they are.
    pub fn new(schema: &SchemaRef, width: Option<u16>) -> Self {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED).set_truncation_indicator("…");
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        let numeric: Vec<bool> = schema.fields().iter().map(|field| is_number(field.data_type())).collect();
        let header = result_columns(schema).into_iter().zip(&numeric).map(|(column, numeric)| cell(&column.name, *numeric));
        table.set_header(header);
        Self { table, numeric, rows: 0 }
    }

    /// Adds the rows of a batch.
    ///
    /// # Errors
    /// [`EncodeError`] when a value has no text.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        for row in 0..batch.num_rows() {
            self.rows += 1;
            if self.rows > SHOWN_ROWS as u64 {
                continue;
            }
            let mut line = Row::new();
            for (column, numeric) in batch.columns().iter().zip(&self.numeric) {
                let text = if column.is_null(row) { String::new() } else { cell_text(column, row)? };
                line.add_cell(cell(&text, *numeric));
            }
            line.max_height(CELL_LINES);
            self.table.add_row(line);
        }
        Ok(())
    }

    /// The table and a line with the number of rows.
    pub fn finish(self) -> String {
        let rows = if self.rows == 1 { "1 row".to_owned() } else { format!("{} rows", self.rows) };
        let hidden = self.rows.saturating_sub(SHOWN_ROWS as u64);
        let note = if hidden > 0 { format!(", {hidden} of them not shown") } else { String::new() };
        format!("{}\n{rows}{note}\n", self.table)
    }
}

fn cell(text: &str, numeric: bool) -> Cell {
    let alignment = if numeric { CellAlignment::Right } else { CellAlignment::Left };
    Cell::new(printable(text)).set_alignment(alignment)
}

/// Text that cannot command a terminal (CVE-2023-32712): control characters, ESC among them, and the marks that turn the
/// reading direction are dropped; a tab or line break becomes a space.
fn printable(text: &str) -> String {
    let keep = |character: char| match character {
        '\t' | '\n' | '\r' => Some(' '),
        other if other.is_control() || turns_direction(other) => None,
        other => Some(other),
    };
    text.chars().take(CELL_CHARACTERS).filter_map(keep).collect()
}
