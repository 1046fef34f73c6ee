//! A detection rule, read from its file.

use super::header::Header;
use super::sql_words::words;
use super::window::PARAMETERS;
use super::{RuleFileError, Schedule, TitleTemplate, Window, parse_duration_us};
use crate::clock::{HOUR_US, SECOND_US, TimestampUs};
use crate::store::FindingSeverity;

const KEYS: [&str; 10] = ["name", "description", "schedule", "window", "delay", "catch_up", "severity", "entity", "title", "what_to_do"];

/// How long after its end a window is judged if the rule says nothing: parsing and the slowest senders need a moment.
const DEFAULT_DELAY_US: i64 = 30 * SECOND_US;

/// A rule that is further behind than this catches up in steps of its `catch_up`.
const FAR_BEHIND_US: i64 = 2 * HOUR_US;

/// Separates the query from the one that fetches sample lines.
const EVIDENCE_MARK: &str = "-- evidence:";

/// Functions and words that read the present time.
const CLOCK_WORDS: [&str; 6] = ["now", "today", "current_timestamp", "current_date", "current_time", "localtimestamp"];

/// A rule: what to ask, when, and what a row of the answer means.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name; the file's name without `.sql`.
    pub name: String,
    /// What it watches, in a sentence or two.
    pub description: String,
    /// When its windows end.
    pub schedule: Schedule,
    /// Length of a window, µs.
    pub window_us: i64,
    /// How long after its end a window is judged, µs.
    pub delay_us: i64,
    /// Distance of the windows that are judged while the rule has hours to catch up with; at most the part of the window
    /// that it really judges. `None`: none are left out.
    pub catch_up_us: Option<i64>,
    /// How bad a finding is.
    pub severity: FindingSeverity,
    /// The columns that say what a finding is about; with the name they are its identity.
    pub entity: Vec<String>,
    /// One line for people.
    pub title: TitleTemplate,
    /// What to do, in Markdown.
    pub what_to_do: String,
    /// The query. Each row of its answer is a finding.
    pub sql: String,
    /// Fetches the lines that a finding rests on; takes the entity columns as further parameters, as text.
    pub evidence_sql: Option<String>,
}

impl Rule {
    /// Reads a rule file. `file` is its name as errors are to show it; `text` holds
    ///
    /// ```sql
    /// -- name: disk_errors
    /// -- description: The kernel reports that a disk cannot read or write.
    /// -- schedule: every 5m
    /// -- window: 10m
    /// -- severity: critical
    /// -- entity: host
    /// -- title: {value} disk errors on {host}
    /// -- what_to_do: Look at `smartctl -a`, then replace the disk.
    ///
    /// SELECT host, count(*) AS value FROM logs
    /// WHERE timestamp >= $window_start AND timestamp < $window_end AND message LIKE '%I/O error%'
    /// GROUP BY host
    ///
    /// -- evidence:
    /// SELECT timestamp, message FROM logs
    /// WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host LIMIT 20
    /// ```
    ///
    /// Every key but `delay` (default `30s`) and `catch_up` is needed, unknown ones are errors, and the part from
    /// `-- evidence:` on may be missing. A value goes on over lines that begin with `--` and three spaces.
    pub fn parse(file: &str, text: &str) -> Result<Self, RuleFileError> {
        let header = Header::parse(file, text, &KEYS)?;
        let name = rule_name(&header, file)?;
        let schedule = header.required("schedule", "every 5m")?;
        let window = header.required("window", "15m")?;
        let severity = header.required("severity", "high")?;
        let title = header.required("title", "{value} errors on {host}")?;
        let entity = entity_columns(&header)?;
        let delay_us = match header.optional("delay") {
            Some(delay) => parse_duration_us(&delay.value).map_err(|why| header.wrong(delay, why))?,
            None => DEFAULT_DELAY_US,
        };
        let catch_up = header.optional("catch_up");
        let catch_up_us = catch_up.map(|entry| parse_duration_us(&entry.value).map_err(|why| header.wrong(entry, why))).transpose()?;
        let (sql, evidence) = queries(&header)?;
        check(&header, &sql, &PARAMETERS)?;
        if let Some(evidence) = &evidence {
            let allowed: Vec<_> = PARAMETERS.into_iter().chain(entity.iter().map(String::as_str)).collect();
            check(&header, evidence, &allowed)?;
        }
        Ok(Self {
            name,
            description: header.required("description", "What the rule watches, in a sentence.")?.value.clone(),
            schedule: Schedule::parse(&schedule.value).map_err(|why| header.wrong(schedule, why))?,
            window_us: parse_duration_us(&window.value).map_err(|why| header.wrong(window, why))?,
            delay_us,
            catch_up_us,
            severity: severity.value.parse().map_err(|why: String| header.wrong(severity, why))?,
            entity,
            title: TitleTemplate::parse(&title.value).map_err(|why| header.wrong(title, why))?,
            what_to_do: header.required("what_to_do", "What to look at first.")?.value.clone(),
            sql: sql.text.to_owned(),
            evidence_sql: evidence.map(|evidence| evidence.text.to_owned()),
        })
    }

