//! What keeps code that nobody has read apart from everything else on the machine: layers of the kernel, from namespaces
//! to a list of system calls.
//!
//! ```text
//!  supervisor         cgroup (how much), egress (which addresses)
//!  language zygote    pid namespace, in which a function zygote is born
//!  function zygote    enter: cgroups ─► namespaces ─► root ─► limits ─► identity ─► Landlock ─► system calls
//!  instance           a second list of system calls; everything else is inherited by the fork
//! ```
//! Every layer can be left out by name, and says why it cannot be had. Knows nothing of functions, languages or HTTP.

pub mod cgroup;
pub mod egress;
mod enter;
mod error;
mod files;
mod identity;
mod limits;
mod network;
mod pid;
mod probe;
mod root;
pub mod seccomp;

pub use enter::{Inside, enter};
pub use error::LayerError;
pub use files::separate;
pub use identity::{become_root_of_own_namespaces, is_administrator};
pub use pid::PidNamespaces;
pub use probe::try_layer;
pub use root::TASK;
