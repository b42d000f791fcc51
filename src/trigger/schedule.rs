//! Schedules: when a cron expression ticks in a time zone, and which ticks are to fire now. Pure: the time is passed in.
//!
//! Clocks that are set forward leave out a range of times of the day: what is fixed to a time in it ticks at the end of
//! the range. Clocks that are set back repeat one: what is fixed ticks once, what recurs ticks in both.

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::{Map, Value};

use super::{Wrong, choice, known, optional};

/// A tick that is noticed so late is not missed.
const GRACE_MS: i64 = 10_000;
/// The longest spread of ticks.
const JITTER_MAX_MS: u64 = 3_600_000;

/// What becomes of ticks that came while no platform was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missed {
    /// Nothing.
    Skip,
    /// The last of them fires.
    RunOnce,
}

/// What becomes of a tick that comes while an earlier one still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// It runs beside it.
    Allow,
    /// It does not fire.
    Skip,
    /// It runs after it.
    Queue,
}

/// The config of a trigger of the type `cron`.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    /// As it was written.
    pub(crate) written: String,
    /// The name of its time zone.
    pub(crate) zone: String,
    pub(crate) missed: Missed,
    pub(crate) overlap: Overlap,
    /// A tick fires up to so much later, so that those of many functions do not come at once.
    pub(crate) jitter_ms: u64,
    /// What the handler is given besides.
    pub(crate) data: Option<Value>,
    cron: Cron,
    time_zone: TimeZone,
}

/// What fires now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Firing {
    pub(crate) unix_ms: i64,
    /// Whether it came while no platform was there.
    pub(crate) is_missed: bool,
}

impl Schedule {
    pub(crate) fn parse(config: &Map<String, Value>) -> Result<Self, Wrong> {
        known(
            config,
            &[
                "schedule", "timezone", "missed", "overlap", "jitterMs", "data",
            ],
        )?;
        let written = optional(config, "schedule")?;
        let written = written
            .ok_or_else(|| Wrong::new("/schedule", "schedule is missing, such as 0 0 * * *"))?;
        let cron = croner::parser::CronParser::new().parse(written);
        let cron = cron.map_err(|error| {
            let rule = "schedule has five fields, or six with seconds first, such as 0 0 * * *";
            Wrong::new("/schedule", format!("{rule}: {error}"))
        })?;
        let zone = optional(config, "timezone")?.unwrap_or("UTC");
        let time_zone = TimeZone::get(zone).map_err(|_| {
            Wrong::new(
                "/timezone",
                "timezone is the name of a time zone, such as Europe/Berlin",
            )
        })?;
        let missed = [("skip", Missed::Skip), ("run-once", Missed::RunOnce)];
        let overlap = [
            ("allow", Overlap::Allow),
            ("skip", Overlap::Skip),
            ("queue", Overlap::Queue),
        ];
        Ok(Self {
            written: written.to_owned(),
            zone: zone.to_owned(),
            missed: choice(config, "missed", &missed)?.unwrap_or(Missed::Skip),
            overlap: choice(config, "overlap", &overlap)?.unwrap_or(Overlap::Allow),
            jitter_ms: jitter(config)?,
            data: config.get("data").cloned(),
            cron,
            time_zone,
        })
    }

    /// Refuses what never ticks again.
    pub(crate) fn check_ticks(self, now_unix_ms: i64) -> Result<Self, Wrong> {
        match self.next(now_unix_ms) {
            Some(_) => Ok(self),
            None => Err(Wrong::new(
                "/schedule",
                "schedule never ticks, or never again",
            )),
        }
    }

    /// What makes it tick: when this changes, it begins anew.
    pub(crate) fn definition(&self) -> String {
        format!("{} {}", self.written, self.zone)
    }

    /// The next tick after a moment.
    pub(crate) fn next(&self, after_unix_ms: i64) -> Option<i64> {
        let next = self
            .cron
            .find_next_occurrence(&self.zoned(after_unix_ms)?, false);
        next.ok().map(|next| next.timestamp().as_millisecond())
    }

    /// The last tick at a moment or before it.
    pub(crate) fn last(&self, until_unix_ms: i64) -> Option<i64> {
        let last = self
            .cron
            .find_previous_occurrence(&self.zoned(until_unix_ms)?, true);
        last.ok().map(|last| last.timestamp().as_millisecond())
    }

