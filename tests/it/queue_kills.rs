//! A platform that is killed while it accepts and runs what nobody waits for: nothing that was accepted is lost.
//! `ZYGO_QUEUE_COUNT` makes the run longer.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::client::Client;
use crate::language::Language;
use crate::platform::Platform;
use crate::processes;
use crate::queue::{DEADLINE, QUICK, deploy, wait_for_status_until};
use crate::wait::wait_until;

/// How many invocations, of which one in twenty fails for ever.
const COUNT: u64 = 2_000;
/// On PostgreSQL a platform that is gone keeps what it ran for a lease more.
const RECOVERY: Duration = DEADLINE.saturating_add(Duration::from_secs(40));
const SENDERS: usize = 8;

/// Sends invocations until all have been accepted, whatever becomes of the platform; ids of those that were.
fn send_all(count: u64, address: &Mutex<String>, function: &str, stop: &AtomicBool) -> Vec<String> {
    let accepted = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for sender in (0..count).take(SENDERS) {
            let accepted = &accepted;
            scope.spawn(move || {
                for number in (sender..count).step_by(SENDERS) {
                    let failures = if number % 20 == 0 { 99 } else { 0 };
                    let body = json!({"number": number, "failures": failures});
                    while !stop.load(Ordering::Relaxed) {
                        let client = Client::new(&address.lock().expect("unbroken").clone());
                        let path = format!("/functions/{function}/invoke");
                        let headers = [("x-zygo-invocation", "event")];
                        let answer = client.try_request_with("POST", &path, &headers, &body);
                        if let Some(answer) = answer.filter(|answer| answer.status == 202) {
                            let id = answer.json()["requestId"]
                                .as_str()
                                .expect("an id")
                                .to_owned();
                            accepted.lock().expect("unbroken").push(id);
                            break;
                        }
                    }
                }
            });
        }
    });
    accepted.into_inner().expect("unbroken")
}

#[test]
fn nothing_that_was_accepted_is_lost_when_the_platform_is_killed() {
    let _turn = crate::turn::take();
    let count =
        std::env::var("ZYGO_QUEUE_COUNT").map_or(COUNT, |count| count.parse().expect("a number"));
    let settings = [QUICK, ("ZYGO_EVENTS_CONCURRENCY", "4")];
    let mut platform = Platform::start(&settings);
    let function = deploy(&platform, Language::Python, &json!({}));
    let (address, stop) = (
        Mutex::new(platform.address().to_owned()),
        AtomicBool::new(false),
    );
    let ids = std::thread::scope(|scope| {
        let sending = scope.spawn(|| send_all(count, &address, &function, &stop));
        for _ in 0..3 {
            let path = format!("/functions/{function}/queue");
            wait_until("something that runs", DEADLINE, || {
                let answer = platform.get(&path).json();
                answer["running"].as_u64() > Some(0) || sending.is_finished()
            });
            platform.get("/readyz").expect(200);
            processes::kill(platform.pid());
            platform.wait_for_end();
            platform.assert_nothing_left();
            platform = Platform::start_on(platform.data(), &settings);
            *address.lock().expect("unbroken") = platform.address().to_owned();
        }
        sending.join().expect("all were sent")
    });
    assert!(ids.len() as u64 >= count, "{}", ids.len());
    wait_until(
        "an empty queue",
        Duration::from_secs(120 + count / 50),
        || {
            let queue = platform
                .get(&format!("/functions/{function}/queue"))
                .expect(200)
                .json();
            queue["pending"] == 0 && queue["running"] == 0
        },
    );
    let mut ends = [0, 0];
    for id in &ids {
        let state = platform
            .get(&format!("/invocations/{id}"))
            .expect(200)
            .json();
        match state["status"].as_str() {
            Some("succeeded") => ends[0] += 1,
            Some("dead") => ends[1] += 1,
            other => panic!("{id} is lost: {other:?} {state}"),
        }
    }
    assert_eq!(ends[0] + ends[1], ids.len());
    assert!(ends[1] as u64 >= count / 20, "{ends:?}");
}

#[test]
fn a_kill_at_any_step_leaves_what_was_accepted() {
    let steps = [
        // Where it ends, and whether the invocation is known afterwards.
        ("queue::committing", false),
        ("queue::committed", true),
        ("queue::attempted", true),
    ];
    for (step, is_known) in steps {
        let mut platform = Platform::start(&[]);
        let function = deploy(&platform, Language::Ruby, &json!({}));
        platform.stop();
        let failing = format!("{step}=abort");
        platform = Platform::start_on(platform.data(), &[("ZYGO_FAILPOINTS", &failing)]);
        // A language that is still being started outlives the platform by a moment.
        platform.get("/readyz").expect(200);
        let path = format!("/functions/{function}/invoke");
        let headers = [("x-zygo-invocation", "event"), ("x-request-id", "step-1")];
        let answer = platform.try_request_with("POST", &path, &headers, &json!({"number": 1}));
        let is_accepted = answer.is_some_and(|answer| answer.status == 202);
        assert_eq!(is_accepted, step == "queue::attempted", "{step}");
        platform.wait_for_end();
        platform.assert_nothing_left();
        platform = Platform::start_on(platform.data(), &[]);
        match is_known {
            true => {
                let state = wait_for_status_until(&platform, "step-1", "succeeded", RECOVERY);
                assert_eq!(state["attempts"], 1, "{step}");
            }
            false => {
                let state = platform.get("/invocations/step-1");
                assert_eq!(state.problem(404), "invocation_not_found", "{step}");
            }
        }
    }
}
