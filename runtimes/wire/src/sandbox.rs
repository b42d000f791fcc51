//! How a function zygote, and with it every instance, is kept apart from the rest of the machine.

use serde::{Deserialize, Serialize};

/// One layer of isolation. Each stops something on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A user namespace: no right that counts outside.
    User,
    /// A PID namespace: other processes are not there.
    Pid,
    /// Mount, IPC and UTS namespaces and a root of its own: files that are not needed are not there.
    Root,
    /// Which addresses can be reached.
    Network,
    /// A user id that no other function has.
    Identity,
    /// No capabilities, and none to be had by executing something.
    Capabilities,
    /// Limits of each process.
    Limits,
    /// Limits of memory, processors and processes for all of them together.
    Cgroup,
    /// Which files may be used, a second time, and no abstract sockets.
    Landlock,
    /// Which system calls may be made.
    Seccomp,
}

impl Layer {
    /// All layers, in the order in which they are applied.
    pub const ALL: [Self; 10] = [
        Self::Cgroup,
        Self::Pid,
        Self::Root,
        Self::Network,
        Self::Limits,
        Self::Identity,
        Self::User,
        Self::Capabilities,
        Self::Landlock,
        Self::Seccomp,
    ];

    /// Its name in settings and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Pid => "pid",
            Self::Root => "root",
            Self::Network => "network",
            Self::Identity => "identity",
            Self::Capabilities => "capabilities",
            Self::Limits => "limits",
            Self::Cgroup => "cgroup",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }
}

/// What a function may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// Public addresses: not this machine, no private networks, no metadata service.
    Internet,
    /// Nothing.
    None,
    /// Everything but the platform itself.
    All,
}

/// How a function zygote is to be held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// The layers that hold it.
    pub layers: Vec<Layer>,
    /// Its user and group id outside, where the platform may choose one.
    pub id: u32,
    /// The most that may lie in `/tmp`, in bytes.
    pub tmp_bytes: u64,
    /// The most files in `/tmp`.
    pub tmp_files: u64,
    /// What it may reach.
    pub network: Network,
    /// Whether its instances may start processes.
    pub subprocess: bool,
}

impl Sandbox {
    /// Whether a layer holds it.
    #[must_use]
    pub fn has(&self, layer: Layer) -> bool {
        self.layers.contains(&layer)
    }
}
