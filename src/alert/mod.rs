//! Alerts: what is watched, what is wrong now, what was wrong before, and whom that is told.
//!
//! ```text
//!  sums of telemetry ─► recent ─► lifecycle (pure) ─► board ─► store ──┬─► alerts, for the API
//!  rules ───────────────────────────┘                 (one transaction)└─► outbox ─► courier ─► webhooks
//! ```
//! Evaluated every so often by one task; invocations know nothing of it. The lifecycle of an alert is drawn in
//! `lifecycle.rs`, that of a delivery in `outbox.rs`. Knows neither HTTP's paths nor what a function is, beyond its id and
//! name.

mod board;
mod book;
mod courier;
mod delivery;
mod lifecycle;
mod notice;
mod outbox;
mod recent;
mod rules;
mod ruling;
mod store;
mod usual;
mod webhooks;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, watch};
use tokio::task::JoinHandle;

pub(crate) use board::{Alert, Watched};
pub(crate) use book::Chapter;
pub(crate) use delivery::{Call, call, client};
pub(crate) use notice::{AlertState, AlertView, alert_name};
pub(crate) use outbox::{Delivery, DeliveryState, Waiting};
pub(crate) use rules::{Kind, RuleError, Rules};
pub(crate) use store::Filter;
pub(crate) use webhooks::{NewWebhook, Webhook};

use crate::cluster::Cluster;
use crate::config::Config;
use crate::seal::Sealer;
use crate::store::{Database, StoreError};
use crate::telemetry::Telemetry;
use crate::time::now_unix_ms;
use board::Board;
use book::RuleBook;
use courier::Courier;
use delivery::Patience;
use store::AlertStore;
use usual::Usual;

/// More alerts of an earlier run than these cannot fire: a rule fires once for each function.
const FIRING_MAX: usize = 1_000_000;
/// How long the end may take: a little more than the courier gives what is under way.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);
const DAY_MS: i64 = 86_400_000;

