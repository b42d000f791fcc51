//! Lines that user code wrote: found again, in pages, as they come, and not too many.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::wait::wait_for;

const DEADLINE: Duration = Duration::from_secs(60);

/// A handler that writes a line of each level, and answers or throws.
pub(crate) fn writing(language: Language) -> String {
    language.pick(
        "export const handler = async (event) => {
            console.debug('a debug line'); console.log('hello ' + event.body.who); console.warn('100%_sure!');
            console.error('an error line'); if (event.body.fail) throw new Error('boom');
            return { statusCode: 200, body: { ok: true } } }",
        "import logging\nlogging.getLogger().setLevel(logging.DEBUG)\ndef handler(event, context):\n    logging.debug('a debug line')\n    print('hello ' + event['body']['who'])\n    logging.warning('100%_sure!')\n    logging.error('an error line')\n    if event['body'].get('fail'): raise RuntimeError('boom')\n    return {'statusCode': 200, 'body': {'ok': True}}\n",
        "require 'logger'\nLOG = Logger.new($stdout)\ndef handler(event, context)\n  LOG.error('an error line')\n  puts 'hello ' + event['body']['who']\n  puts '100%_sure!'\n  raise 'boom' if event['body']['fail']\n  { statusCode: 200, body: { ok: true } }\nend\n",
    )
    .to_owned()
}

fn logs(platform: &Platform, function: &str, query: &str) -> Vec<Value> {
    let path = format!("/functions/{function}/logs{query}");
    let page = platform.get(&path).expect(200).json();
    page["logs"].as_array().expect("a list").clone()
}

/// Waits until the lines of a query are so many.
fn wait_for_lines(platform: &Platform, function: &str, query: &str, count: usize) -> Vec<Value> {
    wait_for("the lines", DEADLINE, || {
        let lines = logs(platform, function, query);
        (lines.len() == count).then_some(lines)
    })
}

