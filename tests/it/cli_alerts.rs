//! `zygo alerts` against a real platform and a real receiver.

use serde_json::json;

use crate::cli::{Shell, stderr};
use crate::language::Language;
use crate::platform::Platform;
use crate::receiver::{Receiver, Reply};
use crate::wait::wait_for;
use std::time::Duration;

#[test]
fn rules_are_shown_and_set() {
    let platform = Platform::start(&[("ZYGO_ALERT_INTERVAL_MS", "100")]);
    let shell = Shell::new(&platform);
    let code = "def handler(event, context) = raise('no')";
    let function = platform.deploy(Language::Ruby, code, &json!({}));
    assert!(
        shell
            .ok(&["alerts", "rules"])
            .contains("errorRate.thresholdPercent")
    );
    let words = [
        "alerts",
        "rules",
        "set",
        "-f",
        &function,
        "errorRate.minInvocations=2",
        "coldStartRate.enabled=false",
    ];
    let set = shell.json(&words);
    let overrides =
        json!({"errorRate": {"minInvocations": 2}, "coldStartRate": {"enabled": false}});
    assert_eq!(
        (&set["overrides"], &set["schemaVersion"]),
        (&overrides, &json!(1))
    );
    let shown = shell.ok(&["alerts", "rules", "--function", &function]);
    let line = |text: &str| {
        shown
            .lines()
            .find(|line| line.contains(text))
            .expect("a line")
            .to_owned()
    };
    assert!(line("errorRate.minInvocations").ends_with("2*"), "{shown}");
    let alert = wait_for("the alert", Duration::from_secs(60), || {
        platform.invoke(&function, &json!({}));
        let found = shell.json(&["alerts", "--state", "firing", "--function", &function]);
        found["alerts"].as_array().expect("a list").first().cloned()
    });
    let table = shell.ok(&["alerts"]);
    for word in [
        "STATE",
        "firing",
        "errorRate",
        &function,
        "100.0 %",
        alert["id"].as_str().expect("an id"),
    ] {
        assert!(table.contains(word), "{word} in {table}");
    }
    let reset = shell.json(&["alerts", "rules", "reset", "--function", &function]);
    assert_eq!(reset["overrides"], json!({}));
    for (words, code) in [
        (vec!["alerts", "rules", "set", "errorRate.threshold=1"], 2),
        (vec!["alerts", "rules", "set", "errorRate"], 2),
        (vec!["alerts", "--state", "loud"], 2),
        (vec!["alerts", "rules", "--function", "nobody"], 3),
        (vec!["alerts", "webhooks", "test", "wh-1"], 3),
    ] {
        assert_eq!(shell.run(&words, "").status.code(), Some(code), "{words:?}");
    }
}

#[test]
fn webhooks_are_added_tested_and_removed() {
    let platform = Platform::start(&[("ZYGO_WEBHOOK_RETRY_MS", "50")]);
    let (shell, receiver) = (Shell::new(&platform), Receiver::start());
    let url = receiver.url();
    let added = shell.run(
        &["alerts", "webhooks", "add", &url, "--secret-stdin"],
        "a-secret-that-signs\n",
    );
    assert!(added.status.success(), "{}", stderr(&added));
    let id = String::from_utf8(added.stdout)
        .expect("text")
        .trim()
        .to_owned();
    assert!(shell.ok(&["alerts", "webhooks"]).contains(&url));
    shell.ok(&["alerts", "webhooks", "test", &id]);
    assert!(receiver.received()[0].is_signed_with("a-secret-that-signs"));
    receiver.answer(&[], Reply::Status(500));
    let refused = shell.run(&["alerts", "webhooks", "test", &id], "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("answered 500"),
        "{}",
        stderr(&refused)
    );
    let sent = shell.json(&["alerts", "webhooks", "deliveries", &id]);
    assert_eq!(sent["deliveries"].as_array().map(Vec::len), Some(2));
    shell.ok(&["alerts", "webhooks", "rm", &id]);
    assert_eq!(shell.json(&["alerts", "webhooks"])["webhooks"], json!([]));
}
