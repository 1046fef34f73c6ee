//! Why a query did not end with its rows.

use datafusion::common::{DataFusionError, SchemaError};

/// The end of a query that failed. The text has three parts: what happened, the detail, what to do about it. It knows
/// no protocol; the front ends map [`QueryError::kind`] to theirs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The statement asks for something that this engine never does.
    #[error("The statement was refused: {detail}. {advice}.")]
    Refused {
        /// What was asked for.
        detail: String,
        /// What to do instead.
        advice: String,
    },
    /// The text is not SQL that the parser understands.
    #[error("The statement could not be read: {detail}. Correct the SQL at that place.")]
    Syntax {
        /// The parser's words, with line and column where it has them.
        detail: String,
    },
    /// A column that none of the tables in reach has.
    #[error("There is no column {name} here.{}{}", did_you_mean(suggestions), columns_in_reach(known))]
    UnknownColumn {
        /// The name as written.
        name: String,
        /// The nearest names, best first, at most three.
        suggestions: Vec<String>,
        /// The columns that can be named at that place, at most forty.
        known: Vec<String>,
    },
    /// A table that does not exist.
    #[error("There is no table {name}.{} SHOW TABLES lists all of them.", did_you_mean(suggestions))]
    UnknownTable {
        /// The name as written.
        name: String,
        /// The nearest names, best first, at most three.
        suggestions: Vec<String>,
    },
    /// The statement is SQL, but cannot be carried out as it stands: types that do not fit, unknown functions, missing
    /// parameters, values that cannot be computed.
    #[error("The statement cannot be carried out: {detail}. {advice}.")]
    Invalid {
        /// What does not fit.
        detail: String,
        /// What to do about it.
        advice: String,
    },
    /// The time ran out, in planning or in any part of the stream.
    #[error(
        "The query was ended after {limit_ms} ms, its time limit. Narrow it: a shorter span of \"timestamp\", fewer hosts, \
         fewer columns, or an aggregate instead of the rows."
    )]
    TimedOut {
        /// The limit that was reached.
        limit_ms: u64,
    },
    /// More rows than allowed.
    #[error("The result has more than {limit} rows, its limit. Add a LIMIT, aggregate, or ask for it truncated.")]
    TooManyRows {
        /// The limit that was passed.
        limit: u64,
    },
    /// More bytes than allowed.
    #[error("The result has more than {limit_bytes} bytes, its limit. Ask for fewer columns or rows, or for it truncated.")]
    TooLarge {
        /// The limit that was passed.
        limit_bytes: u64,
    },
    /// Sorting, grouping or joining needed more memory or spill space than there is for a query.
    #[error(
        "The query needs more memory than a query may take: {detail}. Group or sort by fewer or shorter values, filter first, \
         or read a shorter span of time."
    )]
    OutOfMemory {
        /// Which part of the plan asked, and for how much.
        detail: String,
    },
    /// All places are taken.
    #[error("The engine is busy: {limit} queries are running, and none ended within {waited_ms} ms. Try again in a few seconds.")]
    Busy {
        /// Queries that may run at the same time.
        limit: usize,
        /// How long this one waited.
        waited_ms: u64,
    },
    /// Something broke that the statement is not to blame for.
    #[error("The query failed inside: {detail}. If it happens again, report it with the statement and the server's log.")]
    Internal {
        /// What broke.
        detail: String,
    },
}

fn did_you_mean(suggestions: &[String]) -> String {
    match suggestions {
        [] => String::new(),
        names => format!(" Did you mean {}?", names.join(" or ")),
    }
}

fn columns_in_reach(known: &[String]) -> String {
    match known {
        [] => String::new(),
        names => format!(" Columns in reach: {}.", names.join(", ")),
    }
}

impl QueryError {
    /// A word for programs: `refused`, `syntax`, `unknown_column`, `unknown_table`, `invalid`, `timed_out`, `too_many_rows`,
    /// `too_large`, `out_of_memory`, `busy` or `internal`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::Syntax { .. } => "syntax",
            Self::UnknownColumn { .. } => "unknown_column",
            Self::UnknownTable { .. } => "unknown_table",
            Self::Invalid { .. } => "invalid",
            Self::TimedOut { .. } => "timed_out",
            Self::TooManyRows { .. } => "too_many_rows",
            Self::TooLarge { .. } => "too_large",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::Busy { .. } => "busy",
            Self::Internal { .. } => "internal",
        }
    }

    pub(super) fn refused(detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Refused { detail: detail.into(), advice: advice.into() }
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::Invalid { detail: detail.into(), advice: "Correct the statement; DESCRIBE and SHOW FUNCTIONS tell what there is".into() }
    }

    pub(super) fn internal(detail: impl Into<String>) -> Self {
        Self::Internal { detail: detail.into() }
    }
}

