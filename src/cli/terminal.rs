//! What goes to the terminal around the commands' own output.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use tracing_subscriber::EnvFilter;

/// Says on stderr what went wrong.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "watchroom: {text}");
}

/// Says on stderr what is worth knowing beside the answer on stdout.
pub(super) fn remark(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes to stdout. A reader that has gone (`| head`) is no error worth a message.
pub(super) fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => result,
    }
}

/// Width to fit tables into: the terminal's; `None` where stdout is no terminal, so that nothing is cut in a pipe.
pub(super) fn width() -> Option<u16> {
    let of_terminal = std::io::stdout().is_terminal().then(|| comfy_table::Table::new().width()).flatten();
    of_terminal.or_else(|| std::env::var("COLUMNS").ok()?.parse().ok())
}

/// Logs to stderr, never to stdout.
pub(super) fn start_logging(level: &str) -> anyhow::Result<()> {
    // A bare level is meant for Watchroom; the libraries below it speak only when something is wrong. That a question about a
    // hundred thousand tickets takes the store more than a second is nothing wrong.
    let directives = if level.contains(['=', ',']) { level.to_owned() } else { format!("{},sqlx=error,watchroom={level}", quieter(level)) };
    let filter = EnvFilter::try_new(directives)
        .map_err(|error| anyhow::anyhow!("log.level `{level}` is no filter ({error}); write error, warn, info or debug"))?;
    let colours = std::io::stderr().is_terminal();
    // A second start (the demo inside a test) keeps the first.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).try_init();
    Ok(())
}

/// What libraries may say at this level.
fn quieter(level: &str) -> &str {
    if level == "error" { "error" } else { "warn" }
}

/// A bar over bytes with rate and remaining time; hidden where stderr is no terminal.
pub(super) fn byte_progress(total_bytes: Option<u64>) -> ProgressBar {
    let (bar, template) = match total_bytes {
        Some(total) => (ProgressBar::new(total), "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{msg} {bytes} {bytes_per_sec}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
