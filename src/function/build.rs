//! Has a runtime turn a bundle into what its zygote loads. The user's files are parsed in a process of their own, so
//! that no file can crash or stall the supervisor.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use zygo_wire::Failure;

/// A build that takes longer is ended.
const BUILD_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a bundle could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file of the user's has an error.
    #[error("{}: {}", .0.error_type, .0.message)]
    Rejected(Failure),
    /// The build process ended in a way that says nothing about any file.
    #[error("the build ended unexpectedly ({0})")]
    Crashed(String),
    /// It took too long.
    #[error("the build took longer than {} s", BUILD_TIMEOUT.as_secs())]
    TimedOut,
    /// The runtime's binary cannot be started.
    #[error("{binary} cannot be started; build it with scripts/build")]
    Unavailable {
        /// Which binary.
        binary: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Builds the bundle in `directory` with the runtime's own binary.
pub(crate) async fn build(binary: &Path, directory: &Path) -> Result<(), BuildError> {
    let output = Command::new(binary)
        .arg("build")
        .arg(directory)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LANG", "C.UTF-8")
        .env("HOME", "/tmp")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(BUILD_TIMEOUT, output).await {
        Err(_) => Err(BuildError::TimedOut),
        Ok(Err(source)) => Err(BuildError::Unavailable {
            binary: binary.display().to_string(),
            source,
        }),
        Ok(Ok(output)) if output.status.success() => Ok(()),
        Ok(Ok(output)) => Err(match serde_json::from_slice::<Failure>(&output.stdout) {
            Ok(failure) => BuildError::Rejected(failure),
            Err(_) => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                let last = stderr.lines().last().unwrap_or_default();
                BuildError::Crashed(format!("{}: {last}", output.status))
            }
        }),
    }
}
