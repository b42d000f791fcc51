//! Figures of functions and of the platform: now, over a window, over time.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::checked::Checked;
use super::figures::FiguresView;
use super::time::Moment;
use super::{Failable, find, prometheus, time};
use crate::function::Function;
use crate::gateway::problem::RequestError;
use crate::platform::Platform;
use crate::telemetry::{Figures, NS_PER_MS, Point};
use crate::time::unix_ns;

/// The most points of a series.
const POINTS_MAX: i64 = 10_000;

/// Over which time.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Window {
    /// A span such as `90s`, `30m`, `1h` or `2d` that ends now; since the beginning when it is left out.
    #[param(pattern = "^[1-9][0-9]{0,8}[smhd]$", example = "1h")]
    window: Option<String>,
}

/// Which points.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Series {
    /// A span such as `90s`, `30m`, `1h` or `2d`, or a time in RFC 3339; `24h` when it is left out.
    #[param(value_type = Moment, inline, required = false)]
    since: String,
    /// The span of a point, such as `5m` or `1h`; a minute at least.
    #[param(default = "5m", pattern = "^[1-9][0-9]{0,8}[smhd]$")]
    step: String,
}

impl Default for Series {
    fn default() -> Self {
        Self {
            since: "24h".to_owned(),
            step: "5m".to_owned(),
        }
    }
}

/// Figures of a function.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FunctionMetrics<M> {
    function_id: String,
    /// The function's name.
    function: String,
    metrics: M,
}

impl<M> FunctionMetrics<M> {
    fn of(function: &Function, metrics: M) -> Self {
        Self {
            function_id: function.id().to_owned(),
            function: function.name().to_owned(),
            metrics,
        }
    }
}

/// Figures of a function, and what runs now.
#[derive(Debug, Serialize, ToSchema)]
struct LiveFigures {
    #[serde(flatten)]
    figures: FiguresView,
    /// Invocations under way.
    concurrency: u64,
}

/// Figures of the platform, and of each function.
#[derive(Debug, Serialize, ToSchema)]
struct PlatformMetrics {
    platform: PlatformFigures,
    functions: Vec<FunctionMetrics<FiguresView>>,
}

/// Figures of all functions together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlatformFigures {
    #[serde(flatten)]
    figures: FiguresView,
    /// How many functions there are.
    functions: usize,
    /// How many instances there are.
    instances: usize,
    /// How long the platform has been up, in ms.
    uptime_ms: u64,
}

/// Figures over time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Series)]
struct SeriesView {
    /// The span of a point, in ms.
    step_ms: i64,
    /// Points with invocations, from the oldest up.
    points: Vec<PointView>,
}

/// Figures of one point.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Point)]
struct PointView {
    #[serde(flatten)]
    figures: FiguresView,
    /// When it begins, RFC 3339.
    #[schema(format = DateTime)]
    time: String,
}

/// Show a function's figures
#[utoipa::path(
    get, path = "/functions/{key}/metrics", tag = "logs and figures", operation_id = "showFunctionMetrics",
    params(Window), responses((status = 200, body = inline(FunctionMetrics<LiveFigures>)))
)]
pub(super) async fn of_function(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Checked(Query(asked)): Checked<Query<Window>>,
) -> Failable {
    let function = find(&platform, key)?;
    let figures = match &asked.window {
        Some(window) => over(&platform, Some(function.id()), window).await?,
        None => live(&platform, &function),
    };
    let live = platform.telemetry().intake().live(function.id());
    let metrics = LiveFigures {
        figures: figures.into(),
        concurrency: live.in_flight(),
    };
    Ok(Json(FunctionMetrics::of(&function, metrics)).into_response())
}

