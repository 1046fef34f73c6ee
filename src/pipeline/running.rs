//! The pipeline as a whole: start, replay, stop.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::flush::{FlushConfig, FlushNow, Flusher};
use super::fresh_room::FreshRoom;
use super::ingest::Ingest;
use super::shard::{ShardHandle, StoredBlock};
use super::tables::Tables;
use super::{PipelineError, known_series, parse_stage, recovery, stage, template_view};
use crate::query::{self, RelationalView};
use crate::self_metrics::{WAL_BYTES, WAL_RECORDS, WAL_SYNC_SECONDS, WAL_SYNCS};
use crate::shutdown::Shutdown;
use crate::table;
use crate::wal;

/// Everything that the pipeline is set by.
#[derive(Debug, Clone)]
pub struct PipelineConfig {
    /// The data folder; tables are in `tables/`, logs in `wal/`.
    pub data_dir: PathBuf,
    /// Shards for log lines.
    pub log_shards: usize,
    /// Settings of each shard.
    pub wal: wal::Config,
    /// Settings of each table.
    pub table: table::Config,
    /// When rows are written.
    pub flush: FlushConfig,
    /// Log lines get a `template_id`.
    pub templates: bool,
    /// Memory for fresh rows.
    pub fresh_limit_bytes: usize,
    /// Memory for blocks on their way.
    pub queue_bytes: usize,
}

/// The running pipeline.
#[derive(Debug)]
pub struct Pipeline {
    ingest: Arc<Ingest>,
    tables: Arc<Tables>,
    flush_now: mpsc::Sender<FlushNow>,
    logs: HashMap<Arc<str>, Arc<wal::Shard>>,
    parsers: Vec<JoinHandle<()>>,
}

/// A shard whose log is open and whose parser runs.
struct OpenShard {
    handle: ShardHandle,
    replay: wal::Replay,
}

impl Pipeline {
    /// Opens tables and logs, replays what is not in the tables yet, and is then ready to take blocks.
    pub async fn start(config: &PipelineConfig, shutdown: &Shutdown) -> Result<Self, PipelineError> {
        let tables = Arc::new(open_tables(config).await?);
        let room = Arc::new(FreshRoom::new(tables.clone(), config.fresh_limit_bytes));
        let mut wanted: Vec<String> = (0..config.log_shards.max(1)).map(|index| format!("logs-{index}")).collect();
        wanted.push("samples-0".into());
        let wal_dir = config.data_dir.join("wal");
        let mut shards = HashMap::new();
        let mut parsers = Vec::new();
        for name in recovery::shard_names(&wal_dir, &wanted)? {
            let name: Arc<str> = name.into();
            let table = if name.starts_with("samples") { &tables.samples } else { &tables.logs };
            let resume_after = table.committed(&name).map_or(0, |sequence| u64::try_from(sequence).unwrap_or(0));
            let (log, replay) = wal::Shard::open(&wal_dir.join(&*name), &config.wal, resume_after, observer(name.clone()))?;
            let (to_parse, stored) = mpsc::unbounded_channel::<StoredBlock>();
            let parser = parse_stage::run(stored, name.clone(), tables.clone(), room.clone());
            parsers.push(stage::spawn("parse", shutdown, parser));
            let handle = ShardHandle { wal: Arc::new(log), to_parse };
            shards.insert(name, OpenShard { handle, replay });
        }
        let logs: HashMap<Arc<str>, Arc<wal::Shard>> =
            shards.iter().map(|(name, shard)| (name.clone(), shard.handle.wal.clone())).collect();
        let (flush_now, requests) = mpsc::channel(4);
        let flusher =
            Flusher { tables: tables.clone(), room, config: config.flush.clone(), logs: logs.clone(), shutdown: shutdown.clone() };
        stage::spawn("flush", shutdown, flusher.run(requests));
        let shard = |name: &String| shards.get(name.as_str()).map(|shard| shard.handle.clone());
        let mut handles: Vec<ShardHandle> = wanted.iter().filter_map(shard).collect();
        let Some(sample_shard) = handles.pop() else { return Err(PipelineError::Interrupted) };
        let ingest = Arc::new(Ingest::new(handles, sample_shard, config.queue_bytes, shutdown.clone()));
        replay_all(shards, &ingest).await?;
        Ok(Self { ingest, tables, flush_now, logs, parsers })
    }

    /// The door for the sources.
    pub fn ingest(&self) -> Arc<Ingest> {
        self.ingest.clone()
    }

    /// The tables, for queries.
    pub fn tables(&self) -> query::Tables {
        let tables = &self.tables;
        query::Tables {
            logs: tables.logs.clone(),
            series: tables.series.clone(),
            samples: tables.samples.clone(),
            capacity_days: tables.capacity_days.clone(),
        }
    }

