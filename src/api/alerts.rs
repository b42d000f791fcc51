//! Alerts, and the rules that they come from.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::checked::Checked;
use super::page::{self, Newest};
use super::{Failable, find, json_body, run_to_the_end};
use crate::alert::{AlertState, AlertView, Chapter, Filter, Rules};
use crate::gateway::problem::RequestError;
use crate::platform::Platform;

/// Which alerts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// `firing` or `resolved`; both when absent.
    #[param(inline)]
    state: Option<AlertState>,
    /// Id or name of a function.
    function: Option<String>,
    /// The most items of the page.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
    /// What the page before gave as `nextCursor`.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// A page of alerts, from the newest down.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AlertPage {
    alerts: Vec<AlertView>,
    /// The `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Rules as the API shows them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertRuleSet)]
struct RulesView {
    /// What holds.
    rules: Rules,
    /// What was set here; everything else comes from the platform's rules, or from the defaults.
    #[schema(value_type = RulesChange)]
    overrides: Map<String, Value>,
}

/// Rules of which some fields are given, for the API's description; `null` takes away what was set.
#[derive(Debug)]
struct RulesChange;

impl ToSchema for RulesChange {
    fn name() -> std::borrow::Cow<'static, str> {
        "AlertRulesChange".into()
    }
}

impl PartialSchema for RulesChange {
    fn schema() -> RefOr<Schema> {
        let mut schema = serde_json::to_value(Rules::schema()).unwrap_or_default();
        loosen(&mut schema);
        serde_json::from_value(schema).unwrap_or_else(|_| Rules::schema())
    }
}

/// Makes every property of an object, and of the objects in it, one that may be left out or null.
fn loosen(object: &mut Value) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    fields.remove("required");
    let properties = fields.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut) {
        loosen(property);
        if let Some(kind) = property.get("type").filter(|kind| kind.is_string()) {
            property["type"] = Value::from(vec![kind.clone(), "null".into()]);
        }
    }
}

impl From<Chapter> for RulesView {
    fn from(chapter: Chapter) -> Self {
        Self {
            rules: chapter.rules,
            overrides: chapter.set,
        }
    }
}

/// List alerts
///
/// From the newest down. An alert fires once, and is resolved once what was measured is good again.
#[utoipa::path(
    get, path = "/alerts", tag = "alerts", operation_id = "listAlerts",
    params(Wanted), responses((status = 200, body = AlertPage))
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    Checked(Query(wanted)): Checked<Query<Wanted>>,
) -> Failable {
    let page = Newest::new(wanted.limit, wanted.cursor);
    let (limit, before) = (page.limit()?, page.before()?);
    let filter = Filter {
        state: wanted.state,
        // Alerts of a deleted function are found by its id.
        function_id: wanted.function.map(|key| {
            let function = platform.registry().get(&key);
            function.map_or(key, |function| function.id().to_owned())
        }),
        before,
    };
    let found = platform.alerts().list(&filter, limit + 1).await;
    let found = found.map_err(RequestError::from)?;
    let (found, next_cursor) = page::cut(found, limit, |last| last.id.to_string());
    let alerts = found.iter().map(AlertView::from).collect();
    let body = AlertPage {
        alerts,
        next_cursor,
    };
    Ok(Json(body).into_response())
}

/// Show an alert
#[utoipa::path(
    get, path = "/alerts/{alert}", tag = "alerts", operation_id = "showAlert",
    responses((status = 200, body = AlertView))
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
) -> Failable {
    let alert = platform.alerts().get(&id).await;
    let alert = alert.map_err(RequestError::from)?;
    Ok(Json(AlertView::from(&alert)).into_response())
}

/// Show the rules that hold for every function
#[utoipa::path(
    get, path = "/alerts/rules", tag = "alerts", operation_id = "showAlertRules",
    responses((status = 200, body = RulesView))
)]
pub(super) async fn rules(State(platform): State<Arc<Platform>>) -> Failable {
    Ok(Json(RulesView::from(platform.alerts().rules(None))).into_response())
}

/// Set fields of the rules that hold for every function
///
/// What is left out stays as it is; `null` goes back to the default.
#[utoipa::path(
    put, path = "/alerts/rules", tag = "alerts", operation_id = "setAlertRules",
    request_body = RulesChange, responses((status = 200, body = RulesView), (status = 422))
)]
pub(super) async fn set_rules(
    State(platform): State<Arc<Platform>>,
    request: Request<Body>,
) -> Failable {
    let change: Map<String, Value> = json_body(request).await?;
    change_rules(platform, None, Some(change)).await
}

/// Go back to the default rules
#[utoipa::path(
    delete, path = "/alerts/rules", tag = "alerts", operation_id = "resetAlertRules",
    responses((status = 200, body = RulesView))
)]
pub(super) async fn reset_rules(State(platform): State<Arc<Platform>>) -> Failable {
    change_rules(platform, None, None).await
}

/// Show a function's rules
#[utoipa::path(
    get, path = "/functions/{key}/alerts", tag = "alerts", operation_id = "showFunctionAlertRules",
    responses((status = 200, body = RulesView))
)]
pub(super) async fn rules_of_function(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function = find(&platform, key)?;
    let chapter = platform.alerts().rules(Some(function.id()));
    Ok(Json(RulesView::from(chapter)).into_response())
}

/// Set fields of a function's rules
///
/// What is left out stays as it is; `null` goes back to the platform's rules.
#[utoipa::path(
    put, path = "/functions/{key}/alerts", tag = "alerts", operation_id = "setFunctionAlertRules",
    request_body = RulesChange, responses((status = 200, body = RulesView), (status = 422))
)]
pub(super) async fn set_rules_of_function(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    request: Request<Body>,
) -> Failable {
    let function = find(&platform, key)?;
    let change: Map<String, Value> = json_body(request).await?;
    change_rules(platform, Some(function.id().to_owned()), Some(change)).await
}

/// Go back to the platform's rules for a function
#[utoipa::path(
    delete, path = "/functions/{key}/alerts", tag = "alerts", operation_id = "resetFunctionAlertRules",
    responses((status = 200, body = RulesView))
)]
pub(super) async fn reset_rules_of_function(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
) -> Failable {
    let function = find(&platform, key)?;
    change_rules(platform, Some(function.id().to_owned()), None).await
}

/// Sets fields, or unsets them all. Goes on to its end, so that memory and database say the same.
async fn change_rules(
    platform: Arc<Platform>,
    function_id: Option<String>,
    change: Option<Map<String, Value>>,
) -> Failable {
    let work = async move {
        let (alerts, id) = (platform.alerts(), function_id.as_deref());
        let chapter = match &change {
            Some(change) => alerts.set_rules(id, change).await?,
            None => alerts.reset_rules(id).await?,
        };
        Ok::<_, RequestError>(RulesView::from(chapter))
    };
    Ok(Json(run_to_the_end(work).await?).into_response())
}
