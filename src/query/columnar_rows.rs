//! Rows as an Arrow IPC stream or a Parquet file.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::EncodeError;
use super::column_names::result_columns;

/// Rows of a row group, and so of what an encoder holds back. Results are read whole; small groups keep the memory low.
const ROW_GROUP_ROWS: usize = 65_536;

/// What a writer has written and nobody has fetched yet.
#[derive(Debug, Clone, Default)]
struct Outbox(Arc<Mutex<Vec<u8>>>);

impl Outbox {
    fn fetch(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Outbox {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Rows for programs.
pub(super) struct ColumnarRows {
    schema: SchemaRef,
    outbox: Outbox,
    writer: Writer,
}

enum Writer {
    Arrow(Box<StreamWriter<Outbox>>),
    Parquet(Option<Box<ArrowWriter<Outbox>>>),
}

impl fmt::Debug for ColumnarRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ColumnarRows").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl ColumnarRows {
    pub(super) fn arrow(schema: &Schema) -> Result<Self, EncodeError> {
        let (schema, outbox) = (unique(schema), Outbox::default());
        let writer = Writer::Arrow(Box::new(StreamWriter::try_new(outbox.clone(), &schema)?));
        Ok(Self { schema, outbox, writer })
    }

    pub(super) fn parquet(schema: &Schema) -> Result<Self, EncodeError> {
        let (schema, outbox) = (unique(schema), Outbox::default());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(outbox.clone(), Arc::clone(&schema), Some(properties))?;
        Ok(Self { schema, outbox, writer: Writer::Parquet(Some(Box::new(writer))) })
    }

    pub(super) fn encode(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, EncodeError> {
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())?;
        match &mut self.writer {
            Writer::Arrow(writer) => writer.write(&batch)?,
            Writer::Parquet(Some(writer)) => writer.write(&batch)?,
            Writer::Parquet(None) => {}
        }
        Ok(self.outbox.fetch())
    }

    pub(super) fn finish(&mut self) -> Result<Vec<u8>, EncodeError> {
        match &mut self.writer {
            Writer::Arrow(writer) => writer.finish()?,
            Writer::Parquet(writer) => {
                if let Some(writer) = writer.take() {
                    writer.close()?;
                }
            }
        }
        Ok(self.outbox.fetch())
    }
}

/// The schema with no name twice; Parquet readers look columns up by name.
fn unique(schema: &Schema) -> SchemaRef {
    let names = result_columns(schema);
    let fields: Vec<_> = schema.fields().iter().zip(names).map(|(field, column)| field.as_ref().clone().with_name(column.name)).collect();
    Arc::new(Schema::new(fields))
}
