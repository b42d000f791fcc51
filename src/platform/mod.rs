//! The platform put together: configuration in, running parts out. The one place where everything is made.

mod alerting;
mod housekeeping;
mod invoking;
mod spans;

use std::collections::HashSet;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::alert::{AlertError, Alerts};
use crate::artifact::{ArtifactError, Artifacts};
use crate::auth::{Auth, AuthSetupError};
use crate::background::Background;
use crate::config::{Config, ConfigError, Networks};
use crate::function::dependencies::Dependencies;
use crate::function::deployment::{DeployError, Deployer};
use crate::function::folder::Folders;
use crate::function::manifest::RUNTIMES;
use crate::function::store::FunctionStore;
use crate::function::store::answers::Answers;
use crate::function::{Registry, Routes};
use crate::isolation::{Isolation, IsolationError};
use crate::marketplace::{Catalogue, TemplateError};
use crate::pool::Capacity;
use crate::seal::{SealError, Sealer};
use crate::store::{Database, StoreError};
use crate::telemetry::Telemetry;
use crate::trace::{TraceError, Tracer};
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
    /// The system gives no thread, or one broke.
    #[error("a thread cannot be started")]
    Thread(#[source] std::io::Error),
    /// A database cannot be used.
    #[error("the database cannot be used")]
    Database(#[from] StoreError),
    /// The master keys cannot be used.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Callers cannot be told apart.
    #[error(transparent)]
    Auth(#[from] AuthSetupError),
    /// Alerts cannot be used.
    #[error("alerts cannot be used")]
    Alerts(#[from] AlertError),
    /// How functions are to be isolated makes no sense.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// The archives of code cannot be used.
    #[error(transparent)]
    Archives(#[from] ArtifactError),
    /// The templates of the marketplace cannot be used.
    #[error(transparent)]
    Templates(#[from] TemplateError),
    /// Spans cannot be sent.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// Stored functions cannot be read.
    #[error("stored functions cannot be read")]
    Restore(#[from] DeployError),
}

/// Opened in the background, because a database's threads are as important as the one that opens it.
async fn open_telemetry(config: &Arc<Config>) -> Result<Arc<Telemetry>, PlatformError> {
    let background = Background::start().map_err(PlatformError::Thread)?;
    let known = Arc::clone(config);
    let opened = background.spawn(async move {
        Database::telemetry(&known.data_dir, known.database_url.as_ref()).await
    });
    let database = opened
        .await
        .map_err(|error| PlatformError::Thread(error.into()))??;
    Ok(Telemetry::open(database, config, background).await?)
}

/// Everything that serves.
#[derive(Debug)]
pub struct Platform {
    config: Arc<Config>,
    auth: Auth,
    sealer: Arc<Sealer>,
    answers: Answers,
    state: Database,
    telemetry: Arc<Telemetry>,
    marketplace: Catalogue,
    alerts: Arc<Alerts>,
    tracer: Tracer,
    started: Instant,
    registry: Arc<Registry>,
    routes: Arc<Routes>,
    trusted_proxies: Networks,
    zygotes: Arc<LanguageZygotes>,
    isolation: Arc<Isolation>,
    capacity: Arc<Capacity>,
    deployer: Deployer,
}

impl Platform {
    /// Starts the zygotes and makes stored functions known.
    ///
    /// # Errors
    /// When the configuration or the data folder cannot be used.
    pub async fn start(config: Config) -> Result<Arc<Self>, PlatformError> {
        let config = Arc::new(config);
        let files = |source| PlatformError::DataFolder {
            folder: config.data_dir.display().to_string(),
            source,
        };
        prepare_data_dir(&config.data_dir).map_err(files)?;
        let marketplace = Catalogue::open(config.marketplace_dir.as_deref())?;
        let sealer = Arc::new(Sealer::open(&config)?);
        let url = config.database_url.as_ref();
        let state = Database::state(&config.data_dir, url).await?;
        let auth = Auth::open(state.clone(), &config).await?;
        let telemetry = open_telemetry(&config).await?;
        let alerts = Alerts::open(state.clone(), Arc::clone(&sealer), &telemetry, &config).await?;
        let tracer = Tracer::start(&config)?;
        let (registry, routes) = (Arc::new(Registry::default()), Arc::new(Routes::default()));
        orphans::inherit();
        let isolation = Arc::new(Isolation::start(&config)?);
        let zygotes = Arc::new(LanguageZygotes::start(
            &RUNTIMES,
            &config.runtime_directory()?,
            &isolation,
        ));
        let capacity = Arc::new(Capacity::new(config.max_instances));
        let artifacts = Artifacts::open(&config.data_dir)?;
        let timeout = Duration::from_millis(config.dependency_timeout_ms);
        let dependencies = Dependencies::open(&config.data_dir, timeout).map_err(files)?;
        let folders = Folders::open(&config.data_dir, artifacts.clone(), dependencies);
        let folders = folders.map_err(files)?;
        let deployer = Deployer {
            config: Arc::clone(&config),
            store: FunctionStore::new(state.clone(), Arc::clone(&sealer)),
            artifacts,
            folders: Arc::new(folders),
            collecting: tokio::sync::RwLock::default(),
            registry: Arc::clone(&registry),
            routes: Arc::clone(&routes),
            zygotes: Arc::clone(&zygotes),
            capacity: Arc::clone(&capacity),
            intake: Arc::clone(telemetry.intake()),
        };
        let count = deployer.restore().await?;
        tracing::info!(functions = count, data_dir = %config.data_dir.display(), "platform is up");
        let trusted_proxies = Networks::parse(&config.trusted_proxies).unwrap_or_default();
        let platform = Arc::new(Self {
            config,
            auth,
            sealer,
            answers: Answers::new(state.clone()),
            state,
            telemetry,
            marketplace,
            alerts,
            tracer,
            started: Instant::now(),
            registry,
            routes,
            trusted_proxies,
            zygotes,
            isolation,
            capacity,
            deployer,
        });
        tokio::spawn(tend(Arc::downgrade(&platform)));
        tokio::spawn(housekeeping::run(Arc::downgrade(&platform)));
        tokio::spawn(housekeeping::watch_addresses(Arc::downgrade(&platform)));
        tokio::spawn(alerting::run(Arc::downgrade(&platform)));
        Ok(platform)
    }

    /// The configuration it runs with.
    #[must_use]
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(crate) fn deployer(&self) -> &Deployer {
        &self.deployer
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.auth
    }

    pub(crate) fn sealer(&self) -> &Sealer {
        &self.sealer
    }

    pub(crate) fn answers(&self) -> &Answers {
        &self.answers
    }

    pub(crate) fn marketplace(&self) -> &Catalogue {
        &self.marketplace
    }

    pub(crate) fn isolation(&self) -> &Isolation {
        &self.isolation
    }

    pub(crate) fn zygotes(&self) -> &LanguageZygotes {
        &self.zygotes
    }

    /// Instances that live now.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.capacity.live()
    }

    /// Logs, records and figures.
    pub(crate) fn telemetry(&self) -> &Arc<Telemetry> {
        &self.telemetry
    }

    /// Where traces begin and end.
    pub(crate) fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// How long it has been up.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
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
        let isolation = Arc::clone(&self.isolation);
        let closed = tokio::task::spawn_blocking(move || isolation.close());
        let _ = tokio::time::timeout(END_TIMEOUT, closed).await;
        self.alerts.stop().await;
        tokio::join!(self.tracer.stop(), self.telemetry.stop());
        self.state.close().await;
    }
}

/// The folder is for its owner's eyes: it holds code, and under a key of its own, secrets.
fn prepare_data_dir(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
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
            function.tend();
        }
        orphans::reap(&mut ended);
    }
}
