//! Why the platform cannot run.

use crate::alert::AlertError;
use crate::artifact::ArtifactError;
use crate::auth::AuthSetupError;
use crate::config::ConfigError;
use crate::function::deployment::DeployError;
use crate::isolation::IsolationError;
use crate::marketplace;
use crate::seal::SealError;
use crate::source::RootsError;
use crate::store::{LockError, StoreError};
use crate::trace::TraceError;

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
    /// The data folder is not this platform's.
    #[error(transparent)]
    Lock(#[from] LockError),
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
    /// Webhooks cannot be called.
    #[error("webhooks cannot be called")]
    Outlet(#[from] reqwest::Error),
    /// Encrypted servers of queue triggers cannot be told from others.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// How functions are to be isolated makes no sense.
    #[error(transparent)]
    Isolation(#[from] IsolationError),
    /// The archives of code cannot be used.
    #[error(transparent)]
    Archives(#[from] ArtifactError),
    /// The built-in templates of the marketplace cannot be used.
    #[error(transparent)]
    Templates(#[from] marketplace::Problem),
    /// Spans cannot be sent.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// Stored functions cannot be read.
    #[error("stored functions cannot be read")]
    Restore(#[from] DeployError),
}
