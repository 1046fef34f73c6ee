//! A detection rule, read from its file.

use super::window::PARAMETERS;
use super::{Schedule, Sensitivity, TitleTemplate, Window};
use crate::clock::{DAY_US, SECOND_US, TimestampUs};
use crate::document::duration_us;
use crate::sql_file::{Header, SqlFileError, check_statement, columns_of, file_name, statements};
use crate::store::FindingSeverity;

const KEYS: [&str; 15] = [
    "name",
    "description",
    "schedule",
    "lookback",
    "learn",
    "delay",
    "late",
    "holds",
    "resolves",
    "severity",
    "entity",
    "title",
    "runbook",
    "sensitivity",
    "owner",
];

/// How long after its end a bin is judged if the rule says nothing: parsing and the slowest senders need a moment.
const DEFAULT_DELAY_US: i64 = 30 * SECOND_US;

/// How long a bin is judged again with every run if the rule says nothing, for lines that come later than the delay.
const DEFAULT_LATE_US: i64 = 5 * 60 * SECOND_US;

/// Longest stretch that one run judges while there is a past to catch up with: what a query over it holds in memory stays
/// bounded, and rules catch up side by side.
const LONGEST_WINDOW_US: i64 = DAY_US;

/// Separates the query from the one that fetches sample lines.
const EVIDENCE_MARK: &str = "-- evidence:";

/// Separates what is before it from the query that tells whether a finding's trouble is over. It comes last.
const OVER_MARK: &str = "-- over:";

/// The parameter with the score from which on a rule with a sensitivity alarms.
pub const THRESHOLD: &str = "threshold";

/// A rule: what to ask, when, and what a row of the answer means.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name; the file's name without `.sql`.
    pub name: String,
    /// What it watches, in a sentence or two.
    pub description: String,
    /// The borders of its bins. Each row of the answer is about one bin.
    pub schedule: Schedule,
    /// How far back before the judged bins the query reads, µs.
    pub lookback_us: i64,
    /// How much of the past a rule with detectors sees before it speaks for the first time, µs; 0 without detectors.
    pub learn_us: i64,
    /// How long after its end a bin is judged, µs.
    pub delay_us: i64,
    /// For how long after that it is judged again with every run, for data that comes late, µs.
    pub late_us: i64,
    /// How long what it found is taken to go on after its bin, µs: for rules that speak once of something that lasts.
    pub holds_us: i64,
    /// Whether its ticket is resolved only by a person: its findings stop when what is wrong has not.
    pub resolved_by_hand: bool,
    /// How bad a finding is.
    pub severity: FindingSeverity,
    /// The columns that say what a finding is about; with the name they are its identity.
    pub entity: Vec<String>,
    /// One line for people.
    pub title: TitleTemplate,
    /// What to look at first and what to do, in Markdown.
    pub runbook: String,
    /// How often a series may alarm for nothing, for rules with detectors: gives `$threshold`.
    pub sensitivity: Option<Sensitivity>,
    /// The team that owns what it finds; empty where the desk decides.
    pub owner: String,
    /// The query. Each row of its answer is a finding.
    pub sql: String,
    /// Fetches the lines that a finding rests on; takes the entity columns as further parameters, as text.
    pub evidence_sql: Option<String>,
    /// Answers a row if what was found is over; its window goes from the end of the finding's bin to the moment that is asked
    /// about, and it knows the entity columns. Asked when a maintenance window ends, of what it held back.
    pub over_sql: Option<String>,
}

