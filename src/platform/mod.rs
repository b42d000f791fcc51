//! The platform put together: configuration in, running parts out. The one place where everything is made.

mod alerting;
mod delivering;
mod destinations;
mod error;
pub(crate) mod events;
mod housekeeping;
mod invoking;
mod messages;
mod nodes;
mod rollouts;
mod scaling;
mod schedules;
pub(crate) mod sources;
mod spans;
mod standing;

use std::sync::Arc;
use std::time::{Duration, Instant};

pub use error::PlatformError;

use crate::alert::Alerts;
use crate::artifact::Artifacts;
use crate::auth::Auth;
use crate::background::Background;
use crate::cluster::Cluster;
use crate::config::{Config, Networks};
use crate::function::Registry;
use crate::function::dependencies::Dependencies;
use crate::function::deployment::Deployer;
use crate::function::folder::Folders;
use crate::function::manifest::{LANGUAGES, RUNTIMES};
use crate::function::store::FunctionStore;
use crate::function::store::answers::Answers;
use crate::isolation::Isolation;
use crate::marketplace::Catalogue;
use crate::pool::Capacity;
use crate::queue::{Outlet, Queue};
use crate::scaling::Scaling;
use crate::seal::Sealer;
use crate::store::{Database, FolderLock};
use crate::telemetry::Telemetry;
use crate::trace::Tracer;
use crate::websocket::Connections;
use crate::zygote::{LanguageZygotes, Limits, orphans};

/// How long the last processes may take to disappear.
const END_TIMEOUT: Duration = Duration::from_secs(2);

/// Opened in the background, because a database's threads are as important as the one that opens it.
async fn open_telemetry(config: &Arc<Config>) -> Result<Arc<Telemetry>, PlatformError> {
    let background = Background::start().map_err(PlatformError::Thread)?;
    let known = Arc::clone(config);
    let opened = background.spawn(async move {
        // Sums of several nodes under one name would be whoever's wrote last: each keeps its own.
        let url = known.database_url.as_ref().filter(|_| !known.is_node());
        Database::telemetry(&known.data_dir, url).await
    });
    let database = opened
        .await
        .map_err(|error| PlatformError::Thread(error.into()))??;
    Ok(Telemetry::open(database, config, background).await?)
}

fn open_folders(config: &Config, artifacts: &Artifacts) -> Result<Arc<Folders>, PlatformError> {
    let timeout = Duration::from_millis(config.dependency_timeout_ms);
    let opened = Dependencies::open(&config.data_dir, timeout)
        .and_then(|dependencies| Folders::open(&config.data_dir, artifacts.clone(), dependencies));
    let failed = |source| PlatformError::DataFolder {
        folder: config.data_dir.display().to_string(),
        source,
    };
    opened.map(Arc::new).map_err(failed)
}

/// Everything that serves.
#[derive(Debug)]
pub struct Platform {
    config: Arc<Config>,
    lock: FolderLock,
    auth: Auth,
    sealer: Arc<Sealer>,
    answers: Answers,
    state: Database,
    cluster: Cluster,
    telemetry: Arc<Telemetry>,
    marketplace: Arc<Catalogue>,
    alerts: Arc<Alerts>,
    queue: Arc<Queue>,
    outlet: Outlet,
    subscribers: events::Subscribers,
    connections: Arc<Connections>,
    sources: sources::Sources,
    tracer: Tracer,
    started: Instant,
    registry: Arc<Registry>,
    trusted_proxies: Networks,
    zygotes: Arc<LanguageZygotes>,
    isolation: Arc<Isolation>,
    capacity: Arc<Capacity>,
    scaling: Scaling,
    deployer: Deployer,
}

