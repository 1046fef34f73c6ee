//! What a failed query is in HTTP.

use axum::http::StatusCode;

use super::ApiError;
use crate::query::QueryError;

/// Maps the kind of failure to a status; the text already says what happened and what to do.
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
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    ApiError::new(status, error.to_string(), "")
}
