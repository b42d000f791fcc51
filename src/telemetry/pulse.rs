//! What scaling asks of a function's last second. Pure.

use std::time::Duration;

use super::figures::micros;
use super::record::Record;

/// An invocation that takes longer is slow: the specification's threshold of the 95th percentile.
const SLOW: Duration = Duration::from_secs(1);

/// Sums over the invocations that ended within some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pulse {
    /// Invocations.
    pub(crate) ended: u64,
    /// Those with a cold start.
    pub(crate) cold: u64,
    /// Time for which they had an instance.
    pub(crate) used_us: u64,
    /// Processor time.
    pub(crate) cpu_us: u64,
    /// Slow invocations, how long they took, and how much of that they waited for an instance or its start.
    pub(crate) slow: u64,
    pub(crate) slow_us: u64,
    pub(crate) slow_waited_us: u64,
}

impl Pulse {
    /// Adds what became of one invocation. One that was sent away used nothing; pools count who waits.
    pub(super) fn add(&mut self, record: &Record) {
        if record.is_throttle() {
            return;
        }
        let line = record.timeline;
        self.ended += record.count;
        self.cold += if record.is_cold() { record.count } else { 0 };
        self.used_us += micros(line.total.saturating_sub(line.queue));
        self.cpu_us += record.cpu_us;
        if line.total > SLOW {
            self.slow += record.count;
            self.slow_us += micros(line.total);
            self.slow_waited_us += micros(line.queue + line.fork + line.load);
        }
    }
}
