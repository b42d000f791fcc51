//! Answers that go out together, at the end of a turn in which one invocation was begun after the other.
//!
//! What has ended waits for those that are begun after it, and would wait long behind one that takes long, or for ever
//! behind one that never comes back. So answers wait only where the last so many handlers came back within a moment: one
//! that does not can hold up a turn's answers once, and then none wait for a while.

use zygo_wire::data::Usage;
use zygo_wire::parcel::Parcel;
use zygo_wire::{Failure, Socket, WireError};

use crate::answer;
use crate::runtime::Response;

/// A handler that comes back within this time is quick: a tenth of a millisecond, in nanoseconds.
const QUICK_NS: u64 = 100_000;

/// After so many quick ones in a row, answers wait.
const QUICK_ENOUGH: u32 = 100;

/// The answers of a turn.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    parcel: Parcel,
    /// When the last handler was called, if it has not come back with an answer.
    begun_ns: Option<u64>,
    quick_in_a_row: u32,
}

impl Outbox {
    /// Whether no answer waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.parcel.is_empty()
    }

    /// A handler is called now.
    pub(crate) fn begin_another(&mut self, now_ns: u64) {
        self.came_back(now_ns);
        self.begun_ns = Some(now_ns);
    }

    /// Sends an answer, or keeps it for the end of the turn.
    pub(crate) fn answer(
        &mut self,
        socket: &Socket,
        number: u64,
        result: Result<Response, Failure>,
        usage: Usage,
    ) -> Result<(), WireError> {
        self.came_back(usage.handler_ended_ns);
        if self.quick_in_a_row >= QUICK_ENOUGH
            && let Ok(response) = &result
            && answer::keep(&mut self.parcel, number, response, usage)?
        {
            return Ok(());
        }
        self.send(socket)?;
        answer::send(socket, number, result, usage)
    }

    /// The turn is over.
    pub(crate) fn send(&mut self, socket: &Socket) -> Result<(), WireError> {
        // What the turn does now is no handler's.
        self.begun_ns = None;
        self.parcel.send(socket)
    }

    fn came_back(&mut self, now_ns: u64) {
        if let Some(begun_ns) = self.begun_ns.take() {
            let is_quick = now_ns.saturating_sub(begun_ns) < QUICK_NS;
            self.quick_in_a_row = if is_quick {
                self.quick_in_a_row.saturating_add(1)
            } else {
                0
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Body;
    use zygo_wire::socket::{Blocking, PACKET_LEN_MAX};
    use zygo_wire::{BodyKind, parcel};

    /// Begins and ends one that takes so long.
    fn one(outbox: &mut Outbox, socket: &Socket, begun_ns: u64, takes_ns: u64) {
        outbox.begin_another(begun_ns);
        let response = Response {
            status_code: 200,
            headers: Vec::new(),
            body_kind: BodyKind::None,
            body: Body::Whole(Vec::new()),
        };
        let usage = Usage {
            handler_ended_ns: begun_ns + takes_ns,
            ..Usage::default()
        };
        outbox.answer(socket, 1, Ok(response), usage).expect("sent");
    }

    fn counted(socket: &Socket) -> usize {
        let mut buffer = vec![0; PACKET_LEN_MAX];
        match socket.receive_now(&mut buffer) {
            Ok(received) => parcel::messages(&buffer[..received.len]).count(),
            Err(_) => 0,
        }
    }

    #[test]
    fn answers_wait_for_the_turns_end_where_handlers_are_quick() {
        let (ours, theirs) = Socket::pair(Blocking::Yes).expect("pair");
        let mut outbox = Outbox::default();
        for _ in 1..QUICK_ENOUGH {
            one(&mut outbox, &ours, 0, QUICK_NS - 1);
            assert_eq!(counted(&theirs), 1, "nobody knows yet");
        }
        for _ in 0..3 {
            one(&mut outbox, &ours, 0, QUICK_NS - 1);
        }
        assert_eq!((counted(&theirs), outbox.is_empty()), (0, false));
        outbox.send(&ours).expect("sent");
        assert_eq!((counted(&theirs), outbox.is_empty()), (3, true));
    }

    #[test]
    fn one_that_takes_long_holds_up_nobody_after_it() {
        let (ours, theirs) = Socket::pair(Blocking::Yes).expect("pair");
        let mut outbox = Outbox::default();
        for _ in 0..QUICK_ENOUGH {
            one(&mut outbox, &ours, 0, 1);
            outbox.send(&ours).expect("sent");
            assert_eq!(counted(&theirs), 1);
        }
        one(&mut outbox, &ours, 0, 1);
        assert_eq!(counted(&theirs), 0);
        one(&mut outbox, &ours, 0, QUICK_NS);
        // The one that waited, and itself.
        assert_eq!((counted(&theirs), counted(&theirs)), (1, 1));
        one(&mut outbox, &ours, 0, 1);
        assert_eq!(counted(&theirs), 1);
    }
}
