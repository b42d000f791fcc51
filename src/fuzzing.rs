//! Doors for `fuzz/`: what reads bytes of others and is not public; and for `benches/instructions`: what every request goes
//! through. Thin, no code of its own; built with the feature `fuzzing` alone.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use zygo_wire::data::BodyKind;

use crate::config::Config;
use crate::function::bundle::Bundle;
use crate::gateway::authorize::{self, Permission};
use crate::gateway::{self, request};
use crate::pool::{Bounds, Snapshot, decide, to_park};
use crate::route::{Found, Methods, Pattern, Segments, Tree};
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

/// The part of it that knows no clock: the event without its body, and how the handler is to see that.
#[must_use]
pub fn event(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: &Bytes,
) -> Option<(Bytes, BodyKind)> {
    let id = request::request_id(headers);
    request::event(&id, method, uri, headers, body).ok()
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

/// Patterns of paths, each with its place in the list that they came in.
#[derive(Debug)]
pub struct Routes(Tree<usize>);

impl Routes {
    /// Takes all methods for each pattern; nothing when one is none.
    #[must_use]
    pub fn new(patterns: &[String]) -> Option<Self> {
        let mut tree = Tree::default();
        for (index, pattern) in patterns.iter().enumerate() {
            tree.insert(Pattern::parse(pattern).ok()?, Methods::all(), index);
        }
        Some(Self(tree))
    }

    /// Which pattern a request is for.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<usize> {
        match self.0.find(method, &Segments::parse(path).ok()?) {
            Found::Target { target, .. } => Some(*target),
            Found::OtherMethods(_) | Found::Nothing => None,
        }
    }
}

/// What a pool of at most 16 instances, 4 of them parked, does for a caller, as a number, and how many it forks ahead.
#[must_use]
pub fn next_of_pool(idle: usize, parked: usize, live: usize) -> (usize, usize) {
    let now = Snapshot {
        idle,
        parked,
        filling: 0,
        live,
        waiting: 0,
        coming: 0,
        starting: 0,
    };
    let bounds = Bounds {
        instances_min: 1,
        instances_max: 16,
        parked: 4,
        waiters_max: 100,
        starts_max: 16,
    };
    (decide(now, bounds) as usize, to_park(now, bounds, 0))
}
