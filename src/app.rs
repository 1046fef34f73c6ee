//! The server as a whole: opens everything in order, closes it in the reverse.

#[cfg(test)]
mod reports_test;
mod service_desk;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinHandle;

use crate::api::{self, ApiState, FrontDoor, ServerConfig};
use crate::clock::Clock;
use crate::config::{Settings, SiteSettings, check_front_door, parse_site};
use crate::console;
use crate::data_folder::{DataFolder, Listening};
use crate::desk::Desk;
use crate::incident::Topology;
use crate::operations::{
    Capacity, CapacityDays, CapacityParts, ConfiguredWindows, Inventory, MaintenanceWindows, PeriodReports, Proposals, Register,
    ReportParts, ScheduledReports, computed_views,
};
use crate::people::{OneTimeSecret, Tokens};
use crate::pipeline::{
    self, Analysis, AnalysisParts, FlushConfig, FlushHandle, Incidents, Pipeline, PipelineConfig, RemoteWriteCheck, RuleBook, SiteConfig,
    Windows, stage,
};
use crate::query::{self, QueryEngine, RelationalView};
use crate::self_metrics::START_TIME;
use crate::shutdown::{Phase, Shutdown};
use crate::source::http_push::PushState;
use crate::source::{AllowList, BodyLimits, SourceContext, SyslogConfig, TimeZones, serve_syslog_tcp, serve_syslog_udp};
use crate::sql_file::Book;
use crate::store::{ATTACHMENTS_FOLDER, DESK_FILE, FileStore, Store};
use crate::{table, wal};
use service_desk::ServiceDesk;

/// Where the states of detectors are kept, below the data folder.
const DETECTORS_FOLDER: &str = "detectors";

/// With the three seconds that open requests get, the whole stop fits into the ten that a service manager gives.
const FLUSH_AT_STOP: Duration = Duration::from_secs(6);

/// The running server.
#[derive(Debug)]
pub struct App {
    /// Where it listens.
    pub listening: Listening,
    /// The first administrator's one-time password, if this is the first start.
    pub first_password: Option<OneTimeSecret>,
    /// Stops it.
    pub shutdown: Shutdown,
    /// Commits fresh rows.
    pub flush: FlushHandle,
    /// The query gate.
    pub queries: Arc<QueryEngine>,
    /// The desk.
    pub desk: Desk,
    /// The detection rules.
    pub rules: Arc<RuleBook>,
    /// The incidents behind the tickets.
    pub incidents: Arc<Incidents>,
    /// Resources, and how they stand.
    pub capacity: Arc<Capacity>,
    /// Reports that are made by themselves, and kept.
    pub reports: Arc<ScheduledReports>,
    /// What the department has.
    pub inventory: Inventory,
    /// What it has set up.
    pub register: Arc<Register>,
    pipeline: Pipeline,
    sources: Vec<JoinHandle<()>>,
    workers: Vec<JoinHandle<()>>,
    folder: DataFolder,
    store: Store,
}

/// The listeners, bound before anything else is opened: an address in use is the most common mistake.
struct Sockets {
    http: TcpListener,
    syslog_tcp: Option<TcpListener>,
    syslog_udp: Option<UdpSocket>,
}

