//! What the configs of triggers mean: requests, schedules, subscriptions to events, connections, and queues elsewhere. Pure;
//! knows neither functions nor our own queue.

pub(crate) mod event;
mod filter;
pub(crate) mod http;
mod pattern;
pub(crate) mod queue;
pub(crate) mod schedule;
mod sockets;
mod subscription;

pub(crate) use queue::QueueTrigger;
pub(crate) use schedule::Schedule;
pub(crate) use sockets::Sockets;
pub(crate) use subscription::Subscription;

use serde_json::{Map, Value};

use crate::pointer;

/// A field that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Wrong {
    /// JSON pointer to it, below what was looked at; empty for the whole.
    pub(crate) pointer: String,
    /// What is wrong, and what would be right.
    pub(crate) message: String,
}

impl Wrong {
    pub(crate) fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
        }
    }

    /// The same, seen from further up.
    fn below(self, parent: &str) -> Self {
        Self {
            pointer: format!("/{}{}", pointer::token(parent), self.pointer),
            ..self
        }
    }
}

/// Refuses names that mean nothing.
fn known(config: &Map<String, Value>, names: &[&str]) -> Result<(), Wrong> {
    let unknown = config.keys().find(|name| !names.contains(&name.as_str()));
    match unknown {
        None => Ok(()),
        Some(name) => {
            let rule = format!("`{name}` is unknown here; there are {}", names.join(", "));
            Err(Wrong::new(format!("/{}", pointer::token(name)), rule))
        }
    }
}

/// A text, if there is one.
fn optional<'a>(config: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Wrong> {
    match config.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Wrong::new(
            format!("/{name}"),
            format!("{name} must be a text"),
        )),
    }
}

/// One of several words.
fn choice<T: Copy>(
    config: &Map<String, Value>,
    name: &str,
    choices: &[(&str, T)],
) -> Result<Option<T>, Wrong> {
    let Some(word) = optional(config, name)? else {
        return Ok(None);
    };
    let found = choices.iter().find(|(known, _)| *known == word);
    let words: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
    found.map(|(_, value)| Some(*value)).ok_or_else(|| {
        Wrong::new(
            format!("/{name}"),
            format!("{name} must be {}", words.join(" or ")),
        )
    })
}
