//! The files of a version, as they were uploaded.

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::versions::saying;

fn code(platform: &Platform, function: &str, version: u32) -> Value {
    let path = format!("/functions/{function}/versions/{version}/code");
    platform.get(&path).expect(200).json()
}

#[test]
fn each_version_has_the_files_that_it_was_made_of() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let first = saying(language, "one");
        let function = platform.deploy(language, &first, &json!({}));
        let second = saying(language, "two");
        platform
            .put(&format!("/functions/{function}"), &json!({"code": second}))
            .expect(200);
        for (version, text) in [(1, &first), (2, &second)] {
            let shown = code(&platform, &function, version);
            let path = format!("index.{}", language.extension());
            let file = json!({"path": path, "size": text.len(), "content": text});
            assert_eq!(shown, json!({"version": version, "files": [file]}));
        }
        // What is shown can be deployed again, and is the same then.
        let files = json!({format!("index.{}", language.extension()): second});
        let again = platform.put(&format!("/functions/{function}"), &json!({"files": files}));
        assert_eq!(again.expect(200).json()["unchanged"], true);
        let missing = platform.get(&format!("/functions/{function}/versions/9/code"));
        assert_eq!(missing.problem(404), "version_not_found");
    });
}

#[test]
fn files_that_are_no_texts_are_named_without_what_is_in_them() {
    let platform = Platform::shared();
    let files = json!({
        "index.py": "def handler(event, context): return 1\n",
        "data/blob.bin": {"base64": "/wD/"},
        "data/long.txt": "x".repeat(300_000),
    });
    let function = platform.deploy_files(Language::Python, &json!({"files": files}));
    let shown = code(&platform, &function, 1);
    let found: Vec<(&str, u64, bool)> = shown["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| {
            let path = file["path"].as_str().expect("a path");
            let size = file["size"].as_u64().expect("a size");
            (path, size, file["content"].is_string())
        })
        .collect();
    let wanted = [
        ("data/blob.bin", 3, false),
        ("data/long.txt", 300_000, false),
        ("index.py", 38, true),
    ];
    assert_eq!(found, wanted);
}
