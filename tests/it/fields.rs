//! Every field of a deployment that can be wrong: refused with a problem that points at it, and nothing is kept.

mod scaling;

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::{Platform, unique_name};

const CODE: &str = "def handler(event, context): return 1";

/// A member that replaces or adds to a good deployment, the status, and where the problem points.
type Case = (&'static str, Value, u16, &'static str);

fn cases_of_code() -> Vec<Case> {
    let long = "x".repeat(65);
    vec![
        ("name", json!(""), 422, "/name"),
        ("name", json!("a/b"), 422, "/name"),
        ("name", json!(".."), 422, "/name"),
        ("name", json!("%2e"), 422, "/name"),
        ("name", json!("ünï"), 422, "/name"),
        ("name", json!(long), 422, "/name"),
        ("name", json!("fn-1"), 422, "/name"),
        ("name", Value::Null, 422, "/name"),
        ("name", json!(7), 400, "/name"),
        ("runtime", json!("cobol"), 400, "/runtime"),
        ("runtime", json!("Python"), 400, "/runtime"),
        ("runtime", Value::Null, 422, "/runtime"),
        ("code", Value::Null, 422, "/code"),
        ("code", json!(["x"]), 400, "/code"),
        ("files", json!({"index.py": "1"}), 422, "/code"),
        ("archive", json!("AAAA"), 422, "/code"),
        ("handler", json!(""), 422, "/handler"),
        ("handler", json!("a b"), 422, "/handler"),
        ("handler", json!("x".repeat(129)), 422, "/handler"),
    ]
}

fn cases_of_limits() -> Vec<Case> {
    vec![
        ("memory", json!(0), 422, "/memory"),
        ("memory", json!(100_000), 422, "/memory"),
        ("memory", json!(-1), 400, "/memory"),
        ("memory", json!("64"), 400, "/memory"),
        ("memory", json!(64.5), 400, "/memory"),
        ("timeout", json!(0), 422, "/timeout"),
        ("timeout", json!(999_999_999), 422, "/timeout"),
        ("environment", json!({"1A": "x"}), 422, "/environment/1A"),
        ("environment", json!({"A=B": "x"}), 422, "/environment/A=B"),
        (
            "environment",
            json!({"A/B~": "x"}),
            422,
            "/environment/A~1B~0",
        ),
        ("environment", json!({"": "x"}), 422, "/environment/"),
        ("environment", json!({"A": "x\u{0}"}), 422, "/environment/A"),
        ("environment", json!({"A": 1}), 400, "/environment/A"),
        (
            "environment",
            json!({"A": "x".repeat(70_000)}),
            422,
            "/environment",
        ),
        ("secrets", json!({"A-B": "x"}), 422, "/secrets/A-B"),
        ("secrets", json!({"ZYGO_X": "x"}), 422, "/secrets/ZYGO_X"),
        (
            "environment",
            json!({"AWS_LAMBDA_X": "x"}),
            422,
            "/environment/AWS_LAMBDA_X",
        ),
    ]
}

fn cases_of_instances() -> Vec<Case> {
    vec![
        ("isolation", json!("none"), 400, "/isolation"),
        ("concurrency", json!(0), 422, "/concurrency"),
        ("concurrency", json!(1_001), 422, "/concurrency"),
        ("concurrency", json!("many"), 400, "/concurrency"),
        ("network", json!("moon"), 400, "/network"),
        (
            "rateLimit",
            json!({"maxRequests": 0, "windowMs": 1}),
            422,
            "/rateLimit",
        ),
        ("rateLimit", json!({"maxRequests": 1}), 400, "/rateLimit"),
        ("memroy", json!(64), 400, "/memroy"),
    ]
}

fn cases_of_triggers() -> Vec<Case> {
    vec![
        (
            "triggers",
            json!([{"type": "http"}, {"type": "smoke"}]),
            400,
            "/triggers/1/type",
        ),
        ("triggers", json!([{"config": {}}]), 400, "/triggers/0"),
        (
            "triggers",
            json!(vec![json!({"type": "cron"}); 101]),
            422,
            "/triggers",
        ),
        (
            "triggers",
            json!([{"type": "cron", "config": {"schedule": "* ".repeat(4_000)}}]),
            422,
            "/triggers/0/config",
        ),
    ]
}

