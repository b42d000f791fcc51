//! The dashboard: its files come out of the binary under a strict policy, to everyone, and never in a function's place. What
//! is on the page, `dashboard/tests` sees in a browser.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;

use crate::client::Answer;
use crate::platform::Platform;
use crate::raw;

const CREDENTIAL: &str = "an-admin-key-that-is-long-enough-0123456789";

/// Whether the binary under test has one: `scripts/test` builds it, cargo alone does not.
fn is_built() -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("dashboard/dist/index.html")
        .exists()
}

#[track_caller]
fn assert_strict(answer: &Answer) {
    let policy = answer.header("content-security-policy");
    let directives: BTreeSet<&str> = policy.split("; ").collect();
    let wanted = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    assert_eq!(directives, wanted.split("; ").collect());
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
}

/// Files that the page names.
fn files(page: &str) -> Vec<String> {
    let named = page.split('"').skip(1).step_by(2);
    let files: Vec<String> = named
        .filter(|value| value.starts_with('/'))
        .map(str::to_owned)
        .collect();
    assert!(files.len() >= 3, "{page}");
    files
}

#[test]
fn everyone_gets_the_page_and_its_files_and_nothing_stands_in_it() {
    let platform = Platform::start(&[("ZYGO_ADMIN_KEY", CREDENTIAL)]);
    let page = platform.get("/");
    assert_strict(&page);
    if !is_built() {
        assert!(page.expect(404).text().contains("scripts/build"));
        return;
    }
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "no-cache");
    let text = page.expect(200).text();
    for path in ["/dashboard", "/dashboard/", "/dashboard/index.html"] {
        assert_eq!(platform.get(path).expect(200).text(), text, "{path}");
    }
    for forbidden in ["<style", "style=", "onload=", "javascript:", "://"] {
        assert!(!text.contains(forbidden), "{forbidden} in {text}");
    }
    for path in files(&text) {
        let file = platform.get(&path).expect(200);
        assert_strict(&file);
        assert!(path.starts_with("/dashboard/assets/"), "{path}");
        let kept = file.header("cache-control");
        assert_eq!(kept, "public, max-age=31536000, immutable", "{path}");
        let kind = file.header("content-type").to_owned();
        let wanted = ["text/javascript", "text/css", "image/svg+xml"];
        assert!(
            wanted.iter().any(|wanted| kind.starts_with(wanted)),
            "{path}: {kind}"
        );
    }
    let licences = platform.get("/dashboard/licences.txt").expect(200);
    assert_eq!(licences.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(licences.header("cache-control"), "no-cache");
    assert!(licences.text().contains("preact"));
    for missing in [
        "nothing.js",
        "assets/",
        "%FF",
        "..%2fCargo.toml",
        "assets/%2e%2e/x",
    ] {
        let answer = platform.get(&format!("/dashboard/{missing}"));
        assert_eq!(answer.problem(404), "path_not_found", "{missing}");
    }
}

#[test]
fn whoever_has_a_file_is_not_sent_it_again() {
    let platform = Platform::shared();
    if !is_built() {
        return;
    }
    let page = platform.get("/").expect(200);
    let tag = page.header("etag");
    let ask = |tag: &str| raw::get(&platform, "localhost", "/", &[("if-none-match", tag)]);
    for same in [tag, &format!("W/{tag}"), &format!("\"other\", {tag}"), "*"] {
        let answer = ask(same).expect(304);
        assert_eq!((answer.bytes.len(), answer.header("etag")), (0, tag));
    }
    assert_eq!(ask("\"other\"").expect(200).text(), page.text());
    let head = raw::request(&platform, "HEAD", "localhost", "/", &[], b"").expect(200);
    assert_eq!(
        head.header("content-length"),
        page.bytes.len().to_string().as_str()
    );
}

#[test]
fn a_function_that_takes_the_root_or_has_the_host_is_never_hidden() {
    let platform = Platform::start(&[]);
    let code = "def handler(event, context): return {'statusCode': 200, 'body': 'the function'}";
    let deploy = |name: &str, more: serde_json::Value| {
        let mut settings = json!({"code": code, "public": true});
        settings
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("settings").clone());
        platform.try_deploy(name, "python", &settings).expect(201);
    };
    let posts = json!([{"type": "http", "config": {"methods": ["POST"], "path": "/"}}]);
    deploy("posts", json!({"triggers": posts}));
    deploy("host", json!({"customDomain": "www.example.com"}));
    let text = |method: &str, host: &str, path: &str| {
        raw::request(&platform, method, host, path, &[], b"").text()
    };
    assert_eq!(text("POST", "localhost", "/"), "the function");
    assert_ne!(
        text("GET", "localhost", "/"),
        "the function",
        "it takes POST alone"
    );
    for path in ["/", "/dashboard", "/dashboard/index.html"] {
        assert_eq!(text("GET", "www.example.com", path), "the function");
    }
    let gets = json!([{"type": "http", "config": {"methods": ["GET"], "path": "/"}}]);
    deploy("gets", json!({"triggers": gets}));
    assert_eq!(text("GET", "localhost", "/"), "the function");
    assert_ne!(text("GET", "localhost", "/dashboard"), "the function");
    platform.delete("/functions/gets").expect(200);
    assert_ne!(text("GET", "localhost", "/"), "the function");
}
