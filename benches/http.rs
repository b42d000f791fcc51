//! HTTP/1.1 as bytes: builds requests once, finds the end of replies. Knows nothing of sockets.

use std::net::SocketAddr;

const HEADERS_MAX: usize = 48;

/// Builds a whole request.
pub(crate) fn request(
    method: &str,
    path: &str,
    address: SocketAddr,
    body: Option<&[u8]>,
) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n").into_bytes();
    if let Some(body) = body {
        let length = body.len();
        bytes.extend_from_slice(
            format!("content-type: application/json\r\ncontent-length: {length}\r\n").as_bytes(),
        );
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.unwrap_or_default());
    bytes
}

/// A complete reply at the start of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The status code.
    pub(crate) status: u16,
    /// Where the body is in the buffer; a chunked body still has its chunk sizes.
    pub(crate) body: std::ops::Range<usize>,
    /// Whether the server ends the connection now.
    pub(crate) close: bool,
    /// Whether it says when to come again.
    pub(crate) tells_when: bool,
}

/// What a buffer holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// All of a reply.
    Complete(Reply),
    /// Not all of a reply yet.
    Partial,
    /// No HTTP at all.
    Malformed,
}

enum Length {
    Known(usize),
    Chunked,
    UntilClose,
}

/// The length of the whole request at the start of a buffer, if all of it is there. Its body must have a known length.
pub(crate) fn request_len(buffer: &[u8]) -> Option<usize> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(start)) = head.parse(buffer) else {
        return None;
    };
    let body = match framing(head.headers, head.version).0 {
        Length::Known(length) => length,
        Length::Chunked | Length::UntilClose => 0,
    };
    (buffer.len() >= start + body).then_some(start + body)
}

/// Looks for a whole reply. `ended`: the server has closed, so no more bytes will come.
pub(crate) fn parse(buffer: &[u8], ended: bool) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut head = httparse::Response::new(&mut headers);
    match head.parse(buffer) {
        Ok(httparse::Status::Complete(start)) => with_body(buffer, start, &head, ended),
        Ok(httparse::Status::Partial) => Parsed::Partial,
        Err(_) => Parsed::Malformed,
    }
}

fn with_body(
    buffer: &[u8],
    start: usize,
    head: &httparse::Response<'_, '_>,
    ended: bool,
) -> Parsed {
    let (length, close) = framing(head.headers, head.version);
    let status = head.code.unwrap_or_default();
    let mut names = head.headers.iter().map(|header| header.name);
    let tells_when = names.any(|name| name.eq_ignore_ascii_case("retry-after"));
    let complete = |end: usize| {
        Parsed::Complete(Reply {
            status,
            body: start..end,
            close: close || ended,
            tells_when,
        })
    };
    match length {
        Length::Known(length) if buffer.len() >= start + length => complete(start + length),
        Length::Chunked if last_chunk(&buffer[start..]) => complete(buffer.len()),
        Length::UntilClose if ended => complete(buffer.len()),
        _ => Parsed::Partial,
    }
}

/// Requests are never pipelined, so the last chunk also ends the buffer.
fn last_chunk(body: &[u8]) -> bool {
    body == b"0\r\n\r\n" || body.ends_with(b"\r\n0\r\n\r\n")
}

fn framing(headers: &[httparse::Header<'_>], version: Option<u8>) -> (Length, bool) {
    let mut length = Length::UntilClose;
    let mut close = version == Some(0);
    for header in headers {
        if header.name.eq_ignore_ascii_case("content-length") {
            length = std::str::from_utf8(header.value)
                .ok()
                .and_then(|value| value.trim().parse().ok())
                .map_or(Length::UntilClose, Length::Known);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            length = Length::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            close = header.value.eq_ignore_ascii_case(b"close");
        }
    }
    (length, close)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_with_a_length_is_complete_when_its_body_is() {
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc";
        assert_eq!(parse(&reply[..reply.len() - 1], false), Parsed::Partial);
        let Parsed::Complete(parsed) = parse(reply, false) else {
            panic!("not complete")
        };
        assert_eq!(
            (parsed.status, &reply[parsed.body], parsed.close),
            (200, &b"abc"[..], false)
        );
    }

    #[test]
    fn a_request_is_whole_with_its_body() {
        let request = b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcPOST";
        assert_eq!(request_len(request), Some(request.len() - 4));
        assert_eq!(request_len(&request[..request.len() - 5]), None);
    }

    #[test]
    fn a_chunked_reply_ends_with_the_empty_chunk() {
        let reply = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        assert_eq!(parse(&reply[..reply.len() - 5], false), Parsed::Partial);
        assert!(matches!(parse(reply, false), Parsed::Complete(_)));
    }

    #[test]
    fn a_reply_without_a_length_ends_with_the_connection() {
        let reply = b"HTTP/1.1 200 OK\r\n\r\nabc";
        assert_eq!(parse(reply, false), Parsed::Partial);
        assert!(matches!(
            parse(reply, true),
            Parsed::Complete(Reply { close: true, .. })
        ));
    }
}
