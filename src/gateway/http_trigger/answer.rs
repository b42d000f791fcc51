//! What a handler answered → HTTP response, once it is certain that it is one response and no more.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;
use zygo_wire::control::Level;
use zygo_wire::data::BodyKind;

use super::super::limits::Told;
use super::super::problem::Problem;
use super::super::response::{milliseconds, with_request_id};
use super::super::status::{Row, invoke_row};
use super::{compress, is_head, problem};
use crate::function::Version;
use crate::invocation::{Answer, Outcome};
use crate::invoke::InvokeError;
use crate::route::normal_host;
use crate::trigger::http::EventFormat;

/// Headers of one connection alone: the platform's business, both ways.
pub(super) const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// How the instance came to be that answered.
const START_KIND: HeaderName = HeaderName::from_static("x-zygo-start-kind");

/// More headers are refused.
const HEADERS_MAX: usize = 256;
/// Longer ones are too.
const HEADERS_LEN_MAX: usize = 64 * 1024;

const NO_RESPONSE: Row = (
    StatusCode::BAD_GATEWAY,
    "invalid_response",
    "The handler's answer is no response",
);

/// What the answer depends on besides the handler.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) headers: &'a HeaderMap,
    /// What the client called the host.
    pub(super) host: Option<&'a str>,
    pub(super) request_id: &'a Arc<str>,
    pub(super) format: EventFormat,
    /// Whether the caller hears how a handler failed.
    pub(super) verbose: bool,
}

/// Why a handler's answer is no response.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("the status {0} is none of a final answer")]
    Status(u16),
    #[error("`{0}` is no name of a header")]
    Name(String),
    #[error("the value of the header `{0}` has line breaks or other control characters")]
    Value(String),
    #[error("the header `{0}` is the platform's business")]
    HopByHop(HeaderName),
    #[error("Content-Length says {said}, the body has {len} bytes")]
    Length { said: String, len: usize },
    #[error("it has more than {HEADERS_MAX} headers, or more than {HEADERS_LEN_MAX} bytes of them")]
    TooMany,
    #[error("a cookie is for `{0}`, which the request's host is not in")]
    Cookie(String),
}

/// The response to a request.
pub(super) async fn answer(asked: &Asked<'_>, version: &Version, outcome: Outcome) -> Response {
    let (told, start_kind) = (Told::of(&outcome), outcome.start_kind);
    let mut response = match outcome.result {
        Ok(answer) => match parts(asked, answer) {
            Ok((status, mut headers, body)) => {
                let body = compress::encoded(asked.headers, status, &mut headers, body).await;
                let mut response = Response::new(Body::from(body));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                with_request_id(response, asked.request_id)
            }
            Err(fault) => no_response(asked, version, &fault),
        },
        Err(ref error) => failure(asked, error, &outcome),
    };
    told.tell(&mut response);
    if let Some(kind) = start_kind {
        let kind = HeaderValue::from_static(kind.name());
        response.headers_mut().insert(START_KIND, kind);
    }
    without_body_for(asked.method, &mut response);
    response
}

/// The handler's owner reads in the log what was wrong; the caller only that something was.
fn no_response(asked: &Asked<'_>, version: &Version, fault: &Fault) -> Response {
    let journal = version.journal().of(asked.request_id);
    journal.line(
        Level::Error,
        &format!("the answer is no response: {fault}"),
        None,
    );
    let detail = match asked.verbose {
        true => fault.to_string(),
        false => outline(),
    };
    let told = Problem::new(NO_RESPONSE, detail).with_request(asked.request_id, None);
    problem(told, asked.request_id)
}

fn outline() -> String {
    "the function failed; its log says more about this request".to_owned()
}

