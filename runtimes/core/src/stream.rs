//! An answer that goes out in pieces, as the handler makes them. Knows nothing of how a language makes them.
//!
//! The status and the headers go out with the first piece: a handler that fails before it has made one has failed, and
//! not answered with a success that is cut off. Each piece waits until the supervisor has room for it, which is how a slow
//! client holds up the handler.

use std::sync::{Mutex, MutexGuard, PoisonError};

use zygo_wire::data::{BODY_INLINE_LEN_MAX, StartedHeader};
use zygo_wire::{BodyKind, Failure, InstanceEvent, Socket, WireError, packet};

use crate::runtime::{Body, Response};
use crate::sink::{self, Sink};
use crate::{answer, process};

/// The answer that goes out now, for engines that give pieces from inside a call of theirs.
static CURRENT: Mutex<Option<Stream>> = Mutex::new(None);

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
            Sink::Data(socket) => self.send(socket, kind, piece),
            // Nobody listens to a rehearsal.
            _ => Ok(()),
        })
    }

    fn send(&mut self, socket: &Socket, kind: BodyKind, piece: &[u8]) -> Result<(), Failure> {
        let number = sink::number();
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

fn current() -> MutexGuard<'static, Option<Stream>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When nobody takes the answer any more, nobody wants its rest to be made.
fn or_end(sent: Result<(), WireError>) {
    if sent.is_err() {
        process::end(0);
    }
}
