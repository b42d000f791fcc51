//! What an instance says, taken out of the receive buffer and checked.

use std::os::fd::OwnedFd;

use bytes::Bytes;
use serde_json::value::RawValue;
use zygo_wire::control::Level;
use zygo_wire::data::{BodyKind, FinishedHeader, InstanceEvent, Usage};
use zygo_wire::{Failure, WireError, packet};

use super::InstanceError;
use crate::invocation::Answer;

/// A packet from the instance, taken out of the receive buffer.
pub(super) enum Event {
    Parked,
    Logged(u64, Level, String),
    Finished(u64, Result<Answer, InstanceError>, Usage),
    Failed(u64, Failure, Usage),
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
    })
}

/// What the instance says of its own answer is checked: nobody above needs to doubt it, and an instance that says
/// what is not so is not used again.
fn answer(header: FinishedHeader<'_>, body: Bytes) -> Result<Answer, WireError> {
    match header.body_kind {
        _ if !(100..=599).contains(&header.status_code) => {
            return Err(WireError::Violation("a status code out of range"));
        }
        BodyKind::Json if serde_json::from_slice::<&RawValue>(&body).is_err() => {
            return Err(WireError::Violation("a JSON body that is no JSON"));
        }
        BodyKind::Text if std::str::from_utf8(&body).is_err() => {
            return Err(WireError::Violation("a text body that is no UTF-8"));
        }
        _ => {}
    }
    let headers = header.headers.into_iter();
    Ok(Answer {
        status_code: header.status_code,
        headers: headers
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
        body_kind: header.body_kind,
        body,
    })
}
