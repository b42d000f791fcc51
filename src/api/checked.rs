//! Paths and queries that are refused in the form of every other refusal.

use std::fmt::Display;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::gateway::problem::{Rejection, RequestError};

/// What a request's head says, read by another extractor.
pub(super) struct Checked<E>(pub(super) E);

impl<S: Send + Sync, E: FromRequestParts<S>> FromRequestParts<S> for Checked<E>
where
    E::Rejection: Display,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let read = E::from_request_parts(parts, state).await;
        let refused = |error: E::Rejection| RequestError::malformed("", error.to_string());
        Ok(Self(read.map_err(refused)?))
    }
}