impl Rule {
    /// Reads a rule file. `file` is its name as errors are to show it; `text` holds
    ///
    /// ```sql
    /// -- name: disk_errors
    /// -- description: The kernel reports that a disk cannot read or write.
    /// -- schedule: every 5m
    /// -- severity: critical
    /// -- entity: host
    /// -- title: {value} disk errors on {host}
    /// -- runbook: Look at `smartctl -a`, then replace the disk.
    ///
    /// SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, count(*) AS value FROM logs
    /// WHERE timestamp >= $window_start AND timestamp < $window_end AND message LIKE '%I/O error%'
    /// GROUP BY 1, host
    ///
    /// -- evidence:
    /// SELECT timestamp, message FROM logs
    /// WHERE timestamp >= $window_start AND timestamp < $window_end AND host = $host LIMIT 20
    /// ```
    ///
    /// The keys `lookback`, `learn`, `sensitivity`, `holds`, `resolves`, `delay` (default `30s`), `late` (default `5m`) and `owner` may be missing, unknown ones
    /// are errors, and so may the part from `-- evidence:` on and the one from `-- over:` on. A value goes on over lines that begin with `--` and three
    /// spaces.
    pub fn parse(file: &str, text: &str) -> Result<Self, SqlFileError> {
        let header = Header::parse(file, text, &KEYS)?;
        let name = file_name(&header, file, "rule")?;
        let schedule = header.required("schedule", "every 5m")?;
        let severity = header.required("severity", "high")?;
        let title = header.required("title", "{value} errors on {host}")?;
        let entity = columns_of(&header, "entity", "host, app", &PARAMETERS)?;
        let duration = |key: &str, default_us: i64| match header.optional(key) {
            Some(entry) => duration_us(&entry.value).map_err(|why| header.wrong(entry, why)),
            None => Ok(default_us),
        };
        let resolved_by_hand = match header.optional("resolves") {
            None => false,
            Some(entry) => match entry.value.as_str() {
                "by hand" => true,
                "by itself" => false,
                other => return Err(header.wrong(entry, format!("`{other}` is neither; write `by hand` or `by itself`"))),
            },
        };
        let (sql, [evidence, over]) = statements(&header, [EVIDENCE_MARK, OVER_MARK])?;
        let sensitivity = header.optional("sensitivity");
        let sensitivity = sensitivity.map(|entry| Sensitivity::parse(&entry.value).map_err(|why| header.wrong(entry, why))).transpose()?;
        let threshold = sensitivity.map(|_| THRESHOLD);
        check_statement(&header, &sql, &PARAMETERS.into_iter().chain(threshold).collect::<Vec<_>>())?;
        let allowed: Vec<_> = PARAMETERS.into_iter().chain(entity.iter().map(String::as_str)).collect();
        for query in [&evidence, &over].into_iter().flatten() {
            check_statement(&header, query, &allowed)?;
        }
        Ok(Self {
            name,
            description: header.required("description", "What the rule watches, in a sentence.")?.value.clone(),
            schedule: Schedule::parse(&schedule.value).map_err(|why| header.wrong(schedule, why))?,
            lookback_us: duration("lookback", 0)?,
            learn_us: duration("learn", 0)?,
            delay_us: duration("delay", DEFAULT_DELAY_US)?,
            late_us: duration("late", DEFAULT_LATE_US)?.min(LONGEST_WINDOW_US / 2),
            holds_us: duration("holds", 0)?,
            resolved_by_hand,
            severity: severity.value.parse().map_err(|why: String| header.wrong(severity, why))?,
            entity,
            title: TitleTemplate::parse(&title.value).map_err(|why| header.wrong(title, why))?,
            runbook: header.required("runbook", "What to look at first.")?.value.clone(),
            sensitivity,
            owner: header.optional("owner").map_or_else(String::new, |entry| entry.value.clone()),
            sql: sql.text.to_owned(),
            evidence_sql: evidence.map(|evidence| evidence.text.to_owned()),
            over_sql: over.map(|over| over.text.to_owned()),
        })
    }

    /// What the next run judges, or `None` if no new bin is over.
    ///
    /// `settled_us` is the moment up to which everything is judged for good (`None` before the first run), `judged_us` the
    /// end of the last run's window: between the two lie bins that late data may still change, and each run reads them
    /// again. A rule that never ran begins with the latest bin; one that is behind goes on a day at a time.
    pub fn next_window(&self, settled_us: Option<TimestampUs>, judged_us: Option<TimestampUs>, now_us: TimestampUs) -> Option<Window> {
        let newest_us = self.schedule.latest(now_us - self.delay_us);
        let seen_us = judged_us.max(settled_us);
        if newest_us == TimestampUs::MIN || seen_us.is_some_and(|seen_us| newest_us <= seen_us) {
            return None;
        }
        // Where the schedule was changed, what is settled may lie within a bin: that bin is judged whole.
        let start_us = self.schedule.latest(settled_us.unwrap_or(newest_us - 1));
        Some(self.window(start_us, newest_us.min(self.longest_end_us(start_us))))
    }

