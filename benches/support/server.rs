//! The real program in a folder of its own, and what the kernel says of it.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::http::Http;

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    folder: PathBuf,
    /// The folder is somebody else's and stays.
    stays: bool,
    /// `host:port` of the HTTP API.
    pub(crate) http: String,
    /// `host:port` of syslog over TCP.
    pub(crate) syslog: String,
}

/// What the process has used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_memory_mib: f64,
}

impl Server {
    /// Starts on defaults (but for the ports) with a new data folder below `place`.
    pub(crate) fn start(place: &Path) -> Self {
        Self::start_with(place, &[])
    }

    /// The same with settings as environment variables.
    pub(crate) fn start_with(place: &Path, settings: &[(&str, &str)]) -> Self {
        let folder = place.join(format!("watchroom-bench-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Self::serve(folder, false, settings)
    }

    /// Starts on a folder that is there already, which stays when the server has gone.
    pub(crate) fn start_on(folder: &Path) -> Self {
        Self::serve(folder.to_owned(), true, &[])
    }

    fn serve(folder: PathBuf, stays: bool, settings: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_watchroom"))
            .args(["serve", "--http", "127.0.0.1:0", "--syslog-tcp", "127.0.0.1:0", "--syslog-udp", "", "--data"])
            .arg(&folder)
            .env("WATCHROOM_LOG_LEVEL", "warn")
            .envs(settings.iter().copied())
            // Receivers of webhooks are of the bench's own.
            .env("WATCHROOM_WEBHOOKS_ALLOW_HTTP", "true")
            .env("WATCHROOM_WEBHOOKS_ALLOW_PRIVATE", "127.0.0.0/8")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line).expect("the server prints where it listens");
        let listening: serde_json::Value = serde_json::from_str(&line).expect("the first line is JSON");
        let address = |key: &str| listening[key].as_str().unwrap_or_default().to_owned();
        Self { child, folder, stays, http: address("http"), syslog: address("syslog_tcp") }
    }

    /// CPU time so far and the most memory held.
    pub(crate) fn usage(&self) -> Usage {
        let proc = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap_or_default();
        let stat = proc("stat");
        // Fields 14 and 15 (user and system time, in hundredths of a second); the name in field 2 may hold blanks.
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        let ticks: f64 = after_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        let status = proc("status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
        let peak_kib: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
        Usage { cpu_seconds: ticks / 100.0, peak_memory_mib: peak_kib / 1024.0 }
    }

    /// The one number that a statement answers.
    pub(crate) fn count(&self, sql: &str) -> u64 {
        let mut http = Http::connect(&self.http).expect("the server answers");
        let body = serde_json::json!({ "query": sql, "format": "csv" }).to_string();
        let (status, answer) = http.post("/api/v1/sql", "", body.as_bytes()).expect("the server answers");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
        String::from_utf8_lossy(&answer).lines().nth(1).and_then(|line| line.parse().ok()).expect("a number")
    }

    /// Commits all fresh rows.
    pub(crate) fn flush(&self) {
        let mut http = Http::connect(&self.http).expect("the server answers");
        let (status, answer) = http.post("/api/v1/flush", "", b"").expect("the server answers");
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&answer));
    }

    /// Bytes of the Parquet files of a table.
    pub(crate) fn table_bytes(&self, table: &str) -> u64 {
        parquet_bytes(&self.folder.join("tables").join(table))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !self.stays {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn parquet_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.path() {
            path if path.is_dir() && !path.ends_with("_delta_log") => parquet_bytes(&path),
            path if path.extension().is_some_and(|extension| extension == "parquet") => path.metadata().map_or(0, |data| data.len()),
            _ => 0,
        })
        .sum()
}
