//! One piece of the hot code, with fixed input, so many times: `zygo-instructions PIECE TIMES`. `zygo-bench instructions`
//! runs it under callgrind with two numbers of times; what they differ by is the piece alone.

use std::hint::black_box;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use zygo::fuzzing::{self, Routes};
use zygo_wire::data::{FinishedHeader, InvokeHeader, Usage};
use zygo_wire::packet::{body, decode, send};
use zygo_wire::socket::{Blocking, Socket};
use zygo_wire::{BodyKind, InstanceCommand, InstanceEvent};

const PACKET_LEN: usize = 4096;
const BODY: &[u8] = br#"{"name":"zygo","items":[{"id":1,"count":3},{"id":2,"count":5}],"note":"as short as most bodies"}"#;
const TARGET: &str = "/functions/hello/http/users/42/orders?page=2&sort=newest%20first";
const HEADERS: [(&str, &str); 8] = [
    ("host", "functions.example.com"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
    ("accept", "application/json, text/plain, */*"),
    ("accept-encoding", "gzip, deflate, br"),
    ("content-type", "application/json"),
    ("x-request-id", "req-0123456789abcdef01234567"),
    (
        "traceparent",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
    ("cookie", "session=0123456789abcdef; theme=dark"),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [piece, times] = arguments.as_slice() else {
        bail!("usage: zygo-instructions PIECE TIMES");
    };
    let times: u32 = times.parse().context("TIMES is no number")?;
    match piece.as_str() {
        "wire-invocation" => wire_invocation(times),
        "wire-answer" => wire_answer(times),
        "route" => route(times),
        "pool" => {
            pool(times);
            Ok(())
        }
        "event" => event(times),
        _ => bail!("there is no piece `{piece}`"),
    }
}

/// An invocation into a socket and out of it: what the supervisor does and what an instance does.
fn wire_invocation(times: u32) -> Result<()> {
    let (here, there) = Socket::pair(Blocking::Yes)?;
    let mut buffer = vec![0; PACKET_LEN];
    let event =
        br#"{"method":"POST","path":"/","headers":{"content-type":"application/json"},"query":{}}"#;
    for number in 0..times {
        let header = InstanceCommand::Invoke(InvokeHeader {
            number: number.into(),
            request_id: "req-0123456789abcdef01234567",
            deadline_unix_ms: 1_800_000_000_000,
            traceparent: HEADERS[6].1,
            tracestate: "",
            event,
            event_before_body_len: 0,
            body_kind: BodyKind::Json,
            body_len: BODY.len() as u64,
        });
        send(&here, black_box(&header), black_box(BODY), &[])?;
        let received = there.receive(&mut buffer)?;
        let (command, inline) = decode::<InstanceCommand<'_>>(&buffer[..received.len])?;
        let InstanceCommand::Invoke(header) = &command else {
            bail!("another command came");
        };
        let came = body(inline, header.body_len, &received.descriptors, PACKET_LEN)?;
        black_box(header.event_and_body(&came)?);
    }
    Ok(())
}

/// The answer to it.
fn wire_answer(times: u32) -> Result<()> {
    let (here, there) = Socket::pair(Blocking::Yes)?;
    let mut buffer = vec![0; PACKET_LEN];
    for number in 0..times {
        let header = InstanceEvent::Finished(FinishedHeader {
            number: number.into(),
            status_code: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body_kind: BodyKind::Json,
            body_len: BODY.len() as u64,
            usage: Usage::default(),
        });
        send(&here, black_box(&header), black_box(BODY), &[])?;
        let received = there.receive(&mut buffer)?;
        let (event, inline) = decode::<InstanceEvent<'_>>(&buffer[..received.len])?;
        let InstanceEvent::Finished(header) = &event else {
            bail!("another event came");
        };
        black_box(body(
            inline,
            header.body_len,
            &received.descriptors,
            PACKET_LEN,
        )?);
    }
    Ok(())
}

/// A path among sixty patterns: a literal, one with parameters, a wildcard, and none.
fn route(times: u32) -> Result<()> {
    let patterns: Vec<String> = (0..20)
        .flat_map(|n| {
            [
                format!("/shop{n}/cart"),
                format!("/shop{n}/users/:id/orders/:order"),
                format!("/shop{n}/files/*rest"),
            ]
        })
        .collect();
    let routes = Routes::new(&patterns).context("a pattern is none")?;
    for _ in 0..times {
        for path in [
            "/shop7/cart",
            "/shop11/users/42/orders/7",
            "/shop19/files/a/b%20c/d.txt",
            "/nowhere/at/all",
        ] {
            black_box(routes.find(black_box("GET"), black_box(path)));
        }
    }
    Ok(())
}

/// What a pool does next, for callers who meet it idle, parked, with room, and full.
fn pool(times: u32) {
    for turn in 0..times as usize {
        for (idle, parked, live) in [(1, 0, 4), (0, 2, 6), (0, 0, 8), (0, 0, 16)] {
            black_box(fuzzing::next_of_pool(
                black_box(idle),
                black_box(parked),
                black_box(live + turn % 2),
            ));
        }
    }
}

/// An HTTP request to the event that handlers see.
fn event(times: u32) -> Result<()> {
    let uri: Uri = TARGET.parse()?;
    let mut headers = HeaderMap::new();
    for (name, value) in HEADERS {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    let body = Bytes::from_static(BODY);
    for _ in 0..times {
        let event = fuzzing::event(
            &Method::POST,
            black_box(&uri),
            black_box(&headers),
            black_box(&body),
        );
        black_box(event.context("the request is refused")?);
    }
    Ok(())
}
