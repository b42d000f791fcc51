//! What an instance says until its invocation has ended: lines, and an answer, whole or in pieces.

use zygo_wire::control::Level;
use zygo_wire::data::Usage;

use super::event::Event;
use super::{Instance, InstanceError, Limits, Served};
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
        let (mut logs, mut begun) = (LogLines::default(), None);
        let waited = tokio::time::timeout(
            limits.timeout,
            self.wait_for_answer(limits, &mut logs, journal, taker, &mut begun),
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
            self.tell_cut(error, journal);
        }
        Served {
            result,
            sent_ns,
            usage,
            logs,
        }
    }

    /// `begun` holds the head of an answer in pieces until its end.
    async fn wait_for_answer(
        &self,
        limits: Limits,
        logs: &mut LogLines,
        journal: &Journal,
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
                event = self.receive(limits.response_len_max) => event?,
                reason = taker.gone() => return Err(reason.into()),
            };
            match event {
                Event::Logged(number, level, text) if self.is_current(number) => {
                    journal.line(level, &text, Some(self.id));
                    logs.push(level, text);
                    lines += 1;
                    if lines % LINES_PER_TURN == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                Event::Finished(number, answer, usage)
                    if self.is_current(number) && begun.is_none() =>
                {
                    return Ok((answer, usage));
                }
                Event::Failed(number, failure, usage) if self.is_current(number) => {
                    return Ok((Err(InstanceError::from(failure)), usage));
                }
                Event::Started(number, head) if self.is_current(number) && begun.is_none() => {
                    taker.begin(&head).await?;
                    *begun = Some(head);
                }
                Event::Chunk(number, piece) if self.is_current(number) && begun.is_some() => {
                    taker.take(piece, lengths).await?;
                }
                Event::Ended(number, usage) if self.is_current(number) => {
                    let head = begun.take();
                    let head = head.ok_or(InstanceError::Violation("the end of no answer"))?;
                    return Ok((Ok(taker.end(head)), usage));
                }
                _ => return Err(InstanceError::Violation("a message of another invocation")),
            }
        }
    }

    /// The caller of an answer that is cut sees no reason, so the log says it.
    fn tell_cut(&self, error: &InstanceError, journal: &Journal) {
        let tell = |line: &str| journal.line(Level::Error, line, Some(self.id));
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

    /// Number 0 is what happens before the first invocation was read, such as loading after the fork.
    fn is_current(&self, number: u64) -> bool {
        number == self.number || (number == 0 && self.number == 1)
    }
}
