//! A capacity question, read from its file: which resources there are, how much of each is used, and what its limit is.

use super::headroom::Headroom;
use crate::sql_file::{Header, SqlFileError, check_statement, columns_of, file_name, statements};

const KEYS: [&str; 13] = [
    "name",
    "description",
    "kind",
    "entity",
    "used",
    "limit",
    "fixed_limit",
    "unit",
    "headroom",
    "basis",
    "lead_days",
    "horizon_days",
    "runbook",
];

/// Longest time that a header may ask for.
const MOST_DAYS: u32 = 730;

/// The parameters of a question: the days that it is asked about, end not included.
pub const PARAMETERS: [&str; 2] = ["window_start", "window_end"];

/// Names of the day's columns, which no column of a question may have.
const RESERVED: [&str; 10] = ["window_start", "window_end", "day", "question", "resource", "p50", "p95", "busy_hour", "samples", "max"];

/// Separates the query from the one that lists what uses most of a resource.
const CONSUMERS_MARK: &str = "-- consumers:";

/// The value of a day that is forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The last of the day: what fills up.
    Last,
    /// The largest of the day: what must never be reached.
    Max,
    /// What only a twentieth of the day's values exceed.
    P95,
    /// The 95th percentile of the day's busiest hour: what is used more and less by the hour.
    BusyHour,
}

impl Basis {
    /// The column of `capacity_days`.
    pub fn column(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Max => "max",
            Self::P95 => "p95",
            Self::BusyHour => "busy_hour",
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let known = [Self::Last, Self::Max, Self::P95, Self::BusyHour];
        let found = known.into_iter().find(|basis| basis.column() == text);
        found.ok_or_else(|| format!("`{text}` is no value of a day; write last, max, p95 or busy_hour"))
    }
}

/// A question about resources of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct CapacityQuestion {
    /// Its name: the file's.
    pub name: String,
    /// What it asks, for people.
    pub description: String,
    /// The kind of resource, such as `filesystem`: what offers and budgets are for.
    pub kind: String,
    /// The columns that say which resource a row is about.
    pub entity: Vec<String>,
    /// The column with how much is used.
    pub used: String,
    /// The column with the limit; `None` where it comes from the header, an asset or the policy.
    pub limit: Option<String>,
    /// The limit where nothing else says one.
    pub fixed_limit: Option<f64>,
    /// What used and limit are counted in: `bytes`, `ratio`, `seconds`, `connections`, ...
    pub unit: String,
    /// How much of the limit is to stay free.
    pub headroom: Headroom,
    /// Which value of a day counts.
    pub basis: Basis,
    /// Days from deciding to having it where nobody delivers anything; otherwise the purchase policy says.
    pub lead_days: Option<u32>,
    /// Days ahead from which it matters that something runs out, where the purchase policy's are too many.
    pub horizon_days: Option<u32>,
    /// What can be done about it besides buying, in Markdown.
    pub runbook: String,
    /// The query: rows of `timestamp`, entity, used, limit, at any step.
    pub sql: String,
    /// Lists what uses most of a resource: rows of `name` and `amount`; takes the entity columns as further parameters.
    pub consumers_sql: Option<String>,
}

