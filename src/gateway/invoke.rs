//! The invoke call: the data plane. It has one layer only, so that a call costs little more.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Method, Request, header};

use super::problem::{Problem, RequestError};
use super::response::Envelope;
use super::{authorize, later, request, response, rollout, streamed};
use crate::platform::Platform;
use crate::trace::{self, Trace};

/// The only method of the invoke path.
const ALLOWED: http::HeaderValue = http::HeaderValue::from_static("POST");

/// Invoke a function
///
/// The body becomes the event's body: a JSON value, text, or bytes, by its `Content-Type`. A function that is public asks
/// for no credential.
///
/// With `X-Zygo-Invocation: event` nobody waits: the answer comes once the event is stored, and says where its state is
/// to be seen. It is tried again when it fails, and becomes a dead letter in the end. With an `Idempotency-Key` it is
/// done once.
///
/// With `X-Zygo-Stream: true`, what comes is the handler's answer itself: its own status, headers and body, without an
/// envelope, and a body that comes in pieces comes as they are made. Otherwise such pieces are put together. A connection
/// that is cut before the end of the body says that the handler failed midway.
#[utoipa::path(
    post, path = "/functions/{key}/invoke", tag = "invoke", operation_id = "invokeFunction",
    params(
        ("qualifier" = Option<String>, Query, description = "The number of a version, or an alias; the current version when it is left out."),
    ),
    request_body(content(
        (Option<serde_json::Value> = "application/json"), (Option<String> = "text/plain"), ("application/octet-stream"),
    )),
    responses(
        (status = 200, body = Envelope, headers(
            ("RateLimit" = Option<String>, description = "What is left of the function's rate limit; times in s."),
            ("RateLimit-Policy" = Option<String>, description = "The function's rate limit; times in s."),
        )),
        (status = 202, body = later::Queued, description = "It is stored, and will be invoked."),
        (status = 408), (status = 409), (status = 413), (status = 422), (status = 429), (status = 500), (status = 502),
        (status = 504),
    ),
    security((), ("bearer" = []), ("apiKey" = []))
)]
pub(super) async fn invoke(
    State(platform): State<Arc<Platform>>,
    key: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response {
    match key {
        Ok(Path(key)) => call(platform, key, request).await,
        Err(error) => {
            let error = RequestError::malformed("/path", error.to_string());
            let request_id = request::request_id(request.headers());
            refusal(&error, &request_id, request.uri().path())
        }
    }
}

/// The function that a request invokes, if that can be seen without a router.
pub(super) fn key<B>(request: &Request<B>) -> Option<String> {
    let path = request.uri().path().strip_prefix("/functions/")?;
    let key = path.strip_suffix("/invoke")?;
    let is_plain = !key.is_empty() && !key.contains(['/', '%']);
    (is_plain && *request.method() == Method::POST).then(|| key.to_owned())
}

/// Invokes the function of this id or name.
pub(super) async fn call(platform: Arc<Platform>, key: String, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let request_id = request::request_id(&head.headers);
    let answered = answer(platform, key, &head, body, &request_id).await;
    answered.unwrap_or_else(|error| refusal(&error, &request_id, head.uri.path()))
}

async fn answer(
    platform: Arc<Platform>,
    key: String,
    head: &Parts,
    body: Body,
    request_id: &Arc<str>,
) -> Result<Response, RequestError> {
    let function = authorize::invocable(&platform, key, &head.headers)?;
    let qualifier = qualifier(head.uri.query());
    let version = match &qualifier {
        Some(qualifier) => {
            let keyed = rollout::keyed(&head.headers);
            let deployer = platform.deployer();
            Some(deployer.qualified(&function, qualifier, &keyed).await?)
        }
        None => rollout::version(&function, &head.headers),
    };
    let is_later = later::is_wanted(&head.headers)?;
    let is_streamed = streamed::is_wanted(&head.headers)?;
    let unread = || request::unread(Arc::clone(request_id), traced(&platform, head));
    if !is_later
        && let Some((version, outcome)) = platform.turn_away(&function, version.clone(), unread)
    {
        return Ok(response::of_invocation(
            request_id,
            version.number(),
            outcome,
        ));
    }
    let body_len_max = match is_later {
        true => later::body_len_max(&platform),
        false => platform.config().max_body_bytes,
    };
    let body = request::read_body(body, body_len_max).await?;
    let trace = traced(&platform, head);
    let id = Arc::clone(request_id);
    let invocation = request::invocation(id, &head.method, &head.uri, &head.headers, body, trace)?;
    if is_later {
        let qualifier = qualifier.unwrap_or_default().into_owned();
        return later::accept(&platform, &function, qualifier, &invocation, &head.headers).await;
    }
    if is_streamed {
        let judge = streamed::judge();
        let reply = streamed::invoke(platform, function, version, invocation, judge).await;
        return Ok(streamed::respond(request_id, reply));
    }
    let (version, outcome) = platform.invoke(&function, version, &invocation).await;
    Ok(response::of_invocation(
        request_id,
        version.number(),
        outcome,
    ))
}

/// The invocation's place in the caller's trace.
pub(super) fn traced(platform: &Platform, head: &Parts) -> Trace {
    let trace = platform.tracer().begin(request::caller(&head.headers));
    trace.with_request(|| trace::Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
    })
}

/// What `?qualifier=` says: the number of a version, or an alias.
pub(super) fn qualifier(query: Option<&str>) -> Option<Cow<'_, str>> {
    let mut pairs = form_urlencoded::parse(query?.as_bytes());
    let (_, qualifier) = pairs.find(|(name, _)| name == "qualifier")?;
    Some(qualifier)
}

/// The invoke path with another method.
pub(super) async fn wrong_method(request: Request<Body>) -> Response {
    let request_id = request::request_id(request.headers());
    let error = RequestError::MethodNotAllowed;
    let mut response = refusal(&error, &request_id, request.uri().path());
    response.headers_mut().insert(header::ALLOW, ALLOWED);
    response
}

/// What a caller is told whose request reaches no handler.
pub(super) fn refusal(error: &RequestError, request_id: &str, path: &str) -> Response {
    let problem = Problem::of_request(error).with_request(request_id, Some(path));
    response::with_request_id(problem.into_response(), request_id)
}
