//! Who is at the other end of a connection, and who is behind that: proxies that the operator trusts say so.

use std::net::IpAddr;

use http::HeaderMap;

use crate::config::Networks;

/// What a connection itself says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    pub(super) address: IpAddr,
    /// Whether it is encrypted.
    pub(super) tls: bool,
}

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    pub(super) address: IpAddr,
    /// Whether the client's own connection is encrypted.
    pub(super) tls: bool,
    /// What the client called the host, where a proxy says so.
    pub(super) host: Option<String>,
}

/// One hop, as a proxy tells it.
#[derive(Debug, Default)]
struct Hop {
    address: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

/// Names of headers that only proxies may set.
pub(super) const PROXY_HEADERS: [&str; 6] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-real-ip",
];

impl Client {
    /// The client behind a peer. Hops are read from the nearest outwards, as long as each is trusted; what stands beyond
    /// is hearsay.
    pub(super) fn of(peer: Peer, headers: &HeaderMap, trusted: &Networks) -> Self {
        let mut client = Self {
            address: peer.address.to_canonical(),
            tls: peer.tls,
            host: None,
        };
        let hops = hops(headers);
        for hop in hops.into_iter().rev() {
            if !trusted.contains(client.address) {
                break;
            }
            match hop.proto.as_deref() {
                Some("https") => client.tls = true,
                Some("http") => client.tls = false,
                _ => {}
            }
            client.host = hop.host.or(client.host);
            match hop.address {
                Some(address) => client.address = address.to_canonical(),
                // A hop that hides its own name ends what is known.
                None => break,
            }
        }
        client
    }

    /// `http` or `https`.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

/// What proxies wrote, the nearest last. `Forwarded` is the standard, so it comes first.
fn hops(headers: &HeaderMap) -> Vec<Hop> {
    let forwarded = listed(headers, "forwarded");
    if !forwarded.is_empty() {
        return forwarded.into_iter().map(forwarded_hop).collect();
    }
    let mut hops: Vec<Hop> = listed(headers, "x-forwarded-for")
        .into_iter()
        .map(|text| Hop {
            address: address(text),
            ..Hop::default()
        })
        .collect();
    if let Some(last) = hops.last_mut() {
        let word = |name| {
            listed(headers, name)
                .last()
                .map(|word| word.to_ascii_lowercase())
        };
        last.proto = word("x-forwarded-proto");
        last.host = word("x-forwarded-host");
    }
    hops
}

/// The items of a header that is a list, over all its lines. Quotes hold no commas in what we read.
fn listed<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter();
    let items = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    items.map(str::trim).collect()
}

/// `for=192.0.2.60;proto=http;host=example.com`.
fn forwarded_hop(text: &str) -> Hop {
    let mut hop = Hop::default();
    for pair in text.split(';') {
        let Some((name, value)) = pair.trim().split_once('=') else {
            continue;
        };
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "for" => hop.address = address(value),
            "proto" => hop.proto = Some(value.to_ascii_lowercase()),
            "host" => hop.host = Some(value.to_ascii_lowercase()),
            _ => {}
        }
    }
    hop
}

/// An address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        return Some(socket.ip());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    type Headers = &'static [(&'static str, &'static str)];

    fn client(peer: &str, headers: &[(&'static str, &'static str)]) -> (String, bool) {
        let trusted = Networks::parse("10.0.0.0/8, 192.0.2.1, fd00::/8").expect("networks");
        let peer = Peer {
            address: peer.parse().expect("an address"),
            tls: false,
        };
        let headers = headers.iter().map(|&(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        let client = Client::of(peer, &headers.collect(), &trusted);
        (client.address.to_string(), client.tls)
    }

    #[rustfmt::skip]
    const CASES: [(&str, Headers, &str, bool); 11] = [
            (
                "203.0.113.9",
                &[
                    ("x-forwarded-for", "1.1.1.1"),
                    ("x-forwarded-proto", "https"),
                ],
                "203.0.113.9",
                false,
            ),
            ("10.0.0.1", &[], "10.0.0.1", false),
            (
                "10.0.0.1",
                &[
                    ("x-forwarded-for", "1.1.1.1"),
                    ("x-forwarded-proto", "https"),
                ],
                "1.1.1.1",
                true,
            ),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "6.6.6.6, 1.1.1.1")],
                "1.1.1.1",
                false,
            ),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "6.6.6.6, 1.1.1.1, 192.0.2.1")],
                "1.1.1.1",
                false,
            ),
            (
                "::ffff:10.0.0.1",
                &[("x-forwarded-for", "1.1.1.1:4711")],
                "1.1.1.1",
                false,
            ),
            (
                "fd00::1",
                &[("forwarded", "for=\"[2001:db8::1]:80\";proto=https")],
                "2001:db8::1",
                true,
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=6.6.6.6, for=1.1.1.1;proto=https")],
                "1.1.1.1",
                true,
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=_hidden;proto=https")],
                "10.0.0.1",
                true,
            ),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "rubbish")],
                "10.0.0.1",
                false,
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "6.6.6.6")],
                "1.1.1.1",
                false,
            ),
    ];

    #[test]
    fn only_trusted_proxies_are_believed_and_only_what_they_saw() {
        for (peer, headers, address, tls) in CASES {
            assert_eq!(
                client(peer, headers),
                (address.to_owned(), tls),
                "{headers:?}"
            );
        }
    }
}
