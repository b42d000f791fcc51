//! Lives of functions, second by second.

use super::*;
use crate::scaling::rules::Preset;
use crate::telemetry::Pulse;

const SECOND: Duration = Duration::from_secs(1);
/// A Monday at midnight.
const START_MS: i64 = 1_699_833_600_000;

struct Life {
    scaler: Scaler,
    operator: ScalingSettings,
    start: Instant,
    second: u32,
}

impl Life {
    fn new(rules: Rules) -> Self {
        let start = Instant::now();
        let now = Now {
            instant: start,
            unix_ms: START_MS,
        };
        let terms = Terms {
            version: 1,
            rules,
            scheduled: Vec::new(),
            schedules: Vec::new(),
        };
        Self {
            scaler: Scaler::new(Learner::default(), terms, now),
            operator: ScalingSettings::default(),
            start,
            second: 0,
        }
    }

    fn step(&mut self, sample: Sample) -> (Steering, Option<Decision>) {
        self.second += 1;
        let now = Now {
            instant: self.start + self.second * SECOND,
            unix_ms: START_MS + i64::from(self.second) * 1_000,
        };
        self.scaler.step(sample, &self.operator, now)
    }
}

fn rules() -> Rules {
    let defaults = Preset::Balanced.defaults();
    Rules {
        instances_min: 0,
        instances_max: 20,
        up: defaults.up,
        down: defaults.down,
        cooldown: defaults.cooldown,
        worth_minutes: defaults.worth_minutes,
        concurrency: 1,
    }
}

fn quiet(live: usize) -> Sample {
    Sample {
        span: SECOND,
        live,
        ..Sample::default()
    }
}

fn burst(together: usize) -> Sample {
    let pulse = Pulse {
        ended: together as u64,
        used_us: 50_000 * together as u64,
        ..Pulse::default()
    };
    Sample {
        busy_peak: together,
        arrivals: together as u64,
        pulse,
        ..quiet(together)
    }
}

#[test]
fn load_makes_instances_ready_and_its_end_lets_them_go_with_a_reason() {
    let mut life = Life::new(rules());
    let loaded = Sample {
        busy: 5,
        busy_peak: 5,
        arrivals: 9,
        ..quiet(5)
    };
    let decisions: Vec<Decision> = (0..20).filter_map(|_| life.step(loaded).1).collect();
    let last = decisions.last().expect("some");
    assert_eq!((life.scaler.ready, last.cause.name()), (8, "utilization"));
    assert!(
        last.reason.contains("% of 5 instances' time was used"),
        "{}",
        last.reason
    );
    let ended: Vec<Decision> = (0..600).filter_map(|_| life.step(quiet(8)).1).collect();
    let causes: Vec<_> = ended
        .iter()
        .map(|decision| (decision.to, decision.cause.name()))
        .collect();
    assert_eq!(causes[..2], [(4, "calm"), (2, "calm")], "{ended:?}");
    let shown: Vec<usize> = life
        .scaler
        .decisions
        .iter()
        .take(2)
        .map(|decision| decision.to)
        .collect();
    assert_eq!(
        shown,
        [ended[ended.len() - 1].to, ended[ended.len() - 2].to]
    );
}

#[test]
fn a_burst_that_recurs_is_met_by_instances_and_nothing_is_held_for_one_that_does_not() {
    let mut life = Life::new(rules());
    life.scaler.terms.rules.worth_minutes = 5.0;
    for _ in 0..40 {
        life.step(burst(6));
        let mut last = None;
        for _ in 1..600 {
            last = Some(life.step(quiet(0)).0);
        }
        let last = last.expect("some");
        assert_eq!(last.floor, life.scaler.ready);
    }
    // Needs of 5 to 8 at once are remembered as one.
    assert!((6..=8).contains(&life.scaler.ready));
    assert_eq!(life.scaler.cause, Cause::Forecast);
    let reasons: Vec<&str> = life
        .scaler
        .decisions
        .iter()
        .map(|decision| decision.reason.as_str())
        .collect();
    assert!(reasons.contains(&"called every 10 minutes"), "{reasons:?}");
    let mut once = Life::new(rules());
    once.step(burst(6));
    (0..100).for_each(|_| drop(once.step(quiet(6))));
    // What came once may come again; six at once need not.
    assert!(once.scaler.ready <= 1);
}

#[test]
fn who_is_called_before_the_first_look_keeps_what_served() {
    let mut life = Life::new(rules());
    let idle_min = Duration::from_millis(life.operator.idle_min_ms);
    for _ in 0..3 {
        let (steering, _) = life.step(burst(4));
        assert!((2..=4).all(|rank| steering.keep.of(rank) >= idle_min));
    }
}

#[test]
fn who_serves_between_the_look_and_its_end_stays() {
    let mut life = Life::new(rules());
    let idle_min = Duration::from_millis(life.operator.idle_min_ms);
    (0..100).for_each(|_| drop(life.step(quiet(0))));
    let (steering, _) = life.step(quiet(1));
    assert_eq!((steering.floor, steering.hold), (0, 0));
    assert!(steering.keep.of(1) >= idle_min);
}

#[test]
fn another_versions_terms_hold_at_once_and_what_was_learned_stays() {
    let mut life = Life::new(rules());
    life.step(burst(1));
    let learned = life.scaler.pattern.learner.clone();
    let written = ScheduledWarming {
        schedule: "* * * * *".to_owned(),
        timezone: None,
        duration: 30_000,
        min_instances: 3,
    };
    let terms = Terms {
        version: 2,
        rules: Rules {
            instances_min: 1,
            ..rules()
        },
        scheduled: vec![written],
        schedules: Vec::new(),
    };
    let now = Now {
        instant: life.start + SECOND,
        unix_ms: START_MS + 1_000,
    };
    life.scaler.set_terms(terms, now);
    let (steering, decision) = life.step(quiet(1));
    assert_eq!(
        (steering.floor, decision.expect("one").cause),
        (3, Cause::Scheduled)
    );
    (0..40).for_each(|_| drop(life.step(quiet(3))));
    assert_eq!((life.scaler.ready, life.scaler.cause), (1, Cause::Minimum));
    assert_eq!(life.scaler.pattern.learner, learned);
}
