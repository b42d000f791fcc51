//! Tests of the whole platform from outside: a real supervisor, real runtimes, real processes, over HTTP.
//!
//! - `api`: functions as resources
//! - `fields`: every field of a deployment that can be wrong
//! - `parity`: every behaviour in every language, as data
//! - `bodies`: large bodies both ways, and their limits
//! - `start_kinds`: warm, parked, forked and booted starts, queues, and the end of idle instances
//! - `hygiene`: what siblings of one fork must not share
//! - `snapshots`: hooks around the snapshot, and modules that cannot be snapshotted
//! - `faults`: handlers that throw, crash, hang, or eat memory
//! - `violations`: instances that break the protocol of their socket
//! - `deaths`: processes of the platform that are killed from outside
//! - `loading`: modules that do not load
//! - `drain`: the end of a platform, asked for or not
//! - `chaos`: a hundred thousand invocations while processes are being killed
//! - `archive`: archives with tricks
//! - `settings`: what an operator may set, and languages that are missing
//! - `http`: requests that are none

mod client;
mod language;
mod pattern;
mod platform;
mod processes;
mod turn;
mod wait;

mod api;
mod archive;
mod bodies;
mod chaos;
mod deaths;
mod drain;
mod faults;
mod fields;
mod http;
mod hygiene;
mod loading;
mod parity;
mod settings;
mod snapshots;
mod start_kinds;
mod violations;
