//! What ten thousand silent WebSocket connections hold in the supervisor, and that each of them still hears.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use super::{Bench, memory};
use crate::host;
use crate::subject::client;
use crate::subject::platform::{Platform, Settings};

const MANY: usize = 10_000;
const MANY_QUICK: usize = 1_000;
/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers with what came, and sends to all what a request says.
const CODE: &str = "def handler(event, context):\n    if event.get('event'):\n        return {'statusCode': 200, 'body': event['body']}\n    return {'pushes': [{'connectionId': '*', 'data': event['body']}]}\n";
const HELLO: &[u8] = b"\x81\x05hello";

/// Opens them, has all be told something, and reads the memory.
pub(crate) fn all(bench: &mut Bench<'_>, executable: &Path) {
    bench.attempt("silent WebSocket connections", |bench| {
        raise_descriptor_limit()?;
        let many = bench.pick(MANY, MANY_QUICK);
        let settings = Settings::from(
            [
                "ZYGO_MAX_CONNECTIONS",
                "ZYGO_MAX_CONNECTIONS_PER_ADDRESS",
                "ZYGO_WEBSOCKETS_CONNECTIONS_MAX",
                "ZYGO_WEBSOCKETS_CONNECTIONS_MAX_PER_FUNCTION",
            ]
            .map(|name| (name, (2 * many).to_string())),
        );
        let platform = Platform::start_with(executable, host::free_port()?, settings)?;
        let body = json!({
            "name": "sockets", "runtime": "python", "code": CODE, "triggers": [{"type": "websocket"}],
        });
        client::json("POST", "/functions", platform.address, Some(&body))?;
        let begun = Instant::now();
        let mut sockets = Vec::with_capacity(many);
        for _ in 0..many {
            sockets.push(open(&platform)?);
        }
        let opened = begun.elapsed().as_secs_f64();
        memory::supervisor(bench, &platform, "connections");
        let path = "/functions/sockets/invoke";
        let begun = Instant::now();
        client::json("POST", path, platform.address, Some(&json!("hello")))?;
        for socket in &mut sockets {
            let mut told = [0; HELLO.len()];
            socket.read_exact(&mut told)?;
            ensure!(told == HELLO, "a connection was told something else");
        }
        let told = begun.elapsed().as_millis();
        bench.note(format!(
            "{many} connections: opened in {opened:.1} s one after the other, all told something in {told} ms"
        ));
        drop(sockets);
        platform.stop()
    });
}

/// Both ends are on this machine, each in a process of its own.
fn raise_descriptor_limit() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}

fn open(platform: &Platform) -> Result<TcpStream> {
    let mut socket = TcpStream::connect(platform.address)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(
        b"GET /functions/sockets/ws HTTP/1.1\r\nhost: bench\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
          sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )?;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head);
    ensure!(head.starts_with("HTTP/1.1 101"), "no connection: {head}");
    Ok(socket)
}
