//! The one task that writes to the queue. What is asked for while a transaction is under way goes into the next one: one
//! wait for the disk serves all who ask meanwhile. It sleeps until it is asked, or until something is due.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::changes;
use super::delivery::{Delivery, WEBHOOK_LANE};
use super::ids::Ids;
use super::lanes::Lanes;
use super::room::Room;
use super::transaction::{Effects, Transaction};
use super::turn::Turn;
use super::work::{Command, Finish};
use crate::store::{Database, StoreError};
use crate::time::now_unix_ms;

/// The most that one transaction writes.
const COMMANDS_MAX: usize = 1_000;
/// The longest sleep, in case the clock is set, or another supervisor has accepted something.
const SLEEP_MAX: Duration = Duration::from_secs(10);

/// How many beats there are in a lease.
const BEATS_PER_LEASE: u32 = 5;
/// A transaction on a server that takes longer has failed; whether it was committed is unknown.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// How often it is looked how much waits of all supervisors.
const COUNT_PAUSE: Duration = Duration::from_secs(30);

/// How many deliveries of a lane may run at a time.
#[derive(Clone)]
pub(crate) struct Limits(pub(crate) Arc<dyn Fn(&str) -> usize + Send + Sync>);

impl std::fmt::Debug for Limits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Limits")
    }
}

impl Limits {
    fn of(&self, lane: &str) -> usize {
        (self.0)(lane.trim_start_matches(WEBHOOK_LANE)).max(1)
    }
}

/// The task's state.
pub(super) struct Ledger {
    pub(super) database: Database,
    /// Whose claims these are.
    pub(super) runner: String,
    pub(super) room: Arc<Room>,
    pub(super) limits: Limits,
    pub(super) lanes: Lanes,
    /// Where claimed deliveries go.
    pub(super) claimed: mpsc::UnboundedSender<Delivery>,
    pub(super) ids: Ids,
    pub(super) running: usize,
    /// What runs here, each with the number of its claim.
    pub(super) held: HashMap<i64, u64>,
    pub(super) last_claim: u64,
    /// Whether it is unknown what the last transaction claimed.
    pub(super) is_unsure: bool,
    /// How long the others take a supervisor for alive that is not heard of.
    pub(super) lease: Duration,
    /// When it is to be looked how much there is of all supervisors.
    count_at: Instant,
    /// What could not be written yet.
    pub(super) unwritten: Vec<Finish>,
    beat_at: Instant,
    /// Until when the database is left alone.
    pub(super) rests_until: Option<Instant>,
    stopping: Option<oneshot::Sender<()>>,
}

impl Ledger {
    pub(super) fn new(
        database: Database,
        runner: String,
        room: Arc<Room>,
        limits: Limits,
        lease: Duration,
        claimed: mpsc::UnboundedSender<Delivery>,
    ) -> Self {
        let ids = Ids::new(database.is_shared());
        Self {
            beat_at: next_beat(&database, lease),
            database,
            runner,
            room,
            limits,
            lanes: Lanes::default(),
            claimed,
            ids,
            running: 0,
            held: HashMap::new(),
            last_claim: 0,
            is_unsure: false,
            lease,
            count_at: Instant::now(),
            unwritten: Vec::new(),
            rests_until: None,
            stopping: None,
        }
    }

