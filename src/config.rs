//! What an operator may set, where it may be set, and what holds when it is not.
//!
//! From weakest to strongest: the defaults below, a TOML file (`--config`), environment variables, flags. Every key of
//! the file is also the variable `ZYGO_` + its name in capitals; the specification's short names `PORT HOST VERBOSE
//! MAX_MEMORY MAX_TIMEOUT` work too, and OpenTelemetry's own variables for traces. Unknown keys are refused.

mod error;
mod networks;
mod readings;
mod rules;
mod sources;
mod tls;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized};
use serde::{Deserialize, Serialize};

pub use error::ConfigError;
pub(crate) use networks::Networks;
pub use tls::TlsSettings;

use crate::admission::OverloadSettings;
use crate::artifact::ArtifactSettings;
use crate::queue::QueueSettings;
use crate::scaling::ScalingSettings;
use crate::secret::Secret;
use crate::trace::{self, TraceSampler};
use crate::websocket::SocketSettings;
use sources::{Toml, Variables};

/// The configuration as written: units stand last in the names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address to listen on.
    pub host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// Encrypted connections: a table of its own.
    pub tls: TlsSettings,
    /// Host names of the platform itself, with commas between; no function may take them as its domain.
    pub hosts: String,
    /// Proxies whose `Forwarded` and `X-Forwarded-…` are believed: addresses and networks such as `10.0.0.0/8`, with commas
    /// between.
    pub trusted_proxies: String,
    /// Whether to log every request, and to tell callers of HTTP triggers how a handler failed.
    pub verbose: bool,
    /// Folder that holds all state.
    pub data_dir: PathBuf,
    /// A PostgreSQL database for all state, `postgres://…`; SQLite files in the data folder when absent.
    pub database_url: Option<Secret>,
    /// Where archives of code lie: a table of its own.
    pub artifacts: ArtifactSettings,
    /// A key that may do everything, for the beginning; at least 16 characters.
    pub admin_key: Option<Secret>,
    /// The secret that tokens are signed with (HS256, HS384, HS512); at least 16 characters.
    pub jwt_secret: Option<Secret>,
    /// A file with the public keys of tokens, as a JSON Web Key Set.
    pub jwks_file: Option<PathBuf>,
    /// Who must have issued a token.
    pub jwt_issuer: Option<String>,
    /// Whom a token must be for.
    pub jwt_audience: Option<String>,
    /// Keys under which secrets lie encrypted, the newest first, with commas between: 32 bytes each in base64.
    pub master_key: Option<Secret>,
    /// A file with those keys, one a line. Without either, one is made in the data folder.
    pub master_key_file: Option<PathBuf>,
    /// Folder of the runtime binaries; beside the `zygo` binary when absent.
    pub runtime_dir: Option<PathBuf>,
    /// A folder with templates for the marketplace, besides the built-in ones.
    pub marketplace_dir: Option<PathBuf>,
    /// Layers of isolation that functions go without, by name with commas between. Each makes the machine less safe.
    pub insecure_without: String,
    /// The most memory that a function may ask for, in MB.
    pub max_memory: u32,
    /// The longest time-out that a function may ask for, in ms.
    pub max_timeout: u64,
    /// The longest request body, and the longest answer of a handler, in bytes.
    pub max_body_bytes: usize,
    /// The longest answer that is given on in pieces, in bytes; 0 sets no limit.
    pub max_stream_bytes: usize,
    /// The most bytes of request bodies that are held at a time.
    pub max_bodies_bytes: usize,
    /// The most connections at a time; further ones wait.
    pub max_connections: u32,
    /// Those from one address, further ones are closed. Behind a proxy, all come from the proxy's.
    pub max_connections_per_address: u32,
    /// How long the head of a request may take, in ms; for HTTP/1, also how long a connection may lie idle.
    pub header_timeout_ms: u64,
    /// How long a connection with HTTP/2 may lie idle, in ms.
    pub connection_idle_ms: u64,
    /// How long a client may be slower than the next setting, in ms.
    pub slow_client_grace_ms: u64,
    /// What a client must send or take on average, in bytes per second; 0 lets it be as slow as it likes.
    pub slow_client_bytes_per_s: u32,
    /// The longest upload of code, in bytes.
    pub max_bundle_bytes: usize,
    /// How long a module's top level may take, in ms.
    pub load_timeout_ms: u64,
    /// An instance that nobody needed for so long is let go, in ms; when absent, as long as its function's calls make it
    /// worth its memory.
    pub idle_timeout_ms: Option<u64>,
    /// How long a caller waits for an instance when all are busy, in ms.
    pub queue_timeout_ms: u64,
    /// How many callers may wait for one function.
    pub max_queue_len: usize,
    /// How many instances one function may have unless it says otherwise.
    pub default_max_instances: usize,
    /// How many instances the whole platform may have.
    pub max_instances: usize,
    /// How many function zygotes are kept; beyond that, those end that were not needed for longest.
    pub max_zygotes: usize,
    /// When callers need not wait: a table of its own.
    pub overload: OverloadSettings,
    /// How long installing a function's packages may take, in ms.
    pub dependency_timeout_ms: u64,
    /// How many versions of a function are kept, besides those that serve or have an alias.
    pub versions_kept: usize,
    /// A function that failed so often in a row is not invoked for a while; 0 turns this off.
    pub breaker_failures: u32,
    /// For how long, in ms.
    pub breaker_open_ms: u64,
    /// How long lines of logs are kept, in hours.
    pub log_retention_hours: u64,
    /// How much text of logs is kept, in bytes; the oldest lines go first.
    pub log_retention_bytes: u64,
    /// How much one function may write to its log for long, in bytes per second.
    pub log_rate_bytes_per_s: u64,
    /// How much it may write at once, in bytes.
    pub log_burst_bytes: u64,
    /// How long a record of each invocation is kept, in hours; sums are kept longer.
    pub invocation_retention_hours: u64,
    /// How long figures by the minute are kept, in days; figures by the day are kept for ever.
    pub metrics_retention_days: u64,
    /// How often rules of alerts are evaluated, in ms.
    pub alert_interval_ms: u64,
    /// How long alerts that are over are kept, in days.
    pub alert_retention_days: u64,
    /// How long to wait before a notice is sent to a webhook again, in ms; doubled each time.
    pub webhook_retry_ms: u64,
    /// How often a notice is sent at most.
    pub webhook_attempts_max: u32,
    /// An archive of code that no version needs is removed when it is so old, in ms.
    pub archive_grace_ms: u64,
    /// How often what nobody needs any more is looked for, in ms.
    pub collection_interval_ms: u64,
    /// A zygote is made anew when it is so old, or a fifth sooner, in s; 0 turns this off, as for the next two.
    pub zygote_max_age_s: u64,
    /// When it has forked so often.
    pub zygote_max_forks: u64,
    /// When so many of a function's instances have crashed within a minute; their function then forks more slowly.
    pub zygote_max_crashes_per_minute: u32,
    /// How long running invocations may take to end after SIGTERM, in ms.
    pub drain_timeout_ms: u64,
    /// The address of an OpenTelemetry collector, such as `http://127.0.0.1:4318`; without one, no spans are sent.
    pub otlp_endpoint: Option<String>,
    /// The full address that takes spans, where it is another.
    pub otlp_traces_endpoint: Option<String>,
    /// Which traces are recorded.
    pub trace_sampler: TraceSampler,
    /// The part of the traces that is recorded where the sampler takes a part, from 0 to 1.
    pub trace_sample_ratio: f64,
    /// What is invoked later: a table of its own.
    pub events: QueueSettings,
    /// Connections of functions: a table of its own.
    pub websockets: SocketSettings,
    /// Instances that come and go without being asked for: a table of its own.
    pub scaling: ScalingSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host: IpAddr::from([127, 0, 0, 1]),
            port: 3000,
            tls: TlsSettings::default(),
            hosts: String::new(),
            trusted_proxies: String::new(),
            verbose: false,
            data_dir: PathBuf::from("./zygo-data"),
            database_url: None,
            artifacts: ArtifactSettings::default(),
            admin_key: None,
            jwt_secret: None,
            jwks_file: None,
            jwt_issuer: None,
            jwt_audience: None,
            master_key: None,
            master_key_file: None,
            runtime_dir: None,
            marketplace_dir: None,
            insecure_without: String::new(),
            max_memory: 512,
            max_timeout: 300_000,
            max_body_bytes: 6 * 1024 * 1024,
            max_stream_bytes: 0,
            max_bodies_bytes: 1 << 30,
            max_connections: 10_000,
            max_connections_per_address: 2_500,
            header_timeout_ms: 10_000,
            connection_idle_ms: 60_000,
            slow_client_grace_ms: 20_000,
            slow_client_bytes_per_s: 500,
            max_bundle_bytes: 50 * 1024 * 1024,
            load_timeout_ms: 10_000,
            idle_timeout_ms: None,
            queue_timeout_ms: 10_000,
            max_queue_len: 1_000,
            default_max_instances: 100,
            max_instances: 1_000,
            max_zygotes: 1_000,
            overload: OverloadSettings::default(),
            dependency_timeout_ms: 300_000,
            versions_kept: 20,
            breaker_failures: 5,
            breaker_open_ms: 30_000,
            log_retention_hours: 7 * 24,
            log_retention_bytes: 1 << 30,
            log_rate_bytes_per_s: 1 << 20,
            log_burst_bytes: 4 << 20,
            invocation_retention_hours: 24,
            metrics_retention_days: 30,
            alert_interval_ms: 15_000,
            alert_retention_days: 30,
            webhook_retry_ms: 1_000,
            webhook_attempts_max: 30,
            archive_grace_ms: 600_000,
            collection_interval_ms: 3_600_000,
            zygote_max_age_s: 24 * 3_600,
            zygote_max_forks: 100_000,
            zygote_max_crashes_per_minute: 10,
            drain_timeout_ms: 10_000,
            otlp_endpoint: None,
            otlp_traces_endpoint: None,
            trace_sampler: TraceSampler::default(),
            trace_sample_ratio: 1.0,
            events: QueueSettings::default(),
            websockets: SocketSettings::default(),
            scaling: ScalingSettings::default(),
        }
    }
}