impl CapacityQuestion {
    /// Reads a file. `file` is its name as errors are to show it; `text` holds
    ///
    /// ```sql
    /// -- name: filesystem_space
    /// -- description: Space in use on each file system.
    /// -- kind: filesystem
    /// -- entity: host, mountpoint
    /// -- used: used_bytes
    /// -- limit: size_bytes
    /// -- unit: bytes
    /// -- headroom: 10%
    /// -- basis: last
    ///
    /// SELECT timestamp, host, mountpoint, used_bytes, size_bytes FROM ...
    /// WHERE timestamp >= $window_start AND timestamp < $window_end
    /// ```
    ///
    /// # Errors
    /// What is wrong, with its line and what to write instead.
    pub fn parse(file: &str, text: &str) -> Result<Self, SqlFileError> {
        let header = Header::parse(file, text, &KEYS)?;
        let name = file_name(&header, file, "question")?;
        let entity = columns_of(&header, "entity", "host, mountpoint", &RESERVED)?;
        let (sql, [consumers]) = statements(&header, [CONSUMERS_MARK])?;
        check_statement(&header, &sql, &PARAMETERS)?;
        let allowed: Vec<&str> = PARAMETERS.into_iter().chain(entity.iter().map(String::as_str)).collect();
        consumers.iter().try_for_each(|consumers| check_statement(&header, consumers, &allowed))?;
        let one_column = |key: &str, example: &str| {
            let columns = columns_of(&header, key, example, &RESERVED)?;
            let entry = header.required(key, example)?;
            <[String; 1]>::try_from(columns).map(|[column]| column).map_err(|_| header.wrong(entry, "name one column"))
        };
        let word = |key: &str, example: &str| {
            let entry = header.required(key, example)?;
            let fits = (1..=40).contains(&entry.value.len()) && entry.value.chars().all(|c| c.is_ascii_alphanumeric() || "_/%".contains(c));
            if fits { Ok(entry.value.clone()) } else { Err(header.wrong(entry, format!("write one word such as `{example}`"))) }
        };
        let headroom = header.required("headroom", "10%")?;
        let basis = header.required("basis", "last")?;
        let fixed_limit = match header.optional("fixed_limit") {
            None => None,
            Some(entry) => match entry.value.parse::<f64>() {
                Ok(limit) if limit.is_finite() && limit > 0.0 => Some(limit),
                _ => return Err(header.wrong(entry, format!("`{}` is no limit; write a number above 0", entry.value))),
            },
        };
        let days = |key: &str, least: u32| match header.optional(key).map(|entry| (entry, entry.value.parse::<u32>())) {
            None => Ok(None),
            Some((_, Ok(days))) if (least..=MOST_DAYS).contains(&days) => Ok(Some(days)),
            Some((entry, _)) => Err(header.wrong(entry, format!("write days, {least} to {MOST_DAYS}"))),
        };
        let question = Self {
            name,
            description: header.required("description", "What it asks, in a sentence.")?.value.clone(),
            kind: word("kind", "filesystem")?,
            used: one_column("used", "used_bytes")?,
            limit: header.optional("limit").map(|_| one_column("limit", "size_bytes")).transpose()?,
            fixed_limit,
            unit: word("unit", "bytes")?,
            headroom: Headroom::parse(&headroom.value).map_err(|why| header.wrong(headroom, why))?,
            basis: Basis::parse(&basis.value).map_err(|why| header.wrong(basis, why))?,
            lead_days: days("lead_days", 0)?,
            horizon_days: days("horizon_days", 1)?,
            runbook: header.optional("runbook").map_or_else(String::new, |entry| entry.value.clone()),
            sql: sql.text.to_owned(),
            consumers_sql: consumers.map(|consumers| consumers.text.to_owned()),
            entity,
        };
        Ok(question)
    }

    /// Days looked ahead where so many are planned for.
    pub fn horizon_within(&self, planned_days: u32) -> u32 {
        self.horizon_days.map_or(planned_days, |days| days.min(planned_days))
    }

