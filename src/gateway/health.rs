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
    let status = "ready";
    Json(Readiness { status, runtimes }).into_response()
}
