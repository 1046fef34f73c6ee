//! Results as bytes, batch by batch.
//!
//! An [`Encoder`] takes batches and returns the bytes that can be sent already, so that neither the server nor the command
//! line holds a whole result. An error in the middle, when the first rows are long gone, is told like this:
//!
//! | format | how a reader sees it |
//! |---|---|
//! | JSON | the document still parses and has a last key `"error": {"kind", "message"}` beside `columns` and `rows` |
//! | NDJSON | a last line `{"error": {"kind", "message"}}` with that key alone |
//! | CSV | no bytes can tell: the transport must break off (chunked transfer without its last chunk) |
//! | Arrow | the stream ends without its end-of-stream marker |
//! | Parquet | there is no footer |
//!
//! For the last three [`Encoder::finish_with_error`] returns nothing, and the caller breaks the connection off.

use std::str::FromStr;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;

use super::QueryError;
use super::column_names::result_columns;
use super::columnar_rows::ColumnarRows;
use super::csv_rows::CsvRows;
use super::json_rows::JsonRows;

/// The shapes that a result can be sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One document: `{"columns": [{"name", "type"}], "rows": [{...}]}`.
    Json,
    /// One object a line.
    Ndjson,
    /// RFC 4180 with a header line, safe for spreadsheets.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

impl Format {
    /// All formats, in the order to offer them.
    pub const ALL: [Self; 5] = [Self::Json, Self::Ndjson, Self::Csv, Self::Arrow, Self::Parquet];

    /// The name that a person writes: `json`, `ndjson`, `csv`, `arrow`, `parquet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    /// The media type for HTTP.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| format!("{name:?} is not a format; the formats are {}", known()))
    }
}

/// A value could not be written in the format.
#[derive(Debug, thiserror::Error)]
#[error("The result could not be written: {0}. Ask for another format, or cast the column to text.")]
pub struct EncodeError(String);

macro_rules! encode_error_from {
    ($($kind:ty),*) => { $(impl From<$kind> for EncodeError {
        fn from(error: $kind) -> Self {
            Self(error.to_string())
        }
    })* };
}
encode_error_from!(arrow::error::ArrowError, parquet::errors::ParquetError, serde_json::Error, std::io::Error);

/// Turns batches of one result into bytes of one format.
#[derive(Debug)]
pub struct Encoder(Rows);

#[derive(Debug)]
enum Rows {
    Json(Box<JsonRows>),
    Csv(CsvRows),
    Columnar(Box<ColumnarRows>),
}

impl Encoder {
    /// An encoder for batches of `schema`.
    ///
    /// # Errors
    /// [`EncodeError`] when the format cannot hold a column's type.
    pub fn new(format: Format, schema: &SchemaRef) -> Result<Self, EncodeError> {
        let columns = result_columns(schema);
        Ok(Self(match format {
            Format::Json => Rows::Json(Box::new(JsonRows::new(columns, false)?)),
            Format::Ndjson => Rows::Json(Box::new(JsonRows::new(columns, true)?)),
            Format::Csv => Rows::Csv(CsvRows::new(columns)),
            Format::Arrow => Rows::Columnar(Box::new(ColumnarRows::arrow(schema)?)),
            Format::Parquet => Rows::Columnar(Box::new(ColumnarRows::parquet(schema)?)),
        }))
    }

    /// The bytes that can be sent after this batch; possibly none yet.
    ///
    /// # Errors
    /// [`EncodeError`] when a value cannot be written.
    pub fn encode(&mut self, batch: &RecordBatch) -> Result<Bytes, EncodeError> {
        let mut out = Vec::new();
        match &mut self.0 {
            Rows::Json(rows) => rows.encode(batch, &mut out)?,
            Rows::Csv(rows) => rows.encode(batch, &mut out)?,
            Rows::Columnar(rows) => out = rows.encode(batch)?,
        }
        Ok(out.into())
    }

    /// The last bytes of a complete result.
    ///
    /// # Errors
    /// [`EncodeError`] when what was held back cannot be written.
    pub fn finish(mut self) -> Result<Bytes, EncodeError> {
        let mut out = Vec::new();
        match &mut self.0 {
            Rows::Json(rows) => rows.finish(&mut out)?,
            Rows::Csv(rows) => rows.finish(&mut out),
            Rows::Columnar(rows) => out = rows.finish()?,
        }
        Ok(out.into())
    }

    /// The last bytes of a result that broke off. `None` where the format cannot tell: break the transport off instead.
    pub fn finish_with_error(mut self, error: &QueryError) -> Option<Bytes> {
        let Rows::Json(rows) = &mut self.0 else { return None };
        let mut out = Vec::new();
        rows.finish_with_error(error, &mut out).ok()?;
        Some(out.into())
    }
}