/// Show the platform's figures
///
/// As JSON, or as OpenMetrics text for those who ask for it with `Accept`.
#[utoipa::path(
    get, path = "/metrics", tag = "logs and figures", operation_id = "showMetrics",
    params(Window),
    responses((status = 200, content((PlatformMetrics = "application/json"), (String = "application/openmetrics-text"))))
)]
pub(super) async fn of_platform(
    State(platform): State<Arc<Platform>>,
    Checked(Query(asked)): Checked<Query<Window>>,
    headers: HeaderMap,
) -> Failable {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    let wants_text = |accept: &str| {
        accept.contains("openmetrics-text")
            || (accept.contains("text/plain") && !accept.contains("json"))
    };
    if accept.is_some_and(wants_text) {
        return exposition(State(platform)).await;
    }
    let mut all = Figures::default();
    let mut functions = Vec::new();
    for function in platform.registry().list() {
        let figures = live(&platform, &function);
        functions.push(FunctionMetrics::of(&function, figures.into()));
    }
    match &asked.window {
        Some(window) => all = over(&platform, None, window).await?,
        None => {
            for (_, live) in platform.telemetry().intake().all() {
                all.merge(&live.figures());
            }
        }
    }
    let view = PlatformFigures {
        figures: all.into(),
        functions: functions.len(),
        instances: platform.instances(),
        uptime_ms: u64::try_from(platform.uptime().as_millis()).unwrap_or(u64::MAX),
    };
    let body = PlatformMetrics {
        platform: view,
        functions,
    };
    Ok(Json(body).into_response())
}

/// Show the platform's figures as OpenMetrics text
#[utoipa::path(
    get, path = "/metrics/prometheus", tag = "logs and figures", operation_id = "showPrometheusMetrics",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"))
)]
pub(super) async fn exposition(
    State(platform): State<Arc<Platform>>,
) -> Result<Response, super::Rejection> {
    let text = prometheus::text(&platform);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Show a function's figures over time
#[utoipa::path(
    get, path = "/functions/{key}/metrics/series", tag = "logs and figures", operation_id = "showFunctionSeries",
    params(Series), responses((status = 200, body = SeriesView))
)]
pub(super) async fn series_of_function(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Checked(Query(asked)): Checked<Query<Series>>,
) -> Failable {
    let function = find(&platform, key)?;
    series(&platform, Some(function.id()), &asked).await
}

/// Show the platform's figures over time
#[utoipa::path(
    get, path = "/metrics/series", tag = "logs and figures", operation_id = "showSeries",
    params(Series), responses((status = 200, body = SeriesView))
)]
pub(super) async fn series_of_platform(
    State(platform): State<Arc<Platform>>,
    Checked(Query(asked)): Checked<Query<Series>>,
) -> Failable {
    series(&platform, None, &asked).await
}

fn live(platform: &Platform, function: &Function) -> Figures {
    platform.telemetry().intake().live(function.id()).figures()
}

/// The figures of a stretch that ends now, by whole minutes.
async fn over(
    platform: &Platform,
    id: Option<&str>,
    window: &str,
) -> Result<Figures, RequestError> {
    let length = time::length("window", window)?;
    let from = unix_ns() / NS_PER_MS - i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    let mut sum = Figures::default();
    for point in platform.telemetry().minutes(id, from).await? {
        sum.merge(&point.figures);
    }
    Ok(sum)
}

async fn series(platform: &Platform, id: Option<&str>, asked: &Series) -> Failable {
    let from = time::moment("since", &asked.since, unix_ns())? / NS_PER_MS;
    let step = time::length("step", &asked.step)?.max(std::time::Duration::from_secs(60));
    let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
    if (unix_ns() / NS_PER_MS - from) / step_ms > POINTS_MAX {
        let rule = format!("a series has at most {POINTS_MAX} points; take a longer step");
        return Err(RequestError::malformed("/query/step", rule).into());
    }
    let minutes = platform
        .telemetry()
        .minutes(id, from)
        .await
        .map_err(RequestError::from)?;
    let mut points: Vec<Point> = Vec::new();
    for minute in minutes {
        let start = minute.start_unix_ms - minute.start_unix_ms.rem_euclid(step_ms);
        match points.last_mut() {
            Some(last) if last.start_unix_ms == start => last.figures.merge(&minute.figures),
            _ => points.push(Point {
                start_unix_ms: start,
                figures: minute.figures,
            }),
        }
    }
    let points = points.into_iter().map(PointView::from).collect();
    Ok(Json(SeriesView { step_ms, points }).into_response())
}

impl From<Point> for PointView {
    fn from(point: Point) -> Self {
        Self {
            time: time::rfc3339(point.start_unix_ms),
            figures: point.figures.into(),
        }
    }
}
