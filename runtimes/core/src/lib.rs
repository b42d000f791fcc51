//! What the three language runtimes share: the zygote loop, the fork, the instance loop, and fork hygiene.
//!
//! ```text
//!  zygo-<language> zygote     language zygote   engine and shim loaded, no tenant data      (zygote.rs)
//!    └─ fork                  function zygote   the user's code loaded once, then waiting   (function_zygote.rs)
//!         └─ fork             instance          serves invocations                          (instance.rs)
//! ```
//!
//! A process is one of these three for its whole life and has one thread whenever it forks. The engine is reached
//! through [`runtime::Runtime`] alone; nothing here knows a language, HTTP, or the supervisor's policies.
//! This crate is the only place that forks.

mod administration;
mod answer;
mod children;
pub mod desk;
pub mod entry;
pub mod fork;
mod forkable;
mod fresh;
mod function_zygote;
mod instance;
pub mod log;
pub mod memory;
mod newborn;
mod orphans;
mod outbox;
pub mod pages;
mod probe;
mod process;
mod run;
pub mod runtime;
mod sink;
pub mod stream;
mod zygote;

pub use run::run;
pub use runtime::Runtime;
pub use zygo_wire as wire;
