//! The `main` of every runtime binary.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use zygo_wire::Failure;

use crate::runtime::Runtime;
use crate::{probe, process, zygote};

/// What a runtime binary can be asked to do.
const USAGE: &str = "usage: zygo-<language> zygote | build <directory> | probe | --version\n\
                     (`zygote` is started by `zygo serve`, with its control socket as standard input)";

/// Does what the command line says: `zygote`, `build <directory>`, `probe` or `--version`.
#[must_use]
pub fn run<R: Runtime>() -> ExitCode {
    process::abort_on_panic();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["zygote"] => zygote::run_language_zygote::<R>(),
        ["build", directory] => build::<R>(Path::new(directory)),
        ["probe"] => probe::run(R::NAME),
        ["--version"] => say(&format!("zygo-{} {}", R::NAME, env!("CARGO_PKG_VERSION"))),
        _ => {
            complain(USAGE);
            ExitCode::from(2)
        }
    }
}

/// Exit code 1 and the failure as JSON on standard output tell the platform what is wrong with the user's files.
fn build<R: Runtime>(directory: &Path) -> ExitCode {
    match R::build(directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&serde_json::to_string(&failure).unwrap_or_else(|_| unreadable(&failure)));
            ExitCode::FAILURE
        }
    }
}

fn unreadable(failure: &Failure) -> String {
    format!("{failure:?}")
}

/// Writes a line to standard output.
pub(crate) fn say(text: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes to standard error; a closed standard error is no reason to fail.
pub(crate) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
