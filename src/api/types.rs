//! What callers send to make a function or a new version of it. What they are shown is in [`super::view`].

use std::collections::BTreeMap;

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::object::Object;
use crate::config::Config;
use crate::function::Asynchronous;
use crate::function::manifest::{
    Manifest, ManifestError, Network, RUNTIME_NAMES, RateLimit, RuntimeName, Scaling, Trigger,
};
use crate::pool::Isolation;
use crate::secret::Secret;

/// Memory of a function that asks for none, in MB.
const DEFAULT_MEMORY_MB: u32 = 256;
/// Time-out of a function that asks for none, in ms.
const DEFAULT_TIMEOUT_MS: u64 = 30_000;
/// Handler of a function that names none.
const DEFAULT_HANDLER: &str = "handler";

/// The settings of a function and its code. What an update leaves out stays as it is. One of `code`, `files` and
/// `archive` gives the code, or an archive that is the body. Settings may also stand in the query; the body's come first.
#[derive(Debug, Default, Deserialize, ToSchema, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FunctionInput {
    /// The function's name, which it keeps; `fn-` at the beginning is kept for ids.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub(crate) name: Option<String>,
    /// The language.
    #[param(inline)]
    pub(crate) runtime: Option<RuntimeName>,
    /// The whole function as one file.
    #[param(ignore)]
    pub(crate) code: Option<String>,
    /// Files by path.
    #[param(ignore)]
    pub(crate) files: Option<BTreeMap<String, FileInput>>,
    /// A zip, tar or tar.gz archive in base64.
    #[schema(format = Byte)]
    #[param(ignore)]
    pub(crate) archive: Option<String>,
    /// `file.function` or `function`; `handler` when it is left out.
    #[schema(min_length = 1, max_length = 128)]
    #[param(min_length = 1, max_length = 128)]
    pub(crate) handler: Option<String>,
    /// Memory limit of an instance, in MB; the operator sets the most.
    #[schema(minimum = 32)]
    #[param(minimum = 32)]
    pub(crate) memory: Option<u32>,
    /// How long one invocation may take, in ms; the operator sets the most.
    #[schema(minimum = 1)]
    #[param(minimum = 1)]
    pub(crate) timeout: Option<u64>,
    /// Environment variables by name.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    #[param(ignore)]
    pub(crate) environment: Option<BTreeMap<String, Secret>>,
    /// Environment variables that no one is shown again, by name.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    #[param(ignore)]
    pub(crate) secrets: Option<BTreeMap<String, Secret>>,
    /// Whether instances are reused.
    #[param(inline)]
    pub(crate) isolation: Option<Isolation>,
    /// How many invocations one instance serves at once; 1 when it is left out. More than one is for code that bears it:
    /// what a module keeps is then shared by invocations that run beside each other.
    #[schema(minimum = 1, maximum = 1_000)]
    #[param(minimum = 1, maximum = 1_000)]
    pub(crate) concurrency: Option<u32>,
    /// How many instances there are, and when.
    #[schema(value_type = Option<Scaling>)]
    #[param(ignore)]
    pub(crate) scaling: Option<Object<Scaling>>,
    /// What the function may reach.
    #[param(inline)]
    pub(crate) network: Option<Network>,
    /// What invokes the function besides the invoke call.
    #[schema(value_type = Option<Vec<Trigger>>)]
    #[param(ignore)]
    pub(crate) triggers: Option<Vec<Object<Trigger>>>,
    /// How often it may be invoked.
    #[schema(value_type = Option<RateLimit>)]
    #[param(ignore)]
    pub(crate) rate_limit: Option<Object<RateLimit>>,
    /// A host name that leads to it.
    pub(crate) custom_domain: Option<String>,
    /// How it is invoked when nobody waits for the answer.
    #[schema(value_type = Option<Asynchronous>)]
    #[param(ignore)]
    #[serde(rename = "async")]
    pub(crate) asynchronous: Option<Object<Asynchronous>>,
    /// Whether everyone may invoke it, without a credential.
    pub(crate) public: Option<bool>,
    /// Whether instances may start processes; otherwise they may not.
    pub(crate) subprocess: Option<bool>,
}

/// A file's content: text, or bytes in base64.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum FileInput {
    /// Text.
    Text(String),
    /// Bytes.
    Bytes {
        /// The bytes in base64.
        #[schema(format = Byte)]
        base64: String,
    },
}

impl FunctionInput {
    /// These settings, and where one is left out, the other's.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            name: self.name.or(other.name),
            runtime: self.runtime.or(other.runtime),
            code: self.code.or(other.code),
            files: self.files.or(other.files),
            archive: self.archive.or(other.archive),
            handler: self.handler.or(other.handler),
            memory: self.memory.or(other.memory),
            timeout: self.timeout.or(other.timeout),
            environment: self.environment.or(other.environment),
            secrets: self.secrets.or(other.secrets),
            isolation: self.isolation.or(other.isolation),
            concurrency: self.concurrency.or(other.concurrency),
            scaling: self.scaling.or(other.scaling),
            network: self.network.or(other.network),
            triggers: self.triggers.or(other.triggers),
            rate_limit: self.rate_limit.or(other.rate_limit),
            custom_domain: self.custom_domain.or(other.custom_domain),
            asynchronous: self.asynchronous.or(other.asynchronous),
            public: self.public.or(other.public),
            subprocess: self.subprocess.or(other.subprocess),
        }
    }

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
            concurrency: 1,
            scaling: Scaling::default(),
            network: None,
            triggers: Vec::new(),
            rate_limit: None,
            asynchronous: None,
            public: false,
            subprocess: false,
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
            concurrency: self.concurrency.unwrap_or(old.concurrency),
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
            asynchronous: match self.asynchronous.take() {
                Some(asynchronous) => Some(asynchronous.0),
                None => old.asynchronous.clone(),
            },
            public: self.public.unwrap_or(old.public),
            subprocess: self.subprocess.unwrap_or(old.subprocess),
            custom_domain: self
                .custom_domain
                .take()
                .or_else(|| old.custom_domain.clone()),
        })
    }
}
