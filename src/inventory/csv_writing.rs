//! Records as a CSV file.

use serde_json::Value;

use super::column::{NAME_COLUMN, columns};
use super::csv_cell::{cell_of, quoted};
use super::{InventoryKind, Record};

/// A file of records of one kind, in the strict form: UTF-8, commas, a point before decimals, and no cell that a spreadsheet takes
/// for a formula. Reading it gives the same records.
pub fn write_csv<'a>(kind: InventoryKind, records: impl IntoIterator<Item = (&'a str, &'a Record)>) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_field(NAME_COLUMN)?;
    writer.write_record(columns(kind).iter().map(|column| column.name))?;
    for (name, record) in records {
        let fields = serde_json::to_value(record).unwrap_or(Value::Null);
        let currency = fields["currency"].as_str().and_then(|code| code.parse().ok());
        writer.write_field(quoted(name).as_ref())?;
        writer.write_record(columns(kind).iter().map(|column| cell_of(column, &fields[column.field], currency)))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