impl App {
    /// Opens the data folder, recovers, and listens.
    pub async fn start(settings: &Settings, clock: Clock) -> anyhow::Result<Self> {
        check_front_door(settings).map_err(|problems| anyhow!(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
        START_TIME.set((clock.now_us() / 1_000_000).unsigned_abs());
        let shutdown = Shutdown::new();
        let sockets = bind(settings).await?;
        let (topology, configured) = known_of_site(&settings.site)?;
        let folder = DataFolder::lock(&settings.data.dir)?;
        let store = Store::open(&folder.path().join(DESK_FILE)).await?;
        let desk = Desk::new(store.clone(), clock.clone());
        let mut people = ServiceDesk::open(&store, &desk, &clock, configured, settings.desk.enabled).await?;
        let pipeline = Pipeline::start(&pipeline_config(settings), &shutdown).await?;
        let mut views = pipeline::desk_views(&store);
        views.extend(computed_views(&store, &desk, &people.register, &clock));
        let queries = Arc::new(open_queries(settings, &pipeline, views)?);
        let flush = pipeline.flusher();
        let mut workers = vec![stage::spawn("ledger", &shutdown, pipeline::keep_ledger(store.clone(), clock.clone(), shutdown.clone()))];
        let templates = pipeline.keep_templates(folder.path().to_owned(), shutdown.clone());
        workers.push(stage::spawn("templates", &shutdown, templates));
        workers.push(stage::spawn("checkpoints", &shutdown, store.clone().keep_wal_short(shutdown.clone())));
        if settings.desk.enabled {
            workers.extend(people.start(settings, &store, &desk, &clock, &shutdown)?);
        }
        let rules = Arc::new(RuleBook::open(folder_of(&settings.detect.rules_dir)));
        let incidents = Arc::new(Incidents::new(desk.clone(), clock.clone(), site_config(topology, &people.windows), rules.clone()));
        if settings.detect.enabled {
            let parts = AnalysisParts {
                rules: rules.clone(),
                queries: queries.clone(),
                desk: desk.clone(),
                incidents: incidents.clone(),
                flush: flush.clone(),
                clock: clock.clone(),
            };
            workers.push(watch(parts, &folder, &shutdown));
        }
        let inventory = Inventory::new(store.clone(), clock.clone(), people.register.clone());
        let capacity = Arc::new(open_capacity(settings, &queries, &pipeline, &people.register, &desk, &inventory)?);
        if settings.capacity.enabled {
            workers.push(stage::spawn("capacity", &shutdown, capacity.clone().keep(shutdown.clone())));
        }
        let reports = Arc::new(open_reports(settings, &capacity, &inventory, &people.register, &desk, (&queries, &store, &clock)));
        if settings.desk.enabled {
            workers.push(stage::spawn("reports", &shutdown, reports.clone().keep(shutdown.clone())));
        }
        let context = SourceContext { intake: pipeline.ingest(), clock: clock.clone(), shutdown: shutdown.clone() };
        let (listening, sources, first_password) = (Listening::default(), Vec::new(), people.first_password.take());
        let register = people.register.clone();
        let mut app = Self {
            listening,
            first_password,
            shutdown,
            flush,
            queries,
            desk,
            rules,
            incidents,
            capacity,
            reports,
            inventory,
            register,
            pipeline,
            sources,
            workers,
            folder,
            store,
        };
        app.open_doors(settings, sockets, context, &people, clock)?;
        Ok(app)
    }

    /// From here on others can ask and send.
    fn open_doors(
        &mut self,
        settings: &Settings,
        sockets: Sockets,
        context: SourceContext,
        people: &ServiceDesk,
        clock: Clock,
    ) -> anyhow::Result<()> {
        let tokens = Tokens::new(self.store.clone(), clock.clone());
        let door = FrontDoor::new(!settings.access.require_token, tokens.clone(), people.logins.clone(), people.register.clone());
        let api = ApiState {
            queries: self.queries.clone(),
            desk: self.desk.clone(),
            incidents: self.incidents.clone(),
            rules: self.rules.clone(),
            flush: self.flush.clone(),
            register: self.register.clone(),
            logins: people.logins.clone(),
            tokens,
            store: self.store.clone(),
            files: FileStore::new(self.folder.path().join(ATTACHMENTS_FOLDER)),
            alerts: people.alerts.clone(),
            inventory: self.inventory.clone(),
            capacity: self.capacity.clone(),
            reports: self.reports.clone(),
            clock,
            tls: !settings.http.tls_cert.is_empty(),
            link_secret: people.link_secret.clone(),
            public_url: settings.desk.public_url.trim_end_matches('/').into(),
            refused_keys: Arc::default(),
        };
        (self.listening, self.sources) = listen(settings, sockets, context, api, door)?;
        if let Err(error) = self.folder.announce(&self.listening) {
            // A full disk, most likely: whoever comes to look into it must find a server that answers.
            tracing::warn!(%error, "listening.json cannot be written; commands must be told where this server is with --server");
        }
        Ok(())
    }

    /// What an analysis works with, on the clock of the system.
    pub fn analysis_parts(&self) -> AnalysisParts {
        AnalysisParts {
            rules: self.rules.clone(),
            queries: self.queries.clone(),
            desk: self.desk.clone(),
            incidents: self.incidents.clone(),
            flush: self.flush.clone(),
            clock: Clock::System,
        }
    }

    /// Stops in order: sources, queue, tables, logs, store. Nothing acknowledged is lost if it is cut short.
    pub async fn stop(self) {
        let Self { shutdown, pipeline, sources, workers, folder, store, .. } = self;
        shutdown.advance(Phase::SourcesStopping);
        for source in sources {
            let _ = source.await;
        }
        let flushed = tokio::time::timeout(FLUSH_AT_STOP, pipeline.stop()).await;
        shutdown.advance(Phase::AllStopping);
        for worker in workers {
            let _ = worker.await;
        }
        store.close().await;
        folder.withdraw();
        match flushed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(
                error,
                "the last rows could not be written to the tables; they are in the log, and the next start writes them"
            ),
            Err(_) => tracing::warn!("the last rows could not be written in time; they are in the log, and the next start writes them"),
        }
    }
}

fn pipeline_config(settings: &Settings) -> PipelineConfig {
    let (table, wal) = (&settings.table, &settings.wal);
    PipelineConfig {
        data_dir: settings.data.dir.clone(),
        log_shards: size(wal.log_shards),
        wal: wal::Config { segment_bytes: wal.segment_bytes, max_bytes: wal.max_shard_bytes, ..wal::Config::default() },
        table: table::Config {
            checkpoint_interval: u32::try_from(table.checkpoint_interval_commits).unwrap_or(u32::MAX).max(1),
            ..table::Config::default()
        },
        flush: FlushConfig { bytes: size(table.flush_bytes), age: Duration::from_millis(table.flush_age_ms) },
        templates: settings.detect.templates,
        fresh_limit_bytes: size(table.fresh_limit_bytes),
        queue_bytes: size(table.queue_bytes),
    }
}

/// A count or size of the configuration; none of them comes near the limits of 64 bits.
fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn open_queries(settings: &Settings, pipeline: &Pipeline, mut views: Vec<Arc<dyn RelationalView>>) -> anyhow::Result<QueryEngine> {
    let limits = &settings.query;
    let config = query::Config {
        max_concurrent: size(limits.max_concurrent),
        timeout_ms: limits.timeout_ms,
        max_rows: limits.max_rows,
        max_result_bytes: limits.max_result_bytes,
        memory_bytes: size(limits.memory_bytes),
        query_memory_bytes: size(limits.memory_bytes / 2),
        spill_dir: Some(settings.data.dir.join("spill")),
        // All cores: the operating system shares them fairly with the threads that receive and store.
        target_partitions: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        ..query::Config::default()
    };
    views.push(pipeline.template_view());
    Ok(QueryEngine::new(&config, pipeline.tables(), views)?)
}

/// The rules at work.
fn watch(parts: AnalysisParts, folder: &DataFolder, shutdown: &Shutdown) -> JoinHandle<()> {
    let analysis = Analysis::new(parts, Some(folder.path().join(DETECTORS_FOLDER)));
    stage::spawn("analysis", shutdown, analysis.run(shutdown.clone()))
}

fn open_capacity(
    settings: &Settings,
    queries: &Arc<QueryEngine>,
    pipeline: &Pipeline,
    register: &Arc<Register>,
    desk: &Desk,
    inventory: &Inventory,
) -> anyhow::Result<Capacity> {
    let parts = CapacityParts {
        days: CapacityDays::new(queries.clone(), pipeline.tables()),
        questions: Arc::new(Book::open(folder_of(&settings.capacity.questions_dir))),
        register: register.clone(),
        proposals: Proposals::new(desk.clone(), inventory.clone()),
        inventory: inventory.clone(),
    };
    Ok(Capacity::new(parts)?)
}

fn open_reports(
    settings: &Settings,
    capacity: &Arc<Capacity>,
    inventory: &Inventory,
    register: &Arc<Register>,
    desk: &Desk,
    (queries, store, clock): (&Arc<QueryEngine>, &Store, &Clock),
) -> ScheduledReports {
    ScheduledReports::new(ReportParts {
        capacity: capacity.clone(),
        inventory: inventory.clone(),
        periods: PeriodReports { queries: queries.clone(), register: register.clone() },
        register: register.clone(),
        store: store.clone(),
        desk: desk.clone(),
        clock: clock.clone(),
        public_url: settings.desk.public_url.trim_end_matches('/').to_owned(),
    })
}

/// A folder of the configuration, if it is set.
fn folder_of(setting: &str) -> Option<PathBuf> {
    (!setting.is_empty()).then(|| PathBuf::from(setting))
}

/// What grouping knows of the site.
fn site_config(topology: Topology, windows: &MaintenanceWindows) -> SiteConfig {
    let windows = windows.clone();
    let maintenance: Windows = Box::new(move |at_us| {
        let windows = windows.clone();
        Box::pin(async move { windows.at(at_us).await })
    });
    SiteConfig { topology, maintenance }
}

/// What is known of the site. Every entry is read once here, so that a wrong one is an error at start and not at night.
fn known_of_site(site: &SiteSettings) -> anyhow::Result<(Topology, ConfiguredWindows)> {
    parse_site(site).map_err(|errors| anyhow!(errors.iter().map(|error| format!("site: {error}")).collect::<Vec<_>>().join("\n")))
}

async fn bind(settings: &Settings) -> anyhow::Result<Sockets> {
    let in_use = |what: &str, address: &str| {
        format!(
            "cannot listen for {what} on {address}; is another server running there? Choose another address in the configuration or by flag"
        )
    };
    let http = TcpListener::bind(&settings.http.listen).await.with_context(|| in_use("HTTP", &settings.http.listen))?;
    let (tcp, udp) = (&settings.syslog.tcp, &settings.syslog.udp);
    let syslog_tcp = match tcp.as_str() {
        "" => None,
        _ => Some(TcpListener::bind(tcp).await.with_context(|| in_use("syslog (TCP)", tcp))?),
    };
    let syslog_udp = match udp.as_str() {
        "" => None,
        _ => {
            let socket = UdpSocket::bind(udp).await.with_context(|| in_use("syslog (UDP)", udp))?;
            // The kernel gives what it allows; a smaller buffer works, and drops are counted.
            let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(size(settings.syslog.udp_receive_buffer_bytes));
            Some(socket)
        }
    };
    Ok(Sockets { http, syslog_tcp, syslog_udp })
}

fn listen(
    settings: &Settings,
    sockets: Sockets,
    context: SourceContext,
    api: ApiState,
    door: FrontDoor,
) -> anyhow::Result<(Listening, Vec<JoinHandle<()>>)> {
    let shutdown = context.shutdown.clone();
    let syslog = Arc::new(syslog_config(settings)?);
    let tls = match settings.http.tls_cert.as_str() {
        "" => None,
        cert => Some(api::tls_acceptor(Path::new(cert), Path::new(&settings.http.tls_key))?),
    };
    let push = PushState {
        context: context.clone(),
        limits: BodyLimits {
            compressed_bytes: size(settings.http.max_body_bytes),
            decompressed_bytes: size(settings.http.max_decompressed_bytes),
            ..BodyLimits::default()
        },
        max_line_bytes: syslog.max_line_bytes,
        zones: syslog.zones.clone(),
        remote_write: Arc::new(RemoteWriteCheck),
        keys: Arc::default(),
    };
    let address = |address: std::io::Result<SocketAddr>| address.map(|address| address.to_string());
    let mut listening = Listening { http: address(sockets.http.local_addr())?, tls: tls.is_some(), ..Listening::default() };
    let router = api::router(api, push, Arc::new(door), console::routes());
    let server = ServerConfig {
        max_connections: settings.http.max_connections,
        max_connections_per_peer: size(settings.http.max_connections_per_peer),
        header_timeout: Duration::from_millis(settings.http.header_timeout_ms),
        body_timeout: Duration::from_millis(settings.http.body_timeout_ms),
    };
    let mut sources = vec![stage::spawn("http", &shutdown, api::serve_http(sockets.http, tls, router, server, shutdown.clone()))];
    if let Some(listener) = sockets.syslog_tcp {
        listening.syslog_tcp = Some(address(listener.local_addr())?);
        sources.push(stage::spawn("syslog_tcp", &shutdown, serve_syslog_tcp(listener, syslog.clone(), context.clone())));
    }
    if let Some(socket) = sockets.syslog_udp {
        listening.syslog_udp = Some(address(socket.local_addr())?);
        sources.push(stage::spawn("syslog_udp", &shutdown, serve_syslog_udp(socket, syslog, context)));
    }
    Ok((listening, sources))
}

fn syslog_config(settings: &Settings) -> anyhow::Result<SyslogConfig> {
    let syslog = &settings.syslog;
    Ok(SyslogConfig {
        max_line_bytes: size(syslog.max_line_bytes),
        zones: Arc::new(TimeZones::parse(&syslog.time_zone, &syslog.time_zones)?),
        allow: AllowList::parse(&syslog.allow)?,
        max_connections: syslog.max_connections,
        max_connections_per_peer: size(syslog.max_connections_per_peer),
        idle_timeout: Duration::from_secs(syslog.idle_timeout_s),
        udp_receive_buffer_bytes: size(syslog.udp_receive_buffer_bytes),
    })
}
