//! Versions: what makes one, the way back, aliases, and the history.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::{Platform, unique_name};

/// A handler that answers with a word.
pub(crate) fn saying(language: Language, word: &str) -> String {
    language.pick(
        format!("export const handler = async () => ({{ statusCode: 200, body: {{ word: '{word}' }} }})"),
        format!("def handler(event, context):\n    return {{'statusCode': 200, 'body': {{'word': '{word}'}}}}\n"),
        format!("def handler(event, context)\n  {{ statusCode: 200, body: {{ word: '{word}' }} }}\nend\n"),
    )
}

/// A function with versions 1, 2 and 3 that say one, two and three.
fn three_versions(platform: &Platform, language: Language) -> String {
    let function = platform.deploy(language, &saying(language, "one"), &json!({}));
    for word in ["two", "three"] {
        let body = json!({"code": saying(language, word)});
        platform
            .put(&format!("/functions/{function}"), &body)
            .expect(200);
    }
    function
}

fn word(platform: &Platform, function: &str, query: &str) -> Value {
    let answer = platform.post(&format!("/functions/{function}/invoke{query}"), &json!({}));
    answer.handler_body()["word"].take()
}

#[test]
fn a_rollback_goes_to_any_version_and_needs_no_cold_load() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = three_versions(&platform, language);
        assert_eq!(word(&platform, &function, ""), "three");
        for (version, expected) in [(2, "two"), (1, "one"), (3, "three")] {
            let path = format!("/functions/{function}/rollback");
            let answer = platform
                .post(&path, &json!({"version": version}))
                .expect(200);
            assert_eq!(answer.json()["function"]["version"], version);
            let first = platform.invoke(&function, &json!({})).expect(200).json();
            assert_eq!(first["version"], version);
            assert_eq!(first["body"]["word"], expected);
            assert_eq!(
                first["startKind"], "forked",
                "its zygote was there: {first}"
            );
        }
        let again = platform.post(
            &format!("/functions/{function}/rollback"),
            &json!({"version": 3}),
        );
        assert_eq!(again.expect(200).json()["unchanged"], true);
        let missing = platform.post(
            &format!("/functions/{function}/rollback"),
            &json!({"version": 9}),
        );
        assert_eq!(missing.problem(404), "version_not_found");
    });
}

#[test]
fn the_same_code_and_settings_are_the_same_version() {
    let platform = Platform::shared();
    let name = unique_name();
    let settings = |word: &str, secret: &str| {
        json!({
            "code": saying(Language::Python, word),
            "environment": {"A": "1"}, "secrets": {"S": secret},
        })
    };
    let first = platform
        .try_deploy(&name, "python", &settings("one", "x"))
        .expect(201)
        .json();
    let again = platform
        .try_deploy(&name, "python", &settings("one", "x"))
        .expect(200)
        .json();
    assert_eq!(again["unchanged"], true);
    assert_eq!(first["function"]["digest"], again["function"]["digest"]);
    let other = platform.try_deploy(&name, "python", &settings("two", "x"));
    assert_eq!(other.problem(409), "name_taken");
    let path = format!("/functions/{name}");
    let put = |word: &str, secret: &str| {
        let answer = platform
            .put(&path, &settings(word, secret))
            .expect(200)
            .json();
        (
            answer["function"]["version"].clone(),
            answer["unchanged"].clone(),
        )
    };
    assert_eq!(put("one", "x"), (json!(1), json!(true)));
    assert_eq!(put("one", "y"), (json!(2), json!(false)), "a value changed");
    assert_eq!(
        put("two", "y"),
        (json!(3), json!(false)),
        "the code changed"
    );
    assert_eq!(
        put("one", "y"),
        (json!(2), json!(false)),
        "version 2 is that already"
    );
    let history = platform
        .get(&format!("{path}/deployments"))
        .expect(200)
        .json();
    let moves: Vec<(Value, Value)> = history["deployments"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|deployment| {
            (
                deployment["fromVersion"].clone(),
                deployment["toVersion"].clone(),
            )
        })
        .collect();
    assert_eq!(
        moves,
        [
            (json!(3), json!(2)),
            (json!(2), json!(3)),
            (json!(1), json!(2)),
            (Value::Null, json!(1))
        ]
    );
}

