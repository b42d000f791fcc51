//! How functions are kept apart: which layers hold them on this machine, and who each function zygote is. The layers
//! themselves are the sandbox's.
//!
//! A layer that cannot be had is no reason to go on without it: functions are refused until the operator has named it in
//! `insecure_without`. Knows nothing of versions, pools or HTTP.

mod groups;
mod networks;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};

use zygo_sandbox::TASK;
use zygo_sandbox::cgroup::Version;
use zygo_wire::{Function, Layer, Network};

use crate::config::Config;
use crate::error::chain;
use groups::Groups;
pub(crate) use groups::{FunctionGroup, Leaf, Member};
use networks::Networks;

/// The first user id that functions get, and how many there are. No distribution gives such numbers to people, and
/// container runtimes begin lower.
const FIRST_ID: u32 = 0x7000_0000;
const IDS: u32 = 1 << 24;

/// What `insecure_without` cannot mean.
#[derive(Debug, thiserror::Error)]
pub enum IsolationError {
    /// No layer has this name.
    #[error("insecure_without names `{0}`, which is no layer; there are {names}", names = names())]
    NoLayer(String),
    /// A function's own user reads nothing of the platform's.
    #[error(
        "insecure_without names `root` but not `identity`: without a root of their own functions read their files in the data \
         folder, which their own users may not; name `identity` too"
    )]
    RootNeedsIdentity,
}

/// The platform's isolation.
#[derive(Debug)]
pub(crate) struct Isolation {
    layers: Vec<Layer>,
    next_id: AtomicU32,
    /// What functions may reach, or why nothing can be said about it.
    networks: Result<Option<Networks>, String>,
    /// Absent where the machine has none: then each process is limited for itself.
    groups: Option<Groups>,
}

/// What a function zygote is given so that it can hold itself.
#[derive(Debug)]
pub(crate) struct Held {
    /// What it is told to load.
    pub(crate) function: Function,
    /// The opened files of the groups that it must join.
    pub(crate) groups: Vec<OwnedFd>,
    /// The limits that it shares with its instances.
    pub(crate) group: Option<FunctionGroup>,
}

impl Isolation {
    /// Finds out which layers hold, and says which do not.
    pub(crate) fn start(config: &Config) -> Result<Self, IsolationError> {
        let without = parse(&config.insecure_without)?;
        if without.contains(&Layer::Root) && !without.contains(&Layer::Identity) {
            return Err(IsolationError::RootNeedsIdentity);
        }
        if !without.is_empty() {
            let names: Vec<&str> = without.iter().map(|layer| layer.name()).collect();
            tracing::warn!(
                without = names.join(","),
                "functions are not isolated as they should be"
            );
        }
        let all = Layer::ALL.into_iter();
        let layers: Vec<Layer> = all.filter(|layer| !without.contains(layer)).collect();
        let networks = match layers.contains(&Layer::Network) {
            true => Networks::open().map(Some),
            false => Ok(None),
        };
        let networks = networks.map_err(|error| {
            let reason = chain(&error);
            tracing::error!(%reason, "functions that may reach addresses are refused");
            reason
        });
        let groups = layers.contains(&Layer::Cgroup).then(Groups::open);
        let groups = groups.and_then(|groups| {
            let warn = |error: &_| {
                tracing::warn!(%error, "memory, processors and processes are limited for each process alone");
            };
            groups.inspect_err(warn).ok()
        });
        Ok(Self {
            layers,
            next_id: AtomicU32::new(0),
            networks,
            groups,
        })
    }

    /// Where the platform listens, which no function may reach.
    pub(crate) fn hide_port(&self, port: u16) {
        if let Ok(Some(networks)) = &self.networks {
            networks.hide_port(port);
        }
    }

    /// Looks at the machine again: addresses and resolvers change.
    pub(crate) fn refresh(&self) {
        if let Ok(Some(networks)) = &self.networks {
            networks.refresh();
        }
    }

    /// Whether a layer holds functions.
    pub(crate) fn has(&self, layer: Layer) -> bool {
        self.layers.contains(&layer)
    }

