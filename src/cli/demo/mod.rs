//! `watchroom demo`: everything at once, with made-up data and real sockets.
//!
//! A server starts in a temporary folder; the past of what capacity is asked about and the sample week, which ends at this moment,
//! go in over syslog TCP and remote write; the rules then judge the week as if they had been there; what they found is held against what was planted. After
//! that the site goes on living until Ctrl-C.

mod outcome;
mod planning;
mod report;
mod sender;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::report::Summary;
use self::sender::{Sender, Sent};
use super::terminal;
use crate::app::App;
use crate::clock::{Clock, DAY_US, SECOND_US, Stopwatch};
use crate::config::Settings;
use crate::pipeline::Analysis;
use crate::sample_site::{MAX_HISTORY_DAYS, Site, SiteConfig};

/// Options of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoOptions {
    /// End after the week, without going on live
    #[arg(long)]
    once: bool,
    /// Print one JSON summary instead of text
    #[arg(long)]
    json: bool,
    /// Another seed makes another week
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days of the past that are sent
    #[arg(long, default_value_t = 7)]
    days: u32,
}

/// How often the site's new events are sent when it is live.
const LIVE_STEP: Duration = Duration::from_secs(1);

/// Runs the demonstration.
pub(super) async fn run(options: DemoOptions) -> anyhow::Result<ExitCode> {
    terminal::start_logging("warn")?;
    let folder = tempfile::Builder::new().prefix("watchroom-demo-").tempdir().context("no temporary folder can be made")?;
    let now_us = Clock::System.now_us();
    let site = Arc::new(Site::new(SiteConfig {
        seed: options.seed,
        start_us: now_us - i64::from(options.days) * DAY_US,
        days: options.days,
        metrics_step_s: 60,
        log_rate: 1.0,
    })?);
    let app = App::start(&settings(&folder, &site), Clock::System).await?;
    let result = show(&app, &options, &site, folder.path()).await;
    app.stop().await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn show(app: &App, options: &DemoOptions, site: &Arc<Site>, folder: &std::path::Path) -> anyhow::Result<()> {
    if !options.json {
        terminal::print(&report::opening(site, options.seed, app, folder))?;
    }
    let mut sender = Sender::connect(app).await?;
    let sending_history = Stopwatch::start();
    let progress = bar("sending what was before", "day", u64::from(MAX_HISTORY_DAYS));
    let history_samples = sender.send_history(site, |days| progress.set_position(days)).await?;
    progress.finish_and_clear();
    let history_seconds = sending_history.elapsed_seconds();

    let sending = Stopwatch::start();
    let progress = bar("sending the week", "hour", u64::from(options.days) * 24);
    let sent = Sent { history_samples, history_seconds, ..sender.send_past(site, |hours| progress.set_position(hours)).await? };
    progress.finish_and_clear();
    sent.wait_until_stored(app).await?;
    let send_seconds = sending.elapsed_seconds();
    app.flush.flush().await.map_err(anyhow::Error::msg)?;

    let judging = Stopwatch::start();
    let analysis = Analysis::new(app.analysis_parts(), None);
    judge_week(&analysis, app, site).await?;
    let judge_seconds = judging.elapsed_seconds();

    let rules = app.rules.current().read.len();
    let summary = Summary::collect(app, site, &sent, send_seconds, judge_seconds, rules, folder).await?;
    let plan = planning::plan(app, folder).await?;
    if options.json {
        terminal::print(&format!("{}\n", summary.to_json(&plan)))?;
    } else {
        terminal::print(&summary.to_text(app, options.once, &plan))?;
    }
    if options.once { Ok(()) } else { live(app, analysis, site, &mut sender).await }
}

/// Default ports where they are free, so that the commands in the README work as they stand.
fn settings(folder: &tempfile::TempDir, site: &Site) -> Settings {
    let mut settings = Settings::default();
    settings.data.dir = folder.path().join("data");
    let free = |address: &str| std::net::TcpListener::bind(address).is_ok() && std::net::UdpSocket::bind(address).is_ok();
    if !free(&settings.http.listen) {
        settings.http.listen = "127.0.0.1:0".into();
    }
    if !free(&settings.syslog.tcp) {
        settings.syslog.tcp = "127.0.0.1:0".into();
        settings.syslog.udp = "127.0.0.1:0".into();
    }
    // The demonstration starts the rules itself, once the week is there, and then judges the resources.
    settings.detect.enabled = false;
    settings.capacity.enabled = false;
    // What a technician would write into [site]: what belongs together is found together.
    settings.site.depends_on = site.dependencies().into_iter().map(|(dependent, upstream)| format!("{dependent} -> {upstream}")).collect();
    settings
}

/// Has the rules judge the week from its first hour on.
async fn judge_week(analysis: &Analysis, app: &App, site: &Site) -> anyhow::Result<()> {
    let start_us = site.config().start_us;
    for rule in &app.rules.current().read {
        // A rule compares with the past, of which it needs some before it can say anything.
        app.desk.rewind_rule(&rule.name, rule.schedule.latest(start_us + rule.lookback_us)).await?;
    }
    let progress = bar("judging the week", "hour", u64::from(site.config().days) * 24);
    while let Some(behind_us) = analysis.furthest_behind_us().await {
        let judged_us = (Clock::System.now_us() - behind_us - start_us).max(0);
        progress.set_position((judged_us / (3600 * SECOND_US)).unsigned_abs());
        analysis.run_due().await;
    }
    progress.finish_and_clear();
    Ok(())
}

/// The site goes on in real time, and the rules with it, until Ctrl-C.
async fn live(app: &App, analysis: Analysis, site: &Site, sender: &mut Sender) -> anyhow::Result<()> {
    let watching = crate::pipeline::stage::spawn("analysis", &app.shutdown, analysis.run(app.shutdown.clone()));
    let mut sent_until_us = site.end_us();
    let mut known_tickets = report::newest_ticket(app).await?;
    loop {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                break;
            }
            () = tokio::time::sleep(LIVE_STEP) => {}
            () = app.shutdown.sources_stopping() => break,
        }
        let now_us = Clock::System.now_us();
        sender.send(site, sent_until_us, now_us).await?;
        sent_until_us = now_us;
        known_tickets = report::announce_new(app, known_tickets).await?;
    }
    watching.abort();
    terminal::print("\nstopped; the temporary folder is removed\n")?;
    Ok(())
}

fn bar(what: &'static str, unit: &str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(&format!("{{msg}} [{{bar:30}}] {unit} {{pos}} of {{len}}, {{elapsed}}")) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what);
    bar
}
