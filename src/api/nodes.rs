//! The platforms that share a database and archives.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Failable, time};
use crate::cluster::Node;
use crate::gateway::problem::RequestError;
use crate::platform::Platform;

/// Whether a node lives.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = NodeStatus)]
enum Status {
    /// It was heard of within its lease.
    Live,
    /// It was not: it has ended without saying so, or cannot reach the database.
    Gone,
}

/// A node.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Node)]
struct NodeView {
    id: String,
    /// The name of its machine.
    host: String,
    /// Of the program.
    version: String,
    status: Status,
    /// Whether it does what one node does for all: alerts and notices, and removing archives.
    leads: bool,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(format = DateTime)]
    last_seen_at: String,
}

/// All nodes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NodeList {
    /// The id of the one that answers; null for a platform that shares nothing.
    node: Option<String>,
    nodes: Vec<NodeView>,
}

impl From<Node> for NodeView {
    fn from(node: Node) -> Self {
        Self {
            id: node.id,
            host: node.host,
            version: node.version,
            status: match node.is_live {
                true => Status::Live,
                false => Status::Gone,
            },
            leads: node.leads,
            started_at: time::rfc3339(node.started_unix_ms),
            last_seen_at: time::rfc3339(node.alive_unix_ms),
        }
    }
}

/// List nodes
///
/// Platforms that share a database and archives with this one, and this one. A platform that shares nothing is none.
#[utoipa::path(
    get, path = "/nodes", tag = "platform", operation_id = "listNodes",
    responses((status = 200, body = NodeList))
)]
pub(super) async fn list(State(platform): State<Arc<Platform>>) -> Failable {
    let cluster = platform.cluster();
    let nodes = cluster.nodes().await.map_err(RequestError::from)?;
    let body = NodeList {
        node: cluster.id().map(str::to_owned),
        nodes: nodes.into_iter().map(NodeView::from).collect(),
    };
    Ok(Json(body).into_response())
}
