//! Which function a request is for, by host, path and method. Pure: knows no functions, no sockets, no HTTP library.
//!
//! ```text
//!  host ─► site: the platform's own router, a domain, or a function's endpoint
//!            └─► tree of patterns: literal before parameter before wildcard, segment by segment
//!                  └─► the first pattern that takes the method
//! ```
//! A path is decoded once, segment by segment, so an escaped slash is part of a value and never a border.

mod host;
mod methods;
mod path;
mod pattern;
mod tree;

use std::collections::HashMap;

pub(crate) use host::{Domain, HostError, normal_host};
pub(crate) use methods::Methods;
pub(crate) use path::{PathError, Segments};
pub(crate) use pattern::Pattern;
pub(crate) use tree::{Found, Tree};

/// First segments of paths that the platform keeps for itself, some for later.
const RESERVED: [&str; 28] = [
    "alerts",
    "connections",
    "cost",
    "crons",
    "dashboard",
    "dead-letters",
    "docs",
    "encryption",
    "events",
    "functions",
    "healthz",
    "invocations",
    "jobs",
    "keys",
    "livez",
    "logs",
    "marketplace",
    "metrics",
    "nodes",
    "openapi.json",
    "queues",
    "readyz",
    "schedules",
    "subscriptions",
    "triggers",
    "version",
    "whoami",
    "zygotes",
];

/// Whether a first segment is the platform's own.
pub(crate) fn is_reserved(segment: &str) -> bool {
    RESERVED.contains(&segment)
}

/// Where a pattern holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Site {
    /// On the platform's own addresses, beside its API.
    Platform,
    /// At one host, or at all below one.
    Domain(Domain),
    /// Below a function's own address.
    Endpoint(String),
}

/// All patterns of all sites.
#[derive(Debug)]
pub(crate) struct Table<T> {
    platform: Tree<T>,
    exact: HashMap<String, Tree<T>>,
    /// By what stands after `*.`.
    below: HashMap<String, Tree<T>>,
    endpoints: HashMap<String, Tree<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            platform: Tree::default(),
            exact: HashMap::new(),
            below: HashMap::new(),
            endpoints: HashMap::new(),
        }
    }
}

impl<T> Table<T> {
    /// Adds a pattern at a site.
    pub(crate) fn insert(&mut self, site: &Site, pattern: Pattern, methods: Methods, target: T) {
        let tree = match site {
            Site::Platform => &mut self.platform,
            Site::Domain(domain) if domain.is_wildcard() => {
                self.below.entry(domain.name().to_owned()).or_default()
            }
            Site::Domain(domain) => self.exact.entry(domain.name().to_owned()).or_default(),
            Site::Endpoint(key) => self.endpoints.entry(key.clone()).or_default(),
        };
        tree.insert(pattern, methods, target);
    }

    /// The patterns of the platform's own addresses.
    pub(crate) fn platform(&self) -> &Tree<T> {
        &self.platform
    }

    /// The patterns below a function's own address.
    pub(crate) fn endpoint(&self, key: &str) -> Option<&Tree<T>> {
        self.endpoints.get(key)
    }

    /// Whether any host is somebody's.
    pub(crate) fn has_domains(&self) -> bool {
        !(self.exact.is_empty() && self.below.is_empty())
    }

    /// The hosts that are somebody's, but for those that a wildcard stands for.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.exact.keys().cloned()
    }

    /// The patterns of whoever has a host, in the form that [`normal_host`] gives: the very name comes before `*.`, and of
    /// those the longest.
    pub(crate) fn domain(&self, host: &str) -> Option<&Tree<T>> {
        if let Some(tree) = self.exact.get(host) {
            return Some(tree);
        }
        let mut rest = host;
        while let Some((_, parent)) = rest.split_once('.') {
            if let Some(tree) = self.below.get(parent) {
                return Some(tree);
            }
            rest = parent;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(sites: &[(&str, &'static str)]) -> Table<&'static str> {
        let mut table = Table::default();
        for &(domain, target) in sites {
            let site = Site::Domain(Domain::parse(domain).expect("a domain"));
            let pattern = Pattern::parse("/*").expect("a pattern");
            table.insert(&site, pattern, Methods::all(), target);
        }
        table
    }

    fn at(table: &Table<&'static str>, host: &str) -> Option<&'static str> {
        let tree = table.domain(&normal_host(host)?)?;
        match tree.find("GET", &Segments::parse("/").expect("a path")) {
            Found::Target { target, .. } => Some(*target),
            _ => None,
        }
    }

    #[test]
    fn the_very_name_comes_first_then_the_longest_wildcard() {
        let table = table(&[
            ("*.example.com", "wide"),
            ("*.b.example.com", "long"),
            ("a.example.com", "exact"),
            ("MÜNCHEN.example.org", "umlaut"),
        ]);
        let cases = [
            ("a.example.com", Some("exact")),
            ("A.Example.COM.:8443", Some("exact")),
            ("z.example.com", Some("wide")),
            ("y.z.example.com", Some("wide")),
            ("x.b.example.com", Some("long")),
            ("b.example.com", Some("wide")),
            ("example.com", None),
            ("xn--mnchen-3ya.example.org", Some("umlaut")),
            ("münchen.example.org", Some("umlaut")),
            ("127.0.0.1:3000", None),
            ("[::1]:3000", None),
            ("", None),
        ];
        for (host, expected) in cases {
            assert_eq!(at(&table, host), expected, "{host}");
        }
    }
}
