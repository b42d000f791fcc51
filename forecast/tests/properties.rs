//! What holds for every function, whatever its traffic was.

use proptest::prelude::*;
use zygo_forecast::baseline::{Fixed, Hybrid, OutOfBounds};
use zygo_forecast::{
    Arrival, DAY, HOUR, Learned, Learner, MINUTE, Moment, Plan, Policy, Reason, Settings, plan,
};

const START: u64 = 100 * DAY;

/// Gaps of all lengths: within a burst, minutes, hours, exact periods, weeks.
fn gap() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..MINUTE,
        4 => MINUTE..HOUR,
        2 => HOUR..DAY,
        2 => prop_oneof![Just(5 * MINUTE), Just(HOUR), Just(DAY)],
        1 => DAY..40 * DAY,
    ]
}

fn traffic() -> impl Strategy<Value = Vec<Arrival>> {
    prop::collection::vec((gap(), 1..200_usize), 0..60).prop_map(|gaps| {
        let mut at = START;
        let arrival = |(gap, together)| {
            at += gap;
            Arrival {
                at: Moment(at),
                together,
            }
        };
        gaps.into_iter().map(arrival).collect()
    })
}

fn learned(traffic: &[Arrival]) -> Learner {
    let mut learner = Learner::default();
    traffic.iter().for_each(|arrival| learner.arrived(*arrival));
    learner
}

fn end(traffic: &[Arrival]) -> Moment {
    traffic.last().map_or(Moment(START), |arrival| arrival.at)
}

fn settings(worth_minutes: f32, evenness: f32) -> Settings {
    Settings {
        worth_minutes,
        evenness,
        ..Settings::default()
    }
}

/// Nothing is planned for the past, and everything in its order.
fn check(plan: &Plan, now: Moment) -> Result<(), TestCaseError> {
    prop_assert!(plan.keep_until >= now, "{plan:?}");
    prop_assert!((1..=128).contains(&plan.parked), "{plan:?}");
    prop_assert!(!plan.reason.to_string().is_empty());
    if let Some(again) = plan.look_again {
        prop_assert!(again > now, "{plan:?}");
    }
    if let Some(warm) = plan.prewarm {
        prop_assert!(warm.at >= now && warm.at < warm.until, "{plan:?}");
        prop_assert!(warm.at >= plan.keep_until, "{plan:?}");
    }
    Ok(())
}

/// From one look to the next, as long as nothing calls.
fn looks(
    learner: &Learner,
    settings: &Settings,
    ticks: &[Moment],
    from: Moment,
) -> Vec<(Moment, Plan)> {
    let first = (from, plan(learner, settings, ticks, from));
    let next = |(_, before): &(Moment, Plan)| {
        let now = before.look_again?;
        Some((now, plan(learner, settings, ticks, now)))
    };
    std::iter::successors(Some(first), next).take(30).collect()
}

#[test]
fn a_function_takes_two_kibibytes_at_most() {
    assert!(size_of::<Learner>() <= 2048, "{}", size_of::<Learner>());
    // It holds no pointers: what it is in memory is all there is of it.
    let clone: fn(&Learner) -> Learner = Clone::clone;
    assert_eq!(clone(&Learner::default()), Learner::default());
}

#[test]
fn a_function_that_was_never_called_is_left_alone() {
    let plan = plan(
        &Learner::default(),
        &Settings::default(),
        &[],
        Moment(START),
    );
    assert_eq!(
        (plan.keep_until, plan.prewarm, plan.look_again),
        (Moment(START), None, None)
    );
    assert_eq!(plan.reason, Reason::Quiet);
}

#[test]
fn a_first_tick_is_met_although_nothing_is_known() {
    let tick = Moment(START + 3 * HOUR);
    let plan = plan(
        &Learner::default(),
        &Settings::default(),
        &[tick],
        Moment(START),
    );
    let warm = plan.prewarm.expect("a pre-warm");
    assert!(
        warm.at < tick && tick < warm.until && plan.reason == Reason::Schedule,
        "{plan:?}"
    );
}

#[test]
fn an_hourly_call_is_let_go_and_met_again() {
    let calls = (0..30).map(|hour| Arrival {
        at: Moment(START + hour * HOUR),
        together: 1,
    });
    let calls: Vec<Arrival> = calls.collect();
    let (learner, last) = (learned(&calls), end(&calls));
    let looks = looks(&learner, &Settings::default(), &[], last);
    let kept = looks.iter().map(|(_, plan)| plan.keep_until.since(last));
    assert!(
        kept.clone().take(2).all(|kept| kept <= 5 * MINUTE),
        "{looks:?}"
    );
    let due = last.after(HOUR);
    let met = looks.iter().find(|(_, plan)| {
        plan.prewarm
            .is_some_and(|warm| warm.at < due && due < warm.until)
    });
    let (_, plan) = met.expect("a plan for the next call");
    assert_eq!(plan.reason, Reason::Period { minutes: 60 });
}

