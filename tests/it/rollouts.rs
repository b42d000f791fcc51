//! A part of a function's calls on another version: who gets it. How that ends is in `rollouts/ends.rs`.

mod ends;

use std::time::Duration;

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::{Platform, unique_name};
use crate::versions::saying;
use crate::wait::wait_for;

const DEADLINE: Duration = Duration::from_secs(60);

/// A function whose version 1 says one; another handler is staged as version 2.
fn staged(platform: &Platform, language: Language, other: &str) -> String {
    let function = platform.deploy(language, &saying(language, "one"), &json!({}));
    let path = format!("/functions/{function}/versions");
    let answer = platform
        .post(&path, &json!({"code": other}))
        .expect(201)
        .json();
    assert_eq!(answer["version"]["version"], 2);
    assert_eq!(answer["version"]["current"], false);
    function
}

fn failing(language: Language) -> String {
    language
        .pick(
            "export const handler = async () => { throw new Error('no') }",
            "def handler(event, context):\n    raise ValueError('no')\n",
            "def handler(event:, context:)\n  raise 'no'\nend\n",
        )
        .to_owned()
}

fn roll_out(platform: &Platform, function: &str, settings: &Value) -> Value {
    let answer = platform.put(&format!("/functions/{function}/rollout"), settings);
    answer.expect(200).json()["rollout"].take()
}

fn rollout(platform: &Platform, function: &str) -> Value {
    let path = format!("/functions/{function}/rollout");
    platform.get(&path).expect(200).json()["rollout"].take()
}

/// The version that answers a call with these headers.
fn version(platform: &Platform, function: &str, headers: &[(&str, &str)]) -> i64 {
    let path = format!("/functions/{function}/invoke");
    let answer = platform.request_with("POST", &path, headers, &json!({}));
    answer.json()["version"].as_i64().expect("a number")
}

#[test]
fn a_staged_version_serves_nobody_but_who_names_it() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = staged(&platform, language, &saying(language, "two"));
        let word = |query: &str| {
            let answer = platform.post(&format!("/functions/{function}/invoke{query}"), &json!({}));
            answer.handler_body()["word"].take()
        };
        assert_eq!(
            (word(""), word("?qualifier=2")),
            (json!("one"), json!("two"))
        );
        let path = format!("/functions/{function}/versions");
        let again = json!({"code": saying(language, "two")});
        let again = platform.post(&path, &again).expect(200).json();
        assert_eq!(again["version"]["version"], 2, "it was there: {again}");
        let broken = platform.post(&path, &json!({"code": "("}));
        assert!([422, 400].contains(&broken.status), "{}", broken.text());
        let back = platform.post(
            &format!("/functions/{function}/rollback"),
            &json!({"version": 2}),
        );
        back.expect(200);
        assert_eq!(word(""), "two");
    });
}

#[test]
fn a_caller_stays_with_one_version_and_the_part_is_as_large_as_was_said() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = staged(&platform, language, &saying(language, "two"));
        for (percent, only) in [(0, 1), (100, 2)] {
            roll_out(
                &platform,
                &function,
                &json!({"version": 2, "percent": percent}),
            );
            assert!(
                (0..20).all(|_| version(&platform, &function, &[]) == only),
                "{percent}"
            );
        }
        let settings = json!({"version": 2, "percent": 30, "stickiness": {"header": "X-User"}});
        roll_out(&platform, &function, &settings);
        let of =
            |user: usize| version(&platform, &function, &[("x-user", &format!("user-{user}"))]);
        let first: Vec<i64> = (0..200).map(of).collect();
        assert_eq!(first, (0..200).map(of).collect::<Vec<i64>>());
        let candidates = first.iter().filter(|version| **version == 2).count();
        assert!((30..90).contains(&candidates), "{candidates} of 200");
        // Whoever has the new version keeps it when more get it.
        let more = json!({"version": 2, "percent": 60, "stickiness": {"header": "X-User"}});
        roll_out(&platform, &function, &more);
        let kept = (0..200)
            .filter(|user| first[*user] == 2)
            .all(|user| of(user) == 2);
        assert!(kept, "a caller went back");
    });
}

#[test]
fn cookies_keep_callers_too_and_so_do_paths_of_the_functions_own() {
    in_every_language(|language| {
        let platform = Platform::shared();
        // A path leads to one function of the platform.
        let own = unique_name();
        let trigger = json!({"path": format!("/{own}"), "methods": ["GET"]});
        let settings = json!({"triggers": [{"type": "http", "config": trigger}]});
        let function = platform.deploy(language, &saying(language, "one"), &settings);
        let path = format!("/functions/{function}/versions");
        platform
            .post(&path, &json!({"code": saying(language, "two")}))
            .expect(201);
        let half = json!({"version": 2, "percent": 50, "stickiness": {"cookie": "sid"}});
        roll_out(&platform, &function, &half);
        let path = format!("/functions/{function}/http/{own}");
        let word = |session: usize| {
            let cookie = format!("a=b; sid=session-{session}");
            let answer = platform.request_with("GET", &path, &[("cookie", &cookie)], &json!({}));
            answer.expect(200).json()["word"].take()
        };
        let first: Vec<Value> = (0..60).map(word).collect();
        assert_eq!(first, (0..60).map(word).collect::<Vec<Value>>());
        for said in ["one", "two"] {
            assert!(first.contains(&json!(said)), "nobody got {said}");
        }
    });
}

