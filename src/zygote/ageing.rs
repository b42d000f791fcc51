//! When a zygote is due to be made anew, and how fast a function that crashes may fork. Pure; knows no clock and no
//! process.
//!
//! Forks share their zygote's address layout and hash seed. Whoever may crash forks again and again can guess both piece by
//! piece, so no layout lives for ever, and crashes bring its end about.

use std::time::Duration;

use crate::config::Config;

/// Lives end this much before the longest age at most, so that not all end at once.
const JITTER: f64 = 0.2;
/// The first pause between two forks of a function that crashes; doubled with each further crash.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The first wait after a successor that did not come to be; doubled each time.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_RETRY: Duration = Duration::from_secs(600);

/// Why a zygote is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It is old.
    Age,
    /// It has forked often.
    Forks,
    /// Its forks crash.
    Crashes,
    /// The language zygote that it came from was made anew.
    Ancestor,
}

impl Reason {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Age, Self::Forks, Self::Crashes, Self::Ancestor];

    /// Its name for people and figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Forks => "forks",
            Self::Crashes => "crashes",
            Self::Ancestor => "ancestor",
        }
    }

    /// Whether only a layout and a seed that nobody else has will do.
    pub(crate) fn wants_own_layout(self) -> bool {
        matches!(self, Self::Forks | Self::Crashes)
    }
}

/// What an operator allows a zygote. `None` is no limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    max_age: Option<Duration>,
    max_forks: Option<u64>,
    max_crashes: Option<usize>,
}

/// What is known of a function zygote at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition {
    /// Whether its language zygote was replaced for one of the reasons here.
    pub(crate) is_outdated: bool,
    /// Whether its layout is too old, and another is to be had.
    pub(crate) is_old: bool,
    /// How often it has forked.
    pub(crate) forks: u64,
    /// Crashes of its forks in the last minute.
    pub(crate) crashes: usize,
}

impl Limits {
    /// What the operator has set; 0 is no limit.
    pub(crate) fn new(config: &Config) -> Self {
        let (age, forks) = (config.zygote_max_age_s, config.zygote_max_forks);
        let crashes = usize::try_from(config.zygote_max_crashes_per_minute).ok();
        Self {
            max_age: (age > 0).then(|| Duration::from_secs(age)),
            max_forks: (forks > 0).then_some(forks),
            max_crashes: crashes.filter(|crashes| *crashes > 0),
        }
    }

    /// Why a function zygote is to be made anew, if it is. What calls for more comes first.
    pub(crate) fn due(&self, now: Condition) -> Option<Reason> {
        let reached = |max: Option<u64>, count: u64| max.is_some_and(|max| count >= max);
        if self.max_crashes.is_some_and(|max| now.crashes >= max) {
            Some(Reason::Crashes)
        } else if reached(self.max_forks, now.forks) {
            Some(Reason::Forks)
        } else if now.is_outdated {
            Some(Reason::Ancestor)
        } else {
            now.is_old.then_some(Reason::Age)
        }
    }

    /// How long a layout may live; `chance` is from 0 to 1.
    pub(crate) fn lifetime(&self, chance: f64) -> Option<Duration> {
        let part = 1.0 - JITTER * chance.clamp(0.0, 1.0);
        self.max_age.map(|age| age.mul_f64(part))
    }

    /// Crashes a minute from which on forks are slowed.
    pub(crate) fn max_crashes(&self) -> Option<usize> {
        self.max_crashes
    }

    /// The pause between two forks of a function that has crashed so often in the last minute.
    pub(crate) fn pause(&self, crashes: usize) -> Duration {
        match self.max_crashes {
            Some(max) if crashes >= max => doubled(FIRST_PAUSE, crashes - max, LONGEST_PAUSE),
            _ => Duration::ZERO,
        }
    }
}

/// How long to wait after so many successors in a row that did not come to be.
pub(crate) fn retry(failures: usize) -> Duration {
    doubled(FIRST_RETRY, failures.saturating_sub(1), LONGEST_RETRY)
}

fn doubled(first: Duration, times: usize, longest: Duration) -> Duration {
    let factor = 1_u32 << times.min(16);
    first.saturating_mul(factor).min(longest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WELL: Condition = Condition {
        is_outdated: false,
        is_old: false,
        forks: 0,
        crashes: 0,
    };

    fn limits(age: u64, forks: u64, crashes: u32) -> Limits {
        Limits::new(&Config {
            zygote_max_age_s: age,
            zygote_max_forks: forks,
            zygote_max_crashes_per_minute: crashes,
            ..Config::default()
        })
    }

    #[test]
    fn each_limit_is_a_reason_and_crashes_weigh_most() {
        let limits = limits(60, 100, 10);
        let (forks, crashes) = (100, 10);
        let cases = [
            (WELL, None),
            (
                Condition {
                    forks: 99,
                    crashes: 9,
                    ..WELL
                },
                None,
            ),
            (
                Condition {
                    is_old: true,
                    ..WELL
                },
                Some(Reason::Age),
            ),
            (
                Condition {
                    is_old: true,
                    is_outdated: true,
                    ..WELL
                },
                Some(Reason::Ancestor),
            ),
            (
                Condition {
                    forks,
                    is_outdated: true,
                    ..WELL
                },
                Some(Reason::Forks),
            ),
            (
                Condition {
                    forks,
                    crashes,
                    ..WELL
                },
                Some(Reason::Crashes),
            ),
        ];
        for (now, due) in cases {
            assert_eq!(limits.due(now), due, "{now:?}");
        }
    }

    #[test]
    fn nought_is_no_limit() {
        let limits = limits(0, 0, 0);
        let worst = Condition {
            forks: u64::MAX,
            crashes: usize::MAX,
            ..WELL
        };
        assert_eq!(limits.due(worst), None);
        assert_eq!(limits.lifetime(0.5), None);
        assert_eq!(limits.pause(usize::MAX), Duration::ZERO);
    }

    #[test]
    fn a_successor_that_fails_is_tried_ever_more_rarely() {
        let waits = [1, 2, 3, 11, 1_000].map(|failures| retry(failures).as_secs());
        assert_eq!(waits, [1, 2, 4, 600, 600]);
    }

    proptest! {
        #[test]
        fn lives_differ_and_none_is_too_long(age in 1..u64::from(u32::MAX), chance in -1.0..2.0_f64) {
            let (lifetime, max) = (limits(age, 0, 0).lifetime(chance), Duration::from_secs(age));
            let lifetime = lifetime.expect("a limit");
            prop_assert!(lifetime <= max && lifetime >= max.mul_f64(0.79));
        }

        #[test]
        fn pauses_grow_with_crashes_within_their_bounds(max in 1..50_u32, crashes in 0..200_usize) {
            let limits = limits(0, 0, max);
            let (pause, next) = (limits.pause(crashes), limits.pause(crashes + 1));
            prop_assert!(pause <= next && next <= LONGEST_PAUSE);
            let is_calm = crashes < usize::try_from(max).expect("small");
            prop_assert_eq!(pause.is_zero(), is_calm);
            prop_assert!(is_calm || pause >= FIRST_PAUSE);
        }
    }
}
