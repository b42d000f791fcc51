//! Traces in the shape of the published one: shares of triggers among functions and among calls, rates over eight orders
//! of magnitude, days and weeks, bursts. What is not published (which shape of traffic how often, periods of timers) is
//! chosen here, and is the same for every policy.

use clap::ValueEnum;
use fastrand::Rng;
use serde::Serialize;
use zygo_forecast::Moment;

use crate::draw::{choose, lognormal};
use crate::pattern::{Pattern, Rhythm, counts};
use crate::trace::{Calls, Function, START, Spread, Trigger, spread};

/// Share of functions and of calls by trigger, as published; what is missing to a hundred is "others".
const TRIGGERS: [(Trigger, f64, f64); 6] = [
    (Trigger::Http, 55.0, 36.0),
    (Trigger::Queue, 15.0, 34.0),
    (Trigger::Event, 2.0, 25.0),
    (Trigger::Timer, 16.0, 2.0),
    (Trigger::Orchestration, 7.0, 2.0),
    (Trigger::Other, 5.0, 1.0),
];
/// Calls a day by share of functions: 45 % at most one an hour, 81 % at most one a minute, as remembered of the paper's
/// applications; the rest is a guess between.
const RATES: [(f64, f64); 9] = [
    (0.0, 0.05),
    (0.1, 0.5),
    (0.25, 3.0),
    (0.45, 24.0),
    (0.65, 200.0),
    (0.81, 1440.0),
    (0.9, 8e3),
    (0.97, 1e5),
    (1.0, 3e6),
];
const MINUTES_OF_TIMERS: [(u64, f64); 10] = [
    (1, 10.0),
    (5, 25.0),
    (10, 10.0),
    (15, 15.0),
    (30, 10.0),
    (60, 15.0),
    (360, 3.0),
    (720, 3.0),
    (1440, 8.0),
    (10080, 1.0),
];
/// More calls than this a day are scaled so that the triggers have their share of calls.
const HOT: f64 = 1440.0;
const HOTTEST: f64 = 3e7;

/// What the traffic is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Mix {
    /// All shapes.
    Azure,
    /// Strong days and dead weekends.
    Office,
    /// Independent calls at all hours, besides timers: nothing to learn but rates.
    Flat,
    /// Sessions and bursts only, besides timers.
    Bursty,
    /// As `azure`, but every function changes its rate and its hours half-way.
    Shift,
}

#[derive(Clone, Copy, Debug)]
struct Spec {
    trigger: Trigger,
    daily: f64,
    pattern: Pattern,
    rhythm: Rhythm,
    seconds: f64,
    megabytes: f64,
    /// Calls of a minute come at once.
    is_fan: bool,
}

/// All functions of a trace, made one by one.
pub(crate) fn functions(
    mix: Mix,
    seed: u64,
    number: usize,
    days: u64,
) -> impl Iterator<Item = Function> {
    let mut random = Rng::with_seed(seed);
    let mut specs: Vec<Spec> = (0..number).map(|_| spec(mix, &mut random)).collect();
    scale(&mut specs);
    specs
        .into_iter()
        .map(move |spec| function(mix, spec, days, &mut random))
}

fn spec(mix: Mix, random: &mut Rng) -> Spec {
    let trigger = choose(
        random,
        &TRIGGERS.map(|(trigger, functions, _)| (trigger, functions)),
    );
    let period = choose(random, &MINUTES_OF_TIMERS);
    let daily = match trigger {
        Trigger::Timer => 1440.0 / whole(period),
        _ => rate(random.f64()),
    };
    let pattern = match trigger {
        Trigger::Timer => Pattern::Timer {
            period,
            phase: random.u64(0..10080),
        },
        _ => pattern(mix, trigger, daily, random),
    };
    let is_fan = matches!(pattern, Pattern::Daily { .. }) || trigger == Trigger::Orchestration;
    let seconds = lognormal(random, 0.68, 1.6).clamp(0.001, 300.0);
    let megabytes = lognormal(random, 150.0, 0.6);
    Spec {
        trigger,
        daily,
        pattern,
        rhythm: rhythm(mix, random),
        seconds,
        megabytes,
        is_fan,
    }
}

fn whole(minutes: u64) -> f64 {
    u32::try_from(minutes).map_or(f64::MAX, f64::from)
}

/// Between the points of the table, by logarithm.
fn rate(share: f64) -> f64 {
    let above = RATES
        .iter()
        .position(|(of, _)| *of >= share)
        .unwrap_or(RATES.len() - 1)
        .max(1);
    let ((from, low), (to, high)) = (RATES[above - 1], RATES[above]);
    low * (high / low).powf((share - from) / (to - from))
}

fn rhythm(mix: Mix, random: &mut Rng) -> Rhythm {
    let peak = 8.0 + 9.0 * random.f64();
    match mix {
        Mix::Flat => Rhythm {
            swing: 0.0,
            peak,
            weekend: 1.0,
        },
        Mix::Office => Rhythm {
            swing: 0.7 + 0.3 * random.f64(),
            peak,
            weekend: 0.02,
        },
        _ => Rhythm {
            swing: random.f64(),
            peak,
            weekend: choose(random, &[(1.0, 0.5), (0.6, 0.3), (0.1, 0.2)]),
        },
    }
}

