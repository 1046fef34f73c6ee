//! The engine: takes requests, plans and runs them on threads of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::config::{ConfigOptions, Dialect};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder, SessionStateDefaults, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::execute_stream;
use datafusion::prelude::SessionConfig;
use futures::StreamExt;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::admission::Admission;
use super::catalog::{CATALOG, QueryCatalog, SCHEMA, TableStoreRegistry, TableStores};
use super::memory_share::MemoryShare;
use super::run::{BATCHES_AHEAD, Limits, Metered, QueryRun, ResultMeter, Work, end_of};
use super::yielding::{Over, with_pauses};
use super::{Config, QueryError, QueryRequest, RelationalView, functions, gate};
use crate::table::{self, Table, TableError, TableKind};

/// Stack of a query thread. Operators nest as deep as a statement has words, and planning, evaluating and dropping them
/// goes down the whole way; only pages that are touched take memory.
const STACK_BYTES: usize = 64 << 20;

/// What a sort that reads ahead may buffer for each part of the plan; DataFusion's own gigabyte is the whole pool.
const SORT_BUFFER_BYTES: usize = 16 << 20;

/// What a sort sets aside for merging what it spilled, DataFusion's own number; less where a query may not hold much more.
const SPILL_MERGE_BYTES: usize = 10 << 20;

/// The tables on disk that queries read.
#[derive(Debug, Clone)]
pub struct Tables {
    /// Log events.
    pub logs: Arc<Table>,
    /// Metric series.
    pub series: Arc<Table>,
    /// Measurements.
    pub samples: Arc<Table>,
    /// How much of each resource was used, by day.
    pub capacity_days: Arc<Table>,
}

impl Tables {
    /// Opens all tables, each in a folder of its name below `root`; makes those that are not there.
    ///
    /// # Errors
    /// A folder cannot be read or written, or holds something else.
    pub async fn open(root: &Path, config: &table::Config) -> Result<Self, TableError> {
        let open = async |kind: TableKind| Table::open(kind, &root.join(kind.name()), config).await.map(Arc::new);
        Ok(Self {
            logs: open(TableKind::Logs).await?,
            series: open(TableKind::Series).await?,
            samples: open(TableKind::Samples).await?,
            capacity_days: open(TableKind::CapacityDays).await?,
        })
    }

    pub(super) fn all(&self) -> [&Arc<Table>; 4] {
        [&self.logs, &self.series, &self.samples, &self.capacity_days]
    }
}

/// Runs queries. One for the process; cheap to share by reference.
pub struct QueryEngine {
    shared: Arc<Shared>,
    admission: Admission,
    threads: QueryThreads,
}

/// What every query starts from.
struct Shared {
    config: Config,
    tables: Tables,
    views: Vec<Arc<dyn RelationalView>>,
    stores: Arc<TableStores>,
    /// Functions and settings; each query takes a copy and gives it its catalog.
    template: SessionState,
}

impl fmt::Debug for QueryEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryEngine").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl QueryEngine {
    /// An engine over `tables`; `views` are further tables that it reads as a whole.
    ///
    /// # Errors
    /// [`QueryError::Internal`] when a table's folder or the spill folder cannot be opened, or threads cannot be started.
    pub fn new(config: &Config, tables: Tables, views: Vec<Arc<dyn RelationalView>>) -> Result<Self, QueryError> {
        let stores = Arc::new(TableStores::open(&tables, config.footer_cache_bytes)?);
        let runtime = runtime_env(config, &stores)?;
        let template = template(config, runtime);
        let shared = Shared { config: config.clone(), tables, views, stores, template };
        Ok(Self { admission: Admission::new(config), threads: QueryThreads::start(config)?, shared: Arc::new(shared) })
    }

    /// Plans the request and starts it. The rows come from the [`QueryRun`].
    ///
    /// # Errors
    /// Every kind of [`QueryError`] that can be told before the first row. Dropping the future ends the work.
    pub async fn run(&self, request: QueryRequest) -> Result<QueryRun, QueryError> {
        let place = self.admission.enter().await?;
        let limits = Limits::new(&self.shared.config, request.limits, request.truncate, request.background);
        let mut patience = limits.patience();
        let truncated = Arc::new(AtomicBool::new(false));
        let (report, started) = oneshot::channel();
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let meter = ResultMeter::new(limits, Arc::clone(&truncated));
        let over = Over::default();
        let (shared, ended) = (Arc::clone(&self.shared), over.clone());
        let task = self.threads.handle.spawn(async move {
            // The place is given back when the work has left the thread, not when the reader has gone.
            let _place = place;
            let work = shared.work(request, limits, &ended, report, meter, sender);
            tokio::time::timeout(limits.timeout(), work).await.unwrap_or(Err(QueryError::TimedOut { limit_ms: limits.timeout_ms }))
        });
        let work = Work { task: AbortOnDropHandle::new(task), over };
        let timed_out = QueryError::TimedOut { limit_ms: limits.timeout_ms };
        let started = tokio::select! {
            started = started => started,
            () = patience.as_mut() => return Err(timed_out),
        };
        match started {
            Ok(Started { schema, versions, cut_tables }) => {
                Ok(QueryRun { schema, versions, cut_tables, batches, truncated, patience, limits, work: Some(work) })
            }
            Err(_) => Err(end_of(work).await.err().unwrap_or(timed_out)),
        }
    }

    #[cfg(test)]
    pub(super) fn free_places(&self) -> usize {
        self.admission.free_places()
    }
}

