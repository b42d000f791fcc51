//! Which path leads where.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::Body;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{Request, header};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use super::front::Front;
use super::inflow::{self, Inflow};
use super::problem::{Problem, Rejection, RequestError};
use super::{
    authorize, dashboard, docs, health, http_trigger, invoke, openapi, request, response, websocket,
};
use crate::api;
use crate::platform::Platform;

/// The description of every operation below, made once.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| {
    let mut described = control().into_openapi();
    described.merge(data().into_openapi());
    let document = openapi::complete(described);
    serde_json::to_vec(&document).unwrap_or_default().into()
});

/// All routes of all hosts.
pub(super) fn front(platform: &Arc<Platform>, inflow: &Inflow) -> Front {
    let held = middleware::from_fn_with_state(inflow.clone(), inflow::hold);
    let domains = Router::new()
        .fallback(http_trigger::on_a_domain)
        .layer(held)
        .with_state(Arc::clone(platform));
    let api = router(Arc::clone(platform), inflow.clone());
    Front::new(Arc::clone(platform), inflow.clone(), api, domains)
}

/// The platform's own routes, and beside them those of functions.
fn router(platform: Arc<Platform>, inflow: Inflow) -> Router {
    let control = Router::from(control())
        // Pages for people are no operations.
        .route("/docs", get(docs::entrance))
        .route("/docs/", get(docs::entrance))
        .route("/docs/{*rest}", get(docs::file))
        .route("/dashboard", get(dashboard::page))
        .route("/dashboard/", get(dashboard::page))
        .route("/dashboard/{*rest}", get(dashboard::file))
        .method_not_allowed_fallback(|| async { Rejection::from(RequestError::MethodNotAllowed) })
        .layer(middleware::from_fn_with_state(
            Arc::clone(&platform),
            api::replay,
        ))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&platform),
            authorize::authorize,
        ))
        .layer(middleware::from_fn(identify));
    // A function may have `/` for itself, and other methods there at any time.
    let root = get(dashboard::root).fallback(http_trigger::beside_the_api);
    Router::from(data())
        .merge(control)
        .route("/", root)
        .fallback(http_trigger::beside_the_api)
        .layer(middleware::from_fn_with_state(inflow, inflow::hold))
        .with_state(platform)
}

/// The data plane: the invoke call, and connections of functions.
fn data() -> OpenApiRouter<Arc<Platform>> {
    let invoke = routes!(invoke::invoke);
    let connect = routes!(websocket::connect);
    OpenApiRouter::default()
        .routes(invoke.map(|methods| methods.fallback(invoke::wrong_method)))
        .routes(connect.map(|methods| methods.fallback(websocket::wrong_method)))
}

/// The control plane: everything else.
fn control() -> OpenApiRouter<Arc<Platform>> {
    api::router()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(document))
}

/// Show this description of the API
#[utoipa::path(
    get, path = "/openapi.json", tag = "platform", operation_id = "showOpenApi",
    responses((status = 200, body = serde_json::Value))
)]
async fn document() -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        DOCUMENT.clone(),
    )
        .into_response()
}

/// The description alone.
#[cfg(feature = "fuzzing")]
pub(crate) fn document_bytes() -> Bytes {
    DOCUMENT.clone()
}

/// Gives every request of the control plane its id, and errors their form.
async fn identify(request: Request<Body>, next: Next) -> Response {
    let request_id = request::request_id(request.headers());
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(Rejection(error)) = response.extensions_mut().remove::<Rejection>() {
        tracing::info!(%error, %request_id, %path, "a request was refused");
        let allowed = response.headers_mut().remove(header::ALLOW);
        response = Problem::of_request(&error)
            .with_request(&request_id, Some(&path))
            .into_response();
        // Known to the router alone, and only told of a path that lacks the method.
        if let Some(allowed) = allowed {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
    }
    response::with_request_id(response, &request_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::is_reserved;

    /// A function's path must never be hidden by one of the platform's.
    #[test]
    fn no_function_can_have_a_path_that_begins_as_one_of_ours() {
        let mut described = control().into_openapi();
        described.merge(data().into_openapi());
        let ours = described.paths.paths.keys().map(String::as_str);
        let mut count = 0;
        for path in ours.chain(["/docs/{*rest}", "/dashboard/{*rest}", "/version"]) {
            let first = path.split('/').nth(1).unwrap_or_default();
            assert!(is_reserved(first), "{path}");
            count += 1;
        }
        assert!(count > 40, "{count}");
    }
}
