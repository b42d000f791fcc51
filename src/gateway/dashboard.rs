//! The dashboard: a page with scripts and styles out of this binary. It holds no data and is for everyone; whatever it
//! shows it asks the API for, as the visitor. Knows nothing of what is in it.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use rust_embed::{Embed, EmbeddedFile};

use super::http_trigger;
use super::problem::{Rejection, RequestError};
use crate::platform::Platform;
use crate::route::{Found, Segments};

/// What `scripts/build` makes of `dashboard/`. Nothing, where cargo was called without it.
#[derive(Debug, Embed)]
#[folder = "dashboard/dist"]
#[allow_missing = true]
struct Files;

const PAGE: &str = "index.html";

/// Shown instead of a dashboard that was not built.
const MISSING: &str = "This binary was built without its dashboard. `scripts/build` builds both; by hand: \
     `cd dashboard && npm ci && npm run build`, then cargo once more.\nThe API is here all the same: see /docs.\n";

/// Files that are named by what is in them.
const HASHED: &str = "assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, but asked for each time, by tag.
const ASK_AGAIN: &str = "no-cache";

/// Everything is of this origin, and nothing stands in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// `GET /`: the dashboard, unless a function has taken this path.
pub(super) async fn root(
    State(platform): State<Arc<Platform>>,
    request: Request<Body>,
) -> Response {
    let is_taken = Segments::parse("/").is_ok_and(|path| {
        let table = platform.routes().table();
        let found = table.platform().find("GET", &path);
        matches!(found, Found::Target { .. })
    });
    if is_taken {
        return http_trigger::beside_the_api(State(platform), request).await;
    }
    page(request.headers().clone()).await
}

/// `GET /dashboard`: the page, wherever `/` leads.
pub(super) async fn page(headers: HeaderMap) -> Response {
    match Files::get(PAGE) {
        Some(file) => answer(PAGE, file, &headers),
        None => (StatusCode::NOT_FOUND, HEADERS, MISSING).into_response(),
    }
}

/// `GET /dashboard/…`: a file of the page.
pub(super) async fn file(
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let found = name
        .ok()
        .and_then(|Path(name)| Files::get(&name).map(|file| (name, file)));
    match found {
        Some((name, file)) => answer(&name, file, &headers),
        None => Rejection::from(RequestError::PathNotFound).into_response(),
    }
}

fn answer(name: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(file.metadata.sha256_hash()));
    let keep = match name.starts_with(HASHED) {
        true => FOR_EVER,
        false => ASK_AGAIN,
    };
    let kept = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, keep.to_owned()),
    ];
    if has(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, HEADERS, kept).into_response();
    }
    let kind = [(header::CONTENT_TYPE, content_type(name))];
    let body = match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    (HEADERS, kept, kind, body).into_response()
}

/// Whether the visitor has the file with this tag.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let asked = headers.get(header::IF_NONE_MATCH).map(HeaderValue::to_str);
    asked.is_some_and(|asked| {
        asked.is_ok_and(|tags| {
            let mut tags = tags.split(',').map(str::trim);
            tags.any(|one| one == "*" || one.trim_start_matches("W/") == tag)
        })
    })
}

/// By the extensions that a build makes.
fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}
