//! The integration tests: the real program, over real sockets and real files.
//!
//! One binary, because linking the query engine takes longer than running the tests. Each subject is a file; `server`
//! starts, asks, kills and stops the program. `WATCHROOM_BIN` names another binary to test (a release build);
//! `WATCHROOM_TEST_KILLS` sets how often `kills` kills (12; the long form is 200) and `desk_kills` (8; 1,000), and
//! `WATCHROOM_TEST_SEED` repeats one of their runs.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "tests measure the program from outside, by the real clock")]

mod backups;
mod capacity;
mod capacity_commands;
mod clean_ups;
mod combined_orders;
mod command;
mod commands;
mod desk_kills;
mod desk_load;
mod desk_routes;
mod detection;
mod disk_full;
mod front_door;
mod front_door_limits;
mod garbage;
mod hostile_queries;
mod idempotency;
mod incidents;
mod inventory;
mod kills;
mod list_pages;
mod load;
mod log_templates;
mod night;
mod recovery;
mod reports;
mod server;
mod service_desk;
mod setup_files;
mod time_zones;
mod visibility;
