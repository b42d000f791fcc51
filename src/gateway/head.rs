//! What a handler says before its body → status and headers of a response, once it is certain that they are those of one
//! response and no more. Knows nothing of the body but its length.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use zygo_wire::data::BodyKind;

use super::limits;
use super::status::Row;
use crate::admission::Remaining;
use crate::invocation::{Answer, StartKind};
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

pub(super) const NO_RESPONSE: Row = (
    StatusCode::BAD_GATEWAY,
    "invalid_response",
    "The handler's answer is no response",
);

/// Why a handler's answer is no response.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the status {0} is none of a final answer")]
    Status(u16),
    #[error("`{0}` is no name of a header")]
    Name(String),
    #[error("the value of the header `{0}` has line breaks or other control characters")]
    Value(String),
    #[error("Content-Length says {said}, the body has {len} bytes")]
    Length { said: String, len: usize },
    #[error("it has more than {HEADERS_MAX} headers, or more than {HEADERS_LEN_MAX} bytes of them")]
    TooMany,
    #[error("a cookie is for `{0}`, which the request's host is not in")]
    Cookie(String),
}

/// What a head is measured by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules<'a> {
    /// How long the body is, where a length that the handler tells would be heard.
    pub(super) len: Option<usize>,
    /// The host that cookies must be for; that of the invoke API is nobody's.
    pub(super) host: Option<Option<&'a str>>,
    /// What the handler was sent, and answers in the manner of.
    pub(super) format: EventFormat,
}

/// Why an answer cannot be given, if so: asked before it is recorded as one.
pub(super) fn judge(answer: &Answer, rules: Rules<'_>) -> Result<(), String> {
    let checked = checked(answer, rules);
    checked.map(drop).map_err(|fault| fault.to_string())
}

/// Status and headers.
pub(super) fn checked(answer: &Answer, rules: Rules<'_>) -> Result<(StatusCode, HeaderMap), Fault> {
    let status = StatusCode::from_u16(answer.status_code)
        .ok()
        .filter(|status| !status.is_informational())
        .ok_or(Fault::Status(answer.status_code))?;
    let is_bodiless = bodiless(status);
    let rules = Rules {
        len: rules.len.filter(|_| !is_bodiless),
        ..rules
    };
    let mut headers = headers(rules, &answer.headers)?;
    if !is_bodiless && answer.body_kind != BodyKind::None {
        let default = || HeaderValue::from_static(default_type(answer.body_kind, rules.format));
        headers.entry(header::CONTENT_TYPE).or_insert_with(default);
    }
    Ok((status, headers))
}

/// Says what is left of a limit, and how the instance came to be that answered.
pub(super) fn note(
    response: &mut axum::response::Response,
    start_kind: Option<StartKind>,
    rate: Option<Remaining>,
) {
    if let Some(rate) = rate {
        limits::tell_remaining(response, rate);
    }
    if let Some(kind) = start_kind {
        let kind = HeaderValue::from_static(kind.name());
        response.headers_mut().insert(START_KIND, kind);
    }
}

/// What a body is that the handler says nothing of. People who come from AWS write JSON as text and expect it to be JSON.
fn default_type(kind: BodyKind, format: EventFormat) -> &'static str {
    match (kind, format) {
        (BodyKind::Text, EventFormat::Zygo) => "text/plain; charset=utf-8",
        (BodyKind::Json, _) | (BodyKind::Text, EventFormat::LambdaV2) => "application/json",
        (BodyKind::Binary | BodyKind::None, _) => "application/octet-stream",
    }
}

fn headers(rules: Rules<'_>, written: &[(String, String)]) -> Result<HeaderMap, Fault> {
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
        // Frameworks write them as if they had the connection; it is the platform's, and so is what it says of itself.
        if HOP_BY_HOP.contains(&name.as_str()) {
            continue;
        }
        if name == header::CONTENT_LENGTH {
            check_length(value, rules.len)?;
            continue;
        }
        if let Some(host) = rules.host.filter(|_| name == header::SET_COOKIE) {
            check_cookie(value, host)?;
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
pub(super) fn bodiless(status: StatusCode) -> bool {
    [
        StatusCode::NO_CONTENT,
        StatusCode::RESET_CONTENT,
        StatusCode::NOT_MODIFIED,
    ]
    .contains(&status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status_code: u16, headers: &[(&str, &str)], body: &str) -> Result<HeaderMap, Fault> {
        let rules = Rules {
            len: Some(body.len()),
            host: Some(Some("api.example.com:3000")),
            format: EventFormat::Zygo,
        };
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let answer = Answer {
            status_code,
            headers: headers.iter().map(own).collect(),
            body_kind: BodyKind::Text,
            body: bytes::Bytes::copy_from_slice(body.as_bytes()),
        };
        checked(&answer, rules).map(|(_, headers)| headers)
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
            ("Content-Length", "1"),
            ("Content-Length", "-4"),
            ("Content-Length", "4, 4"),
            ("Set-Cookie", "a=1; Domain=example.org"),
            ("Set-Cookie", "a=1; domain=pi.example.com"),
        ];
        for (name, value) in bad {
            assert!(
                of(200, &[(name, value)], "body").is_err(),
                "{name}: {value}"
            );
        }
        let many = vec![("x", "1"); HEADERS_MAX + 1];
        assert_eq!(of(200, &many, ""), Err(Fault::TooMany));
        let long = "a".repeat(HEADERS_LEN_MAX);
        assert_eq!(of(200, &[("x", &long)], ""), Err(Fault::TooMany));
        for status in [100, 101, 199] {
            assert_eq!(of(status, &[], ""), Err(Fault::Status(status)));
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
            ("Transfer-Encoding", "chunked"),
            ("CONNECTION", "close"),
            ("Keep-Alive", "1"),
            ("upgrade", "h2c"),
            ("te", "trailers"),
            ("trailer", "x"),
        ];
        let headers = of(299, &written, "body").expect("a response");
        assert_eq!(headers.get_all("x-list").iter().count(), 2);
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
        assert!(!headers.contains_key("content-length"));
        for name in HOP_BY_HOP {
            assert!(!headers.contains_key(name), "{name}");
        }
        let own = of(200, &[("content-type", "text/html")], "x").expect("a response");
        assert_eq!(own["content-type"], "text/html");
        let bodiless = of(204, &[("content-length", "9")], "x").expect("a response");
        assert!(!bodiless.contains_key("content-type"));
    }
}
