//! Changes by callers who do not know of each other, repeated requests, and variables one by one.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::language::{Language, in_every_language};
use crate::platform::{Platform, unique_name};
use crate::versions::saying;

#[test]
fn who_did_not_see_a_change_cannot_undo_it() {
    let platform = Platform::shared();
    let function = platform.deploy(
        Language::Python,
        &saying(Language::Python, "one"),
        &json!({}),
    );
    let path = format!("/functions/{function}");
    let seen = platform.get(&path).expect(200).header("etag").to_owned();
    let put = |tag: &str, word: &str| {
        let body = json!({"code": saying(Language::Python, word)});
        platform.request_with("PUT", &path, &[("if-match", tag)], &body)
    };
    let changed = put(&seen, "two").expect(200).header("etag").to_owned();
    assert_ne!(seen, changed);
    assert_eq!(put(&seen, "three").problem(412), "function_changed");
    assert_eq!(put("nonsense", "three").problem(400), "malformed_request");
    let stale = platform.request_with("DELETE", &path, &[("if-match", &seen)], &json!({}));
    assert_eq!(stale.problem(412), "function_changed");
    put(&changed, "three").expect(200);
}

#[test]
fn settings_may_stand_in_the_query_and_the_bodys_come_first() {
    let platform = Platform::shared();
    let code = saying(Language::Ruby, "one");
    let name = platform.deploy(Language::Ruby, &code, &json!({}));
    let path = format!("/functions/{name}");
    let put = |query: &str, body: Value| platform.put(&format!("{path}?{query}"), &body);
    put("timeout=70&memory=70", json!({"memory": 80})).expect(200);
    let shown = platform.show(&name);
    assert_eq!(
        (&shown["timeout"], &shown["memory"]),
        (&json!(70), &json!(80))
    );
    for wrong in ["timeout=soon", "timeout=%2270%22", "unknown=1"] {
        let refused = put(wrong, json!({}));
        assert_eq!(refused.problem(400), "malformed_request", "{wrong}");
    }
}

#[test]
fn a_repeated_post_is_answered_again_and_not_done_again() {
    let platform = Platform::shared();
    let post = |key: &str, name: &str| {
        let code = saying(Language::Ruby, "one");
        let body = json!({"name": name, "runtime": "ruby", "code": code});
        platform.request_with("POST", "/functions", &[("idempotency-key", key)], &body)
    };
    let (key, name) = (unique_name(), unique_name());
    let first = post(&key, &name).expect(201);
    let again = post(&key, &name).expect(201);
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(first.header("location"), again.header("location"));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(
        post(&key, &unique_name()).problem(422),
        "idempotency_key_reused"
    );
    for wrong in ["k".repeat(300), "schlüssel".to_owned(), String::new()] {
        assert_eq!(post(&wrong, &name).problem(400), "malformed_request");
    }
    // What failed may be tried again under its key.
    let key = unique_name();
    assert_eq!(post(&key, "no name").problem(422), "invalid_function");
    assert_eq!(post(&key, "no name").problem(422), "invalid_function");
}

#[test]
fn of_a_thousand_posts_at_once_with_one_key_one_is_done() {
    const COUNT: usize = 1_000;
    let platform = Platform::start(&[]);
    let code = saying(Language::Ruby, "one");
    let body = json!({"name": "once", "runtime": "ruby", "code": code});
    let post = || {
        platform
            .another()
            .request_with("POST", "/functions", &[("idempotency-key", "one")], &body)
    };
    let all_here = Barrier::new(COUNT);
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let one = || {
            all_here.wait();
            post()
        };
        let posts: Vec<_> = (0..COUNT).map(|_| scope.spawn(one)).collect();
        let ended = posts
            .into_iter()
            .map(|post| post.join().expect("an answer"));
        ended.collect()
    });
    let (done, refused): (Vec<&Answer>, Vec<&Answer>) =
        answers.iter().partition(|answer| answer.status == 201);
    assert!(
        refused
            .iter()
            .all(|answer| answer.problem(409) == "idempotency_key_in_use")
    );
    let first: Vec<&&Answer> = done
        .iter()
        .filter(|answer| answer.header("idempotent-replayed").is_empty())
        .collect();
    assert_eq!(
        first.len(),
        1,
        "one is done, and {} of {COUNT} were told so",
        done.len()
    );
    let later = post().expect(201);
    assert!(done.iter().all(|answer| answer.bytes == later.bytes));
    let deployments = platform
        .get("/functions/once/deployments")
        .expect(200)
        .json();
    assert_eq!(deployments["deployments"].as_array().map(Vec::len), Some(1));
}

#[test]
fn variables_change_one_by_one_and_are_never_shown() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let code = language.handler("environment");
        let function = platform.deploy(language, &code, &json!({}));
        let token = format!("token-{function}-{language:?}");
        for group in ["secrets", "environment"] {
            let path = format!("/functions/{function}/{group}");
            let set = platform
                .put(&format!("{path}/TOKEN"), &json!({"value": token}))
                .expect(200);
            assert!(!set.text().contains(&token));
            assert_eq!(
                platform.get(&path).expect(200).json()[group],
                json!([{"name": "TOKEN"}])
            );
            let shown = platform
                .get(&format!("/functions/{function}"))
                .expect(200)
                .text();
            assert!(!shown.contains(&token), "{shown}");
            platform.delete(&format!("{path}/TOKEN")).expect(200);
            assert_eq!(
                platform.delete(&format!("{path}/TOKEN")).problem(422),
                "invalid_function"
            );
            assert_eq!(
                platform
                    .put(&format!("{path}/1X"), &json!({"value": ""}))
                    .problem(422),
                "invalid_function"
            );
        }
        let kept = platform.put(
            &format!("/functions/{function}/secrets/TOKEN"),
            &json!({"value": token}),
        );
        kept.expect(200);
        assert_no_file_holds(&platform, &token);
    });
}

/// At rest, a value lies under a key, and in no log.
fn assert_no_file_holds(platform: &Platform, token: &str) {
    let mut folders = vec![platform.data().path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                let text = String::from_utf8_lossy(&bytes);
                assert!(!text.contains(token), "{} holds the value", path.display());
            }
        }
    }
    assert!(!platform.log_tail().contains(token));
}

#[test]
fn new_master_keys_leave_every_value_readable() {
    let mut platform = Platform::start(&[]);
    let language = Language::Python;
    let code = "import os\ndef handler(event, context):\n    return os.environ['TOKEN']\n";
    let function = platform.deploy(language, code, &json!({"secrets": {"TOKEN": "kept"}}));
    let rotated = platform
        .post("/encryption/rotate", &json!({}))
        .expect(200)
        .json();
    assert_eq!(rotated["resealed"], 1);
    platform.stop();
    // The old key is not needed any more.
    let keys = platform.data().path().join("master.key");
    let text = std::fs::read_to_string(&keys).expect("the keys");
    assert_eq!(text.lines().count(), 2);
    let newest = text.lines().next().expect("a key").to_owned();
    std::fs::write(&keys, newest).expect("written");
    let again = Platform::start_on(platform.data(), &[]);
    assert_eq!(again.invoke(&function, &json!({})).handler_body(), "kept");
}
