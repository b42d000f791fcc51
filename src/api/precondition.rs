//! `ETag` and `If-Match`: a caller who changes what another has changed meanwhile is told so. A function's tag is the
//! number of its changes.

use axum::response::AppendHeaders;
use http::{HeaderMap, HeaderName, header};

use crate::function::Function;
use crate::gateway::problem::RequestError;

/// The function's tag, for a response.
pub(super) fn etag(function: &Function) -> AppendHeaders<[(HeaderName, String); 1]> {
    AppendHeaders([(header::ETAG, format!("\"{}\"", function.generation()))])
}

/// The tag that the caller expects; `None` for a caller who does not care.
pub(super) fn expected(headers: &HeaderMap) -> Result<Option<i64>, RequestError> {
    let Some(value) = headers.get(header::IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let generation = tag.and_then(|tag| tag.parse().ok());
    let rule = "If-Match must be the ETag of the function, such as \"3\", or *";
    generation
        .map(Some)
        .ok_or_else(|| RequestError::malformed("/headers/If-Match", rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tags_that_we_give_are_taken() {
        let headers = |tag: &'static str| {
            HeaderMap::from_iter([(header::IF_MATCH, http::HeaderValue::from_static(tag))])
        };
        assert_eq!(expected(&HeaderMap::new()).expect("no tag"), None);
        assert_eq!(expected(&headers("*")).expect("any"), None);
        assert_eq!(expected(&headers("\"7\"")).expect("a tag"), Some(7));
        for wrong in ["7", "\"x\"", "W/\"7\"", "\"1\", \"2\""] {
            assert!(expected(&headers(wrong)).is_err(), "{wrong}");
        }
    }
}