fn failure(asked: &Asked<'_>, error: &InvokeError, outcome: &Outcome) -> Response {
    let told = match error {
        _ if asked.verbose => {
            let duration = milliseconds(outcome.timeline.total);
            let lines = outcome.logs.iter().map(|line| line.text.clone());
            let whole = Problem::of_invocation(error);
            whole.with_invocation(asked.request_id, duration, lines.collect())
        }
        InvokeError::Refused(_) | InvokeError::Pool(_) => {
            Problem::new(invoke_row(error), error.to_string())
        }
        InvokeError::Zygote(_) | InvokeError::Instance(_) => {
            Problem::new(invoke_row(error), outline())
        }
    };
    problem(told.with_request(asked.request_id, None), asked.request_id)
}

/// The answer taken apart and checked.
fn parts(asked: &Asked<'_>, answer: Answer) -> Result<(StatusCode, HeaderMap, Bytes), Fault> {
    let code = answer.status_code;
    let status = StatusCode::from_u16(code)
        .ok()
        .filter(|status| !status.is_informational());
    let status = status.ok_or(Fault::Status(code))?;
    let is_bodiless = bodiless(status);
    let expected = (!is_bodiless && !is_head(asked.method)).then_some(answer.body.len());
    let mut headers = headers(asked, &answer.headers, expected)?;
    if is_bodiless {
        return Ok((status, headers, Bytes::new()));
    }
    if answer.body_kind != BodyKind::None {
        let default = || HeaderValue::from_static(default_type(answer.body_kind, asked.format));
        headers.entry(header::CONTENT_TYPE).or_insert_with(default);
    }
    Ok((status, headers, answer.body))
}

/// What a body is that the handler says nothing of. People who come from AWS write JSON as text and expect it to be JSON.
fn default_type(kind: BodyKind, format: EventFormat) -> &'static str {
    match (kind, format) {
        (BodyKind::Text, EventFormat::Zygo) => "text/plain; charset=utf-8",
        (BodyKind::Json, _) | (BodyKind::Text, EventFormat::LambdaV2) => "application/json",
        (BodyKind::Binary | BodyKind::None, _) => "application/octet-stream",
    }
}

fn headers(
    asked: &Asked<'_>,
    written: &[(String, String)],
    expected: Option<usize>,
) -> Result<HeaderMap, Fault> {
    let len: usize = written
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if written.len() > HEADERS_MAX || len > HEADERS_LEN_MAX {
        return Err(Fault::TooMany);
    }
    let mut headers = HeaderMap::with_capacity(written.len() + 3);
    for (text, value) in written {
        let name =
            HeaderName::from_bytes(text.as_bytes()).map_err(|_| Fault::Name(text.clone()))?;
        // Text beyond ASCII goes as it is, which everyone reads who does not stop at it.
        let bytes = HeaderValue::from_bytes(value.as_bytes());
        let header = bytes.map_err(|_| Fault::Value(text.clone()))?;
        if HOP_BY_HOP.contains(&name.as_str()) {
            return Err(Fault::HopByHop(name));
        }
        if name == header::CONTENT_LENGTH {
            check_length(value, expected)?;
            continue;
        }
        if name == header::SET_COOKIE {
            check_cookie(value, asked.host)?;
        }
        headers.append(name, header);
    }
    Ok(headers)
}

/// The length is the platform's to tell, and a handler's own must not be another.
fn check_length(said: &str, expected: Option<usize>) -> Result<(), Fault> {
    match expected {
        Some(len) if said.trim().parse() != Ok(len) => Err(Fault::Length {
            said: said.to_owned(),
            len,
        }),
        _ => Ok(()),
    }
}

