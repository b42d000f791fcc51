//! Parameters that are not what a template asks for.

use serde_json::{Value, json};

use crate::platform::{Platform, unique_name};

const URL: (&str, &str) = ("UPSTREAM_URL", "http://127.0.0.1:1");

/// A template, parameters, the one that is wrong, and what is said of it.
type Wrong = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static str,
);

const WRONG: &[Wrong] = &[
    ("api-proxy", &[], "UPSTREAM_URL", "is missing"),
    (
        "api-proxy",
        &[("UPSTREAM_URL", "example.com")],
        "UPSTREAM_URL",
        "https://",
    ),
    (
        "api-proxy",
        &[("UPSTREAM_URL", "https://user:secret-word@a")],
        "UPSTREAM_URL",
        "without a user",
    ),
    (
        "api-proxy",
        &[URL, ("TIMEOUT_MS", "0")],
        "TIMEOUT_MS",
        "from 1 to 25000",
    ),
    (
        "api-proxy",
        &[URL, ("TIMEOUT_MS", "soon")],
        "TIMEOUT_MS",
        "whole number",
    ),
    ("api-proxy", &[URL, ("METHODS", "")], "METHODS", "not empty"),
    (
        "api-proxy",
        &[URL, ("TIMEOUT", "5")],
        "TIMEOUT",
        "TIMEOUT_MS",
    ),
    (
        "image-resizer",
        &[("FORMAT", "gif")],
        "FORMAT",
        "same, png, jpeg, webp",
    ),
    (
        "email-sender",
        &[("SMTP_HOST", "a")],
        "MAIL_FROM",
        "is missing",
    ),
    (
        "webhook-handler",
        &[("WEBHOOK_SECRET", "s"), ("WEBHOOK_SCHEME", "x")],
        "WEBHOOK_SCHEME",
        "stripe",
    ),
];

#[test]
fn parameters_are_held_to_what_templates_say() {
    let platform = Platform::shared();
    for (template, parameters, field, words) in WRONG {
        let pairs = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        let parameters = Value::Object(pairs.collect());
        let order =
            json!({"templateId": template, "name": unique_name(), "parameters": parameters});
        let answer = platform.post("/marketplace/deploy", &order);
        assert_eq!(answer.problem(422), "invalid_function", "{order}");
        assert_eq!(
            answer.json()["pointer"],
            format!("/parameters/{field}"),
            "{order}"
        );
        assert!(answer.text().contains(words), "{order}: {}", answer.text());
        assert!(!answer.text().contains("secret-word"), "{}", answer.text());
    }
}
