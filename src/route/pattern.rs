//! What paths a trigger wants: `/users/:id`, `/users/{id}`, `/files/*`, `/files/*rest`, `/files/{rest+}`.

use super::path::{Segments, decode};

/// A pattern of more segments is refused.
const SEGMENTS_MAX: usize = 32;
const LEN_MAX: usize = 1_024;
const NAME_LEN_MAX: usize = 64;
/// What the rest is called that a wildcard without a name takes.
const UNNAMED: &str = "*";

/// A pattern of paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// As it was written.
    text: String,
    pub(super) parts: Vec<Part>,
    /// What the rest of the path is called, when it takes one.
    pub(super) rest: Option<String>,
}

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// This very text, decoded.
    Literal(String),
    /// Anything but nothing, under this name.
    Parameter(String),
}

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    /// No path.
    #[error("a path begins with a slash")]
    NoSlash,
    /// Too much of it.
    #[error("a path has at most {LEN_MAX} bytes and {SEGMENTS_MAX} segments")]
    TooLong,
    /// A wildcard before the end, or beside something.
    #[error("`{0}`: a wildcard is the whole last segment: `*`, `*name` or `{{name+}}`")]
    Wildcard(String),
    /// A parameter's name.
    #[error(
        "`{0}` is no parameter: `:name` or `{{name}}` is a whole segment; a name has letters, digits, - and _"
    )]
    Parameter(String),
    /// One name for two things.
    #[error("the name `{0}` occurs twice")]
    Twice(String),
    /// What no request's path may have either.
    #[error("`{0}`: {1}")]
    Literal(String, super::PathError),
    /// What belongs into a request and not into a path.
    #[error("`{0}`: a path has neither a query nor a fragment")]
    Query(String),
}

impl Pattern {
    /// A pattern as a user writes it.
    pub(crate) fn parse(text: &str) -> Result<Self, PatternError> {
        let rest = text.strip_prefix('/').ok_or(PatternError::NoSlash)?;
        let count = rest.split('/').count();
        if text.len() > LEN_MAX || count > SEGMENTS_MAX {
            return Err(PatternError::TooLong);
        }
        let mut pattern = Self {
            text: text.to_owned(),
            parts: Vec::with_capacity(count),
            rest: None,
        };
        for (index, segment) in rest.split('/').enumerate() {
            match wildcard(segment)? {
                Some(name) if index + 1 == count => pattern.rest = Some(name),
                Some(_) => return Err(PatternError::Wildcard(segment.to_owned())),
                None => pattern.parts.push(part(segment)?),
            }
        }
        pattern.check_names()?;
        Ok(pattern)
    }

    fn check_names(&self) -> Result<(), PatternError> {
        let mut seen = Vec::new();
        for name in self.names() {
            if seen.contains(&name) {
                return Err(PatternError::Twice(name.to_owned()));
            }
            seen.push(name);
        }
        Ok(())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let parameters = self.parts.iter().filter_map(|part| match part {
            Part::Parameter(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        });
        parameters.chain(self.rest.as_deref())
    }

    /// The pattern as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Its first segment, when that is a literal.
    pub(crate) fn first_literal(&self) -> Option<&str> {
        match self.parts.first() {
            Some(Part::Literal(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether it takes the very same paths as another, whatever the names.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let same = |(one, two): (&Part, &Part)| match (one, two) {
            (Part::Literal(one), Part::Literal(two)) => one == two,
            (Part::Parameter(_), Part::Parameter(_)) => true,
            _ => false,
        };
        self.rest.is_some() == other.rest.is_some()
            && self.parts.len() == other.parts.len()
            && self.parts.iter().zip(&other.parts).all(same)
    }

    /// What a path that it takes says under each name.
    pub(super) fn values(&self, path: &Segments) -> Vec<(String, String)> {
        let segments = path.as_slice();
        let named = self.parts.iter().zip(segments);
        let mut values: Vec<_> = named
            .filter_map(|(part, value)| match part {
                Part::Parameter(name) => Some((name.clone(), value.clone())),
                Part::Literal(_) => None,
            })
            .collect();
        if let Some(name) = &self.rest {
            let rest = segments.get(self.parts.len()..).unwrap_or_default();
            values.push((name.clone(), rest.join("/")));
        }
        values
    }
}

/// The name of a wildcard, if the segment is one.
fn wildcard(segment: &str) -> Result<Option<String>, PatternError> {
    let braced = segment
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let name = match (segment.strip_prefix('*'), braced) {
        (Some(""), _) => return Ok(Some(UNNAMED.to_owned())),
        (Some(name), _) => name,
        (None, Some(name)) => match name.strip_suffix('+').or_else(|| name.strip_prefix('*')) {
            Some(name) => name,
            None => return Ok(None),
        },
        (None, None) => return Ok(None),
    };
    match is_name(name) {
        true => Ok(Some(name.to_owned())),
        false => Err(PatternError::Wildcard(segment.to_owned())),
    }
}

fn part(segment: &str) -> Result<Part, PatternError> {
    let named = segment.strip_prefix(':');
    let braced = || segment.strip_prefix('{')?.strip_suffix('}');
    if let Some(name) = named.or_else(braced) {
        return match is_name(name) {
            true => Ok(Part::Parameter(name.to_owned())),
            false => Err(PatternError::Parameter(segment.to_owned())),
        };
    }
    if segment.contains('*') {
        return Err(PatternError::Wildcard(segment.to_owned()));
    }
    if segment.contains(['{', '}']) {
        return Err(PatternError::Parameter(segment.to_owned()));
    }
    if segment.contains(['?', '#']) {
        return Err(PatternError::Query(segment.to_owned()));
    }
    let literal =
        decode(segment).map_err(|error| PatternError::Literal(segment.to_owned(), error))?;
    Ok(Part::Literal(literal))
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !name.is_empty() && name.len() <= NAME_LEN_MAX && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_literals_parameters_and_one_wildcard_at_the_end() {
        for text in [
            "/",
            "/users",
            "/users/",
            "/users/:id",
            "/users/{id}/posts/{post}",
            "/files/*",
            "/files/*rest",
            "/files/{rest+}",
            "/files/{*rest}",
            "/*",
            "/a%20b",
            "/v1.0/x~y",
            "/a:b",
            "/@me",
        ] {
            assert!(Pattern::parse(text).is_ok(), "{text}");
        }
        for text in [
            "", "users", "/*/a", "/a*", "/:", "/{}", "/{a", "/a}", "/:a b", "/:a/:a", "/{a}/*a",
            "/a/../b", "/%2e%2e", "/%zz", "/%FF", "/a?b", "/a#b", "/**", "/{+}", "/{a}{b}", "/%00",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        assert!(Pattern::parse(&"/a".repeat(33)).is_err());
        assert!(Pattern::parse(&format!("/{}", "a".repeat(1_024))).is_err());
    }

    #[test]
    fn patterns_are_alike_whatever_the_names() {
        let alike = |one: &str, two: &str| {
            Pattern::parse(one)
                .expect(one)
                .is_like(&Pattern::parse(two).expect(two))
        };
        assert!(alike("/users/:id", "/users/{name}"));
        assert!(alike("/a/*", "/a/{rest+}"));
        assert!(alike("/a%20b", "/a b"));
        assert!(!alike("/users/:id", "/users/me"));
        assert!(!alike("/users", "/users/"));
        assert!(!alike("/a/*", "/a/:b"));
    }
}
