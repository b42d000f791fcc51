//! Which files may be used, said a second time: Landlock holds where a mistake in the root would not. It also keeps
//! abstract sockets and signals inside.

use std::io;

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use zygo_wire::{Layer, Sandbox};

use crate::error::{LayerError, Step};
use crate::root::TASK;

/// What this code knows; an older kernel does what it can.
const KNOWN: ABI = ABI::V6;

/// What is read, and what native code is mapped from.
const READ: [&str; 9] = [
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/var", "/proc",
];

/// Restricts this process and its descendants for ever. Needs no right but that it can get no more.
pub(crate) fn restrict(plan: &Sandbox, bundle: &str) -> Result<(), LayerError> {
    let status = build(plan, bundle).map_err(io::Error::other);
    let status = status.step(Layer::Landlock, "restricting files")?;
    match status.ruleset {
        RulesetStatus::NotEnforced => {
            let why = io::Error::other("the kernel has no Landlock, or it is not switched on");
            Err(LayerError::new(Layer::Landlock, "restricting files", why))
        }
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Ok(()),
    }
}

/// Lets this process and what it starts signal and trace only each other: instances of one function have one user, but are
/// not each other's to end. A kernel that cannot do that lets them.
pub fn separate() -> Result<(), LayerError> {
    let separated = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .scope(Scope::Signal)
        .and_then(Ruleset::create)
        .and_then(|ruleset| ruleset.restrict_self());
    let separated = separated.map_err(io::Error::other);
    separated
        .map(drop)
        .step(Layer::Landlock, "separating an instance from its siblings")
}

fn build(plan: &Sandbox, bundle: &str) -> Result<RestrictionStatus, RulesetError> {
    let reading = AccessFs::from_read(KNOWN);
    let writing = AccessFs::from_all(KNOWN) & !BitFlags::from(AccessFs::Execute);
    let devices = AccessFs::from_file(KNOWN) & !BitFlags::from(AccessFs::Execute);
    // Names may be listed in a root of its own.
    let (task, listed) = match plan.has(Layer::Root) {
        true => (TASK, Some("/")),
        false => (bundle, None),
    };
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .scope(Scope::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules(READ, reading))?
        .add_rules(path_beneath_rules([task], reading))?
        .add_rules(path_beneath_rules(listed, AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(["/dev"], devices | AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(["/tmp"], writing))?
        .restrict_self()
}
