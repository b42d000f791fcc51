//! Between the supervisor and an instance: headers only. A body follows its header in the same packet, or, when it is
//! longer than [`BODY_INLINE_LEN_MAX`], travels as a memory file beside it (see [`crate::packet`]).
//!
//! ```text
//!  one piece     Invoke ►   (◄ Logged)*   ◄ Finished | Failed
//!  in pieces     Invoke ►   (◄ Logged)*   ◄ Started   (◄ Logged | Chunk)*   ◄ Ended | Failed
//! ```
//! Where an instance serves several invocations at once, these go on beside each other, told apart by their numbers, and
//! each piece is answered: `◄ Chunk   Taken ►`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::control::Level;
use crate::error::WireError;
use crate::function::Failure;

/// Bodies up to this length travel in the packet; below it a copy is cheaper than a memory file (measured at 64 KiB).
pub const BODY_INLINE_LEN_MAX: usize = 64 * 1024;

/// Events up to this length travel in the header, which leaves the packet room for a body and for the rest.
pub const EVENT_INLINE_LEN_MAX: usize = 80 * 1024;

/// So many pieces of one answer may be on their way where an instance serves several invocations at once. All share one
/// socket there, which is always read: a slow client holds up its own invocation only.
pub const PIECES_UNTAKEN_MAX: usize = 2;

/// What the supervisor tells an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceCommand<'a> {
    /// Run the handler once. The body is the event's body.
    #[serde(borrow)]
    Invoke(InvokeHeader<'a>),
    /// A piece of an answer was taken, so another may come. Only where an instance serves several invocations at once.
    Taken {
        /// The invocation whose answer it is.
        number: u64,
    },
    /// Nobody takes an answer any more, so no further piece of it is wanted. The invocation still ends as ever. Only where
    /// an instance serves several invocations at once; it would be killed otherwise.
    Cancel {
        /// The invocation whose answer it is.
        number: u64,
    },
}

/// Everything about an invocation but its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvokeHeader<'a> {
    /// Counts the invocations of this instance; the answer repeats it, so that a late or forged answer is noticed.
    pub number: u64,
    /// The invocation's id, `req-…`, as users see it.
    pub request_id: &'a str,
    /// When the instance will be killed, in milliseconds since the Unix epoch.
    pub deadline_unix_ms: u64,
    /// The invocation's place in its trace, as a `traceparent` of W3C Trace Context.
    pub traceparent: &'a str,
    /// The `tracestate` of that trace; empty when there is none.
    pub tracestate: &'a str,
    /// The event without its body: one JSON object. Empty when it stands before the body.
    pub event: &'a [u8],
    /// So many bytes before the body are the event, which is too long for a packet.
    pub event_before_body_len: u64,
    /// How the handler is to see the body.
    pub body_kind: BodyKind,
    /// The length in bytes of the body, and of the event if that stands before it.
    pub body_len: u64,
}

impl<'a> InvokeHeader<'a> {
    /// The event and its body, of all that came as the body.
    ///
    /// # Errors
    /// [`WireError::Violation`] when less came than was announced.
    pub fn event_and_body<'b>(&self, came: &'b [u8]) -> Result<(&'b [u8], &'b [u8]), WireError>
    where
        'a: 'b,
    {
        let len = usize::try_from(self.event_before_body_len).unwrap_or(usize::MAX);
        let (before, body) = came
            .split_at_checked(len)
            .ok_or(WireError::Violation("the event is shorter than announced"))?;
        let event = if before.is_empty() {
            self.event
        } else {
            before
        };
        Ok((event, body))
    }
}

/// How a body is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BodyKind {
    /// There is none: `null`, `None`, `nil`.
    None,
    /// A JSON text; the handler sees the value.
    Json,
    /// UTF-8 text; the handler sees a string.
    Text,
    /// Anything else; the handler sees bytes.
    Binary,
}

/// What an instance tells the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceEvent<'a> {
    /// An instance that was forked ahead of demand is ready.
    Parked,
    /// The handler wrote a line; the body is the line.
    Logged {
        /// The invocation it belongs to.
        number: u64,
        /// Severity of the line.
        level: Level,
    },
    /// The handler answered; the body is its answer's body.
    #[serde(borrow)]
    Finished(FinishedHeader<'a>),
    /// The handler failed.
    Failed {
        /// The invocation it belongs to.
        number: u64,
        /// What happened.
        failure: Failure,
        /// What it cost.
        usage: Usage,
    },
    /// The handler answers in pieces, which follow.
    Started(StartedHeader<'a>),
    /// A piece of the answer's body, no longer than [`BODY_INLINE_LEN_MAX`], in the packet. Who sends it waits while the
    /// socket is full, so whoever does not read holds up the handler.
    Chunk {
        /// The invocation it belongs to.
        number: u64,
    },
    /// The last piece was sent.
    Ended {
        /// The invocation it belongs to.
        number: u64,
        /// What it cost.
        usage: Usage,
    },
}

/// Everything about an answer in pieces that is known before the first of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedHeader<'a> {
    /// The invocation it belongs to.
    pub number: u64,
    /// The handler's status code; checked by the gateway.
    pub status_code: u16,
    /// The handler's headers, names as written; checked by the gateway.
    #[serde(borrow)]
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// What the pieces are: text or bytes. Text may be cut in the middle of a character.
    pub body_kind: BodyKind,
}

/// Everything about an answer but its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishedHeader<'a> {
    /// The invocation it belongs to.
    pub number: u64,
    /// The handler's status code; checked by the gateway.
    pub status_code: u16,
    /// The handler's headers, names as written; checked by the gateway.
    #[serde(borrow)]
    pub headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// What the body is.
    pub body_kind: BodyKind,
    /// The body's length in bytes.
    pub body_len: u64,
    /// What it cost.
    pub usage: Usage,
}

/// When an invocation's phases began and what they used, as the instance saw it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// When the instance first had the invocation in hand, on [`crate::clock`].
    pub received_ns: u64,
    /// When the handler was called; later than `received_ns` by the time that loading took.
    pub handler_started_ns: u64,
    /// When the handler's answer was complete.
    pub handler_ended_ns: u64,
    /// Processor time of the instance during the invocation, in microseconds.
    pub cpu_us: u64,
    /// Highest resident memory of the instance so far, in KiB, shared pages of the zygote included.
    pub memory_peak_kib: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_stands_in_the_header_or_before_the_body() {
        let header = |event: &'static [u8], before| InvokeHeader {
            number: 1,
            request_id: "req-1",
            deadline_unix_ms: 0,
            traceparent: "",
            tracestate: "",
            event,
            event_before_body_len: before,
            body_kind: BodyKind::Text,
            body_len: 6,
        };
        let apart = header(b"{}", 0).event_and_body(b"a body").ok();
        assert_eq!(apart, Some((&b"{}"[..], &b"a body"[..])));
        let before = header(b"", 2).event_and_body(b"{}body").ok();
        assert_eq!(before, Some((&b"{}"[..], &b"body"[..])));
        assert!(header(b"", 7).event_and_body(b"{}body").is_err());
    }
}
