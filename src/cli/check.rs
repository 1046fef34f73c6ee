//! `watchroom check`.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::server_options::{ConfigOptions, ListenOptions};
use super::terminal;
use crate::capacity::CapacityQuestion;
use crate::config::{Problem, Settings, check_front_door, delivery_config, parse_site};
use crate::detect::Rule;
use crate::source::{AllowList, MAX_LINE_BYTES_CEILING, TimeZones};
use crate::sql_file::{BrokenFile, FileContent, read_files};

/// Options of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    #[command(flatten)]
    config: ConfigOptions,
    #[command(flatten)]
    listen: ListenOptions,
    /// Print the configuration that results, with every default
    #[arg(long)]
    print: bool,
}

/// Exit code 0 when a server would start with it and run every rule, 2 when not.
pub(super) fn run(options: &CheckOptions) -> anyhow::Result<ExitCode> {
    let settings = match options.config.settings(&options.listen) {
        Ok(settings) => settings,
        Err(error) => {
            terminal::complain(&format!("the configuration is wrong\n{error}"));
            return Ok(ExitCode::from(2));
        }
    };
    let mut problems = problems(&settings);
    problems.extend(broken_files(&settings));
    if !problems.is_empty() {
        return Ok(refuse(&problems));
    }
    if options.print {
        let mut shown = settings;
        if !shown.smtp.password.is_empty() {
            shown.smtp.password = "(set)".to_owned();
        }
        terminal::print(&toml::to_string_pretty(&shown)?)?;
    } else {
        terminal::print("The configuration is good.\n")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what is wrong, and gives the exit code for that.
pub(super) fn refuse(problems: &[Problem]) -> ExitCode {
    let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
    terminal::complain(&format!("the configuration is wrong\n{}", text.join("\n")));
    ExitCode::from(2)
}

fn problem(key: &str, what: String, instead: &str) -> Problem {
    Problem { place: "configuration".into(), key: key.into(), what, instead: instead.into() }
}

/// A server runs without them, and says so.
fn broken_files(settings: &Settings) -> Vec<Problem> {
    fn of<T: FileContent>(folder: &str, instead: &str) -> Vec<Problem> {
        let folder = (!folder.is_empty()).then(|| Path::new(folder));
        let wrong = |error: BrokenFile| problem(T::FOLDER_KEY, error.to_string(), instead);
        read_files::<T>(folder).broken.into_iter().map(wrong).collect()
    }
    let mut problems = of::<Rule>(&settings.detect.rules_dir, "a rule as described in queries/README.md");
    problems.extend(of::<CapacityQuestion>(&settings.capacity.questions_dir, "a capacity question as described in queries/README.md"));
    problems
}

/// What the values mean together, beyond their types: with any of these a server does not start.
pub(super) fn problems(settings: &Settings) -> Vec<Problem> {
    let mut problems = check_front_door(settings).err().unwrap_or_default();
    let mut problem = |key: &str, what: String, instead: &str| problems.push(problem(key, what, instead));
    if let Err(error) = TimeZones::parse(&settings.syslog.time_zone, &settings.syslog.time_zones) {
        let advice = "time_zone = \"Europe/Vienna\", time_zones = [\"10.1.0.0/16=America/New_York\"]";
        problem("syslog.time_zone and syslog.time_zones", error.to_string(), advice);
    }
    for error in parse_site(&settings.site).err().unwrap_or_default() {
        problem("site", error.to_string(), "see the keys of [site] in the README");
    }
    for wrong in delivery_config(settings).err().unwrap_or_default() {
        let (key, what) = wrong.split_once(": ").unwrap_or(("smtp", &wrong));
        problem(key, what.to_owned(), "see the keys of [smtp] and [webhooks] in the README");
    }
    if let Err(error) = AllowList::parse(&settings.syslog.allow) {
        problem("syslog.allow", error.to_string(), "[\"10.0.0.0/8\"]");
    }
    if settings.syslog.max_line_bytes > MAX_LINE_BYTES_CEILING as u64 || settings.syslog.max_line_bytes < 480 {
        let what = format!("{} is out of range", settings.syslog.max_line_bytes);
        problem("syslog.max_line_bytes", what, "a number from 480 (the least RFC 5424 asks for) to 1048576");
    }
    if settings.wal.segment_bytes < settings.http.max_decompressed_bytes + (16 << 20) {
        let what = "a request of http.max_decompressed_bytes would not fit a segment".to_owned();
        problem("wal.segment_bytes", what, "at least http.max_decompressed_bytes + 16777216");
    }
    for (key, path) in [("http.tls_cert", &settings.http.tls_cert), ("http.tls_key", &settings.http.tls_key)] {
        if !path.is_empty() && !Path::new(path).is_file() {
            problem(key, format!("{path} is not a file"), "the path of a PEM file");
        }
    }
    problems
}
