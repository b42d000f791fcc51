//! What an operator may set of the queue: the table `[events]` of the file, `ZYGO_EVENTS_…` in the environment.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::retry::Retry;

/// Settings of everything that is invoked later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueSettings {
    /// How many deliveries may wait or run.
    pub rows_max: u64,
    /// How many bytes they may have together.
    pub bytes_max: u64,
    /// The longest event that is queued, in bytes.
    pub payload_bytes_max: usize,
    /// How often a delivery is tried at most, unless the function says otherwise.
    pub attempts_max: u32,
    /// The longest pause before the second attempt, in ms; doubled each time.
    pub first_pause_ms: u64,
    /// How long a delivery is tried, in ms, unless the function says otherwise.
    pub age_max_ms: u64,
    /// How many deliveries of one function run at a time, unless it says otherwise.
    pub concurrency: usize,
    /// How long it is known how a delivery ended, in hours.
    pub retention_hours: u64,
    /// How long dead letters are kept, in hours.
    pub dead_letter_retention_hours: u64,
    /// So long after it was last heard of, what a supervisor runs is run by another one that shares its database, in ms.
    pub lease_ms: u64,
    /// Whether webhooks of functions may be at private addresses, this machine among them.
    pub private_webhooks: bool,
    /// Whether servers that queue triggers read from may be at private addresses, this machine among them.
    pub private_sources: bool,
    /// Certificates that vouch for encrypted servers of queue triggers, as PEM, beside those that the machine trusts.
    pub source_root_file: Option<PathBuf>,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            rows_max: 1_000_000,
            bytes_max: 1 << 30,
            payload_bytes_max: 1 << 20,
            attempts_max: 3,
            first_pause_ms: 1_000,
            age_max_ms: 6 * 3_600_000,
            concurrency: 10,
            retention_hours: 24,
            dead_letter_retention_hours: 14 * 24,
            lease_ms: 15_000,
            private_webhooks: false,
            private_sources: false,
            source_root_file: None,
        }
    }
}

impl QueueSettings {
    /// How long a supervisor that is not heard of is taken for alive, where others may share its database.
    pub(crate) fn lease(&self) -> Duration {
        Duration::from_millis(self.lease_ms)
    }

    /// How long a delivery is tried, as the function and the operator say.
    pub(crate) fn retry(&self, attempts_max: Option<u32>, age_max_ms: Option<u64>) -> Retry {
        Retry {
            attempts_max: attempts_max.unwrap_or(self.attempts_max).max(1),
            first_pause: Duration::from_millis(self.first_pause_ms),
            age_max: Duration::from_millis(age_max_ms.unwrap_or(self.age_max_ms)),
        }
    }
}
