//! The tables as one query sees them: snapshots taken once, under their names in SQL.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, PoisonError};

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider, SchemaProvider,
    TableProvider,
};
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::object_store::{ObjectStoreRegistry, ObjectStoreUrl};
use datafusion::logical_expr::LogicalPlan;
use datafusion::object_store::ObjectStore;
use datafusion::object_store::local::LocalFileSystem;
use url::Url;

use super::engine::Tables;
use super::error::nearest;
use super::relational_view::{CutTables, LoadedView, RelationalView};
use super::table_provider::{SnapshotTable, TableFiles};
use super::{QueryError, views};
use crate::table::{Table, TableKind, TableSnapshot};

/// The catalog's name in `information_schema`.
pub(super) const CATALOG: &str = "watchroom";
/// The schema that names without a schema mean.
pub(super) const SCHEMA: &str = "public";

/// The folders that queries can read, and no others: an address that is not the engine's own finds no store.
#[derive(Debug)]
pub(super) struct TableStores {
    stores: HashMap<String, Arc<dyn ObjectStore>>,
    files: HashMap<TableKind, TableFiles>,
}

impl TableStores {
    /// The folders of all tables. `footer_cache_bytes` are kept for each of them.
    pub(super) fn open(tables: &Tables, footer_cache_bytes: usize) -> Result<Self, QueryError> {
        let mut opened = Self { stores: HashMap::new(), files: HashMap::new() };
        for table in tables.all() {
            let snapshot = table.snapshot();
            let name = snapshot.kind.name();
            let failed = |detail: String| QueryError::internal(format!("the folder of the table {name} cannot be opened: {detail}"));
            let store = LocalFileSystem::new_with_prefix(&snapshot.root).map_err(|error| failed(error.to_string()))?;
            let store: Arc<dyn ObjectStore> = Arc::new(store);
            let url = ObjectStoreUrl::parse(format!("watchroom://{name}")).map_err(|error| failed(error.to_string()))?;
            // A cache for each table: its keys are paths within the table's folder.
            let footers = Arc::new(DefaultCache::new(footer_cache_bytes));
            let readers = Arc::new(CachedParquetFileReaderFactory::new(Arc::clone(&store), footers));
            opened.stores.insert(url.as_str().trim_end_matches('/').to_owned(), store);
            opened.files.insert(snapshot.kind, TableFiles { url, readers });
        }
        Ok(opened)
    }

    fn table(&self, snapshot: Arc<TableSnapshot>) -> Result<Arc<dyn TableProvider>, QueryError> {
        let files = self.files.get(&snapshot.kind).ok_or_else(|| QueryError::internal("a table has no folder"))?;
        Ok(Arc::new(SnapshotTable::new(snapshot, files.clone())))
    }
}

/// The registry that execution asks; it is filled once and never changes.
#[derive(Debug)]
pub(super) struct TableStoreRegistry(pub(super) Arc<TableStores>);

impl ObjectStoreRegistry for TableStoreRegistry {
    fn register_store(&self, _: &Url, _: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> datafusion::common::Result<Arc<dyn ObjectStore>> {
        let known = self.0.stores.get(url.as_str().trim_end_matches('/')).cloned();
        known.ok_or_else(|| QueryError::refused("it names files or an address", "Name a table that SHOW TABLES lists").into())
    }
}

/// What one query can name, and which version of each table that is.
pub(super) struct QueryCatalog {
    pub(super) list: Arc<dyn CatalogProviderList>,
    versions: BTreeMap<&'static str, i64>,
    cut: CutTables,
}

impl QueryCatalog {
    /// Takes a snapshot of each table: those in `at_version` as they were then, the others as they are now.
    pub(super) async fn open(
        tables: &Tables,
        stores: &TableStores,
        views: &[Arc<dyn RelationalView>],
        max_view_bytes: usize,
        at_version: &BTreeMap<String, i64>,
    ) -> Result<Self, QueryError> {
        if let Some(name) = at_version.keys().find(|name| !TableKind::ALL.iter().any(|kind| kind.name() == name.as_str())) {
            return Err(QueryError::UnknownTable { name: name.clone(), suggestions: TableKind::ALL.map(|k| k.name().to_owned()).to_vec() });
        }
        // Samples first: a sample's series is written before it, so the later snapshot of the series has it.
        let samples = snapshot(&tables.samples, at_version).await?;
        let series = snapshot(&tables.series, at_version).await?;
        let logs = snapshot(&tables.logs, at_version).await?;
        let days = snapshot(&tables.capacity_days, at_version).await?;
        let versions = [&samples, &series, &logs, &days].map(|snapshot| (snapshot.kind.name(), snapshot.version)).into();
        let (samples, series, logs, days) = (stores.table(samples)?, stores.table(series)?, stores.table(logs)?, stores.table(days)?);

        let schema = MemorySchemaProvider::new();
        let metrics = views::metrics(Arc::clone(&series), Arc::clone(&samples))?;
        let named: [(&str, Arc<dyn TableProvider>); 5] =
            [("logs", logs), ("series", series), ("samples", samples), ("capacity_days", days), ("metrics", Arc::new(metrics))];
        for (name, table) in named {
            schema.register_table(name.to_owned(), table)?;
        }
        let cut = CutTables::default();
        for view in views {
            let loaded = LoadedView::new(Arc::clone(view), max_view_bytes, Arc::clone(&cut));
            schema.register_table(view.name().to_owned(), Arc::new(loaded))?;
        }
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, Arc::new(schema))?;
        let list = MemoryCatalogProviderList::new();
        list.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        Ok(Self { list: Arc::new(list), versions, cut })
    }

    /// The planner's error, with near names where a table was not found.
    pub(super) fn explain(&self, error: DataFusionError) -> QueryError {
        match QueryError::from(error) {
            QueryError::UnknownTable { name, .. } => {
                let schema = self.list.catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA));
                let known = schema.map_or_else(Vec::new, |schema| schema.table_names());
                QueryError::UnknownTable { suggestions: nearest(&name, &known), name }
            }
            other => other,
        }
    }

    /// The views that showed only a part of their rows; known once the physical plan is made.
    pub(super) fn cut_tables(&self) -> BTreeSet<String> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The versions of the tables that `plan` reads.
    pub(super) fn versions_of(&self, plan: &LogicalPlan) -> Result<BTreeMap<String, i64>, QueryError> {
        let mut read = BTreeSet::new();
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                read.insert(scan.table_name.table().to_owned());
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        // A view is planned as the scans it stands for only later.
        if read.contains("metrics") {
            read.extend(["series".to_owned(), "samples".to_owned()]);
        }
        let version = |name: String| Some((self.versions.get(name.as_str()).copied()?, name));
        Ok(read.into_iter().filter_map(version).map(|(version, name)| (name, version)).collect())
    }
}

async fn snapshot(table: &Table, at_version: &BTreeMap<String, i64>) -> Result<Arc<TableSnapshot>, QueryError> {
    let current = table.snapshot();
    let Some(version) = at_version.get(current.kind.name()) else { return Ok(current) };
    let then = table.snapshot_at(*version).await.map_err(|error| QueryError::Invalid {
        detail: format!("the table {} cannot be read at version {version}: {error}", current.kind.name()),
        advice: "Ask for a version that is still kept, or leave the version out".into(),
    })?;
    Ok(Arc::new(then))
}
