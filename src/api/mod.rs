//! The control plane: functions as resources. Knows HTTP, and of functions only how to make, show and remove them.

mod alerts;
mod aliases;
mod breaker;
mod checked;
mod connections;
mod costs;
mod deliveries;
mod distributions;
mod encryption;
mod events;
mod figures;
mod follow;
mod functions;
mod gauges;
pub(crate) mod idempotency;
mod invocations;
mod keys;
mod letters;
mod logs;
mod marketplace;
mod metrics;
mod nodes;
mod object;
mod page;
mod precondition;
mod prometheus;
mod queued;
mod refreshes;
mod rollouts;
mod scaling;
mod source_code;
mod sources;
mod staging;
mod time;
mod triggers;
mod types;
mod upload;
mod variables;
mod versions;
mod view;
mod webhooks;
mod zygotes;

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::Request;
use serde::de::DeserializeOwned;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Principal;
use crate::function::Function;
use crate::gateway::problem::{Rejection, RequestError};
use crate::gateway::request;
use crate::platform::Platform;

pub(crate) use idempotency::replay;
#[cfg(test)]
pub(crate) use types::FunctionInput;
use view::Changes;

/// The longest body of a call that uploads no code, in bytes.
const SMALL_BODY_MAX: usize = 256 * 1024;

/// Operations of the control plane. Each comes with its description, or does not compile.
pub(crate) fn router() -> OpenApiRouter<Arc<Platform>> {
    OpenApiRouter::default()
        .routes(routes!(functions::list, functions::create))
        .routes(routes!(
            functions::show,
            functions::update,
            functions::update_by_post,
            functions::remove
        ))
        .routes(routes!(versions::rollback))
        .routes(routes!(versions::list, staging::stage))
        .routes(routes!(versions::show))
        .routes(routes!(versions::build_log))
        .routes(routes!(source_code::show))
        .routes(routes!(versions::history))
        .routes(routes!(aliases::list))
        .routes(routes!(aliases::set, aliases::remove))
        .routes(routes!(breaker::show, breaker::set))
        .routes(routes!(rollouts::show, rollouts::set, rollouts::end))
        .routes(routes!(rollouts::promote))
        .routes(routes!(scaling::show))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(keys::whoami))
        .routes(routes!(encryption::rotate))
        .routes(routes!(
            connections::show,
            connections::send,
            connections::end
        ))
        .routes(routes!(marketplace::list))
        .routes(routes!(marketplace::show))
        .routes(routes!(marketplace::deploy))
        .merge(telemetry_router())
        .merge(alerts_router())
        .merge(variables_router())
        .merge(events_router())
}

/// Events, schedules, invocations that nobody waits for, and what became of them.
fn events_router() -> OpenApiRouter<Arc<Platform>> {
    OpenApiRouter::default()
        .routes(routes!(events::publish))
        .routes(routes!(queued::invocation))
        .routes(routes!(triggers::list))
        .routes(routes!(triggers::fire))
        .routes(routes!(queued::depth))
        .routes(routes!(letters::list_all))
        .routes(routes!(letters::list, letters::remove_all))
        .routes(routes!(letters::redrive_all))
        .routes(routes!(letters::show, letters::remove))
        .routes(routes!(letters::redrive))
}

/// Logs, figures, costs.
fn telemetry_router() -> OpenApiRouter<Arc<Platform>> {
    OpenApiRouter::default()
        .routes(routes!(logs::of_function))
        .routes(routes!(logs::of_all))
        .routes(routes!(metrics::of_function))
        .routes(routes!(metrics::series_of_function))
        .routes(routes!(invocations::list))
        .routes(routes!(zygotes::list))
        .routes(routes!(nodes::list))
        .routes(routes!(metrics::of_platform))
        .routes(routes!(metrics::series_of_platform))
        .routes(routes!(metrics::exposition))
        .routes(routes!(costs::of_function))
        .routes(routes!(costs::of_platform))
        .routes(routes!(costs::comparison))
}

/// Alerts, their rules, and whom they are sent to.
fn alerts_router() -> OpenApiRouter<Arc<Platform>> {
    OpenApiRouter::default()
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::show))
        .routes(routes!(
            alerts::rules,
            alerts::set_rules,
            alerts::reset_rules
        ))
        .routes(routes!(
            alerts::rules_of_function,
            alerts::set_rules_of_function,
            alerts::reset_rules_of_function
        ))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::remove))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::deliveries))
}

fn variables_router() -> OpenApiRouter<Arc<Platform>> {
    OpenApiRouter::default()
        .routes(routes!(variables::list_environment))
        .routes(routes!(
            variables::set_environment,
            variables::remove_environment
        ))
        .routes(routes!(variables::list_secrets))
        .routes(routes!(variables::set_secret, variables::remove_secret))
}

/// What a control-plane call ends with when it fails.
type Failable = Result<Response, Rejection>;

fn find(platform: &Platform, key: String) -> Result<Arc<Function>, Rejection> {
    let function = platform.registry().get(&key);
    Ok(function.ok_or(RequestError::FunctionNotFound(key))?)
}

/// Whose credential the request carries, for the history.
fn by(request: &Request<Body>) -> String {
    who(request.extensions())
}

fn who(extensions: &http::Extensions) -> String {
    let principal = extensions.get::<Arc<Principal>>();
    principal.map_or_else(String::new, |principal| principal.name.clone())
}

/// Does work to its end even when the caller goes away meanwhile: a deployment must not stop halfway.
async fn run_to_the_end<T: Send + 'static, E: From<std::io::Error> + Send + 'static>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E> {
    let done = tokio::spawn(work).await;
    done.unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
}

/// A body that is one JSON object.
async fn json_body<T: DeserializeOwned>(request: Request<Body>) -> Result<T, RequestError> {
    let body = request::read_body(request.into_body(), SMALL_BODY_MAX).await?;
    upload::object(&body)
}
