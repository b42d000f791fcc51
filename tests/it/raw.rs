//! Requests as bytes on a connection of their own, for what no client library would send or show.

use std::io::{Read, Write};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::client::Answer;
use crate::http::connect;
use crate::platform::Platform;

/// What is not answered by then hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a request without a body and reads the answer.
#[track_caller]
pub(crate) fn get(platform: &Platform, host: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    request(platform, "GET", host, path, headers, b"")
}

/// Sends a request, to a host of any name, and reads the answer to its end.
#[track_caller]
pub(crate) fn request(
    platform: &Platform,
    method: &str,
    host: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = match body.len() {
        0 => String::new(),
        length => format!("content-length: {length}\r\n"),
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{length}{lines}\r\n"
    );
    let mut connection = connect(platform);
    connection
        .set_read_timeout(Some(PATIENCE))
        .expect("a time limit");
    connection
        .write_all(&[head.as_bytes(), body].concat())
        .expect("a request");
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).expect("an answer");
    parse(&bytes)
}

/// An answer that ends with its connection.
#[track_caller]
pub(crate) fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no head in {}", String::from_utf8_lossy(bytes)));
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':').expect("a header");
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        (name, HeaderValue::from_str(value.trim()).expect("a value"))
    });
    let headers = headers.collect::<HeaderMap>();
    let body = &bytes[end + 4..];
    let bytes = match headers.get("transfer-encoding") {
        Some(_) => whole(body),
        None => body.to_vec(),
    };
    Answer {
        status: status.expect("a status"),
        headers,
        bytes,
    }
}

/// A body that came in pieces, each behind its length; the last has none.
#[track_caller]
fn whole(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n");
        let end = end.expect("the length of a piece");
        let len = std::str::from_utf8(&body[..end]).expect("a length");
        let len = usize::from_str_radix(len, 16).expect("a length");
        if len == 0 {
            return whole;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + len]);
        body = &body[end + 2 + len + 2..];
    }
}
