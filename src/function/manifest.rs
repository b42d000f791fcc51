//! What a user says about a function, checked. The only module in `src/` besides the configuration that knows languages
//! by name.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use super::scaling::Scaling;
use super::{Asynchronous, addresses, rules};
use crate::admission::Rate;
use crate::config::Config;
use crate::pool::Isolation;
use crate::secret::Secret;
use crate::trigger::{Schedule, Sockets, Wrong};

/// Languages that users may name, and what each means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Runtime)]
pub enum RuntimeName {
    /// TypeScript, transpiled at deploy.
    Typescript,
    /// JavaScript.
    Javascript,
    /// Python.
    Python,
    /// Ruby.
    Ruby,
}

/// Every runtime binary there is, by the name after `zygo-`.
pub const RUNTIMES: [&str; 3] = ["javascript", "python", "ruby"];

/// The names that users may write.
pub const LANGUAGES: [&str; 4] = ["javascript", "python", "ruby", "typescript"];

/// The same for messages.
pub const RUNTIME_NAMES: &str = "typescript, javascript, python or ruby";

impl RuntimeName {
    /// The runtime that runs this language.
    #[must_use]
    pub fn runtime(self) -> &'static str {
        match self {
            Self::Typescript | Self::Javascript => "javascript",
            Self::Python => "python",
            Self::Ruby => "ruby",
        }
    }

    /// As users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Typescript => "typescript",
            Self::Javascript => "javascript",
            Self::Python => "python",
            Self::Ruby => "ruby",
        }
    }

    /// The file that `code` becomes.
    #[must_use]
    pub fn default_file(self) -> &'static str {
        match self {
            Self::Typescript => "index.ts",
            Self::Javascript => "index.js",
            Self::Python => "index.py",
            Self::Ruby => "index.rb",
        }
    }
}

/// The settings of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The function's name.
    pub name: String,
    /// Its language.
    pub runtime: RuntimeName,
    /// `file.function` or `function`.
    pub handler: String,
    /// Memory limit of an instance, in MB.
    pub memory: u32,
    /// How long one invocation may take, in ms.
    pub timeout: u64,
    /// Environment variables. Like secrets, they are stored and shown by other ways than this type's JSON.
    #[serde(skip)]
    pub environment: BTreeMap<String, Secret>,
    /// Environment variables that no one is shown again.
    #[serde(skip)]
    pub secrets: BTreeMap<String, Secret>,
    /// Whether instances are reused.
    pub isolation: Isolation,
    /// How many invocations one instance serves at once.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub concurrency: u32,
    /// How many instances there are.
    pub scaling: Scaling,
    /// Network policy; stored for the platform's isolation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// What invokes the function besides the invoke call.
    pub triggers: Vec<Trigger>,
    /// How often it may be invoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How it is invoked when nobody waits.
    #[serde(rename = "async", default, skip_serializing_if = "Option::is_none")]
    pub asynchronous: Option<Asynchronous>,
    /// Whether instances may start processes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub subprocess: bool,
    /// Whether everyone may invoke it, without a credential.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub public: bool,
    /// A host name that leads to it, or `*.` and a name: everything below that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_domain: Option<String>,
}

/// What a version has that says nothing of its concurrency, as all did once.
fn one() -> u32 {
    1
}

fn is_one(concurrency: &u32) -> bool {
    *concurrency == 1
}

/// What a function may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Public addresses.
    Internet,
    /// Nothing.
    None,
    /// Everything.
    All,
}

/// An event source bound to the function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// `http`, `cron`, `event`, `queue` or `websocket`.
    #[serde(rename = "type")]
    pub kind: TriggerKind,
    /// What the source needs to know.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub config: serde_json::Map<String, serde_json::Value>,
}

impl Trigger {
    /// When it invokes, if that is by schedule. One that an earlier release let through never does.
    pub(crate) fn schedule(&self) -> Option<Schedule> {
        match self.kind {
            TriggerKind::Cron => Schedule::parse(&self.config).ok(),
            _ => None,
        }
    }
}

/// Kinds of event source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TriggerKind {
    /// Requests: `methods`, `path`, `auth`, `eventFormat`, `cors`.
    Http,
    /// Points in time.
    Cron,
    /// Events by type.
    Event,
    /// Messages of a queue elsewhere: `source`, `url` or `urlSecret`, `stream` or `queue`, `subject`, `group`, `startAt`,
    /// `concurrency`.
    Queue,
    /// Connections.
    Websocket,
}

/// At most so many invocations in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimit {
    /// How many.
    #[schema(minimum = 1)]
    pub max_requests: u32,
    /// Length of the window, in ms.
    #[schema(minimum = 1)]
    pub window_ms: u64,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ManifestError {
    /// JSON pointer to the wrong field.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl ManifestError {
    /// An error at a field.
    #[must_use]
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
        }
    }

    /// What is wrong below a field.
    pub(super) fn below(pointer: &str, wrong: Wrong) -> Self {
        Self::new(format!("{pointer}{}", wrong.pointer), wrong.message)
    }
}

impl Manifest {
    /// Checks every field against the rules and the operator's limits.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn validate(&self, config: &Config) -> Result<(), ManifestError> {
        rules::check_name(&self.name)?;
        rules::check_handler(&self.handler)?;
        rules::in_range(
            "/memory",
            u64::from(self.memory),
            32,
            u64::from(config.max_memory),
            "MB",
        )?;
        rules::in_range("/timeout", self.timeout, 1, config.max_timeout, "ms")?;
        rules::check_variables("/environment", &self.environment)?;
        rules::check_variables("/secrets", &self.secrets)?;
        self.scaling.check(config)?;
        rules::check_concurrency(self.concurrency, self.isolation)?;
        rules::check_triggers(&self.triggers, &self.secrets)?;
        addresses::check(self, config)?;
        self.check_asynchronous()?;
        match self.rate_limit {
            Some(limit) if limit.max_requests == 0 || limit.window_ms == 0 => Err(
                ManifestError::new("/rateLimit", "maxRequests and windowMs must be at least 1"),
            ),
            _ => Ok(()),
        }
    }

    /// How often it may be invoked.
    pub(crate) fn rate(&self) -> Option<Rate> {
        self.rate_limit.map(|limit| Rate {
            max: limit.max_requests,
            window: Duration::from_millis(limit.window_ms),
        })
    }

    /// What it says of its connections, if it takes any.
    pub(crate) fn sockets(&self) -> Option<Sockets> {
        let takes = |trigger: &&Trigger| trigger.kind == TriggerKind::Websocket;
        let trigger = self.triggers.iter().find(takes)?;
        // One that an earlier release let through says nothing.
        Some(Sockets::parse(&trigger.config).unwrap_or_default())
    }
}
