//! Whether the platform lives, and whether it is ready.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::platform::Platform;

/// What the platform can run.
#[derive(Debug, Serialize, ToSchema)]
struct Readiness {
    /// `ready`.
    status: &'static str,
    /// Runtimes by name.
    runtimes: BTreeMap<String, RuntimeState>,
    /// Left out by a platform that shares nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<NodeState>,
}

/// One of several platforms.
#[derive(Debug, Serialize, ToSchema)]
struct NodeState {
    id: String,
    /// Whether it has reached the database within its lease. One that has not serves what it has loaded.
    connected: bool,
    /// How many nodes live, as it was told last; they share rate limits.
    live: u32,
}

/// Whether a runtime can run functions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
enum RuntimeState {
    /// It can.
    Ready {
        /// Name and version of its engine.
        engine: String,
        /// How long it took to start, in ms.
        #[serde(rename = "bootMs")]
        boot_ms: f64,
    },
    /// It cannot.
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// Say that the platform lives
#[utoipa::path(
    get, path = "/healthz", tag = "platform", operation_id = "checkHealth",
    responses((status = 200, body = String))
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Say which languages are ready
///
/// Answers when every language is either up or known to be unavailable.
#[utoipa::path(
    get, path = "/readyz", tag = "platform", operation_id = "checkReadiness",
    responses((status = 200, body = Readiness))
)]
pub(super) async fn readyz(State(platform): State<Arc<Platform>>) -> Response {
    let mut runtimes = BTreeMap::new();
    for zygote in platform.zygotes().iter() {
        let state = match zygote.status().await {
            Ok((engine, boot)) => RuntimeState::Ready {
                engine,
                boot_ms: boot.as_secs_f64() * 1e3,
            },
            Err(reason) => RuntimeState::Unavailable { reason },
        };
        runtimes.insert(zygote.runtime().to_owned(), state);
    }
    let cluster = platform.cluster();
    let body = Readiness {
        status: "ready",
        runtimes,
        node: cluster.id().map(|id| NodeState {
            id: id.to_owned(),
            connected: cluster.is_connected(),
            live: cluster.live(),
        }),
    };
    Json(body).into_response()
}
