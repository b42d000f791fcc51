//! `Idempotency-Key` on POST: a request that is repeated, because its answer was lost, is answered again and not done
//! again. After draft-ietf-httpapi-idempotency-key-header: 409 while the first is under way, 422 for another request
//! under the same key. Answers are kept for a day, sealed, because some hold what is shown only once.
//!
//! Only what succeeded is kept: an error may be gone when the caller tries again.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde::{Deserialize, Serialize};

use super::run_to_the_end;
use crate::function::digest;
use crate::function::store::answers::{Claim, Kept, Known};
use crate::gateway::problem::{Rejection, RequestError};
use crate::gateway::request;
use crate::platform::Platform;
use crate::store::StoreError;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A longer key is refused.
const KEY_LEN_MAX: usize = 255;

/// Headers of an answer that are kept with it.
const KEPT_HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// An answer on its way into the store.
#[derive(Serialize, Deserialize)]
struct Answer {
    headers: Vec<(String, String)>,
    body: String,
}

/// Lets the first request with a key through, and answers its repetitions.
pub(crate) async fn replay(
    State(platform): State<Arc<Platform>>,
    request: Request<Body>,
    next: Next,
) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match once(platform, request, next).await {
        Ok(response) => response,
        Err(error) => Rejection::from(error).into_response(),
    }
}

async fn once(
    platform: Arc<Platform>,
    request: Request<Body>,
    next: Next,
) -> Result<Response, RequestError> {
    let (head, body) = request.into_parts();
    let body = request::read_body(body, platform.config().max_bundle_bytes).await?;
    let who = super::who(&head.extensions);
    let key = hash(&[
        who.as_bytes(),
        head.uri.path().as_bytes(),
        key(&head.headers)?.unwrap_or_default().as_bytes(),
    ]);
    let digest = hash(&[head.uri.query().unwrap_or_default().as_bytes(), &body]);
    let claim = match platform.answers().begin(&key, &digest).await? {
        Known::New(claim) => claim,
        Known::Kept(kept) => return restored(&platform, &key, kept),
        Known::UnderWay => return Err(RequestError::KeyInUse),
        Known::OtherRequest => return Err(RequestError::KeyReused),
    };
    let request = Request::from_parts(head, Body::from(body));
    // A caller who goes away must not leave the key half done.
    run_to_the_end(async move {
        let response = next.run(request).await;
        keep(&platform, claim, response).await
    })
    .await
}

/// The key of a request that has one.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<&str>, RequestError> {
    let Some(value) = headers.get(KEY) else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default();
    let is_text = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if key.is_empty() || key.len() > KEY_LEN_MAX || !is_text {
        let rule = format!("Idempotency-Key must have 1 to {KEY_LEN_MAX} characters of ASCII");
        return Err(RequestError::malformed("/headers/Idempotency-Key", rule));
    }
    Ok(Some(key))
}

/// Keeps a success; the key of anything else is free again.
async fn keep(
    platform: &Platform,
    claim: Claim,
    response: Response,
) -> Result<Response, RequestError> {
    let is_error = response.extensions().get::<Rejection>().is_some();
    if is_error || !response.status().is_success() {
        return Ok(response);
    }
    let (head, body) = response.into_parts();
    let collected = body.collect().await;
    let body = collected.map_err(|_| RequestError::BodyBroken)?.to_bytes();
    let headers = KEPT_HEADERS.iter().filter_map(|name| {
        let value = head.headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    let answer = Answer {
        headers: headers.collect(),
        body: BASE64.encode(&body),
    };
    let json = serde_json::to_vec(&answer).unwrap_or_default();
    let kept = Kept {
        status: head.status.as_u16(),
        answer: platform
            .sealer()
            .seal(claim.key(), &json)
            .map_err(StoreError::from)?,
    };
    claim.keep(&kept).await?;
    Ok(Response::from_parts(head, Body::from(body)))
}

fn restored(platform: &Platform, key: &str, kept: Kept) -> Result<Response, RequestError> {
    let lost = || {
        RequestError::malformed(
            "/headers/Idempotency-Key",
            "its answer cannot be read any more; use a new one",
        )
    };
    let json = platform
        .sealer()
        .unseal(key, &kept.answer)
        .map_err(|_| lost())?;
    let answer: Answer = serde_json::from_slice(&json).map_err(|_| lost())?;
    let body = Bytes::from(BASE64.decode(answer.body).map_err(|_| lost())?);
    let status = StatusCode::from_u16(kept.status).map_err(|_| lost())?;
    let mut response = (status, body).into_response();
    for (name, value) in answer.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
            response.headers_mut().insert(name, value);
        }
    }
    response
        .headers_mut()
        .insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

fn hash(parts: &[&[u8]]) -> String {
    BASE64.encode(digest::of_parts(parts.iter().copied()))
}
