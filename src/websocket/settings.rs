//! What an operator may set of connections: the table `[websockets]` of the file, `ZYGO_WEBSOCKETS_…` in the environment.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Pace;
use crate::trigger::Sockets;

/// Settings of all connections; a function's trigger may set less for its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SocketSettings {
    /// How many there may be.
    pub connections_max: usize,
    /// How many one function may have.
    pub connections_max_per_function: usize,
    /// The longest message of a client, and the longest that a request sends to one, in bytes.
    pub message_bytes_max: usize,
    /// A connection without messages is closed after so long, in ms.
    pub idle_timeout_ms: u64,
    /// How long a connection may be silent before it is asked whether it is there, and how long it may take to say so, in ms.
    pub ping_interval_ms: u64,
    /// No connection lives longer, in ms.
    pub lifetime_ms: u64,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            connections_max: 8_000,
            connections_max_per_function: 4_000,
            message_bytes_max: 128 * 1024,
            idle_timeout_ms: 10 * 60_000,
            ping_interval_ms: 30_000,
            lifetime_ms: 2 * 3_600_000,
        }
    }
}

impl SocketSettings {
    /// How many connections a function may have.
    pub(crate) fn connections(&self, own: Sockets) -> usize {
        let most = self.connections_max_per_function;
        own.connections_max.map_or(most, |own| own.min(most))
    }

    /// How long its messages may be.
    pub(crate) fn message_bytes(&self, own: Sockets) -> usize {
        let most = self.message_bytes_max;
        own.message_bytes_max.map_or(most, |own| own.min(most))
    }

    /// How long its connections may be silent, and may live.
    pub(crate) fn pace(&self, own: Sockets) -> Pace {
        let most = self.idle_timeout_ms;
        let idle = own.idle_timeout_ms.map_or(most, |own| own.min(most));
        Pace {
            idle: Duration::from_millis(idle),
            ping: Duration::from_millis(self.ping_interval_ms),
            lifetime: Duration::from_millis(self.lifetime_ms),
        }
    }
}
