//! What one transaction of the ledger writes. Whatever follows from it is told, and done once it is committed.

use std::collections::HashSet;

use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use super::delivery::{Delivery, NewDelivery, State};
use super::ids::Ids;
use super::lanes::Lanes;
use super::retry::Next;
use super::rows::{self, Entry};
use super::work::{Accepted, Batch, Finish};
use super::{claims, finishes};
use crate::store::{Database, StoreError};

/// One transaction.
pub(super) struct Transaction<'a> {
    pub(super) connection: &'a mut AnyConnection,
    /// Who claims.
    pub(super) runner: &'a str,
    now_unix_ms: i64,
    ids: &'a mut Ids,
    /// Keys of deliveries that this transaction stores.
    keys: HashSet<(String, String)>,
    entries: Vec<Entry>,
    /// Lanes in which something is due, and when.
    due: Vec<(String, i64)>,
    effects: Effects,
}

/// What follows once the transaction is committed.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// One for each batch, in their order.
    pub(super) accepted: Vec<Accepted>,
    pub(super) claimed: Vec<Claimed>,
    /// Room that is taken and left.
    pub(super) taken: (u64, u64),
    pub(super) left: (u64, u64),
}

/// What was claimed of a lane.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) lane: String,
    pub(super) deliveries: Vec<Delivery>,
    /// When the next that waits there is due.
    pub(super) next_due_unix_ms: Option<i64>,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(
        connection: &'a mut AnyConnection,
        runner: &'a str,
        now_unix_ms: i64,
        ids: &'a mut Ids,
    ) -> Self {
        Self {
            connection,
            runner,
            now_unix_ms,
            ids,
            keys: HashSet::new(),
            entries: Vec::new(),
            due: Vec::new(),
            effects: Effects::default(),
        }
    }

    /// Only one supervisor at a time writes to the queue: what is held, and what follows it, is decided by looking.
    pub(super) async fn lock(&mut self, database: &Database) -> Result<(), StoreError> {
        if database.is_shared() {
            sqlx::query("LOCK TABLE queue_runners IN SHARE ROW EXCLUSIVE MODE")
                .execute(&mut *self.connection)
                .await?;
        }
        Ok(())
    }

    /// Stores a batch, unless it was stored before.
    pub(super) async fn accept(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let accepted = match self.earlier(batch).await? {
            Some(earlier) => earlier,
            None => {
                for new in &batch.deliveries {
                    self.add(new.clone()).await?;
                }
                Accepted::New
            }
        };
        self.effects.accepted.push(accepted);
        Ok(())
    }

    /// Adds a delivery to what this transaction stores.
    pub(super) async fn add(&mut self, new: NewDelivery) -> Result<(), StoreError> {
        let state = self
            .first_state(&new.function_id, &new.ordering_key)
            .await?;
        if state == State::Pending {
            self.due.push((new.lane(), new.due_unix_ms));
        }
        let id = self.ids.next();
        self.entries.push(Entry { id, new, state });
        Ok(())
    }

    /// Adds what follows from the end of another one, and is not asked for room.
    pub(super) async fn follow(&mut self, follower: &NewDelivery) -> Result<(), StoreError> {
        let (rows, bytes) = &mut self.effects.taken;
        (*rows, *bytes) = (*rows + 1, *bytes + follower.payload.len() as u64);
        self.add(follower.clone()).await
    }

    /// Stores one that has ended already, at once: its id.
    pub(super) async fn add_dead(&mut self, new: NewDelivery) -> Result<i64, StoreError> {
        let (id, state) = (self.ids.next(), State::Dead);
        self.entries.push(Entry { id, new, state });
        self.flush().await?;
        Ok(id)
    }

    /// Whether a delivery has to wait for an earlier one of its key.
    pub(super) async fn first_state(
        &mut self,
        function_id: &str,
        ordering_key: &str,
    ) -> Result<State, StoreError> {
        if ordering_key.is_empty() {
            return Ok(State::Pending);
        }
        let key = (function_id.to_owned(), ordering_key.to_owned());
        let is_open = match self.keys.contains(&key) {
            true => true,
            false => {
                let statement = "SELECT id FROM deliveries WHERE function_id = $1 AND ordering_key = $2 \
                                 AND ended_unix_ms IS NULL LIMIT 1";
                let row: Option<AnyRow> = sqlx::query(statement)
                    .bind(function_id)
                    .bind(crate::store::text(ordering_key).into_owned())
                    .fetch_optional(&mut *self.connection)
                    .await?;
                row.is_some()
            }
        };
        self.keys.insert(key);
        Ok(if is_open { State::Held } else { State::Pending })
    }

    /// Stores what was added.
    pub(super) async fn flush(&mut self) -> Result<(), StoreError> {
        let entries = std::mem::take(&mut self.entries);
        rows::insert(self.connection, &entries, self.now_unix_ms).await
    }

    /// Stores what came of attempts.
    pub(super) async fn finish(&mut self, finishes: &[Finish]) -> Result<(), StoreError> {
        let (plain, others): (Vec<&Finish>, Vec<&Finish>) =
            finishes.iter().partition(|finish| finish.is_plain());
        let stored = finishes::succeeded(self.connection, self.runner, self.now_unix_ms, &plain);
        for finish in stored.await? {
            self.leave(&finish.delivery);
        }
        for finish in others {
            if !finishes::store(self.connection, self.runner, self.now_unix_ms, finish).await? {
                // Someone else has run it meanwhile, or its function is gone.
                continue;
            }
            for follower in &finish.followers {
                self.follow(follower).await?;
            }
            match finish.next {
                Next::Again(pause) => {
                    let due = self.now_unix_ms.saturating_add(rows::ms(pause));
                    self.due.push((finish.delivery.new.lane(), due));
                }
                Next::Succeeded | Next::Dead(_) => {
                    self.leave(&finish.delivery);
                    self.promote(&finish.delivery.new).await?;
                }
            }
        }
        Ok(())
    }

    fn leave(&mut self, delivery: &Delivery) {
        let (rows, bytes) = &mut self.effects.left;
        (*rows, *bytes) = (*rows + 1, *bytes + delivery.new.payload.len() as u64);
    }

    /// Lets the next of an ordering key go.
    pub(super) async fn promote(&mut self, ended: &NewDelivery) -> Result<(), StoreError> {
        if ended.ordering_key.is_empty() {
            return Ok(());
        }
        // The next one may be among what this transaction stores.
        self.flush().await?;
        let statement = "UPDATE deliveries SET state = 'pending' WHERE state = 'held' AND id = (SELECT MIN(id) \
                         FROM deliveries WHERE function_id = $1 AND ordering_key = $2 AND ended_unix_ms IS NULL)";
        let moved = sqlx::query(statement)
            .bind(&ended.function_id)
            .bind(&ended.ordering_key)
            .execute(&mut *self.connection)
            .await?;
        if moved.rows_affected() > 0 {
            self.due.push((ended.lane(), self.now_unix_ms));
        }
        Ok(())
    }

    /// Claims what is due in lanes, each with how many.
    pub(super) async fn claim(&mut self, lanes: &[(String, usize)]) -> Result<(), StoreError> {
        self.flush().await?;
        for (lane, most) in lanes {
            let claimed =
                claims::claim(self.connection, self.runner, lane, *most, self.now_unix_ms).await?;
            self.effects.claimed.push(claimed);
        }
        Ok(())
    }

    /// Says in which lanes something is due.
    pub(super) fn tell_due(&mut self, lanes: &mut Lanes) {
        for (lane, due) in self.due.drain(..) {
            lanes.add(&lane, due);
        }
    }

    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        self.connection
    }

    pub(super) fn now_unix_ms(&self) -> i64 {
        self.now_unix_ms
    }

    /// A dead delivery is open again.
    pub(super) fn redriven(&mut self, lane: String, state: State, size: u64) {
        let (rows, bytes) = &mut self.effects.taken;
        (*rows, *bytes) = (*rows + 1, *bytes + size);
        if state == State::Pending {
            self.due.push((lane, self.now_unix_ms));
        }
    }

    /// Open deliveries are gone.
    pub(super) fn left(&mut self, more_rows: u64, more_bytes: u64) {
        let (rows, bytes) = &mut self.effects.left;
        (*rows, *bytes) = (*rows + more_rows, *bytes + more_bytes);
    }

    /// What follows.
    pub(super) async fn effects(mut self) -> Result<Effects, StoreError> {
        self.flush().await?;
        Ok(self.effects)
    }
}
