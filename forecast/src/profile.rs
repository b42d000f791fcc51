//! When in the day and in the week a function is called: minutes with a call per ten minutes of the day, and how each
//! day of the week compares with the others.

use serde::{Deserialize, Serialize};

use crate::number::{Counters, float, index, short};
use crate::time::{DAY, MINUTE, Moment};

const BUCKETS: u64 = 144;
const BUCKET: u64 = DAY / BUCKETS;
/// Minutes are counted in 256ths, because they are averages.
const UNIT: f32 = 256.0;
/// The last week weighs most.
const DAYS_REMEMBERED: f32 = 7.0;
const SILENCE_DAYS: u64 = 28;
const WEEKS_REMEMBERED: f32 = 4.0;
/// A day of the week with less traffic than this teaches nothing about the hours of the others.
const QUIET_DAY: f32 = 0.2;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Profile {
    minutes: Counters<144>,
    weekdays: [f32; 7],
    /// The bucket that is being counted, since the epoch; zero before the first call.
    bucket: u64,
    first: u64,
    in_bucket: u8,
    in_day: u16,
    last_minute: u64,
}

impl Profile {
    pub(crate) fn arrived(&mut self, at: Moment) {
        let bucket = at.0 / BUCKET;
        if self.bucket == 0 {
            (self.bucket, self.first) = (bucket, bucket);
        }
        self.close_until(bucket);
        let minute = at.0 / MINUTE;
        if minute != self.last_minute {
            self.last_minute = minute;
            self.in_bucket = self.in_bucket.saturating_add(1);
            self.in_day = self.in_day.saturating_add(1);
        }
    }

    /// Closes what is over. A silence of weeks makes a new function of the old one.
    fn close_until(&mut self, bucket: u64) {
        if bucket.saturating_sub(self.bucket) > SILENCE_DAYS * BUCKETS {
            *self = Self {
                bucket,
                first: bucket,
                ..Self::default()
            };
        }
        while self.bucket < bucket {
            self.close_bucket();
            self.bucket += 1;
            if self.bucket.is_multiple_of(BUCKETS) {
                self.close_day();
            }
        }
    }

    fn days(&self) -> u64 {
        self.bucket.saturating_sub(self.first) / BUCKETS
    }

    fn close_bucket(&mut self) {
        let factor = self.weekday_factor(self.moment().weekday());
        let seen = f32::from(std::mem::take(&mut self.in_bucket));
        if factor < QUIET_DAY {
            return;
        }
        let number = index(self.bucket % BUCKETS);
        let before = self.minutes.get(number) / UNIT;
        let weight = 1.0 / (float(self.days()) + 1.0).min(DAYS_REMEMBERED);
        let after = before + ((seen / factor).min(10.0) - before) * weight;
        self.minutes.set(number, short(after * UNIT));
    }

    fn close_day(&mut self) {
        let over = index((self.moment().weekday() + 6) % 7);
        let weight = 1.0 / (float(self.days() / 7) + 1.0).min(WEEKS_REMEMBERED);
        let seen = f32::from(std::mem::take(&mut self.in_day));
        self.weekdays[over] += (seen - self.weekdays[over]) * weight;
    }

    fn moment(&self) -> Moment {
        Moment(self.bucket * BUCKET)
    }

    /// How a day of the week compares with the mean of all; no difference is claimed before a week has passed.
    pub(crate) fn weekday_factor(&self, weekday: u64) -> f32 {
        if self.days() < 7 {
            return 1.0;
        }
        let mean = self.weekdays.iter().sum::<f32>() / 7.0;
        (self.weekdays[index(weekday)] + 0.5) / (mean + 0.5)
    }

    /// Expected share of minutes with a call around a moment.
    pub(crate) fn active(&self, at: Moment) -> f32 {
        let number = at.0 / BUCKET % BUCKETS;
        let read = |number: u64| self.minutes.get(index(number % BUCKETS)) / UNIT;
        let around = read(number + BUCKETS - 1) + 2.0 * read(number) + read(number + 1);
        (around / 40.0 * self.weekday_factor(at.weekday())).clamp(0.0, 1.0)
    }

    /// Chance per minute that a call comes.
    pub(crate) fn hazard(&self, at: Moment) -> f32 {
        let believed = 0.5 / (float(self.days()) + 1.0) / 1440.0;
        let share = self.active(at) + believed;
        -(1.0 - share.min(0.98)).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR;

    /// The first Monday after the epoch.
    const MONDAY: u64 = 4 * DAY;

    /// Every minute from nine to ten of each working day.
    fn office(days: u64) -> Profile {
        let mut profile = Profile::default();
        for day in (0..days).filter(|day| day % 7 < 5) {
            for minute in 0..60 {
                profile.arrived(Moment(MONDAY + day * DAY + 9 * HOUR + minute * MINUTE));
            }
        }
        profile.arrived(Moment(MONDAY + days * DAY));
        profile
    }

    #[test]
    fn the_busy_hour_is_known_after_a_day() {
        let profile = office(2);
        let day = MONDAY + 2 * DAY;
        assert!(profile.active(Moment(day + 9 * HOUR + 1800)) > 0.9);
        assert!(profile.active(Moment(day + 15 * HOUR)) < 0.01);
    }

    #[test]
    fn the_weekend_is_known_after_a_week() {
        let profile = office(14);
        let busy = |day: u64| profile.active(Moment(MONDAY + (14 + day) * DAY + 9 * HOUR + 1800));
        assert!(busy(0) > 0.5, "{}", busy(0));
        assert!(busy(5) < 0.1, "{}", busy(5));
    }

    #[test]
    fn a_long_silence_takes_bounded_time_and_empties_the_profile() {
        let mut profile = office(2);
        profile.arrived(Moment(u64::MAX / 2));
        assert!(profile.active(Moment(MONDAY + 9 * HOUR + 1800)) < 0.01);
    }
}
