//! HTTP triggers: requests that are for functions and not for the platform's own API.
//!
//! ```text
//!  a host that a function has ─────────────► its patterns ─┐
//!  /functions/:id/http/… ──────────────────► its patterns ─┼─► may they? ─► event ─► invoke ─► answer
//!  a path that the platform's API has not ─► all patterns ─┘
//! ```
//! What a browser asks before it sends (CORS) is answered here, without an instance.

mod answer;
mod compress;
mod cors;
mod event;
mod tidy;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, header};

use super::authorize;
use super::client::{Client, Peer};
use super::front;
use super::invoke::{self, traced};
use super::problem::{Problem, RequestError};
use super::streamed::{self, Reply};
use super::{request, response, rollout, websocket};
use crate::function::{Function, Target};
use crate::platform::Platform;
use crate::route::{Found, Segments, Tree, normal_host};
use crate::trigger::http::{HttpTrigger, TriggerAuth};

use event::Sent;
use tidy::tidy;

/// What stands between a function's key and a path of its own.
const ENDPOINT: &str = "/http";

/// A request that is for a function.
struct Matched {
    function: Arc<Function>,
    trigger: Arc<HttpTrigger>,
    params: Vec<(String, String)>,
}

/// Where a request leads.
enum Way {
    To(Matched),
    /// A browser's question about these methods.
    Preflight(Arc<HttpTrigger>),
    OtherMethods(String),
    Nothing,
}

/// A request at the platform's own address that its API has no path for.
pub(super) async fn beside_the_api(
    State(platform): State<Arc<Platform>>,
    request: Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let way = {
        let table = platform.routes().table();
        match own_path(path) {
            Some((key, rest)) => match table.endpoint(key) {
                Some(tree) => way(tree, rest, &head),
                None => Ok(Way::Nothing),
            },
            None => way(table.platform(), path, &head),
        }
    };
    let path = own_path(path).map_or(path, |(_, rest)| rest).to_owned();
    match way {
        // As it ever was: whoever is nobody does not hear what there is.
        Ok(Way::Nothing) => {
            let known = authorize::known(&platform, &head.headers);
            let error = known.err().unwrap_or(RequestError::PathNotFound);
            refused(&error, &request::request_id(&head.headers), &head)
        }
        way => go(&platform, way, head, path, body).await,
    }
}

/// A request at a host that belongs to a function.
pub(super) async fn on_a_domain(
    State(platform): State<Arc<Platform>>,
    request: Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let way = {
        let table = platform.routes().table();
        let host = front::host(&head.uri, &head.headers).and_then(normal_host);
        match host.and_then(|host| table.domain(&host)) {
            Some(tree) => way(tree, &path, &head),
            None => Ok(Way::Nothing),
        }
    };
    go(&platform, way, head, path, body).await
}

/// `/functions/:key/http/…`, taken apart.
fn own_path(path: &str) -> Option<(&str, &str)> {
    let (key, rest) = path.strip_prefix("/functions/")?.split_once('/')?;
    let rest = rest.strip_prefix(&ENDPOINT[1..])?;
    match rest {
        "" => Some((key, "/")),
        rest if rest.starts_with('/') => Some((key, rest)),
        _ => None,
    }
}

fn way(tree: &Tree<Target>, path: &str, head: &Parts) -> Result<Way, RequestError> {
    let segments = Segments::parse(path)
        .map_err(|error| RequestError::malformed("/path", error.to_string()))?;
    if let Some(method) = cors::asked_method(head)
        && let Found::Target { target, .. } = tree.find(method, &segments)
        && target.trigger.cors.is_some()
    {
        return Ok(Way::Preflight(Arc::clone(&target.trigger)));
    }
    Ok(match tree.find(head.method.as_str(), &segments) {
        Found::Target { target, params } => Way::To(Matched {
            function: Arc::clone(&target.function),
            trigger: Arc::clone(&target.trigger),
            params,
        }),
        Found::OtherMethods(names) => Way::OtherMethods(names.join(", ")),
        Found::Nothing => Way::Nothing,
    })
}

