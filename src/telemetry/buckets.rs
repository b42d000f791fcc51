//! Durations counted between fixed bounds, as Prometheus shows them. Pure.

use std::time::Duration;

use super::figures::micros;

/// Upper bounds of buckets, in microseconds: those of OpenTelemetry, and finer ones below, because a parked start takes
/// half a millisecond.
pub(crate) const BOUNDS_US: [u32; 22] = [
    100, 250, 500, 1_000, 2_000, 3_000, 5_000, 7_500, 10_000, 25_000, 50_000, 75_000, 100_000,
    250_000, 500_000, 750_000, 1_000_000, 2_500_000, 5_000_000, 7_500_000, 10_000_000, 60_000_000,
];

/// How many durations lie between two bounds each; the last place is for those beyond every bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Buckets {
    pub(crate) counts: [u64; BOUNDS_US.len() + 1],
    pub(crate) sum_us: u64,
}

impl Buckets {
    /// Adds a sum of `count` durations, as if all were alike.
    pub(super) fn add(&mut self, sum: Duration, count: u64) {
        let sum_us = micros(sum);
        let each_us = sum_us / count.max(1);
        let place = BOUNDS_US.partition_point(|bound| u64::from(*bound) < each_us);
        self.counts[place] += count;
        self.sum_us += sum_us;
    }

    /// Adds what others have counted.
    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, its) in self.counts.iter_mut().zip(other.counts) {
            *mine += its;
        }
        self.sum_us += other.sum_us;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_first_bucket_that_is_not_below_it() {
        for (us, place) in [
            (0, 0),
            (100, 0),
            (101, 1),
            (60_000_000, 21),
            (60_000_001, 22),
        ] {
            let mut buckets = Buckets::default();
            buckets.add(Duration::from_micros(us), 1);
            assert_eq!(buckets.counts[place], 1, "{us}");
            assert_eq!(
                (buckets.counts.iter().sum::<u64>(), buckets.sum_us),
                (1, us)
            );
        }
    }
}
