//! Whether two versions answered the same event alike.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::invocation::Answer;

/// So many differences are kept, the newest.
const KEPT: usize = 10;
/// And so much of each answer.
const SHOWN_LEN_MAX: usize = 500;

/// What came of all comparisons.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compared {
    pub(crate) same: u64,
    pub(crate) different: u64,
    /// Calls that were not repeated, because too many were being repeated.
    pub(crate) skipped: u64,
    /// The newest first.
    pub(crate) differences: VecDeque<Difference>,
}

impl Compared {
    /// Notes a comparison.
    pub(crate) fn add(&mut self, comparison: Comparison) {
        match comparison {
            Comparison::Same => self.same += 1,
            Comparison::Different(difference) => {
                self.different += 1;
                self.differences.push_front(difference);
                self.differences.truncate(KEPT);
            }
        }
    }
}

/// What came of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Comparison {
    Same,
    Different(Difference),
}

/// Two answers that are not alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Difference {
    /// The id of the request.
    pub(crate) request_id: String,
    /// `outcome`, `statusCode` or `body`.
    pub(crate) field: &'static str,
    /// What the current version answered, up to 500 bytes of it.
    pub(crate) current: String,
    /// What the candidate answered.
    pub(crate) candidate: String,
}

impl Comparison {
    /// Compares statuses, then bodies: JSON by what it says, all else byte by byte. Headers are not looked at, because many
    /// say when and where an answer was made. An error stands in the place of an answer that there is not.
    pub(crate) fn of(
        request_id: &str,
        current: Result<&Answer, String>,
        candidate: Result<&Answer, String>,
    ) -> Self {
        let different = |field, current, candidate| {
            Self::Different(Difference {
                request_id: request_id.to_owned(),
                field,
                current,
                candidate,
            })
        };
        match (current, candidate) {
            (Ok(current), Ok(candidate)) if current.status_code != candidate.status_code => {
                let shown = |answer: &Answer| answer.status_code.to_string();
                different("statusCode", shown(current), shown(candidate))
            }
            (Ok(current), Ok(candidate)) if !is_same_body(current, candidate) => {
                different("body", shown(&current.body), shown(&candidate.body))
            }
            (Ok(_), Ok(_)) => Self::Same,
            // Two that fail, fail alike.
            (Err(_), Err(_)) => Self::Same,
            (Ok(_), Err(error)) => different("outcome", "an answer".to_owned(), error),
            (Err(error), Ok(_)) => different("outcome", error, "an answer".to_owned()),
        }
    }
}

fn is_same_body(one: &Answer, other: &Answer) -> bool {
    let json = |answer: &Answer| serde_json::from_slice::<Value>(&answer.body).ok();
    one.body_kind == other.body_kind
        && (one.body == other.body || json(one).is_some_and(|value| Some(value) == json(other)))
}

fn shown(body: &[u8]) -> String {
    let cut = &body[..body.len().min(SHOWN_LEN_MAX)];
    String::from_utf8_lossy(cut).into_owned()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use zygo_wire::data::BodyKind;

    use super::*;

    fn answer(status_code: u16, body: &'static str) -> Answer {
        Answer {
            status_code,
            headers: Vec::new(),
            body_kind: BodyKind::Json,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    fn field(one: Result<&Answer, String>, other: Result<&Answer, String>) -> Option<&'static str> {
        match Comparison::of("req-1", one, other) {
            Comparison::Same => None,
            Comparison::Different(difference) => Some(difference.field),
        }
    }

    #[test]
    fn answers_are_compared_by_what_they_say() {
        let one = answer(200, r#"{"a":1,"b":[1,2]}"#);
        let spaced = answer(200, r#"{ "b": [1, 2], "a": 1 }"#);
        assert_eq!(field(Ok(&one), Ok(&spaced)), None);
        assert_eq!(field(Ok(&one), Ok(&answer(200, "{}"))), Some("body"));
        let created = answer(201, r#"{"a":1,"b":[1,2]}"#);
        assert_eq!(field(Ok(&one), Ok(&created)), Some("statusCode"));
        let error = || Err("timeout".to_owned());
        assert_eq!(field(Ok(&one), error()), Some("outcome"));
        assert_eq!(field(error(), Ok(&one)), Some("outcome"));
        assert_eq!(field(error(), error()), None);
    }

    #[test]
    fn the_newest_differences_are_kept() {
        let mut compared = Compared::default();
        let (one, other) = (answer(200, "1"), answer(200, "2"));
        for number in 0..25 {
            compared.add(Comparison::of(
                &format!("req-{number}"),
                Ok(&one),
                Ok(&other),
            ));
        }
        compared.add(Comparison::of("req-25", Ok(&one), Ok(&one)));
        assert_eq!((compared.same, compared.different), (1, 25));
        assert_eq!(compared.differences.len(), KEPT);
        assert_eq!(compared.differences[0].request_id, "req-24");
    }
}