/// Why something about alerts cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    /// No alert has the id.
    #[error("no alert has the id `{0}`")]
    NoAlert(String),
    /// No webhook has the id.
    #[error("no webhook has the id `{0}`")]
    NoWebhook(String),
    /// There are as many as there may be.
    #[error(
        "there are {} webhooks already; delete one first",
        webhooks::WEBHOOKS_MAX
    )]
    TooManyWebhooks,
    /// A field cannot be used.
    #[error(transparent)]
    Field(#[from] RuleError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing can be sent.
    #[error("webhooks cannot be called")]
    Client(#[from] reqwest::Error),
}

/// The handle of everything here.
#[derive(Debug)]
pub(crate) struct Alerts {
    store: AlertStore,
    interval_ms: u64,
    /// Whether this node evaluated the last time: of several, one does.
    led: AtomicBool,
    book: RwLock<RuleBook>,
    /// Held while rules change, so that two changes do not lose each other.
    changing: Mutex<()>,
    board: Mutex<(Board, Usual)>,
    /// How many alerts fire, in the order of [`Kind::ALL`].
    firing: [AtomicUsize; Kind::ALL.len()],
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    courier: Mutex<Option<JoinHandle<()>>>,
}

impl Alerts {
    /// Reads what an earlier run left, and starts to send what waits. To be called before anything is invoked.
    pub(crate) async fn open(
        (database, sealer, cluster): (Database, Arc<Sealer>, Cluster),
        telemetry: &Telemetry,
        config: &Config,
    ) -> Result<Arc<Self>, AlertError> {
        let store = AlertStore::new(database, sealer, cluster);
        let book = ruling::read(&store, config.alert_interval_ms).await?;
        let firing = store.alerts(&firing(), FIRING_MAX).await?;
        let recent = usual::recent(telemetry, now_unix_ms()).await?;
        let board = Board::new(firing, recent);
        let (wake, (stop, stopped)) = (Arc::new(Notify::new()), watch::channel(false));
        let courier = Courier::new(store.clone(), Patience::of(config), Arc::clone(&wake))?;
        let alerts = Self {
            store,
            interval_ms: config.alert_interval_ms,
            led: AtomicBool::new(true),
            book: RwLock::new(book),
            changing: Mutex::default(),
            firing: Kind::ALL.map(|kind| AtomicUsize::new(board.firing(kind))),
            board: Mutex::new((board, Usual::default())),
            wake,
            stop,
            courier: Mutex::new(Some(tokio::spawn(courier.run(stopped)))),
        };
        Ok(Arc::new(alerts))
    }

    /// Evaluates every rule of these functions, all that there are.
    pub(crate) async fn evaluate(
        &self,
        functions: &[Watched],
        telemetry: &Telemetry,
    ) -> Result<(), StoreError> {
        let mut held = self.board.lock().await;
        if *self.stop.borrow() {
            return Ok(());
        }
        let (board, usual) = &mut *held;
        let leads = self.store.cluster.leads();
        if !self.led.swap(leads, Ordering::Relaxed) && leads {
            // Another node did meanwhile.
            let recent = usual::recent(telemetry, now_unix_ms()).await?;
            *usual = Usual::default();
            *board = Board::new(self.store.alerts(&firing(), FIRING_MAX).await?, recent);
        }
        if !leads {
            return Ok(());
        }
        let now = now_unix_ms();
        match usual.renewed(telemetry, now).await {
            Ok(Some(usual)) => board.set_usual(usual),
            Ok(None) => {}
            // Only one of the rules needs it, and what was usual yesterday is better than nothing.
            Err(error) => tracing::warn!(%error, "what functions usually cost cannot be read"),
        }
        let steps = board.steps(functions, &self.book(), now);
        let mut has_news = false;
        for mut step in steps {
            if let Some(alert) = &mut step.change {
                self.store.announce(alert, now).await?;
                has_news = true;
                report(alert);
            }
            board.take(step);
        }
        for (kind, count) in Kind::ALL.into_iter().zip(&self.firing) {
            count.store(board.firing(kind), Ordering::Relaxed);
        }
        if has_news {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// How many alerts fire.
    pub(crate) fn firing(&self) -> [(Kind, usize); Kind::ALL.len()] {
        let mut counts = Kind::ALL.map(|kind| (kind, 0));
        for (count, now) in counts.iter_mut().zip(&self.firing) {
            count.1 = now.load(Ordering::Relaxed);
        }
        counts
    }

    /// Alerts from the newest down.
    pub(crate) async fn list(
        &self,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Alert>, AlertError> {
        Ok(self.store.alerts(filter, limit).await?)
    }

    /// One alert.
    pub(crate) async fn get(&self, id: &str) -> Result<Alert, AlertError> {
        let missing = || AlertError::NoAlert(id.to_owned());
        let number = id
            .strip_prefix(notice::ALERT_PREFIX)
            .and_then(|id| id.parse().ok());
        let found = self.store.alert(number.ok_or_else(missing)?).await?;
        found.ok_or_else(missing)
    }

    /// Removes what is not kept any longer.
    pub(crate) async fn forget(&self, config: &Config) -> Result<(), StoreError> {
        let days = i64::try_from(config.alert_retention_days).unwrap_or(i64::MAX);
        let before = now_unix_ms().saturating_sub(days.saturating_mul(DAY_MS));
        self.store.forget(before).await
    }

    /// Seals every secret under the newest key. How many were under an older one.
    pub(crate) async fn reseal(&self) -> Result<usize, StoreError> {
        self.store.reseal().await
    }

    /// Evaluates and sends nothing any more.
    pub(crate) async fn stop(&self) {
        let _ = self.stop.send(true);
        let end = async {
            drop(self.board.lock().await);
            if let Some(courier) = self.courier.lock().await.take() {
                // It has nothing to say.
                let _ = courier.await;
            }
        };
        if tokio::time::timeout(STOP_TIMEOUT, end).await.is_err() {
            tracing::warn!("the last notices could not be sent in time");
        }
    }

    fn book(&self) -> RwLockReadGuard<'_, RuleBook> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that fire.
fn firing() -> Filter {
    Filter {
        state: Some(AlertState::Firing),
        ..Filter::default()
    }
}

/// Tells the platform's own log.
fn report(alert: &Alert) {
    let (function, rule, value) = (&alert.function, alert.kind.name(), alert.value);
    match alert.end {
        None => tracing::warn!(function, rule, value, "an alert fires"),
        Some((_, reason)) => tracing::info!(function, rule, ?reason, "an alert is resolved"),
    }
}