    /// Writes until nobody asks any more, or until it is told to stop and nothing runs.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        loop {
            let mut turn = Turn {
                finishes: std::mem::take(&mut self.unwritten),
                ..Turn::default()
            };
            let is_open = self.gather(&mut commands, &mut turn).await;
            self.take(turn).await;
            if self.running == 0
                && self.unwritten.is_empty()
                && let Some(stopped) = self.stopping.take()
            {
                // Whoever asked may have given up.
                let _ = stopped.send(());
                return;
            }
            if !is_open {
                return;
            }
        }
    }

    /// Collects what there is to do, and waits for it. Whether anybody may still ask.
    async fn gather(&mut self, commands: &mut mpsc::Receiver<Command>, turn: &mut Turn) -> bool {
        let pause = self.pause(turn);
        let first = match pause.is_zero() {
            true => commands
                .try_recv()
                .map_err(|error| error == mpsc::error::TryRecvError::Empty),
            false => match tokio::time::timeout(pause, commands.recv()).await {
                Ok(Some(command)) => Ok(command),
                Ok(None) => Err(false),
                Err(_) => Err(true),
            },
        };
        match first {
            Ok(command) => self.sort(command, turn),
            Err(is_open) => return is_open,
        }
        for _ in 1..COMMANDS_MAX {
            match commands.try_recv() {
                Ok(command) => self.sort(command, turn),
                Err(_) => break,
            }
        }
        true
    }

    /// How long there is nothing to do unless someone asks.
    fn pause(&self, turn: &Turn) -> Duration {
        let now = Instant::now();
        if let Some(until) = self.rests_until {
            return until.saturating_duration_since(now);
        }
        if !turn.is_empty() {
            return Duration::ZERO;
        }
        let beat = self.beat_at.saturating_duration_since(now).min(SLEEP_MAX);
        if self.stopping.is_some() {
            return beat;
        }
        let due = self.lanes.next_due_unix_ms(|lane| self.limits.of(lane));
        let until_due = |due: i64| {
            let ms = due.saturating_sub(now_unix_ms());
            Duration::from_millis(u64::try_from(ms).unwrap_or_default())
        };
        due.map_or(beat, |due| until_due(due).min(beat))
    }

    fn sort(&mut self, command: Command, turn: &mut Turn) {
        match command {
            Command::Accept(batch, answer) => turn.accepts.push((batch, answer)),
            Command::Change(change, answer) => turn.changes.push((change, answer)),
            Command::Finish(finish) => {
                self.running = self.running.saturating_sub(1);
                let lane = finish.delivery.new.lane();
                self.lanes.ended(&lane);
                if let Some(pause) = finish.lane_pause {
                    let until = now_unix_ms().saturating_add(super::rows::ms(pause));
                    self.lanes.pause(&lane, until);
                }
                // Whoever runs what was given to another one meanwhile, and from that one back to us, has the old claim.
                if self.held.get(&finish.delivery.id) == Some(&finish.delivery.claim) {
                    self.held.remove(&finish.delivery.id);
                    turn.finishes.push(*finish);
                }
            }
            Command::Stop(stopped) => self.stopping = Some(stopped),
        }
    }

    /// Writes what a turn asks for, and claims.
    async fn take(&mut self, turn: Turn) {
        self.rests_until = None;
        // A connection that is cut somewhere on its way says nothing for a quarter of an hour.
        let written = match self.database.is_shared() {
            false => self.write(&turn).await,
            true => match tokio::time::timeout(WRITE_TIMEOUT, self.write(&turn)).await {
                Ok(written) => written,
                Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
            },
        };
        match written {
            Ok(Some((effects, changed))) => {
                self.settle(turn, effects, changed);
            }
            Ok(None) => {}
            Err(error) => self.put_off(turn, error),
        }
    }

    /// What follows, or nothing where there is nothing to write.
    async fn write(&mut self, turn: &Turn) -> Result<Option<(Effects, Vec<u64>)>, StoreError> {
        let now = now_unix_ms();
        let beats = Instant::now() >= self.beat_at;
        let limits = self.limits.clone();
        let is_due = |due: Option<i64>| due.is_some_and(|due| due <= now);
        let claims = self.stopping.is_none();
        let waits = claims && is_due(self.lanes.next_due_unix_ms(|lane| limits.of(lane)));
        if turn.is_empty() && !beats && !waits {
            return Ok(None);
        }
        fail::fail_point!("queue::refused", |_| Err(StoreError::Database(
            sqlx::Error::PoolClosed
        )));
        let mut transaction = self.database.begin_write().await?;
        let mut work = Transaction::new(&mut transaction, &self.runner, now, &mut self.ids);
        work.lock(&self.database).await?;
        for (batch, _) in &turn.accepts {
            work.accept(batch).await?;
        }
        work.finish(&turn.finishes).await?;
        if self.is_unsure {
            work.give_back_all_but(&self.held).await?;
        }
        let mut changed = Vec::with_capacity(turn.changes.len());
        for (change, _) in &turn.changes {
            changed.push(changes::make(&mut work, change).await?);
        }
        if beats {
            work.beat(&self.database, self.lease, &mut self.lanes)
                .await?;
        }
        let counts = beats && self.database.is_shared() && Instant::now() >= self.count_at;
        let open = match counts {
            true => Some(work.open().await?),
            false => None,
        };
        // Lanes that turn out to be empty are found to be so.
        work.tell_due(&mut self.lanes);
        if claims {
            let ready = self.lanes.ready(now, |lane| limits.of(lane));
            work.claim(&ready).await?;
        }
        let effects = work.effects().await?;
        fail::fail_point!("queue::committing");
        transaction.commit().await?;
        fail::fail_point!("queue::committed");
        self.is_unsure = false;
        if beats {
            self.beat_at = next_beat(&self.database, self.lease);
        }
        if let Some((rows, bytes)) = open {
            self.room.set(rows, bytes);
            self.count_at = Instant::now() + COUNT_PAUSE;
        }
        Ok(Some((effects, changed)))
    }
}

/// Well within the lease. Where there are no others, it is only looked whether all is as it seems.
fn next_beat(database: &Database, lease: Duration) -> Instant {
    let pause = match database.is_shared() {
        true => lease / BEATS_PER_LEASE,
        false => SLEEP_MAX,
    };
    Instant::now() + pause
}
