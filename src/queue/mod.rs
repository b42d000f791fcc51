//! The durable queue: what is to be invoked later, and what came of it.
//!
//! ```text
//!  accept ─► ledger ══ one transaction for all who ask meanwhile ══► claimed ─► whoever runs it ─► finish ─► ledger
//!              ▲                                                                                       (or again, or dead)
//!              └─ due: the next attempt, the next tick
//! ```
//! A caller is told once what it gave is on the disk, and from then on it is delivered at least once: a supervisor that is
//! killed leaves claims behind that are given back, at once where nobody else uses the database, after a lease otherwise.
//! The life of a delivery is drawn in `delivery.rs`. How much waits is bounded, how much runs is too, by function and in
//! all. Knows neither HTTP nor what a function is, beyond its id, and runs nothing itself.

mod changes;
mod claims;
mod delivery;
mod earlier;
mod finishes;
mod ids;
mod lanes;
mod ledger;
mod outlet;
mod query;
mod retry;
mod room;
mod rows;
mod schedules;
mod settings;
mod settling;
mod sharing;
#[cfg(test)]
mod tests;
mod transaction;
mod turn;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub(crate) use changes::CHANGES_MAX;
pub(crate) use delivery::{Delivery, Kind, LastError, NewDelivery, Payload, State, id};
pub(crate) use ledger::Limits;
pub(crate) use outlet::Outlet;
pub(crate) use query::Counts;
pub(crate) use retry::{Ending, Next, Retry};
pub(crate) use room::Totals;
pub(crate) use schedules::{LastTick, ScheduleId};
pub(crate) use settings::QueueSettings;
pub(crate) use work::{Accepted, Batch, Change, Dead, Finish, Once, QueueError, Tick};

use crate::store::{Database, StoreError};
use ledger::Ledger;
use room::Room;
use work::Command;

/// Requests that may wait for the ledger.
const COMMANDS_MAX: usize = 8_192;
/// How long the last transaction may take when the platform ends.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(2);

/// The handle of the queue.
#[derive(Debug)]
pub(crate) struct Queue {
    database: Database,
    runner: String,
    room: Arc<Room>,
    commands: mpsc::Sender<Command>,
    ends: AtomicBool,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Queue {
    /// Takes up what an earlier run left. Claimed deliveries come out of the second half, each to be finished once.
    pub(crate) async fn open(
        database: Database,
        settings: &QueueSettings,
        limits: Limits,
    ) -> Result<(Arc<Self>, mpsc::UnboundedReceiver<Delivery>), StoreError> {
        let runner = format!("{:016x}", fastrand::u64(..));
        let room = Arc::new(Room::new(settings.rows_max, settings.bytes_max));
        let (sender, receiver) = mpsc::unbounded_channel();
        let (commands, asked) = mpsc::channel(COMMANDS_MAX);
        let mut ledger = Ledger::new(
            database.clone(),
            runner.clone(),
            Arc::clone(&room),
            limits,
            settings.lease(),
            sender,
        );
        recover(&mut ledger).await?;
        let queue = Self {
            database,
            runner,
            room,
            commands,
            ends: AtomicBool::new(false),
            task: Mutex::new(Some(tokio::spawn(ledger.run(asked)))),
        };
        Ok((Arc::new(queue), receiver))
    }

    /// Stores deliveries. When this returns well, they are on the disk.
    pub(crate) async fn accept(&self, batch: Batch) -> Result<Accepted, QueueError> {
        if self.ends.load(Ordering::Relaxed) {
            return Err(QueueError::Stopped);
        }
        let (rows, bytes) = turn::size(&batch);
        self.room.reserve(rows, bytes)?;
        let (answer, answered) = oneshot::channel();
        if self
            .commands
            .try_send(Command::Accept(batch, answer))
            .is_err()
        {
            self.room.release(rows, bytes);
            return Err(QueueError::Full("too many requests wait to be stored"));
        }
        answered.await.unwrap_or(Err(QueueError::Stopped))
    }

    /// Stores what came of a delivery that was claimed.
    pub(crate) async fn finish(&self, finish: Finish) {
        // Without a ledger the platform ends; the delivery is given back.
        let _ = self.commands.send(Command::Finish(Box::new(finish))).await;
    }

    /// Makes a change. How many deliveries it was made to; at most [`CHANGES_MAX`] at a time.
    pub(crate) async fn change(&self, change: Change) -> Result<u64, QueueError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.commands.send(Command::Change(change, answer)).await;
        sent.map_err(|_| QueueError::Stopped)?;
        answered.await.unwrap_or(Err(QueueError::Stopped))
    }

    /// How many deliveries are open, and their bytes.
    pub(crate) fn open_now(&self) -> (u64, u64) {
        self.room.used()
    }

    /// What became of deliveries since the start.
    pub(crate) fn totals(&self) -> Totals {
        self.room.totals()
    }

    /// Claims nothing more, waits a while for what runs, and gives back what still does.
    pub(crate) async fn stop(&self, patience: Duration) {
        self.ends.store(true, Ordering::Relaxed);
        let (stopped, waits) = oneshot::channel();
        if self.commands.send(Command::Stop(stopped)).await.is_ok() {
            let _ = tokio::time::timeout(patience, waits).await;
        }
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task {
            task.abort();
            // It was told to end; how it does is of no interest.
            let _ = task.await;
        }
        let released = tokio::time::timeout(RELEASE_TIMEOUT, self.release()).await;
        if !matches!(released, Ok(Ok(()))) {
            tracing::warn!("deliveries that ran could not be given back; the next run takes them");
        }
    }

    async fn release(&self) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().await?;
        claims::release(&mut transaction, &self.runner).await?;
        Ok(transaction.commit().await?)
    }
}

/// Gives back what nobody runs any more, and looks what waits.
async fn recover(ledger: &mut Ledger) -> Result<(), StoreError> {
    let mut transaction = ledger.database.begin_write().await?;
    let Ledger {
        database, runner, ..
    } = &*ledger;
    // Nobody else uses a file in the data folder: whoever was there before is gone.
    let lease = database.is_shared().then_some(ledger.lease);
    let given_back = claims::beat(&mut transaction, database, runner, lease).await?;
    for (lane, due) in claims::lanes(&mut transaction).await? {
        ledger.lanes.add(&lane, due);
    }
    let (rows, bytes) = claims::open(&mut transaction, "").await?;
    ledger.room.take(rows, bytes);
    transaction.commit().await?;
    if rows > 0 {
        tracing::info!(
            waiting = rows,
            given_back,
            "deliveries of an earlier run go on"
        );
    }
    Ok(())
}
