//! Settings as the platform's parts take them.

use std::time::Duration;

use super::Config;
use crate::admission::Trip;

impl Config {
    /// When a function's circuit breaker trips.
    pub(crate) fn breaker(&self) -> Trip {
        Trip {
            failures: self.breaker_failures,
            open_for: Duration::from_millis(self.breaker_open_ms),
        }
    }

    /// How long a module's top level may take.
    #[must_use]
    pub fn load_timeout(&self) -> Duration {
        Duration::from_millis(self.load_timeout_ms)
    }

    /// How long running invocations may take to end after SIGTERM.
    #[must_use]
    pub fn drain_timeout(&self) -> Duration {
        Duration::from_millis(self.drain_timeout_ms)
    }
}
