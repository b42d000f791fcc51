//! The API's description: valid, whole, true, and shown by a page that needs nothing from elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::client::Client;
use crate::platform::Platform;

/// Methods that an operation can have, as the description names them.
const METHODS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// One operation of the description.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// In capitals.
    pub(crate) method: String,
    /// With names in braces.
    pub(crate) path: String,
    pub(crate) json: Value,
}

impl Operation {
    /// The member of the operation that has this name.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.json[name].as_str().unwrap_or_default()
    }

    /// Statuses that it names.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = &String> {
        object(&self.json["responses"]).keys()
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}

pub(crate) fn document(client: &Client) -> Value {
    let answer = client.get("/openapi.json").expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    answer.json()
}

pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let paths = object(&document["paths"]).iter();
    let of_path = |(path, item): (&String, &Value)| {
        let (path, item) = (path.clone(), object(item).clone());
        let operation = move |(method, json): (String, Value)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            json,
        };
        item.into_iter().map(operation).collect::<Vec<_>>()
    };
    let all: Vec<Operation> = paths.flat_map(of_path).collect();
    assert!(all.len() > 55, "{}", all.len());
    all
}

/// Every value of the document with its JSON pointer.
fn visit<'a>(pointer: &str, value: &'a Value, look: &mut impl FnMut(&str, &'a Value)) {
    look(pointer, value);
    for (name, member) in object(value) {
        visit(&format!("{pointer}/{name}"), member, look);
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        visit(&format!("{pointer}/{index}"), item, look);
    }
}

