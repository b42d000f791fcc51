//! Removes what nobody needs any more, now and then: superseded versions, archives, kept answers, old logs, alerts
//! and deliveries.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use super::Platform;
use crate::queue::Delivery;

/// How long answers to requests with an `Idempotency-Key` are kept.
const ANSWERS_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// The shortest interval: shorter ones would do nothing but look.
const INTERVAL_MIN: Duration = Duration::from_millis(100);

/// Everything that goes on by itself.
pub(super) fn spawn(
    platform: &Arc<Platform>,
    claimed: UnboundedReceiver<Delivery>,
) -> std::io::Result<()> {
    super::nodes::spawn(platform);
    let platform = || Arc::downgrade(platform);
    tokio::spawn(super::scaling::run(platform()));
    tokio::spawn(run(platform()));
    tokio::spawn(watch_addresses(platform()));
    tokio::spawn(super::alerting::run(platform()));
    tokio::spawn(super::schedules::run(platform()));
    super::sources::start(platform())?;
    super::delivering::start(platform(), claimed)
}

/// Runs until the platform is gone.
pub(super) async fn run(platform: Weak<Platform>) {
    loop {
        let Some(interval) = once(&platform).await else {
            return;
        };
        tokio::time::sleep(interval.max(INTERVAL_MIN)).await;
    }
}

/// How often the machine's addresses are looked at.
const ADDRESSES_INTERVAL: Duration = Duration::from_secs(30);

/// Keeps functions from addresses that the machine has got meanwhile, until the platform is gone.
pub(super) async fn watch_addresses(platform: Weak<Platform>) {
    loop {
        tokio::time::sleep(ADDRESSES_INTERVAL).await;
        let Some(platform) = platform.upgrade() else {
            return;
        };
        // A panic in there would have been told.
        let _ = tokio::task::spawn_blocking(move || platform.isolation.refresh()).await;
    }
}

/// How long to wait before the next time.
async fn once(platform: &Weak<Platform>) -> Option<Duration> {
    let platform = platform.upgrade()?;
    match platform.deployer.collect().await {
        Ok(0) => {}
        Ok(archives) => tracing::info!(archives, "archives that no version needs were removed"),
        Err(error) => tracing::warn!(%error, "superseded versions cannot be removed"),
    }
    if let Err(error) = platform.cluster.forget().await {
        tracing::warn!(%error, "old changes cannot be removed");
    }
    if let Err(error) = platform.answers.expire(ANSWERS_KEPT).await {
        tracing::warn!(%error, "old answers cannot be removed");
    }
    if let Err(error) = platform.telemetry.forget(&platform.config).await {
        tracing::warn!(%error, "old logs and metrics cannot be removed");
    }
    if let Err(error) = platform.alerts.forget(&platform.config).await {
        tracing::warn!(%error, "old alerts cannot be removed");
    }
    if let Err(error) = platform.queue.forget(&platform.config.events).await {
        tracing::warn!(%error, "old deliveries cannot be removed");
    }
    Some(Duration::from_millis(
        platform.config.collection_interval_ms,
    ))
}
