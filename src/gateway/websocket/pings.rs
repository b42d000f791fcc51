//! How often a client may ask whether the platform is there. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// Pings and pongs of one client in one window.
const MOST: u32 = 200;
const WINDOW: Duration = Duration::from_secs(1);

/// What a client has asked of late.
#[derive(Debug)]
pub(super) struct Pings {
    since: Instant,
    count: u32,
}

impl Pings {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            count: 0,
        }
    }

    /// Counts one.
    pub(super) fn are_too_many(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        self.count += 1;
        self.count > MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_pings_are_answered_and_a_flood_is_not() {
        let start = Instant::now();
        let mut pings = Pings::new(start);
        assert!((0..MOST).all(|_| !pings.are_too_many(start)));
        assert!(pings.are_too_many(start));
        assert!(!pings.are_too_many(start + WINDOW));
    }
}
