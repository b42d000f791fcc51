//! The `zygo` program: parses the command line and hands over.

use std::process::ExitCode;

/// Short allocations in many threads are what the supervisor does all day.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    zygo::cli::run()
}
