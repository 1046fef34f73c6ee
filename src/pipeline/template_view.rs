//! The templates in SQL, and on their way to disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;

use super::templates::Templates;
use crate::query::{RelationalView, ViewError};
use crate::shutdown::Shutdown;

/// How often the templates are written: what a crash costs is the counts and times of this long.
const SAVE_EVERY: Duration = Duration::from_secs(300);

/// `log_templates`: one row a template id that lines carry.
#[derive(Debug)]
pub(super) struct TemplateView(pub(super) Arc<Templates>);

#[async_trait]
impl RelationalView for TemplateView {
    fn name(&self) -> &'static str {
        "log_templates"
    }

    fn schema(&self) -> SchemaRef {
        let time = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Arc::new(Schema::new(vec![
            Field::new("template_id", DataType::Int64, true),
            Field::new("canonical_id", DataType::Int64, true),
            Field::new("app", DataType::Utf8View, true),
            Field::new("template", DataType::Utf8View, true),
            Field::new("lines", DataType::Int64, true),
            Field::new("first_seen", time(), true),
            Field::new("last_seen", time(), true),
            Field::new("novelty", DataType::Float64, true),
        ]))
    }

    async fn load(&self) -> Result<(RecordBatch, bool), ViewError> {
        let rows = self.0.rows();
        let times = |of: fn(&super::templates::TemplateRow) -> i64| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(of)).with_timezone("UTC"))
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.id.0.cast_signed()))),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.canonical.0.cast_signed()))),
            Arc::new(rows.iter().map(|row| Some(&*row.app)).collect::<StringViewArray>()),
            Arc::new(rows.iter().map(|row| row.text.as_deref()).collect::<StringViewArray>()),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.known.lines.cast_signed()))),
            times(|row| row.known.first_seen_us),
            times(|row| row.known.last_seen_us),
            Arc::new(rows.iter().map(|row| row.known.novelty).collect::<Float64Array>()),
        ];
        let rows = RecordBatch::try_new(self.schema(), columns).map_err(|error| ViewError(error.to_string()))?;
        Ok((rows, false))
    }
}

/// The file below the data folder.
fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("templates.state")
}

/// The templates as they were saved; none if there is no readable file, which costs no more than their past.
pub(super) fn load(data_dir: &Path) -> Templates {
    let Ok(bytes) = std::fs::read(file(data_dir)) else { return Templates::default() };
    Templates::from_bytes(&bytes).unwrap_or_else(|| {
        tracing::warn!("the saved log templates cannot be read; they are learned anew, and ids stay what they are");
        Templates::default()
    })
}

/// Saves the templates now and then, and at the stop.
pub(super) async fn keep(templates: Arc<Templates>, data_dir: PathBuf, shutdown: Shutdown) {
    loop {
        let last = tokio::select! {
            () = tokio::time::sleep(SAVE_EVERY) => false,
            () = shutdown.all_stopping() => true,
        };
        let (templates, data_dir) = (templates.clone(), data_dir.clone());
        let saved = tokio::task::spawn_blocking(move || super::state_file::write(&file(&data_dir), &templates.to_bytes())).await;
        match saved {
            Ok(Err(error)) => tracing::warn!(%error, "the log templates cannot be saved"),
            Err(error) => tracing::warn!(%error, "the log templates were not saved"),
            Ok(Ok(())) => {}
        }
        if last {
            return;
        }
    }
}
