//! What goes on because there are other nodes: this one says that it lives, and takes over what others change.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::{Platform, PlatformError};
use crate::alert::AlertError;
use crate::cluster::{Change, Cluster, Listening};
use crate::function::Followed;
use crate::function::deployment::DeployError;
use crate::secret::Secret;
use crate::store::StoreError;
use crate::websocket::Closing;

/// How long to wait before something is tried again that could not be taken over, or a beat that failed.
const RETRY_PAUSE: Duration = Duration::from_millis(500);
/// How long taking over one thing may take, with a version to be loaded.
const TAKE_OVER_TIMEOUT: Duration = Duration::from_secs(90);
/// How long the end may wait for the database.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(2);

/// Starts what runs until the platform is gone. A platform alone has none of it.
pub(super) fn spawn(platform: &Arc<Platform>) {
    let url = platform.config.database_url.clone();
    if let Some(url) = url.filter(|_| platform.cluster.is_shared()) {
        tokio::spawn(beat(Arc::downgrade(platform)));
        tokio::spawn(follow(Arc::downgrade(platform), url));
    }
}

impl Platform {
    /// This platform among others.
    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The others need not wait until it is not heard of.
    pub(super) async fn leave(&self) {
        let left = tokio::time::timeout(LEAVE_TIMEOUT, self.cluster.leave()).await;
        if !matches!(left, Ok(Ok(()))) {
            tracing::warn!("the other nodes could not be told that this one ends");
        }
    }

    /// Takes over what is stored now of something that has changed.
    async fn take_over(&self, change: &Change) -> Result<(), PlatformError> {
        match change {
            Change::Keys => self.auth.keys().follow().await?,
            Change::AlertRules => self.alerts.follow().await?,
            Change::Function(id) => match self.deployer.follow(id).await? {
                Followed::Here | Followed::Nothing => {}
                Followed::Gone(function) => self
                    .connections
                    .close_function(function.id(), Closing::FUNCTION_GONE),
            },
        }
        Ok(())
    }
}

/// Says every so often that this node lives.
async fn beat(platform: Weak<Platform>) {
    let mut was_well = true;
    loop {
        let Some(platform) = platform.upgrade() else {
            return;
        };
        let cluster = platform.cluster.clone();
        let beaten = cluster.beat().await;
        match &beaten {
            Ok(()) if !was_well => tracing::info!("the database is there again"),
            Err(error) if was_well => {
                let error = crate::error::chain(error);
                tracing::warn!(error, "this node cannot say that it lives");
            }
            Ok(()) | Err(_) => {}
        }
        was_well = beaten.is_ok();
        let live = cluster.live();
        for function in platform.registry.list() {
            function.gate().share(live);
        }
        drop(platform);
        let pause = cluster.beat_interval();
        let pause = if was_well {
            pause
        } else {
            pause.min(RETRY_PAUSE)
        };
        tokio::time::sleep(pause).await;
    }
}

/// Takes over what others change.
async fn follow(platform: Weak<Platform>, url: Secret) {
    let (mut listening, ended) = (Listening::new(url), Arc::new(Notify::new()));
    loop {
        let Some(platform) = platform.upgrade() else {
            return;
        };
        let here = || {
            let functions = platform.registry.list();
            functions.iter().map(|one| one.id().to_owned()).collect()
        };
        match platform.cluster.news(here).await {
            Ok(changes) => {
                for change in changes {
                    let (platform, ended) = (Arc::clone(&platform), Arc::clone(&ended));
                    tokio::spawn(async move {
                        take_over(&platform, &change).await;
                        ended.notify_one();
                    });
                }
            }
            Err(error) => tracing::debug!(%error, "what others have changed cannot be read"),
        }
        drop(platform);
        tokio::select! {
            () = listening.wait() => {}
            // What has changed once more while it was taken over is taken over again.
            () = ended.notified() => {}
        }
    }
}

async fn take_over(platform: &Platform, change: &Change) {
    let taken = tokio::time::timeout(TAKE_OVER_TIMEOUT, platform.take_over(change)).await;
    let taken = taken.unwrap_or_else(|_| Err(StoreError::from(sqlx::Error::PoolTimedOut).into()));
    let is_done = match &taken {
        Ok(()) => true,
        Err(error) if is_passing(error) => {
            tracing::debug!(?change, %error, "a change cannot be taken over yet");
            tokio::time::sleep(RETRY_PAUSE).await;
            false
        }
        // As at a start: others must not wait for what will not be.
        Err(error) => {
            let error = crate::error::chain(error);
            tracing::error!(?change, error, "a change cannot be taken over");
            true
        }
    };
    platform.cluster.took_over(change, is_done);
}

/// Whether another try makes sense: the database is away, or the thing is being changed here.
fn is_passing(error: &PlatformError) -> bool {
    let of_store = |error: &StoreError| matches!(error, StoreError::Database(_));
    match error {
        PlatformError::Restore(DeployError::Busy(_)) => true,
        PlatformError::Restore(DeployError::Store(error))
        | PlatformError::Alerts(AlertError::Store(error))
        | PlatformError::Database(error) => of_store(error),
        _ => false,
    }
}
