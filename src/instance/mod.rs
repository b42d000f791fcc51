//! One instance: a process that serves one version, one invocation at a time.
//!
//! ```text
//!  Starting ─► Idle ⇄ Busy ─► Stopped
//!      └──────────────┴──────────▲
//! ```
//! The supervisor writes an invocation into the data socket, possibly before the process is there, and reads log lines
//! and one answer. Whoever owns an `Instance` owns the process: dropping it kills the process.
//! Knows nothing of pools, of HTTP, or of how the process came to be.

mod answer;
mod event;
mod failure;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use zygo_wire::data::{InstanceCommand, InstanceEvent, InvokeHeader, Usage};
use zygo_wire::{Failure, FailureKind, WireError, packet};

use event::Event;
pub use failure::InstanceError;

use crate::invocation::{Answer, Invocation, LogLines};
use crate::packet_socket::{After, Home, PacketSocket};
use crate::stream::Taker;
use crate::telemetry::Journal;
use crate::zygote::{FunctionZygote, Process};

/// How long to wait for the word on how a process ended, once its socket has closed.
const EXIT_STATUS_PATIENCE: Duration = Duration::from_millis(200);

/// What bounds one invocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long the handler may take.
    pub(crate) timeout: Duration,
    /// How long its answer's body may be.
    pub(crate) response_len_max: usize,
    /// How long it may be where it is given on in pieces.
    pub(crate) stream_len_max: usize,
}

/// A process that serves one version.
#[derive(Debug)]
pub(crate) struct Instance {
    socket: PacketSocket,
    process: Arc<Process>,
    /// What it was forked from, and would not outlive.
    zygote: Arc<FunctionZygote>,
    /// Tells it from every other instance, before its process id is known and after another process has that.
    id: i64,
    /// Number of the last invocation.
    number: u64,
    idle_since: Instant,
}

/// What came of an invocation in its instance.
#[derive(Debug)]
pub(crate) struct Served {
    /// The answer or the failure.
    pub(crate) result: Result<Answer, InstanceError>,
    /// When it was sent, on the shared clock.
    pub(crate) sent_ns: u64,
    /// What the instance measured; zeros when it could not tell.
    pub(crate) usage: Usage,
    /// What the handler wrote.
    pub(crate) logs: LogLines,
}

impl Instance {
    /// An instance over a socket whose other end was given to `process`.
    pub(crate) fn new(
        socket: PacketSocket,
        process: Arc<Process>,
        zygote: Arc<FunctionZygote>,
    ) -> Self {
        Self {
            socket,
            process,
            zygote,
            id: fastrand::i64(0..1 << 48),
            number: 0,
            idle_since: Instant::now(),
        }
    }

    /// Puts the first invocation into the socket of a process that is yet to be forked.
    pub(crate) async fn send_ahead(
        socket: &PacketSocket,
        invocation: &Invocation,
        timeout: Duration,
    ) -> Result<(), WireError> {
        send(socket, 1, invocation, timeout).await
    }

    /// Waits until a process that was forked ahead of demand is ready.
    pub(crate) async fn wait_parked(&mut self) -> Result<(), InstanceError> {
        match self.receive(0).await? {
            Event::Parked => Ok(()),
            _ => Err(InstanceError::Violation("an answer before any invocation")),
        }
    }

    /// Serves an invocation that [`Self::send_ahead`] already sent.
    pub(crate) async fn serve_sent(
        &mut self,
        limits: Limits,
        sent_ns: u64,
        journal: &Journal,
        taker: &mut Taker,
    ) -> Served {
        self.number = 1;
        self.finish(limits, sent_ns, journal, taker).await
    }

    /// Sends an invocation and waits for its answer.
    pub(crate) async fn serve(
        &mut self,
        invocation: &Invocation,
        limits: Limits,
        journal: &Journal,
        taker: &mut Taker,
    ) -> Served {
        self.number += 1;
        let sent_ns = zygo_wire::clock::monotonic_ns();
        match self.send(invocation, limits.timeout).await {
            Ok(()) => self.finish(limits, sent_ns, journal, taker).await,
            Err(error) => {
                // A socket that takes nothing has nobody who could have acted on it.
                let result = Err(InstanceError::before_start(&error));
                Served {
                    result,
                    sent_ns,
                    usage: Usage::default(),
                    logs: LogLines::default(),
                }
            }
        }
    }

    /// What tells it from every other instance.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// The thread on which it is used at the least cost.
    pub(crate) fn home(&self) -> Home {
        self.socket.home()
    }

    /// Whether it can be given an invocation: its process lives, its zygote was not made anew, and it said nothing since
    /// its last answer.
    pub(crate) fn is_usable(&self) -> bool {
        !self.process.has_ended() && !self.is_replaced() && !self.socket.has_something()
    }

    /// Whether its zygote was made anew, so that it serves what it has begun and no more.
    pub(crate) fn is_replaced(&self) -> bool {
        self.zygote.is_replaced()
    }

    /// Its process id while it runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.process.pid()
    }

    /// Notes that it is idle from now on.
    pub(crate) fn rest(&mut self) {
        self.idle_since = Instant::now();
    }

    /// How long it has been idle.
    pub(crate) fn idle_for(&self) -> Duration {
        self.idle_since.elapsed()
    }

    async fn send(&mut self, invocation: &Invocation, timeout: Duration) -> Result<(), WireError> {
        self.socket.bring_home()?;
        send(&self.socket, self.number, invocation, timeout).await
    }

    async fn receive(&self, response_len_max: usize) -> Result<Event, InstanceError> {
        let received = self.socket.receive(|bytes, descriptors| {
            let event = packet::decode::<InstanceEvent<'_>>(bytes).and_then(|(event, inline)| {
                event::take(event, inline, &descriptors, response_len_max)
            });
            let after = match event {
                Ok(Event::Logged(..) | Event::Started(..) | Event::Chunk(..)) => After::More,
                _ => After::Silence,
            };
            (event, after)
        });
        match received.await {
            Ok(event) => Ok(event),
            Err(WireError::Violation(what)) => Err(InstanceError::Violation(what)),
            Err(WireError::Unread) => Err(InstanceError::NotStarted),
            Err(_) => {
                let status = self.process.exit_status(EXIT_STATUS_PATIENCE).await;
                // A read of one small file, of a process that is dead.
                let out_of_memory = self.process.was_out_of_memory();
                Err(InstanceError::ended(status, out_of_memory))
            }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.process.kill();
    }
}

async fn send(
    socket: &PacketSocket,
    number: u64,
    invocation: &Invocation,
    timeout: Duration,
) -> Result<(), WireError> {
    let deadline = SystemTime::now() + timeout;
    let deadline_ms = deadline
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let header = InvokeHeader {
        number,
        request_id: &invocation.request_id,
        deadline_unix_ms: u64::try_from(deadline_ms).unwrap_or(u64::MAX),
        traceparent: invocation.trace.traceparent(),
        tracestate: invocation.trace.tracestate(),
        event: &invocation.event,
        body_kind: invocation.body_kind,
        body_len: invocation.body.len() as u64,
    };
    socket
        .send(&InstanceCommand::Invoke(header), &invocation.body, &[])
        .await
}

impl From<Failure> for InstanceError {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::OutOfMemory => Self::OutOfMemory(failure),
            _ => Self::Failed(failure),
        }
    }
}