/// What is known once a query is planned.
struct Started {
    schema: SchemaRef,
    versions: Versions,
    cut_tables: BTreeSet<String>,
}

type Versions = BTreeMap<String, i64>;

impl Shared {
    /// Everything that happens on the query's threads.
    async fn work(
        &self,
        request: QueryRequest,
        limits: Limits,
        over: &Over,
        report: oneshot::Sender<Started>,
        mut meter: ResultMeter,
        sender: mpsc::Sender<RecordBatch>,
    ) -> Result<(), QueryError> {
        let (mut stream, versions, cut_tables) = self.start(&request, &limits, over).await?;
        // A reader that has gone has dropped the channel as well; the first send ends the work.
        let _ = report.send(Started { schema: stream.schema(), versions, cut_tables });
        while let Some(batch) = stream.next().await {
            let (batch, more) = match meter.take(batch?)? {
                Metered::Whole(batch) => (batch, true),
                Metered::Last(batch) => (batch, false),
            };
            if sender.send(batch).await.is_err() || !more {
                break;
            }
        }
        Ok(())
    }

    async fn start(
        &self,
        request: &QueryRequest,
        limits: &Limits,
        over: &Over,
    ) -> Result<(SendableRecordBatchStream, Versions, BTreeSet<String>), QueryError> {
        let statement = gate::admit(&request.sql, &self.config)?;
        let parameters = request.parameters.to_values(self.config.max_query_bytes)?;
        let at_version = request.at_version.clone().unwrap_or_default();
        let catalog = QueryCatalog::open(&self.tables, &self.stores, &self.views, self.config.max_view_bytes, &at_version).await?;
        let mut state = self.template.clone();
        if request.selective {
            let parquet = &mut state.config_mut().options_mut().execution.parquet;
            (parquet.pushdown_filters, parquet.reorder_filters) = (true, true);
        }
        for function in request.states.as_ref().map(|states| functions::series_functions(Some(states))).unwrap_or_default() {
            state.register_udwf(function)?;
        }
        for function in functions::forecast_functions(over) {
            state.register_udaf(function)?;
        }
        state.register_catalog_list(Arc::clone(&catalog.list));
        state.mark_start_execution();

        let mut plan = state.statement_to_plan(statement).await.map_err(|error| catalog.explain(error))?;
        if let Some(parameters) = parameters {
            plan = plan.with_param_values(parameters)?;
        }
        gate::admit_plan(&plan)?;
        let versions = catalog.versions_of(&plan)?;
        let plan = if limits.truncate { with_row_limit(plan, limits.max_rows)? } else { plan };
        let plan = state.optimize(&plan)?;
        gate::admit_optimized(&plan)?;
        let physical = state.query_planner().create_physical_plan(&plan, &state).await?;
        let physical = with_pauses(physical, over)?;
        Ok((execute_stream(physical, self.task_context(&state, limits))?, versions, catalog.cut_tables()))
    }