    fn zoned(&self, unix_ms: i64) -> Option<Zoned> {
        // Ticks are at whole seconds; a fraction after one is after it.
        let second = Timestamp::from_second(unix_ms.div_euclid(1_000)).ok()?;
        Some(second.to_zoned(self.time_zone.clone()))
    }

    /// What is to fire now, if `last` was the last tick that was dealt with: what is due, however close together, and of
    /// what was missed at most one.
    pub(crate) fn due(&self, last_unix_ms: i64, now_unix_ms: i64) -> Vec<Firing> {
        let grace_from = now_unix_ms.saturating_sub(GRACE_MS);
        let mut firings = Vec::new();
        if self.missed == Missed::RunOnce {
            let missed = self.last(grace_from).filter(|tick| *tick > last_unix_ms);
            firings.extend(missed.map(|unix_ms| Firing {
                unix_ms,
                is_missed: true,
            }));
        }
        let mut after = last_unix_ms.max(grace_from);
        while let Some(tick) = self.next(after).filter(|tick| *tick <= now_unix_ms) {
            firings.push(Firing {
                unix_ms: tick,
                is_missed: false,
            });
            after = tick;
        }
        firings
    }
}

fn jitter(config: &Map<String, Value>) -> Result<u64, Wrong> {
    match config.get("jitterMs") {
        None | Some(Value::Null) => Ok(0),
        Some(value) => value
            .as_u64()
            .filter(|jitter| *jitter <= JITTER_MAX_MS)
            .ok_or_else(|| Wrong::new("/jitterMs", "jitterMs is a number of ms, at most an hour")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn schedule(config: Value) -> Schedule {
        Schedule::parse(config.as_object().expect("an object")).expect("a schedule")
    }

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().expect(text).as_millisecond()
    }

    /// So many ticks after a moment, in UTC.
    fn ticks(schedule: &Schedule, after: &str, count: usize) -> Vec<String> {
        let next = |tick: &i64| schedule.next(*tick);
        let all = std::iter::successors(schedule.next(at(after)), next).take(count);
        all.map(|tick| {
            Timestamp::from_millisecond(tick)
                .expect("a time")
                .to_string()
        })
        .collect()
    }

    #[test]
    fn clocks_that_are_set_forward_and_back() {
        let daily = schedule(json!({"schedule": "30 2 * * *", "timezone": "Europe/Berlin"}));
        // On 29 March 2026 there is no 2:30: clocks go from 2:00 to 3:00.
        let got = ticks(&daily, "2026-03-28T00:00:00Z", 3);
        assert_eq!(got[0], "2026-03-28T01:30:00Z");
        assert!(got[1].starts_with("2026-03-29T01:"), "{got:?}");
        assert_eq!(got[2], "2026-03-30T00:30:00Z");
        // On 25 October 2026 there are two: the fixed job runs once.
        let got = ticks(&daily, "2026-10-24T12:00:00Z", 2);
        assert_eq!(got, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
        // What recurs goes on through both, each hour of real time.
        let hourly = schedule(json!({"schedule": "0 * * * *", "timezone": "America/New_York"}));
        let got = ticks(&hourly, "2026-11-01T03:30:00Z", 4);
        let expected = ["04", "05", "06", "07"].map(|hour| format!("2026-11-01T{hour}:00:00Z"));
        assert_eq!(got, expected);
        let got = ticks(&hourly, "2026-03-08T05:30:00Z", 3);
        let expected = ["06", "07", "08"].map(|hour| format!("2026-03-08T{hour}:00:00Z"));
        assert_eq!(got, expected);
    }

    #[test]
    fn leap_days_month_ends_and_seconds() {
        let leap = schedule(json!({"schedule": "0 0 29 2 *"}));
        let got = ticks(&leap, "2026-01-01T00:00:00Z", 2);
        assert_eq!(got, ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]);
        let last = schedule(json!({"schedule": "0 12 L * *"}));
        let got = ticks(&last, "2027-01-31T12:00:00Z", 3);
        assert_eq!(
            got,
            [
                "2027-02-28T12:00:00Z",
                "2027-03-31T12:00:00Z",
                "2027-04-30T12:00:00Z"
            ]
        );
        let thirty_first = schedule(json!({"schedule": "0 0 31 * *"}));
        let got = ticks(&thirty_first, "2026-01-31T00:00:00Z", 2);
        assert_eq!(got, ["2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"]);
        let seconds = schedule(json!({"schedule": "*/20 * * * * *"}));
        let got = ticks(&seconds, "2026-12-31T23:59:30Z", 2);
        assert_eq!(got, ["2026-12-31T23:59:40Z", "2027-01-01T00:00:00Z"]);
        assert_eq!(
            ticks(
                &schedule(json!({"schedule": "@daily"})),
                "2026-01-01T00:00:00Z",
                1
            ),
            ["2026-01-02T00:00:00Z"]
        );
    }

    #[test]
    fn what_is_due_fires_and_of_what_was_missed_at_most_one() {
        let (skip, once) = (
            json!({"schedule": "* * * * *"}),
            json!({"schedule": "* * * * *", "missed": "run-once"}),
        );
        let (skip, once) = (schedule(skip), schedule(once));
        let due = |schedule: &Schedule, last: &str, now: &str| {
            let firings = schedule.due(at(last), at(now)).into_iter();
            firings
                .map(|one| {
                    (
                        Timestamp::from_millisecond(one.unix_ms)
                            .expect("a time")
                            .to_string(),
                        one.is_missed,
                    )
                })
                .collect::<Vec<_>>()
        };
        let minute = |minute: &str, is_missed| (format!("2026-05-01T10:{minute}:00Z"), is_missed);
        let (last, just) = ("2026-05-01T10:00:00Z", "2026-05-01T10:01:00.050Z");
        assert_eq!(due(&skip, last, "2026-05-01T10:00:59.999Z"), []);
        assert_eq!(due(&skip, last, just), [minute("01", false)]);
        assert_eq!(due(&once, last, just), [minute("01", false)]);
        let later = "2026-05-01T10:09:30Z";
        assert_eq!(due(&skip, last, later), []);
        assert_eq!(due(&once, last, later), [minute("09", true)]);
        let on_time = "2026-05-01T10:09:00.100Z";
        assert_eq!(due(&skip, last, on_time), [minute("09", false)]);
        assert_eq!(
            due(&once, last, on_time),
            [minute("08", true), minute("09", false)]
        );
        // A clock that was set back fires nothing twice.
        assert_eq!(due(&once, just, "2026-05-01T09:00:00Z"), []);
        let each_second = schedule(json!({"schedule": "* * * * * *"}));
        assert_eq!(each_second.due(at(last), at(last) + 3_500).len(), 3);
        assert_eq!(each_second.due(at(last), at(last) + 999_000).len(), 10);
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_its_place() {
        let cases = [
            (json!({}), "/schedule"),
            (json!({"schedule": "every day"}), "/schedule"),
            (json!({"schedule": "61 * * * *"}), "/schedule"),
            (json!({"schedule": "* * * *"}), "/schedule"),
            (json!({"schedule": "0 0 30 2 *"}), "/schedule"),
            (
                json!({"schedule": "* * * * *", "timezone": "Mars/Olympus"}),
                "/timezone",
            ),
            (json!({"schedule": "* * * * *", "missed": "all"}), "/missed"),
            (json!({"schedule": "* * * * *", "overlap": 1}), "/overlap"),
            (
                json!({"schedule": "* * * * *", "jitterMs": -1}),
                "/jitterMs",
            ),
            (json!({"schedule": "* * * * *", "cron": ""}), "/cron"),
        ];
        for (config, pointer) in cases {
            let parsed = Schedule::parse(config.as_object().expect("an object"));
            let checked =
                parsed.and_then(|schedule| schedule.check_ticks(at("2026-01-01T00:00:00Z")));
            assert_eq!(
                checked.expect_err("no schedule").pointer,
                pointer,
                "{config}"
            );
        }
    }

    proptest! {
        /// Every minute that the fields name, and no other, as one finds by looking at each minute of three days.
        #[test]
        fn ticks_are_the_minutes_that_are_named(minute in 0_i64..60, hour in 0_i64..24, day in 0_i64..3_650) {
            let schedule = schedule(json!({"schedule": format!("{minute} {hour},{} * * *", (hour + 7) % 24)}));
            let start = at("2026-01-01T00:00:00Z") + day * 86_400_000;
            let named = (1..=3 * 1_440).map(|minutes| start + minutes * 60_000).filter(|tick| {
                let of_day = tick.rem_euclid(86_400_000) / 60_000;
                of_day % 60 == minute && [hour, (hour + 7) % 24].contains(&(of_day / 60))
            });
            let named: Vec<i64> = named.collect();
            let next = |tick: &i64| schedule.next(*tick);
            let ticks: Vec<i64> = std::iter::successors(schedule.next(start), next).take(named.len()).collect();
            prop_assert_eq!(ticks, named);
        }
    }
}
