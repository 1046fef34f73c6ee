//! What SQL sees of the desk that is stored nowhere: computed when a query names it.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};

use super::Register;
use super::pages::PagesView;
use super::sla_clocks::SlaClocksView;
use crate::clock::{Clock, TimestampUs};
use crate::desk::Desk;
use crate::query::{RelationalView, ViewError};
use crate::store::{Store, ViewScan};

/// The tables `sla_clocks` and `pages`, as the query gate takes them.
pub fn computed_views(store: &Store, desk: &Desk, register: &Arc<Register>, clock: &Clock) -> Vec<Arc<dyn RelationalView>> {
    vec![
        Arc::new(SlaClocksView { desk: desk.clone(), register: register.clone(), clock: clock.clone() }),
        Arc::new(PagesView { store: store.clone(), register: register.clone() }),
    ]
}

/// The columns that a scan wants, of all.
pub(super) fn narrowed((rows, is_cut): (RecordBatch, bool), scan: &ViewScan) -> Result<Option<(RecordBatch, bool)>, ViewError> {
    let rows = match &scan.columns {
        Some(columns) => rows.project(columns).map_err(|error| ViewError(error.to_string()))?,
        None => rows,
    };
    Ok(Some((rows, is_cut)))
}

pub(super) fn texts<'a, R>(rows: &'a [R], of: impl Fn(&'a R) -> Option<&'a str>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<StringViewArray>())
}

pub(super) fn integers<R>(rows: &[R], of: impl Fn(&R) -> Option<i64>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<Int64Array>())
}

pub(super) fn truths<R>(rows: &[R], of: impl Fn(&R) -> bool) -> ArrayRef {
    Arc::new(rows.iter().map(|row| Some(of(row))).collect::<BooleanArray>())
}

pub(super) fn moments<R>(rows: &[R], of: impl Fn(&R) -> Option<TimestampUs>) -> ArrayRef {
    Arc::new(rows.iter().map(of).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}
