//! Who a process is: a user that no other function has, in a namespace in which that user is all there is, without any
//! capability.

use std::fs;
use std::io;

use caps::CapSet;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::unistd::{Gid, Uid, getegid, geteuid, setgroups, setresgid, setresuid};
use zygo_wire::{Layer, Sandbox};

use crate::error::{LayerError, Step};

/// Who every function is, as it sees it.
const INSIDE: u32 = 1_000;

/// Becomes the function's own user. Needs the right to be anybody.
pub(crate) fn become_own_user(plan: &Sandbox) -> Result<(), LayerError> {
    let (uid, gid) = (Uid::from_raw(plan.id), Gid::from_raw(plan.id));
    // Inherited groups would open files.
    setgroups(&[]).step(Layer::Identity, "leaving all groups")?;
    setresgid(gid, gid, gid).step(Layer::Identity, "changing the group")?;
    setresuid(uid, uid, uid).step(Layer::Identity, "changing the user")
}

/// Enters a user namespace in which this user is the only one. All rights in it end at its border.
pub(crate) fn enter_user_namespace(inside: u32, namespaces: CloneFlags) -> io::Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    unshare(CloneFlags::CLONE_NEWUSER | namespaces)?;
    // A process that is not dumpable does not own its own files in /proc.
    let was_dumpable = prctl::get_dumpable()?;
    prctl::set_dumpable(true)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{inside} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{inside} {gid} 1"))?;
    Ok(prctl::set_dumpable(was_dumpable)?)
}

/// For a process that is no administrator: becomes one in namespaces of its own, where it may make further ones. The next
/// child is the first process in there.
///
/// # Errors
/// When the system lets ordinary users make no namespaces.
pub fn become_root_of_own_namespaces() -> Result<(), LayerError> {
    enter_user_namespace(0, CloneFlags::CLONE_NEWPID)
        .step(Layer::User, "making namespaces as an ordinary user")
}

/// Whether this process may make namespaces and be anybody.
#[must_use]
pub fn is_administrator() -> bool {
    caps::has_cap(None, CapSet::Effective, caps::Capability::CAP_SYS_ADMIN).unwrap_or(false)
}

/// The same, for a function.
pub(crate) fn hide_in_user_namespace() -> Result<(), LayerError> {
    enter_user_namespace(INSIDE, CloneFlags::empty()).step(Layer::User, "entering a user namespace")
}

/// Gives up every capability, and the possibility to get one: for now, for ever, and by executing something.
pub(crate) fn drop_capabilities() -> Result<(), LayerError> {
    let layer = Layer::Capabilities;
    // Without the right to change it, what the bounding set allows cannot be had anyway.
    if caps::has_cap(None, CapSet::Effective, caps::Capability::CAP_SETPCAP).unwrap_or(false) {
        clear(CapSet::Bounding).step(layer, "emptying the bounding set")?;
    }
    for set in [
        CapSet::Ambient,
        CapSet::Inheritable,
        CapSet::Effective,
        CapSet::Permitted,
    ] {
        clear(set).step(layer, format!("emptying the set {set:?}"))?;
    }
    prctl::set_no_new_privs().step(layer, "giving up new privileges")
}

fn clear(set: CapSet) -> io::Result<()> {
    caps::clear(None, set).map_err(io::Error::other)
}

/// No other process may look into this one, and no core is written.
pub(crate) fn be_opaque() -> Result<(), LayerError> {
    prctl::set_dumpable(false).step(Layer::Capabilities, "becoming opaque")
}
