//! Two nodes that want one thing at once: one gets it, the other one is told, and all agree.

use std::sync::Barrier;

use serde_json::{Value, json};

use super::{three, wait_for_state};
use crate::client::Answer;
use crate::language::Language;
use crate::platform::{Platform, unique_name};
use crate::versions::saying;

const ROUNDS: usize = 8;

/// Sends a request to each of two nodes at the same time.
fn both(nodes: &[Platform], send: impl Fn(usize, &Platform) -> Answer + Sync) -> [Answer; 2] {
    let barrier = Barrier::new(2);
    let at = |number: usize| {
        barrier.wait();
        send(number, &nodes[number])
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| at(0));
        let second = at(1);
        [first.join().expect("an answer"), second]
    })
}

/// The codes of those that were refused.
fn refused(answers: &[Answer], is_good: u16) -> Vec<String> {
    let bad = answers.iter().filter(|answer| answer.status != is_good);
    bad.map(|answer| answer.problem(409)).collect()
}

#[test]
fn a_name_and_a_path_have_one_function_on_all_nodes() {
    let (_shared, nodes) = three(&[]);
    for round in 0..ROUNDS {
        let name = unique_name();
        let answers = both(&nodes, |number, node| {
            let code = saying(Language::Python, &format!("{round}-{number}"));
            node.try_deploy(&name, "python", &json!({ "code": code }))
        });
        assert_eq!(refused(&answers, 201), ["name_taken"]);
        let made = answers.iter().find(|answer| answer.status == 201);
        let id = made.expect("one").json()["function"]["id"].take();
        for node in &nodes {
            wait_for_state(node, &format!("/functions/{name}"), "the one", |shown| {
                shown["function"]["id"] == id
            });
        }
        let path = format!("/path-{round}/:id");
        let trigger = json!([{"type": "http", "config": {"path": path}}]);
        let answers = both(&nodes, |_, node| {
            let code = saying(Language::Python, "path");
            let settings = json!({"code": code, "triggers": trigger});
            node.try_deploy(&unique_name(), "python", &settings)
        });
        assert_eq!(refused(&answers, 201), ["route_taken"]);
    }
}

#[test]
fn no_version_of_a_function_is_lost_when_two_nodes_deploy_at_once() {
    let (_shared, nodes) = three(&[]);
    let function = nodes[0].deploy(
        Language::Python,
        &saying(Language::Python, "one"),
        &json!({}),
    );
    let path = format!("/functions/{function}");
    wait_for_state(&nodes[1], &path, "the function", |_| true);
    let mut acknowledged = 1;
    for round in 0..ROUNDS {
        // Each sets another variable: whoever goes second must not undo what the first has done.
        let name = |number: usize| format!("VALUE_{round}_{number}");
        let answers = both(&nodes, |number, node| {
            node.put(
                &format!("{path}/environment/{}", name(number)),
                &json!({"value": "x"}),
            )
        });
        let lost = refused(&answers, 200);
        assert!(
            lost.len() <= 1 && lost.iter().all(|code| code == "deployment_under_way"),
            "{lost:?}"
        );
        acknowledged += 2 - lost.len();
        let set: Vec<String> = (0..2)
            .filter(|number| answers[*number].status == 200)
            .map(name)
            .collect();
        for node in &nodes {
            wait_for_state(
                node,
                &format!("{path}/environment"),
                "the variables",
                |list: &Value| {
                    let text = list.to_string();
                    set.iter().all(|name| text.contains(&format!("{name}\"")))
                },
            );
        }
    }
    for node in &nodes {
        wait_for_state(node, &path, "as many versions", |shown| {
            shown["function"]["version"] == acknowledged
        });
    }
}
