//! What load asks for, by example and by property.

use proptest::prelude::*;

use super::*;
use crate::scaling::rules::Preset;

const SECOND: Duration = Duration::from_secs(1);

fn rules(preset: Preset) -> Rules {
    let defaults = preset.defaults();
    Rules {
        instances_min: defaults.instances_min,
        instances_max: defaults.instances_max.unwrap_or(50),
        up: defaults.up,
        down: defaults.down,
        cooldown: defaults.cooldown,
        worth_minutes: defaults.worth_minutes,
        concurrency: 1,
    }
}

fn loaded(load: f64, live: usize) -> Figures {
    Figures {
        live,
        load,
        ended: 100,
        ended_lately: 20,
        ..Figures::default()
    }
}

fn trigger(figures: &Figures) -> Option<(Trigger, usize)> {
    let mut standing = Standing::default();
    let trigger = standing.step(figures, &rules(Preset::Balanced), Instant::now())?;
    Some((trigger, standing.target))
}

#[test]
fn each_trigger_asks_above_its_threshold_and_not_at_it() {
    assert_eq!(trigger(&loaded(7.0, 10)), None);
    assert_eq!(trigger(&loaded(7.1, 10)), Some((Trigger::Utilization, 11)));
    let processors = Figures {
        processors: 3.0,
        ..loaded(0.5, 4)
    };
    assert_eq!(trigger(&processors), Some((Trigger::Utilization, 5)));
    let queue = |waiting| Figures {
        waiting,
        ..loaded(1.0, 2)
    };
    assert_eq!(trigger(&queue(10)), None);
    assert_eq!(trigger(&queue(11)), Some((Trigger::Queue, 13)));
    let cold = |cold| Figures {
        cold,
        busy_peak: 6,
        ..loaded(1.0, 2)
    };
    assert_eq!(trigger(&cold(10)), None);
    assert_eq!(trigger(&cold(11)), Some((Trigger::ColdStarts, 6)));
    let slow = |slow, slow_waited| Figures {
        slow,
        slow_waited,
        busy_peak: 4,
        ..loaded(2.0, 4)
    };
    let few = Figures {
        ended_lately: 40,
        ..slow(2, 0.5)
    };
    assert_eq!(trigger(&few), None);
    assert_eq!(trigger(&slow(3, 0.5)), Some((Trigger::ResponseTime, 6)));
    assert_eq!(
        trigger(&slow(20, 0.05)),
        None,
        "more instances make no handler faster"
    );
}

#[test]
fn a_few_cold_starts_say_nothing() {
    let first = Figures {
        ended: 9,
        ended_lately: 9,
        cold: 9,
        busy_peak: 9,
        ..Figures::default()
    };
    assert_eq!(trigger(&first), None);
    let rare = Figures {
        ended: 15,
        ended_lately: 15,
        cold: 2,
        busy_peak: 2,
        ..Figures::default()
    };
    assert_eq!(trigger(&rare), None);
}

#[test]
fn what_was_asked_for_asks_for_no_more() {
    let one = Figures {
        live: 1,
        busy_peak: 1,
        ended: 1,
        ended_lately: 1,
        slow: 1,
        slow_waited: 1.0,
        ..Figures::default()
    };
    assert_eq!(trigger(&one), None, "one slow start says nothing");
    let (rules, now) = (rules(Preset::Balanced), Instant::now());
    let mut standing = Standing::default();
    let mut figures = Figures {
        live: 4,
        busy_peak: 4,
        ended: 40,
        ended_lately: 40,
        slow: 10,
        slow_waited: 0.5,
        ..Figures::default()
    };
    let targets = [(); 5].map(|()| {
        standing.step(&figures, &rules, now);
        figures.live = standing.target;
        standing.target
    });
    assert_eq!(targets, [6; 5]);
}

