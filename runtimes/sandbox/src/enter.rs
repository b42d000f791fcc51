//! All layers in their order, applied by a process to itself before it reads a byte of the user's.
//!
//! ```text
//!  cgroups ─► namespaces ─► root ─► limits ─► user ─► user namespace ─► capabilities ─► Landlock ─► system calls
//! ```
//! What needs a right stands before what gives it up. The process must have one thread.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::sethostname;
use zygo_wire::{Layer, Network, Sandbox};

use crate::error::{LayerError, Step};
use crate::seccomp::Filters;
use crate::{files, identity, limits, network, pid, root};

/// What the process found inside.
#[derive(Debug)]
pub struct Inside {
    /// Where the function's files are now.
    pub directory: PathBuf,
    /// How long each layer took.
    pub took: Vec<(Layer, Duration)>,
}

/// Applies the plan's layers. `cgroups` are the opened `cgroup.procs` files of the groups to join; `bundle` is the folder
/// of the function's files.
///
/// # Errors
/// The first layer that cannot be had. The process must then end: it may hold some layers and not others.
pub fn enter(
    plan: &Sandbox,
    cgroups: Vec<OwnedFd>,
    bundle: &Path,
    filters: &Filters,
) -> Result<Inside, LayerError> {
    join(cgroups)?;
    let mut took = Vec::with_capacity(Layer::ALL.len());
    for layer in Layer::ALL.into_iter().filter(|layer| plan.has(*layer)) {
        let started = Instant::now();
        match layer {
            // The groups are joined already, and the parent has made the namespace.
            Layer::Cgroup => {}
            Layer::Pid => pid::forbid_programs_in_memory(),
            Layer::Root => enter_root(plan, bundle)?,
            Layer::Network => enter_network(plan)?,
            Layer::Limits => limits::lower(plan)?,
            Layer::Identity => identity::become_own_user(plan)?,
            Layer::User => identity::hide_in_user_namespace()?,
            Layer::Capabilities => {
                identity::drop_capabilities()?;
                identity::be_opaque()?;
            }
            Layer::Landlock => files::restrict(plan, &bundle.to_string_lossy())?,
            Layer::Seccomp => filters
                .zygote(plan)
                .apply()
                .map_err(std::io::Error::other)
                .step(Layer::Seccomp, "restricting system calls")?,
        }
        took.push((layer, started.elapsed()));
    }
    let directory = match plan.has(Layer::Root) {
        true => PathBuf::from(root::TASK),
        false => bundle.to_path_buf(),
    };
    Ok(Inside { directory, took })
}

fn join(cgroups: Vec<OwnedFd>) -> Result<(), LayerError> {
    for group in cgroups {
        let joined = std::fs::File::from(group).write_all(b"0");
        joined.step(Layer::Cgroup, "joining the group")?;
    }
    Ok(())
}

fn enter_root(plan: &Sandbox, bundle: &Path) -> Result<(), LayerError> {
    let namespaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    unshare(namespaces).step(Layer::Root, "making namespaces")?;
    sethostname("zygo").step(Layer::Root, "naming the host")?;
    root::enter(plan, bundle)
}

/// Policies that are about addresses are held by the groups that the process has joined.
fn enter_network(plan: &Sandbox) -> Result<(), LayerError> {
    if plan.network != Network::None {
        return Ok(());
    }
    unshare(CloneFlags::CLONE_NEWNET).step(Layer::Network, "making a network namespace")?;
    network::loopback_up().step(Layer::Network, "switching the loopback interface on")
}
