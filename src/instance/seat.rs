//! An instance that is one of several seats in a process.

use std::sync::Arc;
use std::time::Duration;

use zygo_wire::WireError;
use zygo_wire::data::Usage;

use super::answer::{Ear, listen};
use super::crew::Crew;
use super::place::Place;
use super::{Instance, InstanceError, Limits, Line, Seat, Seats, Served, Terms, packets};
use crate::invocation::{Invocation, LogLines};
use crate::stream::Taker;
use crate::telemetry::Journal;

impl Instance {
    /// The same process with so many seats, the first of which has what was sent ahead. Its socket is read from now on.
    pub(crate) fn into_seats(mut self, count: usize, terms: Terms<'_>) -> (Self, Vec<Self>) {
        let (held, socket) = match self.line {
            Line::Own { held, socket } => (held, socket),
            line @ Line::Seat(..) => return (Self { line, ..self }, Vec::new()),
        };
        let (crew, first) = Crew::start(socket, held, self.id, count, terms);
        let seat = |_| Self {
            line: Line::Seat(Seat(Arc::clone(&crew)), None),
            zygote: Arc::clone(&self.zygote),
            ..self
        };
        let others = (1..count).map(seat).collect();
        self.line = Line::Seat(Seat(crew), first);
        (self, others)
    }

    /// Its process's seats, if those are several.
    pub(crate) fn seats(&self) -> Option<&Seats> {
        self.crew().map(|crew| crew.seats())
    }

    /// Whether nothing runs in its process.
    pub(crate) fn is_idle(&self) -> bool {
        self.crew().is_none_or(|crew| crew.link().is_idle())
    }

    fn crew(&self) -> Option<&Arc<Crew>> {
        match &self.line {
            Line::Own { .. } => None,
            Line::Seat(seat, _) => Some(&seat.0),
        }
    }

    /// Sends an invocation and waits for its answer.
    pub(super) async fn serve_seat(
        &mut self,
        invocation: &Invocation,
        limits: Limits,
        sent_ns: u64,
        journal: &Journal,
        taker: &mut Taker,
    ) -> Served {
        let Line::Seat(seat, runs) = &mut self.line else {
            return Served::failed(InstanceError::NotStarted, sent_ns);
        };
        let place = match seat.0.link().open(journal) {
            Ok(place) => runs.insert(place),
            Err(error) => return Served::failed(error, sent_ns),
        };
        match send(place, invocation, limits.timeout).await {
            Ok(()) => self.finish_seat(limits, sent_ns, journal, taker).await,
            Err(error) => Served {
                logs: self.over(false),
                ..Served::failed(error, sent_ns)
            },
        }
    }

    /// Waits for the answer to an invocation that was sent. One that nobody takes goes on, see [`Self::wait_out`].
    pub(super) async fn finish_seat(
        &mut self,
        limits: Limits,
        sent_ns: u64,
        journal: &Journal,
        taker: &mut Taker,
    ) -> Served {
        let Line::Seat(_, Some(place)) = &mut self.line else {
            return Served::failed(InstanceError::NotStarted, sent_ns);
        };
        let ear = &mut Ear::Seat(place);
        let (result, usage, _): (_, Usage, _) = listen(ear, limits, self.id, journal, taker).await;
        let logs = match &result {
            Err(InstanceError::Cancelled) => place.take_logs(),
            Err(error) => self.over(error.leaves_instance_usable()),
            Ok(_) => self.over(true),
        };
        Served {
            result,
            sent_ns,
            usage,
            logs,
        }
    }

    fn over(&mut self, is_healthy: bool) -> LogLines {
        let place = match &mut self.line {
            Line::Own { .. } => None,
            Line::Seat(_, place) => place.take(),
        };
        place
            .map(|place| place.over(is_healthy))
            .unwrap_or_default()
    }

    /// Whether an invocation runs in it that only has to end: the process is not its own, so it cannot be killed for that.
    pub(crate) fn is_left_running(&self) -> bool {
        matches!(self.line, Line::Seat(_, Some(_)))
    }

    /// Waits until that has ended, at most so long. Whether it may be used again.
    pub(crate) async fn wait_out(&mut self, patience: Duration) -> bool {
        match &mut self.line {
            Line::Seat(_, place) => match place.take() {
                Some(place) => place.wait_out(patience).await,
                None => true,
            },
            Line::Own { .. } => false,
        }
    }
}

/// A process that is busy reads late; the invocation's own time limits how late.
async fn send(
    place: &Place,
    invocation: &Invocation,
    timeout: Duration,
) -> Result<(), InstanceError> {
    let (command, body) = packets::invoke(place.number(), invocation, timeout);
    let sending = async {
        loop {
            match place.link().post(&command, &body).await {
                Err(WireError::WouldBlock) => {}
                sent => return sent,
            }
        }
    };
    match tokio::time::timeout(timeout, sending).await {
        Ok(sent) => sent.map_err(|error| InstanceError::before_start(&error)),
        Err(_) => Err(InstanceError::TimedOut(timeout)),
    }
}
