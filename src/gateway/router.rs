//! Which path leads where.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::Request;

use super::problem::{Problem, Rejection, RequestError};
use super::{request, response};
use crate::api;
use crate::platform::Platform;

/// All routes. The invoke call is the data plane; everything else is control plane.
pub(super) fn router(platform: Arc<Platform>) -> Router {
    let control = api::router()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .fallback(|| async { Rejection::from(RequestError::PathNotFound) })
        .method_not_allowed_fallback(|| async { Rejection::from(RequestError::MethodNotAllowed) })
        .layer(middleware::from_fn(identify));
    Router::new()
        .route(
            "/functions/{key}/invoke",
            post(invoke).fallback(identified_refusal),
        )
        .merge(control)
        .with_state(platform)
}

/// The invoke path with another method. It has no layer, so that a call costs nothing more.
async fn identified_refusal(request: Request<Body>) -> Response {
    let request_id = request::request_id(request.headers());
    refusal(
        &RequestError::MethodNotAllowed,
        &request_id,
        request.uri().path(),
    )
}

fn refusal(error: &RequestError, request_id: &str, path: &str) -> Response {
    let problem = Problem::of_request(error).with_request(request_id, Some(path));
    response::with_request_id(problem.into_response(), request_id)
}

/// Gives every request of the control plane its id, and errors their form.
async fn identify(request: Request<Body>, next: Next) -> Response {
    let request_id = request::request_id(request.headers());
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(Rejection(error)) = response.extensions_mut().remove::<Rejection>() {
        tracing::info!(%error, %request_id, %path, "a request was refused");
        response = Problem::of_request(&error)
            .with_request(&request_id, Some(&path))
            .into_response();
    }
    response::with_request_id(response, &request_id)
}

/// `POST /functions/:id/invoke`.
async fn invoke(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    request: Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let request_id = request::request_id(&head.headers);
    let prepared = async {
        let function = platform
            .registry()
            .get(&key)
            .ok_or(RequestError::FunctionNotFound(key))?;
        let body = request::read_body(body, platform.config().max_body_bytes).await?;
        let id = Arc::clone(&request_id);
        Ok((
            function,
            request::invocation(id, &head.method, &head.uri, &head.headers, body)?,
        ))
    };
    match prepared.await {
        Ok((function, invocation)) => {
            let (version, outcome) = platform.invoke(&function, &invocation).await;
            response::of_invocation(&request_id, version.number(), outcome)
        }
        Err(error) => refusal(&error, &request_id, head.uri.path()),
    }
}

/// Ready when every language is either up or known to be unavailable.
async fn readyz(State(platform): State<Arc<Platform>>) -> Response {
    let mut runtimes = serde_json::Map::new();
    for zygote in platform.zygotes().iter() {
        let status = match zygote.status().await {
            Ok((engine, boot)) => {
                serde_json::json!({"status": "ready", "engine": engine, "bootMs": boot.as_secs_f64() * 1e3})
            }
            Err(reason) => serde_json::json!({"status": "unavailable", "reason": reason}),
        };
        runtimes.insert(zygote.runtime().to_owned(), status);
    }
    axum::Json(serde_json::json!({"status": "ready", "runtimes": runtimes})).into_response()
}
