//! What an operator may set of scaling: the table `[scaling]` of the file, `ZYGO_SCALING_…` in the environment.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How instances and zygotes come and go without being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScalingSettings {
    /// Whether instances are kept and forked ahead as load and learned patterns ask for it. Without, functions keep what
    /// they say themselves, and an idle instance stays for `idle_timeout_ms`.
    pub automatic: bool,
    /// The shortest time that an idle instance stays after a call, in ms, whatever is learned.
    pub idle_min_ms: u64,
    /// So long before they are expected to be needed instances are forked, in ms.
    pub lead_ms: u64,
    /// The zygote of a function without instances ends after so long, in ms; 0 keeps it.
    pub zygote_idle_ms: u64,
    /// When a smaller part of the machine's memory is available, what nobody uses ends, in percent; 0 turns this off.
    pub memory_reserve_percent: f64,
}

impl Default for ScalingSettings {
    fn default() -> Self {
        Self {
            automatic: true,
            idle_min_ms: 60_000,
            lead_ms: 5_000,
            zygote_idle_ms: 24 * 3_600_000,
            memory_reserve_percent: 5.0,
        }
    }
}

impl ScalingSettings {
    /// How long a zygote without instances stays, if not for ever.
    pub(crate) fn zygote_idle(&self) -> Option<Duration> {
        (self.zygote_idle_ms > 0).then(|| Duration::from_millis(self.zygote_idle_ms))
    }
}
