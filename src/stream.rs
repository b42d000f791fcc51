//! An answer that comes in pieces, between the instance that makes it and whoever takes it. Knows neither HTTP nor
//! processes.
//!
//! ```text
//!  instance ─► Taker ─┬─ gathers ───────────────────► one answer, as if it had come at once
//!                     └─ gives on ─► Head, Piece … ─► Intake     the instance is not read while nobody takes
//! ```

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use zygo_wire::data::BodyKind;

use crate::admission::Remaining;
use crate::invocation::{Answer, StartKind};

/// Pieces that wait for whoever takes them; each has 64 KiB at most.
const WAITING_MAX: usize = 2;

/// Why a piece was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotTaken {
    /// Nobody is there any more.
    #[error("nobody takes the answer any more")]
    Gone,
    /// Its head is none of an answer.
    #[error("the answer is no response: {0}")]
    Refused(String),
    /// There are too many of them.
    #[error("the answer has more than {0} bytes")]
    TooLong(usize),
}

/// Says why an answer that came at once is nothing that its caller can be given, if so.
pub(crate) type Judge = Box<dyn Fn(&Answer) -> Result<(), String> + Send + Sync>;

/// What becomes of an answer in pieces.
#[derive(Debug)]
pub(crate) enum Taker {
    /// Its pieces are put together.
    Gathers(Vec<u8>),
    /// They are given on as they come.
    GivesOn(Outlet),
}

/// The end of a stream that the instance feeds.
pub(crate) struct Outlet {
    parts: Sender<Part>,
    judge: Judge,
    /// Whether the head is out: then whoever takes it is the judge.
    has_begun: bool,
    len: usize,
    start_kind: Option<StartKind>,
    rate: Option<Remaining>,
    refusal: Refusal,
}

/// Why whoever takes an answer has refused its head, if so.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refusal(Arc<OnceLock<String>>);

impl Refusal {
    /// Refuses it: to be called before the pieces are let go.
    pub(crate) fn because(&self, reason: String) {
        // The first reason is as good as the next.
        let _ = self.0.set(reason);
    }
}

/// The end of a stream from which it is taken. Once it is dropped, the work is cancelled.
pub(crate) type Intake = Receiver<Part>;

/// What comes out of a stream.
#[derive(Debug)]
pub(crate) enum Part {
    /// Comes first.
    Head(Box<Head>),
    /// The next bytes.
    Piece(Bytes),
    /// The handler has made all of it. A stream that ends without this was cut.
    End,
}

/// All but the body of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    /// The answer, its body left empty.
    pub(crate) answer: Answer,
    /// How the instance came to be.
    pub(crate) start_kind: Option<StartKind>,
    /// What is left of the function's rate limit, if it has one.
    pub(crate) rate: Option<Remaining>,
    /// Where to say that this is no head of an answer.
    pub(crate) refusal: Refusal,
}

/// How long an answer in pieces may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lengths {
    /// One whose pieces are put together.
    pub(crate) gathered: usize,
    /// One whose pieces are given on.
    pub(crate) given_on: usize,
}

/// A taker that gives on, what comes out at the other end, and a way to say that all is well.
pub(crate) fn channel(judge: Judge) -> (Taker, Intake, Sender<Part>) {
    let (parts, intake) = mpsc::channel(WAITING_MAX);
    let outlet = Outlet {
        parts: parts.clone(),
        judge,
        has_begun: false,
        len: 0,
        start_kind: None,
        rate: None,
        refusal: Refusal::default(),
    };
    (Taker::GivesOn(outlet), intake, parts)
}

/// The head, if it has come.
pub(crate) fn head_of(intake: &mut Intake) -> Option<Box<Head>> {
    match intake.try_recv() {
        Ok(Part::Head(head)) => Some(head),
        Ok(_) | Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
    }
}

impl Taker {
    /// One that makes one answer of all pieces.
    pub(crate) fn gathering() -> Self {
        Self::Gathers(Vec::new())
    }

    /// Whether somebody takes the pieces as they come.
    pub(crate) fn gives_on(&self) -> bool {
        matches!(self, Self::GivesOn(_))
    }

    /// Notes what is left of a rate limit.
    pub(crate) fn admitted(&mut self, rate: Option<Remaining>) {
        if let Self::GivesOn(outlet) = self {
            outlet.rate = rate;
        }
    }

    /// Notes how the instance came to be.
    pub(crate) fn served_by(&mut self, kind: StartKind) {
        if let Self::GivesOn(outlet) = self {
            outlet.start_kind = Some(kind);
        }
    }

    /// Takes the head.
    pub(crate) async fn begin(&mut self, answer: &Answer) -> Result<(), NotTaken> {
        let Self::GivesOn(outlet) = self else {
            return Ok(());
        };
        let head = Box::new(Head {
            answer: answer.clone(),
            start_kind: outlet.start_kind,
            rate: outlet.rate,
            refusal: outlet.refusal.clone(),
        });
        outlet.has_begun = true;
        outlet.give(Part::Head(head)).await
    }

    /// Takes a piece, and waits until there is room for it.
    pub(crate) async fn take(&mut self, piece: Bytes, lengths: Lengths) -> Result<(), NotTaken> {
        match self {
            Self::Gathers(body) => {
                check(body.len() + piece.len(), lengths.gathered)?;
                body.extend_from_slice(&piece);
                Ok(())
            }
            Self::GivesOn(outlet) => {
                outlet.len = outlet.len.saturating_add(piece.len());
                check(outlet.len, lengths.given_on)?;
                outlet.give(Part::Piece(piece)).await
            }
        }
    }

    /// Judges an answer that came at once, before anything is kept of it.
    pub(crate) fn check(&self, answer: &Answer) -> Result<(), NotTaken> {
        match self {
            Self::GivesOn(outlet) if !outlet.has_begun => {
                (outlet.judge)(answer).map_err(NotTaken::Refused)
            }
            _ => Ok(()),
        }
    }

    /// Waits until nobody takes the answer any more, and says why.
    pub(crate) async fn gone(&self) -> NotTaken {
        match self {
            Self::Gathers(_) => std::future::pending().await,
            Self::GivesOn(outlet) => {
                outlet.parts.closed().await;
                outlet.reason()
            }
        }
    }

    /// The answer at its end: with its body if that was gathered. Pieces of text may still be no text as a whole.
    pub(crate) fn end(&mut self, head: Answer) -> Answer {
        let Self::Gathers(body) = self else {
            return head;
        };
        let body = Bytes::from(std::mem::take(body));
        let body_kind = match head.body_kind {
            BodyKind::Text if std::str::from_utf8(&body).is_err() => BodyKind::Binary,
            kind => kind,
        };
        Answer {
            body_kind,
            body,
            ..head
        }
    }
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = formatter.debug_struct("Outlet");
        shown.field("len", &self.len).finish_non_exhaustive()
    }
}

impl Outlet {
    async fn give(&self, part: Part) -> Result<(), NotTaken> {
        let given = self.parts.send(part).await;
        given.map_err(|_| self.reason())
    }

    /// Why nobody takes anything any more.
    fn reason(&self) -> NotTaken {
        let refused = self.refusal.0.get().cloned();
        refused.map_or(NotTaken::Gone, NotTaken::Refused)
    }
}

fn check(len: usize, max: usize) -> Result<(), NotTaken> {
    if len > max {
        return Err(NotTaken::TooLong(max));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
