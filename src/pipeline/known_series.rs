//! Which series the table already has, read once at the start.

use std::collections::HashSet;
use std::fs::File;
use std::sync::{Arc, RwLock};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::PipelineError;
use super::tables::KnownSeries;
use crate::record::SeriesId;
use crate::self_metrics::SERIES;
use crate::table::{Table, TableSnapshot};

/// Reads the column `series_id` of every file of the table `series`.
pub(super) async fn load(series: &Table) -> Result<KnownSeries, PipelineError> {
    let snapshot = series.snapshot();
    let ids = tokio::task::spawn_blocking(move || read_ids(&snapshot)).await.map_err(|_| PipelineError::Interrupted)??;
    SERIES.set(ids.len() as u64);
    Ok(Arc::new(RwLock::new(ids)))
}

fn read_ids(snapshot: &TableSnapshot) -> Result<HashSet<SeriesId>, PipelineError> {
    let mut ids = HashSet::new();
    for file in snapshot.files.iter() {
        let path = snapshot.root.join(&file.path);
        let failed = |detail: String| PipelineError::Series { path: path.display().to_string(), detail };
        let opened = File::open(&path).map_err(|error| failed(error.to_string()))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(|error| failed(error.to_string()))?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), ["series_id"]);
        let reader = builder.with_projection(mask).build().map_err(|error| failed(error.to_string()))?;
        for batch in reader {
            let batch = batch.map_err(|error| failed(error.to_string()))?;
            ids.extend(batch.column(0).as_primitive::<Int64Type>().values());
        }
    }
    Ok(ids)
}
