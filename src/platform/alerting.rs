//! Evaluates the rules of alerts every so often.

use std::sync::Weak;
use std::time::Duration;

use super::Platform;
use crate::alert::{Alerts, Watched};

impl Platform {
    /// What is wrong with functions, and whom that is told.
    pub(crate) fn alerts(&self) -> &Alerts {
        &self.alerts
    }
}

/// Runs until the platform is gone.
pub(super) async fn run(platform: Weak<Platform>) {
    loop {
        let Some(interval) = once(&platform).await else {
            return;
        };
        tokio::time::sleep(interval).await;
    }
}

/// How long to wait before the next time.
async fn once(platform: &Weak<Platform>) -> Option<Duration> {
    let platform = platform.upgrade()?;
    let functions = platform.registry.list().into_iter().map(|function| {
        let live = platform.telemetry.intake().live(function.id());
        Watched {
            id: function.id().into(),
            name: function.name().to_owned(),
            figures: live.figures(),
        }
    });
    let functions: Vec<Watched> = functions.collect();
    let evaluated = platform.alerts.evaluate(&functions, &platform.telemetry);
    if let Err(error) = evaluated.await {
        tracing::warn!(%error, "alerts cannot be evaluated");
    }
    Some(Duration::from_millis(platform.config.alert_interval_ms))
}
