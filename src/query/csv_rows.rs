//! Rows as CSV (RFC 4180), safe to open in a spreadsheet.

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;

use super::EncodeError;
use super::column_names::{ResultColumn, is_number};
use super::json_rows::cell_text;

/// A header line and a line for each row. A null is an empty cell, an empty text is `""`.
#[derive(Debug)]
pub(super) struct CsvRows {
    columns: Vec<ResultColumn>,
    opened: bool,
}

impl CsvRows {
    pub(super) fn new(columns: Vec<ResultColumn>) -> Self {
        Self { columns, opened: false }
    }

    pub(super) fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.open(out);
        for row in 0..batch.num_rows() {
            for (at, column) in batch.columns().iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                if column.is_null(row) {
                    continue;
                }
                let text = cell_text(column, row)?;
                match is_plain(column.data_type()) {
                    // A float that is no number is as absent as in JSON.
                    true if text == "null" => {}
                    true => out.extend_from_slice(text.as_bytes()),
                    false => write_csv_text(&text, out),
                }
            }
            out.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.open(out);
    }

    fn open(&mut self, out: &mut Vec<u8>) {
        if self.opened {
            return;
        }
        self.opened = true;
        for (at, column) in self.columns.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_csv_text(&column.name, out);
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Cells that the engine writes itself: a minus sign before a number is no formula.
fn is_plain(kind: &DataType) -> bool {
    is_number(kind) || matches!(kind, DataType::Boolean | DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
}

/// Appends a text as a cell of CSV. One that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV
/// injection).
pub fn write_csv_text(text: &str, out: &mut Vec<u8>) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quoted = formula || text.is_empty() || text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ');
    if !quoted {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    if formula {
        out.push(b'\'');
    }
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
