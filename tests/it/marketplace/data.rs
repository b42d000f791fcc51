//! The data transformer: one table for all languages.

use serde::Deserialize;
use serde_json::{Value, json};

use super::deploy;
use crate::language::in_every_language;
use crate::platform::Platform;
use crate::raw;

/// A request, and either what comes of it, or what is said to be wrong with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    request: Value,
    data: Option<Value>,
    line: Option<u64>,
    column: Option<u64>,
    #[serde(default)]
    says: String,
    #[serde(default)]
    fix: String,
}

fn check(case: &Case, answer: &Value) {
    let body = &answer["body"];
    let request = &case.request;
    if let Some(data) = &case.data {
        assert_eq!(body["data"], *data, "{request}: {answer}");
        return;
    }
    assert_eq!(answer["statusCode"], 400, "{request}: {answer}");
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    assert!(text("error").contains(&case.says), "{request}: {answer}");
    assert!(
        text("fix").contains(&case.fix) && !text("fix").is_empty(),
        "{request}: {answer}"
    );
    assert_eq!(body["line"].as_u64(), case.line, "{request}: {answer}");
    if let Some(column) = case.column {
        assert_eq!(body["column"], column, "{request}: {answer}");
    }
    if let Some(line) = case.line {
        assert!(
            text("error").starts_with(&format!("line {line}, column ")),
            "{answer}"
        );
    }
}

#[test]
fn every_format_becomes_every_other_one() {
    let platform = Platform::shared();
    let cases: Vec<Case> = serde_json::from_str(include_str!("data.json")).expect("a table");
    in_every_language(|language| {
        let name = deploy(&platform, "data-transformer", language, &json!({}));
        for case in &cases {
            check(
                case,
                &platform.invoke(&name, &case.request).expect(200).json(),
            );
        }
    });
}

#[test]
fn over_http_the_body_is_the_data() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let parameters =
            json!({"DELIMITER": ";", "ROOT_NAME": "rows", "ITEM_NAME": "row", "MAX_BYTES": "200"});
        let name = deploy(&platform, "data-transformer", language, &parameters);
        let send = |query: &str, kind: &str, body: &[u8]| {
            let path = format!("/functions/{name}/http?{query}");
            let headers = [("content-type", kind)];
            raw::request(&platform, "POST", "localhost", &path, &headers, body)
        };
        let answer = send("to=xml", "text/csv; charset=utf-8", "ä;b\n1;2\n".as_bytes()).expect(200);
        assert_eq!(answer.header("content-type"), "application/xml");
        assert!(
            answer
                .text()
                .ends_with("<rows><row><ä>1</ä><b>2</b></row></rows>\n"),
            "{}",
            answer.text()
        );
        let answer = send(
            "to=csv&delimiter=tab&header=false",
            "application/json",
            b"[[1,2]]",
        )
        .expect(200);
        assert_eq!(answer.text(), "1\t2\r\n");
        let answer = send("from=csv", "application/octet-stream", b"a\n1\n").expect(200);
        assert_eq!(answer.json(), json!([{"a": "1"}]));
        let wrong = send("", "application/xml", b"<a>\n<").expect(400).json();
        assert_eq!(wrong["line"], 2);
        send("from=csv", "text/csv", b"a\n\xff\n").expect(400);
        send("from=csv", "text/csv", &[b'a'; 201]).expect(413);
        // Short lines whose XML is long.
        send("to=xml", "text/csv", "a;b\n".repeat(20).as_bytes()).expect(413);
    });
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let name = deploy(&platform, "data-transformer", language, &json!({}));
        let cases = [
            ("xml", "json", "<a>".repeat(5_000) + &"</a>".repeat(5_000)),
            ("json", "xml", "[".repeat(150) + &"]".repeat(150)),
            (
                "json",
                "xml",
                "{\"a\":".repeat(150) + "1" + &"}".repeat(150),
            ),
        ];
        for (from, to, data) in cases {
            let body = json!({"from": from, "to": to, "data": data});
            let answer = platform.invoke(&name, &body).expect(200).json();
            assert_eq!(answer["statusCode"], 400, "{from}: {answer}");
            let error = answer["body"]["error"].as_str().expect("an error");
            assert!(error.contains("nested more than 100"), "{from}: {answer}");
        }
    });
}
