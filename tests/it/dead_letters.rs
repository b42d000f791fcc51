//! Dead letters by the dozen, and what a function leaves that is deleted.

use serde_json::json;

use crate::language::Language;
use crate::platform::Platform;
use crate::queue::{
    BREAKER, DEADLINE, QUICK, deploy, letters, queued, set_breaker, wait_for_status,
};
use crate::wait::wait_until;

#[test]
fn dead_letters_are_redriven_and_forgotten_all_at_once() {
    let platform = Platform::start(&[QUICK]);
    let own = json!({"async": {"maxAttempts": 1}});
    let function = deploy(&platform, Language::Python, &own);
    let body = json!({"failures": 1});
    let ids: Vec<String> = (0..25)
        .map(|_| queued(&platform, &function, &body))
        .collect();
    ids.iter()
        .for_each(|id| drop(wait_for_status(&platform, id, "dead")));
    let all = format!("/functions/{function}/dead-letters");
    let page = platform.get(&format!("{all}?limit=10")).expect(200).json();
    let cursor = page["nextCursor"].as_str().expect("a cursor");
    let next = platform
        .get(&format!("{all}?limit=100&cursor={cursor}"))
        .expect(200)
        .json();
    assert_eq!(next["deadLetters"].as_array().map(Vec::len), Some(15));
    let everywhere = platform.get("/dead-letters?limit=1000").expect(200).json();
    assert_eq!(everywhere["deadLetters"].as_array().map(Vec::len), Some(25));
    let redriven = platform
        .post(&format!("{all}/redrive"), &json!({}))
        .expect(202)
        .json();
    assert_eq!(redriven["count"], 25);
    wait_until("the letters", DEADLINE, || {
        let queue = platform
            .get(&format!("/functions/{function}/queue"))
            .expect(200)
            .json();
        queue["dead"] == 25 && queue["pending"] == 0 && queue["running"] == 0
    });
    assert_eq!(platform.delete(&all).expect(200).json()["count"], 25);
    assert!(letters(&platform, &function).is_empty());
    let figures = platform.get("/metrics/prometheus").expect(200).text();
    assert!(
        figures.contains("zygo_async_dead_letter_total 50"),
        "{figures}"
    );
    assert!(figures.contains("zygo_async_queue_depth 0"), "{figures}");
}

#[test]
fn a_deleted_function_leaves_nothing_that_waits() {
    let platform = Platform::start(&BREAKER);
    let function = deploy(&platform, Language::Ruby, &json!({}));
    set_breaker(&platform, &function, "open");
    for _ in 0..10 {
        queued(&platform, &function, &json!({}));
    }
    platform
        .delete(&format!("/functions/{function}"))
        .expect(200);
    wait_until("an empty queue", DEADLINE, || {
        let figures = platform.get("/metrics/prometheus").expect(200).text();
        figures.contains("zygo_async_queue_depth 0")
    });
}
