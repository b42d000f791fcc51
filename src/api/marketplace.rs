//! Templates: look for one, read it, make a function of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use bytes::Bytes;
use http::Request;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::checked::Checked;
use super::functions::{deploy_new, may_own};
use super::object::Object;
use super::types::FunctionInput;
use super::view::Deployed;
use super::{Failable, by, json_body};
use crate::auth::Principal;
use crate::function::bundle::Bundle;
use crate::function::deployment::DeployError;
use crate::function::manifest::{ManifestError, RuntimeName, Trigger};
use crate::gateway::problem::RequestError;
use crate::marketplace::{Parameter, Template};
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
}

/// A template as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Template)]
struct TemplateView<'a> {
    id: &'a str,
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
}

/// Files by path.
type Files<'a> = BTreeMap<&'a str, String>;

/// A template with everything in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WholeTemplate)]
struct WholeView<'a> {
    #[serde(flatten)]
    view: TemplateView<'a>,
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
    let found = platform.marketplace().search(&sought.q);
    let templates: Vec<TemplateView> = found.map(TemplateView::from).collect();
    let total = templates.len();
    Ok(Json(TemplateList { templates, total }).into_response())
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
    let template = find(&platform, &id)?;
    let files = template.code.iter().map(|(runtime, code)| {
        let text = |content: &Vec<u8>| String::from_utf8_lossy(content).into_owned();
        let texts = code
            .iter()
            .map(|(path, content)| (path.as_str(), text(content)));
        (runtime.as_str(), texts.collect())
    });
    let template = WholeView {
        view: template.into(),
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
    let template = find(&platform, &order.template_id)?;
    let runtime = runtime(template, order.runtime).map_err(DeployError::from)?;
    let (environment, secrets) = values(template, order.parameters).map_err(DeployError::from)?;
    let own_name = || template.id.trim_start_matches("mp-").to_owned();
    let mut settings = FunctionInput {
        name: Some(order.name.unwrap_or_else(own_name)),
        runtime: Some(runtime),
        handler: template.settings.handler.clone(),
        memory: template.settings.memory,
        timeout: template.settings.timeout,
        public: template.settings.public,
        triggers: triggers(template).map_err(DeployError::from)?,
        environment: Some(environment),
        secrets: Some(secrets),
        ..FunctionInput::default()
    };
    let manifest = settings
        .new_manifest(platform.config())
        .map_err(DeployError::from)?;
    may_own(&principal, &manifest)?;
    let bundle = bundle(template, runtime).map_err(DeployError::from)?;
    deploy_new(platform, by, manifest, bundle).await
}

fn find<'a>(platform: &'a Platform, id: &str) -> Result<&'a Template, RequestError> {
    let template = platform.marketplace().get(id);
    template.ok_or_else(|| RequestError::TemplateNotFound(id.to_owned()))
}

/// The language that was asked for, if the template has it.
fn runtime(template: &Template, asked: Option<RuntimeName>) -> Result<RuntimeName, ManifestError> {
    let known = |name: &String| serde_json::from_value(json!(name)).ok();
    let has: Vec<RuntimeName> = template.code.keys().filter_map(known).collect();
    let names = || template.code.keys().map(String::as_str).collect::<Vec<_>>();
    let chosen = match asked {
        Some(asked) => has.iter().find(|has| **has == asked),
        None => has.first(),
    };
    chosen.copied().ok_or_else(|| {
        let rule = format!("{} comes in {}", template.id, names().join(", "));
        ManifestError::new("/runtime", rule)
    })
}

/// The triggers of a template, which an operator may have written.
fn triggers(template: &Template) -> Result<Option<Vec<Object<Trigger>>>, ManifestError> {
    let Some(triggers) = &template.settings.triggers else {
        return Ok(None);
    };
    let read = triggers.iter().cloned().map(serde_json::from_value);
    let read: Result<_, _> = read.collect();
    let wrong = |error: serde_json::Error| {
        let rule = format!("{}/template.toml: {error}", template.id);
        ManifestError::new("/triggers", rule)
    };
    read.map(Some).map_err(wrong)
}

type Variables = BTreeMap<String, Secret>;

/// Environment and secrets: what was given, and the defaults of what was not.
fn values(
    template: &Template,
    mut given: Variables,
) -> Result<(Variables, Variables), ManifestError> {
    let (mut environment, mut secrets) = (Variables::new(), Variables::new());
    for parameter in &template.parameters {
        let name = &parameter.name;
        let default = || parameter.default.clone().map(Secret::new);
        let value = given.remove(name).or_else(default).ok_or_else(|| {
            let rule = format!("{name} is missing: {}", parameter.description);
            ManifestError::new(format!("/parameters/{name}"), rule)
        })?;
        let group = match parameter.secret {
            true => &mut secrets,
            false => &mut environment,
        };
        group.insert(name.clone(), value);
    }
    match given.into_keys().next() {
        Some(name) => Err(ManifestError::new(
            format!("/parameters/{name}"),
            format!("{} has no parameter `{name}`", template.id),
        )),
        None => Ok((environment, secrets)),
    }
}

fn bundle(template: &Template, runtime: RuntimeName) -> Result<Bundle, ManifestError> {
    let files = template.code.get(runtime.name());
    let mut bundle = Bundle::default();
    for (path, content) in files.into_iter().flatten() {
        bundle.add("/templateId", path, Bytes::from(content.clone()))?;
    }
    Ok(bundle)
}
