//! Rules of alerts: set for the platform, overridden for a function, and refused with the field that is wrong.

use serde_json::json;

use crate::language::Language;
use crate::platform::Platform;

const CODE: &str = "def handler(event, context) = 1";

#[test]
fn rules_are_set_for_the_platform_and_overridden_for_a_function_and_last() {
    let mut first = Platform::start(&[]);
    let function = first.deploy(Language::Ruby, CODE, &json!({}));
    let path = format!("/functions/{function}/alerts");
    let rules = first.get("/alerts/rules").expect(200).json();
    assert_eq!(rules["overrides"], json!({}));
    let expected = json!({
        "errorRate": {"enabled": true, "thresholdPercent": 5.0, "windowMs": 300_000, "minInvocations": 20},
        "p95Duration": {"enabled": true, "thresholdMs": 1_000.0, "windowMs": 300_000, "minInvocations": 20},
        "coldStartRate": {"enabled": true, "thresholdPercent": 20.0, "windowMs": 300_000, "minInvocations": 20},
        "costAnomaly": {"enabled": true, "factor": 3.0, "floorUsd": 1.0, "windowMs": 3_600_000},
    });
    assert_eq!(rules["rules"], expected);
    first
        .put(&path, &json!({"errorRate": {"thresholdPercent": 50}}))
        .expect(200);
    first
        .put(
            "/alerts/rules",
            &json!({"errorRate": {"minInvocations": 7}}),
        )
        .expect(200);
    first.stop();
    let second = Platform::start_on(first.data(), &[]);
    let mine = second.get(&path).expect(200).json();
    assert_eq!(
        mine["overrides"],
        json!({"errorRate": {"thresholdPercent": 50}})
    );
    let rule = &mine["rules"]["errorRate"];
    assert_eq!(
        (&rule["thresholdPercent"], &rule["minInvocations"]),
        (&json!(50.0), &json!(7))
    );
    let reset = second.delete(&path).expect(200).json();
    assert_eq!(
        (
            &reset["overrides"],
            &reset["rules"]["errorRate"]["thresholdPercent"]
        ),
        (&json!({}), &json!(5.0))
    );
    let reset = second.delete("/alerts/rules").expect(200).json();
    assert_eq!(reset["rules"], expected);
}

#[test]
fn rules_that_cannot_be_used_are_refused_with_the_field() {
    let platform = Platform::shared();
    let function = platform.deploy(Language::Ruby, CODE, &json!({}));
    let of_function = format!("/functions/{function}/alerts");
    let cases = [
        (json!({"errorRates": {}}), "/errorRates"),
        (json!({"errorRate": null, "latency": null}), "/latency"),
        (json!({"errorRate": [true, 5, 300_000, 20]}), "/errorRate"),
        (
            json!({"errorRate": {"threshold": 5}}),
            "/errorRate/threshold",
        ),
        (
            json!({"errorRate": {"thresholdPercent": "5"}}),
            "/errorRate/thresholdPercent",
        ),
        (
            json!({"errorRate": {"thresholdPercent": 100.1}}),
            "/errorRate/thresholdPercent",
        ),
        (
            json!({"p95Duration": {"thresholdMs": -1}}),
            "/p95Duration/thresholdMs",
        ),
        (
            json!({"p95Duration": {"windowMs": 1}}),
            "/p95Duration/windowMs",
        ),
        (
            json!({"coldStartRate": {"minInvocations": 0}}),
            "/coldStartRate/minInvocations",
        ),
        (json!({"costAnomaly": {"factor": 0}}), "/costAnomaly/factor"),
        (
            json!({"costAnomaly": {"minInvocations": 5}}),
            "/costAnomaly/minInvocations",
        ),
    ];
    for path in ["/alerts/rules", of_function.as_str()] {
        for (change, pointer) in &cases {
            let refused = platform.put(path, change);
            assert_eq!(refused.problem(422), "invalid_alert_setting", "{change}");
            assert_eq!(refused.json()["pointer"], *pointer, "{}", refused.text());
        }
        assert_eq!(
            platform.put(path, &json!([])).problem(400),
            "malformed_request"
        );
        assert_eq!(
            platform.get(path).expect(200).json()["overrides"],
            json!({})
        );
    }
    for (path, code) in [
        ("/alerts/al-1", "alert_not_found"),
        ("/alerts/nonsense", "alert_not_found"),
        ("/functions/nobody/alerts", "function_not_found"),
    ] {
        assert_eq!(platform.get(path).problem(404), code);
    }
    for query in ["state=loud", "limit=0", "cursor=x", "status=firing"] {
        assert_eq!(
            platform.get(&format!("/alerts?{query}")).problem(400),
            "malformed_request"
        );
    }
}
