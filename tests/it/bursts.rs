//! Many callers at the same moment of a function that has no process.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::http::{connect, read_to_end};
use crate::language::in_every_language;
use crate::overload::{DEADLINE, deploy};
use crate::platform::Platform;
use crate::wait::wait_until;

/// More than are forked at a time, on up to eight processors; at most as many as a function may have.
const LONG: usize = 80;
/// Each of them may have an instance, and hardly needs one.
const SHORT: usize = 300;

/// So many callers who have all sent before any of them listens.
fn callers(platform: &Platform, function: &str, count: usize, ms: u64) -> Vec<TcpStream> {
    let body = json!({ "ms": ms }).to_string();
    let request = format!(
        "POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut callers: Vec<TcpStream> = (0..count).map(|_| connect(platform)).collect();
    for caller in &mut callers {
        caller.write_all(request.as_bytes()).expect("sent");
    }
    callers
}

#[test]
fn short_calls_share_processes_and_long_ones_get_one_each() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[("ZYGO_SCALING_AUTOMATIC", "false")]);
    in_every_language(|language| {
        let settings = json!({"scaling": {"maxInstances": SHORT}});
        let function = deploy(&platform, language, &settings);
        let mut forked = 0;
        for caller in callers(&platform, &function, SHORT, 0) {
            let answer = read_to_end(caller);
            let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
            assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
            let body: Value = serde_json::from_str(body).expect("JSON");
            forked += usize::from(body["startKind"] == "forked");
        }
        assert!((1..SHORT).contains(&forked), "{forked} processes");
        let other = deploy(&platform, language, &json!({}));
        let waiting = callers(&platform, &other, LONG, 25_000);
        wait_until("a process for each", DEADLINE, || {
            platform.show(&other)["processes"]["instances"] == LONG
        });
        drop(waiting);
        for function in [function, other] {
            platform
                .delete(&format!("/functions/{function}"))
                .expect(200);
        }
    });
}
