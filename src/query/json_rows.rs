//! Cells as JSON, and the two JSON formats.

use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::column_names::ResultColumn;
use super::{EncodeError, QueryError};

/// Rows as JSON objects: in one document, or one on each line.
#[derive(Debug)]
pub(super) struct JsonRows {
    columns: Vec<ResultColumn>,
    /// Each name as a JSON string with its colon.
    keys: Vec<Vec<u8>>,
    lines: bool,
    opened: bool,
    rows: u64,
}

impl JsonRows {
    pub(super) fn new(columns: Vec<ResultColumn>, lines: bool) -> Result<Self, EncodeError> {
        let keys = columns.iter().map(|column| {
            let mut key = serde_json::to_vec(&column.name)?;
            key.push(b':');
            Ok(key)
        });
        Ok(Self { keys: keys.collect::<Result<_, EncodeError>>()?, columns, lines, opened: false, rows: 0 })
    }

    pub(super) fn encode(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.open(out)?;
        for row in 0..batch.num_rows() {
            if self.rows > 0 && !self.lines {
                out.push(b',');
            }
            self.rows += 1;
            let mut separator = b'{';
            for (key, column) in self.keys.iter().zip(batch.columns()) {
                out.push(separator);
                separator = b',';
                out.extend_from_slice(key);
                write_json(column, row, out)?;
            }
            if self.keys.is_empty() {
                out.push(b'{');
            }
            out.push(b'}');
            if self.lines {
                out.push(b'\n');
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.open(out)?;
        if !self.lines {
            out.extend_from_slice(b"]}\n");
        }
        Ok(())
    }

    /// Ends the text so that it still parses and tells of the error.
    pub(super) fn finish_with_error(&mut self, error: &QueryError, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.open(out)?;
        let told = serde_json::json!({ "kind": error.kind(), "message": error.to_string() });
        match self.lines {
            true => writeln!(out, "{{\"error\":{told}}}")?,
            false => writeln!(out, "],\"error\":{told}}}")?,
        }
        Ok(())
    }

    fn open(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if !self.opened && !self.lines {
            out.extend_from_slice(b"{\"columns\":");
            serde_json::to_writer(&mut *out, &self.columns)?;
            out.extend_from_slice(b",\"rows\":[");
        }
        self.opened = true;
        Ok(())
    }
}

/// Appends one cell as JSON. Moments are RFC 3339 in UTC, what is not a finite number is null, maps are objects, and bytes
/// are text with `\xNN` for what is not UTF-8.
pub(super) fn write_json(column: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    if column.is_null(row) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    macro_rules! number {
        ($kind:ty) => {
            write!(out, "{}", column.as_primitive::<$kind>().value(row))?
        };
    }
    match column.data_type() {
        DataType::Null => out.extend_from_slice(b"null"),
        DataType::Boolean => write!(out, "{}", column.as_boolean().value(row))?,
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float16 => write_float(f64::from(column.as_primitive::<Float16Type>().value(row)), out)?,
        DataType::Float32 => write_float(f64::from(column.as_primitive::<Float32Type>().value(row)), out)?,
        DataType::Float64 => write_float(column.as_primitive::<Float64Type>().value(row), out)?,
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            write!(out, "{}", display(column, row)?)?;
        }
        DataType::Utf8 => serde_json::to_writer(out, column.as_string::<i32>().value(row))?,
        DataType::LargeUtf8 => serde_json::to_writer(out, column.as_string::<i64>().value(row))?,
        DataType::Utf8View => serde_json::to_writer(out, column.as_string_view().value(row))?,
        DataType::Map(..) => write_map(column, row, out)?,
        DataType::Struct(_) => write_struct(column, row, out)?,
        DataType::List(_) => write_list(&column.as_list::<i32>().value(row), out)?,
        DataType::LargeList(_) => write_list(&column.as_list::<i64>().value(row), out)?,
        DataType::FixedSizeList(..) => write_list(&column.as_fixed_size_list().value(row), out)?,
        DataType::Dictionary(..) => {
            let keys = column.as_any_dictionary();
            write_json(keys.values(), keys.normalized_keys()[row], out)?;
        }
        _ => serde_json::to_writer(out, &cell_text(column, row)?)?,
    }
    Ok(())
}

fn write_float(value: f64, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    match value.is_finite() {
        true => serde_json::to_writer(out, &value)?,
        false => out.extend_from_slice(b"null"),
    }
    Ok(())
}

fn write_list(values: &ArrayRef, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    out.push(b'[');
    for at in 0..values.len() {
        if at > 0 {
            out.push(b',');
        }
        write_json(values, at, out)?;
    }
    out.push(b']');
    Ok(())
}

fn write_struct(column: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let fields = column.as_struct();
    out.push(b'{');
    for (at, (field, values)) in fields.fields().iter().zip(fields.columns()).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, field.name())?;
        out.push(b':');
        write_json(values, row, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_map(column: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let entries = column.as_map().value(row);
    out.push(b'{');
    for at in 0..entries.len() {
        if at > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, &cell_text(entries.column(0), at)?)?;
        out.push(b':');
        write_json(entries.column(1), at, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// One cell as plain text; a null is empty.
pub(super) fn cell_text(column: &ArrayRef, row: usize) -> Result<String, EncodeError> {
    if column.is_null(row) {
        return Ok(String::new());
    }
    Ok(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).to_owned(),
        DataType::Utf8View => column.as_string_view().value(row).to_owned(),
        DataType::Binary => escaped(column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => escaped(column.as_binary::<i64>().value(row)),
        DataType::BinaryView => escaped(column.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => escaped(column.as_fixed_size_binary().value(row)),
        DataType::Timestamp(unit, _) => moment(column, *unit, row)?,
        DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Map(..)
        | DataType::Struct(_)
        | DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::Dictionary(..) => {
            let mut json = Vec::new();
            write_json(column, row, &mut json)?;
            String::from_utf8_lossy(&json).into_owned()
        }
        _ => display(column, row)?,
    })
}

fn display(column: &ArrayRef, row: usize) -> Result<String, EncodeError> {
    Ok(ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default())?.value(row).to_string())
}

/// RFC 3339 with Z; moments outside the years that it can write are given in their unit since the epoch.
fn moment(column: &ArrayRef, unit: TimeUnit, row: usize) -> Result<String, EncodeError> {
    let count = arrow::compute::cast(&column.slice(row, 1), &DataType::Int64)?.as_primitive::<Int64Type>().value(0);
    let moment = match unit {
        TimeUnit::Second => jiff::Timestamp::from_second(count),
        TimeUnit::Millisecond => jiff::Timestamp::from_millisecond(count),
        TimeUnit::Microsecond => jiff::Timestamp::from_microsecond(count),
        TimeUnit::Nanosecond => jiff::Timestamp::from_nanosecond(i128::from(count)),
    };
    Ok(moment.map_or_else(|_| count.to_string(), |moment| moment.to_string()))
}

/// Bytes as text that can be turned back: UTF-8 stays, other bytes become `\xNN`, and a backslash is doubled.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}
