//! Functions as resources: making, showing, changing and removing them, and the specification's own examples.

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::{Platform, unique_name};

const HELLO: [&str; 3] = [
    r#"export const handler = async (event) => ({ statusCode: 200, body: { message: "Hello World" } })"#,
    "def handler(event, context):\n    return {'statusCode': 200, 'body': {'message': 'Hello World'}}\n",
    "def handler(event, context)\n  { statusCode: 200, body: { message: 'Hello World' } }\nend\n",
];

fn hello(language: Language) -> &'static str {
    language.pick(HELLO[0], HELLO[1], HELLO[2])
}

#[test]
fn the_quick_start_of_the_specification_works() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let name = unique_name();
        let deployment = json!({"name": name, "runtime": language.name(), "code": hello(language)});
        let deployed = platform.post("/functions", &deployment).expect(201);
        let location = deployed.header("location").to_owned();
        let deployed = deployed.json();
        assert_eq!(deployed["message"], "Function deployed successfully");
        let function = &deployed["function"];
        let id = function["id"].as_str().expect("an id");
        assert!(id.starts_with("fn-"), "{id}");
        assert_eq!(function["name"], name.as_str());
        assert_eq!(function["runtime"], language.name());
        assert_eq!(function["version"], 1);
        assert_eq!(location, format!("/functions/{id}"));
        let endpoint = function["endpoint"].as_str().expect("an endpoint");
        assert_eq!(endpoint, format!("/functions/{id}/invoke"));
        check_envelope(
            &platform
                .post(endpoint, &json!({"name": "Developer"}))
                .expect(200)
                .json(),
        );
    });
}

fn check_envelope(envelope: &Value) {
    assert_eq!(envelope["statusCode"], 200);
    assert_eq!(envelope["body"], json!({"message": "Hello World"}));
    assert_eq!(envelope["coldStart"], true);
    assert_eq!(envelope["logs"], json!([]));
    assert!(
        envelope["requestId"]
            .as_str()
            .is_some_and(|id| id.starts_with("req-"))
    );
    for figure in ["duration", "billedDuration", "memoryUsed"] {
        assert!(
            envelope[figure].as_f64().is_some_and(|value| value > 0.0),
            "{figure}: {envelope}"
        );
    }
    let phase = |name: &str| envelope["timeline"][name].as_f64().expect("a phase in ms");
    let phases: f64 = ["queue", "fork", "load", "handler"].map(phase).iter().sum();
    assert!(phases <= phase("total") + 0.01, "{envelope}");
}

#[test]
fn the_specifications_full_deployment_is_taken_and_shown() {
    let platform = Platform::shared();
    let name = unique_name();
    let triggers = json!([{"type": "http", "config": {"methods": ["GET", "POST"], "path": "/"}}]);
    let deployment = json!({
        "name": name, "runtime": "python", "code": hello(Language::Python), "handler": "handler", "memory": 256,
        "timeout": 30000, "environment": {"API_KEY": "secret"}, "triggers": triggers, "secrets": {"TOKEN": "hidden"},
        "rateLimit": {"maxRequests": 100, "windowMs": 60000}, "customDomain": "api.example.com", "isolation": "request",
        "network": "internet",
        "scaling": {"minInstances": 0, "maxInstances": 5, "parked": 0, "scaleUpThreshold": 0.8, "scaleDownThreshold": 0.2, "cooldownPeriod": 1000},
    });
    platform.post("/functions", &deployment).expect(201);
    let answer = platform.get(&format!("/functions/{name}")).expect(200);
    assert!(!answer.text().contains("hidden") && !answer.text().contains("\"secret\""));
    let function = answer.json()["function"].take();
    for kept in [
        "name",
        "runtime",
        "handler",
        "memory",
        "timeout",
        "triggers",
        "rateLimit",
        "customDomain",
        "isolation",
        "network",
        "scaling",
    ] {
        assert_eq!(function[kept], deployment[kept], "{kept}");
    }
    assert_eq!(function["environment"], json!(["API_KEY"]));
    assert_eq!(function["secrets"], json!(["TOKEN"]));
}

#[test]
fn names_work_wherever_ids_do() {
    let platform = Platform::shared();
    let name = platform.deploy(Language::Python, hello(Language::Python), &json!({}));
    let id = platform.show(&name)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    assert_eq!(platform.show(&id)["name"], name.as_str());
    for key in [&name, &id] {
        platform.invoke(key, &json!({})).expect(200);
        platform
            .put(&format!("/functions/{key}"), &json!({"memory": 64}))
            .expect(200);
        platform
            .post(&format!("/functions/{key}"), &json!({"memory": 64}))
            .expect(200);
    }
    platform.delete(&format!("/functions/{name}")).expect(200);
    for key in [&name, &id] {
        assert_eq!(
            platform.get(&format!("/functions/{key}")).problem(404),
            "function_not_found"
        );
        assert_eq!(
            platform.invoke(key, &json!({})).problem(404),
            "function_not_found"
        );
        assert_eq!(
            platform.delete(&format!("/functions/{key}")).problem(404),
            "function_not_found"
        );
        assert_eq!(
            platform
                .put(&format!("/functions/{key}"), &json!({}))
                .problem(404),
            "function_not_found"
        );
    }
}

