//! What a handler answered → HTTP response of a trigger.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body::Body as _;
use zygo_wire::control::Level;

use super::super::head::{self, Fault, NO_RESPONSE, Rules};
use super::super::limits::Told;
use super::super::problem::Problem;
use super::super::response::{milliseconds, with_request_id};
use super::super::status::invoke_row;
use super::{compress, is_head, problem};
use crate::function::Version;
use crate::invocation::Outcome;
use crate::invoke::InvokeError;
use crate::stream::{Head, Judge};
use crate::trigger::http::EventFormat;

/// What the answer depends on besides the handler.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    /// What the client called the host.
    pub(super) host: Option<&'a str>,
    pub(super) request_id: &'a Arc<str>,
    pub(super) format: EventFormat,
    /// Whether the caller hears how a handler failed.
    pub(super) verbose: bool,
}

impl Asked<'_> {
    /// What the head of an answer is measured by, whose body has this length.
    fn rules(&self, len: Option<usize>) -> Rules<'_> {
        Rules {
            len: len.filter(|_| !is_head(self.method)),
            host: Some(self.host),
            format: self.format,
        }
    }
}

/// Measures an answer that came at once by the same rules, before it is recorded as one.
pub(super) fn judge(method: &Method, host: Option<&str>, format: EventFormat) -> Judge {
    let (method, host) = (method.clone(), host.map(str::to_owned));
    Box::new(move |answer| {
        let rules = Rules {
            len: Some(answer.body.len()).filter(|_| !is_head(&method)),
            host: Some(host.as_deref()),
            format,
        };
        head::judge(answer, rules)
    })
}

/// The response to a request, with an answer that came at once.
pub(super) async fn whole(asked: &Asked<'_>, version: &Version, outcome: Outcome) -> Response {
    let (told, start_kind) = (Told::of(&outcome), outcome.start_kind);
    let mut response = match outcome.result {
        Ok(answer) => match head::checked(&answer, asked.rules(Some(answer.body.len()))) {
            Ok((status, mut headers)) => {
                let body = match head::bodiless(status) {
                    true => Bytes::new(),
                    false => answer.body,
                };
                let body = compress::encoded(asked.headers, status, &mut headers, body).await;
                of(asked, status, headers, Body::from(body))
            }
            Err(fault) => no_response(asked, version, &fault),
        },
        Err(ref error) => failure(asked, error, &outcome),
    };
    told.tell(&mut response);
    head::note(&mut response, start_kind, None);
    without_body_for(asked.method, &mut response);
    response
}

/// The same with one that comes in pieces. Where it may have no body, dropping that ends the work for it.
pub(super) fn in_pieces(
    asked: &Asked<'_>,
    version: &Version,
    begun: &Head,
    body: Body,
) -> Response {
    let mut response = match head::checked(&begun.answer, asked.rules(None)) {
        Ok((status, headers)) => {
            let body = match head::bodiless(status) {
                true => Body::empty(),
                false => body,
            };
            of(asked, status, headers, body)
        }
        Err(fault) => {
            begun.refusal.because(fault.to_string());
            no_response(asked, version, &fault)
        }
    };
    head::note(&mut response, begun.start_kind, begun.rate);
    without_body_for(asked.method, &mut response);
    response
}

fn of(asked: &Asked<'_>, status: StatusCode, headers: HeaderMap, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    with_request_id(response, asked.request_id)
}

/// The handler's owner reads in the log what was wrong; the caller only that something was.
fn no_response(asked: &Asked<'_>, version: &Version, fault: &Fault) -> Response {
    let journal = version.journal().of(asked.request_id);
    journal.line(
        Level::Error,
        &format!("the answer is no response: {fault}"),
        None,
    );
    let detail = match asked.verbose {
        true => fault.to_string(),
        false => outline(),
    };
    let told = Problem::new(NO_RESPONSE, detail).with_request(asked.request_id, None);
    problem(told, asked.request_id)
}

fn outline() -> String {
    "the function failed; its log says more about this request".to_owned()
}

fn failure(asked: &Asked<'_>, error: &InvokeError, outcome: &Outcome) -> Response {
    let told = match error {
        _ if asked.verbose => {
            let duration = milliseconds(outcome.timeline.total);
            let lines = outcome.logs.iter().map(|line| line.text.clone());
            let whole = Problem::of_invocation(error);
            whole.with_invocation(asked.request_id, duration, lines.collect())
        }
        InvokeError::Refused(_) | InvokeError::Pool(_) => {
            Problem::new(invoke_row(error), error.to_string())
        }
        InvokeError::Zygote(_) | InvokeError::Instance(_) => {
            Problem::new(invoke_row(error), outline())
        }
    };
    problem(told.with_request(asked.request_id, None), asked.request_id)
}

/// Whoever asks for the head alone gets it, with the length of what is left out.
pub(super) fn without_body_for(method: &Method, response: &mut Response) {
    if !is_head(method) {
        return;
    }
    let len = response.body().size_hint().exact();
    if let Some(len) = len.filter(|_| !head::bodiless(response.status())) {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, len.into());
    }
    *response.body_mut() = Body::empty();
}