#[test]
fn the_document_is_one_of_version_3_1() {
    let document = document(&Platform::shared());
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "Zygo");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut wrong = Vec::new();
    visit("", &document, &mut |pointer, value| {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            let found = target
                .strip_prefix('#')
                .and_then(|target| document.pointer(target));
            if found.is_none() {
                wrong.push(format!("{pointer} refers to {target}, which is not there"));
            }
        }
        // 3.0 had these words, 3.1 has others for them.
        if pointer.contains("/schema") && value.get("nullable").is_some_and(Value::is_boolean) {
            wrong.push(format!("{pointer} is nullable"));
        }
    });
    let schemes: Vec<&String> = object(&document["components"]["securitySchemes"])
        .keys()
        .collect();
    assert_eq!(schemes, ["apiKey", "bearer"]);
    let used = serde_json::to_string(&document).expect("a text");
    for name in object(&document["components"]["schemas"]).keys() {
        if !used.contains(&format!("\"#/components/schemas/{name}\"")) {
            wrong.push(format!("nothing uses the schema {name}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is missing or wrong in the description of an operation.
fn faults(document: &Value, operation: &Operation) -> Vec<String> {
    let mut wrong = Vec::new();
    if !METHODS.contains(&operation.method.to_lowercase().as_str()) {
        wrong.push("is no method".to_owned());
    }
    if ["summary", "operationId"]
        .iter()
        .any(|name| operation.text(name).is_empty())
    {
        wrong.push("lacks a summary or an operationId".to_owned());
    }
    let tags = document["tags"].as_array().expect("tags");
    let tag = &operation.json["tags"];
    if tag.as_array().is_none_or(|tags| tags.len() != 1)
        || !tags.iter().any(|known| known["name"] == tag[0])
    {
        wrong.push(format!("has unknown tags: {tag}"));
    }
    let named: BTreeSet<&str> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .collect();
    let parameters = operation.json["parameters"].as_array();
    let mut described = BTreeSet::new();
    for parameter in parameters.into_iter().flatten() {
        let name = parameter["name"].as_str().expect("a name");
        if parameter["in"] == "path" {
            described.insert(name);
        }
        let is_typed = parameter["schema"].is_object();
        if !is_typed || parameter["description"].as_str().is_none_or(str::is_empty) {
            wrong.push(format!("does not say what {name} is"));
        }
    }
    if named != described {
        wrong.push(format!("describes {described:?}, not {named:?}"));
    }
    for (status, response) in object(&operation.json["responses"]) {
        let response = match response["$ref"].as_str() {
            Some(target) => document.pointer(&target[1..]).expect("a response"),
            None => response,
        };
        let kinds: Vec<&String> = object(&response["content"]).keys().collect();
        let is_refusal = status.as_str() >= "400";
        let is_bare = ["101", "204"].contains(&status.as_str());
        if response["description"].as_str().is_none_or(str::is_empty)
            || kinds.is_empty() != is_bare
            || is_refusal != (kinds == ["application/problem+json"])
        {
            wrong.push(format!("{status} has {kinds:?}"));
        }
    }
    wrong
}

#[test]
fn every_operation_is_described_in_full() {
    let document = document(&Platform::shared());
    let all = operations(&document);
    let ids: BTreeSet<&str> = all.iter().map(|one| one.text("operationId")).collect();
    assert_eq!(ids.len(), all.len(), "an operationId occurs twice");
    let wrong: Vec<String> = all
        .iter()
        .flat_map(|one| {
            let name = one.name();
            let faults = faults(&document, one).into_iter();
            faults.map(move |fault| format!("{name} {fault}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The router says itself which methods a path has: to whoever asks with one that it has not.
#[test]
fn the_router_has_the_described_methods_and_no_others() {
    let platform = Platform::shared();
    let mut described: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for operation in operations(&document(&platform)) {
        let methods = described.entry(operation.path).or_default();
        // Whoever may GET may ask for the head alone, unless the answer is another protocol.
        if operation.method == "GET" && operation.json["responses"]["101"].is_null() {
            methods.insert("HEAD".to_owned());
        }
        methods.insert(operation.method);
    }
    let mut wrong = Vec::new();
    for (path, methods) in described {
        let answer = platform.request("PATCH", &path.replace(['{', '}'], ""), "", b"");
        assert_eq!(answer.problem(405), "method_not_allowed", "{path}");
        let allowed: BTreeSet<String> = answer
            .header("allow")
            .split(',')
            .map(|method| method.trim().to_owned())
            .collect();
        if allowed != methods {
            wrong.push(format!("{path} takes {allowed:?}, described {methods:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_path_that_is_no_text_is_refused_like_anything_else() {
    let platform = Platform::shared();
    for operation in operations(&document(&platform)) {
        let parts = operation.path.split('/');
        let parts = parts.map(|part| if part.starts_with('{') { "%FF" } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        if path == operation.path {
            continue;
        }
        let answer = platform.request(&operation.method, &path, "application/json", b"{}");
        assert_eq!(answer.problem(400), "malformed_request", "{path}");
        assert!(answer.header("x-request-id").starts_with("req-"), "{path}");
    }
}

/// Pages for people, which are no operations.
#[rustfmt::skip]
const PAGES: [&str; 7] = [
    "/docs", "/docs/", "/docs/{*rest}", "/dashboard", "/dashboard/", "/dashboard/{*rest}", "/",
];

/// `routes!` takes operations with their description alone; here it is seen that nothing goes another way.
#[test]
fn no_route_is_without_a_description() {
    let mut plain = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("src/api"), root.join("src/gateway")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).expect("a text");
            for word in [".route(", ".route_service(", ".nest(", ".nest_service("] {
                let calls = text.split(word).skip(1);
                plain.extend(calls.map(|rest| rest.split('"').nth(1).unwrap_or(word).to_owned()));
            }
        }
    }
    assert_eq!(plain, PAGES);
}

/// What the page names: values of `src` and `href`.
fn named_files(page: &str) -> Vec<&str> {
    let values = ["src=\"", "href=\""].map(|word| page.split(word).skip(1));
    let values = values.into_iter().flatten();
    let files: Vec<&str> = values.filter_map(|rest| rest.split('"').next()).collect();
    assert!(files.len() >= 4, "{page}");
    files
}

#[test]
fn the_page_is_made_of_nothing_from_elsewhere() {
    let platform = Platform::shared();
    let page = platform.get("/docs").expect(200);
    assert_eq!(platform.get("/docs/").expect(200).text(), page.text());
    assert_eq!(page.header("content-type"), "text/html");
    for file in named_files(&page.text()) {
        assert!(!file.contains("//") && !file.starts_with('/'), "{file}");
        let answer = platform
            .get(&format!("/docs/{}", file.trim_start_matches("./")))
            .expect(200);
        let policy = answer.header("content-security-policy");
        let sources = policy.split([' ', ';']).filter(|word| word.contains(':'));
        assert_eq!(sources.collect::<Vec<_>>(), ["data:"], "{policy}");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
    }
    let setup = platform.get("/docs/swagger-initializer.js").expect(200);
    let setup = setup.text();
    assert!(setup.contains("\"url\": \"/openapi.json\""), "{setup}");
    assert!(!setup.contains("://"), "{setup}");
    for missing in ["nothing.js", "%FF", "..%2f..%2fCargo.toml"] {
        let answer = platform.get(&format!("/docs/{missing}"));
        assert_eq!(answer.problem(404), "path_not_found", "{missing}");
    }
}