fn pattern(mix: Mix, trigger: Trigger, daily: f64, random: &mut Rng) -> Pattern {
    let sessions = Pattern::Sessions {
        calls: 2.0 + 10.0 * random.f64(),
        gap: lognormal(random, 1.5, 1.0),
    };
    let minutes = 1.0 + 15.0 * random.f64();
    let bursts = Pattern::Bursts {
        minutes,
        calls: (minutes * lognormal(random, 3.0, 1.2)).clamp(2.0, daily.max(2.0)),
    };
    let polling = Pattern::Polling {
        jitter: 0.02 + 0.2 * random.f64(),
    };
    let job = Pattern::Daily {
        hour: 24.0 * random.f64(),
        jitter: lognormal(random, 4.0, 1.0),
        calls: 1.0 + daily.min(60.0),
    };
    let plain = Pattern::Independent;
    let of = |shares: &[(Pattern, f64)], random: &mut Rng| choose(random, shares);
    match (mix, trigger) {
        (Mix::Flat, _) => plain,
        (Mix::Bursty, _) => of(&[(sessions, 0.6), (bursts, 0.4)], random),
        (_, Trigger::Http) => of(&[(sessions, 0.45), (plain, 0.45), (polling, 0.1)], random),
        (_, Trigger::Queue) => of(&[(bursts, 0.5), (plain, 0.3), (polling, 0.2)], random),
        (_, Trigger::Event) => of(&[(bursts, 0.4), (plain, 0.6)], random),
        (_, Trigger::Orchestration) => of(&[(job, 0.4), (bursts, 0.6)], random),
        _ => of(&[(sessions, 0.5), (plain, 0.5)], random),
    }
}

/// Gives each trigger its share of calls, by the rates of its hot functions; timers are what they are.
fn scale(specs: &mut [Spec]) {
    let sum = |specs: &[Spec], trigger: Trigger, is_hot: bool| -> f64 {
        let of = specs
            .iter()
            .filter(|spec| spec.trigger == trigger && (spec.daily > HOT) == is_hot);
        of.map(|spec| spec.daily).sum()
    };
    let timers = sum(specs, Trigger::Timer, false);
    for (trigger, _, calls) in TRIGGERS {
        let wanted = timers * calls / 2.0 - sum(specs, trigger, false);
        let hot = sum(specs, trigger, true);
        for spec in specs
            .iter_mut()
            .filter(|spec| spec.trigger == trigger && spec.daily > HOT)
        {
            spec.daily = (spec.daily * wanted / hot).clamp(HOT, HOTTEST);
        }
    }
}

fn function(mix: Mix, spec: Spec, days: u64, random: &mut Rng) -> Function {
    let mut counts = counts(spec.pattern, spec.daily, spec.rhythm, days * 1440, random);
    if mix == Mix::Shift {
        change_half_way(&mut counts, spec, days, random);
    }
    let is_timer = spec.trigger == Trigger::Timer;
    let second = is_timer.then(|| random.u32(0..50));
    let how = Spread {
        second,
        within: if spec.is_fan { 5.0 } else { 60.0 },
        seconds: spec.seconds,
    };
    let minutes = counts.into_iter().zip(0..).filter(|(count, _)| *count > 0);
    let calls: Vec<Calls> = minutes
        .flat_map(|(count, minute)| spread(minute, count, how, random))
        .collect();
    let ticks = if is_timer { ticks(&calls) } else { Vec::new() };
    Function {
        trigger: spec.trigger,
        megabytes: spec.megabytes,
        seconds: spec.seconds,
        calls,
        ticks,
    }
}

/// A schedule knows its minute; the call comes a moment later.
fn ticks(calls: &[Calls]) -> Vec<Moment> {
    calls.iter().map(|calls| calls.at).collect()
}

fn change_half_way(counts: &mut [u32], spec: Spec, days: u64, random: &mut Rng) {
    let rhythm = Rhythm {
        peak: spec.rhythm.peak + 6.0 + 12.0 * random.f64(),
        ..spec.rhythm
    };
    let daily = (spec.daily * lognormal(random, 1.0, 1.0)).min(HOTTEST);
    let pattern = match spec.pattern {
        Pattern::Timer { period, phase } => Pattern::Timer {
            period,
            phase: phase + 17,
        },
        Pattern::Daily {
            hour,
            jitter,
            calls,
        } => Pattern::Daily {
            hour: (hour + 7.0) % 24.0,
            jitter,
            calls,
        },
        other => other,
    };
    let after = self::counts(pattern, daily, rhythm, days * 1440, random);
    let half = counts.len() / 2;
    counts[half..].copy_from_slice(&after[half..]);
}

/// The moment at which a trace of so many days ends.
pub(crate) fn end(days: u64) -> Moment {
    Moment(START + days * zygo_forecast::DAY)
}