    /// Saves the templates of log lines now and then, and at the stop.
    pub fn keep_templates(&self, data_dir: PathBuf, shutdown: Shutdown) -> impl Future<Output = ()> + Send + use<> {
        template_view::keep(self.tables.templates.clone(), data_dir, shutdown)
    }

    /// What is known of the templates of log lines, as the query gate reads it.
    pub fn template_view(&self) -> Arc<dyn RelationalView> {
        Arc::new(template_view::TemplateView(self.tables.templates.clone()))
    }

    /// Writes and commits all fresh rows now. The error is for a person.
    pub fn flusher(&self) -> FlushHandle {
        let (queue, queue_permits) = self.ingest.queue();
        FlushHandle { requests: self.flush_now.clone(), queue, queue_permits }
    }

    /// Ends in order: what was taken becomes rows, the rows are committed, the logs are closed. The sources must have
    /// stopped. A flush that fails (a full disk) loses nothing: the log still has the rows.
    pub async fn stop(self) -> Result<(), String> {
        let flush = self.flusher();
        let Self { ingest, logs, parsers, tables, .. } = self;
        ingest.drained().await;
        let flushed = flush.flush().await;
        drop(ingest);
        tables.upkeep_ended().await;
        let closed = tokio::task::spawn_blocking(move || logs.values().for_each(|log| log.close())).await;
        for parser in parsers {
            let _ = parser.await;
        }
        closed.map_err(|error| error.to_string()).and(flushed)
    }
}

/// Asks for a flush, and tells whether there is time for other work.
#[derive(Debug, Clone)]
pub struct FlushHandle {
    requests: mpsc::Sender<FlushNow>,
    queue: Arc<Semaphore>,
    queue_permits: u32,
}

impl FlushHandle {
    /// Whether lines come faster than they are parsed: more than half of the room for lines on their way is taken.
    pub fn ingest_is_behind(&self) -> bool {
        2 * self.queue.available_permits() < self.queue_permits as usize
    }

    /// Writes and commits all fresh rows, and returns when that is done.
    pub async fn flush(&self) -> Result<(), String> {
        let (answer, flushed) = oneshot::channel();
        let stopped = || "the server is shutting down".to_owned();
        self.requests.send(answer).await.map_err(|_| stopped())?;
        flushed.await.map_err(|_| stopped())?
    }
}

async fn open_tables(config: &PipelineConfig) -> Result<Tables, PipelineError> {
    let opened = query::Tables::open(&config.data_dir.join("tables"), &config.table).await?;
    let known = known_series::load(&opened.series).await?;
    Ok(Tables::new(opened, known, Arc::new(template_view::load(&config.data_dir)), config.templates))
}

/// Replays all shards, one after the other, and waits until their rows are in the tables.
async fn replay_all(shards: HashMap<Arc<str>, OpenShard>, ingest: &Arc<Ingest>) -> Result<(), PipelineError> {
    let runtime = tokio::runtime::Handle::current();
    let (queue, permits) = ingest.queue();
    let replayed = tokio::task::spawn_blocking(move || {
        let mut blocks = 0;
        for (name, OpenShard { handle, replay }) in shards {
            blocks += recovery::replay(&name, replay, &handle.to_parse, &queue, permits, &runtime)?;
        }
        Ok::<u64, PipelineError>(blocks)
    });
    let blocks = replayed.await.map_err(|_| PipelineError::Interrupted)??;
    ingest.drained().await;
    if blocks > 0 {
        tracing::info!(blocks, "what was acknowledged before the last stop and not yet in the tables was recovered from the log");
    }
    Ok(())
}

/// Feeds the log's events to the metrics; a failed fsync ends the process.
fn observer(name: Arc<str>) -> wal::Observer {
    Box::new(move |event| match event {
        wal::Event::Committed { records, bytes, sync_seconds, .. } => {
            WAL_RECORDS.add(records);
            WAL_BYTES.add(bytes);
            WAL_SYNCS.add(1);
            WAL_SYNC_SECONDS.record(std::time::Duration::from_secs_f64(sync_seconds.max(0.0)));
        }
        wal::Event::Rotated { .. } => {}
        wal::Event::DiskFull { records, error } => {
            tracing::warn!(shard = %name, records, error, "the disk is full: senders are refused or held back until there is room");
        }
        wal::Event::Quarantined { path } => tracing::warn!(shard = %name, path = %path.display(), "a damaged log file was put aside"),
        wal::Event::ReleaseFailed { error } => tracing::warn!(shard = %name, error, "a log file that is done with cannot be removed"),
        wal::Event::Fatal { error } => {
            // After a failed fsync nobody knows what is on disk. Only a restart, which reads it back, is honest.
            tracing::error!(shard = %name, %error, "the write-ahead log cannot be synced; ending, so that the next start reads what is really on disk");
            std::process::exit(EXIT_LOG_FAILED);
        }
    })
}

/// Exit code after a failed fsync: `EX_IOERR` of sysexits.h.
const EXIT_LOG_FAILED: i32 = 74;
