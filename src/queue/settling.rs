//! What follows once a transaction of the ledger is committed, or was not.

use std::time::{Duration, Instant};

use super::delivery::WEBHOOK_LANE;
use super::ledger::Ledger;
use super::transaction::Effects;
use super::turn::{Turn, count, size};
use super::work::{Accepted, Batch, Change, QueueError};
use crate::store::StoreError;

/// How long to wait when the database cannot be used.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

impl Ledger {
    /// Does what follows from a transaction that is committed.
    pub(super) fn settle(&mut self, turn: Turn, effects: Effects, changed: Vec<u64>) {
        let (taken, left) = (effects.taken, effects.left);
        self.room.take(taken.0, taken.1);
        self.room.release(left.0, left.1);
        self.room.count(|totals| count(totals, &turn, &effects));
        for ((batch, answer), accepted) in turn.accepts.into_iter().zip(effects.accepted) {
            if accepted != Accepted::New {
                self.give_back(&batch);
            }
            // A caller who is gone meanwhile finds it when asking again.
            let _ = answer.send(Ok(accepted));
        }
        for ((change, answer), count) in turn.changes.into_iter().zip(changed) {
            if let Change::Forget { function_id } = &change {
                self.lanes.forget(function_id);
                self.lanes.forget(&format!("{WEBHOOK_LANE}{function_id}"));
            }
            let _ = answer.send(Ok(count));
        }
        for claimed in effects.claimed {
            let count = claimed.deliveries.len();
            self.running += count;
            self.lanes
                .claimed(&claimed.lane, count, claimed.next_due_unix_ms);
            for mut delivery in claimed.deliveries {
                self.last_claim += 1;
                delivery.claim = self.last_claim;
                self.held.insert(delivery.id, self.last_claim);
                // Nobody listens only when the platform ends; it is given back then.
                let _ = self.claimed.send(delivery);
            }
        }
    }

    /// Tells who asked, and keeps what must not be lost until the database can be used again.
    pub(super) fn put_off(&mut self, turn: Turn, error: StoreError) {
        tracing::warn!(
            error = crate::error::chain(&error),
            "the queue cannot be written"
        );
        self.rests_until = Some(Instant::now() + RETRY_PAUSE);
        self.is_unsure = self.database.is_shared();
        let error = QueueError::from(error);
        for (batch, answer) in turn.accepts {
            self.give_back(&batch);
            let _ = answer.send(Err(error.clone()));
        }
        for (_, answer) in turn.changes {
            let _ = answer.send(Err(error.clone()));
        }
        self.unwritten = turn.finishes;
    }

    fn give_back(&self, batch: &Batch) {
        let (rows, bytes) = size(batch);
        self.room.release(rows, bytes);
    }
}
