//! What the ledger writes in one go.

use tokio::sync::oneshot;

use super::retry::Next;
use super::room::Totals;
use super::transaction::Effects;
use super::work::{Accepted, Batch, Change, Finish, QueueError};

/// What one transaction is to write.
#[derive(Default)]
pub(super) struct Turn {
    pub(super) accepts: Vec<(Batch, oneshot::Sender<Result<Accepted, QueueError>>)>,
    pub(super) finishes: Vec<Finish>,
    pub(super) changes: Vec<(Change, oneshot::Sender<Result<u64, QueueError>>)>,
}

impl Turn {
    pub(super) fn is_empty(&self) -> bool {
        self.accepts.is_empty() && self.finishes.is_empty() && self.changes.is_empty()
    }
}

/// What a turn adds to what became of deliveries.
pub(super) fn count(totals: &mut Totals, turn: &Turn, effects: &Effects) {
    let batches = turn.accepts.iter().zip(&effects.accepted);
    let new = batches.filter(|(_, accepted)| **accepted == Accepted::New);
    totals.accepted += new.map(|((batch, _), _)| size(batch).0).sum::<u64>();
    let is_buried = |(change, _): &&(Change, _)| matches!(change, Change::Bury(_));
    totals.dead += turn.changes.iter().filter(is_buried).count() as u64;
    for finish in &turn.finishes {
        match finish.next {
            Next::Succeeded => totals.succeeded += 1,
            Next::Again(_) => totals.retried += 1,
            Next::Dead(_) => totals.dead += 1,
        }
    }
}

/// Rows and bytes of a batch.
pub(super) fn size(batch: &Batch) -> (u64, u64) {
    let bytes = batch.deliveries.iter().map(|new| new.payload.len() as u64);
    (batch.deliveries.len() as u64, bytes.sum())
}