    /// The statement that makes a row a day and resource out of the question's rows: `day`, the entity, `p50`, `p95`, `max`,
    /// `last`, `busy_hour` (null where it does not count), `limit_value`, `servers` (null without a knee) and `samples`.
    ///
    /// It is what a person runs to see where a figure of a report comes from.
    pub fn day_sql(&self) -> String {
        let (entity, used) = (self.entity.join(", "), &self.used);
        let newest = |column: Option<&String>, kind: &str| match column {
            Some(column) => format!("last_value({column} ORDER BY timestamp) FILTER (WHERE {column} IS NOT NULL)"),
            None => format!("CAST(NULL AS {kind})"),
        };
        let limit = newest(self.limit.as_ref(), "DOUBLE");
        let servers = newest(self.headroom.servers(), "DOUBLE");
        let days = format!(
            "SELECT date_bin(INTERVAL '1 day', timestamp) AS day, {entity}, \
             approx_percentile_cont(0.5) WITHIN GROUP (ORDER BY {used}) AS p50, \
             approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY {used}) AS p95, max({used}) AS max, \
             last_value({used} ORDER BY timestamp) AS last, {limit} AS limit_value, {servers} AS servers, count(*) AS samples \
             FROM rows_of_question WHERE {used} IS NOT NULL AND timestamp >= $window_start GROUP BY day, {entity}"
        );
        let question = format!("WITH rows_of_question AS (\n{}\n)", self.sql);
        if self.basis != Basis::BusyHour {
            return format!("{question}\nSELECT *, CAST(NULL AS DOUBLE) AS busy_hour FROM ({days}) AS days ORDER BY {entity}, day");
        }
        let same: Vec<String> =
            self.entity.iter().map(|column| format!("(days.{column} IS NOT DISTINCT FROM busy.busy_{column})")).collect();
        let busy_entity: Vec<String> = self.entity.iter().map(|column| format!("{column} AS busy_{column}")).collect();
        let renamed = busy_entity.join(", ");
        format!(
            "{question},\nhours AS (SELECT date_bin(INTERVAL '1 hour', timestamp) AS hour, {entity}, \
             approx_percentile_cont(0.95) WITHIN GROUP (ORDER BY {used}) AS p95 \
             FROM rows_of_question WHERE {used} IS NOT NULL AND timestamp >= $window_start GROUP BY hour, {entity}),\n\
             busy AS (SELECT date_bin(INTERVAL '1 day', hour) AS busy_day, {renamed}, max(p95) AS busy_hour FROM hours GROUP BY busy_day, {entity})\n\
             SELECT days.*, busy.busy_hour FROM ({days}) AS days JOIN busy ON days.day = busy.busy_day AND {} ORDER BY {entity}, day",
            same.join(" AND ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
-- name: filesystem_space
-- description: Space in use on each file system.
-- kind: filesystem
-- entity: host, mountpoint
-- used: used_bytes
-- limit: size_bytes
-- unit: bytes
-- headroom: 10%
-- basis: last

SELECT timestamp, host, mountpoint, used_bytes, size_bytes FROM metrics
WHERE timestamp >= $window_start AND timestamp < $window_end

-- consumers:
SELECT 'dumps' AS name, 1 AS amount FROM logs WHERE host = $host AND timestamp < $window_end
";

    #[test]
    fn a_file_is_read_whole() {
        let question = CapacityQuestion::parse("queries/capacity/filesystem_space.sql", GOOD).unwrap();
        assert_eq!((question.entity.len(), question.basis, question.limit.as_deref()), (2, Basis::Last, Some("size_bytes")));
        assert!(question.sql.starts_with("SELECT timestamp") && question.consumers_sql.unwrap().contains("$host"));
    }

    #[test]
    fn slips_are_told_with_their_line_and_what_to_write() {
        let says = |from: &str, to: &str, wanted: &str| {
            let error = CapacityQuestion::parse("filesystem_space.sql", &GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        };
        says("headroom: 10%", "headroom: plenty", "line 8: `headroom`: `plenty` is no headroom");
        says("basis: last", "basis: mean", "line 9: `basis`: `mean` is no value of a day");
        says("used: used_bytes", "used: used_bytes, more", "name one column");
        says("used: used_bytes", "used: p95", "is a parameter's name");
        says("-- kind: filesystem\n", "", "the header has no `kind`");
        says("unit: bytes", "unit: many bytes", "write one word such as `bytes`");
        says("$window_end\n\n", "$window\n\n", "there is no parameter `$window`");
        says("limit: size_bytes", "fixed_limit: -1", "is no limit; write a number above 0");
        says("basis: last", "basis: last\n-- lead_days: -1", "line 10: `lead_days`: write days, 0 to 730");
        says("basis: last", "basis: last\n-- horizon_days: 0", "write days, 1 to 730");
    }
}
