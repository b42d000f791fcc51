//! The owner's specification, line by line: every curl command and every line of its command line as they stand there,
//! run by a shell. Only the address and the ids are put in, and `serverless` is `zygo`.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::figures::assert_compared;
use crate::platform::Platform;
use crate::wait::wait_for;

/// How long a line that a handler wrote may take to be found.
const LOGS_DEADLINE: std::time::Duration = std::time::Duration::from_secs(30);

/// The id that the specification's text has where a real one belongs.
const ID: &str = "fn-1234567890";

const DEPLOY: &str = r#"curl -X POST http://localhost:3000/functions \
  -H "Content-Type: application/json" \
  -d '{
    "name": "hello",
    "runtime": "typescript",
    "code": "export const handler = async (event) => ({ statusCode: 200, body: { message: \"Hello World\" } })"
  }'"#;

const INVOKE: &str = r#"curl -X POST http://localhost:3000/functions/fn-1234567890/invoke \
  -H "Content-Type: application/json" \
  -d '{"name": "Developer"}'"#;

const MARKETPLACE_DEPLOY: &str = r#"curl -X POST http://localhost:3000/marketplace/deploy \
  -H "Content-Type: application/json" \
  -d '{
    "templateId": "mp-hello-world",
    "name": "my-hello-world"
  }'"#;

/// A shell beside a platform, with `zygo` in its path.
struct Shell<'a> {
    platform: &'a Platform,
    folder: tempfile::TempDir,
    id: String,
}

impl<'a> Shell<'a> {
    fn new(platform: &'a Platform) -> Self {
        Self {
            platform,
            folder: tempfile::tempdir().expect("a folder"),
            id: ID.to_owned(),
        }
    }

    /// What a line prints; it must succeed.
    #[track_caller]
    fn run(&self, line: &str) -> String {
        let zygo = env!("CARGO_BIN_EXE_zygo");
        let folder = std::path::Path::new(zygo).parent().expect("a folder");
        let line = line
            .replace("localhost:3000", self.platform.address())
            .replace(ID, &self.id)
            .replace("serverless ", "zygo ")
            .replace("curl ", "curl --silent --show-error --fail-with-body ");
        let output = Command::new("timeout")
            .args(["60", "bash", "-euc", &line])
            .current_dir(self.folder.path())
            .env_clear()
            .env(
                "PATH",
                format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display()),
            )
            .env("ZYGO_URL", format!("http://{}", self.platform.address()))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .expect("bash runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, complained) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{line}\n{said}\n{complained}");
        said
    }

    /// The same, as JSON.
    #[track_caller]
    fn json(&self, line: &str) -> Value {
        let said = self.run(line);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line}: {error} in {said}"))
    }
}

#[test]
fn every_curl_line_works_as_it_stands() {
    let platform = Platform::start(&[]);
    let mut shell = Shell::new(&platform);
    let deployed = shell.json(DEPLOY);
    assert_eq!(deployed["message"], "Function deployed successfully");
    let function = &deployed["function"];
    shell.id = function["id"].as_str().expect("an id").to_owned();
    assert!(shell.id.starts_with("fn-"), "{}", shell.id);
    assert_eq!(
        (
            &function["name"],
            &function["runtime"],
            &function["endpoint"]
        ),
        (
            &json!("hello"),
            &json!("typescript"),
            &json!(format!("/functions/{}/invoke", shell.id))
        )
    );
    let invoked = shell.json(INVOKE);
    assert_eq!(invoked["statusCode"], 200);
    assert_eq!(invoked["body"], json!({"message": "Hello World"}));
    assert!(
        invoked["requestId"]
            .as_str()
            .is_some_and(|id| id.starts_with("req-"))
    );
    assert!(invoked["coldStart"].is_boolean() && invoked["logs"].is_array());
    assert!(invoked["duration"].as_f64().is_some_and(|ms| ms > 0.0));
    assert!(invoked["memoryUsed"].as_u64().is_some());
    let installed = shell.json(MARKETPLACE_DEPLOY);
    assert_eq!(installed["function"]["name"], "my-hello-world");
}

