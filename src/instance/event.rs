//! What an instance says, taken out of the receive buffer and checked.

use std::borrow::Cow;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use serde_json::value::RawValue;
use zygo_wire::control::Level;
use zygo_wire::data::{
    BODY_INLINE_LEN_MAX, BodyKind, FinishedHeader, InstanceEvent, StartedHeader, Usage,
};
use zygo_wire::{Failure, WireError, packet};

use super::InstanceError;
use crate::invocation::Answer;

/// A packet from the instance, taken out of the receive buffer.
#[derive(Debug)]
pub(super) enum Event {
    Parked,
    Logged(u64, Level, String),
    Finished(u64, Result<Answer, InstanceError>, Usage),
    Failed(u64, Failure, Usage),
    /// The answer comes in pieces; its body is empty.
    Started(u64, Answer),
    Chunk(u64, Bytes),
    Ended(u64, Usage),
}

impl Event {
    /// The invocation that it belongs to; 0 is none.
    pub(super) fn number(&self) -> u64 {
        match self {
            Self::Parked => 0,
            Self::Logged(number, ..)
            | Self::Finished(number, ..)
            | Self::Failed(number, ..)
            | Self::Started(number, _)
            | Self::Chunk(number, _)
            | Self::Ended(number, _) => *number,
        }
    }
}

/// The event of a packet, with its body.
pub(super) fn take(
    event: InstanceEvent<'_>,
    inline: &[u8],
    descriptors: &[OwnedFd],
    response_len_max: usize,
) -> Result<Event, WireError> {
    Ok(match event {
        InstanceEvent::Parked => Event::Parked,
        InstanceEvent::Logged { number, level } => {
            Event::Logged(number, level, String::from_utf8_lossy(inline).into_owned())
        }
        InstanceEvent::Failed {
            number,
            failure,
            usage,
        } => Event::Failed(number, failure, usage),
        InstanceEvent::Finished(header) => {
            let usage = header.usage;
            match packet::body(inline, header.body_len, descriptors, response_len_max) {
                Ok(body) => {
                    let number = header.number;
                    let answer = answer(header, Bytes::from(body.into_owned()))?;
                    Event::Finished(number, Ok(answer), usage)
                }
                Err(WireError::TooLong { len, max }) => Event::Finished(
                    header.number,
                    Err(InstanceError::ResponseTooLong { len, max }),
                    usage,
                ),
                Err(error) => return Err(error),
            }
        }
        InstanceEvent::Started(header) => Event::Started(header.number, started(header)?),
        InstanceEvent::Chunk { number } => {
            // Whatever came beside it is no part of it.
            let piece = packet::body(inline, inline.len() as u64, &[], BODY_INLINE_LEN_MAX)
                .map_err(|_| WireError::Violation("a piece that is too long"))?;
            Event::Chunk(number, Bytes::copy_from_slice(&piece))
        }
        InstanceEvent::Ended { number, usage } => Event::Ended(number, usage),
    })
}

/// The head of an answer in pieces, checked.
fn started(header: StartedHeader<'_>) -> Result<Answer, WireError> {
    if !matches!(header.body_kind, BodyKind::Text | BodyKind::Binary) {
        return Err(WireError::Violation(
            "pieces that are neither text nor bytes",
        ));
    }
    Ok(Answer {
        status_code: checked(header.status_code)?,
        headers: owned(header.headers),
        body_kind: header.body_kind,
        body: Bytes::new(),
    })
}

fn checked(status_code: u16) -> Result<u16, WireError> {
    match status_code {
        100..=599 => Ok(status_code),
        _ => Err(WireError::Violation("a status code out of range")),
    }
}

fn owned(headers: Vec<(Cow<'_, str>, Cow<'_, str>)>) -> Vec<(String, String)> {
    let own = |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
    headers.into_iter().map(own).collect()
}

/// What the instance says of its own answer is checked: nobody above needs to doubt it, and an instance that says
/// what is not so is not used again.
fn answer(header: FinishedHeader<'_>, body: Bytes) -> Result<Answer, WireError> {
    match header.body_kind {
        BodyKind::Json if serde_json::from_slice::<&RawValue>(&body).is_err() => {
            return Err(WireError::Violation("a JSON body that is no JSON"));
        }
        BodyKind::Text if std::str::from_utf8(&body).is_err() => {
            return Err(WireError::Violation("a text body that is no UTF-8"));
        }
        _ => {}
    }
    Ok(Answer {
        status_code: checked(header.status_code)?,
        headers: owned(header.headers),
        body_kind: header.body_kind,
        body,
    })
}
