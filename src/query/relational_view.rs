//! Tables of the desk and others that do not live in Delta, readable in SQL beside those that do.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use tokio::sync::OnceCell;

use super::QueryError;

/// A small table that is read as a whole when a query names it: `tickets`, `findings`, `ingest_ledger`.
#[async_trait]
pub trait RelationalView: fmt::Debug + Send + Sync {
    /// Its name in SQL: small letters, digits and underscores.
    fn name(&self) -> &str;

    /// Its columns; [`RelationalView::load`] returns exactly these.
    fn schema(&self) -> SchemaRef;

    /// All rows, as they are now. Called at most once for a query, however often the query names the table.
    async fn load(&self) -> Result<RecordBatch, ViewError>;

    /// The same, and whether there are more rows than are shown.
    async fn load_cut(&self) -> Result<(RecordBatch, bool), ViewError> {
        Ok((self.load().await?, false))
    }
}

/// The names of the views that a query read and that did not show all of their rows.
pub(super) type CutTables = Arc<Mutex<BTreeSet<String>>>;

/// A view could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ViewError(pub String);

/// A view within one query: loaded when first scanned, the same rows for every scan after.
#[derive(Debug)]
pub(super) struct LoadedView {
    view: Arc<dyn RelationalView>,
    max_bytes: usize,
    cut: CutTables,
    rows: OnceCell<RecordBatch>,
}

impl LoadedView {
    pub(super) fn new(view: Arc<dyn RelationalView>, max_bytes: usize, cut: CutTables) -> Self {
        Self { view, max_bytes, cut, rows: OnceCell::new() }
    }

    async fn load(&self) -> Result<RecordBatch, QueryError> {
        let name = self.view.name();
        let failed = |detail: String| QueryError::internal(format!("the table {name} could not be read: {detail}"));
        let (batch, is_cut) = self.view.load_cut().await.map_err(|error| failed(error.to_string()))?;
        if batch.schema() != self.view.schema() {
            return Err(failed("its rows do not have its columns".into()));
        }
        if batch.get_array_memory_size() > self.max_bytes {
            let detail = format!("the table {name} takes {} bytes, {} are allowed", batch.get_array_memory_size(), self.max_bytes);
            return Err(QueryError::OutOfMemory { detail });
        }
        if is_cut {
            self.cut.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        }
        Ok(batch)
    }
}

#[async_trait]
impl TableProvider for LoadedView {
    fn schema(&self) -> SchemaRef {
        self.view.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = self.rows.get_or_try_init(|| self.load()).await?.clone();
        let source = MemorySourceConfig::try_new(&[vec![rows]], self.schema(), projection.cloned())?.with_limit(limit);
        Ok(DataSourceExec::from_data_source(source))
    }
}
