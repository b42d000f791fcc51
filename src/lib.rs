//! The supervisor of Zygo: routes events to processes that were forked from processes that had already loaded the code.
//!
//! # The way of a request
//! ```text
//!  HTTP ─► gateway ─► invoke ─► function ─► pool ─► instance ══ data socket ══► runtime ─► shim ─► handler ─► back
//!                                            └─► zygote ── control socket ──► fork
//!  api, cli ─► function (deployment, store)
//! ```
//! The modules below are listed in the order of that way. A module uses only what stands below it in
//! `gateway, api → invoke → function → pool → instance → zygote → packet_socket → zygo_wire`; the modules at the end are
//! leaves that all may use, and `platform` puts everything together. `tests/tidy.rs` checks it.
//!
//! # What always holds
//! - Only `gateway`, `api` and `cli` know HTTP. Below them there are invocations, not requests.
//! - Only `gateway/status.rs` maps errors to status codes.
//! - The supervisor runs no user code, parses no user file, and never forks: it starts binaries, and those fork.
//! - A version never changes. An instance serves one version, and one invocation at a time.
//! - Nothing waits without a deadline, and nothing queues without a bound.
//! - The state of a pool is written under its own lock by `pool` alone, and what to do next is a pure function.
//! - No language is named here but in `function/manifest.rs`, `function/dependencies/tool.rs` and the command line.
//! - A secret's value is shown to nobody, written to no log, and lies encrypted on the disk.
//! - Recording an invocation waits for no disk.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod platform;

pub mod gateway;

mod api;

pub mod invoke;

pub mod function;
pub mod pool;

pub mod instance;
pub mod zygote;

pub mod invocation;
mod rollout;
mod route;
mod scaling;

mod packet_socket;

mod admission;
mod alert;
mod artifact;
mod auth;
mod background;
mod backup;
mod cluster;
mod cost;
mod failpoints;
mod isolation;
mod marketplace;
mod pointer;
mod queue;
mod seal;
mod secret;
pub mod service;
mod source;
mod store;
mod stream;
mod telemetry;
mod time;
mod trace;
mod trigger;
mod websocket;

pub mod error;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
