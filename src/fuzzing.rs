//! Doors for `fuzz/`: what reads bytes of others and is not public. Thin, no code of its own; built with the feature
//! `fuzzing` alone.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use zygo_wire::data::BodyKind;

use crate::config::Config;
use crate::function::bundle::Bundle;
use crate::gateway::authorize::{self, Permission};
use crate::gateway::{self, request};
use crate::trace::Tracer;

/// An HTTP request as handlers will see it.
#[derive(Debug)]
pub struct Mapped {
    /// The caller's id or a new one.
    pub request_id: String,
    /// The event without its body, as JSON.
    pub event: Bytes,
    /// How the handler is to see the body.
    pub body_kind: BodyKind,
    /// The body.
    pub body: Bytes,
    /// Its place in the trace.
    pub traceparent: String,
    /// What the caller's tracers keep there.
    pub tracestate: String,
}

/// HTTP request → event.
///
/// # Errors
/// Why the request is refused.
pub fn map(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Mapped, impl std::error::Error> {
    static TRACER: LazyLock<Option<Tracer>> =
        LazyLock::new(|| Tracer::start(&Config::default()).ok());
    let tracer = TRACER.as_ref().expect("without a collector it starts");
    let trace = tracer.begin(request::caller(headers));
    let id = request::request_id(headers);
    let invocation = request::invocation(id, method, uri, headers, body, trace)?;
    Ok::<_, gateway::problem::RequestError>(Mapped {
        request_id: invocation.request_id.to_string(),
        event: invocation.event,
        body_kind: invocation.body_kind,
        body: invocation.body,
        traceparent: invocation.trace.traceparent().to_owned(),
        tracestate: invocation.trace.tracestate().to_owned(),
    })
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Open,
    /// Whoever has any credential.
    Known,
    /// Whoever has this role.
    Role {
        /// Its name.
        name: &'static str,
        /// Whether only somebody who sees all functions.
        for_all: bool,
    },
}

/// Who may call a method of a path, as the router matched it.
#[must_use]
pub fn access(method: &Method, pattern: &str) -> Access {
    match authorize::permission(method, pattern) {
        Permission::Open => Access::Open,
        Permission::Known => Access::Known,
        Permission::Needs(role) => Access::Role {
            name: role.name(),
            for_all: false,
        },
        Permission::NeedsAll(role) => Access::Role {
            name: role.name(),
            for_all: true,
        },
    }
}

/// The description of the API, which names every operation.
#[must_use]
pub fn openapi() -> Bytes {
    gateway::document()
}

/// The files of a bundle, by path.
pub fn files(bundle: &Bundle) -> impl Iterator<Item = (&str, &Bytes)> {
    bundle.files()
}
