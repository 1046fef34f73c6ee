//! What flows through the house.
//!
//! A source cuts bytes into frames and hands them on as a [`FrameBlock`]; the WAL stores the block; a parser turns each
//! frame into a [`LogRecord`] (or a request into metric samples); those become Arrow batches with the columns of
//! [`arrow_schema`]. [`Intake`] is the door through which every source hands over, whatever stands behind it.
//!
//! At the other end tickets flow: [`TicketKind`], [`Priority`] and [`Hold`] are the words in which the rooms that order, promise,
//! call and assign speak of them.

pub mod arrow_schema;
mod frame_block;
mod intake;
mod labels;
mod log_record;
mod severity;
mod ticket_word;
mod zone;

pub use frame_block::{BlockDecodeError, BlockKind, CutFrame, FrameBlock, FrameRange, Origin};
pub use intake::{Intake, IntakeError, LineError, Receipt};
pub use labels::{Label, SeriesId, series_id};
pub use log_record::{Attribute, LogRecord};
pub use severity::{facility_name, severity_name};
pub(crate) use ticket_word::words;
pub use ticket_word::{Hold, Priority, TicketKind};
pub use zone::{NamedZone, Zone, ZoneError};