#[test]
fn a_morning_is_expected_for_its_hour() {
    // Five mornings of many calls at random seconds from nine to eleven.
    let mut random = fastrand::Rng::with_seed(3);
    let mut learner = Learner::default();
    for day in 0..5 {
        let mut at = START + day * DAY + 9 * HOUR;
        while at < START + day * DAY + 11 * HOUR {
            learner.arrived(Arrival {
                at: Moment(at),
                together: 1,
            });
            at += random.u64(20..400);
        }
    }
    let midnight = Moment(START + 5 * DAY);
    let looks = looks(&learner, &Settings::default(), &[], midnight);
    let warm: Vec<Moment> = looks
        .iter()
        .filter_map(|(_, plan)| plan.prewarm)
        .map(|warm| warm.at)
        .collect();
    let morning = |at: &&Moment| (8 * HOUR..10 * HOUR).contains(&at.since(midnight));
    assert!(warm.iter().any(|at| morning(&at)), "{looks:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn plans_are_never_in_the_past(traffic in traffic(), after in gap(), tick in gap(), worth in 0.1_f32..5000.0, evenness in 0.0_f32..1.0) {
        let learner = learned(&traffic);
        let now = end(&traffic).after(after);
        let ticks = [now.after(tick), now.after(tick + HOUR)];
        for (now, plan) in looks(&learner, &settings(worth, evenness), &ticks, now) {
            check(&plan, now)?;
        }
    }

    #[test]
    fn plans_are_the_same_for_the_same_state(traffic in traffic(), after in gap()) {
        let now = end(&traffic).after(after);
        let of = |learner: &Learner| plan(learner, &Settings::default(), &[], now);
        prop_assert_eq!(of(&learned(&traffic)), of(&learned(&traffic)));
    }

    #[test]
    fn the_state_survives_being_stored(traffic in traffic(), more in traffic()) {
        let mut before = learned(&traffic);
        let text = serde_json::to_string(&before).expect("stored");
        let mut after: Learner = serde_json::from_str(&text).expect("read");
        prop_assert_eq!(&after, &before);
        let shift = end(&traffic).since(Moment(START));
        for arrival in more {
            let arrival = Arrival { at: arrival.at.after(shift), ..arrival };
            before.arrived(arrival);
            after.arrived(arrival);
        }
        prop_assert_eq!(after, before);
    }

    #[test]
    fn who_values_cold_starts_more_keeps_no_shorter(traffic in traffic(), after in gap(), worth in 0.5_f32..1000.0) {
        let learner = learned(&traffic);
        let now = end(&traffic).after(after);
        let keep = |worth| plan(&learner, &settings(worth, 0.0), &[], now).keep_until;
        prop_assert!(keep(worth) <= keep(worth * 3.0));
        let further = |worth| learner.keep_further(&settings(worth, 0.0), 3);
        prop_assert!(further(worth) <= further(worth * 3.0));
    }

    #[test]
    fn a_schedule_is_always_met(traffic in traffic(), tick in 90_u64..2 * DAY) {
        let learner = learned(&traffic);
        let now = end(&traffic);
        let tick = now.after(tick);
        let looks = looks(&learner, &Settings::default(), &[tick], now);
        let is_there = |(at, plan): &(Moment, Plan)| {
            let kept = *at <= tick && tick <= plan.keep_until;
            kept || plan.prewarm.is_some_and(|warm| warm.at <= tick && tick <= warm.until)
        };
        prop_assert!(looks.iter().any(is_there), "{:?}", looks);
    }

    #[test]
    fn time_that_goes_back_does_no_harm(traffic in traffic(), back in 0..2 * DAY) {
        let mut learner = learned(&traffic);
        let now = end(&traffic);
        learner.arrived(Arrival { at: Moment(now.0.saturating_sub(back)), together: 0 });
        check(&plan(&learner, &Settings::default(), &[], now), now)?;
        check(&plan(&learner, &Settings::default(), &[], Moment(0)), Moment(0))?;
    }

    #[test]
    fn all_policies_keep_to_the_same_rules(traffic in traffic(), after in gap()) {
        let policies: [Box<dyn Policy>; 4] = [
            Box::new(Fixed::minutes(10)),
            Box::new(Hybrid::new(240, OutOfBounds::Keep)),
            Box::new(Hybrid::new(240, OutOfBounds::Mean)),
            Box::new(Learned::default()),
        ];
        for mut policy in policies {
            traffic.iter().for_each(|arrival| policy.arrived(*arrival));
            let now = end(&traffic).after(after);
            check(&policy.plan(now), now)?;
        }
    }
}
