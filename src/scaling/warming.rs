//! Warming by schedule: more instances at times that are known. Pure: the time is passed in.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::trigger::{Schedule, Wrong};

/// The longest time that one tick keeps instances for.
const DURATION_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// At these times, so many instances are kept for so long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScheduledWarming {
    /// When it begins: a cron expression of five fields, or six with seconds first.
    pub schedule: String,
    /// Name of the time zone; UTC when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// For how long, in ms.
    #[schema(minimum = 1000, maximum = 604_800_000)]
    pub duration: u64,
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub min_instances: usize,
}

impl ScheduledWarming {
    /// Checks what can be known without a function.
    pub(crate) fn check(&self, now_unix_ms: i64) -> Result<(), Wrong> {
        self.parsed()?.check_ticks(now_unix_ms)?;
        let longest = u64::try_from(DURATION_MAX.as_millis()).unwrap_or(u64::MAX);
        if !(1_000..=longest).contains(&self.duration) {
            let rule = format!("duration is between 1000 and {longest} (ms)");
            return Err(Wrong::new("/duration", rule));
        }
        if self.min_instances == 0 {
            return Err(Wrong::new("/minInstances", "minInstances is at least 1"));
        }
        Ok(())
    }

    fn parsed(&self) -> Result<Schedule, Wrong> {
        let mut config = Map::new();
        config.insert("schedule".to_owned(), json!(self.schedule));
        let zone = self.timezone.as_ref();
        config.insert(
            "timezone".to_owned(),
            zone.map_or(Value::Null, |zone| json!(zone)),
        );
        Schedule::parse(&config)
    }
}

/// One of them, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Warming {
    schedule: Schedule,
    duration_ms: i64,
    instances: usize,
    open_until_unix_ms: i64,
    next_unix_ms: Option<i64>,
}

impl Warming {
    /// From now on; `None` for one that an earlier release let through.
    pub(crate) fn new(written: &ScheduledWarming, now_unix_ms: i64) -> Option<Self> {
        let schedule = written.parsed().ok()?;
        let duration_ms = i64::try_from(written.duration).ok()?;
        let open = schedule
            .last(now_unix_ms)
            .map(|last| last.saturating_add(duration_ms));
        Some(Self {
            next_unix_ms: schedule.next(now_unix_ms),
            open_until_unix_ms: open.unwrap_or(i64::MIN),
            schedule,
            duration_ms,
            instances: written.min_instances,
        })
    }

    /// So many instances are wanted now. Times must not go back.
    pub(crate) fn wanted(&mut self, now_unix_ms: i64) -> usize {
        if self.next_unix_ms.is_some_and(|next| next <= now_unix_ms) {
            let last = self.schedule.last(now_unix_ms).unwrap_or(now_unix_ms);
            self.open_until_unix_ms = last.saturating_add(self.duration_ms);
            self.next_unix_ms = self.schedule.next(now_unix_ms);
        }
        if now_unix_ms < self.open_until_unix_ms {
            self.instances
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_hour() -> ScheduledWarming {
        ScheduledWarming {
            schedule: "0 * * * *".to_owned(),
            timezone: None,
            duration: 600_000,
            min_instances: 3,
        }
    }

    #[test]
    fn instances_are_wanted_from_a_tick_on_for_its_time() {
        let hour = 3_600_000;
        let mut warming = Warming::new(&every_hour(), 10 * hour - 1_000).expect("a schedule");
        let wanted: Vec<usize> = [
            -500,
            0,
            599_000,
            600_000,
            hour,
            hour + 599_999,
            hour + 600_000,
        ]
        .map(|ms| warming.wanted(10 * hour + ms))
        .into();
        assert_eq!(wanted, [0, 3, 3, 0, 3, 3, 0]);
        // A platform that starts in the middle of one.
        let mut late = Warming::new(&every_hour(), 10 * hour + 300_000).expect("a schedule");
        assert_eq!(
            (
                late.wanted(10 * hour + 300_000),
                late.wanted(10 * hour + 700_000)
            ),
            (3, 0)
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let wrong = |warming: ScheduledWarming| warming.check(0).expect_err("refused").pointer;
        assert_eq!(
            wrong(ScheduledWarming {
                schedule: "now".to_owned(),
                ..every_hour()
            }),
            "/schedule"
        );
        assert_eq!(
            wrong(ScheduledWarming {
                timezone: Some("Mars".to_owned()),
                ..every_hour()
            }),
            "/timezone"
        );
        assert_eq!(
            wrong(ScheduledWarming {
                duration: 1,
                ..every_hour()
            }),
            "/duration"
        );
        assert_eq!(
            wrong(ScheduledWarming {
                min_instances: 0,
                ..every_hour()
            }),
            "/minInstances"
        );
        every_hour().check(0).expect("right");
    }
}
