//! The commands by which platforms of tests are started, and those that end by themselves.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::wait::wait_for;

/// The longest life of one that ends by itself.
const END_DEADLINE: Duration = Duration::from_secs(60);

/// `zygo serve` on a free port, with a data folder and settings.
pub(crate) fn command(data: &TempDir, settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zygo"));
    command
        .args(["serve", "--port", "0"])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("NO_COLOR", "1")
        .env("ZYGO_DATA_DIR", data.path())
        .env("ZYGO_DRAIN_TIMEOUT_MS", "2000")
        // Most tests of failures fail more often in a row than a breaker bears.
        .env("ZYGO_BREAKER_FAILURES", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if let Some(folder) = std::env::var_os("ZYGO_RUNTIME_DIR") {
        command.env("ZYGO_RUNTIME_DIR", folder);
    }
    // Where packages come from is a matter of the machine.
    for name in [
        "PIP_INDEX_URL",
        "PIP_CONFIG_FILE",
        "PIP_CERT",
        "NPM_CONFIG_REGISTRY",
        "npm_config_registry",
        "NODE_EXTRA_CA_CERTS",
        "SSL_CERT_FILE",
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if let Some(url_of) = crate::DATABASE_URL {
        command.env("ZYGO_DATABASE_URL", url_of(data.path()));
    }
    command.envs(settings.iter().copied());
    in_a_session(&mut command);
    command
}

/// Makes a command run in a session of its own.
pub(crate) fn in_a_session(command: &mut Command) {
    // SAFETY: between fork and exec only `setsid` is called, one async-signal-safe system call that allocates nothing.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            Ok(())
        })
    };
}

/// What a platform says that refuses to start.
pub(crate) fn refused_start(settings: &[(&str, &str)]) -> String {
    let data = tempfile::tempdir().expect("a temporary folder");
    refused(&mut command(&data, settings))
}

/// The same, on a data folder that may have been used before.
pub(crate) fn refused_start_on(data: &TempDir) -> String {
    refused(&mut command(data, &[]))
}

/// The same, when something else starts it.
pub(crate) fn refused_start_by(
    settings: &[(&str, &str)],
    by: impl FnOnce(&Command) -> Command,
) -> String {
    let data = tempfile::tempdir().expect("a temporary folder");
    refused(&mut by(&command(&data, settings)))
}

fn refused(command: &mut Command) -> String {
    let output = command.output().expect("zygo starts");
    assert!(!output.status.success(), "it ought to refuse");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a platform that ends by itself soon after its start, or at it.
pub(crate) fn run_to_its_end(data: &TempDir, settings: &[(&str, &str)]) {
    let mut command = command(data, settings);
    let mut child = command.stderr(Stdio::null()).spawn().expect("zygo starts");
    wait_for("an end of its own", END_DEADLINE, || {
        child.try_wait().expect("the state of our own child")
    });
}

/// The same command for another program.
pub(crate) fn with_program(command: &Command, program: &Path) -> Command {
    let mut other = Command::new(program);
    other.args(command.get_args()).env_clear();
    let variables = command.get_envs();
    other.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    other
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    other
}
