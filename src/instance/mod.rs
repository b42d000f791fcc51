//! One instance: a process that serves one version, one invocation at a time.
//!
//! ```text
//!  Starting ─► Idle ⇄ Busy ─► Stopped
//!      └──────────────┴──────────▲
//! ```
//! The supervisor writes an invocation into the data socket, possibly before the process is there, and reads log lines
//! and one answer. Whoever owns an `Instance` owns the process: dropping it kills the process.
//! Where a process serves several invocations at once, an `Instance` is one seat in it (`into_seats`): it is
//! used in the same way, and the process is killed with the last of them.
//! Knows nothing of pools, of HTTP, or of how the process came to be.

mod answer;
mod crew;
mod event;
mod failure;
mod outbox;
mod packets;
mod place;
mod reader;
mod seat;

use std::sync::Arc;
use std::time::{Duration, Instant};

use zygo_wire::data::Usage;
use zygo_wire::{Failure, FailureKind, WireError};

use answer::Ear;
use crew::Crew;
pub(crate) use crew::{Seats, Terms};
use event::Event;
pub use failure::InstanceError;
use place::Place;

use crate::invocation::{Answer, Invocation, LogLines};
use crate::packet_socket::{After, Home, PacketSocket};
use crate::stream::Taker;
use crate::telemetry::Journal;
use crate::zygote::{FunctionZygote, Process};

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
    line: Line,
    /// What it was forked from, and would not outlive.
    zygote: Arc<FunctionZygote>,
    /// Tells it from every other instance, before its process id is known and after another process has that.
    id: i64,
    /// Number of the last invocation.
    number: u64,
    idle_since: Instant,
}

/// How it is spoken to.
#[derive(Debug)]
enum Line {
    /// The process is its own.
    Own {
        // Dropped in this order.
        held: Held,
        socket: PacketSocket,
    },
    /// It is one of several in a process; set with the invocation that runs in it, or was sent ahead.
    Seat(Seat, Option<Place>),
}

/// One of the seats of a process. Nobody gives one up but who lets go of the process.
#[derive(Debug)]
struct Seat(Arc<Crew>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.link().retire();
    }
}

/// A process that is killed when this is dropped.
#[derive(Debug)]
struct Held(Arc<Process>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.kill();
    }
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
        let held = Held(process);
        Self {
            line: Line::Own { held, socket },
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
        packets::send(socket, 1, invocation, timeout).await
    }

    /// Waits until a process that was forked ahead of demand is ready.
    pub(crate) async fn wait_parked(&mut self) -> Result<(), InstanceError> {
        match Ear::Own(self).receive(0).await? {
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
        if let Line::Seat(..) = self.line {
            return self.finish_seat(limits, sent_ns, journal, taker).await;
        }
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
        let sent_ns = zygo_wire::clock::monotonic_ns();
        if let Line::Seat(..) = self.line {
            return self
                .serve_seat(invocation, limits, sent_ns, journal, taker)
                .await;
        }
        self.number += 1;
        match self.send(invocation, limits.timeout).await {
            Ok(()) => self.finish(limits, sent_ns, journal, taker).await,
            // A socket that takes nothing has nobody who could have acted on it.
            Err(error) => Served::failed(InstanceError::before_start(&error), sent_ns),
        }
    }

    /// What tells it from every other instance.
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// The thread on which it is used at the least cost.
    pub(crate) fn home(&self) -> Home {
        match &self.line {
            Line::Own { socket, .. } => socket.home(),
            Line::Seat(seat, _) => seat.0.link().socket.home(),
        }
    }

    /// Whether it can be given an invocation: its process lives, its zygote was not made anew, and it said nothing since
    /// its last answer; a process with several seats may speak at any time, and has begun to end once one went wrong.
    pub(crate) fn is_usable(&self) -> bool {
        let is_sound = match &self.line {
            Line::Own { socket, .. } => !socket.has_something(),
            Line::Seat(seat, _) => seat.0.link().is_usable(),
        };
        is_sound && !self.process().has_ended() && !self.is_replaced()
    }

    /// Whether it serves no more than what it has begun.
    pub(crate) fn is_spent(&self) -> bool {
        let is_retired = match &self.line {
            Line::Own { .. } => false,
            Line::Seat(seat, _) => !seat.0.link().is_usable(),
        };
        is_retired || self.is_replaced()
    }

    /// Whether its zygote was made anew, so that it serves what it has begun and no more.
    fn is_replaced(&self) -> bool {
        self.zygote.is_replaced()
    }

    /// Its process id while it runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        self.process().pid()
    }

    /// Notes that it is idle from now on.
    pub(crate) fn rest(&mut self) {
        self.idle_since = Instant::now();
    }

    /// How long it has been idle, all of its process.
    pub(crate) fn idle_for(&self) -> Duration {
        match &self.line {
            Line::Own { .. } => self.idle_since.elapsed(),
            Line::Seat(seat, _) => seat.0.link().idle_for(),
        }
    }

    fn process(&self) -> &Arc<Process> {
        match &self.line {
            Line::Own { held, .. } => &held.0,
            Line::Seat(seat, _) => &seat.0.held().0,
        }
    }

    async fn receive(&self, response_len_max: usize) -> Result<Event, InstanceError> {
        let Line::Own { held, socket } = &self.line else {
            return Err(InstanceError::NotStarted);
        };
        let after = |event: &Result<Event, WireError>| match event {
            Ok(Event::Logged(..) | Event::Started(..) | Event::Chunk(..)) => After::More,
            _ => After::Silence,
        };
        match packets::receive(socket, response_len_max, after).await {
            Ok(event) => Ok(event),
            Err(error) => Err(packets::failure(error, &held.0).await),
        }
    }

    async fn send(&mut self, invocation: &Invocation, timeout: Duration) -> Result<(), WireError> {
        let Line::Own { socket, .. } = &mut self.line else {
            return Err(WireError::Closed);
        };
        socket.bring_home()?;
        packets::send(socket, self.number, invocation, timeout).await
    }
}

impl Served {
    fn failed(error: InstanceError, sent_ns: u64) -> Self {
        Self {
            result: Err(error),
            sent_ns,
            usage: Usage::default(),
            logs: LogLines::default(),
        }
    }
}

impl From<Failure> for InstanceError {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::OutOfMemory => Self::OutOfMemory(failure),
            _ => Self::Failed(failure),
        }
    }
}
