//! Archives in S3-compatible storage.

use serde_json::json;

use super::bucket::Bucket;
use super::{DEADLINE, Shared, wait_for_word};
use crate::language::in_every_language;
use crate::versions::saying;
use crate::wait::wait_until;

const KEY: &str = "a-key-that-nobody-sees";

/// What nodes with their archives in a bucket have in common.
fn sharing(bucket: &Bucket, url: &str, more: &[(&str, &str)]) -> Shared {
    let endpoint = bucket.endpoint();
    let settings = [
        ("ZYGO_ARTIFACTS_URL", url),
        ("ZYGO_ARTIFACTS_ENDPOINT", &endpoint),
        ("ZYGO_ARTIFACTS_REGION", "eu-west-1"),
        ("ZYGO_ARTIFACTS_ACCESS_KEY_ID", "an-id"),
        ("ZYGO_ARTIFACTS_SECRET_ACCESS_KEY", KEY),
    ];
    Shared::new(&[&settings, more].concat())
}

#[test]
fn nodes_share_archives_in_a_bucket_and_show_no_key_to_it() {
    let bucket = Bucket::start();
    let collecting = [
        ("ZYGO_VERSIONS_KEPT", "1"),
        ("ZYGO_ARCHIVE_GRACE_MS", "0"),
        ("ZYGO_COLLECTION_INTERVAL_MS", "200"),
        ("VERBOSE", "true"),
    ];
    let shared = sharing(&bucket, "s3://code/zygo", &collecting);
    let nodes = [shared.start(), shared.start()];
    in_every_language(|language| {
        let function = nodes[0].deploy(language, &saying(language, "one"), &json!({}));
        wait_for_word(&nodes[1], &function, "one");
        let first = bucket.names();
        assert!(
            first.iter().all(|name| name.starts_with("/code/zygo/")),
            "{first:?}"
        );
        let path = format!("/functions/{function}");
        for word in ["two", "three"] {
            let code = json!({"code": saying(language, word)});
            nodes[1].put(&path, &code).expect(200);
        }
        wait_for_word(&nodes[0], &function, "three");
        // Only what serves is kept, and the one before as long as it may be gone back to.
        wait_until("no archive of the first version", DEADLINE, || {
            first.iter().all(|name| !bucket.names().contains(name))
        });
        nodes[0].delete(&path).expect(200);
        wait_until("no archive", DEADLINE, || bucket.names().is_empty());
    });
    assert_eq!(bucket.unsigned(), [""; 0]);
    for node in &nodes {
        assert!(!node.log_tail().contains(KEY));
    }
}

#[test]
fn an_archive_that_was_damaged_in_the_bucket_is_never_run() {
    let bucket = Bucket::start();
    let shared = sharing(&bucket, "s3://code", &[]);
    let first = shared.start();
    in_every_language(|language| {
        let settings = json!({});
        let function = first.deploy(language, &saying(language, "one"), &settings);
        let names = bucket.names();
        bucket.damage(names.last().expect("an archive"));
        let second = shared.start();
        let answer = second.invoke(&function, &json!({}));
        assert_eq!(answer.problem(503), "files_lost");
        let path = format!("/functions/{function}");
        // The same code once more puts it right.
        let code = json!({"code": saying(language, "one")});
        first.put(&path, &code).expect(200);
        wait_for_word(&second, &function, "one");
        first.delete(&path).expect(200);
        bucket.forget();
    });
}
