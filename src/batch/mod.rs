//! From records to Arrow columns.
//!
//! A builder takes records one at a time and hands out a record batch: [`LogColumns`] for the table `logs`,
//! [`SampleColumns`] and [`SeriesColumns`] for the two metric tables. Text that still stands in the block it arrived in
//! becomes a 16-byte view into that block, so that a parsed line costs no copy of its bytes; what was rewritten on the
//! way (unescaped values, joined names) is copied into an arena of the column.
//!
//! What the builders promise:
//!
//! * Every pushed record becomes exactly one row, in the order of the pushes; nothing in a record makes a push fail or
//!   panic. What does not fit a column is cut or left out, and `parse_error` says so.
//! * `timestamp` is never null: a record without a time (or with one outside the years 1 to 9999) takes the time of
//!   receipt.
//! * An event more than 24 hours ahead of its receipt keeps its stated time and is flagged in `parse_error`; the table
//!   writer puts it into the partition of the day of receipt.
//! * The keys of a row's `attributes` differ from each other, as Parquet and Delta maps require.
//! * A batch keeps its blocks alive: [`LogColumns::byte_size`] counts them.

mod attribute_column;
mod log_columns;
mod metric_columns;
mod text_column;

pub use log_columns::LogColumns;
pub use metric_columns::{SampleColumns, SeriesColumns, SeriesDescription};
