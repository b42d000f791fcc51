//! The API's description as a page for people, from this binary alone: nothing on it is loaded from anywhere else. Knows
//! nothing of the API but where its description is.

use std::io::Read;
use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Redirect, Response};
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use utoipa_swagger_ui::{Config, SwaggerFile};

use super::problem::{Rejection, RequestError};

/// The page itself; its files stand beside it.
const PAGE: &str = "/docs/index.html";

/// Scripts, styles and requests of this origin and of no other, and none within the page. Its icons are data.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What every file of the page comes with.
const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    // The validator would be another server.
    let config = Config::from("/openapi.json")
        .validator_url("none")
        .use_base_layout()
        .deep_linking(true)
        .display_request_duration(true)
        .default_models_expand_depth(0)
        .doc_expansion("list")
        .filter(true);
    Arc::new(config)
});

/// `GET /docs`: the way to the page.
pub(super) async fn entrance() -> Redirect {
    Redirect::to(PAGE)
}

/// `GET /docs/…`: a file of the page.
pub(super) async fn file(
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let serve = |name: &str| utoipa_swagger_ui::serve(name, Arc::clone(&CONFIG)).ok()?;
    let Some(file) = name.ok().and_then(|Path(name)| serve(&name)) else {
        return Rejection::from(RequestError::PathNotFound).into_response();
    };
    match answer(file, takes_gzip(&headers)) {
        Ok(response) => (HEADERS, response).into_response(),
        Err(error) => Rejection::from(RequestError::CutOff(error)).into_response(),
    }
}

/// Files lie in the binary compressed.
fn answer(file: SwaggerFile<'_>, takes_gzip: bool) -> std::io::Result<Response> {
    let kind = [(header::CONTENT_TYPE, file.content_type)];
    let bytes = file.bytes.into_owned();
    if !file.gzpipped {
        return Ok((kind, bytes).into_response());
    }
    let vary = [(header::VARY, "accept-encoding")];
    if takes_gzip {
        let encoding = [(header::CONTENT_ENCODING, "gzip")];
        return Ok((kind, vary, encoding, bytes).into_response());
    }
    let mut plain = Vec::new();
    GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain)?;
    Ok((kind, vary, plain).into_response())
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let encodings = headers
        .get(header::ACCEPT_ENCODING)
        .map(HeaderValue::to_str);
    encodings.is_some_and(|text| text.is_ok_and(|text| text.contains("gzip")))
}
