//! Where alerts are sent, and what came of it.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use http::{Request, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::checked::Checked;
use super::page::{self, Newest};
use super::view::Deleted;
use super::{Failable, by, json_body, time};
use crate::alert::{Delivery, DeliveryState, NewWebhook, Waiting, Webhook, alert_name};
use crate::gateway::problem::RequestError;
use crate::platform::Platform;
use crate::secret::Secret;

/// Whom to tell.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookInput {
    /// An http or https address where notices are sent, by POST.
    #[schema(pattern = "^https?://", max_length = 2_048)]
    url: String,
    /// What they are signed with.
    #[schema(value_type = Option<String>, min_length = 16, max_length = 256)]
    secret: Option<Secret>,
}

/// A webhook as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
struct WebhookView {
    /// `wh-…`.
    id: String,
    /// Where notices are sent.
    url: String,
    /// Whether they are signed.
    signed: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Whose credential made it.
    created_by: String,
    /// How many notices wait.
    waiting: i64,
    /// When the next attempt is, if one waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    /// What was attempted last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_delivery: Option<DeliveryView>,
}

/// A notice for one webhook, and what came of it so far.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
struct DeliveryView {
    /// `dl-…`; receivers see it in `X-Zygo-Delivery`.
    id: String,
    /// `alert.firing`, `alert.resolved` or `test`.
    event: String,
    /// What it tells of; absent in a test.
    #[serde(skip_serializing_if = "Option::is_none")]
    alert_id: Option<String>,
    /// Whether it arrived.
    state: DeliveryState,
    /// How often it was sent.
    attempts: u32,
    /// When it happened.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was sent last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    attempted_at: Option<String>,
    /// What the receiver answered then.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it did not arrive then.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// When it is sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
}

/// All webhooks.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookList {
    webhooks: Vec<WebhookView>,
}

/// The notice of a test.
#[derive(Debug, Serialize, ToSchema)]
struct TestSent {
    delivery: DeliveryView,
}

/// A page of notices, from the newest down.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeliveryPage {
    deliveries: Vec<DeliveryView>,
    /// The `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl WebhookView {
    fn of(webhook: Webhook, waiting: Option<&Waiting>, last: Option<&Delivery>) -> Self {
        Self {
            signed: webhook.is_signed(),
            id: webhook.id,
            url: webhook.url,
            created_at: time::rfc3339(webhook.created_unix_ms),
            created_by: webhook.created_by,
            waiting: waiting.map_or(0, |waiting| waiting.count),
            next_attempt_at: waiting.map(|waiting| time::rfc3339(waiting.next_unix_ms)),
            last_delivery: last.map(DeliveryView::from),
        }
    }
}

impl From<&Delivery> for DeliveryView {
    fn from(delivery: &Delivery) -> Self {
        let is_waiting = delivery.state == DeliveryState::Waiting;
        Self {
            id: delivery.name(),
            event: delivery.event.clone(),
            alert_id: delivery.alert_id.map(alert_name),
            state: delivery.state,
            attempts: delivery.attempts,
            created_at: time::rfc3339(delivery.created_unix_ms),
            attempted_at: delivery.attempted_unix_ms.map(time::rfc3339),
            status: delivery.status,
            error: delivery.error.clone(),
            next_attempt_at: is_waiting.then(|| time::rfc3339(delivery.next_unix_ms)),
        }
    }
}

/// List webhooks
#[utoipa::path(
    get, path = "/alerts/webhooks", tag = "alerts", operation_id = "listWebhooks",
    responses((status = 200, body = WebhookList))
)]
pub(super) async fn list(State(platform): State<Arc<Platform>>) -> Failable {
    let found = platform.alerts().webhooks().await;
    let found = found.map_err(RequestError::from)?.into_iter();
    let webhooks = found
        .map(|(webhook, waiting, last)| WebhookView::of(webhook, waiting.as_ref(), last.as_ref()))
        .collect();
    Ok(Json(WebhookList { webhooks }).into_response())
}

/// Tell a webhook of alerts from now on
#[utoipa::path(
    post, path = "/alerts/webhooks", tag = "alerts", operation_id = "createWebhook",
    request_body = WebhookInput,
    responses((status = 201, description = "It is told of alerts.", body = WebhookView), (status = 422))
)]
pub(super) async fn create(
    State(platform): State<Arc<Platform>>,
    request: Request<Body>,
) -> Failable {
    let by = by(&request);
    let WebhookInput { url, secret } = json_body(request).await?;
    let new = NewWebhook { url, secret };
    let made = platform.alerts().add_webhook(&new, &by).await;
    let view = WebhookView::of(made.map_err(RequestError::from)?, None, None);
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// Forget a webhook, and what waits for it
#[utoipa::path(
    delete, path = "/alerts/webhooks/{webhook}", tag = "alerts", operation_id = "deleteWebhook",
    responses((status = 200, body = Deleted))
)]
pub(super) async fn remove(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
) -> Failable {
    let removed = platform.alerts().remove_webhook(&id).await;
    removed.map_err(RequestError::from)?;
    let message = "Webhook deleted";
    Ok(Json(Deleted { message, id }).into_response())
}

/// Send a webhook a notice of nothing
///
/// Its delivery shows what comes of it.
#[utoipa::path(
    post, path = "/alerts/webhooks/{webhook}/test", tag = "alerts", operation_id = "testWebhook",
    responses((status = 202, description = "It is on its way.", body = TestSent))
)]
pub(super) async fn test(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
) -> Failable {
    let posted = platform.alerts().test_webhook(&id).await;
    let delivery = DeliveryView::from(&posted.map_err(RequestError::from)?);
    Ok((StatusCode::ACCEPTED, Json(TestSent { delivery })).into_response())
}

/// List what was sent to a webhook, and what came of it
///
/// From the newest down.
#[utoipa::path(
    get, path = "/alerts/webhooks/{webhook}/deliveries", tag = "alerts", operation_id = "listDeliveries",
    params(Newest), responses((status = 200, body = DeliveryPage))
)]
pub(super) async fn deliveries(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Checked(Query(page)): Checked<Query<Newest>>,
) -> Failable {
    let (limit, before) = (page.limit()?, page.before()?);
    let found = platform.alerts().deliveries(&id, before, limit + 1).await;
    let found = found.map_err(RequestError::from)?;
    let (found, next_cursor) = page::cut(found, limit, |last| last.id.to_string());
    let deliveries = found.iter().map(DeliveryView::from).collect();
    let body = DeliveryPage {
        deliveries,
        next_cursor,
    };
    Ok(Json(body).into_response())
}
