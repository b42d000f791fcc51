//! Time as numbers: nothing here knows what the time is now.

use serde::{Deserialize, Serialize};

/// Seconds in a minute.
pub const MINUTE: u64 = 60;
/// Seconds in an hour.
pub const HOUR: u64 = 60 * MINUTE;
/// Seconds in a day.
pub const DAY: u64 = 24 * HOUR;

/// A point in time: seconds since the Unix epoch, in the zone whose days the traffic follows.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Moment(pub u64);

impl Moment {
    /// So many seconds later.
    #[must_use]
    pub fn after(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds since an earlier moment; none when that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Days since the epoch.
    pub(crate) fn day(self) -> u64 {
        self.0 / DAY
    }

    /// 0 is Monday; the epoch was a Thursday.
    pub(crate) fn weekday(self) -> u64 {
        (self.day() + 3) % 7
    }
}
