//! One version of a function: code and settings that never change, and the pool that serves them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use zygo_wire::control::Level;
use zygo_wire::{Function as WireFunction, LoadWhen};

use super::manifest::Manifest;
use crate::config::Config;
use crate::instance::Limits;
use crate::pool::{Bounds, Capacity, Pool, PoolSettings, ZygoteSlot};
use crate::zygote::{LanguageZygote, Output};

/// Code and settings under one number.
#[derive(Debug)]
pub struct Version {
    number: u32,
    created_unix_ms: u64,
    manifest: Manifest,
    limits: Limits,
    pool: Arc<Pool>,
}

/// What a version is made from besides its manifest.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    /// The operator's settings.
    pub(crate) config: &'a Config,
    /// The zygote of the function's language.
    pub(crate) language: Arc<LanguageZygote>,
    /// The platform's room for instances.
    pub(crate) capacity: Arc<Capacity>,
}

impl Version {
    /// A version whose bundle lies built in `directory`. Starts no process.
    pub(crate) fn new(
        function_id: &str,
        number: u32,
        created_unix_ms: u64,
        manifest: Manifest,
        directory: &Path,
        surroundings: Surroundings<'_>,
    ) -> Arc<Self> {
        let Surroundings {
            config,
            language,
            capacity,
        } = surroundings;
        let limits = Limits {
            timeout: Duration::from_millis(manifest.timeout),
            response_len_max: config.max_body_bytes,
        };
        let function = wire_function(function_id, number, &manifest, directory);
        let output = output_of(&manifest.name, number);
        let zygote = ZygoteSlot::new(language, function, output, config.load_timeout());
        let pool = Pool::new(pool_settings(&manifest, config), zygote, capacity);
        Arc::new(Self {
            number,
            created_unix_ms,
            manifest,
            limits,
            pool,
        })
    }

    /// Its number, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// When it was made, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn created_unix_ms(&self) -> u64 {
        self.created_unix_ms
    }

    /// Its settings.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
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

fn pool_settings(manifest: &Manifest, config: &Config) -> PoolSettings {
    PoolSettings {
        bounds: Bounds {
            instances_min: manifest.scaling.min_instances,
            instances_max: manifest.instances_max(config),
            parked: manifest.scaling.parked,
            waiters_max: config.max_queue_len,
        },
        isolation: manifest.isolation,
        idle_timeout: Duration::from_millis(config.idle_timeout_ms),
        queue_timeout: Duration::from_millis(config.queue_timeout_ms),
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
        environment: environment(number, manifest, directory),
        load_when: LoadWhen::BeforeFork,
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
    let users = users.map(|(name, value)| (name.clone(), value.clone()));
    own.chain(users).collect()
}

/// Lines that belong to no invocation go to the platform's own log.
fn output_of(name: &str, number: u32) -> Output {
    let name = name.to_owned();
    Arc::new(move |level: Level, line: String| match level {
        Level::Error | Level::Warn => tracing::warn!(function = %name, version = number, "{line}"),
        Level::Info | Level::Debug => tracing::info!(function = %name, version = number, "{line}"),
    })
}
