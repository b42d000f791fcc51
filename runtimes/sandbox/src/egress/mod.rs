//! Which addresses processes may reach, decided by the kernel when they connect.
//!
//! ```text
//!  host (addresses, resolvers) ─► policy (rules) ─► program (instructions, by asm) ─► attach (to a cgroup, by bpf)
//! ```
//! A cgroup v2 directory gets small programs that the kernel runs whenever a socket of the processes below it is made,
//! connected, bound or sent from. A socket belongs for ever to the cgroup in which it was made: processes must be in
//! theirs before they get any. Whoever wants one policy for many cgroups attaches it to a directory above them, once.
//!
//! The programs see TCP and UDP, over v4 and v6, and refuse other protocols of those families. Other families of sockets
//! (`AF_VSOCK` reaches the host of a virtual machine, `AF_PACKET` any address) are not theirs: the list of system calls
//! has to leave only `AF_UNIX`, `AF_INET` and `AF_INET6`, and no `io_uring`, which makes sockets that the list does not see.

mod asm;
mod attach;
mod bpf;
mod host;
#[cfg(test)]
mod interpreter;
mod policy;
mod program;

pub use asm::TooLong;
pub use attach::{Egress, EgressError};
pub use host::{cgroup2_mount, own_addresses, resolvers};
pub use policy::{Cidr, NotANetwork, Policy};
