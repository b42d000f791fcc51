//! What is measured: the platform, the functions that it runs, and the peers. Knows nothing of figures.

pub(crate) mod client;
pub(crate) mod collector;
pub(crate) mod dev;
pub(crate) mod functions;
pub(crate) mod peers;
pub(crate) mod platform;
