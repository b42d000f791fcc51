//! Connections of functions, one by one: what is known of each, messages to it, and its end.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, StatusCode, header};
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use serde::Serialize;
use utoipa::ToSchema;

use super::gauges::gauge;
use super::prometheus::Written;
use super::{Failable, time};
use crate::auth::Principal;
use crate::gateway::problem::{Rejection, RequestError};
use crate::gateway::request;
use crate::gateway::websocket::SocketError;
use crate::platform::Platform;
use crate::websocket::{Closing, Connection, Message, PushError};

/// A connection of a function.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Connection)]
struct ConnectionView {
    connection_id: String,
    function_id: String,
    function: String,
    /// The number of the version that handled its last event; the next may handle the next one.
    version: u32,
    #[schema(format = DateTime)]
    connected_at: String,
    /// When the last message went either way.
    #[schema(format = DateTime)]
    last_active_at: String,
    /// Where the client is.
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_address: Option<String>,
}

/// Show a connection
#[utoipa::path(
    get, path = "/connections/{connection}", tag = "connections", operation_id = "showConnection",
    responses((status = 200, body = ConnectionView), (status = 410))
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    extensions: Extensions,
) -> Failable {
    let connection = find(&platform, id, &extensions)?;
    let view = ConnectionView {
        connection_id: connection.id.to_string(),
        function_id: connection.function_id.clone(),
        function: connection.function.clone(),
        version: connection.version(),
        connected_at: time::rfc3339(connection.connected_unix_ms),
        last_active_at: time::rfc3339(connection.last_active_unix_ms()),
        remote_address: connection.remote.map(|remote| remote.to_string()),
    };
    Ok(Json(view).into_response())
}

/// Send a message to a connection
///
/// The body becomes one message: a text, or bytes, by its `Content-Type`; without one, a text if it is UTF-8.
#[utoipa::path(
    post, path = "/connections/{connection}", tag = "connections", operation_id = "sendToConnection",
    request_body(content(
        (Option<String> = "text/plain"), (Option<serde_json::Value> = "application/json"), ("application/octet-stream"),
    )),
    responses((status = 204, description = "It is on its way."), (status = 410), (status = 429))
)]
pub(super) async fn send(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Failable {
    let (head, body) = request.into_parts();
    let connection = find(&platform, id, &head.extensions)?;
    let limit = platform.config().websockets.message_bytes_max;
    let message = message(&head.headers, request::read_body(body, limit).await?)?;
    match connection.push(message) {
        Ok(()) => Ok(StatusCode::NO_CONTENT.into_response()),
        Err(PushError::Gone) => Err(SocketError::Gone(connection.id.to_string()).into()),
        Err(full @ PushError::Full) => Err(SocketError::Busy(full).into()),
    }
}

/// End a connection
///
/// The client gets what was sent to it before, and then the code 1000.
#[utoipa::path(
    delete, path = "/connections/{connection}", tag = "connections", operation_id = "endConnection",
    responses((status = 204, description = "It ends."), (status = 410))
)]
pub(super) async fn end(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    extensions: Extensions,
) -> Failable {
    find(&platform, id, &extensions)?.close(Closing::ASKED);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The connection, if there is one that the caller may know of.
fn find(
    platform: &Platform,
    id: String,
    extensions: &Extensions,
) -> Result<Arc<Connection>, Rejection> {
    let principal = extensions.get::<Arc<Principal>>();
    let is_seen = |connection: &Arc<Connection>| {
        principal.is_none_or(|principal| principal.sees(&connection.function))
    };
    let connection = platform.connections().get(&id).filter(is_seen);
    Ok(connection.ok_or(SocketError::Gone(id))?)
}

fn message(headers: &HeaderMap, body: Bytes) -> Result<Message, RequestError> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.map(|kind| kind.to_str().unwrap_or_default());
    let essence = kind.and_then(|kind| kind.split(';').next());
    let essence = essence.map(|essence| essence.trim().to_ascii_lowercase());
    let is_text = essence.as_deref().map(|essence| {
        essence.starts_with("text/") || essence == "application/json" || essence.ends_with("+json")
    });
    match (is_text, body.clone().try_into()) {
        (Some(true) | None, Ok(text)) => Ok(Message::Text(text)),
        (Some(true), Err(_)) => Err(RequestError::malformed("", "the body is not UTF-8")),
        (Some(false) | None, _) => Ok(Message::Binary(body)),
    }
}

/// What is counted of connections.
#[derive(Debug)]
pub(super) struct Traffic {
    /// Connections by the names of functions.
    open: Vec<(String, usize)>,
    received: u64,
    sent: u64,
}

/// Names of functions by their ids; those that are not among them are one, `other`.
pub(super) fn traffic(platform: &Platform, names: &HashMap<String, String>) -> Traffic {
    let mut open: HashMap<String, usize> = HashMap::new();
    for (id, count) in platform.connections().counts() {
        let name = names.get(&id).map_or("other", String::as_str);
        *open.entry(name.to_owned()).or_default() += count;
    }
    let (received, sent) = platform.connections().messages();
    Traffic {
        open: open.into_iter().collect(),
        received,
        sent,
    }
}

/// Writes it down.
pub(super) fn write(traffic: &Traffic, encoder: &mut DescriptorEncoder<'_>) -> Written {
    let (name, help) = ("websocket_connections", "Connections that are open");
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (function, count) in &traffic.open {
        let labels = [("function", function.as_str())];
        gauge(*count).encode(family.encode_family(&labels)?)?;
    }
    let (name, help) = (
        "websocket_messages",
        "Messages of clients (in), and to them (out)",
    );
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (direction, count) in [("in", traffic.received), ("out", traffic.sent)] {
        let labels = [("direction", direction)];
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
