//! How long to wait before a zygote that died is started again. Pure; knows no clock.

use std::time::Duration;

/// The first wait; doubled with each death in a row.
const FIRST: Duration = Duration::from_millis(20);

/// The longest wait, so that service is back within a second.
const LONGEST: Duration = Duration::from_secs(1);

/// A zygote that lived this long was healthy: the count of deaths begins anew.
const HEALTHY: Duration = Duration::from_secs(1);

/// Counts deaths in a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct BackOff {
    deaths: u32,
}

impl BackOff {
    /// Notes a death after a life of `lived`, and says how long to wait before the next start.
    pub(crate) fn after_death(&mut self, lived: Duration) -> Duration {
        if lived >= HEALTHY {
            self.deaths = 0;
        }
        let wait = FIRST.saturating_mul(1 << self.deaths.min(10)).min(LONGEST);
        self.deaths = self.deaths.saturating_add(1);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_second_and_start_anew_after_a_healthy_life() {
        let mut back_off = BackOff::default();
        let waits: Vec<u64> = (0..8)
            .map(|_| {
                u64::try_from(back_off.after_death(Duration::ZERO).as_millis()).expect("small")
            })
            .collect();
        assert_eq!(waits, [20, 40, 80, 160, 320, 640, 1000, 1000]);
        assert_eq!(back_off.after_death(HEALTHY), FIRST);
    }
}
