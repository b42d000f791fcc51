//! The one task that sends notices. Each webhook has its own turn, one notice at a time, so that a slow receiver holds up
//! nobody else. What was sent and could not be noted is sent again: at least once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinSet};

use super::AlertError;
use super::delivery::{self, Attempt, Patience};
use super::outbox::Delivery;
use super::store::AlertStore;
use crate::store::StoreError;
use crate::time::now_unix_ms;

/// The longest sleep, in case the clock is set.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// The longest sleep where there are several nodes.
const LOOK: Duration = Duration::from_secs(2);
/// How long to wait when the database cannot be read.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// How long attempts that are under way may take when the platform ends.
const LAST_TIMEOUT: Duration = Duration::from_secs(2);

/// The task's state.
#[derive(Debug)]
pub(super) struct Courier {
    store: AlertStore,
    patience: Patience,
    client: Client,
    wake: Arc<Notify>,
    /// Whose notice is under way.
    busy: HashMap<Id, String>,
    under_way: JoinSet<()>,
}

impl Courier {
    pub(super) fn new(
        store: AlertStore,
        patience: Patience,
        wake: Arc<Notify>,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            store,
            patience,
            client: delivery::client().build()?,
            wake,
            busy: HashMap::new(),
            under_way: JoinSet::new(),
        })
    }

    /// Sends until it is told to stop, and then waits a moment for what is under way.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let pause = self.send_what_is_due().await.unwrap_or_else(|error| {
                tracing::warn!(%error, "notices cannot be read");
                RETRY_PAUSE
            });
            tokio::select! {
                _ = stop.changed() => {}
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
                Some(done) = self.under_way.join_next_with_id() => {
                    let id = done.map_or_else(|error| error.id(), |(id, ())| id);
                    self.busy.remove(&id);
                }
            }
        }
        let rest = async { while self.under_way.join_next().await.is_some() {} };
        // What does not end in time is sent again by the next run.
        let _ = tokio::time::timeout(LAST_TIMEOUT, rest).await;
    }

    /// Begins to send to each webhook that has its turn. How long nothing more is due.
    async fn send_what_is_due(&mut self) -> Result<Duration, StoreError> {
        if !self.store.cluster.leads() {
            return Ok(LOOK);
        }
        let now = now_unix_ms();
        // What others have written wakes nobody here.
        let mut pause = match self.store.cluster.is_shared() {
            true => LOOK,
            false => SLEEP_MAX,
        };
        for waiting in self.store.waiting().await? {
            if self.busy.values().any(|id| *id == waiting.webhook_id) {
                continue;
            }
            match u64::try_from(waiting.next_unix_ms - now) {
                Ok(ms @ 1..) => pause = pause.min(Duration::from_millis(ms)),
                _ => self.send(waiting.webhook_id),
            }
        }
        Ok(pause)
    }

    fn send(&mut self, webhook_id: String) {
        let (store, client, patience) = (self.store.clone(), self.client.clone(), self.patience);
        let id = webhook_id.clone();
        let sending = async move {
            if let Err(error) = send_next(&store, &client, patience, &webhook_id).await {
                tracing::warn!(%error, webhook = webhook_id, "a notice cannot be sent");
                // Whoever cannot be served at once must not be asked for all the time.
                tokio::time::sleep(RETRY_PAUSE).await;
            }
        };
        let task = self.under_way.spawn(sending);
        self.busy.insert(task.id(), id);
    }
}

/// Sends what a webhook is to be sent next, and keeps what came of it.
async fn send_next(
    store: &AlertStore,
    client: &Client,
    patience: Patience,
    webhook_id: &str,
) -> Result<(), AlertError> {
    let Some(delivery) = store.next_delivery(webhook_id).await? else {
        return Ok(());
    };
    let webhook = store.webhook(webhook_id).await?;
    let attempt = match store.secret(&webhook) {
        Ok(secret) => {
            let now_unix_s = now_unix_ms() / 1_000;
            delivery::attempt(client, &webhook.url, secret.as_ref(), &delivery, now_unix_s).await
        }
        Err(error) => Attempt::failed(format!("the secret cannot be opened: {error}")),
    };
    fail::fail_point!("alert::sent");
    let delivery: Delivery = patience.after(delivery, attempt, now_unix_ms());
    Ok(store.keep_attempt(&delivery).await?)
}