    /// The context that a query executes in: the engine's, with the query's share of the memory.
    fn task_context(&self, state: &SessionState, limits: &Limits) -> Arc<TaskContext> {
        let shared = state.runtime_env();
        let share = MemoryShare::new(Arc::clone(&shared.memory_pool), limits.memory_bytes);
        let runtime = RuntimeEnv { memory_pool: Arc::new(share), ..RuntimeEnv::clone(shared) };
        Arc::new(TaskContext::from(state).with_runtime(Arc::new(runtime)))
    }
}

/// Lets the plan know that no more than one row over the limit is wanted: a sort keeps that many rows instead of all. Only
/// where a longer result is cut: such a sort cannot spill, and a result that is to be whole must not fail for that.
fn with_row_limit(plan: LogicalPlan, max_rows: u64) -> Result<LogicalPlan, QueryError> {
    match plan {
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_) => Ok(plan),
        plan => {
            let one_more = usize::try_from(max_rows).unwrap_or(usize::MAX).saturating_add(1);
            Ok(LogicalPlanBuilder::from(plan).limit(0, Some(one_more))?.build()?)
        }
    }
}

fn template(config: &Config, runtime: Arc<RuntimeEnv>) -> SessionState {
    let mut options = ConfigOptions::new();
    options.catalog.default_catalog = CATALOG.into();
    options.catalog.default_schema = SCHEMA.into();
    options.catalog.create_default_catalog_and_schema = false;
    options.catalog.information_schema = true;
    options.sql_parser.dialect = Dialect::PostgreSQL;
    options.execution.enable_recursive_ctes = false;
    options.execution.sort_pushdown_buffer_capacity = SORT_BUFFER_BYTES;
    options.execution.sort_spill_reservation_bytes = (config.query_memory_bytes / 16).min(SPILL_MERGE_BYTES);
    options.execution.parquet.pushdown_filters = config.pushdown_filters;
    options.execution.parquet.reorder_filters = config.pushdown_filters;
    options.execution.time_zone = Some("UTC".into());
    let session = SessionConfig::from(options).with_target_partitions(config.target_partitions.max(1));
    SessionStateBuilder::new()
        .with_config(session)
        .with_runtime_env(runtime)
        .with_scalar_functions(functions::scalar_functions())
        .with_table_functions(functions::table_functions())
        .with_expr_planners(functions::expr_planners())
        // Everything else that counts as a default feature reads or writes files, and stays out.
        .with_higher_order_functions(SessionStateDefaults::default_higher_order_functions())
        .with_aggregate_functions(SessionStateDefaults::default_aggregate_functions())
        .with_window_functions(
            SessionStateDefaults::default_window_functions().into_iter().chain(functions::series_functions(None)).collect(),
        )
        .build()
}

fn runtime_env(config: &Config, stores: &Arc<TableStores>) -> Result<Arc<RuntimeEnv>, QueryError> {
    let pool: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(config.memory_bytes));
    let mode = match &config.spill_dir {
        Some(folder) => DiskManagerMode::Directories(vec![spill_folder(folder)?]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    let disk = DiskManagerBuilder::default().with_mode(mode).with_max_temp_directory_size(config.max_spill_bytes);
    RuntimeEnvBuilder::new()
        .with_memory_pool(pool)
        .with_disk_manager_builder(disk)
        .with_object_store_registry(Arc::new(TableStoreRegistry(Arc::clone(stores))))
        .build_arc()
        .map_err(|error| QueryError::internal(format!("the query engine cannot be set up: {error}")))
}

fn spill_folder(folder: &PathBuf) -> Result<PathBuf, QueryError> {
    std::fs::create_dir_all(folder)
        .map_err(|error| QueryError::internal(format!("the spill folder {} cannot be made: {error}", folder.display())))?;
    Ok(folder.clone())
}

/// The threads that queries plan and run on.
struct QueryThreads {
    handle: Handle,
    /// Taken out when dropped.
    runtime: Option<Runtime>,
}

impl QueryThreads {
    fn start(config: &Config) -> Result<Self, QueryError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(config.target_partitions.max(1))
            .thread_name("query")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|error| QueryError::internal(format!("query threads cannot be started: {error}")))?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for QueryThreads {
    fn drop(&mut self) {
        // The engine may be dropped inside another runtime, where waiting for threads is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
