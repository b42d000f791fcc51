//! Any node is killed while all of them work: what was acknowledged is there, and what was accepted is done.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{
    DEADLINE, SLEEPER, Shared, kill, three, wait_for_function, wait_for_live, wait_for_state,
};
use crate::client::Client;
use crate::language::Language;
use crate::platform::Platform;
use crate::queue::{deploy, invoke_later, queued, wait_for_status_until};
use crate::versions::saying;
use crate::wait::{wait_for, wait_until};

/// How much is accepted, at least, before each kill.
const BETWEEN_KILLS: usize = 150;
/// Ticks that are looked at on each side of a kill.
const TICKS: i64 = 3;

/// Where nodes listen now.
type Addresses = [Mutex<String>; 3];

fn client(addresses: &Addresses, number: usize) -> Client {
    let address = addresses[number % 3].lock().expect("unbroken").clone();
    Client::new(&address)
}

/// Sends invocations that nobody waits for, each to the next node; ids of those that were accepted.
fn send(
    addresses: &Addresses,
    function: &str,
    count: &AtomicUsize,
    stop: &AtomicBool,
) -> Vec<String> {
    let mut accepted = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let path = format!("/functions/{function}/invoke");
        let headers = [("x-zygo-invocation", "event")];
        let body = json!({"number": number, "failures": if number % 20 == 0 { 99 } else { 0 }});
        let answer = client(addresses, number).try_request_with("POST", &path, &headers, &body);
        if let Some(answer) = answer.filter(|answer| answer.status == 202) {
            accepted.push(
                answer.json()["requestId"]
                    .as_str()
                    .expect("an id")
                    .to_owned(),
            );
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
    accepted
}

/// Deploys functions and versions of them, each on the next node; the last version of each that was acknowledged.
fn deploy_more(addresses: &Addresses, stop: &AtomicBool) -> BTreeMap<String, i64> {
    let mut acknowledged = BTreeMap::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("made-{}", number / 4);
        let code = saying(Language::Python, &format!("{number}"));
        let (method, path) = match acknowledged.contains_key(&name) {
            false => ("POST", "/functions".to_owned()),
            true => ("PUT", format!("/functions/{name}")),
        };
        let body = json!({"name": name, "runtime": "python", "code": code});
        let answer = client(addresses, number).try_request(method, &path, &body);
        if let Some(answer) = answer.filter(|answer| [200, 201].contains(&answer.status)) {
            let version = answer.json()["function"]["version"].as_i64();
            acknowledged.insert(name, version.expect("a number"));
        }
    }
    acknowledged
}

/// Kills each node once, when enough was accepted since the last time, and starts it again.
fn kill_each(
    shared: &Shared,
    nodes: &mut [Platform; 3],
    addresses: &Addresses,
    count: &AtomicUsize,
) {
    for number in 0..3 {
        let before = count.load(Ordering::Relaxed);
        wait_until("more that is accepted", DEADLINE, || {
            count.load(Ordering::Relaxed) >= before + BETWEEN_KILLS
        });
        kill(&mut nodes[number]);
        nodes[number] = shared.restart(&nodes[number]);
        *addresses[number].lock().expect("unbroken") = nodes[number].address().to_owned();
    }
}

