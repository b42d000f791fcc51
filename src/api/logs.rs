//! Lines that user code wrote: pages of them. As they come they are told in [`super::follow`].

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zygo_wire::control::Level;

use super::checked::Checked;
use super::follow::{Start, follow};
use super::page;
use super::time::Moment;
use super::{Failable, find, time};
use crate::gateway::problem::RequestError;
use crate::platform::Platform;
use crate::telemetry::{Line, Lines, NS_PER_MS, instance_name, weight};
use crate::time::unix_ns;

/// Which lines, as the caller says it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The least level: `debug`, `info`, `warn` or `error`.
    #[param(pattern = "^(debug|info|warn|warning|error)$")]
    level: Option<String>,
    /// Not before: a span such as `90s`, `30m`, `1h` or `2d`, or a time in RFC 3339.
    #[param(value_type = Moment, inline, required = false)]
    since: Option<String>,
    /// Before: a span or a time as well.
    #[param(value_type = Moment, inline, required = false)]
    until: Option<String>,
    /// A text in them, in any case.
    q: Option<String>,
    /// The id of the request that wrote them.
    request_id: Option<String>,
    /// The number of the version that wrote them.
    version: Option<u32>,
    /// The most lines of the page.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
    /// What the page before gave as `nextCursor`.
    #[param(pattern = "^([0-9]{1,18}|[1-8][0-9]{18})$")]
    cursor: Option<String>,
    /// The lines as server-sent events, and those that come after them. The id of an event goes into `Last-Event-ID`
    /// after an interruption.
    #[param(default = false)]
    follow: bool,
}

/// A page of lines, from the oldest up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LogPage {
    logs: Vec<LineView>,
    /// The `cursor` of the page with older lines; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A line as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogLine)]
pub(super) struct LineView {
    /// Also a cursor.
    id: String,
    /// RFC 3339.
    #[schema(format = DateTime)]
    time: String,
    /// `debug`, `info`, `warn` or `error`.
    level: &'static str,
    message: String,
    /// The request that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    request_id: Option<Arc<str>>,
    /// The number of the version that wrote it.
    version: u32,
    /// The instance that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    #[schema(value_type = String)]
    function_id: Arc<str>,
}

impl From<Line> for LineView {
    fn from(line: Line) -> Self {
        Self {
            id: line.id.to_string(),
            time: time::rfc3339(line.id / NS_PER_MS),
            level: level_name(line.level),
            message: line.text,
            request_id: line.request_id,
            version: line.version,
            instance: line.instance.map(instance_name),
            function_id: line.function_id,
        }
    }
}

/// List or follow a function's log lines
///
/// The newest lines before the cursor, the oldest of them first; with `follow=true`, or `Accept: text/event-stream`, as
/// server-sent events, and then those that come. With `Last-Event-ID`, all lines after that one.
#[utoipa::path(
    get, path = "/functions/{key}/logs", tag = "logs and figures", operation_id = "listFunctionLogs",
    params(Asked, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that a follower had.")),
    responses((status = 200, content((LogPage = "application/json"), (String = "text/event-stream"))))
)]
pub(super) async fn of_function(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Checked(Query(asked)): Checked<Query<Asked>>,
    headers: HeaderMap,
) -> Failable {
    let function = find(&platform, key)?;
    answer(&platform, Some(function.id().to_owned()), asked, &headers).await
}

/// List or follow the log lines of all functions
///
/// As those of one function.
#[utoipa::path(
    get, path = "/logs", tag = "logs and figures", operation_id = "listLogs",
    params(Asked, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that a follower had.")),
    responses((status = 200, content((LogPage = "application/json"), (String = "text/event-stream"))))
)]
pub(super) async fn of_all(
    State(platform): State<Arc<Platform>>,
    Checked(Query(asked)): Checked<Query<Asked>>,
    headers: HeaderMap,
) -> Failable {
    answer(&platform, None, asked, &headers).await
}

async fn answer(
    platform: &Platform,
    function_id: Option<String>,
    asked: Asked,
    headers: &HeaderMap,
) -> Failable {
    let limit = page::limit(asked.limit)?;
    let which = which(function_id, &asked)?;
    let accepts = |kind: &str| {
        let accept = headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok());
        accept.is_some_and(|accept| accept.contains(kind))
    };
    if asked.follow || accepts("text/event-stream") {
        let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
        let start = match last {
            Some(last) => Start::After(cursor("Last-Event-ID", last)?),
            None => Start::Newest(limit),
        };
        return follow(platform, which, start).await;
    }
    page_of(platform, which, limit).await
}

/// The newest lines before the cursor, the oldest of them first.
async fn page_of(platform: &Platform, which: Lines, limit: usize) -> Failable {
    let found = platform.telemetry().lines(&which, true, limit + 1).await;
    let found = found.map_err(RequestError::from)?;
    let (found, next_cursor) = page::cut(found, limit, |last| last.id.to_string());
    let logs = found.into_iter().rev().map(LineView::from).collect();
    Ok(Json(LogPage { logs, next_cursor }).into_response())
}

fn which(function_id: Option<String>, asked: &Asked) -> Result<Lines, RequestError> {
    let now = unix_ns();
    let moment = |field: &str, text: &Option<String>| {
        let parsed = text.as_ref().map(|text| time::moment(field, text, now));
        parsed.transpose()
    };
    let before = asked
        .cursor
        .as_ref()
        .map(|text| cursor("cursor", text))
        .transpose()?;
    let until = moment("until", &asked.until)?;
    Ok(Lines {
        function_id,
        from: moment("since", &asked.since)?,
        below: before.into_iter().chain(until).min(),
        weight_min: asked.level.as_deref().map_or(Ok(0), level_weight)?,
        text: asked.q.clone().filter(|text| !text.is_empty()),
        request_id: asked.request_id.clone(),
        version: asked.version,
    })
}

fn cursor(field: &str, text: &str) -> Result<i64, RequestError> {
    let rule = format!("{field} must be the nextCursor of a page, or the id of a line");
    text.parse()
        .map_err(|_| RequestError::malformed(format!("/query/{field}"), rule))
}

fn level_weight(name: &str) -> Result<i64, RequestError> {
    match name {
        "debug" => Ok(weight(Level::Debug)),
        "info" => Ok(weight(Level::Info)),
        "warn" | "warning" => Ok(weight(Level::Warn)),
        "error" => Ok(weight(Level::Error)),
        _ => Err(RequestError::malformed(
            "/query/level",
            "level must be debug, info, warn or error",
        )),
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}
