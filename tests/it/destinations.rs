//! Who is told what came of an invocation that nobody waited for.

use serde_json::json;

use crate::events::subscriber;
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::queue::{DEADLINE, QUICK, deploy, given, queued, wait_for_status};
use crate::receiver::{Receiver, Reply};
use crate::wait::{wait_for, wait_until};

#[test]
fn destinations_are_told_what_came_of_it() {
    in_every_language(|language| {
        let platform = Platform::start(&[QUICK, ("ZYGO_EVENTS_PRIVATE_WEBHOOKS", "true")]);
        let receiver = Receiver::start();
        receiver.answer(&[Reply::Status(500)], Reply::Status(204));
        let alarm = subscriber(&platform, language, json!({"eventType": "order.lost"}));
        let own = json!({
            "secrets": {"HOOK": "0123456789abcdef"},
            "async": {
                "maxAttempts": 2,
                "onSuccess": {"webhook": receiver.url(), "secret": "HOOK"},
                "onFailure": {"event": "order.lost"},
            },
        });
        let function = deploy(&platform, language, &own);
        let id = queued(&platform, &function, &json!({"number": 5}));
        let told = receiver.wait_for("the notice", 2, |_| true).remove(1);
        assert_eq!(told.event(), "delivery.succeeded");
        assert!(told.is_signed_with("0123456789abcdef"));
        let body = told.json();
        assert_eq!(body["requestContext"]["requestId"], id);
        assert_eq!(body["requestContext"]["condition"], "Success");
        assert_eq!(body["requestPayload"]["body"]["number"], 5);
        assert_eq!(body["responsePayload"]["handled"], 5);
        assert_eq!(body["responseContext"]["statusCode"], 201);
        let lost = queued(&platform, &function, &json!({"number": 6, "failures": 9}));
        wait_for_status(&platform, &lost, "dead");
        let told = given(&platform, &alarm, 1).remove(0)["given"].take();
        assert_eq!(told["requestContext"]["condition"], "RetriesExhausted");
        assert_eq!(told["requestContext"]["approximateInvokeCount"], 2);
        let message = told["responsePayload"]["errorMessage"]
            .as_str()
            .expect("a message");
        assert!(message.contains("not yet"), "{told}");
        // A function is told by its name, and whoever leads to itself ends after a while.
        let circle = json!({"async": {"onSuccess": {"function": function}}});
        platform
            .put(&format!("/functions/{function}"), &circle)
            .expect(200);
        queued(&platform, &function, &json!({"number": 7}));
        // One that succeeded, two attempts of one that did not, and sixteen that the last one led to.
        wait_until("the end of the circle", DEADLINE, || {
            let path = format!("/functions/{function}/invocations");
            let page = platform.get(&path).expect(200).json();
            page["invocations"].as_array().map(Vec::len) == Some(1 + 2 + 17)
        });
    });
}

#[test]
fn a_webhook_of_a_function_is_not_called_inside() {
    let platform = Platform::start(&[QUICK]);
    let receiver = Receiver::start();
    let own = json!({"async": {"maxAttempts": 1, "onSuccess": {"webhook": receiver.url()}}});
    let function = deploy(&platform, Language::TypeScript, &own);
    queued(&platform, &function, &json!({}));
    let letter = wait_for("the letter", DEADLINE, || {
        let page = platform.get("/dead-letters").expect(200).json();
        page["deadLetters"]
            .as_array()
            .expect("a list")
            .first()
            .cloned()
    });
    assert_eq!(
        (&letter["trigger"], &letter["error"]["code"]),
        (&json!("webhook"), &json!("webhook_unreachable"))
    );
    assert!(receiver.received().is_empty());
}
