//! Templates: found, read, and functions made of them, over HTTP and at the command line.

mod data;
mod email;
mod folder;
mod images;
mod parameters;
mod png;
mod proxy;
mod smtp;
mod upstream;

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::Shell;
use crate::language::{Language, in_every_language};
use crate::platform::{Platform, unique_name};
use crate::raw;
use crate::receiver::hmac;
use crate::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(30);

/// Makes a function of a template that may reach this machine. Returns its name.
#[track_caller]
fn deploy(platform: &Platform, template: &str, language: Language, parameters: &Value) -> String {
    let name = unique_name();
    let order = json!({
        "templateId": template, "name": name, "runtime": language.name(), "parameters": parameters, "network": "all",
    });
    let answer = platform.post("/marketplace/deploy", &order);
    assert_eq!(answer.status, 201, "{language:?}: {}", answer.text());
    name
}

#[test]
fn a_template_becomes_a_function_in_every_language() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let name = unique_name();
        let order = json!({
            "templateId": "mp-hello-world", "name": name, "runtime": language.name(),
            "parameters": {"GREETING": "Ahoy"},
        });
        let deployed = platform.post("/marketplace/deploy", &order).expect(201);
        assert_eq!(deployed.json()["function"]["name"], name.as_str());
        let template = platform.get("/marketplace/hello-world").expect(200).json();
        let event = &template["template"]["event"];
        let body = platform.invoke(&name, event).handler_body();
        assert_eq!(body["message"], "Ahoy, Developer!");
        assert_eq!(body["function"], name.as_str());
    });
}

/// A signature as GitHub makes it.
fn signature(secret: &str, body: &str) -> String {
    format!("sha256={}", hmac(secret, body))
}

#[test]
fn the_webhook_handler_takes_what_is_signed() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let name = unique_name();
        let order = json!({
            "templateId": "mp-webhook-handler", "name": name, "runtime": language.name(),
            "parameters": {"WEBHOOK_SECRET": "newer older"},
        });
        let deployed = platform.post("/marketplace/deploy", &order).expect(201);
        let function = deployed.json()["function"].take();
        assert_eq!(function["public"], true);
        let path = format!("/functions/{name}/http");
        let send = |secret: &str, kind: &str, body: &str, signed: &str| {
            let signature = signature(secret, signed);
            let headers = [
                ("content-type", kind),
                ("x-hub-signature-256", &*signature),
                ("x-github-event", "issues"),
                ("x-github-delivery", "72d3162e"),
            ];
            raw::request(
                &platform,
                "POST",
                "localhost",
                &path,
                &headers,
                body.as_bytes(),
            )
        };
        let template = platform.get("/marketplace/mp-webhook-handler").expect(200);
        let body = template.json()["template"]["event"].to_string();
        let json = "application/json";
        for secret in ["older", "newer"] {
            let answer = send(secret, json, &body, &body).expect(200).json();
            assert_eq!(
                answer,
                json!({"message": "Webhook processed", "kind": "issues"})
            );
        }
        let form = "payload=%7B%22action%22%3A%22opened%22%7D";
        send("newer", "application/x-www-form-urlencoded", form, form).expect(200);
        for (secret, signed) in [("other", &*body), ("newer", "another body")] {
            let refused = send(secret, json, &body, signed).expect(401).json();
            assert_eq!(refused["code"], "mismatch");
        }
        send("newer", json, "neither", "neither").expect(400);
        raw::get(&platform, "localhost", &path, &[]).expect(405);
        wait_until("the line of its work", DEADLINE, || {
            let logs = platform.get(&format!("/functions/{name}/logs?q=72d3162e"));
            logs.expect(200).text().contains("issues 72d3162e")
        });
        // Whoever asks whether anybody is here is answered.
        let challenge = json!({"type": "url_verification", "challenge": "3eZbrw1a"}).to_string();
        let signature = signature("newer", &challenge);
        let headers = [("content-type", json), ("x-hub-signature-256", &*signature)];
        let answer = raw::request(
            &platform,
            "POST",
            "localhost",
            &path,
            &headers,
            challenge.as_bytes(),
        );
        assert_eq!(answer.expect(200).json(), json!({"challenge": "3eZbrw1a"}));
    });
}

#[test]
fn the_specifications_lines_find_and_deploy_templates() {
    let platform = Platform::start(&[]);
    let all = platform.get("/marketplace").expect(200).json();
    let found = platform
        .get("/marketplace?q=hello%20STARTER")
        .expect(200)
        .json();
    assert_eq!(found["templates"][0]["id"], "mp-hello-world");
    assert_eq!(found["total"], 1);
    assert!(all["total"].as_u64() >= found["total"].as_u64());
    let none = platform.get("/marketplace?q=nothing-like-this").expect(200);
    assert_eq!(none.json()["templates"], json!([]));
    let order = json!({"templateId": "mp-hello-world", "name": "my-hello-world"});
    platform.post("/marketplace/deploy", &order).expect(201);
    let body = platform.invoke("my-hello-world", &json!({})).handler_body();
    assert_eq!(body["message"], "Hello, World!");
    let shell = Shell::new(&platform);
    assert!(
        shell
            .ok(&["marketplace", "list"])
            .contains("mp-hello-world")
    );
    assert!(
        shell
            .ok(&["marketplace", "show", "hello-world"])
            .contains("# Hello World")
    );
    shell.ok(&[
        "marketplace",
        "install",
        "hello-world",
        "--set",
        "GREETING=Hi",
    ]);
    assert_eq!(
        shell.json(&["invoke", "hello-world"])["body"]["message"],
        "Hi, World!"
    );
}

#[test]
fn orders_that_cannot_be_met_name_the_field() {
    let platform = Platform::shared();
    let order = |order| platform.post("/marketplace/deploy", &order);
    let missing = order(json!({"templateId": "mp-nothing", "name": unique_name()}));
    assert_eq!(missing.problem(404), "template_not_found");
    let cases = [
        (json!({"parameters": {"NOPE": "1"}}), "/parameters/NOPE"),
        (json!({"name": "no spaces"}), "/name"),
    ];
    for (mut wrong, pointer) in cases {
        wrong["templateId"] = "mp-hello-world".into();
        let answer = order(wrong);
        assert_eq!(answer.problem(422), "invalid_function");
        assert_eq!(answer.json()["pointer"], pointer);
    }
    let unknown = order(json!({"templateId": "mp-hello-world", "runtime": "cobol"}));
    assert_eq!(unknown.problem(400), "malformed_request");
    assert_eq!(unknown.json()["pointer"], "/runtime");
    assert_eq!(
        platform.get("/marketplace/nothing").problem(404),
        "template_not_found"
    );
}
