//! What is changed on one node is so on all.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{DEADLINE, three, wait_for_live, wait_for_state, wait_for_word};
use crate::auth::{ADMIN, call, key};
use crate::language::{Language, in_every_language};
use crate::platform::{Platform, say};
use crate::versions::saying;
use crate::wait::wait_until;

/// How many deployments are measured.
const MEASURED: usize = 60;

fn put(node: &Platform, path: &str, body: &Value) -> Value {
    node.put(path, body).expect(200).json()
}

/// What `zygo nodes` prints.
fn listed_by_command(node: &Platform) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_zygo"))
        .env_clear()
        .env("ZYGO_URL", format!("http://{}", node.address()))
        .args(["nodes", "--json"])
        .output()
        .expect("zygo runs");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

fn exposition(node: &Platform) -> String {
    node.get("/metrics/prometheus").expect(200).text()
}

#[test]
fn nodes_are_listed_and_one_that_ends_says_so() {
    let (_shared, mut nodes) = three(&[]);
    let list = nodes[1].get("/nodes").expect(200).json();
    let listed = list["nodes"].as_array().expect("a list");
    assert_eq!(
        listed.iter().filter(|node| node["leads"] == true).count(),
        1
    );
    assert!(
        listed.iter().any(|node| node["id"] == list["node"]),
        "{list}"
    );
    let told = listed_by_command(&nodes[1]);
    let ids = |list: &Value| {
        list["nodes"].as_array().map(|nodes| {
            nodes
                .iter()
                .map(|node| node["id"].clone())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(
        (ids(&told), &told["node"]),
        (ids(&list), &list["node"]),
        "as the API lists them"
    );
    let shown = exposition(&nodes[1]);
    for sample in ["zygo_nodes_live 3.0", "zygo_node_connected 1.0"] {
        assert!(shown.contains(sample), "{sample}: {shown}");
    }
    let leads = nodes
        .iter()
        .filter(|node| exposition(node).contains("zygo_node_leads 1.0"));
    assert_eq!(leads.count(), 1);
    nodes[2].stop();
    let list = nodes[1].get("/nodes").expect(200).json();
    assert_eq!(list["nodes"].as_array().map(Vec::len), Some(2), "{list}");
    super::kill(&mut nodes[0]);
    wait_for_live(&nodes[1], 1);
    wait_for_state(&nodes[1], "/nodes", "a node that leads", |list| {
        let nodes = list["nodes"].as_array().expect("a list");
        let own = nodes.iter().find(|node| node["id"] == list["node"]);
        own.is_some_and(|own| own["leads"] == true)
    });
}

#[test]
fn every_change_of_a_function_reaches_every_node() {
    let (_shared, nodes) = three(&[]);
    in_every_language(|language| {
        let function = nodes[0].deploy(language, &saying(language, "one"), &json!({}));
        let path = format!("/functions/{function}");
        for node in &nodes {
            wait_for_word(node, &function, "one");
        }
        // Each word from another node.
        for (from, word) in ["two", "three"].into_iter().enumerate() {
            let node = &nodes[(from + 1) % 3];
            put(node, &path, &json!({"code": saying(language, word)}));
            for node in &nodes {
                wait_for_word(node, &function, word);
            }
        }
        let back = nodes[1].post(&format!("{path}/rollback"), &json!({"version": 1}));
        back.expect(200);
        put(
            &nodes[2],
            &format!("{path}/aliases/live"),
            &json!({"version": 2}),
        );
        for node in &nodes {
            wait_for_word(node, &function, "one");
            wait_for_state(node, &format!("{path}/aliases"), "an alias", |list| {
                list["aliases"][0]["name"] == "live" && list["aliases"][0]["version"] == 2
            });
        }
        put(
            &nodes[0],
            &format!("{path}/rollout"),
            &json!({"version": 3, "percent": 10}),
        );
        wait_for_state(&nodes[1], &format!("{path}/rollout"), "a rollout", |_| true);
        nodes[1].delete(&format!("{path}/rollout")).expect(200);
        nodes[1].delete(&format!("{path}/aliases/live")).expect(200);
        for node in &nodes {
            wait_until("no rollout and no alias", DEADLINE, || {
                let aliases = node.get(&format!("{path}/aliases")).expect(200).json();
                node.get(&format!("{path}/rollout")).status == 404
                    && aliases["aliases"].as_array().is_some_and(Vec::is_empty)
            });
        }
        put(
            &nodes[2],
            &path,
            &json!({"triggers": [{"type": "http", "config": {"path": format!("/on/{function}")}}]}),
        );
        for node in &nodes {
            wait_until("a path", DEADLINE, || {
                node.get(&format!("/on/{function}")).status == 200
            });
        }
        nodes[0].delete(&path).expect(200);
        for node in &nodes {
            wait_until("nothing", DEADLINE, || {
                node.get(&path).status == 404 && node.get(&format!("/on/{function}")).status == 404
            });
        }
    });
}

#[test]
fn keys_and_rules_of_alerts_hold_on_every_node() {
    let (_shared, nodes) = three(&[("ZYGO_ADMIN_KEY", ADMIN)]);
    let admin = Some(ADMIN);
    let made = key(&nodes[0], "read", None);
    for node in &nodes {
        wait_until("a key that opens", DEADLINE, || {
            call(node, "GET", "/whoami", Some(&made), &json!({})).status == 200
        });
    }
    let keys = call(&nodes[1], "GET", "/keys", admin, &json!({}))
        .expect(200)
        .json();
    let id = keys["keys"][0]["id"].as_str().expect("an id").to_owned();
    call(
        &nodes[1],
        "DELETE",
        &format!("/keys/{id}"),
        admin,
        &json!({}),
    )
    .expect(200);
    for node in &nodes {
        wait_until("a key that opens nothing", DEADLINE, || {
            call(node, "GET", "/whoami", Some(&made), &json!({})).status == 401
        });
    }
    let rules = json!({"errorRate": {"enabled": false}});
    call(&nodes[2], "PUT", "/alerts/rules", admin, &rules).expect(200);
    for node in &nodes {
        wait_until("rules", DEADLINE, || {
            let rules = call(node, "GET", "/alerts/rules", admin, &json!({})).expect(200);
            rules.json()["rules"]["errorRate"]["enabled"] == false
        });
    }
}

/// Prints how long it takes from the answer to whoever deploys until a node serves the new version.
#[test]
fn a_deployment_reaches_every_node_soon() {
    let _turn = crate::turn::take();
    let (_shared, nodes) = three(&[]);
    let function = nodes[0].deploy(Language::Python, &saying(Language::Python, "0"), &json!({}));
    for node in &nodes {
        wait_for_word(node, &function, "0");
    }
    let mut took: Vec<Duration> = Vec::new();
    for number in 1..=MEASURED {
        let code = saying(Language::Python, &number.to_string());
        put(
            &nodes[number % 3],
            &format!("/functions/{function}"),
            &json!({ "code": code }),
        );
        let answered = Instant::now();
        for other in [1, 2] {
            let node = &nodes[(number + other) % 3];
            wait_for_word(node, &function, &number.to_string());
        }
        took.push(answered.elapsed());
    }
    took.sort();
    let at = |part: usize| took[(MEASURED * part / 100).min(MEASURED - 1)];
    let (half, most, last) = (at(50), at(99), took[MEASURED - 1]);
    say(&format!(
        "from the answer until both others serve it, {MEASURED} times: p50 {half:?}, p99 {most:?}, most {last:?}"
    ));
    assert_eq!(nodes[1].show(&function)["version"], MEASURED + 1);
}