#[test]
fn what_was_asked_for_stays_for_the_cooldown_and_then_goes_by_halves() {
    let (rules, start) = (rules(Preset::Balanced), Instant::now());
    let mut standing = Standing::default();
    standing.step(&loaded(15.0, 16), &rules, start);
    let mut targets = vec![standing.target];
    for second in 1..=400 {
        let live = standing.target.max(1);
        if standing.step(&loaded(0.0, live), &rules, start + second * SECOND) == Some(Trigger::Calm)
        {
            targets.push(standing.target);
        }
        let is_early = second < 60;
        assert!(!is_early || targets.len() == 1, "{second}");
    }
    assert_eq!(targets, [22, 11, 5, 2, 0]);
}

#[test]
fn presets_differ_as_they_say() {
    let (cost, performance) = (rules(Preset::Cost), rules(Preset::Performance));
    let busy = loaded(6.0, 10);
    assert_eq!(Standing::default().step(&busy, &cost, Instant::now()), None);
    let mut standing = Standing::default();
    assert_eq!(
        standing.step(&busy, &performance, Instant::now()),
        Some(Trigger::Utilization)
    );
    assert_eq!(standing.target, 12);
    assert!(cost.cooldown < performance.cooldown && cost.worth_minutes < performance.worth_minutes);
}

fn figures() -> impl Strategy<Value = Figures> {
    let counts = (
        0..60_usize,
        0..100_usize,
        0..60_usize,
        0..1_000_u64,
        0..1_000_u64,
    );
    let parts = (0.0..60.0_f64, 0.0..4.0_f64, 0..100_u64, 0.0..1.0_f64);
    (counts, parts).prop_map(
        |((live, waiting, busy_peak, ended, cold), (load, processors, slow, slow_waited))| {
            Figures {
                live,
                waiting,
                busy_peak,
                load,
                processors,
                ended,
                cold: cold.min(ended),
                ended_lately: ended / 4,
                slow: slow.min(ended / 4),
                slow_waited,
                calls_per_second: 0.0,
            }
        },
    )
}

proptest! {
    #[test]
    fn the_target_stays_within_the_limits_and_changes_only_with_a_reason(
        all in prop::collection::vec(figures(), 1..80), step_s in 1..40_u32,
    ) {
        let rules = rules(Preset::Performance);
        let (mut standing, start) = (Standing::default(), Instant::now());
        for (second, figures) in (0..).zip(&all) {
            let before = standing.target;
            let trigger = standing.step(figures, &rules, start + second * step_s * SECOND);
            prop_assert!(standing.target <= rules.instances_max);
            prop_assert!(standing.target == 0 || standing.target > rules.instances_min);
            match trigger {
                None => prop_assert_eq!(standing.target, before),
                Some(Trigger::Calm) => prop_assert!(standing.target < before),
                Some(_) => prop_assert!(standing.target > before),
            }
        }
    }

    /// Whatever the load is, as long as it stays the same: it settles, and nothing goes up and down.
    #[test]
    fn a_steady_load_leads_to_a_steady_target(load in 0.0..60.0_f64, up in 0.3..1.0_f64, part in 0.1..0.9_f64) {
        let rules = Rules { up, down: up * part, instances_max: 1_000, ..rules(Preset::Balanced) };
        let (mut standing, start) = (Standing { target: 500, ..Standing::default() }, Instant::now());
        let mut changes = Vec::new();
        for second in 0..3_000_u32 {
            // As many live as are wanted, or as the load takes.
            let live = standing.target.max(whole(load.ceil())).max(1);
            changes.extend(standing.step(&loaded(load, live), &rules, start + second * SECOND));
        }
        let ups = changes.iter().filter(|trigger| **trigger != Trigger::Calm).count();
        prop_assert!(ups <= 1, "{:?}", changes);
        prop_assert!(changes.len() <= 13, "{:?}", changes);
        prop_assert!(standing.target >= whole((load / up).ceil()) || load <= up, "{} for {}", standing.target, load);
    }
}