/// Carries a finished [`QueryError`] through DataFusion's error type.
impl From<QueryError> for DataFusionError {
    fn from(error: QueryError) -> Self {
        Self::External(Box::new(error))
    }
}

impl From<DataFusionError> for QueryError {
    fn from(error: DataFusionError) -> Self {
        if let Some(own) = own_error(&error) {
            return own;
        }
        match error.find_root() {
            DataFusionError::ResourcesExhausted(detail) => Self::OutOfMemory { detail: one_line(detail) },
            DataFusionError::SQL(parser, _) => Self::Syntax { detail: one_line(&parser.to_string()) },
            DataFusionError::SchemaError(schema, _) => from_schema_error(schema),
            DataFusionError::Plan(detail) => from_plan_error(detail),
            DataFusionError::NotImplemented(detail) | DataFusionError::Execution(detail) | DataFusionError::Configuration(detail) => {
                Self::invalid(one_line(detail))
            }
            // A pattern that does not parse, or that would compile to too much: the one error functions wrap.
            DataFusionError::External(error) if error.to_string().to_lowercase().contains("regex") => {
                Self::invalid(one_line(&error.to_string()))
            }
            DataFusionError::ArrowError(arrow, _) => Self::invalid(one_line(&arrow.to_string())),
            other => Self::internal(one_line(&other.to_string())),
        }
    }
}

/// The [`QueryError`] inside, if one of our own parts started this error.
fn own_error(error: &DataFusionError) -> Option<QueryError> {
    let mut current: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = current {
        if let Some(own) = error.downcast_ref::<QueryError>() {
            return Some(own.clone());
        }
        current = error.source();
    }
    None
}

fn from_schema_error(error: &SchemaError) -> QueryError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known: Vec<String> = valid_fields.iter().map(|column| column.name.clone()).collect();
            let suggestions = nearest(&field.name, &known);
            let known = known.into_iter().take(40).collect();
            QueryError::UnknownColumn { name: field.name.clone(), suggestions, known }
        }
        other => QueryError::invalid(one_line(&other.to_string())),
    }
}

fn from_plan_error(detail: &str) -> QueryError {
    // The planner has no type of its own for a table it does not find.
    let missing = detail.strip_prefix("table '").and_then(|rest| rest.split_once("' not found"));
    match missing {
        Some((name, _)) => {
            let name = name.strip_prefix("watchroom.public.").unwrap_or(name);
            QueryError::UnknownTable { name: name.to_owned(), suggestions: Vec::new() }
        }
        None => QueryError::invalid(one_line(detail)),
    }
}

/// Messages of the planner end in hints and plans on further lines; the first lines carry the reason. The trailing full
/// stop goes, because the sentence around it brings its own.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    let flat: String = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    let flat: String = flat.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let cut = match flat.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &flat[..at]),
        None => flat,
    };
    cut.trim_end_matches('.').to_owned()
}

/// At most three of `known` that are close to `name`: by case, by containment, or by a few letters.
pub(super) fn nearest(name: &str, known: &[String]) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut scored: Vec<(usize, &String)> = known
        .iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let contained = wanted.len() >= 3 && (lower.contains(&wanted) || wanted.contains(&lower)) && lower.len() >= 3;
            let distance = datafusion::common::utils::datafusion_strsim::levenshtein(&wanted, &lower);
            let close = distance <= (wanted.chars().count() / 3).max(1);
            (contained || close).then_some((distance, candidate))
        })
        .collect();
    scored.sort();
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(3).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_best_first() {
        let known: Vec<String> = ["timestamp", "host", "message", "received_at"].map(str::to_owned).to_vec();
        assert_eq!(nearest("mesage", &known), ["message"]);
        assert_eq!(nearest("HOST", &known), ["host"]);
        assert_eq!(nearest("hostname", &known), ["host"]);
        assert!(nearest("zzz", &known).is_empty());
    }

    #[test]
    fn our_own_error_survives_the_way_through_the_engine() {
        let own = QueryError::refused("a thing", "Do another");
        let wrapped = DataFusionError::from(own.clone()).context("while planning");
        assert_eq!(QueryError::from(wrapped), own);
    }

    #[test]
    fn messages_have_what_happened_the_detail_and_what_to_do() {
        let text = QueryError::from_plan("table 'watchroom.public.log' not found").to_string();
        assert_eq!(text, "There is no table log. SHOW TABLES lists all of them.");
    }

    impl QueryError {
        fn from_plan(detail: &str) -> Self {
            DataFusionError::Plan(detail.to_owned()).into()
        }
    }
}
