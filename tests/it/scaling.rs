//! Instances that are ready before anybody asks, those that go when nobody will, and why.

mod ends;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::language::{LANGUAGES, Language, in_every_language};
use crate::platform::Platform;
use crate::wait::wait_for;

/// Figures are taken over ten seconds, and begin to count after a few.
const DEADLINE: Duration = Duration::from_secs(120);

fn deploy(platform: &Platform, language: Language, settings: &Value) -> String {
    platform.deploy(language, &language.handler("identity"), settings)
}

fn scaling(platform: &Platform, function: &str) -> Value {
    let path = format!("/functions/{function}/scaling");
    platform.get(&path).expect(200).json()
}

/// How a function is scaled, once it says so.
fn scaled(
    platform: &Platform,
    function: &str,
    what: &str,
    holds: impl Fn(&Value) -> bool,
) -> Value {
    wait_for(what, DEADLINE, || {
        Some(scaling(platform, function)).filter(|state| holds(state))
    })
}

/// The newest decision with this cause.
fn decision(state: &Value, cause: &str) -> Option<Value> {
    let all = state["decisions"].as_array().expect("a list");
    all.iter()
        .find(|decision| decision["cause"] == cause)
        .cloned()
}

fn start_kind(platform: &Platform, function: &str) -> String {
    let envelope = platform.invoke(function, &json!({})).expect(200).json();
    envelope["startKind"]
        .as_str()
        .expect("a start kind")
        .to_owned()
}

/// Calls without a pause, from so many callers, until told to stop.
fn keep_busy<T>(
    platform: &Platform,
    functions: &[String],
    callers: usize,
    meanwhile: impl FnOnce() -> T,
) -> T {
    let is_over = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        for function in functions
            .iter()
            .flat_map(|function| vec![function; callers])
        {
            let client = platform.another();
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    // So long that what lies between two calls hardly counts.
                    client.invoke(function, &json!({"ms": 800}));
                }
            });
        }
        let end = EndsIt(is_over);
        let done = meanwhile();
        drop(end);
        done
    })
}

/// A schedule that ticks in so many seconds, and each minute after that.
fn in_seconds(seconds: i8) -> String {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    format!("{} * * * * *", (now.second() + seconds) % 60)
}

/// Ends the load even when what happens meanwhile fails.
struct EndsIt<'a>(&'a AtomicBool);

impl Drop for EndsIt<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn load_makes_more_instances_ready_than_it_needs_and_its_end_lets_them_go() {
    let platform = Platform::start(&[("ZYGO_SCALING_IDLE_MIN_MS", "1000")]);
    let settings = json!({"scaling": {"cooldownPeriod": 1_000}});
    let functions = LANGUAGES.map(|language| deploy(&platform, language, &settings));
    keep_busy(&platform, &functions, 2, || {
        for function in &functions {
            let state = scaled(&platform, function, "a third instance", |state| {
                state["ready"] == 3 && state["instances"]["parked"] == 1
            });
            let why = decision(&state, "utilization").expect("a reason");
            assert!(
                why["reason"]
                    .as_str()
                    .expect("a text")
                    .contains("time was used"),
                "{why}"
            );
            assert!(
                state["load"]["busyInstances"].as_f64() > Some(1.0),
                "{state}"
            );
            let kind = start_kind(&platform, function);
            assert!(
                ["parked", "warm"].contains(&kind.as_str()),
                "{kind}: one was ready"
            );
        }
    });
    for function in &functions {
        let state = scaled(&platform, function, "nothing that is kept ready", |state| {
            state["ready"] == 0
        });
        assert!(decision(&state, "calm").is_some(), "{state}");
    }
}

#[test]
fn who_always_finds_a_cold_start_finds_an_instance_soon() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language, &json!({"isolation": "request"}));
        for _ in 0..12 {
            assert_ne!(start_kind(&platform, &function), "warm");
        }
        let state = scaled(&platform, &function, "a parked instance", |state| {
            state["instances"]["parked"].as_u64() >= Some(1)
        });
        let why = decision(&state, "coldStarts").expect("a reason");
        let reason = why["reason"].as_str().expect("a text");
        // Ten are enough, and they may be looked at between two of them.
        let is_told =
            |count: u32| reason.contains(&format!(" {count} invocations had a cold start"));
        assert!((10..=12).any(is_told), "{why}");
        assert_eq!(start_kind(&platform, &function), "parked");
    });
}

