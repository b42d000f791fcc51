//! Which version a call gets while a rollout runs: what the caller is kept by, from headers and cookies.

use std::sync::Arc;

use http::{HeaderMap, header};

use crate::function::{Function, Version};
use crate::rollout::Stickiness;

/// The version for a call that names none; `None` while there is no rollout.
pub(super) fn version(function: &Function, headers: &HeaderMap) -> Option<Arc<Version>> {
    function.choose(&keyed(headers))
}

/// What finds the key of whoever sends these headers.
pub(super) fn keyed(
    headers: &HeaderMap,
) -> impl Fn(Option<&Stickiness>) -> Option<String> + Sync + '_ {
    |stickiness| key(stickiness?, headers).map(str::to_owned)
}

/// The caller's key; an empty one is none.
fn key<'a>(stickiness: &Stickiness, headers: &'a HeaderMap) -> Option<&'a str> {
    let key = match stickiness {
        Stickiness {
            header: Some(name), ..
        } => headers.get(name.as_str())?.to_str().ok()?,
        Stickiness { cookie: name, .. } => cookie(headers, name.as_deref()?)?,
    };
    Some(key.trim()).filter(|key| !key.is_empty())
}

/// The first cookie of this name. With HTTP/2, each may come in a field of its own.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let fields = headers.get_all(header::COOKIE).iter();
    let pairs = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(';'));
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(found, _)| found.trim() == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_header_or_a_cookie() {
        let mut headers = HeaderMap::new();
        headers.insert("x-user", " ann ".parse().unwrap());
        headers.append(header::COOKIE, "a=1; sid=x=y".parse().unwrap());
        headers.append(header::COOKIE, "b=2;c=".parse().unwrap());
        let found = |stickiness: Stickiness| key(&stickiness, &headers).map(str::to_owned);
        let header = |name: &str| {
            found(Stickiness {
                header: Some(name.to_owned()),
                cookie: None,
            })
        };
        let cookie = |name: &str| {
            found(Stickiness {
                header: None,
                cookie: Some(name.to_owned()),
            })
        };
        assert_eq!(header("X-User").as_deref(), Some("ann"));
        assert_eq!(header("x-other"), None);
        assert_eq!(cookie("sid").as_deref(), Some("x=y"));
        assert_eq!(cookie("b").as_deref(), Some("2"));
        assert_eq!((cookie("c"), cookie("id")), (None, None));
    }
}
