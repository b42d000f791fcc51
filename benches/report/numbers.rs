//! How numbers look to a reader.

/// Milliseconds with as many digits as mean something.
pub(crate) fn milliseconds(value: f64) -> String {
    match value {
        value if value < 0.0995 => format!("{value:.3} ms"),
        value if value < 9.95 => format!("{value:.2} ms"),
        value if value < 99.5 => format!("{value:.1} ms"),
        value if value < 1_000.0 => format!("{value:.0} ms"),
        value => format!("{:.2} s", value / 1_000.0),
    }
}

/// Requests per second.
pub(crate) fn per_second(value: f64) -> String {
    match value {
        value if value < 999.5 => format!("{value:.0}/s"),
        value if value < 99_950.0 => format!("{:.1}k/s", value / 1_000.0),
        value => format!("{:.0}k/s", value / 1_000.0),
    }
}

/// Megabytes.
pub(crate) fn megabytes(value: f64) -> String {
    format!("{value:.1} MB")
}

/// `start/forked/python/heavy` of which only the last part names the peer: `bun`.
pub(crate) fn last(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The language as its users write it.
pub(crate) fn language(name: &str) -> &str {
    match name {
        "javascript" => "JavaScript",
        "python" => "Python",
        "ruby" => "Ruby",
        other => other,
    }
}
