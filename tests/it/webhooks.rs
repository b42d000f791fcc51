//! Notices to webhooks: tried again, given up, held up by nobody else, and signed with what nobody is shown.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::platform::Platform;
use crate::ports;
use crate::receiver::{Receiver, Reply};
use crate::wait::wait_for;

const DEADLINE: Duration = Duration::from_secs(60);
const SECRET: &str = "a-secret-that-signs";
/// Webhooks whose receiver says nothing, each of which is waited for five seconds; and less than it takes to wait for one after
/// the other.
const SLOW: usize = 4;
const HELD_UP: Duration = Duration::from_secs(15);
/// Tried again at once, a few times.
const QUICKLY: [(&str, &str); 2] = [
    ("ZYGO_WEBHOOK_RETRY_MS", "20"),
    ("ZYGO_WEBHOOK_ATTEMPTS_MAX", "6"),
];

fn add(platform: &Platform, url: &str) -> String {
    let made = platform
        .post("/alerts/webhooks", &json!({"url": url}))
        .expect(201)
        .json();
    made["id"].as_str().expect("an id").to_owned()
}

fn send_test(platform: &Platform, id: &str) {
    let path = format!("/alerts/webhooks/{id}/test");
    let sent = platform.post(&path, &json!({})).expect(202).json();
    assert_eq!(sent["delivery"]["event"], "test");
}

/// Waits until the newest delivery looks like that.
fn wait_for_delivery(platform: &Platform, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let path = format!("/alerts/webhooks/{id}/deliveries");
    wait_for("the delivery", DEADLINE, || {
        let page = platform.get(&path).expect(200).json();
        let newest = page["deliveries"][0].clone();
        holds(&newest).then_some(newest)
    })
}

#[test]
fn what_is_refused_is_sent_again_and_again_and_then_no_more() {
    let (platform, receiver) = (Platform::start(&QUICKLY), Receiver::start());
    let id = add(&platform, &receiver.url());
    // A redirect is a refusal: it would lead to an address that nobody gave.
    let refusals = [500, 302, 429, 503].map(Reply::Status);
    receiver.answer(&refusals, Reply::Status(204));
    send_test(&platform, &id);
    let arrived = wait_for_delivery(&platform, &id, |newest| newest["state"] == "delivered");
    assert_eq!(
        (&arrived["attempts"], &arrived["status"]),
        (&json!(5), &json!(204))
    );
    assert!(arrived.get("error").is_none() && arrived.get("nextAttemptAt").is_none());
    let attempts = receiver.received();
    let same = |name| {
        attempts
            .iter()
            .all(|one| one.header(name) == attempts[0].header(name))
    };
    assert!(attempts.len() == 5 && same("x-zygo-delivery") && same("x-zygo-event"));
    assert_eq!(
        attempts[0].header("x-zygo-delivery"),
        arrived["id"].as_str().expect("an id")
    );
    assert_eq!(
        attempts[0].header("x-zygo-signature"),
        "",
        "there is no secret"
    );
    receiver.answer(&[], Reply::Status(500));
    send_test(&platform, &id);
    let abandoned = wait_for_delivery(&platform, &id, |newest| newest["state"] == "abandoned");
    assert_eq!(
        (&abandoned["attempts"], &abandoned["status"]),
        (&json!(6), &json!(500))
    );
    assert_eq!(receiver.received().len(), 5 + 6);
    let shown = platform.get("/alerts/webhooks").expect(200).json();
    let shown = &shown["webhooks"][0];
    assert_eq!(
        (&shown["waiting"], &shown["lastDelivery"]["id"]),
        (&json!(0), &abandoned["id"])
    );
}

#[test]
fn a_receiver_that_is_away_gets_its_notices_when_it_is_back_also_after_a_restart() {
    let settings = [("ZYGO_WEBHOOK_RETRY_MS", "100")];
    let mut first = Platform::start(&settings);
    let address = format!("127.0.0.1:{}", ports::free());
    let id = add(&first, &format!("http://{address}/hook"));
    send_test(&first, &id);
    let tried = wait_for_delivery(&first, &id, |newest| newest["attempts"] != 0);
    assert_eq!(tried["state"], "waiting");
    assert!(
        tried["error"].as_str().expect("why").contains("refused"),
        "{tried}"
    );
    assert!(tried["nextAttemptAt"].is_string(), "{tried}");
    first.stop();
    let receiver = Receiver::at(&address);
    let second = Platform::start_on(first.data(), &settings);
    let arrived = wait_for_delivery(&second, &id, |newest| newest["state"] == "delivered");
    assert_eq!(arrived["id"], tried["id"]);
    assert_eq!(receiver.received().len(), 1);
}