#[test]
fn the_list_has_every_function_by_name() {
    let platform = Platform::start(&[]);
    assert_eq!(
        platform.get("/functions").expect(200).json(),
        json!({"functions": [], "total": 0})
    );
    for name in ["zeta", "alpha"] {
        platform
            .try_deploy(name, "ruby", &json!({"code": hello(Language::Ruby)}))
            .expect(201);
    }
    let list = platform.get("/functions").expect(200).json();
    let names = [&list["functions"][0]["name"], &list["functions"][1]["name"]];
    assert_eq!(
        (names, &list["total"]),
        ([&json!("alpha"), &json!("zeta")], &json!(2))
    );
}

#[test]
fn a_taken_name_is_a_conflict() {
    let platform = Platform::shared();
    let name = platform.deploy(Language::Ruby, hello(Language::Ruby), &json!({}));
    let again = platform.try_deploy(&name, "python", &json!({"code": hello(Language::Python)}));
    assert_eq!(again.problem(409), "name_taken");
    assert_eq!(again.json()["pointer"], "/name");
    platform.delete(&format!("/functions/{name}")).expect(200);
    platform
        .try_deploy(&name, "ruby", &json!({"code": hello(Language::Ruby)}))
        .expect(201);
}

#[test]
fn a_new_version_takes_over_and_keeps_what_it_does_not_name() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let code = |answer: &str| {
            language.pick(
                format!("export const handler = () => [{answer}, process.env.KEY]"),
                format!(
                    "import os\ndef handler(event, context): return [{answer}, os.environ['KEY']]"
                ),
                format!("def handler(event, context) = [{answer}, ENV['KEY']]"),
            )
        };
        let name = platform.deploy(
            language,
            &code("1"),
            &json!({"environment": {"KEY": "a"}, "memory": 128}),
        );
        let path = format!("/functions/{name}");
        assert_eq!(
            platform.invoke(&name, &json!({})).handler_body(),
            json!([1, "a"])
        );
        let updated = platform
            .put(&path, &json!({"code": code("2")}))
            .expect(200)
            .json();
        assert_eq!(
            (
                &updated["function"]["version"],
                &updated["function"]["memory"]
            ),
            (&json!(2), &json!(128))
        );
        let envelope = platform.invoke(&name, &json!({})).expect(200).json();
        assert_eq!(
            (&envelope["body"], &envelope["version"]),
            (&json!([2, "a"]), &json!(2))
        );
        platform
            .post(&path, &json!({"environment": {"KEY": "b"}}))
            .expect(200);
        let envelope = platform.invoke(&name, &json!({})).expect(200).json();
        assert_eq!(
            (&envelope["body"], &envelope["version"]),
            (&json!([2, "b"]), &json!(3))
        );
    });
}

#[test]
fn a_version_that_does_not_load_changes_nothing() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let name = platform.deploy(language, hello(language), &json!({}));
        platform.invoke(&name, &json!({})).expect(200);
        let broken = platform.put(&format!("/functions/{name}"), &json!({"code": "def ((("}));
        assert_eq!(broken.status, 422, "{}", broken.text());
        assert_eq!(platform.show(&name)["version"], 1);
        let envelope = platform.invoke(&name, &json!({})).expect(200).json();
        assert_eq!(
            (&envelope["startKind"], &envelope["version"]),
            (&json!("warm"), &json!(1))
        );
    });
}

#[test]
fn code_arrives_as_text_as_files_and_as_archives() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let file = format!("index.{}", language.extension());
        let code = hello(language);
        let zip = crate::pack::zip_of(&[(&file, code.as_bytes())]);
        let base64 = crate::pack::base64_of(&zip);
        let files = json!({ file.as_str(): code, "data/raw.bin": {"base64": "AP8="} });
        for upload in [
            json!({"code": code}),
            json!({"files": files}),
            json!({"archive": base64}),
        ] {
            let name = platform.deploy_files(language, &upload);
            platform.invoke(&name, &json!({})).expect(200);
        }
        let name = unique_name();
        let path = format!(
            "/functions?name={name}&runtime={}&memory=64&handler=index.handler",
            language.name()
        );
        platform
            .request("POST", &path, "application/zip", &zip)
            .expect(201);
        assert_eq!(platform.show(&name)["memory"], 64);
        platform.invoke(&name, &json!({})).expect(200);
    });
}

#[test]
fn request_ids_are_echoed_or_made() {
    let platform = Platform::shared();
    let name = platform.deploy(Language::Python, hello(Language::Python), &json!({}));
    let uri = format!("http://{}/functions/{name}/invoke", platform.address());
    let invoke = |id: &str| {
        let request = http::Request::post(&uri).header("x-request-id", id);
        let answer = platform.send(request.body(b"{}".to_vec()).expect("a request"));
        let answer = answer.expect("an answer");
        let echoed = answer.header("x-request-id").to_owned();
        assert_eq!(answer.json()["requestId"], echoed.as_str());
        echoed
    };
    assert_eq!(invoke("abc-1.2_3:4/5"), "abc-1.2_3:4/5");
    for unusable in ["with space", "", &"x".repeat(129), "\"quoted\""] {
        assert!(invoke(unusable).starts_with("req-"), "{unusable:?}");
    }
    assert_ne!(invoke(""), invoke(""));
}
