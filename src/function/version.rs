//! One version of a function: code and settings that never change, and the pool that serves them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use zygo_wire::control::Level;
use zygo_wire::{Function as WireFunction, LoadWhen, Sandbox};

use super::manifest::{Manifest, Network};
use super::store::StoredVersion;
use crate::config::Config;
use crate::instance::Limits;
use crate::pool::{
    Bounds, Bundle, Capacity, Isolation, Pool, PoolSettings, Times, ZygoteSlot, starts_max,
};
use crate::scaling::Steering;
use crate::telemetry::{Intake, Journal};
use crate::zygote::{LanguageZygote, Output, ZygoteError};

/// An idle instance of a version that nothing is learned of stays for so long, in ms.
const IDLE_MS: u64 = 300_000;

/// Files of one function in its `/tmp`.
const TMP_FILES_MAX: u64 = 65_536;

/// Code and settings under one number.
#[derive(Debug)]
pub struct Version {
    stored: StoredVersion,
    limits: Limits,
    journal: Journal,
    pool: Arc<Pool>,
}

/// What a version is made from besides what is stored of it.
pub(crate) struct Surroundings<'a> {
    /// The operator's settings.
    pub(crate) config: &'a Config,
    /// The zygote of the function's language.
    pub(crate) language: Arc<LanguageZygote>,
    /// The platform's room for instances.
    pub(crate) capacity: Arc<Capacity>,
    /// Its files.
    pub(crate) bundle: Box<dyn Bundle>,
    /// The folder where those lie.
    pub(crate) directory: &'a Path,
    /// Where its lines and records go.
    pub(crate) intake: &'a Arc<Intake>,
}

impl Version {
    /// A version of a function. Starts no process.
    pub(crate) fn new(
        id: &str,
        stored: StoredVersion,
        surroundings: Surroundings<'_>,
    ) -> Arc<Self> {
        let Surroundings {
            config,
            language,
            capacity,
            bundle,
            directory,
            intake,
        } = surroundings;
        let manifest = &stored.manifest;
        let limits = Limits {
            timeout: Duration::from_millis(manifest.timeout),
            response_len_max: config.max_body_bytes,
            stream_len_max: match config.max_stream_bytes {
                0 => usize::MAX,
                max => max,
            },
        };
        let function = wire_function(id, stored.number, manifest, directory);
        let journal = Journal::new(intake, id, stored.number);
        let output = output_of(&journal);
        let times = Times {
            load: config.load_timeout(),
            end: limits.timeout + config.drain_timeout(),
        };
        let boots = capacity.boots();
        let zygote = ZygoteSlot::new(language, function, bundle, output, times, boots);
        let pool = Pool::new(pool_settings(manifest, config, &journal), zygote, capacity);
        Arc::new(Self {
            stored,
            limits,
            journal,
            pool,
        })
    }

    /// Its number, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.stored.number
    }

    /// Its settings.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.stored.manifest
    }

    /// What is stored of it.
    pub(crate) fn stored(&self) -> &StoredVersion {
        &self.stored
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Where its lines and records go.
    pub(crate) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Makes it ready to serve: its zygote is there and has loaded the code.
    pub(crate) async fn prepare(&self) -> Result<(), ZygoteError> {
        self.pool.revive();
        self.pool.zygote_to_fork().await?;
        self.pool.refill();
        Ok(())
    }

    /// Serves nobody any more; its zygote stays, for a quick way back.
    pub(crate) fn retire(&self) {
        self.pool.retire();
    }

    /// Ends its processes.
    pub(crate) fn stop(&self) {
        self.pool.retire();
        self.pool.zygote().stop();
    }
}

fn pool_settings(manifest: &Manifest, config: &Config, journal: &Journal) -> PoolSettings {
    let rules = manifest.scaling.rules(config, manifest.concurrency);
    let idle_ms = config.idle_timeout_ms.unwrap_or(IDLE_MS);
    PoolSettings {
        bounds: Bounds {
            instances_min: rules.instances_min,
            instances_max: rules.instances_max,
            parked: manifest.scaling.parked,
            waiters_max: config.max_queue_len,
            starts_max: starts_max(),
        },
        isolation: manifest.isolation,
        concurrency: rules.concurrency,
        steering: Steering::fixed(Duration::from_millis(idle_ms)),
        zygote_idle: config.scaling.zygote_idle(),
        queue_timeout: Duration::from_millis(config.queue_timeout_ms),
        tolerance: config.overload.into(),
        journal: journal.clone(),
        response_len_max: config.max_body_bytes,
    }
}

fn wire_function(id: &str, number: u32, manifest: &Manifest, directory: &Path) -> WireFunction {
    WireFunction {
        id: id.to_owned(),
        name: manifest.name.clone(),
        version: number,
        directory: directory.to_string_lossy().into_owned(),
        handler: manifest.handler.clone(),
        memory_limit_mb: manifest.memory,
        concurrency: manifest.concurrency,
        once: manifest.isolation == Isolation::Request,
        environment: environment(number, manifest, directory),
        load_when: LoadWhen::BeforeFork,
        sandbox: Some(sandbox(manifest)),
    }
}

/// What the function says of its isolation; the rest is the platform's.
fn sandbox(manifest: &Manifest) -> Sandbox {
    let memory_bytes = u64::from(manifest.memory) * 1_024 * 1_024;
    Sandbox {
        layers: Vec::new(),
        id: 0,
        // What lies there is memory as well.
        tmp_bytes: memory_bytes / 2,
        tmp_files: TMP_FILES_MAX,
        network: match manifest.network {
            Some(Network::None) => zygo_wire::Network::None,
            Some(Network::All) => zygo_wire::Network::All,
            Some(Network::Internet) | None => zygo_wire::Network::Internet,
        },
        subprocess: manifest.subprocess,
    }
}

/// The user's variables, and those that handlers from elsewhere look for.
fn environment(number: u32, manifest: &Manifest, directory: &Path) -> Vec<(String, String)> {
    let own = [
        ("AWS_LAMBDA_FUNCTION_NAME", manifest.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", number.to_string()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            manifest.memory.to_string(),
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start".to_owned()),
        ("LAMBDA_TASK_ROOT", directory.to_string_lossy().into_owned()),
        ("_HANDLER", manifest.handler.clone()),
        ("ZYGO_FUNCTION_NAME", manifest.name.clone()),
        ("ZYGO_FUNCTION_VERSION", number.to_string()),
    ];
    let own = own
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    let users = manifest.environment.iter().chain(&manifest.secrets);
    let users = users.map(|(name, value)| (name.clone(), value.expose().to_owned()));
    own.chain(users).collect()
}

/// Where lines go that belong to no invocation.
fn output_of(journal: &Journal) -> Output {
    let journal = journal.clone();
    Arc::new(move |level: Level, line: String| journal.line(level, &line, None))
}
