//! Invocations that are refused before they begin: the rate limit and the circuit breaker.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::wait::wait_until;

const BREAKER: [(&str, &str); 2] = [
    ("ZYGO_BREAKER_FAILURES", "5"),
    // As long as it takes to look at it, and more.
    ("ZYGO_BREAKER_OPEN_MS", "4000"),
];

fn failing_when_told(language: Language) -> &'static str {
    language.pick(
        "export const handler = async (event) => { if (event.body.fail) throw new Error('told'); return 1 }",
        "def handler(event, context):\n    if event['body'].get('fail'): raise RuntimeError('told')\n    return 1\n",
        "def handler(event, context)\n  raise 'told' if event['body']['fail']\n  1\nend\n",
    )
}

#[test]
fn a_rate_limit_holds_and_says_when_to_come_again() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let limit = json!({"rateLimit": {"maxRequests": 3, "windowMs": 3_600_000}});
        let function = platform.deploy(language, failing_when_told(language), &limit);
        let invoke = || platform.invoke(&function, &json!({}));
        let first = invoke().expect(200);
        assert_eq!(first.header("ratelimit-policy"), "\"default\";q=3;w=3600");
        assert!(
            first.header("ratelimit").starts_with("\"default\";r=2;t="),
            "{}",
            first.header("ratelimit")
        );
        invoke().expect(200);
        invoke().expect(200);
        let refused = invoke();
        assert_eq!(refused.problem(429), "rate_limited");
        let wait: u64 = refused.header("retry-after").parse().expect("seconds");
        assert!((1_000..=1_200).contains(&wait), "{wait}");
        assert_eq!(
            refused.header("ratelimit"),
            format!("\"default\";r=0;t={wait}")
        );
        // A throttled call is no invocation and costs nothing.
        let figures = platform
            .get(&format!("/functions/{function}/metrics"))
            .expect(200)
            .json();
        assert_eq!(
            (
                &figures["metrics"]["invocations"],
                &figures["metrics"]["throttles"]
            ),
            (&json!(3), &json!(1))
        );
        // A new version may have another limit.
        let more = json!({"rateLimit": {"maxRequests": 100, "windowMs": 1_000}});
        platform
            .put(&format!("/functions/{function}"), &more)
            .expect(200);
        invoke().expect(200);
    });
}

#[test]
fn a_breaker_opens_after_five_failures_and_closes_on_a_success() {
    in_every_language(|language| {
        let platform = Platform::start(&BREAKER);
        let function = platform.deploy(language, failing_when_told(language), &json!({}));
        let invoke = |fail: bool| -> Answer { platform.invoke(&function, &json!({"fail": fail})) };
        let breaker = || {
            platform
                .get(&format!("/functions/{function}/circuit-breaker"))
                .expect(200)
                .json()
        };
        for _ in 0..4 {
            assert_eq!(invoke(true).problem(502), "handler_error");
        }
        invoke(false).expect(200);
        for _ in 0..5 {
            assert_eq!(breaker()["state"], "closed");
            assert_eq!(invoke(true).problem(502), "handler_error");
        }
        assert_eq!(breaker()["state"], "open");
        assert_eq!(platform.show(&function)["circuitBreaker"], "open");
        let refused = invoke(false);
        assert_eq!(refused.problem(503), "circuit_open");
        let wait: u64 = refused.header("retry-after").parse().expect("seconds");
        assert!((1..=4).contains(&wait), "{wait}");
        wait_until("the half-open state", Duration::from_secs(30), || {
            invoke(false).status == 200
        });
        let after = breaker();
        assert_eq!(
            (&after["state"], &after["consecutiveFailures"]),
            (&json!("closed"), &json!(0))
        );
    });
}

#[test]
fn an_operator_sets_the_breaker() {
    let platform = Platform::start(&BREAKER);
    let function = platform.deploy(
        Language::Python,
        failing_when_told(Language::Python),
        &json!({}),
    );
    let path = format!("/functions/{function}/circuit-breaker");
    let set = |state: &str| -> Value {
        platform
            .put(&path, &json!({"state": state}))
            .expect(200)
            .json()
    };
    assert_eq!(set("open")["mode"], "forced_open");
    assert_eq!(
        platform.invoke(&function, &json!({})).problem(503),
        "circuit_open"
    );
    set("closed");
    for _ in 0..8 {
        assert_eq!(
            platform
                .invoke(&function, &json!({"fail": true}))
                .problem(502),
            "handler_error"
        );
    }
    assert_eq!(set("auto")["state"], "closed");
    platform.invoke(&function, &json!({})).expect(200);
    assert_eq!(
        platform.put(&path, &json!({"state": "ajar"})).problem(400),
        "malformed_request"
    );
}
