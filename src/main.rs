//! The `watchroom` program: see `cli`.

use std::process::ExitCode;

/// Allocates for several threads at a time better than the system's allocator: see benches/README.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    watchroom::cli::main()
}
