//! What an operator may set, where it may be set, and what holds when it is not.
//!
//! From weakest to strongest: the defaults below, a TOML file (`--config`), environment variables, flags. Every key of
//! the file is also the variable `ZYGO_` + its name in capitals; the specification's short names `PORT HOST VERBOSE
//! MAX_MEMORY MAX_TIMEOUT` work too. Unknown keys are refused.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::{Deserialize, Serialize};

/// The configuration as written: units stand last in the names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Whether to log every request.
    pub verbose: bool,
    /// Folder that holds all state.
    pub data_dir: PathBuf,
    /// Folder of the runtime binaries; beside the `zygo` binary when absent.
    pub runtime_dir: Option<PathBuf>,
    /// The most memory that a function may ask for, in MB.
    pub max_memory: u32,
    /// The longest time-out that a function may ask for, in ms.
    pub max_timeout: u64,
    /// The longest request body, and the longest answer of a handler, in bytes.
    pub max_body_bytes: usize,
    /// The longest upload of code, in bytes.
    pub max_bundle_bytes: usize,
    /// How long a module's top level may take, in ms.
    pub load_timeout_ms: u64,
    /// An instance that nobody needed for so long is let go, in ms.
    pub idle_timeout_ms: u64,
    /// How long a caller waits for an instance when all are busy, in ms.
    pub queue_timeout_ms: u64,
    /// How many callers may wait for one function.
    pub max_queue_len: usize,
    /// How many instances one function may have unless it says otherwise.
    pub default_max_instances: usize,
    /// How many instances the whole platform may have.
    pub max_instances: usize,
    /// How long running invocations may take to end after SIGTERM, in ms.
    pub drain_timeout_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 3000,
            verbose: false,
            data_dir: PathBuf::from("./zygo-data"),
            runtime_dir: None,
            max_memory: 512,
            max_timeout: 300_000,
            max_body_bytes: 6 * 1024 * 1024,
            max_bundle_bytes: 50 * 1024 * 1024,
            load_timeout_ms: 10_000,
            idle_timeout_ms: 300_000,
            queue_timeout_ms: 10_000,
            max_queue_len: 1_000,
            default_max_instances: 100,
            max_instances: 1_000,
            drain_timeout_ms: 10_000,
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key is unknown, or a value has the wrong type.
    #[error("{0}")]
    Malformed(#[from] Box<figment::Error>),
    /// A value is out of range.
    #[error("{key} must be {rule}")]
    OutOfRange {
        /// The key.
        key: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// The folder of the runtimes cannot be found.
    #[error("the folder of this program is unknown; set runtime_dir")]
    NoRuntimeDir(#[source] std::io::Error),
}

impl Config {
    /// Reads the configuration from everywhere. `flags` win over all else.
    ///
    /// # Errors
    /// Which key is wrong and what it must be.
    pub fn load(file: Option<&Path>, flags: impl Serialize) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let short = ["PORT", "HOST", "VERBOSE", "MAX_MEMORY", "MAX_TIMEOUT"];
        let config: Self = figment
            .merge(Env::raw().only(&short))
            .merge(Env::prefixed("ZYGO_").ignore(&["log", "config"]))
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(Box::new)?;
        config.validated()
    }

    fn validated(self) -> Result<Self, ConfigError> {
        let rules = [
            (self.max_memory >= 32, "max_memory", "at least 32 (MB)"),
            (self.max_timeout >= 1, "max_timeout", "at least 1 (ms)"),
            (
                self.max_body_bytes <= 1 << 29,
                "max_body_bytes",
                "at most 512 MiB",
            ),
            (self.max_instances >= 1, "max_instances", "at least 1"),
            (
                self.default_max_instances >= 1,
                "default_max_instances",
                "at least 1",
            ),
            (
                self.load_timeout_ms >= 1,
                "load_timeout_ms",
                "at least 1 (ms)",
            ),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, key, rule)) => Err(ConfigError::OutOfRange { key, rule }),
            None => Ok(self),
        }
    }

    /// Where the runtime binaries are.
    ///
    /// # Errors
    /// When the program cannot find out where it is itself.
    pub fn runtime_directory(&self) -> Result<PathBuf, ConfigError> {
        if let Some(directory) = &self.runtime_dir {
            return Ok(directory.clone());
        }
        let program = std::env::current_exe().map_err(ConfigError::NoRuntimeDir)?;
        Ok(program
            .parent()
            .map_or_else(|| PathBuf::from("."), Path::to_path_buf))
    }

    /// How long a module's top level may take.
    #[must_use]
    pub fn load_timeout(&self) -> Duration {
        Duration::from_millis(self.load_timeout_ms)
    }

    /// How long running invocations may take to end after SIGTERM.
    #[must_use]
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }
}
