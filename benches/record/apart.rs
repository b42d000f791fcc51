//! What is measured on platforms of its own and is no series of latencies alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Latency;

/// What became of invocations that were to be traced.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Traced {
    /// Such as `all`.
    pub(crate) cell: String,
    pub(crate) invocations: u64,
    pub(crate) exported: u64,
    pub(crate) failed: u64,
    pub(crate) dropped: u64,
    /// What the collector got.
    pub(crate) batches: u64,
    pub(crate) bytes: u64,
}

/// One load, and how those fared who came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Overload {
    /// What was loaded, such as `waits/python`.
    pub(crate) what: String,
    /// How, in words.
    pub(crate) load: String,
    /// Callers in a second.
    pub(crate) offered_per_second: f64,
    /// Those of them who were served.
    pub(crate) goodput_per_second: f64,
    /// What could be served at most, where that was measured.
    pub(crate) peak_per_second: Option<f64>,
    pub(crate) served: u64,
    pub(crate) served_ms: Latency,
    /// Those who were told to come later, and how long that took.
    pub(crate) refused: u64,
    pub(crate) refused_ms: Latency,
    /// Of these, those who were not told when.
    pub(crate) not_told_when: u64,
    /// All others.
    pub(crate) failed: BTreeMap<String, u64>,
    /// The longest that the generator itself was late.
    pub(crate) generator_late_max_ms: f64,
    /// Whatever else there is to be said.
    pub(crate) remark: String,
}

/// One workload in one language on one server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Worked {
    pub(crate) workload: String,
    /// What it does, in words.
    pub(crate) what: String,
    pub(crate) language: String,
    /// The peer that ran the same handler; none: the platform.
    pub(crate) peer: Option<String>,
    /// Answers that were looked at and were right.
    pub(crate) checked: u64,
    /// Medians that the platform told of warm invocations.
    pub(crate) handler_ms: Option<f64>,
    pub(crate) billed_ms: Option<u64>,
    /// The most that an instance had by the platform's account.
    pub(crate) memory_mb: Option<f64>,
    /// PSS of the instance, or of all processes of the peer.
    pub(crate) pss_mb: f64,
}
