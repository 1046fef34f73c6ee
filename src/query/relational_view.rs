//! Tables of the desk and others that do not live in Delta, readable in SQL beside those that do.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, project_schema};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use tokio::sync::OnceCell;

use super::QueryError;
use super::view_condition::{condition_of, conditions_of};
use crate::store::ViewScan;

/// A table that is read when a query names it: `tickets`, `findings`, `ingest_ledger`.
#[async_trait]
pub trait RelationalView: fmt::Debug + Send + Sync {
    /// Its name in SQL: small letters, digits and underscores.
    fn name(&self) -> &str;

    /// Its columns.
    fn schema(&self) -> SchemaRef;

    /// All rows with all columns, as they are now, and whether there are more than are shown. Called at most once for a query, however often
    /// the query names the table.
    async fn load(&self) -> Result<(RecordBatch, bool), ViewError>;

    /// Exactly the columns that a scan of the query wants, and at least the rows: what is shown of more rows than are allowed, is cut
    /// among those. `None` from a view that knows only how to be read as a whole.
    async fn load_scan(&self, _: &ViewScan) -> Result<Option<(RecordBatch, bool)>, ViewError> {
        Ok(None)
    }
}

/// The names of the views that a query read and that did not show all of their rows.
pub(super) type CutTables = Arc<Mutex<BTreeSet<String>>>;

/// A view could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ViewError(pub String);

/// Scans of one view in one query that are answered each for itself. A query that names it more often reads it as a whole: so a query
/// holds no more than this many, and one, times what a view may take.
const MAX_SCANS: usize = 3;

/// A view within one query. The same scan gives the same rows, however often it stands there; two different ones may see two moments.
#[derive(Debug)]
pub(super) struct LoadedView {
    view: Arc<dyn RelationalView>,
    max_bytes: usize,
    cut: CutTables,
    scans: tokio::sync::Mutex<Vec<(ViewScan, RecordBatch)>>,
    whole: OnceCell<RecordBatch>,
}

impl LoadedView {
    pub(super) fn new(view: Arc<dyn RelationalView>, max_bytes: usize, cut: CutTables) -> Self {
        Self { view, max_bytes, cut, scans: tokio::sync::Mutex::default(), whole: OnceCell::new() }
    }

    /// What a scan wants, with exactly its columns.
    async fn rows(&self, scan: ViewScan) -> Result<RecordBatch, QueryError> {
        let mut scans = self.scans.lock().await;
        if let Some((_, rows)) = scans.iter().find(|(known, _)| *known == scan) {
            return Ok(rows.clone());
        }
        let whole = ViewScan::default();
        if scan != whole && scans.len() < MAX_SCANS {
            let loaded = self.view.load_scan(&scan).await.map_err(|error| self.failed(&error.to_string()))?;
            if let Some((rows, is_cut)) = loaded {
                let rows = self.checked(rows, is_cut, &scan)?;
                scans.push((scan, rows.clone()));
                return Ok(rows);
            }
        }
        drop(scans);
        let load = async || {
            let (rows, is_cut) = self.view.load().await.map_err(|error| self.failed(&error.to_string()))?;
            self.checked(rows, is_cut, &whole)
        };
        let rows = self.whole.get_or_try_init(load).await?;
        match &scan.columns {
            Some(columns) => rows.project(columns).map_err(|error| self.failed(&error.to_string())),
            None => Ok(rows.clone()),
        }
    }

    fn checked(&self, rows: RecordBatch, is_cut: bool, scan: &ViewScan) -> Result<RecordBatch, QueryError> {
        let name = self.view.name();
        let schema = project_schema(&self.view.schema(), scan.columns.as_ref()).map_err(|error| self.failed(&error.to_string()))?;
        if rows.schema() != schema {
            return Err(self.failed("its rows do not have its columns"));
        }
        if rows.get_array_memory_size() > self.max_bytes {
            let detail = format!("the table {name} takes {} bytes, {} are allowed", rows.get_array_memory_size(), self.max_bytes);
            return Err(QueryError::OutOfMemory { detail });
        }
        if is_cut {
            self.cut.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        }
        Ok(rows)
    }

    fn failed(&self, detail: &str) -> QueryError {
        QueryError::internal(format!("the table {} could not be read: {detail}", self.view.name()))
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

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // A view may pass over a condition: what is left is filtered again.
        let schema = self.schema();
        let of = |filter: &&Expr| match condition_of(filter, &schema) {
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(of).collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema();
        let conditions = conditions_of(filters, &schema);
        let rows = self.rows(ViewScan { columns: projection.cloned(), conditions }).await?;
        let schema = rows.schema();
        let source = MemorySourceConfig::try_new(&[vec![rows]], schema, None)?.with_limit(limit);
        Ok(DataSourceExec::from_data_source(source))
    }
}
