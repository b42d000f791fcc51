//! Between the supervisor and a zygote.

use serde::{Deserialize, Serialize};

use crate::function::{Failure, Function};

/// What the supervisor tells a zygote.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ZygoteCommand {
    /// To a language zygote: fork a process that is to become a function zygote. It says nothing of the function,
    /// because what a language zygote knows, every later function zygote inherits.
    /// Descriptors: the new zygote's control socket, and a pipe for its standard output and error.
    ForkFunctionZygote {
        /// The supervisor's number for the new process.
        child: u64,
        /// Whether it is to be the first process of a PID namespace.
        in_namespace: bool,
    },
    /// To a function zygote, first of all: load this function. Descriptors: the `cgroup.procs` files of the groups that it
    /// must join before.
    Load {
        /// What to load.
        function: Box<Function>,
    },
    /// To a function zygote: fork an instance. Descriptor: the instance's data socket.
    ForkInstance {
        /// The supervisor's number for the new process.
        child: u64,
        /// Whether the instance is forked ahead of demand and should say so when it is ready.
        purpose: Purpose,
    },
}

/// Why an instance is forked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// An invocation is already waiting in the data socket.
    Serve,
    /// Ahead of demand: get ready, say [`crate::InstanceEvent::Parked`], and wait.
    Park,
}

/// What a zygote tells the supervisor.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ZygoteEvent {
    /// The engine is up (language zygote) or the code is loaded (function zygote); forks are welcome.
    Ready {
        /// [`crate::PROTOCOL`] of the runtime's build.
        protocol: u32,
        /// How long it took, in microseconds.
        duration_us: u64,
        /// The engine and its version, such as `CPython 3.11.2`.
        engine: String,
    },
    /// A child was forked. Descriptor: its pidfd.
    Forked {
        /// The number from the command.
        child: u64,
        /// Process id, for people; the pidfd is for programs.
        pid: i32,
    },
    /// A fork was refused by the system.
    ForkFailed {
        /// The number from the command.
        child: u64,
        /// The system's reason.
        message: String,
    },
    /// A child ended and was reaped.
    Exited {
        /// The number from the command that made it.
        child: u64,
        /// How it ended.
        status: ExitStatus,
    },
    /// The user's code did not load; the zygote exits.
    LoadFailed(Failure),
    /// The code loaded, but left behind what a fork would break; the zygote exits. Each text names one culprit.
    Unforkable(Vec<String>),
    /// The code wrote a line while it was loaded.
    Logged {
        /// Severity of the line.
        level: Level,
        /// The line without its end.
        text: String,
    },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExitStatus {
    /// It called `exit` with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

/// Severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For finding faults.
    Debug,
    /// Normal output.
    Info,
    /// Something looks wrong.
    Warn,
    /// Something is wrong.
    Error,
}
