//! Words that people write in documents of the setup, and what is wrong with them. Pure.
//!
//! Each room reads its own documents; what they have in common is read here, so that it means the same in all of them: how a
//! wrong field is named ([`Complaint`]), how
//! what was written is shown ([`excerpt`]), how long `1h30m` is ([`duration_us`]), and which day `mon` is
//! ([`Weekday`]).

mod complaint;
mod duration;
mod excerpt;
mod weekday;

pub use complaint::{Complaint, in_words};
pub use duration::{duration_us, duration_us_within};
pub use excerpt::{excerpt, turns_direction};
pub use weekday::Weekday;