#[test]
fn the_problem_points_at_the_wrong_field() {
    let platform = Platform::shared();
    for (field, value, status, pointer) in cases_of_code()
        .into_iter()
        .chain(cases_of_limits())
        .chain(cases_of_instances())
        .chain(scaling::cases())
        .chain(cases_of_triggers())
    {
        let name = unique_name();
        let mut deployment = json!({"name": name, "runtime": "python", "code": CODE});
        deployment[field] = value.clone();
        let answer = platform.post("/functions", &deployment);
        let code = answer.problem(status);
        assert_eq!(
            answer.json()["pointer"],
            pointer,
            "{field} = {value}: {}",
            answer.text()
        );
        let expected = if status == 400 {
            "malformed_request"
        } else {
            "invalid_function"
        };
        assert_eq!(code, expected, "{field} = {value}");
        assert_eq!(platform.get(&format!("/functions/{name}")).status, 404);
    }
}

#[test]
fn paths_of_files_are_harmless() {
    let platform = Platform::shared();
    let cases = [
        ("../evil.py", "/files/..~1evil.py"),
        ("/etc/passwd", "/files/~1etc~1passwd"),
        ("a/../../b.py", "/files/a~1..~1..~1b.py"),
        ("a//b.py", "/files/a~1~1b.py"),
        ("a\\b.py", "/files/a\\b.py"),
        (".zygo/x", "/files/.zygo~1x"),
        ("", "/files/"),
    ];
    for (path, pointer) in cases {
        let files = json!({"index.py": CODE, path: "x"});
        let answer = platform.try_deploy(&unique_name(), "python", &json!({"files": files}));
        assert_eq!(answer.problem(422), "invalid_function");
        assert_eq!(answer.json()["pointer"], pointer);
    }
    let both = json!({"files": {"a": CODE, "a/b.py": CODE}});
    let answer = platform.try_deploy(&unique_name(), "python", &both);
    assert_eq!(answer.status, 422, "{}", answer.text());
}

#[test]
fn a_body_that_is_no_deployment_is_malformed() {
    let platform = Platform::shared();
    let accepts = |body: &&str| {
        let answer = platform.request("POST", "/functions", "application/json", body.as_bytes());
        answer.status != 400 || answer.problem(400) != "malformed_request"
    };
    let bodies = [
        "",
        "{",
        "[]",
        "null",
        "{} {}",
        "\"text\"",
        "{\"name\": \"a\", \"name\": \"b\"}",
    ];
    let accepted: Vec<&str> = bodies.into_iter().filter(accepts).collect();
    assert!(accepted.is_empty(), "taken for a deployment: {accepted:?}");
}

#[test]
fn broken_code_is_refused_with_the_users_file_and_line() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let cases = [
            language.pick(
                "export const handler = () => 1;\n\nconst broken = (;",
                "def handler(event, context):\n    return 1\ndef broken(:",
                "def handler(event, context) = 1\n\ndef broken(; end",
            ),
            language.pick(
                "export const handler = () => 1;\n\nthrow new Error('at load');",
                "def handler(event, context): return 1\n\nraise RuntimeError('at load')",
                "def handler(event, context) = 1\n\nraise 'at load'",
            ),
        ];
        for code in cases {
            let file = format!("index.{}", language.extension());
            let answer =
                platform.try_deploy(&unique_name(), language.name(), &json!({"code": code}));
            assert_eq!(answer.status, 422, "{}", answer.text());
            let problem = answer.json();
            let place = format!("{}{}", problem["errorMessage"], problem["stackTrace"]);
            let has_line = place.contains(&format!("{file}:3")) || place.contains("line 3");
            assert!(place.contains(&file) && has_line, "{}", answer.text());
            assert!(problem["errorType"].is_string(), "{}", answer.text());
        }
    });
}

#[test]
fn a_handler_that_is_not_there_is_named() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let code = Language::pick(
            language,
            "export const other = 1;",
            "other = 1",
            "OTHER = 1",
        );
        for handler in ["handler", "index.missing", "nowhere.handler"] {
            let settings = json!({"code": code, "handler": handler});
            let answer = platform.try_deploy(&unique_name(), language.name(), &settings);
            assert_eq!(answer.status, 422, "{}", answer.text());
            let wanted = handler.rsplit('.').next().expect("a name");
            let message = answer.json()["errorMessage"].to_string();
            assert!(
                message.contains(wanted) || message.contains("nowhere"),
                "{message}"
            );
        }
    });
}