#[test]
fn lines_are_found_by_level_text_request_and_time() {
    in_every_language(|language| {
        let platform = Platform::shared();
        let function = platform.deploy(language, &writing(language), &json!({}));
        let path = format!("/functions/{function}/invoke");
        for id in ["logs-1", "logs-2"] {
            let headers = [("x-request-id", id)];
            platform
                .request_with("POST", &path, &headers, &json!({"who": id}))
                .expect(200);
        }
        let hello = wait_for_lines(&platform, &function, "?q=HELLO&requestId=logs-1", 1).remove(0);
        assert_eq!(hello["message"], "hello logs-1");
        assert_eq!(
            (&hello["level"], &hello["requestId"]),
            (&json!("info"), &json!("logs-1"))
        );
        assert_eq!(hello["version"], 1);
        assert!(
            hello["instance"]
                .as_str()
                .is_some_and(|id| id.starts_with("i-")),
            "{hello}"
        );
        assert!(
            hello["time"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z')),
            "{hello}"
        );
        for line in wait_for_lines(&platform, &function, "?level=error&requestId=logs-2", 1) {
            assert_eq!(
                (&line["message"], &line["level"]),
                (&json!("an error line"), &json!("error"))
            );
        }
        // Wildcards mean themselves. In Ruby these lines come after the one that was waited for.
        wait_for_lines(&platform, &function, "?q=100%25_s", 2);
        assert_eq!(logs(&platform, &function, "?q=1__%25").len(), 0);
        wait_for_lines(&platform, &function, "?since=1h&q=hello", 2);
        assert_eq!(logs(&platform, &function, "?until=1h").len(), 0);
        assert_eq!(logs(&platform, &function, "?version=2").len(), 0);
        for (query, pointer) in [
            ("level=loud", "/query/level"),
            ("since=soon", "/query/since"),
            ("limit=0", "/query/limit"),
            ("cursor=x", "/query/cursor"),
        ] {
            let refused = platform.get(&format!("/functions/{function}/logs?{query}"));
            assert_eq!(refused.problem(400), "malformed_request");
            assert_eq!(refused.json()["pointer"], pointer);
        }
        assert_eq!(
            platform
                .get(&format!("/functions/{function}/logs?lvl=x"))
                .problem(400),
            "malformed_request"
        );
    });
}

#[test]
fn pages_of_lines_leave_none_out() {
    let platform = Platform::shared();
    let code = "def handler(event, context):\n    for n in range(25): print(n)\n";
    let function = platform.deploy(Language::Python, code, &json!({}));
    platform.invoke(&function, &json!({})).expect(200);
    wait_for_lines(&platform, &function, "", 25);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/functions/{function}/logs?limit=10{cursor}");
        let page = platform.get(&path).expect(200).json();
        let lines = page["logs"].as_array().expect("a list").iter();
        let mut messages: Vec<String> = lines
            .map(|line| line["message"].as_str().expect("text").to_owned())
            .collect();
        messages.append(&mut seen);
        seen = messages;
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (0..25).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn lines_outside_invocations_are_kept_too() {
    let platform = Platform::shared();
    let code = "print('at load')\ndef handler(event, context): return 1\n";
    let function = platform.deploy(Language::Python, code, &json!({}));
    let line = wait_for_lines(&platform, &function, "?q=at%20load", 1).remove(0);
    assert!(line.get("requestId").is_none());
}

/// Events of a stream, until there are so many.
fn follow(
    platform: &Platform,
    path: &str,
    last: Option<&str>,
    count: usize,
    then: impl FnOnce(),
) -> Vec<(String, Value)> {
    let mut stream = TcpStream::connect(platform.address()).expect("connected");
    stream.set_read_timeout(Some(DEADLINE)).expect("a limit");
    let last = last
        .map(|id| format!("Last-Event-ID: {id}\r\n"))
        .unwrap_or_default();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: z\r\nAccept: text/event-stream\r\n{last}\r\n"
    )
    .expect("sent");
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    assert!(head[0].contains("200"), "{head:?}");
    then();
    let (mut id, mut events) = (String::new(), Vec::new());
    for line in lines {
        if let Some(text) = line.strip_prefix("id: ") {
            text.clone_into(&mut id);
        } else if let Some(data) = line.strip_prefix("data: ") {
            events.push((id.clone(), serde_json::from_str(data).expect("JSON")));
            if events.len() == count {
                break;
            }
        }
    }
    events
}

#[test]
fn lines_can_be_followed_while_the_handler_runs() {
    let platform = Platform::shared();
    let code = "import time\ndef handler(event, context):\n    print('first')\n    time.sleep(8)\n    print('second')\n";
    let function = platform.deploy(Language::Python, code, &json!({}));
    let path = format!("/functions/{function}/logs?follow=true");
    let client = platform.another();
    let (invoked, name) = (std::sync::Mutex::new(None), function.clone());
    let events = follow(&platform, &path, None, 1, || {
        let running = std::thread::spawn(move || client.invoke(&name, &json!({})));
        *invoked.lock().expect("a lock") = Some(running);
    });
    assert_eq!(events[0].1["message"], "first");
    let running = invoked.into_inner().expect("a lock").expect("a thread");
    assert!(!running.is_finished(), "it came while the handler ran");
    running.join().expect("an answer").expect(200);
    // Whoever was cut off goes on after the last line it saw.
    let rest = follow(&platform, &path, Some(&events[0].0), 1, || {});
    assert_eq!(rest[0].1["message"], "second");
}

#[test]
fn a_follower_gets_the_newest_lines_or_all_since_its_last() {
    // More than are read from the store at a time.
    const MANY: usize = 2_500;
    let platform = Platform::start(&[]);
    let code = format!(
        "def handler(event, context):\n    for number in range({MANY}): print(f'line {{number}}')\n"
    );
    let function = platform.deploy(Language::Python, &code, &json!({}));
    platform.invoke(&function, &json!({})).expect(200);
    let last = format!("line {}", MANY - 1);
    wait_for_lines(
        &platform,
        &function,
        &format!("?q={}", last.replace(' ', "%20")),
        1,
    );
    let path = format!("/functions/{function}/logs?follow=true&since=1h&limit=10");
    let newest = follow(&platform, &path, None, 10, || {});
    let texts: Vec<&Value> = newest.iter().map(|(_, line)| &line["message"]).collect();
    assert_eq!(
        (texts[0], texts[9]),
        (&json!(format!("line {}", MANY - 10)), &json!(last))
    );
    let page = platform
        .get(&format!("/functions/{function}/logs?q=line%200&limit=1000"))
        .expect(200)
        .json();
    let first = page["logs"][0]["id"].as_str().expect("an id");
    let rest = follow(&platform, &path, Some(first), MANY - 1, || {});
    let numbers: Vec<String> = rest
        .iter()
        .map(|(_, line)| line["message"].to_string())
        .collect();
    let expected: Vec<String> = (1..MANY)
        .map(|number| format!("\"line {number}\""))
        .collect();
    assert_eq!(numbers, expected);
}

#[test]
fn a_flood_is_capped_and_counted() {
    in_every_language(|language| {
        let settings = [
            // So little that a flood which takes half a minute has hardly more lines than one of a moment.
            ("ZYGO_LOG_RATE_BYTES_PER_S", "500"),
            ("ZYGO_LOG_BURST_BYTES", "50000"),
        ];
        let platform = Platform::start(&settings);
        let code = language.pick(
            "export const handler = async () => { for (let i = 0; i < 20000; i++) console.log('x'.repeat(99)); console.log('y'.repeat(1e6)); return 1 }",
            "def handler(event, context):\n    for i in range(20000): print('x' * 99)\n    print('y' * 1000000)\n    return 1\n",
            "def handler(event, context)\n  20000.times { puts 'x' * 99 }\n  puts 'y' * 1000000\n  1\nend\n",
        );
        let function = platform.deploy(language, code, &json!({}));
        platform.invoke(&function, &json!({})).expect(200);
        let markers = wait_for("the marker", DEADLINE, || {
            let lines = logs(&platform, &function, "?q=lines%20were%20dropped&level=warn");
            (!lines.is_empty()).then_some(lines)
        });
        assert!(
            markers[0]["message"]
                .as_str()
                .expect("text")
                .contains("writes too much")
        );
        let kept = logs(&platform, &function, "?limit=1000").len();
        assert!(
            (400..900).contains(&kept),
            "{kept} lines for 50,000 bytes and a little"
        );
        platform.invoke(&function, &json!({})).expect(200);
    });
}
