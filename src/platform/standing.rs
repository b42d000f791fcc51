//! What others on the machine are told of the platform: whose the data folder is, whether it serves, and whether it lives.

use std::sync::Arc;
use std::time::Duration;

use super::{Platform, PlatformError};
use crate::config::Config;
use crate::store::FolderLock;

/// How long the platform before this one, which may still drain, may keep the data folder.
const LOCK_PATIENCE: Duration = Duration::from_secs(45);

/// Makes the data folder this platform's own.
pub(super) async fn lock(config: &Arc<Config>) -> Result<FolderLock, PlatformError> {
    let config = Arc::clone(config);
    let locked = tokio::task::spawn_blocking(move || {
        let lock = FolderLock::take(&config.data_dir, LOCK_PATIENCE)?;
        lock.is_whole()?;
        lock.say(false, None);
        Ok(lock)
    });
    locked
        .await
        .map_err(|error| PlatformError::Thread(error.into()))?
}

impl Platform {
    /// Whether the state can be read. A server elsewhere may be away for a while without anything being wrong here.
    pub async fn store_answers(&self) -> bool {
        self.state.is_shared() || self.state.answers().await
    }

    /// Waits until each language is up, or known to be unavailable.
    pub async fn ready(&self) {
        for zygote in self.zygotes.iter() {
            // What is wrong with one is told to those who need it.
            let _ = zygote.status().await;
        }
    }

    /// Says in the data folder that it serves, and why it did not hand over, if it was asked to.
    pub(crate) fn say_it_serves(&self, refused: Option<(i64, String)>) {
        self.lock.say(true, refused);
    }
}
