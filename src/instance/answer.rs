//! What an instance says until its invocation has ended: lines, and an answer, whole or in pieces.

use zygo_wire::control::Level;
use zygo_wire::data::Usage;

use super::event::Event;
use super::{Instance, InstanceError, Limits, Place, Served};
use crate::invocation::{Answer, LogLines};
use crate::stream::{Lengths, Taker};
use crate::telemetry::Journal;

/// After so many lines in a row others on the same thread get their turn: a socket holds hundreds, and whoever writes that
/// many would make all others wait for milliseconds.
const LINES_PER_TURN: usize = 8;

/// How an invocation ended in its instance, and what it cost.
type Ended = (Result<Answer, InstanceError>, Usage);

impl Instance {
    /// Listens until the invocation that was sent has ended, at most as long as it may take.
    pub(super) async fn finish(
        &mut self,
        limits: Limits,
        sent_ns: u64,
        journal: &Journal,
        taker: &mut Taker,
    ) -> Served {
        let ear = &mut Ear::Own(self);
        let (result, usage, logs) = listen(ear, limits, self.id, journal, taker).await;
        Served {
            result,
            sent_ns,
            usage,
            logs,
        }
    }
}

/// What is heard of one invocation.
pub(super) enum Ear<'a> {
    /// All that the process says.
    Own(&'a Instance),
    /// What is said of one of several.
    Seat(&'a mut Place),
}

impl Ear<'_> {
    /// The next event. Lines of a seat went their way before.
    pub(super) async fn receive(
        &mut self,
        response_len_max: usize,
    ) -> Result<Event, InstanceError> {
        match self {
            Self::Own(instance) => instance.receive(response_len_max).await,
            Self::Seat(place) => place.receive().await,
        }
    }

    /// Says that a piece was taken, where that is waited for.
    async fn taken(&self) {
        if let Self::Seat(place) = self {
            place.taken().await;
        }
    }

    /// Number 0 is what happens before the first invocation was read, such as loading after the fork.
    fn is_current(&self, number: u64) -> bool {
        match self {
            Self::Own(instance) => {
                number == instance.number || (number == 0 && instance.number == 1)
            }
            Self::Seat(place) => number == place.number(),
        }
    }
}

/// Listens until the invocation has ended, at most as long as it may take.
pub(super) async fn listen(
    ear: &mut Ear<'_>,
    limits: Limits,
    instance: i64,
    journal: &Journal,
    taker: &mut Taker,
) -> (Result<Answer, InstanceError>, Usage, LogLines) {
    let (mut logs, mut begun) = (LogLines::default(), None);
    let waited = tokio::time::timeout(
        limits.timeout,
        wait_for_answer(
            ear,
            limits,
            instance,
            (&mut logs, journal),
            taker,
            &mut begun,
        ),
    )
    .await;
    let (result, usage) = match waited {
        Ok(Ok((result, usage))) => (result, usage),
        Ok(Err(error)) => (Err(error), Usage::default()),
        Err(_) => (
            Err(InstanceError::TimedOut(limits.timeout)),
            Usage::default(),
        ),
    };
    if let Err(error) = &result
        && begun.is_some()
        && taker.gives_on()
    {
        tell_cut(error, journal, instance);
    }
    (result, usage, logs)
}

/// `begun` holds the head of an answer in pieces until its end.
async fn wait_for_answer(
    ear: &mut Ear<'_>,
    limits: Limits,
    instance: i64,
    (logs, journal): (&mut LogLines, &Journal),
    taker: &mut Taker,
    begun: &mut Option<Answer>,
) -> Result<Ended, InstanceError> {
    let lengths = Lengths {
        gathered: limits.response_len_max,
        given_on: limits.stream_len_max,
    };
    let mut lines = 0;
    loop {
        let event = tokio::select! {
            biased;
            event = ear.receive(limits.response_len_max) => event?,
            reason = taker.gone() => return Err(reason.into()),
        };
        match event {
            Event::Logged(number, level, text) if ear.is_current(number) => {
                journal.line(level, &text, Some(instance));
                logs.push(level, text);
                lines += 1;
                if lines % LINES_PER_TURN == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Event::Finished(number, answer, usage) if ear.is_current(number) && begun.is_none() => {
                return Ok((answer, usage));
            }
            Event::Failed(number, failure, usage) if ear.is_current(number) => {
                return Ok((Err(InstanceError::from(failure)), usage));
            }
            Event::Started(number, head) if ear.is_current(number) && begun.is_none() => {
                taker.begin(&head).await?;
                *begun = Some(head);
            }
            Event::Chunk(number, piece) if ear.is_current(number) && begun.is_some() => {
                taker.take(piece, lengths).await?;
                ear.taken().await;
            }
            Event::Ended(number, usage) if ear.is_current(number) => {
                let head = begun.take();
                let head = head.ok_or(InstanceError::Violation("the end of no answer"))?;
                return Ok((Ok(taker.end(head)), usage));
            }
            _ => return Err(InstanceError::Violation("a message of another invocation")),
        }
    }
}

/// The caller of an answer that is cut sees no reason, so the log says it.
fn tell_cut(error: &InstanceError, journal: &Journal, instance: i64) {
    let tell = |line: &str| journal.line(Level::Error, line, Some(instance));
    match error {
        // Whoever refused it has told.
        InstanceError::Cancelled | InstanceError::NoResponse(_) => {}
        InstanceError::Failed(failure) | InstanceError::OutOfMemory(failure) => {
            tell(&format!("the answer was cut: {error}"));
            failure
                .stack
                .iter()
                .for_each(|frame| tell(&format!("    {frame}")));
        }
        _ => tell(&format!("the answer was cut: {error}")),
    }
}
