//! Clients that take their time (H1): slow heads, slow bodies, slow readers and silence, many at once.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use super::canary::Canary;
use super::table::Report;
use crate::http::{connect, read_to_end, status};
use crate::language::Language;
use crate::platform::Platform;
use crate::processes;
use crate::wait::wait_until;

/// How many of each kind.
const COUNT: usize = 250;
/// How often each sends one byte more.
const ROUNDS: usize = 20;
const DEADLINE: Duration = Duration::from_secs(30);

/// What each kind is called, how its clients begin, and what they send drop by drop.
fn kinds(function: &str) -> [(&'static str, String, &'static str); 4] {
    let invoke = format!("POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\n");
    [
        ("silence", String::new(), ""),
        (
            "slow heads",
            "GET /healthz HTTP/1.1\r\nhost: x".to_owned(),
            "x",
        ),
        (
            "slow bodies",
            format!("{invoke}content-length: 100000\r\n\r\n"),
            "1",
        ),
        (
            "slow readers",
            format!("{invoke}content-length: 2\r\n\r\n{{}}"),
            "",
        ),
    ]
}

#[test]
fn slow_clients_take_nothing_from_others() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[
        ("ZYGO_HEADER_TIMEOUT_MS", "1000"),
        ("ZYGO_SLOW_CLIENT_GRACE_MS", "1000"),
    ]);
    let code = "def handler(event, context): return 'x' * 5_000_000";
    let settings = json!({"scaling": {"maxInstances": 2}});
    let function = platform.deploy(Language::Python, code, &settings);
    let mut report = Report::default();
    let canary = Canary::start(&platform);
    let before = processes::descriptors(platform.pid());
    let resident = processes::resident_kib(platform.pid());
    for (what, start, drop_by_drop) in kinds(&function) {
        let count = if what == "slow readers" { 10 } else { COUNT };
        let mut clients: Vec<TcpStream> = (0..count).map(|_| connect(&platform)).collect();
        for client in &mut clients {
            let _ = client.write_all(start.as_bytes());
        }
        for _ in 0..ROUNDS {
            for client in &mut clients {
                let _ = client.write_all(drop_by_drop.as_bytes());
            }
        }
        if what == "slow readers" {
            wait_until("a slow reader", DEADLINE, || {
                served(&platform, &clients) > 0
            });
            wait_until("no slow reader", DEADLINE, || {
                served(&platform, &clients) == 0
            });
        } else {
            // Until the platform closes them; nothing of what they asked for can have succeeded.
            let answers = clients.into_iter().map(read_to_end);
            let served = answers.filter(|answer| status(answer) == Some(200)).count();
            assert_eq!(served, 0, "{what}");
        }
        // An answer of 5 MB is held once by its handler's socket and once as JSON.
        let room_kib = if what == "slow readers" {
            count as u64 * (16 << 10)
        } else {
            64 << 10
        };
        let grown = processes::resident_kib(platform.pid()).saturating_sub(resident);
        report.check(
            "H1",
            "HTTP",
            what,
            &format!("all {count} let go, {grown} KiB"),
            grown < room_kib,
        );
    }
    canary.assert_unharmed("slow clients");
    wait_until("as few descriptors as before", DEADLINE, || {
        processes::descriptors(platform.pid()) <= before + 8
    });
    report.finish();
}

/// How many of these connections the platform still holds.
fn served(platform: &Platform, clients: &[TcpStream]) -> usize {
    let held = processes::connected_ports(platform.pid());
    let port = |client: &TcpStream| client.local_addr().map_or(0, |address| address.port());
    clients
        .iter()
        .filter(|client| held.contains(&port(client)))
        .count()
}
