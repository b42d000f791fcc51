//! Servers that are spoken to encrypted: by whom they have to be vouched for, and for which name.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Consumer, PRIVATE, deploy, settings, source};
use crate::brokers::{Broker, KINDS, Kind, PASSWORD};
use crate::certificates::{Made, make_vouched};
use crate::language::{Language, in_every_language};
use crate::launch::refused_start;
use crate::platform::{Platform, unique_name};

const ROOT_FILE: &str = "ZYGO_EVENTS_SOURCE_ROOT_FILE";

/// The file of whoever vouches.
fn root_file(authority: &Made) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("root.pem");
    authority.write(&file, &folder.path().join("root.key"));
    let file = file.to_str().expect("a path").to_owned();
    (folder, file)
}

/// Settings of a function that reads at the encrypted address.
fn encrypted(broker: &Broker, name: &str) -> Value {
    let mut settings = settings(broker, &[broker.config(name)]);
    settings["secrets"]["QUEUE_URL"] = broker.encrypted_url().into();
    settings
}

/// Why a function reads nothing.
fn refusal(platform: &Platform, broker: &Broker) -> String {
    let name = unique_name();
    broker.make(&name);
    let function = deploy(platform, Language::Python, &encrypted(broker, &name));
    let its = source(platform, &function, |its| its["state"] == "backing-off");
    assert_eq!(its["delivered"], 0, "{its}");
    let reason = its["reason"].as_str().expect("a reason").to_owned();
    assert!(!reason.contains(PASSWORD), "{reason}");
    reason
}

#[test]
fn encrypted_servers_are_read_once_somebody_trusted_vouches_for_them() {
    let (certificate, authority) = make_vouched(&["127.0.0.1"]);
    let (_folder, file) = root_file(&authority);
    let brokers = KINDS.map(|kind| Broker::start_encrypted(kind, &certificate));
    in_every_language(|language| {
        let platform = Platform::start(&[PRIVATE, (ROOT_FILE, &file)]);
        for broker in &brokers {
            let name = unique_name();
            broker.make(&name);
            let function = deploy(&platform, language, &encrypted(broker, &name));
            let consumer = Consumer {
                platform: &platform,
                broker,
                function,
                name,
            };
            consumer.source(|source| source["state"] == "consuming");
            for number in 1..=20 {
                consumer.send(&json!({ "number": number }));
            }
            let source =
                consumer.source(|source| source["delivered"] == 20 && source["inHand"] == 0);
            assert_eq!(source["failed"], 0, "{source}");
            consumer.wait_for_nothing_left();
        }
    });
    let platform = Platform::start(&[PRIVATE]);
    for broker in &brokers {
        let reason = refusal(&platform, broker);
        assert!(
            reason.contains("UnknownIssuer") && reason.contains("events.source_root_file"),
            "{:?}: {reason}",
            broker.kind
        );
    }
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let (certificate, authority) = make_vouched(&["elsewhere.example"]);
    let (_folder, file) = root_file(&authority);
    let platform = Platform::start(&[PRIVATE, (ROOT_FILE, &file)]);
    for kind in [Kind::Redis, Kind::Nats] {
        let reason = refusal(&platform, &Broker::start_encrypted(kind, &certificate));
        assert!(reason.contains("elsewhere.example"), "{kind:?}: {reason}");
    }
}

#[test]
fn a_file_that_vouches_for_nobody_is_refused_at_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("other.pem");
    std::fs::write(&other, "no certificate").expect("a file");
    for file in ["/nowhere", other.to_str().expect("a path")] {
        let said = refused_start(&[(ROOT_FILE, file)]);
        assert!(
            said.contains("events.source_root_file") && said.contains(file),
            "{said}"
        );
    }
}
