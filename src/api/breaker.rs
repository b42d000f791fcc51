//! A function's circuit breaker, to be seen and set.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::Request;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Failable, find, json_body, time};
use crate::admission::{Mode, State as BreakerState};
use crate::function::Function;
use crate::platform::Platform;
use crate::telemetry::NS_PER_MS;
use crate::time::unix_ns;

/// What an operator wants.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WantedCircuit)]
enum Wanted {
    /// No invocation passes.
    Open,
    /// Every invocation passes.
    Closed,
    /// Failures decide.
    Auto,
}

/// What the circuit breaker is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CircuitBreakerInput)]
pub(super) struct NewState {
    state: Wanted,
}

/// Whether invocations pass.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Circuit {
    /// They are refused.
    Open,
    /// They pass.
    Closed,
    /// One passes, and decides.
    HalfOpen,
}

impl Circuit {
    /// What a breaker does with the next invocation.
    pub(super) fn of(mode: Mode, state: BreakerState) -> Self {
        match (mode, state) {
            (Mode::ForcedOpen, _) | (Mode::Auto, BreakerState::Open(_)) => Self::Open,
            (Mode::ForcedClosed, _) | (Mode::Auto, BreakerState::Closed) => Self::Closed,
            (Mode::Auto, BreakerState::HalfOpen(_)) => Self::HalfOpen,
        }
    }
}

/// Who decides about the breaker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CircuitBreakerMode)]
enum ModeView {
    /// Failures.
    Auto,
    /// An operator, who wants it open.
    ForcedOpen,
    /// An operator, who wants it closed.
    ForcedClosed,
}

/// A function's circuit breaker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CircuitBreaker)]
struct BreakerView {
    state: Circuit,
    mode: ModeView,
    /// Failures since the last success.
    consecutive_failures: u32,
    /// So many in a row open it; 0 for never.
    opens_after_failures: u32,
    /// Since when it has been open, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    opened_at: Option<String>,
    /// When the next invocation may pass, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    retry_at: Option<String>,
}

/// Show a function's circuit breaker
#[utoipa::path(
    get, path = "/functions/{key}/circuit-breaker", tag = "circuit breaker", operation_id = "showCircuitBreaker",
    responses((status = 200, body = BreakerView))
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function = find(&platform, key)?;
    Ok(Json(view(&platform, &function)).into_response())
}

/// Open or close a function's circuit breaker, or leave it to itself
#[utoipa::path(
    put, path = "/functions/{key}/circuit-breaker", tag = "circuit breaker", operation_id = "setCircuitBreaker",
    request_body = NewState,
    responses((status = 200, body = BreakerView))
)]
pub(super) async fn set(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    let NewState { state } = json_body(request).await?;
    function.gate().breaker().set(match state {
        Wanted::Open => Mode::ForcedOpen,
        Wanted::Closed => Mode::ForcedClosed,
        Wanted::Auto => Mode::Auto,
    });
    Ok(Json(view(&platform, &function)).into_response())
}

fn view(platform: &Platform, function: &Function) -> BreakerView {
    let trip = platform.config().breaker();
    let breaker = function.gate().breaker();
    let opened_ms = match breaker.state() {
        BreakerState::Open(since) | BreakerState::HalfOpen(since) => {
            let ago = Instant::now().saturating_duration_since(since);
            Some(unix_ns() / NS_PER_MS - milliseconds(ago))
        }
        BreakerState::Closed => None,
    };
    let retry_ms = opened_ms.map(|opened| opened.saturating_add(milliseconds(trip.open_for)));
    BreakerView {
        state: Circuit::of(breaker.mode(), breaker.state()),
        mode: match breaker.mode() {
            Mode::Auto => ModeView::Auto,
            Mode::ForcedOpen => ModeView::ForcedOpen,
            Mode::ForcedClosed => ModeView::ForcedClosed,
        },
        consecutive_failures: breaker.failures(),
        opens_after_failures: trip.failures,
        opened_at: opened_ms.map(time::rfc3339),
        retry_at: retry_ms.map(time::rfc3339),
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
