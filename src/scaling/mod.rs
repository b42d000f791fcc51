//! How many instances a function has ready before anybody asks, and for how long idle ones stay.
//!
//! ```text
//!  every second: pool, telemetry ─► sample ─► window ─► policy (load) ──────┐
//!                                     └─► pattern (learned, schedules) ─────┼─► the most ─► steering ─► pool
//!                          minimum, warming (by schedule) ──────────────────┘     └─► decision, with its reason
//! ```
//! Who calls needs none of this: whoever finds no instance causes a fork. This is what makes that rare. All that decides
//! is pure. Knows neither functions nor processes.

mod book;
mod decision;
pub(crate) mod memory;
mod pattern;
mod policy;
mod rules;
mod scaler;
mod settings;
mod steering;
mod store;
mod warming;
mod window;

pub(crate) use book::Scaling;
pub(crate) use decision::Decision;
pub(crate) use rules::{Preset, Rules};
pub(crate) use scaler::{Now, Scaler, Terms};
pub(crate) use settings::ScalingSettings;
pub(crate) use steering::Steering;
pub(crate) use warming::ScheduledWarming;
pub(crate) use window::Sample;
