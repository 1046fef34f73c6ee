//! What is asked of the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::common::{ParamValues, ScalarValue};
use serde_json::Value;

use super::QueryError;
use crate::anomaly::SeriesStates;

/// A statement with everything that belongs to it.
#[derive(Debug, Clone, Default)]
pub struct QueryRequest {
    /// One statement of SQL; a trailing semicolon is allowed.
    pub sql: String,
    /// Values for the placeholders `$1`, `$2`, ... or `$name`.
    pub parameters: Parameters,
    /// Limits below the configured ones; larger values are cut to those.
    pub limits: LimitOverrides,
    /// Ends the result quietly at the row or byte limit instead of with an error; [`super::QueryRun::truncated`] tells.
    pub truncate: bool,
    /// The caller knows that few rows pass the filters: they are then evaluated while the files are decoded, which saves
    /// most of the decoding, and costs where many rows pass. See the measurement in `table_provider`.
    pub selective: bool,
    /// The states that detectors continue from; without, every series begins anew.
    pub states: Option<Arc<dyn SeriesStates>>,
    /// A question of this process, whose answer is read as a stream: rows and bytes of the result are not limited, and the time is
    /// [`Config::background_timeout_ms`](super::Config). Memory is limited as for others.
    pub background: bool,
    /// Reads a table (`logs`, `series`, `samples`) as it was at a Delta version, without rows still in memory.
    pub at_version: Option<BTreeMap<String, i64>>,
}

impl QueryRequest {
    /// A request with the configured limits and no parameters.
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), ..Self::default() }
    }
}

/// Limits of one request. Each is cut to the configured limit: a request can ask for less, not for more.
#[derive(Debug, Clone, Copy, Default)]
pub struct LimitOverrides {
    /// Milliseconds until the query is ended.
    pub timeout_ms: Option<u64>,
    /// Rows of the result.
    pub max_rows: Option<u64>,
    /// Bytes of the result's values.
    pub max_result_bytes: Option<u64>,
    /// Bytes of memory for sorting, grouping and joining.
    pub memory_bytes: Option<usize>,
}

/// Values for placeholders, as JSON: null, booleans, numbers and strings.
#[derive(Debug, Clone, Default)]
pub enum Parameters {
    /// The statement has no placeholders.
    #[default]
    None,
    /// Values of `$1`, `$2`, ...
    Positional(Vec<Value>),
    /// Values of `$name`.
    Named(BTreeMap<String, Value>),
    /// Values of `$name` with types that JSON does not have, such as timestamps: for callers in this process.
    Typed(BTreeMap<String, ScalarValue>),
}

impl Parameters {
    /// The values as the planner takes them; `None` when there are none.
    pub(super) fn to_values(&self, max_bytes: usize) -> Result<Option<ParamValues>, QueryError> {
        if self.bytes() > max_bytes {
            let detail = format!("its parameters are {} bytes long, {max_bytes} are allowed", self.bytes());
            return Err(QueryError::refused(detail, "Shorten them"));
        }
        match self {
            Self::None => Ok(None),
            Self::Positional(values) if values.is_empty() => Ok(None),
            Self::Named(values) if values.is_empty() => Ok(None),
            Self::Typed(values) if values.is_empty() => Ok(None),
            Self::Typed(values) => {
                Ok(Some(ParamValues::from(values.iter().map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>())))
            }
            Self::Positional(values) => {
                let scalars = values.iter().enumerate().map(|(at, value)| scalar(&(at + 1).to_string(), value));
                Ok(Some(ParamValues::from(scalars.collect::<Result<Vec<_>, _>>()?)))
            }
            Self::Named(values) => {
                let pairs = values.iter().map(|(name, value)| Ok((name.clone(), scalar(name, value)?)));
                Ok(Some(ParamValues::from(pairs.collect::<Result<Vec<_>, QueryError>>()?)))
            }
        }
    }
}

impl Parameters {
    /// Bytes of the strings among the values.
    fn bytes(&self) -> usize {
        let length = |value: &Value| value.as_str().map_or(0, str::len);
        match self {
            Self::None => 0,
            Self::Positional(values) => values.iter().map(length).sum(),
            Self::Named(values) => values.values().map(length).sum(),
            Self::Typed(values) => values.values().map(|value| value.try_as_str().flatten().map_or(0, str::len)).sum(),
        }
    }
}

fn scalar(name: &str, value: &Value) -> Result<ScalarValue, QueryError> {
    match value {
        Value::Null => Ok(ScalarValue::Null),
        Value::Bool(flag) => Ok(ScalarValue::Boolean(Some(*flag))),
        Value::String(text) => Ok(ScalarValue::Utf8(Some(text.clone()))),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Ok(ScalarValue::Int64(Some(integer))),
            (None, Some(float)) => Ok(ScalarValue::Float64(Some(float))),
            (None, None) => Err(bad_parameter(name, "a number that is neither a 64-bit integer nor a 64-bit float")),
        },
        Value::Array(_) => Err(bad_parameter(name, "an array")),
        Value::Object(_) => Err(bad_parameter(name, "an object")),
    }
}

fn bad_parameter(name: &str, what: &str) -> QueryError {
    QueryError::Invalid {
        detail: format!("the parameter ${name} is {what}"),
        advice: "give a string, a number, true, false or null".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_values_become_the_matching_sql_values() {
        let parameters = Parameters::Positional(vec![json!(7), json!(1.5), json!("x"), json!(null), json!(true)]);
        let values = parameters.to_values(100).unwrap().unwrap();
        let third = values.get_placeholders_with_values("$3").unwrap();
        assert_eq!(third.value, ScalarValue::from("x"));
        assert_eq!(values.get_placeholders_with_values("$4").unwrap().value, ScalarValue::Null);
    }

    #[test]
    fn an_array_is_refused_by_name() {
        let parameters = Parameters::Named(BTreeMap::from([("host".to_owned(), json!(["a"]))]));
        assert!(parameters.to_values(100).unwrap_err().to_string().contains("$host is an array"));
    }
}
