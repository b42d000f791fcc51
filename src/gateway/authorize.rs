//! Who may do what: the one table of permissions, and the asking. A path that the table does not name needs an
//! administrator.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, Request, header};

use super::problem::{Rejection, RequestError};
use crate::auth::{Principal, Role};
use crate::function::Function;
use crate::platform::Platform;

/// What a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Nothing.
    Open,
    /// A role that holds this one; of functions only those that the caller sees.
    Needs(Role),
    /// A role that holds this one, of somebody who sees all functions.
    NeedsAll(Role),
    /// Any credential at all.
    Known,
}

/// The table.
pub(crate) fn permission(method: &Method, path: &str) -> Permission {
    use Permission::{Known, Needs, NeedsAll, Open};
    let reads = *method == Method::GET || *method == Method::HEAD;
    match path {
        "/healthz" | "/readyz" | "/version" | "/openapi.json" | "/docs" | "/docs/"
        | "/docs/{*rest}" | "/dashboard" | "/dashboard/" | "/dashboard/{*rest}" => Open,
        // No path of ours: whoever is known may hear that.
        "/whoami" | "" => Known,
        "/functions/{key}/invoke" | "/functions/{key}/ws" | "/events" => Needs(Role::Invoke),
        "/functions/{key}/triggers/{trigger}/fire" | "/invocations/{invocation}" => {
            Needs(Role::Invoke)
        }
        "/connections/{connection}" => Needs(Role::Invoke),
        "/functions" | "/cost/comparison" if reads => Needs(Role::Read),
        "/marketplace" | "/marketplace/{template}" if reads => Needs(Role::Read),
        "/functions" | "/marketplace/deploy" => Needs(Role::Deploy),
        "/metrics" | "/metrics/series" | "/metrics/prometheus" | "/logs" | "/cost" if reads => {
            NeedsAll(Role::Read)
        }
        "/dead-letters" | "/nodes" | "/zygotes" if reads => NeedsAll(Role::Read),
        "/alerts" | "/alerts/{alert}" if reads => NeedsAll(Role::Read),
        path if path.starts_with("/functions/{key}") && reads => Needs(Role::Read),
        path if path.starts_with("/functions/{key}") => Needs(Role::Deploy),
        _ => NeedsAll(Role::Admin),
    }
}

/// Asks every caller of the control plane.
pub(crate) async fn authorize(
    State(platform): State<Arc<Platform>>,
    matched: Option<MatchedPath>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    mut request: Request<Body>,
    next: Next,
) -> Response {
    let path = matched.as_ref().map_or("", MatchedPath::as_str);
    match check(&platform, &request, path, params) {
        Ok(principal) => {
            if let Some(principal) = principal {
                request.extensions_mut().insert(Arc::new(principal));
            }
            next.run(request).await
        }
        Err(error) => Rejection::from(error).into_response(),
    }
}

fn check(
    platform: &Platform,
    request: &Request<Body>,
    path: &str,
    params: Result<RawPathParams, RawPathParamsRejection>,
) -> Result<Option<Principal>, RequestError> {
    let permission = permission(request.method(), path);
    if permission == Permission::Open {
        return Ok(None);
    }
    let principal = platform.auth().principal(credential(request.headers()))?;
    let needed = match permission {
        Permission::Open | Permission::Known => return Ok(Some(principal)),
        Permission::Needs(role) | Permission::NeedsAll(role) => role,
    };
    let sees_all = principal.functions.is_none();
    let wants_all = matches!(permission, Permission::NeedsAll(_));
    if !principal.role.includes(needed) || (wants_all && !sees_all) {
        return Err(RequestError::Forbidden(needed.name()));
    }
    // Not UTF-8; before that, whoever is nobody has heard so.
    let params = params.map_err(|error| RequestError::malformed("/path", error.to_string()))?;
    let key = params.iter().find(|(name, _)| *name == "key");
    let key = key.map(|(_, value)| value.to_owned());
    if let Some(key) = key.filter(|_| !sees_all) {
        let function = platform.registry().get(&key);
        if function.is_none_or(|function| !principal.sees(function.name())) {
            return Err(RequestError::FunctionNotFound(key));
        }
    }
    Ok(Some(principal))
}

/// Asks whoever invokes; not at all for a function that everyone may invoke.
pub(super) fn invocable(
    platform: &Platform,
    key: String,
    headers: &HeaderMap,
) -> Result<Arc<Function>, RequestError> {
    let function = platform.registry().get(&key);
    let is_public = |function: &Arc<Function>| function.current().manifest().public;
    if !platform.auth().is_on() || function.as_ref().is_some_and(is_public) {
        return function.ok_or(RequestError::FunctionNotFound(key));
    }
    let principal = invoker(platform, headers)?;
    function
        .filter(|function| principal.sees(function.name()))
        .ok_or(RequestError::FunctionNotFound(key))
}

/// Whoever may invoke something. Whoever is nobody does not hear which functions there are.
fn invoker(platform: &Platform, headers: &HeaderMap) -> Result<Principal, RequestError> {
    let principal = platform.auth().principal(credential(headers))?;
    match principal.role.includes(Role::Invoke) {
        true => Ok(principal),
        false => Err(RequestError::Forbidden(Role::Invoke.name())),
    }
}

/// Whether this function is one of those that the caller may invoke.
pub(super) fn may_invoke(
    platform: &Platform,
    function: &Function,
    headers: &HeaderMap,
) -> Result<bool, RequestError> {
    Ok(invoker(platform, headers)?.sees(function.name()))
}

/// Whether the caller is somebody.
pub(super) fn known(platform: &Platform, headers: &HeaderMap) -> Result<(), RequestError> {
    platform.auth().principal(credential(headers))?;
    Ok(())
}

fn credential(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| {
            let (scheme, credential) = value.split_once(' ')?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then(|| credential.trim())
        });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok())
}
