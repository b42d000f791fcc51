//! When a delivery is tried again, and when no more. Pure.

use std::time::Duration;

/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);
/// After a refusal that names no time, such as a full platform.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);
/// What refuses may be over sooner than it says: an operator closes a breaker, a new version lifts a limit.
const REFUSED_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How long a delivery is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retry {
    /// The most attempts, the first among them.
    pub(crate) attempts_max: u32,
    /// The longest pause before the second; doubled each time.
    pub(crate) first_pause: Duration,
    /// Older deliveries are tried no more.
    pub(crate) age_max: Duration,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Whoever was to handle it has answered.
    Answered,
    /// The attempt failed.
    Failed,
    /// Nothing ran; it makes sense to try again after a while.
    Refused(Option<Duration>),
    /// Nothing can ever handle it.
    Impossible,
}

/// Why a delivery is tried no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    RetriesExhausted,
    EventAgeExceeded,
    Impossible,
}

impl Death {
    /// As destinations are told.
    pub(crate) fn condition(self) -> &'static str {
        match self {
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
            Self::Impossible => "Undeliverable",
        }
    }
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Succeeded,
    /// It is tried again after a pause.
    Again(Duration),
    Dead(Death),
}

impl Retry {
    /// What becomes of a delivery after an attempt. `attempts` counts this one, unless it was refused; `jitter` is between 0
    /// and 1, and keeps deliveries that failed together from coming back together.
    pub(crate) fn after(self, ending: Ending, attempts: u32, age: Duration, jitter: f64) -> Next {
        match ending {
            Ending::Answered => Next::Succeeded,
            Ending::Impossible => Next::Dead(Death::Impossible),
            _ if age >= self.age_max => Next::Dead(Death::EventAgeExceeded),
            Ending::Failed if attempts >= self.attempts_max => Next::Dead(Death::RetriesExhausted),
            Ending::Failed => Next::Again(self.pause(attempts, jitter)),
            Ending::Refused(wait) => {
                // Not all of them at once.
                Next::Again(Self::refused(wait).mul_f64(1.0 + jitter / 2.0))
            }
        }
    }

    /// How long nothing makes sense to try after a refusal.
    pub(crate) fn refused(wait: Option<Duration>) -> Duration {
        wait.unwrap_or(REFUSED_PAUSE).min(REFUSED_PAUSE_MAX)
    }

    /// Exponential back-off with full jitter: any time up to the bound is as likely as another.
    fn pause(self, failures: u32, jitter: f64) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1));
        let bound = self.first_pause.saturating_mul(doubled).min(PAUSE_MAX);
        bound.mul_f64(jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RETRY: Retry = Retry {
        attempts_max: 3,
        first_pause: Duration::from_secs(1),
        age_max: Duration::from_secs(3_600),
    };

    #[test]
    fn two_retries_follow_and_then_it_is_dead() {
        let after = |ending, attempts, age_s, jitter| {
            RETRY.after(ending, attempts, Duration::from_secs(age_s), jitter)
        };
        let again = |ms| Next::Again(Duration::from_millis(ms));
        let cases = [
            (after(Ending::Answered, 1, 0, 1.0), Next::Succeeded),
            (after(Ending::Answered, 9, 9_999, 1.0), Next::Succeeded),
            (after(Ending::Failed, 1, 0, 1.0), again(1_000)),
            (after(Ending::Failed, 2, 0, 1.0), again(2_000)),
            (after(Ending::Failed, 2, 0, 0.25), again(500)),
            (after(Ending::Failed, 2, 0, 0.0), again(0)),
            (
                after(Ending::Failed, 3, 0, 0.5),
                Next::Dead(Death::RetriesExhausted),
            ),
            (
                after(Ending::Failed, 1, 3_600, 0.5),
                Next::Dead(Death::EventAgeExceeded),
            ),
            (after(Ending::Refused(None), 0, 0, 0.0), again(1_000)),
            (
                after(Ending::Refused(Some(Duration::from_secs(7))), 99, 0, 1.0),
                again(7_500),
            ),
            (
                after(Ending::Refused(None), 0, 3_600, 0.0),
                Next::Dead(Death::EventAgeExceeded),
            ),
            (
                after(Ending::Impossible, 0, 0, 0.0),
                Next::Dead(Death::Impossible),
            ),
        ];
        for (index, (got, expected)) in cases.into_iter().enumerate() {
            assert_eq!(got, expected, "case {index}");
        }
    }

    proptest! {
        #[test]
        fn every_delivery_ends(
            attempts_max in 1_u32..20, first_ms in 1_u64..100_000, jitter in 0.0_f64..1.0, refusals in 0_u32..50,
        ) {
            let retry = Retry { attempts_max, first_pause: Duration::from_millis(first_ms), ..RETRY };
            let (mut age, mut attempts, mut steps) = (Duration::ZERO, 0, 0);
            loop {
                let is_refused = steps < refusals;
                attempts += u32::from(!is_refused);
                let ending = if is_refused { Ending::Refused(None) } else { Ending::Failed };
                match retry.after(ending, attempts, age, jitter) {
                    Next::Again(pause) => {
                        prop_assert!(pause <= PAUSE_MAX.mul_f64(1.5));
                        age += pause;
                    }
                    Next::Dead(_) => break,
                    Next::Succeeded => prop_assert!(false, "nothing succeeded"),
                }
                steps += 1;
            }
            prop_assert!(attempts <= attempts_max);
        }
    }
}
