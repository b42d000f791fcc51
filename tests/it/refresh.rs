//! Zygotes that are made anew while they serve: when they are old, have forked often, or their forks crash. Nobody may
//! notice, and nothing of the old ones may stay.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::exposition::Exposition;
use crate::language::{Language, in_every_language};
use crate::layouts::layout;
use crate::platform::Platform;
use crate::processes;
use crate::wait::wait_until;

/// A zygote is looked at once a second, and an engine may need many to start on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);
/// Connections that invoke while zygotes are replaced.
const CONNECTIONS: usize = 3;

/// Invokes on several connections for as long as `meanwhile` runs. Every answer must be 200.
pub(crate) fn while_invoked(platform: &Platform, function: &str, meanwhile: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let invoking: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                scope.spawn(|| {
                    let client = platform.another();
                    while !is_over.load(Ordering::Relaxed) {
                        client.invoke(function, &json!("fine")).expect(200);
                    }
                })
            })
            .collect();
        // Also when it fails, so that the others end.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(meanwhile));
        is_over.store(true, Ordering::Relaxed);
        for thread in invoking {
            thread.join().expect("every answer is 200");
        }
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

/// Collects process ids until there are so many.
fn several(what: &str, count: usize, pid: impl Fn() -> i32) -> BTreeSet<i32> {
    let mut seen = BTreeSet::new();
    wait_until(what, DEADLINE, || {
        seen.insert(pid());
        seen.len() >= count
    });
    seen
}

/// Waits until a function has one zygote, and no instance of another.
pub(crate) fn assert_one_zygote(platform: &Platform, function: &str) {
    let (zygote, instance) = (format!("zygote:{function}"), format!("instance:{function}"));
    wait_until("the end of the old zygotes", DEADLINE, || {
        let all = platform.processes();
        let zygotes: Vec<i32> = all
            .iter()
            .filter(|process| process.title == zygote)
            .map(|process| process.pid)
            .collect();
        let instances = all.iter().filter(|process| process.title == instance);
        let mut parents = instances.map(|process| process.parent);
        zygotes.len() == 1 && parents.all(|parent| parent == zygotes[0])
    });
}

pub(crate) fn refreshes(
    platform: &Platform,
    language: Language,
    zygote: &str,
    reason: &str,
) -> f64 {
    let text = platform.get("/metrics/prometheus").expect(200).text();
    let runtime = language.runtime();
    let labels = format!("runtime=\"{runtime}\",zygote=\"{zygote}\",reason=\"{reason}\"");
    Exposition::read(&text).value("zygo_zygote_refreshes_total", &labels)
}

#[test]
fn zygotes_that_forked_often_are_made_anew_and_no_request_fails() {
    let _turn = crate::turn::take();
    let mut platform = Platform::start(&[("ZYGO_ZYGOTE_MAX_FORKS", "20")]);
    in_every_language(|language| {
        let settings = json!({"isolation": "request"});
        let function = platform.deploy(language, &language.handler("faults"), &settings);
        while_invoked(&platform, &function, || {
            several("four zygotes", 4, || platform.zygote_pid(&function));
        });
        assert_one_zygote(&platform, &function);
        assert!(refreshes(&platform, language, "function", "forks") >= 3.0);
        assert!(refreshes(&platform, language, "language", "age") < 1.0);
    });
    platform.stop();
}

#[test]
fn zygotes_that_are_old_are_made_anew_and_no_request_fails() {
    let _turn = crate::turn::take();
    let mut platform = Platform::start(&[("ZYGO_ZYGOTE_MAX_AGE_S", "3")]);
    in_every_language(|language| {
        let settings = json!({"scaling": {"parked": 2}});
        let function = platform.deploy(language, &language.handler("faults"), &settings);
        let before = layout(&platform, &function);
        while_invoked(&platform, &function, || {
            several("two engines", 2, || platform.language_zygote(language));
            several("two zygotes", 2, || platform.zygote_pid(&function));
            // One that was begun before its engine was replaced is of the old one, and soon replaced as well.
            wait_until("another layout", DEADLINE, || {
                before.is_disjoint(&layout(&platform, &function))
            });
        });
        assert!(refreshes(&platform, language, "language", "age") >= 1.0);
    });
    platform.stop();
}