    /// The next window to judge after `watermark_us` (the end of the last one judged), or `None` if it is not over yet.
    ///
    /// Called again with the window's end until it gives `None`, it steps through whatever was missed; given a manual
    /// clock it steps through a past week. A rule that never ran begins with the latest window.
    pub fn next_window(&self, watermark_us: Option<TimestampUs>, now_us: TimestampUs) -> Option<Window> {
        let judged_until_us = now_us - self.delay_us;
        let mut end_us = self.schedule.next_due(watermark_us, judged_until_us);
        if let (Some(watermark_us), Some(step_us)) = (watermark_us, self.catch_up_us)
            && judged_until_us - watermark_us > FAR_BEHIND_US
        {
            end_us = end_us.max(self.schedule.latest(watermark_us + step_us));
        }
        if end_us > judged_until_us || end_us == TimestampUs::MIN {
            return None;
        }
        let start_us = end_us - self.window_us;
        Some(Window { start_us, end_us, watermark_us: watermark_us.unwrap_or(start_us) })
    }

    /// When [`Rule::next_window`] will next give a window.
    pub fn due_at_us(&self, watermark_us: Option<TimestampUs>, now_us: TimestampUs) -> TimestampUs {
        self.schedule.next_due(watermark_us, now_us - self.delay_us).saturating_add(self.delay_us)
    }
}

fn rule_name(header: &Header<'_>, file: &str) -> Result<String, RuleFileError> {
    let entry = header.required("name", "error_burst")?;
    let name = &entry.value;
    if name.len() > 64 || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return Err(header.wrong(entry, format!("`{name}` is no name; write at most 64 of a-z, 0-9 and _")));
    }
    let stem = file.rsplit(['/', '\\']).next().and_then(|last| last.strip_suffix(".sql")).unwrap_or(file);
    if stem != name {
        return Err(header.wrong(entry, format!("the file is called `{stem}` and the rule `{name}`; give both the same name")));
    }
    Ok(name.clone())
}

fn entity_columns(header: &Header<'_>) -> Result<Vec<String>, RuleFileError> {
    let entry = header.required("entity", "host, app")?;
    let columns: Vec<String> = entry.value.split(',').map(|column| column.trim().to_owned()).collect();
    if let Some(wrong) = columns.iter().find(|column| !is_column(column)) {
        return Err(header.wrong(entry, format!("`{wrong}` is no column; write names of the query's columns with commas between them")));
    }
    if let Some(taken) = columns.iter().find(|column| PARAMETERS.contains(&column.as_str())) {
        return Err(header.wrong(entry, format!("`{taken}` is a parameter's name; call the column otherwise")));
    }
    Ok(columns)
}

fn is_column(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// A query and the line of the file on which it begins.
struct Query<'a> {
    text: &'a str,
    line: usize,
}

fn queries<'a>(header: &Header<'a>) -> Result<(Query<'a>, Option<Query<'a>>), RuleFileError> {
    let body = header.body;
    let (sql, evidence) = match body.find(EVIDENCE_MARK) {
        Some(at) => (&body[..at], Some(&body[at + EVIDENCE_MARK.len()..])),
        None => (body, None),
    };
    let query = |text: &'a str, offset: usize| {
        let line = header.body_line + body[..offset].matches('\n').count();
        let trimmed = text.trim_start();
        let line = line + text[..text.len() - trimmed.len()].matches('\n').count();
        Query { text: trimmed.trim_end().trim_end_matches(';').trim_end(), line }
    };
    let sql = query(sql, 0);
    let evidence = evidence.map(|text| query(text, body.len() - text.len()));
    for (part, name) in [(Some(&sql), "query"), (evidence.as_ref(), "evidence")] {
        if let Some(part) = part.filter(|part| words(part.text).is_empty()) {
            return Err(header.error(part.line, format!("the {name} is empty; write a SELECT statement")));
        }
    }
    Ok((sql, evidence))
}