#[test]
fn a_slow_receiver_holds_up_nobody_else() {
    let platform = Platform::start(&QUICKLY);
    let (slow, quick) = (Receiver::start(), Receiver::start());
    slow.answer(&[], Reply::Silence);
    let [slow_id, ..] = [(); SLOW].map(|()| {
        let id = add(&platform, &slow.url());
        send_test(&platform, &id);
        id
    });
    let quick_id = add(&platform, &quick.url());
    slow.wait_for("the first attempt", 1, |_| true);
    let started = Instant::now();
    for _ in 0..20 {
        send_test(&platform, &quick_id);
    }
    quick.wait_for("all of them", 20, |_| true);
    assert!(started.elapsed() < HELD_UP, "{:?}", started.elapsed());
    let tried = wait_for_delivery(&platform, &slow_id, |newest| newest["attempts"] != 0);
    assert!(
        tried["error"].as_str().expect("why").contains("within 5 s"),
        "{tried}"
    );
    // What is forgotten is sent no more.
    platform
        .delete(&format!("/alerts/webhooks/{slow_id}"))
        .expect(200);
    let missing = platform.get(&format!("/alerts/webhooks/{slow_id}/deliveries"));
    assert_eq!(missing.problem(404), "webhook_not_found");
}

#[test]
fn a_secret_signs_also_under_a_new_master_key_and_is_never_shown() {
    let (mut platform, receiver) = (Platform::start(&QUICKLY), Receiver::start());
    let body = json!({"url": receiver.url(), "secret": SECRET});
    let made = platform.post("/alerts/webhooks", &body).expect(201);
    assert_eq!(
        (made.json()["signed"].clone(), made.text().contains(SECRET)),
        (json!(true), false)
    );
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let rotated = platform
        .post("/encryption/rotate", &json!({}))
        .expect(200)
        .json();
    assert_eq!(rotated["resealed"], 1);
    send_test(&platform, &id);
    let notice = receiver.wait_for("the notice", 1, |_| true).remove(0);
    assert!(notice.is_signed_with(SECRET) && notice.event() == "test");
    assert!(
        !platform
            .get("/alerts/webhooks")
            .expect(200)
            .text()
            .contains(SECRET)
    );
    platform.stop();
    for entry in std::fs::read_dir(platform.data().path())
        .expect("the data folder")
        .flatten()
    {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let found = bytes
            .windows(SECRET.len())
            .any(|part| part == SECRET.as_bytes());
        assert!(!found, "{}", entry.path().display());
    }
}

#[test]
fn webhooks_that_are_none_are_refused_with_the_field_and_there_are_only_so_many() {
    let platform = Platform::start(&[]);
    let good = "http://127.0.0.1:1/";
    for (body, status, pointer) in [
        (json!({}), 400, ""),
        (json!({"url": 1}), 400, "/url"),
        (json!({"url": good, "events": []}), 400, "/events"),
        (json!({"url": "ftp://127.0.0.1/"}), 422, "/url"),
        (json!({"url": "nowhere"}), 422, "/url"),
        (json!({"url": "http://me:secret@127.0.0.1/"}), 422, "/url"),
        (json!({"url": good, "secret": "short"}), 422, "/secret"),
    ] {
        let refused = platform.post("/alerts/webhooks", &body);
        refused.problem(status);
        assert_eq!(refused.json()["pointer"], pointer, "{body}");
    }
    for _ in 0..20 {
        add(&platform, good);
    }
    let one_more = platform.post("/alerts/webhooks", &json!({"url": good}));
    assert_eq!(one_more.problem(409), "too_many_webhooks");
    for (method, path) in [
        ("DELETE", "/alerts/webhooks/wh-1"),
        ("POST", "/alerts/webhooks/wh-1/test"),
    ] {
        let missing = platform.request_with(method, path, &[], &json!({}));
        assert_eq!(missing.problem(404), "webhook_not_found");
    }
}
