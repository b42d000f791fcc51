//! The opening handshake of RFC 6455 §4.2: what a request must say to become a connection, and what it is told. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use sha1::{Digest, Sha1};

use super::SocketError;
use crate::gateway::problem::RequestError;

/// What the protocol makes of a key before it gives the digest back.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Bytes of a key.
const KEY_LEN: usize = 16;

/// A request that may become a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Handshake {
    /// The proof that its key was read.
    accept: String,
    /// Protocols that the client can speak, the best first.
    offered: Vec<String>,
}

/// Whether a request wants to become a connection, rightly or not.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    words(headers, header::UPGRADE).any(|word| word.eq_ignore_ascii_case("websocket"))
}

impl Handshake {
    /// Reads a request's head.
    pub(super) fn read(
        method: &Method,
        version: Version,
        headers: &HeaderMap,
    ) -> Result<Self, RequestError> {
        let says = |name, wanted: &str| {
            let mut words = words(headers, name);
            words.any(|word| word.eq_ignore_ascii_case(wanted))
        };
        let is_meant = *method == Method::GET
            && version == Version::HTTP_11
            && says(header::CONNECTION, "upgrade")
            && is_asked_for(headers)
            && headers.get(header::SEC_WEBSOCKET_VERSION) == Some(&HeaderValue::from_static("13"));
        if !is_meant {
            return Err(SocketError::NoUpgrade.into());
        }
        let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
        let key = keys
            .next()
            .filter(|key| keys.next().is_none() && is_key(key.as_bytes()));
        let key = key.ok_or_else(|| {
            let rule = "Sec-WebSocket-Key must be 16 bytes in base64";
            RequestError::malformed("/headers/Sec-WebSocket-Key", rule)
        })?;
        let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
        let offered = words(headers, header::SEC_WEBSOCKET_PROTOCOL);
        Ok(Self {
            accept: BASE64.encode(digest),
            offered: offered.map(str::to_owned).collect(),
        })
    }

    /// The protocol that a handler chose, if the client can speak it.
    pub(super) fn protocol(&self, answered: &[(String, String)]) -> Option<HeaderValue> {
        let named = |(name, _): &&(String, String)| {
            name.eq_ignore_ascii_case(header::SEC_WEBSOCKET_PROTOCOL.as_str())
        };
        let (_, chosen) = answered.iter().find(named)?;
        let known = self.offered.iter().find(|offered| *offered == chosen)?;
        HeaderValue::from_str(known).ok()
    }

    /// The answer that makes a connection of it.
    pub(super) fn answer(self, protocol: Option<HeaderValue>) -> http::response::Builder {
        let answer = http::Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header(header::CONNECTION, "upgrade")
            .header(header::UPGRADE, "websocket")
            .header(header::SEC_WEBSOCKET_ACCEPT, self.accept);
        match protocol {
            Some(protocol) => answer.header(header::SEC_WEBSOCKET_PROTOCOL, protocol),
            None => answer,
        }
    }
}

fn words(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim)
}

fn is_key(key: &[u8]) -> bool {
    BASE64.decode(key).is_ok_and(|key| key.len() == KEY_LEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(changes: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let right = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "chat, superchat"),
        ];
        for (name, value) in right.iter().chain(changes) {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn read(changes: &[(&'static str, &'static str)]) -> Result<Handshake, RequestError> {
        Handshake::read(&Method::GET, Version::HTTP_11, &headers(changes))
    }

    #[test]
    fn the_example_of_the_standard_is_answered_as_it_says() {
        let handshake = read(&[]).expect("a handshake");
        assert_eq!(handshake.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let chosen = |name: &str, protocol: &str| {
            handshake.protocol(&[(name.to_owned(), protocol.to_owned())])
        };
        let superchat = Some(HeaderValue::from_static("superchat"));
        assert_eq!(chosen("Sec-WebSocket-Protocol", "superchat"), superchat);
        assert_eq!(chosen("Sec-WebSocket-Protocol", "other"), None);
        assert_eq!(chosen("X-Other", "chat"), None);
    }

    #[test]
    fn what_is_no_handshake_is_refused() {
        for change in [
            ("connection", "keep-alive"),
            ("upgrade", "h2c"),
            ("sec-websocket-version", "8"),
        ] {
            let refused = read(&[change]).expect_err("refused");
            assert!(
                matches!(refused, RequestError::Socket(SocketError::NoUpgrade)),
                "{change:?}"
            );
        }
        for key in ["", "dGhlIHNhbXBsZQ==", "not base64 at all!"] {
            let refused = read(&[("sec-websocket-key", key)]).expect_err("refused");
            assert!(matches!(refused, RequestError::Malformed { .. }), "{key}");
        }
        let old = Handshake::read(&Method::GET, Version::HTTP_10, &headers(&[]));
        assert!(old.is_err());
    }
}