    /// The same window, ending no later than `end_us`; `None` if no whole bin is left of it.
    pub fn cut(&self, window: &Window, end_us: TimestampUs) -> Option<Window> {
        let end_us = self.schedule.latest(end_us).min(window.end_us);
        (end_us > window.start_us).then(|| self.window(window.start_us, end_us))
    }

    /// The window from one border of the schedule to another.
    pub fn window(&self, start_us: TimestampUs, end_us: TimestampUs) -> Window {
        Window { read_start_us: start_us - self.lookback_us, start_us, end_us }
    }

    /// The last border that one run beginning at `start_us` may reach: at least one bin, at most a day.
    pub fn longest_end_us(&self, start_us: TimestampUs) -> TimestampUs {
        self.schedule.latest(start_us + LONGEST_WINDOW_US).max(self.schedule.next_after(start_us))
    }

    /// The moment up to which a good run over `window` settles things: bins younger than the allowed lateness are read
    /// again.
    pub fn settled_us(&self, window: &Window, now_us: TimestampUs) -> TimestampUs {
        let settled_us = self.schedule.latest(now_us - self.delay_us - self.late_us);
        settled_us.clamp(window.start_us, window.end_us)
    }

    /// The score from which on it alarms; `None` for a rule without detectors.
    pub fn threshold(&self) -> Option<f64> {
        let bin_us = self.schedule.next_after(0) - self.schedule.latest(0);
        self.sensitivity.map(|sensitivity| sensitivity.threshold(bin_us))
    }

    /// When [`Rule::next_window`] will next give a window.
    pub fn due_at_us(&self, judged_us: Option<TimestampUs>, now_us: TimestampUs) -> TimestampUs {
        self.schedule.next_due(judged_us, now_us - self.delay_us).saturating_add(self.delay_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_US: i64 = 60 * SECOND_US;

    const GOOD: &str = "\
-- name: disk_errors
-- description: The kernel reports that a disk cannot read or write.
-- schedule: every 5m
-- lookback: 10m
-- severity: critical
-- entity: host
-- title: {value} disk errors on {host}
-- runbook: Look at `smartctl -a`.

SELECT date_bin(INTERVAL '5 minutes', timestamp) AS timestamp, host, count(*) AS value
FROM logs
WHERE timestamp >= $window_start AND timestamp < $window_end
GROUP BY 1, host;

-- evidence:
SELECT message FROM logs
WHERE timestamp < $window_end AND host = $host LIMIT 20;
";

    fn refused(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from));
        Rule::parse("rules/disk_errors.sql", &GOOD.replacen(from, to, 1)).unwrap_err().to_string()
    }

    fn good() -> Rule {
        Rule::parse("rules/disk_errors.sql", GOOD).unwrap()
    }

    #[test]
    fn a_good_file_reads_whole() {
        let rule = good();
        assert_eq!((rule.name.as_str(), rule.lookback_us, rule.delay_us), ("disk_errors", 10 * MINUTE_US, 30 * SECOND_US));
        assert!(rule.sql.starts_with("SELECT date_bin(") && rule.sql.ends_with("GROUP BY 1, host"));
        assert!(rule.evidence_sql.unwrap().ends_with("LIMIT 20"));
        assert_eq!(rule.over_sql, None);
        let over = format!("{GOOD}\n-- over:\nSELECT 1 FROM logs WHERE host = $host AND timestamp < $window_end");
        let rule = Rule::parse("rules/disk_errors.sql", &over).unwrap();
        assert!(rule.evidence_sql.unwrap().ends_with("LIMIT 20") && rule.over_sql.unwrap().starts_with("SELECT 1 FROM"));
    }

