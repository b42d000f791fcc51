//! What nobody needs any more goes: versions, archives, trees of packages. What is needed stays, also when the platform is
//! killed meanwhile.

use std::time::Duration;

use serde_json::json;

use crate::durability::{assert_no_folder_without_version, code, entries};
use crate::language::Language;
use crate::launch::run_to_its_end;
use crate::platform::Platform;
use crate::wait::wait_until;

const DEADLINE: Duration = Duration::from_secs(60);
const COLLECTING: [(&str, &str); 3] = [
    ("ZYGO_VERSIONS_KEPT", "2"),
    ("ZYGO_ARCHIVE_GRACE_MS", "0"),
    ("ZYGO_COLLECTION_INTERVAL_MS", "100"),
];

fn archives(platform: &Platform) -> usize {
    let folder = platform.data().path().join("archives");
    entries(&folder)
        .iter()
        .map(|spread| entries(&folder.join(spread)).len())
        .sum()
}

#[test]
fn a_kill_during_a_collection_loses_nothing_that_is_needed_and_the_next_one_ends_it() {
    for point in [
        "collect::versions",
        "collect::dependencies",
        "collect::archive",
    ] {
        let mut first = Platform::start(&[]);
        let function = first.deploy(Language::Python, &code("0"), &json!({}));
        let path = format!("/functions/{function}");
        for word in ["1", "2", "3", "4"] {
            first.put(&path, &json!({"code": code(word)})).expect(200);
        }
        let id = first.show(&function)["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        first.stop();
        let action = format!("{point}=abort");
        let settings = [&COLLECTING[..], &[("ZYGO_FAILPOINTS", action.as_str())]].concat();
        run_to_its_end(&first.data(), &settings);
        let third = Platform::start_on(first.data(), &COLLECTING);
        assert_eq!(
            third.invoke(&function, &json!({})).handler_body(),
            "4",
            "{point}"
        );
        wait_until("the collection", DEADLINE, || archives(&third) == 2);
        assert_no_folder_without_version(&third, &function, &id);
        third
            .post(&format!("{path}/rollback"), &json!({"version": 4}))
            .expect(200);
        assert_eq!(
            third.invoke(&function, &json!({})).handler_body(),
            "3",
            "{point}"
        );
    }
}

#[test]
fn archives_and_versions_that_nobody_needs_are_collected() {
    let platform = Platform::start(&COLLECTING);
    let function = platform.deploy(Language::Python, &code("0"), &json!({}));
    platform
        .put(
            &format!("/functions/{function}/aliases/first"),
            &json!({"version": 1}),
        )
        .expect(200);
    for word in ["1", "2", "3", "4"] {
        platform
            .put(
                &format!("/functions/{function}"),
                &json!({"code": code(word)}),
            )
            .expect(200);
    }
    // Two that are kept, and the one with an alias.
    wait_until("the collection", DEADLINE, || archives(&platform) == 3);
    let missing = platform.post(
        &format!("/functions/{function}/rollback"),
        &json!({"version": 2}),
    );
    assert_eq!(missing.problem(404), "version_not_found");
    platform
        .post(
            &format!("/functions/{function}/rollback"),
            &json!({"version": 1}),
        )
        .expect(200);
    assert_eq!(platform.invoke(&function, &json!({})).handler_body(), "0");
    platform
        .delete(&format!("/functions/{function}"))
        .expect(200);
    wait_until("the collection", DEADLINE, || archives(&platform) == 0);
}

#[test]
fn trees_of_packages_that_no_version_needs_are_collected() {
    let platform = Platform::start(&COLLECTING);
    let files = |round: usize| {
        json!({
            "index.rb": "require 'rexml/document'\ndef handler(event, context) = REXML::Document.new('<a>1</a>').root.text",
            "Gemfile": format!("source 'http://127.0.0.1:1/'\ngem 'rexml' # {round}\n"),
        })
    };
    let settings = json!({"files": files(0), "handler": "index.handler"});
    let function = platform.deploy_files(Language::Ruby, &settings);
    for round in 1..4 {
        let body = json!({"files": files(round)});
        platform
            .put(&format!("/functions/{function}"), &body)
            .expect(200);
    }
    let trees = || entries(&platform.data().path().join("dependencies")).len();
    wait_until("the collection", DEADLINE, || trees() == 2);
    let back = json!({"version": 3});
    platform
        .post(&format!("/functions/{function}/rollback"), &back)
        .expect(200);
    assert_eq!(platform.invoke(&function, &json!({})).handler_body(), "1");
    platform
        .delete(&format!("/functions/{function}"))
        .expect(200);
    wait_until("the collection", DEADLINE, || trees() == 0);
}
