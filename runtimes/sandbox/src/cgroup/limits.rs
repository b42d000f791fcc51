//! How much a group may use. Numbers alone; which files they are written to is the back-ends' affair.

use std::time::Duration;

/// A quota is counted in pieces of this length.
pub(super) const CPU_PERIOD: Duration = Duration::from_millis(100);
/// The kernel takes no quota below this.
const CPU_QUOTA_MIN_US: u64 = 1_000;

/// What the processes of a group may use together, those of its child groups included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory of all kinds: heaps, files in tmpfs, memfds, page cache. Swap is never given on top. `None`: no limit.
    pub memory_bytes: Option<u64>,
    /// From here on the group is slowed down and its memory reclaimed. Version 1 has nothing like it.
    pub memory_high_bytes: Option<u64>,
    /// How many processes and threads.
    pub pids: u32,
    /// The weight when processors are short. `None`: that of everybody.
    pub cpu_share: Option<CpuShare>,
    /// The most, also when processors are idle. `None`: no limit.
    pub cpu_quota: Option<CpuQuota>,
}

impl Limits {
    /// Nothing limited but the number of processes, because a machine without process ids helps nobody.
    pub fn of_pids(pids: u32) -> Self {
        Self {
            memory_bytes: None,
            memory_high_bytes: None,
            pids,
            cpu_share: None,
            cpu_quota: None,
        }
    }
}

/// A weight among those who compete for processors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuShare(u64);

impl CpuShare {
    /// 100 is the weight of everybody; from 1 to 10,000, taken to the nearest of these otherwise.
    pub fn from_weight(weight: u64) -> Self {
        Self(weight.clamp(1, 10_000))
    }

    pub(super) fn weight(self) -> u64 {
        self.0
    }

    /// The same in version 1, where everybody has 1024.
    pub(super) fn shares(self) -> u64 {
        (self.0 * 1024 / 100).max(2)
    }
}

/// How much of the processors can be used at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuQuota {
    quota_us: u64,
}

impl CpuQuota {
    /// In thousandths of one processor; 1,500 is one and a half. The least that the kernel knows is 10.
    pub fn from_millis(millis: u32) -> Self {
        let quota_us = u64::from(millis) * period_us() / 1_000;
        Self {
            quota_us: quota_us.max(CPU_QUOTA_MIN_US),
        }
    }

    pub(super) fn quota_us(self) -> u64 {
        self.quota_us
    }
}

pub(super) fn period_us() -> u64 {
    u64::try_from(CPU_PERIOD.as_micros()).expect("a tenth of a second")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_a_part_of_the_period_and_never_too_little_for_the_kernel() {
        assert_eq!(CpuQuota::from_millis(1_500).quota_us(), 150_000);
        assert_eq!(CpuQuota::from_millis(0).quota_us(), 1_000);
        assert_eq!(CpuQuota::from_millis(u32::MAX).quota_us(), 429_496_729_500);
    }

    #[test]
    fn the_weight_of_everybody_is_the_same_in_both_versions() {
        assert_eq!(CpuShare::from_weight(100).shares(), 1024);
        assert_eq!(CpuShare::from_weight(0).shares(), 10);
        assert_eq!(CpuShare::from_weight(u64::MAX).weight(), 10_000);
    }
}
