//! A plain blocking HTTP client for everything that is not measured: deploys, deletions, readiness.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::http::{self, Parsed};

const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks: short beside whatever is measured, long beside what a look costs the server's core.
const GLANCE: Duration = Duration::from_micros(150);

/// One exchange on a connection of its own: the status and the body.
pub(crate) fn exchange(
    method: &str,
    path: &str,
    address: SocketAddr,
    body: Option<&[u8]>,
) -> Result<(u16, Vec<u8>)> {
    let mut stream =
        TcpStream::connect(address).with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&http::request(method, path, address, body))?;
    reply(&mut stream).with_context(|| format!("{method} {path}"))
}

fn reply(stream: &mut TcpStream) -> Result<(u16, Vec<u8>)> {
    let mut received = Vec::new();
    let mut part = [0; 64 * 1024];
    loop {
        let count = stream.read(&mut part)?;
        received.extend_from_slice(&part[..count]);
        match http::parse(&received, count == 0) {
            Parsed::Complete(reply) => return Ok((reply.status, received[reply.body].to_vec())),
            Parsed::Partial if count > 0 => {}
            _ => bail!("the reply is not whole HTTP"),
        }
    }
}

/// Sends JSON and reads JSON; any status of failure is an error that shows the reply.
pub(crate) fn json(
    method: &str,
    path: &str,
    address: SocketAddr,
    body: Option<&Value>,
) -> Result<Value> {
    let body = body.map(Value::to_string);
    let (status, reply) = exchange(method, path, address, body.as_ref().map(String::as_bytes))?;
    if !(200..300).contains(&status) {
        bail!(
            "{method} {path} answered {status}: {}",
            String::from_utf8_lossy(&reply)
        );
    }
    Ok(serde_json::from_slice(&reply).unwrap_or_default())
}

/// Asks again and again until the status is 200, or `ended` says that it never will be. Returns the moment.
pub(crate) fn until_200(
    path: &str,
    address: SocketAddr,
    patience: Duration,
    mut ended: impl FnMut() -> bool,
) -> Result<Instant> {
    let deadline = Instant::now() + patience;
    let request = http::request("GET", path, address, None);
    let mut since_look = 0;
    while Instant::now() < deadline {
        if is_200(address, &request) {
            return Ok(Instant::now());
        }
        since_look += 1;
        if since_look % 64 == 0 && ended() {
            bail!("the server ended before it answered");
        }
        std::thread::sleep(GLANCE);
    }
    bail!("no 200 from http://{address}{path} in {patience:?}");
}

/// Sends a request on one connection, again and again, until a reply of 200 holds a text. Returns the moment, and how many
/// replies before it had another status.
pub(crate) fn until_told(
    request: &[u8],
    address: SocketAddr,
    text: &[u8],
    patience: Duration,
) -> Result<(Instant, u64)> {
    let deadline = Instant::now() + patience;
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience))?;
    let mut refused = 0;
    while Instant::now() < deadline {
        stream.write_all(request)?;
        let (status, body) = reply(&mut stream)?;
        if status == 200 && memchr::memmem::find(&body, text).is_some() {
            return Ok((Instant::now(), refused));
        }
        refused += u64::from(status != 200);
        std::thread::sleep(GLANCE);
    }
    bail!(
        "no reply held {} in {patience:?}",
        String::from_utf8_lossy(text)
    )
}

fn is_200(address: SocketAddr, request: &[u8]) -> bool {
    let attempt = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(request)?;
        let mut head = [0; 16];
        stream
            .read_exact(&mut head)
            .or_else(|error| match error.kind() {
                ErrorKind::UnexpectedEof => Ok(()),
                _ => Err(error),
            })?;
        Ok(head.starts_with(b"HTTP/1.1 200") || head.starts_with(b"HTTP/1.0 200"))
    };
    attempt().unwrap_or(false)
}
