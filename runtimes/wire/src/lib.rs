//! The messages between the supervisor, the zygotes and the instances, and the sockets they travel on.
//!
//! ```text
//!  supervisor ── control ──► language zygote      ZygoteCommand ►   ◄ ZygoteEvent
//!  supervisor ── control ──► function zygote      ZygoteCommand ►   ◄ ZygoteEvent
//!  supervisor ══ data ═════► instance             InstanceCommand ► ◄ InstanceEvent
//! ```
//!
//! Every socket is a `SOCK_SEQPACKET` pair: one packet is one message, or several (see [`parcel`]), descriptors ride along,
//! and the death of the other side is an end of file. Commands are imperative, events are in the past tense. Both ends are built from one
//! tree, so the format has no versions; a [`PROTOCOL`] number in the first event refuses a runtime of another build.
//!
//! This crate knows nothing of languages, HTTP, or what a function is for.
#![forbid(unsafe_code)]

pub mod clock;
pub mod control;
pub mod data;
mod error;
pub mod function;
pub mod packet;
pub mod parcel;
pub mod sandbox;
pub mod socket;

pub use control::{ZygoteCommand, ZygoteEvent};
pub use data::{BodyKind, InstanceCommand, InstanceEvent};
pub use error::WireError;
pub use function::{Failure, FailureKind, Function, LoadWhen};
pub use sandbox::{Layer, Network, Sandbox};
pub use socket::Socket;

/// Changes whenever a message changes its shape; both sides must agree.
pub const PROTOCOL: u32 = 6;
