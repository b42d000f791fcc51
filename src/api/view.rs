//! Functions as the API shows them. Knows HTTP not at all.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder, ResponsesBuilder};
use utoipa::openapi::{Content, RefOr};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

use super::breaker::Circuit;
use super::sources::SourceView;
use super::time;
use crate::function::manifest::{Network, RateLimit, RuntimeName, Scaling, Trigger};
use crate::function::{Asynchronous, Function, Version, addresses, deployment};
use crate::pool::Isolation;

/// Answer to a deployment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Deployed {
    function: FunctionView,
    message: &'static str,
    /// Whether everything was there already.
    unchanged: bool,
}

impl Deployed {
    /// What was deployed.
    pub(crate) fn of(deployed: &deployment::Deployed, message: &'static str) -> Self {
        Self {
            function: FunctionView::of(&deployed.function),
            message,
            unchanged: deployed.unchanged,
        }
    }
}

/// How every operation answers that makes a version of a function serve.
pub(super) struct Changes;

impl IntoResponses for Changes {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let deployed = utoipa::openapi::Ref::from_schema_name(Deployed::name());
        let tag = HeaderBuilder::new()
            .schema(Some(String::schema()))
            .description(Some("The function's new tag, for `If-Match`."));
        let done = ResponseBuilder::new()
            .description("The version serves.")
            .content("application/json", Content::new(Some(deployed)))
            .header("ETag", tag.build());
        let refused = ["409", "412", "422"].map(|status| (status, Response::default()));
        let all = ResponsesBuilder::new().response("200", done);
        all.responses_from_iter(refused).build().into()
    }
}

/// One function.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FunctionAnswer {
    pub(super) function: FunctionView,
}

/// A page of functions, by name.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct FunctionPage {
    pub(super) functions: Vec<FunctionView>,
    /// How many functions the caller sees.
    pub(super) total: usize,
    /// The `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// What is no more.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deleted {
    pub(super) message: &'static str,
    pub(super) id: String,
}

/// A function as the API shows it. Values of variables are never shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Function)]
pub(crate) struct FunctionView {
    /// Its id, which nobody chooses.
    id: String,
    name: String,
    runtime: RuntimeName,
    /// The path of its invoke call.
    endpoint: String,
    /// Everywhere that it is reached, by its invoke call, its HTTP triggers and its domain: URLs relative to the platform's
    /// own address.
    endpoints: Vec<String>,
    /// The number of the version that serves.
    version: u32,
    /// SHA-256 of the version's code and settings.
    digest: String,
    handler: String,
    /// Memory limit of an instance, in MB.
    memory: u32,
    /// How long one invocation may take, in ms.
    timeout: u64,
    isolation: Isolation,
    /// How many invocations one instance serves at once.
    concurrency: u32,
    scaling: Scaling,
    /// Names of environment variables.
    environment: Vec<String>,
    /// Names of secrets.
    secrets: Vec<String>,
    triggers: Vec<Trigger>,
    /// How it is invoked when nobody waits.
    #[serde(rename = "async", skip_serializing_if = "Option::is_none")]
    asynchronous: Option<Asynchronous>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<RateLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_domain: Option<String>,
    /// From what instances are forked; absent while there is no zygote.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<Snapshot>,
    /// Whether everyone may invoke it, without a credential.
    public: bool,
    /// Whether instances may start processes.
    subprocess: bool,
    circuit_breaker: Circuit,
    /// RFC 3339.
    #[schema(format = DateTime)]
    created_at: String,
    /// When the version was made, RFC 3339.
    #[schema(format = DateTime)]
    updated_at: String,
    processes: Processes,
    /// Queues elsewhere that its triggers read from; only when one function is shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<SourceView>,
}

/// From what instances are forked, and why not from more.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    kind: SnapshotKind,
    /// What keeps the loaded code from being forked.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unforkable: Vec<String>,
    /// How long the zygote took to load the code, in ms.
    boot_ms: f64,
}

/// What instances inherit.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum SnapshotKind {
    /// The loaded code.
    Function,
    /// The engine; each instance loads the code for itself.
    Runtime,
}

/// The function's processes now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Processes {
    #[serde(skip_serializing_if = "Option::is_none")]
    zygote_pid: Option<i32>,
    /// Instances that wait for a further invocation.
    idle_pids: Vec<i32>,
    /// Instances that were forked ahead of demand.
    parked_pids: Vec<i32>,
    /// All instances, busy ones too.
    instances: usize,
}

impl FunctionView {
    /// The function with its current version.
    pub(crate) fn of(function: &Function) -> Self {
        let version = function.current();
        let manifest = version.manifest();
        Self {
            id: function.id().to_owned(),
            name: function.name().to_owned(),
            runtime: manifest.runtime,
            endpoint: format!("/functions/{}/invoke", function.id()),
            endpoints: addresses::endpoints(function.id(), manifest),
            version: version.number(),
            digest: version.stored().digest.clone(),
            handler: manifest.handler.clone(),
            memory: manifest.memory,
            timeout: manifest.timeout,
            isolation: manifest.isolation,
            concurrency: manifest.concurrency,
            scaling: manifest.scaling.clone(),
            environment: manifest.environment.keys().cloned().collect(),
            secrets: manifest.secrets.keys().cloned().collect(),
            triggers: manifest.triggers.clone(),
            asynchronous: manifest.asynchronous.clone(),
            network: manifest.network,
            rate_limit: manifest.rate_limit,
            custom_domain: manifest.custom_domain.clone(),
            snapshot: snapshot(&version),
            public: manifest.public,
            subprocess: manifest.subprocess,
            circuit_breaker: circuit_breaker(function),
            created_at: time::rfc3339(function.created_unix_ms()),
            updated_at: time::rfc3339(version.stored().created_unix_ms),
            processes: processes(&version),
            sources: Vec::new(),
        }
    }

    /// The same, with how its sources stand.
    pub(super) fn with(self, sources: Vec<SourceView>) -> Self {
        Self { sources, ..self }
    }
}

fn circuit_breaker(function: &Function) -> Circuit {
    let breaker = function.gate().breaker();
    Circuit::of(breaker.mode(), breaker.state())
}

fn snapshot(version: &Version) -> Option<Snapshot> {
    let zygote = version.pool().zygote().present()?;
    let unforkable = zygote.culprits().to_vec();
    let kind = if unforkable.is_empty() {
        SnapshotKind::Function
    } else {
        SnapshotKind::Runtime
    };
    Some(Snapshot {
        kind,
        unforkable,
        boot_ms: zygote.boot_duration().as_secs_f64() * 1e3,
    })
}

fn processes(version: &Version) -> Processes {
    let census = version.pool().census();
    Processes {
        zygote_pid: version
            .pool()
            .zygote()
            .present()
            .and_then(|zygote| zygote.pid()),
        idle_pids: census.idle,
        parked_pids: census.parked,
        instances: census.live,
    }
}
