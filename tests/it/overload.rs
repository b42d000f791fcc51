//! More callers than can be served: bursts, which pass; loads, which do not; and callers who go while they wait.

use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::exposition::Exposition;
use crate::http::{connect, read_to_end};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::processes;
use crate::wait::{wait_for, wait_until};

/// What has not happened by then will not.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Deploys a function that takes as long as it is told.
pub(crate) fn deploy(platform: &Platform, language: Language, settings: &Value) -> String {
    platform.deploy(language, &language.handler("identity"), settings)
}

/// A figure of the platform's; zero when it is not there.
pub(crate) fn metric(platform: &Platform, name: &str, labels: &str) -> f64 {
    let text = platform.get("/metrics/prometheus").expect(200).text();
    let read = Exposition::read(&text);
    let series = match labels {
        "" => name.to_owned(),
        labels => format!("{name}{{{labels}}}"),
    };
    read.samples.get(&series).copied().unwrap_or_default()
}

pub(crate) fn of(function: &str) -> String {
    format!("function=\"{function}\"")
}

fn throttled(platform: &Platform, function: &str, reason: &str) -> f64 {
    let labels = format!("{},reason=\"{reason}\"", of(function));
    metric(platform, "zygo_throttles_total", &labels)
}

/// An invocation as bytes on a connection of its own, whose answer is read later or never.
fn send(platform: &Platform, function: &str, body: &Value) -> TcpStream {
    send_with(platform, function, "", body)
}

/// The same with lines of its own in the head.
fn send_with(platform: &Platform, function: &str, lines: &str, body: &Value) -> TcpStream {
    let body = body.to_string();
    let request = format!(
        "POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n{lines}\r\n{body}",
        body.len()
    );
    let mut connection = connect(platform);
    connection
        .write_all(request.as_bytes())
        .expect("a request that is taken");
    connection
}

/// Callers who each come again as soon as they have an answer, for as long as `during` takes. Each answer is looked at.
pub(crate) fn besieged<T>(
    platform: &Platform,
    function: &str,
    callers: usize,
    look: impl Fn(Answer) + Sync,
    during: impl FnOnce() -> T,
) -> T {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..callers)
            .map(|_| {
                let client = platform.another();
                let (is_over, look) = (&is_over, &look);
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        look(client.invoke(function, &json!({"ms": 20})));
                    }
                })
            })
            .collect();
        let happened = std::panic::catch_unwind(std::panic::AssertUnwindSafe(during));
        is_over.store(true, Ordering::Relaxed);
        for call in calls {
            call.join().expect("answers as they should be");
        }
        happened.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[test]
fn a_load_that_does_not_pass_is_refused_at_once_and_what_comes_after_it_is_served() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[
        ("ZYGO_MAX_QUEUE_LEN", "10"),
        ("ZYGO_OVERLOAD_INTERVAL_MS", "100"),
    ]);
    in_every_language(|language| {
        let function = deploy(
            &platform,
            language,
            &json!({"scaling": {"maxInstances": 2}}),
        );
        let (served, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let look = |answer: Answer| {
            if answer.status == 200 {
                served.fetch_add(1, Ordering::Relaxed);
                return;
            }
            let code = answer.problem(429);
            assert!(
                ["overloaded", "concurrency_limit"].contains(&code.as_str()),
                "{code}"
            );
            assert_eq!(answer.header("retry-after"), "1");
            assert_eq!(answer.json()["errorType"], "Platform.ConcurrencyLimit");
            refused.fetch_add(usize::from(code == "overloaded"), Ordering::Relaxed);
        };
        besieged(&platform, &function, 24, look, || {
            wait_until("refusals for an overload", DEADLINE, || {
                metric(&platform, "zygo_overloaded", &of(&function)) == 1.0
                    && refused.load(Ordering::Relaxed) >= 100
            });
            // Instances go on serving.
            let before = served.load(Ordering::Relaxed);
            wait_until("answers amid the overload", DEADLINE, || {
                served.load(Ordering::Relaxed) >= before + 20
            });
        });
        let told = throttled(&platform, &function, "overloaded");
        assert!(told >= 100.0, "{told}");
        wait_until("the end of the overload", DEADLINE, || {
            metric(&platform, "zygo_overloaded", &of(&function)) == 0.0
        });
        platform.invoke(&function, &json!({})).expect(200);
    });
}