    #[test]
    fn what_is_wrong_is_said_with_line_key_and_advice() {
        let says = |from, to, what: &str| {
            let error = refused(from, to);
            assert!(error.starts_with("rules/disk_errors.sql, line ") && error.contains(what), "{error}");
        };
        says("every 5m", "each 5m", "line 3: `schedule`: `each 5m` is no schedule; write `every 5m`");
        says("lookback: 10m", "lookback: ten", "line 4: `lookback`: `ten` is no duration");
        says("critical", "urgent", "line 5: `severity`: `urgent` is no severity; write one of critical");
        says("entity: host", "entity: host; app", "line 6: `entity`: `host; app` is no column");
        says("{host}", "{host", "line 7: `title`:");
        says("-- runbook: Look", "-- todo: Look", "line 8: there is no key `todo`");
        says("name: disk_errors", "name: other", "line 1: `name`: the file is called `disk_errors`");
        says("-- severity: critical\n", "", "the header has no `severity`; add a line such as `-- severity: high`");
        says("$window_start", "$window_begin", "line 12: there is no parameter `$window_begin`; use $read_start, $window_start");
        says("$window_start", "now() - INTERVAL '5 minutes'", "line 12: `now` reads the present time");
        says("$window_start", "CURRENT_TIMESTAMP", "use $window_end");
        says("= $host", "= $app", "line 17: there is no parameter `$app`; use $read_start, $window_start, $window_end, $host");
        says("-- evidence:", "-- over:\nSELECT 1 WHERE $window_end > 0\n-- evidence:", "line 15: the part `-- over:` comes too early");
        says("LIMIT 20;", "LIMIT 20;\n-- over:\n;", "line 19: the over is empty");
        says("AND timestamp < $window_end\n", "\n", "line 10: the query does not use $window_end");
    }

    #[test]
    fn a_bin_is_judged_after_the_delay_and_again_while_late_data_may_come() {
        let rule = good();
        let first = rule.next_window(None, None, 1_002 * MINUTE_US).unwrap();
        assert_eq!((first.start_us, first.end_us, first.read_start_us), (995 * MINUTE_US, 1_000 * MINUTE_US, 985 * MINUTE_US));
        let settled = rule.settled_us(&first, 1_002 * MINUTE_US);
        assert_eq!(settled, 995 * MINUTE_US, "five minutes have not passed since its end");
        assert_eq!(rule.next_window(Some(settled), Some(first.end_us), 1_005 * MINUTE_US), None, "the delay is not over");
        assert_eq!(rule.due_at_us(Some(first.end_us), 1_005 * MINUTE_US), 1_005 * MINUTE_US + rule.delay_us);
        let now_us = 1_005 * MINUTE_US + rule.delay_us;
        let next = rule.next_window(Some(settled), Some(first.end_us), now_us).unwrap();
        assert_eq!((next.start_us, next.end_us), (995 * MINUTE_US, 1_005 * MINUTE_US), "the bin before is read again");
        assert_eq!(rule.settled_us(&next, now_us), 1_000 * MINUTE_US);
    }

    #[test]
    fn a_past_is_caught_up_with_a_day_at_a_time_and_no_bin_is_left_out() {
        let rule = good();
        let (start_us, now_us) = (20_000 * MINUTE_US, 24_001 * MINUTE_US);
        let (mut settled_us, mut judged_us, mut ends) = (start_us, None, Vec::new());
        while let Some(window) = rule.next_window(Some(settled_us), judged_us, now_us) {
            assert_eq!(window.start_us, settled_us);
            settled_us = rule.settled_us(&window, now_us);
            judged_us = Some(window.end_us);
            ends.push(window.end_us / MINUTE_US);
        }
        assert_eq!(ends, [21_440, 22_880, 24_000]);
        assert_eq!(settled_us / MINUTE_US, 23_995);
    }

    #[test]
    fn after_a_change_of_the_schedule_the_bins_are_whole() {
        let hourly = Rule { schedule: Schedule::parse("every 1h").unwrap(), ..good() };
        let window = hourly.next_window(Some(995 * MINUTE_US), None, 1_025 * MINUTE_US).unwrap();
        assert_eq!((window.start_us, window.end_us), (960 * MINUTE_US, 1_020 * MINUTE_US));
    }

    #[test]
    fn a_window_is_cut_at_the_borders_of_bins() {
        let rule = good();
        let window = rule.window(1_000 * MINUTE_US, 1_020 * MINUTE_US);
        assert_eq!(rule.cut(&window, 1_014 * MINUTE_US).unwrap().end_us, 1_010 * MINUTE_US);
        assert_eq!(rule.cut(&window, 2_000 * MINUTE_US), Some(window));
        assert_eq!(rule.cut(&window, 1_004 * MINUTE_US), None);
    }
}
