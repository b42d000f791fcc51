//! Headers of a request, as its handler may rely on them.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::super::client::{Client, PROXY_HEADERS};
use super::super::head::HOP_BY_HOP;

/// Makes the headers what a handler may rely on: none of one connection alone, none that only proxies may set but what is
/// known of the client, and not the credential that was meant for the platform.
pub(super) fn tidy(head: &mut Parts, guarded: bool, client: &Client) {
    let headers = &mut head.headers;
    for name in named_by_connection(headers) {
        headers.remove(name);
    }
    for name in HOP_BY_HOP.iter().chain(&PROXY_HEADERS) {
        headers.remove(*name);
    }
    if guarded {
        headers.remove(header::AUTHORIZATION);
        headers.remove("x-api-key");
    }
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("x-forwarded-for", &client.address.to_string());
    set("x-forwarded-proto", client.scheme());
    if let Some(host) = &client.host {
        set("x-forwarded-host", host);
    }
    // In HTTP/2, the host is no header.
    if let Some(authority) = head.uri.authority() {
        set("host", authority.as_str());
    }
}

/// Headers that are of one connection alone because `Connection` names them (RFC 9110 §7.6.1). The host never is.
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let values = headers.get_all(header::CONNECTION).iter();
    let names = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    names
        .filter_map(|name| name.trim().parse::<HeaderName>().ok())
        .filter(|name| *name != header::HOST)
        .collect()
}