#[test]
fn all_of_a_burst_on_a_cold_function_is_served_by_one_zygote() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[("ZYGO_QUEUE_TIMEOUT_MS", "60000")]);
    in_every_language(|language| {
        let settings = json!({"scaling": {"maxInstances": 20}});
        let function = deploy(&platform, language, &settings);
        processes::kill(platform.zygote_pid(&function));
        wait_until("the loss of the zygote", DEADLINE, || {
            platform.show(&function)["processes"]["zygotePid"].is_null()
        });
        let connections: Vec<_> = (0..1_000)
            .map(|_| send(&platform, &function, &json!({})))
            .collect();
        let mut pids = BTreeSet::new();
        for connection in connections {
            let answer = read_to_end(connection);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
            let envelope: Value = serde_json::from_str(body).expect("JSON");
            pids.insert(envelope["body"]["pid"].as_i64());
        }
        assert!(pids.len() <= 20, "{} instances", pids.len());
        let title = format!("zygote:{function}");
        let zygotes = platform.processes();
        let zygotes = zygotes.iter().filter(|process| process.title == title);
        assert_eq!(zygotes.count(), 1);
    });
}

#[test]
fn who_goes_while_waiting_is_not_served_and_pays_nothing() {
    let platform = Platform::start(&[]);
    in_every_language(|language| {
        let settings = json!({"scaling": {"maxInstances": 1}});
        let function = deploy(&platform, language, &settings);
        platform.invoke(&function, &json!({})).expect(200);
        let waiting = |count: f64| {
            wait_until("those who wait", DEADLINE, || {
                metric(&platform, "zygo_waiting", &of(&function)) == count
            });
        };
        let first = send(&platform, &function, &json!({"ms": 8_000}));
        wait_until("the first to begin", DEADLINE, || {
            metric(&platform, "zygo_inflight", &of(&function)) == 1.0
        });
        let gone: Vec<_> = (0..3)
            .map(|_| send(&platform, &function, &json!({})))
            .collect();
        waiting(3.0);
        drop(gone);
        wait_until("that they are known to be gone", DEADLINE, || {
            throttled(&platform, &function, "cancelled") == 3.0
        });
        waiting(0.0);
        let answer = read_to_end(first);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        // The handler counts its calls: the three were none.
        let last = platform.invoke(&function, &json!({})).handler_body();
        assert_eq!(last["served"], 3);
        let path = format!("/functions/{function}/metrics");
        let figures = platform.get(&path).expect(200).json()["metrics"].take();
        assert_eq!(
            (
                &figures["invocations"],
                &figures["errors"],
                &figures["throttles"]
            ),
            (&json!(3), &json!(0), &json!(3))
        );
    });
}

#[test]
fn who_is_refused_need_not_send_a_body() {
    let platform = Platform::start(&[("ZYGO_MAX_QUEUE_LEN", "0")]);
    in_every_language(|language| {
        let path = format!("/{}", crate::platform::unique_name());
        let settings = json!({
            "scaling": {"maxInstances": 1},
            "triggers": [{"type": "http", "config": {"methods": ["POST"], "path": path}}],
        });
        let function = deploy(&platform, language, &settings);
        platform.invoke(&function, &json!({})).expect(200);
        let first = send(&platform, &function, &json!({"ms": 8_000}));
        wait_until("the first to begin", DEADLINE, || {
            metric(&platform, "zygo_inflight", &of(&function)) == 1.0
        });
        for path in [format!("/functions/{function}/invoke"), path] {
            let mut connection = connect(&platform);
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1000000\r\n\r\n"
            );
            connection.write_all(head.as_bytes()).expect("a head");
            let answer = read_to_end(connection);
            assert!(answer.starts_with("HTTP/1.1 429 "), "{path}: {answer}");
            assert!(answer.contains("connection: close\r\n"), "{answer}");
            assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
        }
        assert!(read_to_end(first).starts_with("HTTP/1.1 200 "));
        assert_eq!(throttled(&platform, &function, "concurrency_limit"), 2.0);
        platform.invoke(&function, &json!({})).expect(200);
    });
}

#[test]
fn a_caller_who_goes_ends_the_work_that_has_begun() {
    let platform = Platform::shared();
    in_every_language(|language| {
        // Also one who would take pieces and has got none.
        for lines in ["", "x-zygo-stream: true\r\n"] {
            let function = deploy(&platform, language, &json!({"timeout": 60_000}));
            let begun = send_with(&platform, &function, lines, &json!({"ms": 50_000}));
            let pid = crate::streaming::instance(&platform, &function);
            drop(begun);
            wait_until("the end of the instance", DEADLINE, || {
                !processes::is_alive(pid)
            });
            let record = wait_for("the record", DEADLINE, || {
                let path = format!("/functions/{function}/invocations");
                let page = platform.get(&path).expect(200).json();
                page["invocations"].get(0).cloned()
            });
            assert_eq!(
                (&record["outcome"], &record["startKind"]),
                (&json!("cancelled"), &json!("forked"))
            );
            assert!(record["billedMs"].as_f64() >= Some(1.0), "{record}");
        }
    });
}
