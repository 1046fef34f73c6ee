//! `watchroom forecast`: the forecaster over a file, without a server.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::series_file::Row;
use super::{input, series_file, terminal};
use crate::forecast::{
    Forecast, ForecastError, Grid, Options, SeasonOption, ThresholdOptions, TimeToThreshold, USUAL_LEVEL, forecast, time_to_threshold,
};

/// Options of `forecast`.
#[derive(Debug, Args)]
pub(super) struct ForecastOptions {
    /// CSV file with a header and the columns `timestamp` (ISO 8601 or Unix time) and `value`, one series; `-` reads stdin
    file: PathBuf,
    /// Steps ahead; a step is the median spacing of the file
    #[arg(long, value_name = "STEPS")]
    horizon: usize,
    /// Share of futures that the interval is to hold
    #[arg(long, value_name = "SHARE", default_value_t = USUAL_LEVEL)]
    level: f64,
    /// Steps of a season, such as 24 for hours; `auto` finds it, 1 is none
    #[arg(long, value_name = "STEPS", default_value = "auto", value_parser = season)]
    season: SeasonOption,
    /// Also say when the series reaches this value from below: one JSON line at the end, in days from its last moment
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    threshold: Option<f64>,
    /// Say on stderr how the forecast was made, and how good it would have been before
    #[arg(long)]
    explain: bool,
}

fn season(text: &str) -> Result<SeasonOption, String> {
    match text {
        "auto" => Ok(SeasonOption::Auto),
        _ => text.parse().map(SeasonOption::Steps).map_err(|_| "write auto or a number of steps".to_owned()),
    }
}

/// Prints `timestamp,mean,lower,upper`, a row for each step after the last of the file.
pub(super) fn run(options: &ForecastOptions) -> anyhow::Result<ExitCode> {
    let cannot = || format!("{} cannot be forecast", options.file.display());
    let rows = series_file::read(input::open(&options.file)?).with_context(cannot)?;
    series_file::check(&rows).with_context(cannot)?;
    series_file::remarks(&rows).iter().for_each(|remark| terminal::remark(remark));
    let series = Series::of(&rows).with_context(cannot)?;
    let asked = Options { level: options.level, season: options.season, ..Options::new(options.horizon) };
    let made = forecast(&series.grid.values, series.grid.step_s * 1_000_000, &asked).with_context(cannot)?;
    let reach = options.threshold.map(|threshold| series.reach(threshold, options.level)).transpose().with_context(cannot)?;
    terminal::print(&series.written(&made))?;
    if let Some(reach) = &reach {
        terminal::print(&format!("{}\n", reach.line))?;
        if options.explain {
            reach.why.iter().for_each(|sentence| terminal::remark(sentence));
        }
    }
    if options.explain {
        made.why.iter().for_each(|sentence| terminal::remark(sentence));
    }
    Ok(ExitCode::SUCCESS)
}

/// When a threshold is reached.
#[derive(Debug)]
struct Reach {
    /// The line that says so.
    line: Value,
    /// How it was found out, in sentences.
    why: Vec<String>,
}

/// A file as a regular series; of two rows that fall into one step the later one counts.
#[derive(Debug)]
struct Series {
    grid: Grid,
    form: Form,
}

/// How the file writes its moments, and so the answer too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Unix time in seconds.
    Number,
    /// `2026-11-22 08:00:00`, in UTC.
    Local,
    /// RFC 3339 in UTC.
    Zoned,
}

impl Series {
    fn of(rows: &[Row]) -> Result<Self, ForecastError> {
        let grid = Grid::of(rows.iter().map(|row| (row.timestamp_s, row.value)).collect())?;
        let form = match rows.last().map_or("", |row| row.timestamp.as_str()) {
            text if text.parse::<f64>().is_ok() => Form::Number,
            text if text.parse::<Timestamp>().is_ok() => Form::Zoned,
            _ => Form::Local,
        };
        Ok(Self { grid, form })
    }

