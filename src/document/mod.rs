//! Words that people write in documents of the setup, and what is wrong with them. Pure.
//!
//! Each room reads its own documents; what they have in common is read here, so that it means the same in all of them: how a
//! wrong field is named ([`Complaint`]) and how
//! what was written is shown ([`excerpt`]).

mod complaint;
mod excerpt;

pub use complaint::{Complaint, in_words};
pub use excerpt::{excerpt, turns_direction};