/// A cookie for another host would be thrown away by browsers, and by lesser clients kept.
fn check_cookie(cookie: &str, host: Option<&str>) -> Result<(), Fault> {
    let attributes = cookie
        .split(';')
        .skip(1)
        .filter_map(|part| part.split_once('='));
    let domains = attributes.filter(|(name, _)| name.trim().eq_ignore_ascii_case("domain"));
    for (_, domain) in domains {
        let domain = domain.trim().trim_start_matches('.').to_ascii_lowercase();
        let host = host.map(|host| normal_host(host).unwrap_or_else(|| host.to_owned()));
        let is_in = host.is_some_and(|host| {
            let before = host.strip_suffix(domain.as_str());
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        });
        if !domain.is_empty() && !is_in {
            return Err(Fault::Cookie(domain));
        }
    }
    Ok(())
}

/// Whether an answer with this status has no body.
fn bodiless(status: StatusCode) -> bool {
    [
        StatusCode::NO_CONTENT,
        StatusCode::RESET_CONTENT,
        StatusCode::NOT_MODIFIED,
    ]
    .contains(&status)
}

/// Whoever asks for the head alone gets it, with the length of what is left out.
pub(super) fn without_body_for(method: &Method, response: &mut Response) {
    if !is_head(method) {
        return;
    }
    let len = response.body().size_hint().exact();
    if let Some(len) = len.filter(|_| !bodiless(response.status())) {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, len.into());
    }
    *response.body_mut() = Body::empty();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(status_code: u16, headers: &[(&str, &str)], body: &str) -> Result<HeaderMap, Fault> {
        let asked = Asked {
            method: &Method::GET,
            headers: &HeaderMap::new(),
            host: Some("api.example.com:3000"),
            request_id: &"req-1".into(),
            format: EventFormat::Zygo,
            verbose: false,
        };
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let answer = Answer {
            status_code,
            headers: headers.iter().map(own).collect(),
            body_kind: BodyKind::Text,
            body: Bytes::copy_from_slice(body.as_bytes()),
        };
        parts(&asked, answer).map(|(_, headers, _)| headers)
    }

    #[test]
    fn what_would_be_two_responses_is_none() {
        let bad = [
            ("x", "a\r\nset-cookie: b=1"),
            ("x", "a\nb"),
            ("x", "a\0b"),
            ("x\r\ny", "a"),
            ("x y", "a"),
            ("", "a"),
            ("Transfer-Encoding", "chunked"),
            ("CONNECTION", "close"),
            ("Keep-Alive", "1"),
            ("upgrade", "h2c"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("Content-Length", "1"),
            ("Content-Length", "-4"),
            ("Content-Length", "4, 4"),
            ("Set-Cookie", "a=1; Domain=example.org"),
            ("Set-Cookie", "a=1; domain=pi.example.com"),
        ];
        for (name, value) in bad {
            assert!(
                checked(200, &[(name, value)], "body").is_err(),
                "{name}: {value}"
            );
        }
        let many = vec![("x", "1"); HEADERS_MAX + 1];
        assert_eq!(checked(200, &many, ""), Err(Fault::TooMany));
        let long = "a".repeat(HEADERS_LEN_MAX);
        assert_eq!(checked(200, &[("x", &long)], ""), Err(Fault::TooMany));
        for status in [100, 101, 199] {
            assert_eq!(checked(status, &[], ""), Err(Fault::Status(status)));
        }
    }

    #[test]
    fn all_else_is_the_handlers_own() {
        let written = [
            ("X-One", "1"),
            ("x-list", "a"),
            ("X-List", "b"),
            ("Content-Length", "4"),
            ("set-cookie", "a=1; Domain=.Example.com; Secure"),
            ("set-cookie", "b=2; Domain=api.example.com"),
            ("x-umlaut", "ü"),
        ];
        let headers = checked(299, &written, "body").expect("a response");
        assert_eq!(headers.get_all("x-list").iter().count(), 2);
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
        assert!(!headers.contains_key("content-length"));
        let own = checked(200, &[("content-type", "text/html")], "x").expect("a response");
        assert_eq!(own["content-type"], "text/html");
        let bodiless = checked(204, &[("content-length", "9")], "x").expect("a response");
        assert!(!bodiless.contains_key("content-type"));
    }
}
