//! Which layers this machine and this user can hold: each is tried by a process of its own, which ends afterwards.

use std::path::Path;
use std::time::Duration;

use zygo_wire::{Layer, Network, Sandbox};

use crate::enter::enter;
use crate::pid::PidNamespaces;
use crate::seccomp::Filters;

/// The user that a probe becomes where it may; nobody has it.
const ID: u32 = 0x7000_0000;

/// Applies one layer to this process, and says how long that took.
///
/// # Errors
/// Why it cannot be had.
pub fn try_layer(layer: Layer, runtime: &str) -> Result<Duration, String> {
    if layer == Layer::Pid {
        let namespaces = PidNamespaces::remember(Ok).map_err(|error| error.to_string())?;
        let entered = namespaces.enter_with_next_child();
        return entered
            .map(|()| Duration::ZERO)
            .map_err(|error| error.to_string());
    }
    let plan = Sandbox {
        layers: vec![layer],
        id: ID,
        tmp_bytes: 1 << 20,
        tmp_files: 1_024,
        // Addresses are judged for groups, which the platform makes.
        network: Network::None,
        subprocess: false,
    };
    let filters = Filters::prepare(runtime).map_err(|error| error.to_string())?;
    let inside = enter(&plan, Vec::new(), Path::new("/usr"), &filters);
    let inside = inside.map_err(|error| error.to_string())?;
    Ok(inside.took.iter().map(|(_, took)| *took).sum())
}
