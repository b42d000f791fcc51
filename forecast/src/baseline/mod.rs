//! Policies to compare with, behind the same face.

mod fixed;
mod hybrid;

pub use fixed::Fixed;
pub use hybrid::{Hybrid, OutOfBounds};
