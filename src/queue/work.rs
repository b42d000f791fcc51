//! What the ledger is asked to write, and what it answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::delivery::{Delivery, LastError, NewDelivery};
use super::retry::Next;
use crate::store::StoreError;

/// Why something cannot be queued.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum QueueError {
    /// Too much waits already.
    #[error("the queue is full: {0}; try again later")]
    Full(&'static str),
    /// The platform ends.
    #[error("the platform ends and accepts nothing more")]
    Stopped,
    /// The database cannot be used.
    #[error("the platform's database cannot be used")]
    Store(#[source] Arc<StoreError>),
}

impl From<StoreError> for QueueError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

/// Deliveries that are accepted together or not at all.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) deliveries: Vec<NewDelivery>,
    pub(crate) once: Option<Once>,
    pub(crate) tick: Option<Tick>,
}

/// A request that is done once.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    pub(crate) key: String,
    /// Of the request: another one under the same key is none of ours.
    pub(crate) digest: String,
    /// What is answered now, and again later.
    pub(crate) answer: String,
}

/// A tick of a schedule, which fires once.
#[derive(Debug, Clone)]
pub(crate) struct Tick {
    pub(crate) function_id: String,
    pub(crate) trigger: i64,
    pub(crate) definition: String,
    pub(crate) unix_ms: i64,
    /// Whether it does not fire while an earlier tick of it has not ended.
    pub(crate) skips_overlap: bool,
}

impl Tick {
    /// What its deliveries come from.
    pub(crate) fn origin(&self) -> String {
        format!("cron/{}", self.trigger)
    }
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It is on the disk, and will be delivered.
    New,
    /// The request was done before, and this was answered.
    Earlier {
        is_same_request: bool,
        answer: String,
    },
    /// The tick has fired before, or an earlier one still runs.
    Passed,
}

/// A delivery after an attempt.
#[derive(Debug)]
pub(crate) struct Finish {
    pub(crate) delivery: Delivery,
    pub(crate) next: Next,
    /// Attempts that ended, this one among them if it counts.
    pub(crate) attempts: u32,
    pub(crate) status: Option<u16>,
    pub(crate) error: Option<LastError>,
    /// What is told to destinations.
    pub(crate) followers: Vec<NewDelivery>,
    /// For how long nothing else of its lane makes sense to run.
    pub(crate) lane_pause: Option<Duration>,
}

/// What was tried elsewhere, and is tried no more.
#[derive(Debug, Clone)]
pub(crate) struct Dead {
    pub(crate) new: NewDelivery,
    pub(crate) attempts: u32,
    pub(crate) error: LastError,
    /// What is told to destinations.
    pub(crate) followers: Vec<NewDelivery>,
}

/// A change of what has ended, or of all that a function has.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Dead ones of a function are tried again: one, or all.
    Redrive {
        function_id: String,
        id: Option<i64>,
    },
    /// Dead ones of a function are forgotten: one, or all.
    Remove {
        function_id: String,
        id: Option<i64>,
    },
    /// A function is gone, with all that it was to be given.
    Forget { function_id: String },
    /// One that was tried elsewhere is kept among the dead.
    Bury(Box<Dead>),
}

/// What the ledger is asked for.
#[derive(Debug)]
pub(super) enum Command {
    Accept(Batch, oneshot::Sender<Result<Accepted, QueueError>>),
    Finish(Box<Finish>),
    Change(Change, oneshot::Sender<Result<u64, QueueError>>),
    /// Claim nothing more; answers once nothing runs, and ends then.
    Stop(oneshot::Sender<()>),
}
