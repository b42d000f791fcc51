//! Templates: look for one, read it, make a function of it.

mod order;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::checked::Checked;
use super::functions::{deploy_new, may_own};
use super::types::FunctionInput;
use super::view::Deployed;
use super::{Failable, by, json_body};
use crate::auth::Principal;
use crate::function::deployment::DeployError;
use crate::function::manifest::{Network, RuntimeName};
use crate::gateway::problem::RequestError;
use crate::marketplace::{Parameter, Problem, Settings, Shelf, Source, Template};
use crate::platform::Platform;
use crate::secret::Secret;

/// What to look for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct Sought {
    /// Words that must all occur in a template's id, name, description, category, tags or languages.
    #[param(value_type = Option<String>)]
    q: String,
}

/// Which template is to become which function.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = TemplateOrder)]
struct Order {
    /// Id of the template, with or without its `mp-`.
    template_id: String,
    /// Name of the function; the template's own when absent.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    name: Option<String>,
    /// Language; the template's first when absent.
    runtime: Option<RuntimeName>,
    /// Values of the template's parameters by name.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    parameters: BTreeMap<String, Secret>,
    /// What the function may reach; as the template says when absent. A server with a private address needs `all`.
    network: Option<Network>,
}

/// A template as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Template)]
struct TemplateView<'a> {
    id: &'a str,
    /// Whether the platform or its operator brought it along.
    source: Source,
    name: &'a str,
    description: &'a str,
    category: &'a str,
    tags: &'a [String],
    runtimes: Vec<&'a str>,
    parameters: &'a [Parameter],
}

/// Templates, by id.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateList<'a> {
    templates: Vec<TemplateView<'a>>,
    total: usize,
    /// What of the operator's folder cannot be used.
    problems: &'a [Problem],
}

/// Files by path.
type Files<'a> = BTreeMap<&'a str, String>;

/// A template with everything in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WholeTemplate)]
struct WholeView<'a> {
    #[serde(flatten)]
    view: TemplateView<'a>,
    /// Where functions made from it differ from others.
    settings: &'a Settings,
    /// Markdown.
    readme: &'a str,
    /// An event to try it with.
    event: &'a Value,
    /// Texts of files by path, by language.
    #[schema(value_type = BTreeMap<String, BTreeMap<String, String>>)]
    files: BTreeMap<&'a str, Files<'a>>,
}

/// One template.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateAnswer<'a> {
    template: WholeView<'a>,
}

impl<'a> From<&'a Template> for TemplateView<'a> {
    fn from(template: &'a Template) -> Self {
        Self {
            id: &template.id,
            source: template.source,
            name: &template.name,
            description: &template.description,
            category: &template.category,
            tags: &template.tags,
            runtimes: template.code.keys().map(String::as_str).collect(),
            parameters: &template.parameters,
        }
    }
}

/// List templates
///
/// All of them, or those that `q` finds.
#[utoipa::path(
    get, path = "/marketplace", tag = "marketplace", operation_id = "listTemplates",
    params(Sought), responses((status = 200, body = TemplateList))
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    Checked(Query(sought)): Checked<Query<Sought>>,
) -> Failable {
    let shelf = shelf(&platform).await?;
    let found = shelf.search(&sought.q);
    let templates: Vec<TemplateView> = found.map(TemplateView::from).collect();
    let list = TemplateList {
        total: templates.len(),
        templates,
        problems: &shelf.problems,
    };
    Ok(Json(list).into_response())
}

/// Show a template
///
/// With its README, an event to try it with, and its files.
#[utoipa::path(
    get, path = "/marketplace/{template}", tag = "marketplace", operation_id = "showTemplate",
    responses((status = 200, body = TemplateAnswer))
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
) -> Failable {
    let template = &*find(&platform, &id).await?;
    let files = template.code.iter().map(|(runtime, code)| {
        let text = |content: &Vec<u8>| String::from_utf8_lossy(content).into_owned();
        let texts = code
            .iter()
            .map(|(path, content)| (path.as_str(), text(content)));
        (runtime.as_str(), texts.collect())
    });
    let template = WholeView {
        view: template.into(),
        settings: &template.settings,
        readme: &template.readme,
        event: &template.event,
        files: files.collect(),
    };
    Ok(Json(TemplateAnswer { template }).into_response())
}

/// Deploy a new function made of a template
#[utoipa::path(
    post, path = "/marketplace/deploy", tag = "marketplace", operation_id = "deployTemplate",
    request_body = Order,
    responses(
        (status = 201, description = "The function is there, and serves.", body = Deployed, headers(
            ("ETag" = String, description = "The function's tag, for `If-Match`."),
            ("Location" = String, description = "The function's path."),
        )),
        (status = 200, description = "It was there already.", body = Deployed, headers(
            ("ETag" = String, description = "The function's tag, for `If-Match`."),
            ("Location" = String, description = "The function's path."),
        )),
        (status = 404),
    )
)]
pub(super) async fn deploy(
    State(platform): State<Arc<Platform>>,
    Extension(principal): Extension<Arc<Principal>>,
    request: Request<Body>,
) -> Failable {
    let by = by(&request);
    let order: Order = json_body(request).await?;
    let template = &*find(&platform, &order.template_id).await?;
    let runtime = order::runtime(template, order.runtime).map_err(DeployError::from)?;
    let (environment, secrets) =
        order::values(template, order.parameters).map_err(DeployError::from)?;
    let own_name = || template.id.trim_start_matches("mp-").to_owned();
    let mut settings = FunctionInput {
        name: Some(order.name.unwrap_or_else(own_name)),
        runtime: Some(runtime),
        handler: template.settings.handler.clone(),
        memory: template.settings.memory,
        timeout: template.settings.timeout,
        public: template.settings.public,
        network: order::network(template, order.network),
        triggers: order::triggers(template).map_err(DeployError::from)?,
        environment: Some(environment),
        secrets: Some(secrets),
        ..FunctionInput::default()
    };
    let manifest = settings
        .new_manifest(platform.config())
        .map_err(DeployError::from)?;
    may_own(&principal, &manifest)?;
    let bundle = order::bundle(template, runtime).map_err(DeployError::from)?;
    deploy_new(platform, by, manifest, bundle).await
}

/// All templates as they are now.
async fn shelf(platform: &Platform) -> Result<Arc<Shelf>, RequestError> {
    let catalogue = Arc::clone(platform.marketplace());
    let read = tokio::task::spawn_blocking(move || catalogue.now()).await;
    Ok(read.map_err(std::io::Error::other)?)
}

async fn find(platform: &Platform, id: &str) -> Result<Arc<Template>, RequestError> {
    let shelf = shelf(platform).await?;
    let template = shelf.get(id).map(Arc::clone);
    template.ok_or_else(|| RequestError::TemplateNotFound(id.to_owned()))
}
