//! What a zygote must know of a function, and how code in it fails.

use serde::{Deserialize, Serialize};

use crate::sandbox::Sandbox;

/// One version of a function, as its zygote sees it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Function {
    /// Stable id, `fn-…`.
    pub id: String,
    /// The name that the user gave.
    pub name: String,
    /// Number of the version, from 1.
    pub version: u32,
    /// Absolute path of the folder that holds the built bundle.
    pub directory: String,
    /// `file.function` or only `function`, as the user wrote it.
    pub handler: String,
    /// What one instance may use, in MB.
    pub memory_limit_mb: u32,
    /// How many invocations an instance serves at once.
    pub concurrency: u32,
    /// Whether an instance serves a single invocation, and then ends.
    pub once: bool,
    /// Names and values that the handler sees as its environment.
    pub environment: Vec<(String, String)>,
    /// Whether the zygote loads the code, or every instance for itself.
    pub load_when: LoadWhen,
    /// How it is kept apart; not at all when absent.
    pub sandbox: Option<Sandbox>,
}

/// Values of variables are shown to nobody.
impl std::fmt::Debug for Function {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self
            .environment
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        formatter
            .debug_struct("Function")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("version", &self.version)
            .field("environment", &names)
            .finish_non_exhaustive()
    }
}

/// When the user's code is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadWhen {
    /// In the function zygote: instances inherit the loaded code.
    BeforeFork,
    /// In each instance, because the loaded code cannot be forked.
    AfterFork,
}

/// Why code of a function did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Which kind of failure.
    pub kind: FailureKind,
    /// The exception's class in its language, such as `TypeError`.
    pub error_type: String,
    /// The exception's message.
    pub message: String,
    /// The frames in the user's own files, innermost first, without frames of the platform.
    pub stack: Vec<String>,
}

/// Kinds of failure that a runtime reports of the user's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The module did not parse, or its top level threw.
    Load,
    /// The bundle has no such file or function as `handler` names.
    HandlerNotFound,
    /// The handler threw.
    Handler,
    /// The handler's return value cannot be turned into a response.
    Response,
    /// The code needed more than its memory limit.
    OutOfMemory,
    /// The runtime itself failed; not the user's fault.
    Runtime,
    /// A layer of isolation cannot be had, so nothing of the user's was read.
    Isolation,
}

impl Failure {
    /// A failure with a message and no stack.
    #[must_use]
    pub fn new(kind: FailureKind, error_type: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            error_type: error_type.to_owned(),
            message: message.into(),
            stack: Vec::new(),
        }
    }
}