#[test]
fn an_alias_sends_a_part_of_its_calls_to_another_version() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = staged(&platform, language, &saying(language, "two"));
        let path = format!("/functions/{function}/aliases/live");
        let split = |percent: u32| json!({"version": 1, "split": {"version": 2, "percent": percent, "stickiness": {"cookie": "sid"}}});
        let of = |session: usize| {
            let path = format!("/functions/{function}/invoke?qualifier=live");
            let cookie = format!("sid={session}");
            let answer = platform.request_with("POST", &path, &[("cookie", &cookie)], &json!({}));
            answer.expect(200).json()["version"].as_i64()
        };
        let set = platform.put(&path, &split(40)).expect(200).json();
        assert_eq!(set["alias"]["split"]["version"], 2);
        let first: Vec<_> = (0..60).map(of).collect();
        assert_eq!(first, (0..60).map(of).collect::<Vec<_>>());
        assert!(
            first.contains(&Some(1)) && first.contains(&Some(2)),
            "{first:?}"
        );
        assert_eq!(
            version(&platform, &function, &[]),
            1,
            "only the alias is split"
        );
        platform.put(&path, &split(100)).expect(200);
        assert!((0..20).all(|session| of(session) == Some(2)));
        platform.put(&path, &json!({"version": 1})).expect(200);
        assert!((0..20).all(|session| of(session) == Some(1)));
        for (split, pointer) in [
            (json!({"version": 2, "percent": 200}), "/split/percent"),
            (
                json!({"version": 2, "percent": 1, "stickiness": {"header": ""}}),
                "/split/stickiness",
            ),
        ] {
            let wrong = platform.put(&path, &json!({"version": 1, "split": split}));
            assert_eq!(wrong.status, 422);
            assert_eq!(wrong.json()["pointer"], pointer);
        }
        let missing = platform.put(
            &path,
            &json!({"version": 1, "split": {"version": 9, "percent": 1}}),
        );
        assert_eq!(missing.problem(404), "version_not_found");
    });
}

#[test]
fn what_cannot_be_rolled_out_is_refused_and_names_the_field() {
    let platform = Platform::shared();
    let function = staged(
        &platform,
        Language::Python,
        &saying(Language::Python, "two"),
    );
    let path = format!("/functions/{function}/rollout");
    for (settings, status, pointer) in [
        (json!({"version": 1, "percent": 10}), 422, "/version"),
        (json!({"version": 2, "percent": 101}), 422, "/percent"),
        (json!({"version": 2, "percent": "a"}), 400, "/percent"),
        (
            json!({"version": 2, "percent": 1, "shadowPercent": -1}),
            422,
            "/shadowPercent",
        ),
        (
            json!({"version": 2, "percent": 1, "stickiness": {"header": "a b"}}),
            422,
            "/stickiness/header",
        ),
        (
            json!({"version": 2, "percent": 1, "stickiness": {"cookie": ""}}),
            422,
            "/stickiness/cookie",
        ),
        (
            json!({"version": 2, "percent": 1, "stickiness": {}}),
            422,
            "/stickiness",
        ),
        (
            json!({"version": 2, "percent": 1, "rollback": {}}),
            422,
            "/rollback",
        ),
        (
            json!({"version": 2, "percent": 1, "rollback": {"errorRate": 2}}),
            422,
            "/rollback/errorRate",
        ),
        (
            json!({"version": 2, "percent": 1, "rollback": {"p95Ms": 5, "invocations": 0}}),
            422,
            "/rollback/invocations",
        ),
        (
            json!({"version": 2, "percent": 1, "canary": true}),
            400,
            "/canary",
        ),
    ] {
        let answer = platform.put(&path, &settings);
        assert_eq!(answer.status, status, "{settings}: {}", answer.text());
        assert_eq!(answer.json()["pointer"], pointer, "{settings}");
    }
    let missing = platform.put(&path, &json!({"version": 9, "percent": 10}));
    assert_eq!(missing.problem(404), "version_not_found");
    assert_eq!(
        platform.get(&path).problem(404),
        "rollout_not_found",
        "nothing began"
    );
}

#[test]
fn connections_and_events_get_the_candidate_as_well() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let settings =
            json!({"triggers": [{"type": "event", "config": {"eventType": "rollout.*"}}]});
        let function = platform.deploy(language, &saying(language, "one"), &settings);
        let path = format!("/functions/{function}/versions");
        platform
            .post(&path, &json!({"code": saying(language, "two")}))
            .expect(201);
        roll_out(&platform, &function, &json!({"version": 2, "percent": 100}));
        let event = json!({"eventType": format!("rollout.{function}"), "data": 1});
        platform.post("/events", &event).expect(202);
        wait_for("an invocation of the candidate", DEADLINE, || {
            let seen = rollout(&platform, &function)["candidate"]["invocations"].as_u64();
            seen.filter(|count| *count > 0)
        });
    });
}
