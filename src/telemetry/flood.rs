//! How much a function may write: a bucket of bytes that fills at a steady rate. Pure; time is given.

use std::time::{Duration, Instant};

/// Rate and burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) bytes_per_second: u64,
    pub(crate) burst_bytes: u64,
}

/// One function's bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    level: u64,
    filled: Instant,
    /// Lines that found it empty since the last one that did not.
    dropped: u64,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is kept, and so many before it were not.
    Keep { dropped_before: u64 },
    /// It is counted.
    Drop,
}

impl Bucket {
    pub(super) fn full(allowance: Allowance, now: Instant) -> Self {
        Self {
            level: allowance.burst_bytes,
            filled: now,
            dropped: 0,
        }
    }

    /// Takes a line's bytes, if they are there.
    pub(super) fn take(&mut self, bytes: usize, allowance: Allowance, now: Instant) -> Verdict {
        self.fill(allowance, now);
        match self.level.checked_sub(bytes as u64) {
            Some(rest) => {
                self.level = rest;
                Verdict::Keep {
                    dropped_before: std::mem::take(&mut self.dropped),
                }
            }
            None => {
                self.dropped += 1;
                Verdict::Drop
            }
        }
    }

    /// Lines that were dropped and that no later line has told of.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    fn fill(&mut self, allowance: Allowance, now: Instant) {
        let passed = now.saturating_duration_since(self.filled);
        let micros = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
        let more = micros.saturating_mul(allowance.bytes_per_second) / 1_000_000;
        if more > 0 {
            self.level = self.level.saturating_add(more).min(allowance.burst_bytes);
            self.filled += Duration::from_micros(micros);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_and_what_is_dropped_is_counted() {
        let allowance = Allowance {
            bytes_per_second: 1_000,
            burst_bytes: 4_000,
        };
        let start = Instant::now();
        let mut bucket = Bucket::full(allowance, start);
        let keeps = |bucket: &mut Bucket, now| {
            matches!(bucket.take(1_000, allowance, now), Verdict::Keep { .. })
        };
        assert_eq!((0..6).filter(|_| keeps(&mut bucket, start)).count(), 4);
        let later = start + Duration::from_secs(1);
        assert_eq!(
            bucket.take(1_000, allowance, later),
            Verdict::Keep { dropped_before: 2 }
        );
        assert_eq!(bucket.take(1, allowance, later), Verdict::Drop);
        assert_eq!((bucket.take_dropped(), bucket.take_dropped()), (1, 0));
    }
}
