//! Records of invocations.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::checked::Checked;
use super::figures::rounded;
use super::page::{self, Newest};
use super::{Failable, find, time};
use crate::cost::{Billed, float};
use crate::gateway::problem::RequestError;
use crate::gateway::response::Phases;
use crate::platform::Platform;
use crate::telemetry::StoredRecord;

/// A page of records.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InvocationPage {
    invocations: Vec<RecordView>,
    /// The `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What is known of an invocation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invocation)]
struct RecordView {
    request_id: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    time: String,
    /// The number of the version that served it.
    version: i64,
    /// What invoked the function.
    trigger: String,
    /// `ok`, or the code of the problem.
    outcome: String,
    /// `warm`, `parked`, `forked` or `booted`; null for an invocation that no instance served.
    start_kind: Option<String>,
    /// ms.
    duration_ms: f64,
    /// ms.
    billed_ms: i64,
    /// MB.
    memory_mb: f64,
    /// USD.
    cost: f64,
    timeline: Phases,
    /// How many invocations the record stands for: more than 1 when there were too many to keep each.
    count: i64,
}

/// List a function's invocations
///
/// From the newest down.
#[utoipa::path(
    get, path = "/functions/{key}/invocations", tag = "logs and figures", operation_id = "listInvocations",
    params(Newest), responses((status = 200, body = InvocationPage))
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Checked(Query(page)): Checked<Query<Newest>>,
) -> Failable {
    let function = find(&platform, key)?;
    let (limit, before) = (page.limit()?, page.before()?);
    let found = platform
        .telemetry()
        .records(function.id(), before, limit + 1)
        .await;
    let found = found.map_err(RequestError::from)?;
    let (found, next_cursor) = page::cut(found, limit, |last| last.id.to_string());
    let invocations = found.into_iter().map(RecordView::from).collect();
    let body = InvocationPage {
        invocations,
        next_cursor,
    };
    Ok(Json(body).into_response())
}

impl From<StoredRecord> for RecordView {
    fn from(record: StoredRecord) -> Self {
        let ms = |us: i64| float(u64::try_from(us).unwrap_or_default()) / 1e3;
        let [queue, fork, load, handler, total] = record.times_us.map(ms);
        let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
        let billed = Billed {
            invocations: unsigned(record.count),
            mb_ms: unsigned(record.billed_ms) * unsigned(record.memory_limit_mb),
        };
        Self {
            request_id: record.request_id,
            time: time::rfc3339(record.unix_ms),
            version: record.version,
            trigger: record.trigger,
            outcome: record.outcome,
            start_kind: record.start_kind,
            duration_ms: total,
            billed_ms: record.billed_ms,
            memory_mb: rounded(ms(record.memory_used_kib * 1_000) / 1_024.0, 3),
            cost: rounded(billed.cost().total(), 12),
            timeline: Phases {
                queue,
                fork,
                load,
                handler,
                total,
            },
            count: record.count,
        }
    }
}