impl Platform {
    /// Starts the zygotes and makes stored functions known.
    ///
    /// # Errors
    /// When the configuration or the data folder cannot be used.
    pub async fn start(config: Config) -> Result<Arc<Self>, PlatformError> {
        let config = Arc::new(config);
        let lock = standing::lock(&config).await?;
        let sealer = Arc::new(Sealer::open(&config)?);
        let state = Database::state(&config.data_dir, config.database_url.as_ref()).await?;
        let cluster = Cluster::join(&state, &config).await?;
        let auth = Auth::open(state.clone(), cluster.clone(), &config).await?;
        let scaling = Scaling::open(state.clone(), config.scaling).await?;
        let telemetry = open_telemetry(&config).await?;
        let parts = (state.clone(), Arc::clone(&sealer), cluster.clone());
        let alerts = Alerts::open(parts, &telemetry, &config).await?;
        let tracer = Tracer::start(&config)?;
        let registry = Arc::new(Registry::default());
        orphans::inherit();
        let isolation = Arc::new(Isolation::start(&config)?);
        let zygotes = Arc::new(LanguageZygotes::start(
            &RUNTIMES,
            &config.runtime_directory()?,
            &isolation,
            Limits::new(&config),
        ));
        let capacity = Arc::new(Capacity::new(config.max_instances, config.max_zygotes));
        let artifacts = Artifacts::open(&config)?;
        let folders = open_folders(&config, &artifacts)?;
        let deployer = Deployer {
            config: Arc::clone(&config),
            store: FunctionStore::new(state.clone(), Arc::clone(&sealer), cluster.clone()),
            cluster: cluster.clone(),
            artifacts,
            folders,
            collecting: tokio::sync::RwLock::default(),
            registry: Arc::clone(&registry),
            routes: Arc::default(),
            zygotes: Arc::clone(&zygotes),
            capacity: Arc::clone(&capacity),
            intake: Arc::clone(telemetry.intake()),
        };
        let count = deployer.restore().await?;
        let limits = delivering::limits(&config, &registry);
        let (queue, claimed) = Queue::open(state.clone(), &config.events, limits).await?;
        let platform = Arc::new(Self {
            sources: sources::Sources::new(&config)?,
            auth,
            sealer,
            answers: Answers::new(state.clone()),
            state,
            cluster,
            telemetry,
            marketplace: Arc::new(Catalogue::open(config.marketplace_dir.clone(), &LANGUAGES)?),
            alerts,
            queue,
            outlet: Outlet::new(config.events.private_webhooks)?,
            subscribers: events::Subscribers::default(),
            trusted_proxies: Networks::parse(&config.trusted_proxies).unwrap_or_default(),
            connections: Connections::new(config.websockets.connections_max),
            config,
            lock,
            tracer,
            started: Instant::now(),
            registry,
            zygotes,
            isolation,
            capacity,
            scaling,
            deployer,
        });
        housekeeping::spawn(&platform, claimed).map_err(PlatformError::Thread)?;
        tracing::info!(functions = count, data_dir = %platform.config.data_dir.display(), "platform is up");
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

    pub(crate) fn marketplace(&self) -> &Arc<Catalogue> {
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

    /// Functions whose callers wait for the platform's room.
    pub(crate) fn functions_waiting(&self) -> usize {
        self.capacity.hungry()
    }

    /// How many instances functions have ready, and why.
    pub(crate) fn scaling(&self) -> &Scaling {
        &self.scaling
    }

    /// Logs, records and figures.
    pub(crate) fn telemetry(&self) -> &Arc<Telemetry> {
        &self.telemetry
    }

    /// Where traces begin and end.
    pub(crate) fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// Connections of functions.
    pub(crate) fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    /// How long it has been up.
    pub(crate) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Ends every process. To be called when no invocation runs any more, or none may run any longer.
    pub async fn stop(&self) {
        let patience = self.config.drain_timeout();
        tokio::join!(self.sources.stop(patience), self.queue.stop(patience));
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
        self.save_learned().await;
        self.alerts.stop().await;
        self.leave().await;
        tokio::join!(self.tracer.stop(), self.telemetry.stop());
        self.state.close().await;
    }
}