    /// Makes ready what holds one function zygote and all its instances. No other has the same user.
    ///
    /// # Errors
    /// Which layer does not hold.
    pub(crate) fn hold(&self, mut function: Function) -> Result<Held, NotHeld> {
        if self.has(Layer::Root) {
            let is_task = |(name, _): &&mut (String, String)| name == "LAMBDA_TASK_ROOT";
            for (_, value) in function.environment.iter_mut().filter(is_task) {
                TASK.clone_into(value);
            }
        }
        let mut groups = Vec::new();
        let mut group = None;
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        if let Some(plan) = &mut function.sandbox {
            plan.layers.clone_from(&self.layers);
            plan.id = FIRST_ID + number % IDS;
            groups.extend(self.network_group(plan.network)?);
            let name = format!("{}-{}-{number}", function.id, function.version);
            group = self.function_group(&name, function.memory_limit_mb)?;
        }
        if let Some(group) = &group {
            let procs = group.procs();
            groups.extend(procs.map_err(|error| NotHeld::cgroup(&error))?);
        }
        Ok(Held {
            function,
            groups,
            group,
        })
    }

    fn function_group(&self, name: &str, memory_mb: u32) -> Result<Option<FunctionGroup>, NotHeld> {
        let groups = self.groups.as_ref();
        let made = groups.map(|groups| groups.function(name, memory_mb));
        made.transpose()
            .map_err(|error| NotHeld::cgroup(error.as_ref()))
    }

    /// Waits until all groups are gone; blocks.
    pub(crate) fn close(&self) {
        if let Some(groups) = &self.groups {
            groups.close();
        }
    }

    fn network_group(&self, network: Network) -> Result<Option<OwnedFd>, NotHeld> {
        let not_held = |reason: String| NotHeld {
            layer: Layer::Network,
            reason,
        };
        match &self.networks {
            // It needs nothing but a namespace.
            _ if network == Network::None => Ok(None),
            Ok(None) => Ok(None),
            Ok(Some(networks)) => {
                let group = networks.group(network);
                group.map_err(|error: io::Error| not_held(error.to_string()))
            }
            Err(reason) => Err(not_held(reason.clone())),
        }
    }
}

/// Tries to make groups, for a report; says what there is, or why there are none.
pub(crate) fn try_groups() -> Result<String, String> {
    zygo_sandbox::cgroup::Report::of_this_machine()
        .map(|report| match report.version {
            Version::V1 => "version 1".to_owned(),
            Version::V2 => "version 2".to_owned(),
        })
        .map_err(|error| chain(&error))
}

/// Tries to put policies in force, for a report.
pub(crate) fn try_networks() -> Result<(), String> {
    Networks::open().map(drop).map_err(|error| chain(&error))
}

/// A layer that does not hold.
#[derive(Debug, thiserror::Error)]
#[error("the layer `{}` cannot be applied: {reason}", layer.name())]
pub(crate) struct NotHeld {
    layer: Layer,
    reason: String,
}

impl NotHeld {
    fn cgroup(error: &dyn std::error::Error) -> Self {
        Self {
            layer: Layer::Cgroup,
            reason: chain(error),
        }
    }
}

fn parse(names: &str) -> Result<Vec<Layer>, IsolationError> {
    let names = names.split(',').map(str::trim);
    let find = |name: &str| {
        let mut all = Layer::ALL.into_iter();
        all.find(|layer| layer.name() == name)
            .ok_or_else(|| IsolationError::NoLayer(name.to_owned()))
    };
    names.filter(|name| !name.is_empty()).map(find).collect()
}

fn names() -> String {
    Layer::ALL.map(Layer::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_left_out_by_name_alone() {
        assert_eq!(parse("").expect("none"), []);
        let two = parse("cgroup, seccomp").expect("two");
        assert_eq!(two, [Layer::Cgroup, Layer::Seccomp]);
        let error = parse("cgroups").expect_err("no layer").to_string();
        assert!(
            error.contains("`cgroups`") && error.contains("landlock"),
            "{error}"
        );
    }
}