#[test]
fn versions_are_listed_in_pages_with_who_and_when() {
    let platform = Platform::shared();
    let function = three_versions(&platform, Language::Ruby);
    let page = |query: &str| {
        let path = format!("/functions/{function}/versions{query}");
        platform.get(&path).expect(200).json()
    };
    let first = page("?limit=2");
    let numbers = |page: &Value| -> Vec<Value> {
        let versions = page["versions"].as_array().expect("a list");
        versions
            .iter()
            .map(|version| version["version"].clone())
            .collect()
    };
    assert_eq!(numbers(&first), [3, 2]);
    assert_eq!(first["versions"][0]["current"], true);
    let newest = &first["versions"][0];
    for field in [
        "digest",
        "createdAt",
        "createdBy",
        "archiveBytes",
        "handler",
        "memory",
    ] {
        assert!(!newest[field].is_null(), "{field} of {newest}");
    }
    let rest = page(&format!(
        "?limit=2&cursor={}",
        first["nextCursor"].as_str().expect("a cursor")
    ));
    assert_eq!(
        (numbers(&rest), rest.get("nextCursor")),
        (vec![json!(1)], None)
    );
    let path = format!("/functions/{function}/versions?limit=0");
    assert_eq!(platform.get(&path).problem(400), "malformed_request");
    let path = format!("/functions/{function}/versions?page=2");
    assert_eq!(platform.get(&path).problem(400), "malformed_request");
}

#[test]
fn aliases_and_numbers_lead_to_their_versions() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = three_versions(&platform, language);
        let alias = |name: &str| format!("/functions/{function}/aliases/{name}");
        platform
            .put(&alias("live"), &json!({"version": 1}))
            .expect(200);
        assert_eq!(word(&platform, &function, "?qualifier=live"), "one");
        assert_eq!(word(&platform, &function, "?qualifier=2"), "two");
        assert_eq!(word(&platform, &function, ""), "three");
        platform
            .put(&alias("live"), &json!({"version": 2}))
            .expect(200);
        assert_eq!(word(&platform, &function, "?qualifier=live"), "two");
        let path = format!("/functions/{function}/invoke?qualifier=none");
        assert_eq!(
            platform.post(&path, &json!({})).problem(404),
            "alias_not_found"
        );
        for (name, code) in [("7", 422), ("-", 422), ("a%2fb", 422)] {
            assert_eq!(
                platform.put(&alias(name), &json!({"version": 1})).status,
                code,
                "{name}"
            );
        }
        let listed = platform
            .get(&format!("/functions/{function}/aliases"))
            .expect(200)
            .json();
        assert_eq!(listed["aliases"][0]["name"], "live");
        platform.delete(&alias("live")).expect(200);
        assert_eq!(
            platform.delete(&alias("live")).problem(404),
            "alias_not_found"
        );
    });
}

#[test]
fn deployments_and_rollbacks_under_load_lose_no_request() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = three_versions(&platform, language);
        let (ended, answered) = (AtomicBool::new(false), AtomicU64::new(0));
        let path = format!("/functions/{function}/invoke");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let client = platform.another();
                    while !ended.load(Ordering::Relaxed) {
                        let answer = client.post(&path, &json!({}));
                        assert_eq!(answer.status, 200, "{}", answer.text());
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            for round in 0..30 {
                let version = 1 + round % 3;
                let body = json!({"version": version});
                platform
                    .post(&format!("/functions/{function}/rollback"), &body)
                    .expect(200);
                let word = format!("round{round}");
                if round % 5 == 4 {
                    let body = json!({"code": saying(language, &word)});
                    platform
                        .put(&format!("/functions/{function}"), &body)
                        .expect(200);
                }
            }
            ended.store(true, Ordering::Relaxed);
        });
        assert!(answered.into_inner() > 30);
    });
}

#[test]
fn deployments_at_once_are_made_one_after_the_other() {
    let platform = Platform::shared();
    let language = Language::Python;
    let function = platform.deploy(language, &saying(language, "first"), &json!({}));
    let path = format!("/functions/{function}");
    let numbers: Vec<u64> = std::thread::scope(|scope| {
        let deploy = |word: usize| {
            let body = json!({"code": saying(language, &format!("word{word}"))});
            let deployed = platform.another().put(&path, &body).expect(200).json();
            deployed["function"]["version"].as_u64().expect("a number")
        };
        let deployments: Vec<_> = (0..8)
            .map(|word| scope.spawn(move || deploy(word)))
            .collect();
        let ended = deployments.into_iter().map(|deployment| deployment.join());
        ended.map(|number| number.expect("a deployment")).collect()
    });
    let newest = platform.show(&function)["version"].as_u64();
    assert_eq!(newest, numbers.iter().max().copied());
    let history = platform
        .get(&format!("{path}/deployments"))
        .expect(200)
        .json();
    let moves: Vec<(u64, u64)> = history["deployments"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|made| Some((made["fromVersion"].as_u64()?, made["toVersion"].as_u64()?)))
        .collect();
    let expected: Vec<(u64, u64)> = (1..9).rev().map(|from| (from, from + 1)).collect();
    assert_eq!(moves, expected);
    platform.invoke(&function, &json!({})).expect(200);
}
