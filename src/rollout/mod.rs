//! A part of a function's calls on another version, the candidate: which calls, how it does there, and when that is over.
//!
//! ```text
//!  Running ──(the candidate does worse than is allowed)──► RolledBack
//!     ├─(promoted: it becomes current)─► gone
//!     └─(ended, or the function moves)─► gone
//! ```
//! Pure: what a caller sends and what came of a call are passed in. Knows neither HTTP nor processes.

mod comparison;
mod guard;
mod split;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use comparison::{Compared, Comparison, Difference};
pub(crate) use guard::{Ended, Guard, Sides, Tally};
pub(crate) use split::{Keyed, Split, Stickiness};

/// What a user asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RolloutSettings)]
pub(crate) struct Settings {
    /// The candidate: the number of a version that is not current.
    #[schema(minimum = 1)]
    pub(crate) version: u32,
    /// So many calls of a hundred that name no version go to it.
    #[schema(minimum = 0, maximum = 100)]
    pub(crate) percent: f64,
    /// What keeps a caller with one of the two versions; chance decides about calls without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stickiness: Option<Stickiness>,
    /// Of the calls that the current version answers, so many of a hundred are repeated on the candidate once they are
    /// answered, and the answers are compared; 0 when absent. What the handler does, it does twice.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(minimum = 0, maximum = 100)]
    pub(crate) shadow_percent: f64,
    /// When the candidate is taken back by itself; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rollback: Option<Guard>,
}

/// A part of the calls of an alias that goes to another version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AliasSplit)]
pub(crate) struct Portion {
    /// The number of the other version.
    #[schema(minimum = 1)]
    pub(crate) version: u32,
    /// So many calls of a hundred go to it.
    #[schema(minimum = 0, maximum = 100)]
    pub(crate) percent: f64,
    /// What keeps a caller with one of the two versions; chance decides about calls without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stickiness: Option<Stickiness>,
}

impl Portion {
    /// Whether it can be used.
    pub(crate) fn check(&self) -> Result<(), Wrong> {
        check_percent("/split/percent", self.percent)?;
        let stickiness = self.stickiness.as_ref().map_or(Ok(()), Stickiness::check);
        stickiness.map_err(|Wrong { rule, .. }| Wrong {
            pointer: "/split/stickiness",
            rule,
        })
    }

    /// Which calls the other version gets.
    pub(crate) fn split(&self) -> Split<'_> {
        Split {
            percent: self.percent,
            stickiness: self.stickiness.as_ref(),
        }
    }
}

/// A field that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// JSON pointer.
    pub(crate) pointer: &'static str,
    pub(crate) rule: String,
}

impl Settings {
    /// Which calls the candidate gets.
    pub(crate) fn split(&self) -> Split<'_> {
        Split {
            percent: self.percent,
            stickiness: self.stickiness.as_ref(),
        }
    }

    /// Whether they can be used.
    pub(crate) fn check(&self) -> Result<(), Wrong> {
        check_percent("/percent", self.percent)?;
        check_percent("/shadowPercent", self.shadow_percent)?;
        if let Some(stickiness) = &self.stickiness {
            stickiness.check()?;
        }
        self.rollback.as_ref().map_or(Ok(()), Guard::check)
    }
}

fn check_percent(pointer: &'static str, percent: f64) -> Result<(), Wrong> {
    match (0.0..=100.0).contains(&percent) {
        true => Ok(()),
        false => Err(wrong(pointer, "must be a number from 0 to 100")),
    }
}

fn wrong(pointer: &'static str, rule: &str) -> Wrong {
    Wrong {
        pointer,
        rule: rule.to_owned(),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(value: &f64) -> bool {
    *value == 0.0
}
