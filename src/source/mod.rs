//! Queues elsewhere as sources of events: messages are taken from a server, given to whoever handles them, and
//! acknowledged once that has succeeded.
//!
//! ```text
//!  server ══ session (redis, nats, rabbit) ══► intake ─► one task for each message ─► Handle::attempt ─► handled ─► ack
//!                 ▲                         (bounded)         ▲                            │
//!                 └─ run: connect, consume, back off          └── a pause, or refused ─────┘
//! ```
//! A message is delivered at least once: what was not acknowledged is delivered again by its server, after a connection or
//! a platform was lost. While it is tried, others of its source are tried beside it, and its server is told that it is in
//! hand. How many are in hand at a time is bounded, and how many of them are tried. The states of a source are drawn in
//! `lifecycle.rs`. Knows neither functions nor what becomes of a message that fails for good: that is up to the handle.

mod board;
mod carrier;
mod dial;
mod hold;
mod intake;
mod lifecycle;
mod message;
mod nats;
mod rabbit;
mod redis;
mod roots;
mod run;
mod session;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use board::{Board, Totals};
pub(crate) use dial::Reach;
pub(crate) use hold::{Handle, Try, Verdict};
pub(crate) use lifecycle::State;
pub(crate) use message::Message;
pub(crate) use roots::RootsError;

use crate::secret::Secret;
use crate::trigger::QueueTrigger;

/// Where messages come from, and how many at a time. What has changed in here makes another source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) trigger: QueueTrigger,
    /// The address with all that it may hold.
    pub(crate) url: Secret,
    /// Who shares the messages.
    pub(crate) group: String,
    /// What this platform is known by among them: the same after a restart.
    pub(crate) member: String,
    /// How many messages are tried at a time.
    pub(crate) concurrency: usize,
}

impl Settings {
    /// How many messages are in hand at a time: those that are tried, and those that wait to be tried again.
    fn in_hand_max(&self) -> usize {
        const WAITING: usize = 100;
        self.concurrency + WAITING
    }
}

/// Why a source cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// The address leads where the operator lets nothing lead.
    #[error("the address is not public; the operator may allow it with events.private_sources")]
    Private,
    /// There is no connection.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// Nobody who is trusted says that the server is who it should be.
    #[error(
        "the server is not trusted: {0}; the operator may name who vouches for it with events.source_root_file"
    )]
    Certificate(String),
    /// The server does not do what it is asked.
    #[error("{0}")]
    Refused(String),
    /// There was a connection.
    #[error("the connection is lost: {0}")]
    Lost(String),
    /// The server does not answer.
    #[error("the server does not answer in time")]
    Late,
}

/// A source that is read until it is told to end.
#[derive(Debug)]
pub(crate) struct Source {
    settings: Settings,
    board: Arc<Board>,
    ends: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Source {
    /// Begins to read, on the reactor that this is called on, once an earlier one has ended, for which that has so long:
    /// what is still in hand there is not taken up here.
    pub(crate) fn start(
        settings: Settings,
        reach: Arc<Reach>,
        handle: Arc<dyn Handle>,
        after: Option<(Self, Duration)>,
    ) -> Self {
        let board = Arc::new(Board::default());
        let (ends, ended) = watch::channel(false);
        let reader = run::Reader {
            settings: settings.clone(),
            reach,
            handle,
            board: Arc::clone(&board),
            ends: ended,
        };
        Self {
            settings,
            board,
            ends,
            task: tokio::spawn(async move {
                if let Some((earlier, patience)) = after {
                    Box::pin(earlier.stop(patience)).await;
                }
                reader.run().await;
            }),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Takes nothing more, waits a while for what is tried, and gives back the rest.
    pub(crate) async fn stop(mut self, patience: Duration) {
        self.ends.send_replace(true);
        if tokio::time::timeout(patience, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}