/// Variables that look like settings and are none.
const OTHERS: [&str; 5] = ["log", "config", "failpoints", "url", "api_key"];

impl Config {
    /// Reads the configuration from everywhere. `flags` win over all else.
    ///
    /// # Errors
    /// Which key is wrong and what it must be.
    pub fn load(file: Option<&Path>, flags: impl Serialize) -> Result<Self, ConfigError> {
        let kinds = sources::kinds()?;
        let variables = |variables| Variables::new(variables, kinds.clone());
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        let short = ["PORT", "HOST", "VERBOSE", "MAX_MEMORY", "MAX_TIMEOUT"];
        let config: Self = figment
            .merge(variables(Env::raw().only(&short)))
            .merge(variables(trace::environment()))
            .merge(variables(
                Env::prefixed("ZYGO_")
                    .ignore(&OTHERS)
                    .map(|name| sources::key(name.as_str()).into()),
            ))
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(Box::new)?;
        config.validated()
    }

    /// Whether there may be other platforms with the same database and archives.
    pub(crate) fn is_node(&self) -> bool {
        self.database_url.is_some() && self.artifacts.url.is_some()
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
        let folder = program.parent().map(Path::to_path_buf);
        Ok(folder.unwrap_or_else(|| PathBuf::from(".")))
    }
}