/// Checks that a query reads the time from its parameters, and from no others than `allowed`.
fn check(header: &Header<'_>, query: &Query<'_>, allowed: &[&str]) -> Result<(), RuleFileError> {
    let known = |names: &[&str]| names.iter().map(|name| format!("${name}")).collect::<Vec<_>>().join(", ");
    let mut uses_window = false;
    for word in words(query.text) {
        let line = query.line + word.line;
        if let Some(parameter) = word.text.strip_prefix('$') {
            if !allowed.contains(&parameter) {
                return Err(header.error(line, format!("there is no parameter `${parameter}`; use {}", known(allowed))));
            }
            uses_window |= parameter == "window_end";
        }
        let lower = word.text.to_ascii_lowercase();
        let is_clock =
            CLOCK_WORDS.contains(&lower.as_str()) && (word.is_call || lower.starts_with("current_") || lower == "localtimestamp");
        if is_clock {
            let what = format!("`{}` reads the present time, and the rule could not be run over last week; use $window_end", word.text);
            return Err(header.error(line, what));
        }
    }
    if uses_window {
        return Ok(());
    }
    Err(header
        .error(query.line, "the query does not use $window_end, so every run would judge the same rows; add `timestamp < $window_end`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_US: i64 = 60 * SECOND_US;

    const GOOD: &str = "\
-- name: disk_errors
-- description: The kernel reports that a disk cannot read or write.
-- schedule: every 5m
-- window: 10m
-- severity: critical
-- entity: host
-- title: {value} disk errors on {host}
-- what_to_do: Look at `smartctl -a`.

SELECT host, count(*) AS value
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end
GROUP BY host;

-- evidence:
SELECT message FROM logs
WHERE timestamp < $window_end AND host = $host LIMIT 20;
";

    fn refused(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from));
        Rule::parse("rules/disk_errors.sql", &GOOD.replacen(from, to, 1)).unwrap_err().to_string()
    }

    #[test]
    fn a_good_file_reads_whole() {
        let rule = Rule::parse("rules/disk_errors.sql", GOOD).unwrap();
        assert_eq!((rule.name.as_str(), rule.window_us, rule.delay_us), ("disk_errors", 10 * MINUTE_US, 30 * SECOND_US));
        assert!(rule.sql.starts_with("SELECT host, count(*)") && rule.sql.ends_with("GROUP BY host"));
        assert!(rule.evidence_sql.unwrap().ends_with("LIMIT 20"));
    }

    #[test]
    fn what_is_wrong_is_said_with_line_key_and_advice() {
        let says = |from, to, what: &str| {
            let error = refused(from, to);
            assert!(error.starts_with("rules/disk_errors.sql, line ") && error.contains(what), "{error}");
        };
        says("every 5m", "each 5m", "line 3: `schedule`: `each 5m` is no schedule; write `every 5m`");
        says("window: 10m", "window: ten", "line 4: `window`: `ten` is no duration");
        says("critical", "urgent", "line 5: `severity`: `urgent` is no severity; write one of critical");
        says("entity: host", "entity: host; app", "line 6: `entity`: `host; app` is no column");
        says("{host}", "{host", "line 7: `title`:");
        says("-- what_to_do: Look", "-- todo: Look", "line 8: there is no key `todo`");
        says("name: disk_errors", "name: other", "line 1: `name`: the file is called `disk_errors`");
        says("-- severity: critical\n", "", "the header has no `severity`; add a line such as `-- severity: high`");
        says("$window_start", "$window_begin", "line 12: there is no parameter `$window_begin`; use $window_start");
        says("$window_start", "now() - INTERVAL '5 minutes'", "line 12: `now` reads the present time");
        says("$window_start", "CURRENT_TIMESTAMP", "use $window_end");
        says("= $host", "= $app", "line 17: there is no parameter `$app`; use $window_start, $window_end, $watermark, $host");
        says("AND timestamp < $window_end\n", "\n", "line 10: the query does not use $window_end");
    }

    #[test]
    fn windows_end_on_the_grid_and_follow_each_other() {
        let rule = Rule::parse("disk_errors.sql", GOOD).unwrap();
        let first = rule.next_window(None, 1_002 * MINUTE_US).unwrap();
        assert_eq!((first.start_us, first.end_us, first.watermark_us), (990 * MINUTE_US, 1_000 * MINUTE_US, 990 * MINUTE_US));
        assert_eq!(rule.next_window(Some(first.end_us), 1_005 * MINUTE_US), None, "the delay is not over");
        assert_eq!(rule.due_at_us(Some(first.end_us), 1_005 * MINUTE_US), 1_005 * MINUTE_US + rule.delay_us);
        let next = rule.next_window(Some(first.end_us), 1_005 * MINUTE_US + rule.delay_us).unwrap();
        assert_eq!((next.end_us, next.watermark_us), (1_005 * MINUTE_US, first.end_us));
    }

    #[test]
    fn a_missed_hour_is_judged_window_by_window() {
        let rule = Rule::parse("disk_errors.sql", GOOD).unwrap();
        let (mut watermark, mut windows) = (Some(1_000 * MINUTE_US), 0);
        while let Some(window) = rule.next_window(watermark, 1_061 * MINUTE_US) {
            assert_eq!(window.watermark_us, watermark.unwrap());
            watermark = Some(window.end_us);
            windows += 1;
        }
        assert_eq!(windows, 12);
    }

    #[test]
    fn hours_of_absence_are_caught_up_with_in_larger_steps() {
        let text = GOOD.replacen("-- severity", "-- catch_up: 15m\n-- severity", 1);
        let rule = Rule::parse("rules/disk_errors.sql", &text).unwrap();
        let now_us = 1_000 * MINUTE_US + rule.delay_us;
        let (mut watermark_us, mut ends) = (Some(800 * MINUTE_US), Vec::new());
        while let Some(window) = rule.next_window(watermark_us, now_us) {
            watermark_us = Some(window.end_us);
            ends.push(window.end_us / MINUTE_US);
        }
        assert_eq!(ends[..6], [815, 830, 845, 860, 875, 890]);
        assert_eq!(ends[6..10], [895, 900, 905, 910], "two hours behind and nearer, none is left out");
        assert_eq!(ends.last(), Some(&1_000));
    }
}
