//! An answer that goes out in pieces, as the handler makes them. Knows nothing of how a language makes them.
//!
//! The status and the headers go out with the first piece: a handler that fails before it has made one has failed, and
//! not answered with a success that is cut off. Each piece waits until the supervisor has room for it, which is how a slow
//! client holds up the handler.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use zygo_wire::data::{BODY_INLINE_LEN_MAX, PIECES_UNTAKEN_MAX, StartedHeader};
use zygo_wire::{BodyKind, Failure, FailureKind, InstanceEvent, Socket, WireError, packet};

use crate::runtime::{Body, Response};
use crate::sink::{self, Sink};
use crate::{answer, process};

/// The answer that goes out now, for engines that give pieces from inside a call of theirs.
static CURRENT: Mutex<Option<Stream>> = Mutex::new(None);

/// Answers that go out now where several invocations run at once, by their numbers.
static SEVERAL: Mutex<Flows> = Mutex::new(Flows {
    open: BTreeMap::new(),
    cancelled: BTreeSet::new(),
});

/// Some piece of [`SEVERAL`] was taken.
static TAKEN: Condvar = Condvar::new();

/// Several answers in pieces.
#[derive(Debug)]
struct Flows {
    open: BTreeMap<u64, Flow>,
    /// Those that nobody takes any more, begun or not.
    cancelled: BTreeSet<u64>,
}

/// One of several answers in pieces.
#[derive(Debug)]
struct Flow {
    stream: Stream,
    /// Pieces that are on their way.
    untaken: usize,
}

/// An answer in pieces.
#[derive(Debug)]
pub struct Stream {
    status_code: u16,
    headers: Vec<(String, String)>,
    body_kind: BodyKind,
    begun: bool,
}

impl Stream {
    /// An answer with this head. Where `body_kind` is [`BodyKind::None`], the first piece says what the body is.
    #[must_use]
    pub fn new(status_code: u16, headers: Vec<(String, String)>, body_kind: BodyKind) -> Self {
        Self {
            status_code,
            headers,
            body_kind,
            begun: false,
        }
    }

    /// Sends a piece, text or bytes, and waits until there is room for it. An empty one only sends the head, if that was
    /// not sent before.
    ///
    /// # Errors
    /// When the headers are too long for a packet.
    pub fn push(&mut self, kind: BodyKind, piece: &[u8]) -> Result<(), Failure> {
        sink::with(|sink| match sink {
            Sink::Data(socket) => self.send(socket, sink::number(), kind, piece),
            // Nobody listens to a rehearsal.
            _ => Ok(()),
        })
    }

    fn send(
        &mut self,
        socket: &Socket,
        number: u64,
        kind: BodyKind,
        piece: &[u8],
    ) -> Result<(), Failure> {
        if !self.begun {
            if self.body_kind == BodyKind::None {
                self.body_kind = kind;
            }
            let header = StartedHeader {
                number,
                status_code: self.status_code,
                headers: answer::borrowed(&self.headers),
                body_kind: self.body_kind,
            };
            match packet::send(socket, &InstanceEvent::Started(header), &[], &[]) {
                Err(WireError::TooLong { len, max }) => {
                    return Err(answer::headers_too_long(len, max));
                }
                sent => or_end(sent),
            }
            self.begun = true;
        }
        for part in piece.chunks(BODY_INLINE_LEN_MAX) {
            or_end(packet::send(
                socket,
                &InstanceEvent::Chunk { number },
                part,
                &[],
            ));
        }
        Ok(())
    }

    /// The end of the answer. One that had no piece at all is an ordinary answer without a body.
    #[must_use]
    pub fn end(self) -> Response {
        let body = if self.begun {
            Body::Sent
        } else {
            Body::Whole(Vec::new())
        };
        Response {
            status_code: self.status_code,
            headers: self.headers,
            body_kind: BodyKind::None,
            body,
        }
    }
}

/// Begins the answer that goes out now.
pub fn begin(stream: Stream) {
    *current() = Some(stream);
}

/// Sends a piece of the answer that goes out now.
///
/// # Errors
/// Those of [`Stream::push`].
pub fn push(kind: BodyKind, piece: &[u8]) -> Result<(), Failure> {
    match &mut *current() {
        Some(stream) => stream.push(kind, piece),
        None => Ok(()),
    }
}

/// Takes the answer that goes out now, if there is one.
pub fn take() -> Option<Stream> {
    current().take()
}

/// Begins the answer to one of several invocations.
pub fn begin_of(number: u64, stream: Stream) {
    let flow = Flow { stream, untaken: 0 };
    several().open.insert(number, flow);
}

/// Sends as much of a piece as there is room for; how many bytes that was.
///
/// # Errors
/// Those of [`Stream::push`], and when nobody takes the answer any more.
pub fn push_of(number: u64, kind: BodyKind, piece: &[u8]) -> Result<usize, Failure> {
    several().push(number, kind, piece)
}

/// Sends a piece, and waits until there was room for all of it. For threads that may wait.
///
/// # Errors
/// Those of [`push_of`].
pub fn push_waiting(number: u64, kind: BodyKind, mut piece: &[u8]) -> Result<(), Failure> {
    let mut flows = several();
    loop {
        let sent = flows.push(number, kind, piece)?;
        piece = &piece[sent..];
        if piece.is_empty() {
            return Ok(());
        }
        flows = TAKEN.wait(flows).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Takes the answer to one of several invocations, if it goes out in pieces.
pub fn take_of(number: u64) -> Option<Stream> {
    several().open.remove(&number).map(|flow| flow.stream)
}

/// An invocation has ended.
pub(crate) fn forget(number: u64) {
    let mut flows = several();
    flows.open.remove(&number);
    flows.cancelled.remove(&number);
}

/// Nobody takes an answer any more.
pub(crate) fn cancel(number: u64) {
    several().cancelled.insert(number);
    TAKEN.notify_all();
}

/// A piece was taken.
pub(crate) fn taken(number: u64) {
    if let Some(flow) = several().open.get_mut(&number) {
        flow.untaken = flow.untaken.saturating_sub(1);
        TAKEN.notify_all();
    }
}

impl Flows {
    fn push(&mut self, number: u64, kind: BodyKind, piece: &[u8]) -> Result<usize, Failure> {
        if self.cancelled.contains(&number) {
            let message = "nobody takes the answer any more";
            return Err(Failure::new(FailureKind::Response, "Cancelled", message));
        }
        match self.open.get_mut(&number) {
            Some(flow) => flow.push(number, kind, piece),
            // It has ended already, and nobody takes more.
            None => Ok(piece.len()),
        }
    }
}

impl Flow {
    fn push(&mut self, number: u64, kind: BodyKind, piece: &[u8]) -> Result<usize, Failure> {
        let room = PIECES_UNTAKEN_MAX.saturating_sub(self.untaken);
        let end = piece.len().min(room * BODY_INLINE_LEN_MAX);
        if end == 0 && !piece.is_empty() {
            return Ok(0);
        }
        self.untaken += end.div_ceil(BODY_INLINE_LEN_MAX);
        sink::with(|sink| match sink {
            Sink::Data(socket) => self.stream.send(socket, number, kind, &piece[..end]),
            _ => Ok(()),
        })?;
        Ok(end)
    }
}

fn several() -> MutexGuard<'static, Flows> {
    SEVERAL.lock().unwrap_or_else(PoisonError::into_inner)
}

fn current() -> MutexGuard<'static, Option<Stream>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When nobody takes the answer any more, nobody wants its rest to be made.
fn or_end(sent: Result<(), WireError>) {
    if sent.is_err() {
        process::end(0);
    }
}
