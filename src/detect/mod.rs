//! Detection: from a rule file to findings. Pure: no I/O, and time is an argument.
//!
//! A rule is a SQL file with a header ([`Rule::parse`] states the format). Time is cut into bins by the rule's schedule, and
//! each row of its answer is about one bin. The scheduler asks [`Rule::next_window`] which bins to judge, runs the query once
//! over all of them through the gate with [`Window::parameters`], and turns each row into a finding with [`Rule::finding`].
//!
//! What a rule promises:
//! * It reads the time from its parameters only, so that last week is judged like the last minute; a rule that calls
//!   `now()` is refused.
//! * A bin's answer does not depend on which other bins are judged in the same run: a day is caught up with in one query
//!   and finds what 288 runs would have found.
//! * Bins lie on the schedule's own grid, so that a second run over one, after a crash or for late data, is known again by
//!   the desk.
//! * The same rule and entity give the same fingerprint, on every machine and after every upgrade.

mod fingerprint;
mod row_to_finding;
mod rule_file;
#[cfg(test)]
mod rules_test;
#[cfg(test)]
mod rules_test_hosts;
#[cfg(test)]
mod rules_test_network;
#[cfg(test)]
mod rules_test_security;
#[cfg(test)]
mod rules_test_services;
#[cfg(test)]
mod rules_test_tables;
mod schedule;
mod sensitivity;
mod shipped;
mod title;
mod window;

pub use fingerprint::fingerprint;
pub use row_to_finding::RowError;
pub use rule_file::{Rule, THRESHOLD};
pub use schedule::Schedule;
pub use sensitivity::Sensitivity;
pub use shipped::{SHIPPED_RULES, shipped_rules};
pub use title::TitleTemplate;
pub use window::Window;

/// Rows of one run that become findings. It may judge a day at once; a rule that finds more is about the whole site, and
/// more rows would say it no better.
pub const MAX_ROWS_A_RUN: usize = 20_000;
