//! How an invocation ended, as an instance tells it. Knows nothing of how it came to that.

use std::borrow::Cow;

use zygo_wire::data::{FinishedHeader, Usage};
use zygo_wire::parcel::Parcel;
use zygo_wire::{Failure, FailureKind, InstanceEvent, Socket, WireError, packet};

use crate::process;
use crate::runtime::{Body, Response};

/// Sends the answer, what is left of one that went out in pieces, or the failure.
pub(crate) fn send(
    socket: &Socket,
    number: u64,
    result: Result<Response, Failure>,
    usage: Usage,
) -> Result<(), WireError> {
    let failure = match result {
        Ok(response) => {
            let (event, body) = told(number, &response, usage);
            match packet::send(socket, &event, body, &[]) {
                Err(WireError::TooLong { len, max }) => headers_too_long(len, max),
                sent => return sent,
            }
        }
        Err(failure) => failure,
    };
    packet::send(
        socket,
        &InstanceEvent::Failed {
            number,
            failure: shortened(failure),
            usage,
        },
        &[],
        &[],
    )
}

/// What a handler is told whose headers fill more than a packet.
pub(crate) fn headers_too_long(len: usize, max: usize) -> Failure {
    Failure::new(
        FailureKind::Response,
        "ResponseTooLarge",
        format!("the response's headers have {len} bytes; at most {max} are possible"),
    )
}

/// Headers as they travel.
pub(crate) fn borrowed(headers: &[(String, String)]) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    headers
        .iter()
        .map(|(name, value)| (Cow::Borrowed(name.as_str()), Cow::Borrowed(value.as_str())))
        .collect()
}

/// Puts an answer to others that are to be sent together. Whether it has its place there.
pub(crate) fn keep(
    parcel: &mut Parcel,
    number: u64,
    response: &Response,
    usage: Usage,
) -> Result<bool, WireError> {
    let (event, body) = told(number, response, usage);
    parcel.push(&event, body)
}

/// An answer, or what is left of one that went out in pieces, and its body.
fn told(number: u64, response: &Response, usage: Usage) -> (InstanceEvent<'_>, &[u8]) {
    let Body::Whole(body) = &response.body else {
        return (InstanceEvent::Ended { number, usage }, &[]);
    };
    let header = FinishedHeader {
        number,
        status_code: response.status_code,
        headers: borrowed(&response.headers),
        body_kind: response.body_kind,
        body_len: body.len() as u64,
        usage,
    };
    (InstanceEvent::Finished(header), body)
}

/// A message or stack of a megabyte helps nobody and does not fit into a packet.
fn shortened(mut failure: Failure) -> Failure {
    const TEXT_LEN_MAX: usize = 16 * 1024;
    const FRAMES_MAX: usize = 64;
    const FRAME_LEN_MAX: usize = 1024;
    let cut = |text: &mut String, max| text.truncate(process::floor_char_boundary(text, max));
    cut(&mut failure.message, TEXT_LEN_MAX);
    cut(&mut failure.error_type, FRAME_LEN_MAX);
    failure.stack.truncate(FRAMES_MAX);
    failure
        .stack
        .iter_mut()
        .for_each(|frame| cut(frame, FRAME_LEN_MAX));
    failure
}
