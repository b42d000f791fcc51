//! When a function will be called next, and what to keep or fork ahead for it.
//!
//! ```text
//!  call ─► Learner::arrived ─► gaps, profile, period, trend, crowd     what is remembered, 2 KiB at most
//!                                │ five hazards, mixed by how well each has predicted (`mixture`)
//!  idle ─► plan(learner, settings, ticks, now) ─► Plan                 keep until, pre-warm, how many, why, look again
//! ```
//!
//! No clock, no input or output, no threads: times come in as numbers, and the same state gives the same plan. Who uses
//! this calls [`Learner::arrived`] for each call, [`plan`] when a function has become idle, and again at
//! [`Plan::look_again`]. A [`Learner`] can be stored and read back.
//!
//! The simulator of this crate replays traces through the same code; `README.md` has what it found.
#![forbid(unsafe_code)]

pub mod baseline;
mod crowd;
mod gaps;
mod learner;
mod mixture;
mod number;
mod period;
mod plan;
mod policy;
mod profile;
mod search;
mod settings;
mod time;

pub use learner::{Arrival, Learner};
pub use plan::{Plan, Prewarm, Reason};
pub use policy::{Learned, Policy};
pub use search::plan;
pub use settings::Settings;
pub use time::{DAY, HOUR, MINUTE, Moment};
