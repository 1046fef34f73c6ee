//! What a failed query is in HTTP.

use axum::http::StatusCode;

use super::ApiError;
use crate::query::{EncodeError, QueryError};

/// Maps the kind of failure to a status. The text already says what happened and what to do; the hint says where to look.
pub(super) fn query_error(error: QueryError) -> ApiError {
    let status = match &error {
        QueryError::Refused { .. } => StatusCode::FORBIDDEN,
        QueryError::Syntax { .. } | QueryError::UnknownColumn { .. } | QueryError::UnknownTable { .. } | QueryError::Invalid { .. } => {
            StatusCode::BAD_REQUEST
        }
        QueryError::TimedOut { .. } | QueryError::TooManyRows { .. } | QueryError::TooLarge { .. } | QueryError::OutOfMemory { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        QueryError::Busy { .. } => StatusCode::SERVICE_UNAVAILABLE,
        QueryError::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let hint = match &error {
        QueryError::Refused { .. } => "SQL only reads here; what is to be changed has routes of its own, in GET /api/v1/openapi.json",
        QueryError::Syntax { .. } => "the SQL is close to PostgreSQL's; GET /api/v1/openapi.json has an example",
        QueryError::UnknownColumn { .. } => "the statement `DESCRIBE table` lists the columns of a table",
        QueryError::UnknownTable { .. } => "send `SHOW TABLES` as the statement",
        QueryError::Invalid { .. } => "`DESCRIBE table` and `SHOW FUNCTIONS` are statements too",
        QueryError::TimedOut { .. } => "`query.timeout_ms` of the configuration is the longest time of any query",
        QueryError::TooManyRows { .. } => "`query.max_rows` of the configuration is the most that any query gives; `truncate` cuts there",
        QueryError::TooLarge { .. } => {
            "`query.max_result_bytes` of the configuration is the most that any query gives; `truncate` cuts there"
        }
        QueryError::OutOfMemory { .. } => "`query.memory_bytes` of the configuration is for all queries together",
        QueryError::Busy { .. } => {
            "the header Retry-After says when to come again; `query.max_concurrent` of the configuration is the limit"
        }
        QueryError::Internal { .. } => "GET /health says whether the server answers otherwise",
    };
    ApiError::new(status, in_front_of_hint(&error), hint)
}

/// An answer that could not be written in its format.
pub(super) fn encode_error(error: EncodeError) -> ApiError {
    ApiError::bad_request(in_front_of_hint(&error), "such as CAST(column AS TEXT) in the statement, or `\"format\": \"json\"`")
}

/// The words without their full stop: the hint comes behind them.
fn in_front_of_hint(error: &dyn std::error::Error) -> String {
    error.to_string().trim_end_matches('.').to_owned()
}
