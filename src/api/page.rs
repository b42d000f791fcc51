//! Pages of lists: `?limit&cursor`.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::gateway::problem::RequestError;

/// Items of a page that asks for no number.
const LIMIT_DEFAULT: usize = 100;
/// The most items of a page.
const LIMIT_MAX: usize = 1_000;

/// The items of a page, of which one more was asked for than it may hold, and the cursor of the next page.
pub(super) fn cut<T>(
    mut found: Vec<T>,
    limit: usize,
    cursor: impl FnOnce(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(cursor);
    (found, next)
}

/// How many items, as the caller says it.
pub(super) fn limit(asked: Option<usize>) -> Result<usize, RequestError> {
    let limit = asked.unwrap_or(LIMIT_DEFAULT);
    if (1..=LIMIT_MAX).contains(&limit) {
        return Ok(limit);
    }
    let rule = format!("limit must be between 1 and {LIMIT_MAX}");
    Err(RequestError::malformed("/query/limit", rule))
}

/// Which part of a list that is sorted by name.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// The most items of the page.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
    /// What the page before gave as `nextCursor`.
    pub(super) cursor: Option<String>,
}

impl Page {
    /// How many items.
    pub(super) fn limit(&self) -> Result<usize, RequestError> {
        limit(self.limit)
    }
}

/// Which part of a list that is sorted from the newest down.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Newest {
    /// The most items of the page.
    #[param(minimum = 1, maximum = 1_000, default = 100)]
    limit: Option<usize>,
    /// What the page before gave as `nextCursor`.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

impl Newest {
    pub(super) fn new(limit: Option<usize>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// How many items.
    pub(super) fn limit(&self) -> Result<usize, RequestError> {
        limit(self.limit)
    }

    /// Every item before this one.
    pub(super) fn before(&self) -> Result<Option<i64>, RequestError> {
        let parse = |cursor: &String| {
            let rule = "cursor must be the nextCursor of the page before";
            cursor
                .parse()
                .map_err(|_| RequestError::malformed("/query/cursor", rule))
        };
        self.cursor.as_ref().map(parse).transpose()
    }
}
