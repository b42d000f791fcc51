//! Schedules: each tick fires once, across restarts, and whatever the function does.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::queue::{BREAKER, DEADLINE, deploy, given, set_breaker, wait_for_status};
use crate::wait::{wait_for, wait_until};

/// A function that is run each second.
fn each_second(platform: &Platform, language: Language, more: Value) -> String {
    let mut config = json!({"schedule": "* * * * * *"});
    config
        .as_object_mut()
        .expect("an object")
        .extend(more.as_object().expect("an object").clone());
    deploy(
        platform,
        language,
        &json!({"triggers": [{"type": "cron", "config": config}]}),
    )
}

/// A tick that a function was run for, and the invocation.
type Tick = (String, String);

/// The ticks that a function was run for, once there are so many. An invocation that was cut off is run again, for the same
/// tick.
fn ticks(platform: &Platform, function: &str, count: usize) -> BTreeSet<Tick> {
    let path = format!("/functions/{function}/logs?q=given&limit=1000");
    wait_for("ticks", DEADLINE, || {
        let page = platform.get(&path).expect(200).json();
        let tick = |line: &Value| {
            let text = line["message"].as_str()?.strip_prefix("given ")?;
            let given: Value = serde_json::from_str(text).ok()?;
            let request = line["requestId"].as_str()?.to_owned();
            Some((given["scheduled"].as_str()?.to_owned(), request))
        };
        let lines = page["logs"].as_array().expect("a list").iter();
        let ticks: BTreeSet<Tick> = lines.filter_map(tick).collect();
        (ticks.len() >= count).then_some(ticks)
    })
}

#[track_caller]
fn assert_no_tick_fired_twice(ticks: &BTreeSet<Tick>) {
    let once: BTreeSet<&String> = ticks.iter().map(|(tick, _)| tick).collect();
    assert_eq!(once.len(), ticks.len(), "{ticks:?}");
    assert!(once.iter().all(|tick| tick.ends_with(".000Z")));
}

#[test]
fn each_tick_fires_once_and_goes_on_after_a_restart() {
    in_every_language(|language| {
        let mut platform = Platform::start(&[]);
        let function = each_second(&platform, language, json!({}));
        ticks(&platform, &function, 2);
        processes::kill(platform.pid());
        platform.wait_for_end();
        platform.assert_nothing_left();
        platform = Platform::start_on(platform.data(), &[]);
        let before = ticks(&platform, &function, 1).len();
        let all = ticks(&platform, &function, before + 2);
        assert_no_tick_fired_twice(&all);
        let path = format!("/functions/{function}/invocations");
        let records = wait_for("records", DEADLINE, || {
            let page = platform.get(&path).expect(200).json();
            let records = page["invocations"].as_array().expect("a list").clone();
            (!records.is_empty()).then_some(records)
        });
        assert!(
            records.iter().all(|record| record["trigger"] == "cron"),
            "{records:?}"
        );
    });
}

#[test]
fn schedules_are_listed_with_their_next_ticks_and_fired_by_hand() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let triggers = json!([
            {"type": "event", "config": {"eventType": "never"}},
            {"type": "cron", "config": {"schedule": "0 3 29 2 *", "timezone": "Europe/Berlin", "data": {"number": 4}}},
        ]);
        let function = deploy(&platform, language, &json!({ "triggers": triggers }));
        let path = format!("/functions/{function}/triggers");
        let list = platform.get(&path).expect(200).json();
        assert_eq!(list["triggers"][0]["type"], "event");
        let next = list["triggers"][1]["nextRuns"]
            .as_array()
            .expect("a list")
            .clone();
        assert_eq!(next.len(), 5);
        assert!(next.iter().all(|run| {
            run.as_str()
                .is_some_and(|run| run.contains("-02-29T02:00:00"))
        }));
        let fired = platform
            .post(&format!("{path}/1/fire"), &json!({}))
            .expect(202)
            .json();
        let id = fired["requestId"].as_str().expect("an id");
        assert_eq!(
            wait_for_status(&platform, id, "succeeded")["trigger"],
            "cron"
        );
        assert_eq!(given(&platform, &function, 1)[0]["given"]["number"], 4);
        for wrong in ["0", "7"] {
            let answer = platform.post(&format!("{path}/{wrong}/fire"), &json!({}));
            assert_eq!(answer.problem(404), "trigger_not_found");
        }
    });
}

#[test]
fn what_overlaps_is_skipped_queued_or_allowed() {
    let platform = Platform::start(&BREAKER);
    let open = |function: &str| {
        let path = format!("/functions/{function}/queue");
        let queue = platform.get(&path).expect(200).json();
        ["pending", "held", "running"].map(|state| queue[state].as_u64().expect("a number"))
    };
    let [skips, queues, allows] = ["skip", "queue", "allow"].map(|overlap| {
        let function = each_second(&platform, Language::Ruby, json!({ "overlap": overlap }));
        set_breaker(&platform, &function, "open");
        function
    });
    // Nothing of any of them can run, and ticks go on.
    wait_until("ticks that overlap", DEADLINE, || {
        open(&allows).iter().sum::<u64>() >= 4 && open(&queues).iter().sum::<u64>() >= 4
    });
    assert_eq!(open(&skips).iter().sum::<u64>(), 1);
    let [pending, held, running] = open(&queues);
    assert!(
        pending + running == 1 && held >= 3,
        "{pending} {held} {running}"
    );
    assert_eq!(open(&allows)[1], 0);
    for function in [&skips, &queues, &allows] {
        set_breaker(&platform, function, "closed");
    }
    assert_no_tick_fired_twice(&ticks(&platform, &queues, 4));
}

#[test]
fn what_is_no_schedule_is_refused_with_its_place() {
    let platform = Platform::shared();
    for (config, field) in [
        (json!({}), "schedule"),
        (json!({"schedule": "now and then"}), "schedule"),
        (json!({"schedule": "0 0 30 2 *"}), "schedule"),
        (
            json!({"schedule": "* * * * *", "timezone": "Nowhere"}),
            "timezone",
        ),
        (
            json!({"schedule": "* * * * *", "overlap": "perhaps"}),
            "overlap",
        ),
        (json!({"schedule": "* * * * *", "every": 1}), "every"),
    ] {
        let triggers = json!([{"type": "cron", "config": config}]);
        let more = json!({"code": "def handler(event, context): return 1", "triggers": triggers});
        let answer = platform.try_deploy("refused-schedule", "python", &more);
        assert_eq!(answer.problem(422), "invalid_function", "{config}");
        assert_eq!(
            answer.json()["pointer"],
            format!("/triggers/0/config/{field}")
        );
    }
}