    /// When a threshold is reached. Of steps shorter than a day the largest of each day counts; longer ones are taken as they are. Of too
    /// few days nothing is said, and the line has a `note` with the reason: the forecast by steps stands for itself.
    fn reach(&self, threshold: f64, level: f64) -> Result<Reach, ForecastError> {
        let asked = ThresholdOptions { level, ..ThresholdOptions::new(threshold) };
        let days_a_step = self.grid.days_a_value();
        let (reached, note) = match time_to_threshold(&self.grid.days(), &asked) {
            Ok(reached) => (Some(reached), None),
            Err(error @ ForecastError::BadOption { .. }) => return Err(error),
            Err(error) => (None, Some(format!("the time to a threshold goes by days: {error}"))),
        };
        let on = |quantile: fn(&TimeToThreshold) -> Option<f64>| reached.as_ref().and_then(quantile).map(|steps| steps * days_a_step);
        let mut line = json!({
            "threshold": threshold, "level": level, "lower_days": on(|it| it.lower), "median_days": on(|it| it.median),
            "upper_days": on(|it| it.upper), "chance": reached.as_ref().map(|it| it.chance), "within_days": asked.days as f64 * days_a_step,
        });
        if let Some(note) = note {
            line["note"] = note.into();
        }
        Ok(Reach { line, why: reached.map_or_else(Vec::new, |it| it.why) })
    }

    fn written(&self, made: &Forecast) -> String {
        let mut shown = "timestamp,mean,lower,upper\n".to_owned();
        for (step, ((mean, lower), upper)) in (1..).zip(made.mean.iter().zip(&made.lower).zip(&made.upper)) {
            shown.push_str(&format!("{},{mean},{lower},{upper}\n", self.moment(step)));
        }
        shown
    }

    /// The moment so many steps after the last, as the file would write it.
    fn moment(&self, step: i64) -> String {
        let at_s = self.grid.last_s.saturating_add(step.saturating_mul(self.grid.step_s));
        match (self.form, Timestamp::from_second(at_s)) {
            (Form::Zoned, Ok(at)) => at.to_string(),
            (Form::Local, Ok(at)) => at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string(),
            _ => at_s.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(text: &str) -> Result<Series, ForecastError> {
        Series::of(&series_file::read(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_answer_writes_moments_as_the_file_does() {
        assert_eq!(series("timestamp,value\n1795334400,1\n1795338000,2\n").unwrap().moment(2), "1795345200");
        let local = series("timestamp,value\n2026-11-22 08:00:00,1\n2026-11-22 09:00:00,2\n").unwrap();
        assert_eq!(local.moment(1), "2026-11-22 10:00:00");
        let zoned = series("timestamp,value\n2026-11-22T08:00:00+01:00,1\n2026-11-22T09:00:00+01:00,2\n").unwrap();
        assert_eq!(zoned.moment(1), "2026-11-22T09:00:00Z");
    }

    #[test]
    fn a_day_counts_by_its_largest_value_and_what_lies_beyond_a_year_is_null() {
        // 100 days of four values each, the largest of a day growing by 1 from 100 on.
        let rows: Vec<String> = (0..400).map(|at| format!("{},{}", at * 21_600, 100 + at / 4 - 10 * (at % 4 % 3))).collect();
        let read = series(&format!("timestamp,value\n{}\n", rows.join("\n"))).unwrap();
        let line = read.reach(229.0, 0.95).unwrap().line;
        let median = line["median_days"].as_f64().unwrap();
        assert!((25.0..=36.0).contains(&median), "thirty days: {line}");
        assert!(line["lower_days"].as_f64().unwrap() <= median && line["chance"].as_f64().unwrap() > 0.9, "{line}");
        assert_eq!(read.reach(1e9, 0.95).unwrap().line["median_days"], Value::Null);
    }
}
