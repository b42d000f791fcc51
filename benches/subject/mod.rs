//! What is measured: the platform, the functions that it runs, and the peers. Knows nothing of figures.

pub(crate) mod client;
mod code;
pub(crate) mod collector;
pub(crate) mod dev;
mod digest;
pub(crate) mod functions;
mod inputs;
pub(crate) mod peers;
pub(crate) mod platform;
pub(crate) mod sink;
pub(crate) mod workloads;