#[test]
fn every_call_of_the_api_answers_as_it_is_described() {
    let platform = Platform::start(&[]);
    let code = "export const handler = async (event: any) => {
        console.log('Function started');
        if (event.body?.fail) { console.error('error: told to'); throw new Error('told to'); }
        return { statusCode: 200, body: { message: `Processed: ${event.body?.data ?? 'default'}` } } }";
    let full = json!({
        "name": "my-function", "runtime": "typescript", "code": code, "handler": "handler",
        "memory": 256, "timeout": 30000, "environment": {"API_KEY": "secret"},
        "triggers": [{"type": "http", "config": {"methods": ["GET", "POST"], "path": "/"}}],
        "rateLimit": {"maxRequests": 100, "windowMs": 60000}, "customDomain": "api.example.com",
        "scaling": {"minInstances": 0, "maxInstances": 10, "scaleDownThreshold": 0.5, "cooldownPeriod": 30000},
    });
    let made = platform.post("/functions", &full).expect(201).json();
    let id = made["function"]["id"].as_str().expect("an id").to_owned();
    let path = |rest: &str| format!("/functions/{id}{rest}");
    let list = platform.get("/functions").expect(200).json();
    assert_eq!(list["functions"][0]["id"], id.as_str());
    platform.get(&path("")).expect(200);
    let envelope = platform.invoke(&id, &json!({"payload": "any data", "custom": "fields"}));
    assert_eq!(envelope.handler_body()["message"], "Processed: default");
    platform.invoke(&id, &json!({"fail": true})).expect(502);
    for (query, count) in [
        ("", 3),
        ("?level=error", 1),
        ("?since=1h", 3),
        ("?q=error", 1),
    ] {
        wait_for("the lines", LOGS_DEADLINE, || {
            let page = platform
                .get(&path(&format!("/logs{query}")))
                .expect(200)
                .json();
            (page["logs"].as_array().map(Vec::len) == Some(count)).then_some(())
        });
    }
    check_metrics(&platform, &id);
    platform.get("/metrics").expect(200);
    platform.put(&path(""), &json!({"memory": 128})).expect(200);
    let second = platform.post(
        &path(""),
        &json!({"code": code.replace("Processed", "Done")}),
    );
    assert_eq!(second.expect(200).json()["function"]["version"], 3);
    platform
        .post(&path("/rollback"), &json!({"version": 2}))
        .expect(200);
    let body = platform.invoke(&id, &json!({"data": "x"})).handler_body();
    assert_eq!(body["message"], "Processed: x");
    platform.delete(&path("")).expect(200);
    platform.get(&path("")).expect(404);
    platform.get("/marketplace").expect(200);
    platform.get("/marketplace?q=image").expect(200);
}

/// The fields of the specification, after one success and one failure.
fn check_metrics(platform: &Platform, id: &str) {
    let metrics = platform
        .get(&format!("/functions/{id}/metrics"))
        .expect(200)
        .json();
    assert_eq!(metrics["functionId"], id);
    let metrics = &metrics["metrics"];
    for (field, value) in [
        ("invocations", 2.0),
        ("errors", 1.0),
        ("successRate", 50.0),
        ("errorRate", 50.0),
    ] {
        assert_eq!(metrics[field].as_f64(), Some(value), "{field} in {metrics}");
    }
    for field in [
        "coldStarts",
        "avgDuration",
        "avgColdStartDuration",
        "p95Duration",
        "coldStartRate",
        "totalCost",
    ] {
        assert!(metrics[field].is_number(), "{field} in {metrics}");
    }
}

#[test]
fn every_line_of_the_command_line_works_as_it_stands() {
    let platform = Platform::start(&[]);
    let shell = Shell::new(&platform);
    let write = |word: &str| {
        let code = format!(
            "export const handler = async (event: any) => {{ console.log('to', event.body.name); return {{ statusCode: 200, body: {{ {word}: event.body.name }} }} }};"
        );
        std::fs::write(shell.folder.path().join("hello.ts"), code).expect("written");
    };
    for word in ["hello", "second", "third"] {
        write(word);
        shell.run("serverless deploy --function hello");
    }
    let invoke = "serverless invoke --function hello --data '{\"name\":\"John\"}'";
    assert_eq!(shell.json(invoke), json!({"third": "John"}));
    // It goes on until it is told to end.
    let tail = "exec 3< <(exec serverless logs --function hello --tail); head -n 1 <&3; kill $!";
    assert!(shell.run(tail).contains("to John"));
    assert!(
        shell
            .run("serverless metrics --function hello")
            .contains("invocations")
    );
    shell.run("serverless rollback --function hello --version 2");
    assert_eq!(shell.json(invoke), json!({"second": "John"}));
    assert!(
        shell
            .run("serverless marketplace list")
            .contains("mp-hello-world")
    );
    shell.run("serverless marketplace install hello-world");
    let installed = shell.json("serverless invoke --function hello-world --data '{}'");
    assert_eq!(installed["message"], "Hello, World!");
}

#[test]
fn the_price_of_a_million_invocations_is_the_specifications() {
    let platform = Platform::shared();
    let path = "/cost/comparison?invocations=1000000&memory=256&duration=100";
    assert_compared(&platform, path);
}
