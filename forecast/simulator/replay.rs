//! Replays one function's calls through a policy, and counts what it costs.
//!
//! Instances are used in the order in which they were used last, so that instance number k is needed exactly when k
//! calls are in progress. As in the paper, calls take no time as far as gaps are concerned, and starting an instance
//! ahead takes none: only being loaded does.

use serde::Serialize;
use zygo_forecast::{Arrival, Moment, Plan, Policy};

use crate::trace::Function;

/// What a policy did for one function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Outcome {
    pub(crate) calls: u64,
    pub(crate) cold: u64,
    /// Instance-seconds in memory.
    pub(crate) loaded: u64,
    pub(crate) prewarms: u64,
    pub(crate) prewarms_wasted: u64,
}

/// One function through one policy, until the end of the trace.
pub(crate) fn replay(function: &Function, policy: &mut dyn Policy, end: Moment) -> Outcome {
    let mut replay = Replay {
        policy,
        further: Vec::new(),
        outcome: Outcome::default(),
    };
    let mut last = None;
    for calls in &function.calls {
        let warm = last.map_or(0, |last| replay.pass(last, calls.at));
        let together = u64::from(calls.together);
        replay.outcome.calls += u64::from(calls.count);
        replay.outcome.cold += together.saturating_sub(warm);
        let arrival = Arrival {
            at: calls.at,
            together: usize::try_from(together).unwrap_or(1),
        };
        replay.policy.arrived(arrival);
        replay.use_further(calls.at, arrival.together);
        last = Some(calls.at);
    }
    if let Some(last) = last {
        replay.pass(last, end);
        replay.use_further(end, usize::MAX);
    }
    replay.outcome
}

struct Replay<'a> {
    policy: &'a mut dyn Policy,
    /// Of each instance from the second on: last use, and when it goes.
    further: Vec<(Moment, Moment)>,
    outcome: Outcome,
}

impl Replay<'_> {
    /// The silence between two calls; how many instances the second one finds.
    fn pass(&mut self, last: Moment, until: Moment) -> u64 {
        let first = self.pass_first(last, until);
        let further = self
            .further
            .iter()
            .filter(|(_, goes)| *goes >= until)
            .count() as u64;
        first.max(further + u64::from(first > 0))
    }

    /// Follows plan after plan.
    fn pass_first(&mut self, last: Moment, until: Moment) -> u64 {
        let mut now = last;
        let mut is_loaded = true;
        loop {
            let plan = self.policy.plan(now);
            if plan.keep_until > now {
                self.outcome.prewarms += u64::from(!is_loaded);
                self.load(now, plan.keep_until.min(until), 1);
            }
            is_loaded = plan.keep_until > now;
            if is_loaded && until <= plan.keep_until {
                return 1;
            }
            if let Some(found) = self.prewarm(&plan, until) {
                return found;
            }
            match plan.look_again {
                Some(again) if again < until => {
                    is_loaded = again <= plan.keep_until
                        || plan.prewarm.is_some_and(|warm| warm.until >= again);
                    now = again;
                }
                _ => return 0,
            }
        }
    }

    /// How many instances the call finds, if it comes before the end of the pre-warm.
    fn prewarm(&mut self, plan: &Plan, until: Moment) -> Option<u64> {
        let warm = plan.prewarm.filter(|warm| warm.at <= until)?;
        let parked = plan.parked as u64;
        self.outcome.prewarms += parked;
        self.load(warm.at, warm.until.min(until), parked);
        if until <= warm.until {
            return Some(parked);
        }
        self.outcome.prewarms_wasted += parked;
        None
    }

    fn load(&mut self, from: Moment, to: Moment, instances: u64) {
        self.outcome.loaded += to.since(from) * instances;
    }

    /// Instances beyond the first are used again: until now, or until they went, they were in memory.
    fn use_further(&mut self, at: Moment, together: usize) {
        let needed = together.saturating_sub(1);
        for number in 0..needed.min(self.further.len()) {
            let (last, goes) = self.further[number];
            self.load(last, goes.min(at), 1);
        }
        if together == usize::MAX {
            return;
        }
        self.further
            .resize(self.further.len().max(needed), (at, at));
        for (number, instance) in self.further.iter_mut().take(needed).enumerate() {
            *instance = (at, at.after(self.policy.keep_further(number + 2)));
        }
    }
}

#[cfg(test)]
mod tests {
    use zygo_forecast::baseline::Fixed;
    use zygo_forecast::{Learned, MINUTE};

    use super::*;
    use crate::trace::{Calls, START, Trigger};

    fn called_at(minutes: &[(u64, u32)]) -> Function {
        let calls = minutes.iter().map(|(minute, together)| Calls {
            at: Moment(START + minute * MINUTE),
            count: *together,
            together: *together,
        });
        Function {
            trigger: Trigger::Http,
            megabytes: 1.0,
            seconds: 1.0,
            calls: calls.collect(),
            ticks: Vec::new(),
        }
    }

    fn fixed(minutes: &[(u64, u32)], keep: u64, end: u64) -> Outcome {
        replay(
            &called_at(minutes),
            &mut Fixed::minutes(keep),
            Moment(START + end * MINUTE),
        )
    }

    #[test]
    fn a_call_within_the_time_is_warm_and_one_after_it_is_cold() {
        let outcome = fixed(&[(0, 1), (10, 1), (21, 1)], 10, 100);
        assert_eq!(
            outcome,
            Outcome {
                calls: 3,
                cold: 2,
                loaded: 30 * MINUTE,
                ..Outcome::default()
            }
        );
    }

    #[test]
    fn the_end_of_the_trace_cuts_what_is_kept() {
        assert_eq!(fixed(&[(0, 1)], 10, 4).loaded, 4 * MINUTE);
    }

    #[test]
    fn each_further_instance_has_its_own_time() {
        // The second instance is needed at 0 and at 15, and is gone by then; the first is there all the time.
        let outcome = fixed(&[(0, 2), (8, 1), (15, 2)], 10, 100);
        assert_eq!((outcome.calls, outcome.cold), (5, 3));
        assert_eq!(outcome.loaded, (25 + 10 + 10) * MINUTE);
    }

    #[test]
    fn an_hourly_call_is_met_by_the_learned_policy_in_little_memory() {
        let hours: Vec<(u64, u32)> = (0..48).map(|hour| (hour * 60, 1)).collect();
        let outcome = replay(
            &called_at(&hours),
            &mut Learned::default(),
            Moment(START + 48 * 60 * MINUTE),
        );
        assert!(outcome.cold <= 5, "{outcome:?}");
        assert!(outcome.loaded < 48 * 8 * MINUTE, "{outcome:?}");
    }

    #[test]
    fn a_known_schedule_is_met_from_its_second_tick_on() {
        let times: Vec<(u64, u32)> = [0, 100, 777, 2000, 2345].map(|minute| (minute, 1)).to_vec();
        let function = called_at(&times);
        let ticks = function.calls.iter().map(|calls| calls.at).collect();
        let mut policy = Learned {
            ticks,
            ..Learned::default()
        };
        assert_eq!(
            replay(&function, &mut policy, Moment(START + 3000 * MINUTE)).cold,
            1
        );
    }

    #[test]
    fn the_same_calls_have_the_same_outcome() {
        let run = || {
            let functions = crate::synthetic::functions(crate::synthetic::Mix::Azure, 7, 10, 2);
            let end = crate::synthetic::end(2);
            functions
                .map(|function| replay(&function, &mut Learned::default(), end))
                .collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
    }
}
