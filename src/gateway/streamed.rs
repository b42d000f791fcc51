//! Answers that come in pieces → HTTP: the handler's own status and headers, and a body that is sent as it is made.
//!
//! An invocation runs in the request's own future until its answer begins: then it becomes a task, because a client that
//! reads nothing must not keep its deadline from being met. Dropping the body cancels the invocation.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::mpsc::Sender;

use super::head::{self, NO_RESPONSE, Rules};
use super::problem::{Problem, RequestError};
use super::response;
use crate::function::{Function, Version};
use crate::invocation::{Invocation, Outcome};
use crate::platform::Platform;
use crate::stream::{self, Head, Intake, Judge, Part};
use crate::trigger::http::EventFormat;

/// How a caller of the invoke API asks for the handler's own answer, as it is made.
const STREAM: HeaderName = HeaderName::from_static("x-zygo-stream");

/// What comes of an invocation whose caller takes pieces.
#[expect(clippy::large_enum_variant, reason = "the large one is the common one")]
pub(super) enum Reply {
    /// An answer that came at once, or none.
    Whole(Arc<Version>, Outcome),
    /// All but the pieces, and the body that they make.
    InPieces(Box<Head>, Body),
}

/// The end of a body whose handler has not made all of it.
#[derive(Debug, thiserror::Error)]
#[error("the answer was cut")]
struct Cut;

/// Runs an invocation for a caller who takes pieces.
pub(super) async fn invoke(
    platform: Arc<Platform>,
    function: Arc<Function>,
    version: Option<Arc<Version>>,
    invocation: Invocation,
    judge: Judge,
) -> Reply {
    let (mut taker, mut intake, end) = stream::channel(judge);
    let mut running = Box::pin(async move {
        let (function, taker) = (&function, &mut taker);
        platform
            .invoke_into(function, version, &invocation, taker)
            .await
    });
    tokio::select! {
        biased;
        Some(Part::Head(head)) = intake.recv() => {
            tokio::spawn(async move { conclude(&running.await.1, end).await });
            Reply::InPieces(head, body(intake))
        }
        (version, outcome) = running.as_mut() => match stream::head_of(&mut intake) {
            None => Reply::Whole(version, outcome),
            Some(head) => {
                tokio::spawn(async move { conclude(&outcome, end).await });
                Reply::InPieces(head, body(intake))
            }
        },
    }
}

/// A body that is not told that it is whole was cut.
async fn conclude(outcome: &Outcome, end: Sender<Part>) {
    if outcome.result.is_ok() {
        // Whoever is gone does not wait for it.
        let _ = end.send(Part::End).await;
    }
}

fn body(intake: Intake) -> Body {
    Body::from_stream(unfold(Some(intake), async |intake| {
        let mut intake = intake?;
        match intake.recv().await {
            Some(Part::Piece(piece)) => Some((Ok(piece), Some(intake))),
            Some(Part::End) => None,
            Some(Part::Head(_)) | None => {
                // The pieces before it are flushed first.
                tokio::task::yield_now().await;
                Some((Err(Cut), None))
            }
        }
    }))
}

/// Whether the caller of the invoke API asks for the handler's own answer.
pub(super) fn is_wanted(headers: &HeaderMap) -> Result<bool, RequestError> {
    match headers.get(&STREAM).map(HeaderValue::as_bytes) {
        None | Some(b"false") => Ok(false),
        Some(b"true") => Ok(true),
        Some(_) => {
            let pointer = format!("/headers/{STREAM}");
            let rule = format!("{STREAM} must be true or false");
            Err(RequestError::malformed(pointer, rule))
        }
    }
}

/// What an answer to the invoke API is measured by.
const RULES: Rules<'static> = Rules {
    len: None,
    host: None,
    format: EventFormat::Zygo,
};

/// The same, before an answer is recorded.
pub(super) fn judge() -> Judge {
    Box::new(|answer| head::judge(answer, RULES))
}

/// The response of the invoke API to a caller who asked for the handler's own answer; a problem when there is none.
pub(super) fn respond(request_id: &str, reply: Reply) -> Response {
    let (answer, body, start_kind, rate, refusal) = match reply {
        Reply::InPieces(head, body) => {
            let refusal = Some(head.refusal);
            (head.answer, body, head.start_kind, head.rate, refusal)
        }
        Reply::Whole(
            _,
            Outcome {
                result: Ok(mut answer),
                start_kind,
                rate,
                ..
            },
        ) => {
            let body = Body::from(std::mem::take(&mut answer.body));
            (answer, body, start_kind, rate, None)
        }
        Reply::Whole(version, failed) => {
            return response::of_invocation(request_id, version.number(), failed);
        }
    };
    let mut response = match head::checked(&answer, RULES) {
        Ok((status, headers)) => (status, headers, body).into_response(),
        Err(fault) => {
            if let Some(refusal) = refusal {
                refusal.because(fault.to_string());
            }
            let problem = Problem::new(NO_RESPONSE, fault.to_string());
            problem.with_request(request_id, None).into_response()
        }
    };
    head::note(&mut response, start_kind, rate);
    response::with_request_id(response, request_id)
}