async fn go(
    platform: &Arc<Platform>,
    way: Result<Way, RequestError>,
    head: Parts,
    path: String,
    body: Body,
) -> Response {
    let request_id = request::request_id(&head.headers);
    match way {
        Ok(Way::To(matched)) => serve(platform, matched, head, path, body).await,
        Ok(Way::Preflight(trigger)) => {
            let answer = cors::preflight(&trigger, &head.headers);
            response::with_request_id(answer, &request_id)
        }
        Ok(Way::OtherMethods(allowed)) => {
            let mut response = refused(&RequestError::MethodNotAllowed, &request_id, &head);
            if let Ok(allowed) = HeaderValue::from_str(&allowed) {
                response.headers_mut().insert(header::ALLOW, allowed);
            }
            response
        }
        Ok(Way::Nothing) => refused(&RequestError::PathNotFound, &request_id, &head),
        Err(error) => refused(&error, &request_id, &head),
    }
}

fn refused(error: &RequestError, request_id: &str, head: &Parts) -> Response {
    let mut response = invoke::refusal(error, request_id, head.uri.path());
    answer::without_body_for(&head.method, &mut response);
    response
}

/// A request on its way to its handler and back.
async fn serve(
    platform: &Arc<Platform>,
    matched: Matched,
    mut head: Parts,
    path: String,
    body: Body,
) -> Response {
    let request_id = request::request_id(&head.headers);
    let Matched {
        function,
        trigger,
        params,
    } = matched;
    if websocket::is_wanted(&function, &head.headers) {
        return match ask(platform, &function, &trigger, &head.headers) {
            Ok(known) => websocket::accept_routed(platform, function, (head, body), known).await,
            Err(error) => refused(&error, &request_id, &head),
        };
    }
    let origin = head.headers.get(header::ORIGIN).cloned();
    let reply = async {
        let guarded = ask(platform, &function, &trigger, &head.headers)?;
        let client = client_of(platform, &head);
        tidy(&mut head, guarded, &client);
        let version = rollout::version(&function, &head.headers);
        let unread = || request::unread(Arc::clone(&request_id), traced(platform, &head));
        if let Some((version, outcome)) = platform.turn_away(&function, version.clone(), unread) {
            return Ok(Reply::Whole(version, outcome));
        }
        let body = request::read_body(body, platform.config().max_body_bytes).await?;
        let trace = traced(platform, &head);
        let sent = Sent {
            head: &head,
            path: &path,
            params: &params,
            client: &client,
            function: function.id(),
            request_id: &request_id,
        };
        let invocation = sent.invocation(trigger.format, body, trace)?;
        let (shared, invoked) = (Arc::clone(platform), Arc::clone(&function));
        let host = front::host(&head.uri, &head.headers);
        let judge = answer::judge(&head.method, host, trigger.format);
        Ok(streamed::invoke(shared, invoked, version, invocation, judge).await)
    };
    let mut answered = match reply.await {
        Ok(reply) => {
            let asked = answer::Asked {
                method: &head.method,
                headers: &head.headers,
                host: front::host(&head.uri, &head.headers),
                request_id: &request_id,
                format: trigger.format,
                verbose: platform.config().verbose,
            };
            match reply {
                Reply::Whole(version, outcome) => answer::whole(&asked, &version, outcome).await,
                Reply::InPieces(head, body) => {
                    answer::in_pieces(&asked, &function.current(), &head, body)
                }
            }
        }
        Err(error) => refused(&error, &request_id, &head),
    };
    if let Some(cors) = &trigger.cors {
        cors::allow(cors, origin.as_ref(), &mut answered);
    }
    answered
}

/// Asks whoever sends, where that is wanted. Whether the platform's own credential came along.
fn ask(
    platform: &Platform,
    function: &Function,
    trigger: &HttpTrigger,
    headers: &HeaderMap,
) -> Result<bool, RequestError> {
    let is_open = match trigger.auth {
        Some(TriggerAuth::None) => true,
        Some(TriggerAuth::Key) => false,
        None => function.current().manifest().public,
    };
    if is_open || !platform.auth().is_on() {
        return Ok(false);
    }
    match authorize::may_invoke(platform, function, headers)? {
        true => Ok(true),
        // Not for the caller: as if it were not there.
        false => Err(RequestError::PathNotFound),
    }
}

pub(super) fn client_of(platform: &Platform, head: &Parts) -> Client {
    let peer = head
        .extensions
        .get::<Peer>()
        .copied()
        .unwrap_or_else(|| Peer {
            address: std::net::Ipv4Addr::UNSPECIFIED.into(),
            tls: false,
        });
    Client::of(peer, &head.headers, platform.trusted_proxies())
}

/// Whether a request has no body in its answer.
fn is_head(method: &Method) -> bool {
    *method == Method::HEAD
}

/// A problem of the platform's own, for people outside.
fn problem(problem: Problem, request_id: &str) -> Response {
    response::with_request_id(problem.into_response(), request_id)
}
