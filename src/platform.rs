//! The platform put together: configuration in, running parts out. The one place where everything is made.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, ConfigError};
use crate::function::Registry;
use crate::function::deployment::{DeployError, Deployer};
use crate::function::manifest::RUNTIMES;
use crate::function::{Function, Store, Version};
use crate::invocation::{Invocation, Outcome};
use crate::invoke;
use crate::pool::Capacity;
use crate::zygote::{LanguageZygotes, orphans};

/// How often idle instances are looked after.
const TENDING_INTERVAL: Duration = Duration::from_secs(1);

/// How long the last processes may take to disappear.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the platform cannot run.
#[derive(Debug, thiserror::Error)]
pub enum PlatformError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data folder cannot be used.
    #[error("the data folder {folder} cannot be used")]
    DataFolder {
        /// Which folder.
        folder: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Stored functions cannot be read.
    #[error("stored functions cannot be read")]
    Restore(#[from] DeployError),
}

/// Everything that serves.
#[derive(Debug)]
pub struct Platform {
    config: Arc<Config>,
    registry: Arc<Registry>,
    zygotes: Arc<LanguageZygotes>,
    capacity: Arc<Capacity>,
    deployer: Deployer,
}

impl Platform {
    /// Starts the zygotes and makes stored functions known.
    ///
    /// # Errors
    /// When the configuration or the data folder cannot be used.
    pub fn start(config: Config) -> Result<Arc<Self>, PlatformError> {
        let config = Arc::new(config);
        let store = Store::open(&config.data_dir).map_err(|source| PlatformError::DataFolder {
            folder: config.data_dir.display().to_string(),
            source,
        })?;
        let registry = Arc::new(Registry::default());
        orphans::inherit();
        let zygotes = Arc::new(LanguageZygotes::start(
            &RUNTIMES,
            &config.runtime_directory()?,
        ));
        let capacity = Arc::new(Capacity::new(config.max_instances));
        let deployer = Deployer {
            config: Arc::clone(&config),
            store,
            registry: Arc::clone(&registry),
            zygotes: Arc::clone(&zygotes),
            capacity: Arc::clone(&capacity),
        };
        let count = deployer.restore()?;
        tracing::info!(functions = count, data_dir = %config.data_dir.display(), "platform is up");
        let platform = Arc::new(Self {
            config,
            registry,
            zygotes,
            capacity,
            deployer,
        });
        tokio::spawn(tend(Arc::downgrade(&platform)));
        Ok(platform)
    }

    /// The configuration it runs with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn deployer(&self) -> &Deployer {
        &self.deployer
    }

    pub(crate) fn zygotes(&self) -> &LanguageZygotes {
        &self.zygotes
    }

    /// Instances that live now.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.capacity.live()
    }

    /// Runs one invocation on the function's current version.
    pub(crate) async fn invoke(
        &self,
        function: &Function,
        invocation: &Invocation,
    ) -> (Arc<Version>, Outcome) {
        invoke::invoke(|| function.current(), invocation).await
    }

    /// Ends every process. To be called when no invocation runs any more, or none may run any longer.
    pub async fn stop(&self) {
        for function in self.registry.list() {
            function.stop();
        }
        for zygote in self.zygotes.iter() {
            // A zygote that cannot be ended in time is ended by the loss of its socket.
            let _ = tokio::time::timeout(END_TIMEOUT, zygote.stop()).await;
        }
        // A process that the system cannot end must not keep the platform from ending.
        let ended = tokio::task::spawn_blocking(orphans::end_all);
        let _ = tokio::time::timeout(END_TIMEOUT, ended).await;
    }
}

async fn tend(platform: std::sync::Weak<Platform>) {
    let mut ticks = tokio::time::interval(TENDING_INTERVAL);
    let mut ended = HashSet::new();
    loop {
        ticks.tick().await;
        let Some(platform) = platform.upgrade() else {
            return;
        };
        for function in platform.registry.list() {
            function.current().pool().tend();
        }
        orphans::reap(&mut ended);
    }
}
