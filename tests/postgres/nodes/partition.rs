//! A node that cannot reach its database: it invokes, writes nothing, and what it held is done by others; healed, it catches
//! up.

use std::sync::Arc;

use serde_json::{Value, json};

use super::proxy::Proxy;
use super::{DEADLINE, SLEEPER, Shared, wait_for_live, wait_for_state, wait_for_word};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::queue::{queued, wait_for_status_until};
use crate::versions::saying;
use crate::wait::wait_until;

/// Two nodes, one of them behind a proxy.
fn nodes() -> (Shared, Proxy, Platform, Platform) {
    let shared = Shared::new(&[]);
    let (near, proxy) = (shared.start(), Proxy::before(shared.url()));
    let data = tempfile::tempdir().expect("a temporary folder");
    let far = shared.start_at(Arc::new(data), proxy.url());
    wait_for_live(&near, 2);
    (shared, proxy, near, far)
}

fn invoked(node: &Platform, function: &str) -> Value {
    node.invoke(function, &json!({})).handler_body()["word"].take()
}

/// Cuts a node off in one of two ways, and looks at it meanwhile and afterwards.
fn cut_off(cut: impl Fn(&Proxy)) {
    let (_shared, proxy, near, far) = nodes();
    in_every_language(|language| {
        let function = near.deploy(language, &saying(language, "one"), &json!({}));
        let path = format!("/functions/{function}");
        wait_for_word(&far, &function, "one");
        cut(&proxy);
        wait_for_live(&near, 1);
        assert_eq!(invoked(&far, &function), "one");
        let code = json!({"code": saying(language, "far")});
        assert_eq!(far.put(&path, &code).problem(503), "storage_failed");
        near.put(&path, &json!({"code": saying(language, "two")}))
            .expect(200);
        assert_eq!(invoked(&near, &function), "two");
        assert_eq!(invoked(&far, &function), "one");
        far.get("/healthz").expect(200);
        wait_for_state(&far, "/readyz", "to know that it is cut off", |ready| {
            ready["node"]["connected"] == false
        });
        proxy.heal();
        wait_for_word(&far, &function, "two");
        wait_for_live(&near, 2);
        wait_until("a write", DEADLINE, || far.put(&path, &code).status == 200);
        wait_for_word(&near, &function, "far");
    });
}

#[test]
fn a_node_that_is_cut_off_invokes_and_catches_up_when_it_is_not() {
    cut_off(Proxy::cut);
}

#[test]
fn a_node_whose_packets_are_lost_without_a_word_does_the_same() {
    cut_off(Proxy::silence);
}

#[test]
fn what_a_node_held_when_it_was_cut_off_is_done_by_another_one_and_not_by_it() {
    let (_shared, proxy, near, far) = nodes();
    // Each writes how it ends, under the name of the platform that it runs on.
    let function = near.deploy(Language::Python, SLEEPER, &json!({}));
    let path = format!("/functions/{function}");
    wait_for_state(&far, &path, "the function", |_| true);
    let id = queued(&far, &function, &json!({"seconds": 6}));
    wait_for_status_until(&near, &id, "running", DEADLINE);
    let records = |node: &Platform| {
        let list = node.get(&format!("{path}/invocations")).expect(200).json();
        list["invocations"].as_array().map_or(0, Vec::len)
    };
    proxy.cut();
    let state = wait_for_status_until(&near, &id, "succeeded", DEADLINE);
    assert_eq!(state["attempts"], 1, "{state}");
    // Both have run it to its end by now or soon; that of the one that was cut off does not count.
    wait_until("both ends", DEADLINE, || {
        records(&near) == 1 && records(&far) == 1
    });
    proxy.heal();
    wait_for_live(&near, 2);
    let second = queued(&far, &function, &json!({"seconds": 0}));
    wait_for_status_until(&near, &second, "succeeded", DEADLINE);
    let again = near.get(&format!("/invocations/{id}")).expect(200).json();
    assert_eq!(again, state, "nothing was written over it");
}
