//! Tells the service manager's watchdog that the platform lives, as long as it does: every thread that serves connections
//! answers, and the state can be read. One that is stuck says nothing, and is started anew by the manager.

use std::sync::Arc;

use crate::gateway::Pulse;
use crate::platform::Platform;
use crate::service::Notifier;

/// Watches until the platform's threads end.
pub(super) fn watch(notifier: Notifier, platform: &Arc<Platform>, pulse: Pulse) {
    let Some(interval) = notifier.watchdog() else {
        return;
    };
    let platform = Arc::downgrade(platform);
    tokio::spawn(async move {
        loop {
            let lives = async {
                pulse.beats().await
                    && match platform.upgrade() {
                        // An end takes as long as it may take, and its files may be closed already.
                        Some(platform) => platform.store_answers().await || pulse.has_ended(),
                        None => true,
                    }
            };
            match tokio::time::timeout(interval, lives).await {
                Ok(true) => notifier.alive(),
                _ => tracing::error!(
                    "a thread or the state does not answer; the watchdog is not told that all is well"
                ),
            }
            tokio::time::sleep(interval / 2).await;
        }
    });
}
