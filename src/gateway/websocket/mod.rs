//! Connections of functions: a request that becomes a WebSocket (RFC 6455), and what is said over it.
//!
//! Whatever routes a request to a function calls [`accept`]. The handshake is here, frames are the library's
//! (`tokio-tungstenite`), and who is connected is known to [`crate::websocket`].

mod close;
mod error;
mod events;
mod handshake;
mod life;
mod pings;
mod session;

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use tokio::sync::oneshot;
use zygo_wire::data::BodyKind;

pub(crate) use error::SocketError;

use super::http_trigger::client_of;
use super::invoke::{qualifier, refusal, traced};
use super::problem::RequestError;
use super::{authorize, front, request, response};
use crate::function::Function;
use crate::invocation::Answer;
use crate::platform::Platform;
use crate::websocket::Opening;
use handshake::Handshake;
use life::{Life, REFUSED, live};

/// The only method of the path.
const ALLOWED: HeaderValue = HeaderValue::from_static("GET");

/// Connect to a function
///
/// A WebSocket of RFC 6455, over HTTP/1.1. The function has a trigger of the type `websocket`; its events are `connect`,
/// `message` and `disconnect`. A handler that answers `connect` with a status from 400 on refuses, and its answer is
/// this operation's. A function that is public asks for no credential.
#[utoipa::path(
    get, path = "/functions/{key}/ws", tag = "connections", operation_id = "connectToFunction",
    params(
        ("qualifier" = Option<String>, Query, description = "The number of a version, or an alias; the current version when it is left out."),
    ),
    responses(
        (status = 101, description = "From here on it is a WebSocket."),
        (status = 426), (status = 429), (status = 500), (status = 502), (status = 504),
    ),
    security((), ("bearer" = []), ("apiKey" = []))
)]
pub(super) async fn connect(
    State(platform): State<Arc<Platform>>,
    key: Result<Path<String>, PathRejection>,
    request: Request<Body>,
) -> Response {
    let request_id = request::request_id(request.headers());
    let path = request.uri().path().to_owned();
    let qualifier = qualifier(request.uri().query()).map(Cow::into_owned);
    let function = match key {
        Ok(Path(key)) => authorize::invocable(&platform, key, request.headers()),
        Err(error) => Err(RequestError::malformed("/path", error.to_string())),
    };
    let found = async {
        let function = function?;
        if let Some(qualifier) = &qualifier {
            let deployer = platform.deployer();
            deployer.qualified(&function, qualifier, &|_| None).await?;
        }
        Ok((function, qualifier))
    };
    match found.await {
        Ok((function, qualifier)) => accept(&platform, function, qualifier, request).await,
        Err(error) => refusal(&error, &request_id, &path),
    }
}

/// Makes a connection of a request that is for a function, whoever found that out, or says why not.
pub(crate) async fn accept(
    platform: &Arc<Platform>,
    function: Arc<Function>,
    qualifier: Option<String>,
    request: Request<Body>,
) -> Response {
    let request_id = request::request_id(request.headers());
    let path = request.uri().path().to_owned();
    match open(platform, function, qualifier, request).await {
        Ok(response) => response::with_request_id(response, &request_id),
        Err(error) => {
            let mut response = refusal(&error, &request_id, &path);
            if response.status() == StatusCode::UPGRADE_REQUIRED {
                let headers = response.headers_mut();
                let (upgrade, version) = ("websocket", "13");
                headers.insert(header::UPGRADE, HeaderValue::from_static(upgrade));
                headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(
                    header::SEC_WEBSOCKET_VERSION,
                    HeaderValue::from_static(version),
                );
            }
            response
        }
    }
}

/// Whether a request to one of a function's own addresses wants a connection that the function takes.
pub(super) fn is_wanted(function: &Function, headers: &HeaderMap) -> bool {
    handshake::is_asked_for(headers) && function.current().manifest().sockets().is_some()
}

/// The same for a request to one of its own addresses. A credential that was meant for the platform is not for handlers.
pub(super) async fn accept_routed(
    platform: &Arc<Platform>,
    function: Arc<Function>,
    (mut head, body): (Parts, Body),
    is_guarded: bool,
) -> Response {
    if is_guarded {
        head.headers.remove(header::AUTHORIZATION);
        head.headers.remove("x-api-key");
    }
    accept(platform, function, None, Request::from_parts(head, body)).await
}

async fn open(
    platform: &Arc<Platform>,
    function: Arc<Function>,
    qualifier: Option<String>,
    mut request: Request<Body>,
) -> Result<Response, RequestError> {
    let own = function.current().manifest().sockets();
    let own = own.ok_or(SocketError::NoTrigger)?;
    let handshake = Handshake::read(request.method(), request.version(), request.headers())?;
    let upgrade = hyper::upgrade::on(&mut request);
    let (head, _) = request.into_parts();
    let held = platform.connections().open(&Opening {
        function_id: function.id(),
        function: function.name(),
        remote: Some(client_of(platform, &head).address),
        most: platform.config().websockets.connections(own),
    });
    let held = held.map_err(SocketError::from)?;
    let host = front::host(&head.uri, &head.headers);
    let life = Arc::new(Life {
        platform: Arc::clone(platform),
        function,
        qualifier,
        connection: Arc::clone(&held.connection),
        domain: host.unwrap_or_default().to_owned(),
    });
    let request_id = request::request_id(&head.headers);
    let trace = traced(platform, &head);
    let (told, tells) = oneshot::channel();
    tokio::spawn(live(life, held, head, trace, upgrade, told));
    let told = tells.await.map_err(|_| SocketError::Failed)?;
    let (version, outcome) = told.map_err(|_| SocketError::NoTrigger)?;
    Ok(match &outcome.result {
        Ok(answer) if answer.status_code < REFUSED => switching(handshake, answer),
        Ok(answer) => refused(answer),
        Err(_) => response::of_invocation(&request_id, version.number(), outcome),
    })
}

fn switching(handshake: Handshake, answer: &Answer) -> Response {
    let protocol = handshake.protocol(&answer.headers);
    let response = handshake.answer(protocol).body(Body::empty());
    // Every part of it is valid.
    response.unwrap_or_default()
}

/// What a handler says to whom it does not let in.
fn refused(answer: &Answer) -> Response {
    let content_type = match answer.body_kind {
        BodyKind::None => None,
        BodyKind::Json => Some("application/json"),
        BodyKind::Text => Some("text/plain; charset=utf-8"),
        BodyKind::Binary => Some("application/octet-stream"),
    };
    let mut response = Response::new(Body::from(answer.body.clone()));
    *response.status_mut() =
        StatusCode::from_u16(answer.status_code).unwrap_or(StatusCode::FORBIDDEN);
    if let Some(content_type) = content_type {
        let value = HeaderValue::from_static(content_type);
        response.headers_mut().insert(header::CONTENT_TYPE, value);
    }
    response
}

/// The path with another method.
pub(super) async fn wrong_method(request: Request<Body>) -> Response {
    let request_id = request::request_id(request.headers());
    let error = RequestError::MethodNotAllowed;
    let mut response = refusal(&error, &request_id, request.uri().path());
    response.headers_mut().insert(header::ALLOW, ALLOWED);
    response
}