#[test]
fn a_schedule_finds_an_instance_that_waits_for_it() {
    let platform = Platform::start(&[("ZYGO_SCALING_LEAD_MS", "5000")]);
    in_every_language(|language| {
        let config = json!({"schedule": in_seconds(15)});
        let function = deploy(
            &platform,
            language,
            &json!({"triggers": [{"type": "cron", "config": config}]}),
        );
        let state = scaled(&platform, &function, "a parked instance", |state| {
            state["instances"]["parked"] == 1
        });
        let why = decision(&state, "forecast").expect("a reason");
        assert_eq!(why["reason"], "due by its schedule", "{state}");
        let path = format!("/functions/{function}/invocations");
        let first = wait_for("the tick's invocation", DEADLINE, || {
            let page = platform.get(&path).expect(200).json();
            page["invocations"].get(0).cloned()
        });
        assert_eq!(
            (&first["trigger"], &first["startKind"]),
            (&json!("cron"), &json!("parked")),
            "{first}"
        );
    });
}

#[test]
fn warming_by_schedule_keeps_instances_for_its_time() {
    let platform = Platform::start(&[("ZYGO_SCALING_IDLE_MIN_MS", "1000")]);
    in_every_language(|language| {
        let warming = json!({"schedule": in_seconds(4), "timezone": "Europe/Berlin", "duration": 8_000,
                             "minInstances": 3});
        let function = deploy(
            &platform,
            language,
            &json!({"scaling": {"scheduled": [warming]}}),
        );
        let state = scaled(&platform, &function, "three instances", |state| {
            state["instances"]["parked"] == 3
        });
        assert_eq!(
            (&state["ready"], &state["cause"]),
            (&json!(3), &json!("scheduled"))
        );
        scaled(&platform, &function, "no instance", |state| {
            state["instances"]["live"] == 0
        });
        platform
            .delete(&format!("/functions/{function}"))
            .expect(200);
    });
}

#[test]
fn presets_say_what_the_function_does_not() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(
            &platform,
            language,
            &json!({"scaling": {"preset": "performance", "maxInstances": 5}}),
        );
        let settings = scaling(&platform, &function)["settings"].clone();
        let expected = json!({"preset": "performance", "minInstances": 2, "maxInstances": 5, "parked": 0,
                              "scaleUpThreshold": 0.5, "scaleDownThreshold": 0.3, "cooldownPeriod": 60_000});
        assert_eq!(settings, expected);
        scaled(&platform, &function, "two instances", |state| {
            state["instances"]["live"] == 2
        });
        let cost = json!({"scaling": {"preset": "cost"}});
        platform
            .put(&format!("/functions/{function}"), &cost)
            .expect(200);
        let state = scaled(&platform, &function, "nothing that is kept", |state| {
            state["ready"] == 0
        });
        let settings = &state["settings"];
        assert_eq!(
            (&settings["maxInstances"], &settings["cooldownPeriod"]),
            (&json!(10), &json!(30_000))
        );
    });
}

#[test]
fn what_was_learned_is_there_after_a_restart() {
    let mut platform = Platform::start(&[]);
    let functions = LANGUAGES.map(|language| deploy(&platform, language, &json!({})));
    let keeps = |platform: &Platform, function: &str| {
        let state = scaled(platform, function, "a plan", |state| {
            state["forecast"].is_object()
        });
        (
            state["forecast"]["reason"].clone(),
            state["forecast"]["keepUntil"].clone(),
        )
    };
    for function in &functions {
        assert_eq!(keeps(&platform, function).0, "no call expected soon enough");
        start_kind(&platform, function);
        scaled(&platform, function, "the call", |state| {
            state["load"]["callsPerSecond"] != 0.0
        });
    }
    let before: Vec<_> = functions
        .iter()
        .map(|function| keeps(&platform, function))
        .collect();
    platform.stop();
    let platform = Platform::start_on(platform.data(), &[]);
    for (function, (reason, until)) in functions.iter().zip(before) {
        assert_eq!(reason, "called a moment ago");
        assert_eq!(keeps(&platform, function), (reason, until));
    }
}
