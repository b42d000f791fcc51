//! An error on its way from a handler of the control plane to what makes a problem of it.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};

use super::problem::RequestError;

/// A request error on its way out: the router makes it a problem, because it knows the request.
#[derive(Debug, Clone)]
pub(crate) struct Rejection(pub(crate) Arc<RequestError>);

impl<E: Into<RequestError>> From<E> for Rejection {
    fn from(error: E) -> Self {
        Self(Arc::new(error.into()))
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.extensions_mut().insert(self);
        response
    }
}
