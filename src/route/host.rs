//! Names of hosts: as functions ask for them, and as requests bring them.

use std::net::IpAddr;

/// The longest name that DNS has.
const LEN_MAX: usize = 253;
const LABEL_LEN_MAX: usize = 63;

/// A host that a function may ask for: `api.example.com`, or everything below one, `*.example.com`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Domain {
    name: String,
    wildcard: bool,
}

/// A text that is no such host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostError {
    /// Not a name of DNS.
    #[error(
        "`{0}` is no host name: letters, digits and hyphens with dots between, such as api.example.com"
    )]
    Malformed(String),
    /// An address.
    #[error("`{0}` is an address; a domain is a name")]
    Address(String),
    /// A name that is not worldwide.
    #[error(
        "`{0}` is a name of one part, which leads to this machine or none; a domain has two at least"
    )]
    Short(String),
}

impl Domain {
    /// A domain as a user writes it, in any case and script.
    pub(crate) fn parse(text: &str) -> Result<Self, HostError> {
        let malformed = || HostError::Malformed(text.to_owned());
        let (wildcard, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if rest.parse::<IpAddr>().is_ok() || rest.starts_with('[') {
            return Err(HostError::Address(text.to_owned()));
        }
        let name = idna::domain_to_ascii(rest).map_err(|_| malformed())?;
        let name = name.strip_suffix('.').unwrap_or(&name);
        if name.is_empty() || name.len() > LEN_MAX || !name.split('.').all(is_label) {
            return Err(malformed());
        }
        let last = name.rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(HostError::Address(text.to_owned()));
        }
        if !name.contains('.') || last == "localhost" {
            return Err(HostError::Short(text.to_owned()));
        }
        let name = name.to_owned();
        Ok(Self { name, wildcard })
    }

    /// The name, without `*.`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it means everything below the name, and not the name.
    pub(crate) fn is_wildcard(&self) -> bool {
        self.wildcard
    }
}

impl std::fmt::Display for Domain {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.wildcard { "*." } else { "" })?;
        formatter.write_str(&self.name)
    }
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let edge = |byte: Option<&u8>| byte.is_some_and(|&byte| byte != b'-');
    let bytes = label.as_bytes();
    label.len() <= LABEL_LEN_MAX
        && bytes.iter().copied().all(allowed)
        && edge(bytes.first())
        && edge(bytes.last())
}

/// The name in a request's `Host`, without port and last dot, in lower case and as DNS writes it; `None` for an address
/// and for what is no name.
pub(crate) fn normal_host(host: &str) -> Option<String> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => return None,
        None => host,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > LEN_MAX || name.starts_with('[') {
        return None;
    }
    if name.is_ascii() {
        return name
            .split('.')
            .all(is_label)
            .then(|| name.to_ascii_lowercase());
    }
    idna::domain_to_ascii(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_names_of_two_parts_at_least() {
        let good = [
            ("api.example.com", "api.example.com"),
            ("API.Example.COM.", "api.example.com"),
            ("*.example.com", "*.example.com"),
            ("münchen.example.org", "xn--mnchen-3ya.example.org"),
            ("a_b.example.com", "a_b.example.com"),
        ];
        for (text, shown) in good {
            assert_eq!(Domain::parse(text).expect(text).to_string(), shown);
        }
        let bad = [
            "",
            ".",
            "*",
            "*.",
            "*.com",
            "localhost",
            "a.localhost",
            "127.0.0.1",
            "1.2.3",
            "[::1]",
            "::1",
            "a..example.com",
            "-a.example.com",
            "a b.example.com",
            "a.example.com:80",
            "http://a.example.com",
            "a.example.com/x",
            "a.*.example.com",
            "**.example.com",
            "a\0.example.com",
        ];
        for text in bad {
            assert!(Domain::parse(text).is_err(), "{text:?}");
        }
        assert!(Domain::parse(&format!("{}.example.com", "a".repeat(64))).is_err());
        assert!(Domain::parse(&format!("{}com", "abcdefgh.".repeat(29))).is_err());
    }

    #[test]
    fn hosts_of_requests_lose_port_dot_and_case() {
        let cases = [
            ("Api.Example.com:443", Some("api.example.com")),
            ("api.example.com.", Some("api.example.com")),
            ("api.example.com:", Some("api.example.com")),
            ("localhost:3000", Some("localhost")),
            ("[::1]:3000", None),
            ("a:b:1", None),
            ("a b", None),
            ("a/b", None),
            ("", None),
            (":80", None),
        ];
        for (host, expected) in cases {
            assert_eq!(normal_host(host).as_deref(), expected, "{host:?}");
        }
    }
}
