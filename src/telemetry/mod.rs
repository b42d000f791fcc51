//! What the platform remembers of invocations and of what user code wrote: lines, records, and sums over them.
//!
//! ```text
//!  invocation ends ─► record ─┐                                   ┌─► logs, invocations, figures (telemetry database)
//!  user code writes ─► line ──┴─► intake (bounded) ─► one writer ─┴─► followers
//!                       └─► figures of now, for the API at once
//! ```
//! Recording costs an invocation two short locks; nothing on its way waits for the database. Knows neither HTTP nor
//! processes.

mod buckets;
mod detail;
mod figures;
mod flood;
mod histogram;
mod intake;
mod line;
mod pending;
mod pulse;
mod query;
mod record;
mod retention;
mod statements;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, broadcast, watch};
use tokio::task::JoinHandle;
use zygo_wire::control::Level;

pub(crate) use buckets::{BOUNDS_US, Buckets};
pub(crate) use detail::Detail;
pub(crate) use figures::Figures;
pub(crate) use intake::{InFlight, Intake, Live};
pub(crate) use line::{Line, NS_PER_MS, instance_name, weight};
pub(crate) use pulse::Pulse;
pub(crate) use query::{Lines, Point, StoredRecord};
pub(crate) use record::{CANCELLED, MINUTE_MS, OK, Record};

use crate::background::Background;
use crate::config::Config;
use crate::store::{Database, StoreError};
use flood::Allowance;
use writer::Writer;

/// Batches that a follower may be behind before it has to read from the store again.
const FOLLOWERS_BEHIND_MAX: usize = 64;
/// How long the last batch may take.
const LAST_BATCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The handle of everything here.
#[derive(Debug)]
pub(crate) struct Telemetry {
    database: Database,
    intake: Arc<Intake>,
    followers: broadcast::Sender<Arc<Vec<Line>>>,
    /// Whether followers are to go.
    parting: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Where the writer runs, for as long as this is there.
    _background: Background,
}

impl Telemetry {
    /// Reads the sums of earlier runs and starts the writer in the background.
    pub(crate) async fn open(
        database: Database,
        config: &Config,
        background: Background,
    ) -> Result<Arc<Self>, StoreError> {
        let allowance = Allowance {
            bytes_per_second: config.log_rate_bytes_per_s,
            burst_bytes: config.log_burst_bytes,
        };
        let known = query::beginnings(&database).await?;
        let intake = Arc::new(Intake::new(allowance, known));
        let (followers, _) = broadcast::channel(FOLLOWERS_BEHIND_MAX);
        let (stop, stopped) = watch::channel(false);
        let writer = Writer::new(database.clone(), Arc::clone(&intake), followers.clone());
        let writer = background.spawn(writer.run(stopped));
        Ok(Arc::new(Self {
            database,
            intake,
            followers,
            parting: watch::Sender::new(false),
            stop,
            writer: Mutex::new(Some(writer)),
            _background: background,
        }))
    }

    /// Where lines and records go.
    pub(crate) fn intake(&self) -> &Arc<Intake> {
        &self.intake
    }

    /// Every line from now on, in batches, as soon as it is stored.
    pub(crate) fn follow(&self) -> broadcast::Receiver<Arc<Vec<Line>>> {
        self.followers.subscribe()
    }

    /// Turns true when followers are to go, because the platform is about to end.
    pub(crate) fn parting(&self) -> watch::Receiver<bool> {
        self.parting.subscribe()
    }

    /// Sends followers away.
    pub(crate) fn part(&self) {
        self.parting.send_replace(true);
    }

    /// Writes what waits, and no more.
    pub(crate) async fn stop(&self) {
        let _ = self.stop.send(true);
        if let Some(writer) = self.writer.lock().await.take()
            && tokio::time::timeout(LAST_BATCH_TIMEOUT, writer)
                .await
                .is_err()
        {
            tracing::warn!("the last logs and metrics could not be written in time");
        }
        self.database.close().await;
    }
}

/// Where the lines of one invocation go, or those of a version that belong to none.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    intake: Arc<Intake>,
    live: Arc<Live>,
    function_id: Arc<str>,
    version: u32,
    request_id: Option<Arc<str>>,
}

impl Journal {
    /// Of a version.
    pub(crate) fn new(intake: &Arc<Intake>, function_id: &str, version: u32) -> Self {
        Self {
            intake: Arc::clone(intake),
            live: intake.live(function_id),
            function_id: function_id.into(),
            version,
            request_id: None,
        }
    }

    /// Of one invocation of that version.
    pub(crate) fn of(&self, request_id: &Arc<str>) -> Self {
        Self {
            request_id: Some(Arc::clone(request_id)),
            ..self.clone()
        }
    }

    /// The function's id.
    pub(crate) fn function_id(&self) -> &Arc<str> {
        &self.function_id
    }

    /// An invocation begins.
    pub(crate) fn begin(&self) -> InFlight {
        self.intake.begin(&self.live)
    }

    /// What came of the function since this was last asked.
    pub(crate) fn take_pulse(&self) -> Pulse {
        self.live.take_pulse()
    }

    /// An invocation has ended.
    pub(crate) fn record(&self, record: Record) {
        self.intake.record(&self.live, record);
    }

    /// Keeps a line.
    pub(crate) fn line(&self, level: Level, text: &str, instance: Option<i64>) {
        let line = Line {
            id: 0,
            function_id: Arc::clone(&self.function_id),
            version: self.version,
            level,
            text: text.to_owned(),
            request_id: self.request_id.clone(),
            instance,
        };
        self.intake.line(&self.live, line);
    }
}
