//! Bodies of the control plane: the only serde types of the API besides the manifest's own.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::object::Object;
use crate::config::Config;
use crate::function::manifest::{
    Manifest, ManifestError, Network, RUNTIME_NAMES, RateLimit, RuntimeName, Scaling, Trigger,
};
use crate::function::{Function, Version};
use crate::pool::Isolation;

/// Memory of a function that asks for none, in MB.
const DEFAULT_MEMORY_MB: u32 = 256;
/// Time-out of a function that asks for none, in ms.
const DEFAULT_TIMEOUT_MS: u64 = 30_000;
/// Handler of a function that names none.
const DEFAULT_HANDLER: &str = "handler";

/// Body of `POST /functions`, `PUT /functions/:id` and `POST /functions/:id`. What an update leaves out stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct FunctionInput {
    pub(crate) name: Option<String>,
    pub(crate) runtime: Option<RuntimeName>,
    /// The whole function as one file.
    pub(crate) code: Option<String>,
    /// Files by path.
    pub(crate) files: Option<BTreeMap<String, FileInput>>,
    /// A zip archive in base64.
    pub(crate) archive: Option<String>,
    pub(crate) handler: Option<String>,
    /// MB.
    pub(crate) memory: Option<u32>,
    /// ms.
    pub(crate) timeout: Option<u64>,
    pub(crate) environment: Option<BTreeMap<String, String>>,
    pub(crate) secrets: Option<BTreeMap<String, String>>,
    pub(crate) isolation: Option<Isolation>,
    pub(crate) scaling: Option<Object<Scaling>>,
    pub(crate) network: Option<Network>,
    pub(crate) triggers: Option<Vec<Object<Trigger>>>,
    pub(crate) rate_limit: Option<Object<RateLimit>>,
    pub(crate) custom_domain: Option<String>,
}

/// A file's content: text, or `{"base64": "…"}`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum FileInput {
    Text(String),
    Bytes { base64: String },
}

impl FunctionInput {
    /// Settings of a new function.
    pub(crate) fn new_manifest(&mut self, config: &Config) -> Result<Manifest, ManifestError> {
        let missing = |field: &str, rule: &str| {
            ManifestError::new(format!("/{field}"), format!("{field} is missing: {rule}"))
        };
        let name = self
            .name
            .clone()
            .ok_or_else(|| missing("name", "1 to 64 of a-z, A-Z, 0-9, - and _"))?;
        let runtime = self
            .runtime
            .ok_or_else(|| missing("runtime", RUNTIME_NAMES))?;
        let manifest = Manifest {
            name,
            runtime,
            handler: DEFAULT_HANDLER.to_owned(),
            memory: DEFAULT_MEMORY_MB.min(config.max_memory),
            timeout: DEFAULT_TIMEOUT_MS.min(config.max_timeout),
            environment: BTreeMap::new(),
            secrets: BTreeMap::new(),
            isolation: Isolation::default(),
            scaling: Scaling::default(),
            network: None,
            triggers: Vec::new(),
            rate_limit: None,
            custom_domain: None,
        };
        self.changed(&manifest)
    }

    /// Settings of the next version of a function.
    pub(crate) fn changed(&mut self, old: &Manifest) -> Result<Manifest, ManifestError> {
        if self.name.as_ref().is_some_and(|name| *name != old.name) {
            return Err(ManifestError::new(
                "/name",
                "a function keeps its name; deploy another function instead",
            ));
        }
        Ok(Manifest {
            name: old.name.clone(),
            runtime: self.runtime.unwrap_or(old.runtime),
            handler: self.handler.take().unwrap_or_else(|| old.handler.clone()),
            memory: self.memory.unwrap_or(old.memory),
            timeout: self.timeout.unwrap_or(old.timeout),
            environment: self
                .environment
                .take()
                .unwrap_or_else(|| old.environment.clone()),
            secrets: self.secrets.take().unwrap_or_else(|| old.secrets.clone()),
            isolation: self.isolation.unwrap_or(old.isolation),
            scaling: self
                .scaling
                .take()
                .map_or_else(|| old.scaling.clone(), |scaling| scaling.0),
            network: self.network.or(old.network),
            triggers: match self.triggers.take() {
                Some(triggers) => triggers.into_iter().map(|trigger| trigger.0).collect(),
                None => old.triggers.clone(),
            },
            rate_limit: self
                .rate_limit
                .take()
                .map(|limit| limit.0)
                .or(old.rate_limit),
            custom_domain: self
                .custom_domain
                .take()
                .or_else(|| old.custom_domain.clone()),
        })
    }
}

/// Answer to a deployment.
#[derive(Debug, Serialize)]
pub(crate) struct Deployed {
    function: FunctionView,
    message: &'static str,
}

impl Deployed {
    /// What was deployed.
    pub(crate) fn of(function: &Function, message: &'static str) -> Self {
        Self {
            function: FunctionView::of(function),
            message,
        }
    }
}

/// A function as the API shows it. Values of variables are never shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FunctionView {
    id: String,
    name: String,
    runtime: RuntimeName,
    endpoint: String,
    version: u32,
    handler: String,
    memory: u32,
    timeout: u64,
    isolation: Isolation,
    scaling: Scaling,
    environment: Vec<String>,
    secrets: Vec<String>,
    triggers: Vec<Trigger>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<RateLimit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_domain: Option<String>,
    /// `function` when instances inherit the loaded code, `runtime` when each loads it for itself; absent while there
    /// is no zygote.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<Snapshot>,
    created_at_ms: u64,
    updated_at_ms: u64,
    processes: Processes,
}

/// From what instances are forked, and why not from more.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    kind: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unforkable: Vec<String>,
    boot_ms: f64,
}

/// The function's processes now.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Processes {
    #[serde(skip_serializing_if = "Option::is_none")]
    zygote_pid: Option<i32>,
    idle_pids: Vec<i32>,
    parked_pids: Vec<i32>,
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
            version: version.number(),
            handler: manifest.handler.clone(),
            memory: manifest.memory,
            timeout: manifest.timeout,
            isolation: manifest.isolation,
            scaling: manifest.scaling.clone(),
            environment: manifest.environment.keys().cloned().collect(),
            secrets: manifest.secrets.keys().cloned().collect(),
            triggers: manifest.triggers.clone(),
            network: manifest.network,
            rate_limit: manifest.rate_limit,
            custom_domain: manifest.custom_domain.clone(),
            snapshot: snapshot(&version),
            created_at_ms: function.created_unix_ms(),
            updated_at_ms: version.created_unix_ms(),
            processes: processes(&version),
        }
    }
}

fn snapshot(version: &Version) -> Option<Snapshot> {
    let zygote = version.pool().zygote().present()?;
    let unforkable = zygote.culprits().to_vec();
    let kind = if unforkable.is_empty() {
        "function"
    } else {
        "runtime"
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
