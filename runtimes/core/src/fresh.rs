//! What a process does first after it was forked, so that nothing of its parent stays by accident.
//!
//! Knows nothing of generators, loops and caches inside an engine; those are the runtime's `reseed` and
//! `after_restore`.

use nix::unistd::Pid;
use zygo_wire::Socket;

use crate::children::{self, Children, DESCRIPTOR_BASE};
use crate::process;
use crate::sink::{self, Sink};

/// Which of the two kinds of child this process is.
#[derive(Debug)]
pub(crate) enum Role<'a> {
    /// A function zygote with its new control socket.
    FunctionZygote(Socket),
    /// An instance with its data socket, and the function's name.
    Instance(Socket, &'a str),
}

/// Turns a just forked process into one of its own: title, death with the parent, no descriptor of the parent's.
pub(crate) fn start(parent: Pid, inherited: Children, role: Role<'_>) -> std::io::Result<()> {
    process::die_with(parent);
    // The numbers are closed below all at once; closing them one by one would cost a call each.
    std::mem::forget(inherited);
    match role {
        Role::FunctionZygote(control) => {
            close_inherited();
            sink::set(Sink::Control(Socket::from(children::own(&control)?)));
        }
        Role::Instance(data, name) => {
            process::set_title("instance", name);
            process::take_turns();
            close_inherited();
            sink::set(Sink::Data(data));
        }
    }
    Ok(())
}

fn close_inherited() {
    close_all_from(u32::try_from(DESCRIPTOR_BASE).unwrap_or(u32::MAX));
}

/// Closes every descriptor from this number on. Nothing may own one of them, or whatever does must be forgotten.
pub(crate) fn close_all_from(first: u32) {
    // SAFETY: called when nothing was opened yet, or with the zygote's base (see children.rs) after a fork, when every
    // owner was forgotten or is about to be replaced without being dropped; so nobody uses or closes them again.
    unsafe {
        libc::close_range(first, u32::MAX, 0);
    }
}
