//! Which methods a pattern takes.

use std::collections::BTreeSet;

/// Longer words are no methods.
const LEN_MAX: usize = 32;

/// A set of methods, or all of them. `GET` brings `HEAD` along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Methods(Option<BTreeSet<String>>);

/// A word that is no method of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MethodsError {
    /// No methods at all.
    #[error("name one method at least, or leave the list out for all of them")]
    None,
    /// A word that HTTP does not allow, or that no handler may have.
    #[error(
        "`{0}` is no method that a function can take; GET, POST, PUT, PATCH, DELETE, HEAD and OPTIONS are"
    )]
    Unknown(String),
}

impl Methods {
    /// All but those that are for proxies and for tracing.
    pub(crate) fn all() -> Self {
        Self(None)
    }

    /// Those with these names, in any case; `*` and `ANY` are all.
    pub(crate) fn parse<'a>(
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, MethodsError> {
        let mut known = BTreeSet::new();
        for name in names {
            let upper = name.to_ascii_uppercase();
            let is_word = upper
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'-');
            match upper.as_str() {
                "*" | "ANY" => return Ok(Self::all()),
                "CONNECT" | "TRACE" | "" => return Err(MethodsError::Unknown(name.to_owned())),
                _ if !is_word || upper.len() > LEN_MAX => {
                    return Err(MethodsError::Unknown(name.to_owned()));
                }
                "GET" => known.extend([upper, "HEAD".to_owned()]),
                _ => known.extend([upper]),
            }
        }
        match known.is_empty() {
            true => Err(MethodsError::None),
            false => Ok(Self(Some(known))),
        }
    }

    /// Whether a request with this method is taken.
    pub(crate) fn takes(&self, method: &str) -> bool {
        match &self.0 {
            None => !["CONNECT", "TRACE"].contains(&method),
            Some(known) => known.contains(method),
        }
    }

    /// Whether some request is taken by both.
    pub(crate) fn overlap(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(these), Some(those)) => !these.is_disjoint(those),
            _ => true,
        }
    }

    /// Their names, sorted; those that there are commonly when all are taken.
    pub(crate) fn names(&self) -> Vec<&str> {
        match &self.0 {
            None => vec!["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"],
            Some(known) => known.iter().map(String::as_str).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_follows_get_and_some_words_are_no_methods() {
        let methods = Methods::parse(["get", "Post"]).expect("methods");
        assert_eq!(methods.names(), ["GET", "HEAD", "POST"]);
        assert!(methods.takes("HEAD") && !methods.takes("PUT"));
        assert!(Methods::all().takes("PROPFIND") && !Methods::all().takes("TRACE"));
        assert_eq!(Methods::parse(["GET", "any"]), Ok(Methods::all()));
        for bad in ["CONNECT", "trace", "", "G T", "GET\r", "GÉT"] {
            assert!(Methods::parse([bad]).is_err(), "{bad:?}");
        }
        assert_eq!(Methods::parse([]), Err(MethodsError::None));
    }

    #[test]
    fn sets_overlap_where_one_request_would_fit_both() {
        let parse = |names: &[&str]| Methods::parse(names.iter().copied()).expect("methods");
        assert!(parse(&["GET"]).overlap(&parse(&["HEAD", "POST"])));
        assert!(!parse(&["GET"]).overlap(&parse(&["POST"])));
        assert!(Methods::all().overlap(&parse(&["POST"])));
    }
}