#[test]
fn what_was_acknowledged_outlives_the_kill_of_any_node() {
    let _turn = crate::turn::take();
    let (shared, mut nodes) = three(&[("ZYGO_EVENTS_CONCURRENCY", "4")]);
    let function = deploy(&nodes[0], Language::Python, &json!({}));
    wait_for_function(&nodes, &function);
    let addresses = [0, 1, 2].map(|number| Mutex::new(nodes[number].address().to_owned()));
    let (count, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sent, deployed) = std::thread::scope(|scope| {
        let sending = [(); 2].map(|()| scope.spawn(|| send(&addresses, &function, &count, &stop)));
        let deploying = scope.spawn(|| deploy_more(&addresses, &stop));
        kill_each(&shared, &mut nodes, &addresses, &count);
        stop.store(true, Ordering::Relaxed);
        let sent = sending.map(|sending| sending.join().expect("ids"));
        (sent.concat(), deploying.join().expect("names"))
    });
    assert!(
        sent.len() >= 3 * BETWEEN_KILLS && !deployed.is_empty(),
        "{}",
        sent.len()
    );
    let path = format!("/functions/{function}/queue");
    let is_empty = |queue: &Value| queue["pending"] == 0 && queue["running"] == 0;
    wait_for_state(&nodes[1], &path, "an empty queue", is_empty);
    for (number, id) in sent.iter().enumerate() {
        let state = nodes[number % 3]
            .get(&format!("/invocations/{id}"))
            .expect(200)
            .json();
        let status = state["status"].as_str().unwrap_or_default();
        assert!(
            ["succeeded", "dead"].contains(&status),
            "{id} is lost: {state}"
        );
    }
    for node in &nodes {
        for (name, version) in &deployed {
            wait_for_state(node, &format!("/functions/{name}"), name, |shown| {
                shown["function"]["version"].as_i64() >= Some(*version)
            });
        }
    }
}

#[test]
fn what_a_killed_node_ran_is_run_by_another_one_within_a_lease() {
    let (_shared, mut nodes) = three(&[]);
    let function = nodes[0].deploy(Language::Python, SLEEPER, &json!({}));
    wait_for_function(&nodes, &function);
    // Whoever accepts something runs it, unless it has enough to do.
    let id = queued(&nodes[0], &function, &json!({"seconds": 3}));
    wait_for_status_until(&nodes[1], &id, "running", DEADLINE);
    kill(&mut nodes[0]);
    let state = wait_for_status_until(&nodes[2], &id, "succeeded", DEADLINE);
    assert_eq!(
        state["attempts"], 1,
        "the attempt that was cut off is none: {state}"
    );
    // What waits for its next attempt at a node that is killed is tried by another one, too.
    let answer = invoke_later(&nodes[1], &function, &json!({"seconds": "none"}))
        .expect(202)
        .json();
    let id = answer["requestId"].as_str().expect("an id");
    wait_for("an attempt", DEADLINE, || {
        let state = nodes[2]
            .get(&format!("/invocations/{id}"))
            .expect(200)
            .json();
        (state["attempts"].as_u64() > Some(0)).then_some(())
    });
    kill(&mut nodes[1]);
    wait_for_status_until(&nodes[2], id, "dead", DEADLINE);
    wait_for_live(&nodes[2], 1);
}

/// Ticks that fired, and how many there were from the first to the last: a tick is fired in the second that it is for.
fn ticks(shared: &Shared) -> (i64, i64) {
    let statement = "SELECT COUNT(*), COUNT(DISTINCT created_unix_ms / 1000), \
                     COALESCE(MAX(created_unix_ms) / 1000 - MIN(created_unix_ms) / 1000 + 1, 0) \
                     FROM deliveries WHERE kind = 'cron'";
    let [fired, seconds, all] = shared.numbers(statement)[..] else {
        panic!("three numbers");
    };
    assert!(
        fired <= all,
        "{fired} ticks fired in {all} s, of which {seconds} differ"
    );
    (fired, all)
}

#[test]
fn a_tick_fires_once_over_all_nodes_whoever_is_killed() {
    let (shared, mut nodes) = three(&[]);
    let trigger = json!([{"type": "cron", "config": {"schedule": "* * * * * *"}}]);
    let function = nodes[0].deploy(
        Language::Ruby,
        &Language::Ruby.handler("deliveries"),
        &json!({"triggers": trigger}),
    );
    wait_for_function(&nodes, &function);
    for node in &mut nodes {
        let before = ticks(&shared).0;
        wait_until("ticks", DEADLINE, || ticks(&shared).0 >= before + TICKS);
        kill(node);
        wait_until("ticks without it", DEADLINE, || {
            ticks(&shared).0 >= before + 2 * TICKS
        });
        *node = shared.restart(node);
    }
    let (fired, all) = ticks(&shared);
    assert_eq!(fired, all, "none was left out");
    let path = format!("/functions/{function}/dead-letters");
    let letters = nodes[1].get(&path).expect(200).json();
    assert_eq!(letters["deadLetters"], json!([]));
}