/// A handler that answers at once, or when a server that it asks has answered, for as long as it likes.
fn asking(language: Language) -> &'static str {
    language.pick(
        "export const handler = async ({ body }: any) => body === 'fine' ? 1 : await (await fetch(body)).text();",
        "from urllib.request import urlopen\ndef handler(event, context):\n    body = event['body']\n    return 1 if body == 'fine' else urlopen(body).read().decode()",
        "require 'net/http'\ndef handler(event:, context:) = event['body'] == 'fine' ? 1 : Net::HTTP.get(URI(event['body']))",
    )
}

/// Waits until the handler has asked.
fn asked(listener: &TcpListener) -> TcpStream {
    let (mut connection, _) = listener.accept().expect("the handler asks");
    let mut request = [0; 1024];
    assert!(connection.read(&mut request).expect("a request") > 0);
    connection
}

#[test]
fn what_an_old_zygote_has_begun_is_finished() {
    let _turn = crate::turn::take();
    let mut platform = Platform::start(&[("ZYGO_ZYGOTE_MAX_FORKS", "3")]);
    in_every_language(|language| {
        let settings = json!({"isolation": "request", "network": "all", "timeout": 60_000});
        let function = platform.deploy(language, asking(language), &settings);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let old = platform.zygote_pid(&function);
        let client = platform.another();
        std::thread::scope(|scope| {
            let asks = scope.spawn(|| client.invoke(&function, &json!(url)));
            let mut connection = asked(&listener);
            while_invoked(&platform, &function, || {
                wait_until("another zygote", DEADLINE, || {
                    platform.zygote_pid(&function) != old
                });
            });
            assert!(processes::is_alive(old) && !asks.is_finished());
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ndone";
            connection.write_all(answer).expect("answered");
            let answer = asks.join().expect("an answer").handler_body();
            assert_eq!(answer, "done");
        });
        wait_until("the end of the old zygote", DEADLINE, || {
            !processes::is_alive(old)
        });
        assert_one_zygote(&platform, &function);
    });
    platform.stop();
}

/// Code that loads until a moment and never after it.
fn loading_until(language: Language, moment: u64) -> String {
    let (test, handler) = language.pick(
        (
            "if (Date.now() > MOMENT) throw new Error('too late');",
            "export const handler = () => 1;",
        ),
        (
            "import time\nif time.time() * 1000 > MOMENT: raise RuntimeError('too late')",
            "def handler(event, context): return 1",
        ),
        (
            "raise 'too late' if Time.now.to_f * 1000 > MOMENT",
            "def handler(event:, context:) = 1",
        ),
    );
    format!("{test}\n{handler}\n").replace("MOMENT", &moment.to_string())
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.expect("after 1970").as_millis()).expect("small")
}

#[test]
fn a_successor_that_does_not_load_leaves_the_old_one_in_service() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[("ZYGO_ZYGOTE_MAX_FORKS", "5")]);
    in_every_language(|language| {
        let moment = now_ms() + 10_000;
        let code = loading_until(language, moment);
        let function = platform.deploy(language, &code, &json!({"isolation": "request"}));
        let zygote = platform.zygote_pid(&function);
        wait_until("the moment", DEADLINE, || now_ms() > moment);
        while_invoked(&platform, &function, || {
            wait_until("a complaint", DEADLINE, || {
                let log = platform.log_tail();
                log.lines().any(|line| {
                    line.contains("the old one stays")
                        && line.contains(&function)
                        && line.contains("too late")
                })
            });
        });
        assert_eq!(platform.zygote_pid(&function), zygote);
        assert!(refreshes(&platform, language, "function", "forks") < 1.0);
    });
}
