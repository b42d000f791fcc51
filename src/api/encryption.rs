//! The master keys: a new one, under which everything is sealed anew.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Failable, run_to_the_end};
use crate::gateway::problem::RequestError;
use crate::platform::Platform;
use crate::seal::SealError;

/// What was sealed anew.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Rotated {
    /// How many versions were sealed anew.
    resealed: usize,
    /// The id of the key that seals from now on.
    key_id: String,
}

/// Make a new master key and seal everything anew
///
/// Keys from the environment or from a file of the operator's are rotated there; then this
/// only seals what still lies under an older one.
#[utoipa::path(
    post, path = "/encryption/rotate", tag = "platform", operation_id = "rotateEncryption",
    responses((status = 200, body = Rotated))
)]
pub(super) async fn rotate(State(platform): State<Arc<Platform>>) -> Failable {
    let work = async move {
        match platform.sealer().add_key() {
            Ok(()) | Err(SealError::NotOurs(_)) => {}
            Err(error) => return Err(RequestError::Store(error.into())),
        }
        fail::fail_point!("rotate::added");
        let versions = platform.deployer().store.reseal().await?;
        let resealed = versions + platform.alerts().reseal().await?;
        let key_id = platform.sealer().key_id();
        Ok(Rotated { resealed, key_id })
    };
    let body = run_to_the_end(work).await?;
    Ok(Json(body).into_response())
}
