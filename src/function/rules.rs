//! What each setting of a function may be. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::manifest::{ManifestError, Trigger, TriggerKind};
use crate::pointer;
use crate::pool::Isolation;
use crate::secret::Secret;
use crate::time::now_unix_ms;
use crate::trigger::http::HttpTrigger;
use crate::trigger::queue::Address;
use crate::trigger::{QueueTrigger, Schedule, Sockets, Subscription, Wrong};

/// What names of the platform's own variables begin with.
const RESERVED_VARIABLES: [&str; 4] = ["ZYGO_", "AWS_LAMBDA_", "LAMBDA_TASK_", "_HANDLER"];

/// A name is also a part of addresses and of folders, and must not be taken for an id.
pub(super) fn check_name(name: &str) -> Result<(), ManifestError> {
    const LEN_MAX: usize = 64;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if name.is_empty() || name.len() > LEN_MAX || !name.bytes().all(allowed) {
        let rule = format!("a name has 1 to {LEN_MAX} of the characters a-z, A-Z, 0-9, - and _");
        return Err(ManifestError::new("/name", rule));
    }
    if name.starts_with("fn-") {
        return Err(ManifestError::new(
            "/name",
            "names that begin with fn- are kept for ids",
        ));
    }
    Ok(())
}

pub(super) fn check_handler(handler: &str) -> Result<(), ManifestError> {
    const LEN_MAX: usize = 128;
    let allowed = |character: char| character.is_alphanumeric() || "._-/:$?!".contains(character);
    if handler.is_empty() || handler.len() > LEN_MAX || !handler.chars().all(allowed) {
        let rule = "a handler is `file.function` or `function`, at most 128 characters";
        return Err(ManifestError::new("/handler", rule));
    }
    Ok(())
}

pub(super) fn in_range(
    pointer: &str,
    value: u64,
    min: u64,
    max: u64,
    unit: &str,
) -> Result<(), ManifestError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(ManifestError::new(
        pointer,
        format!("{value} is not between {min} and {max} ({unit})"),
    ))
}

pub(super) fn check_variables(
    pointer: &str,
    variables: &BTreeMap<String, Secret>,
) -> Result<(), ManifestError> {
    const TOTAL_LEN_MAX: usize = 64 * 1024;
    let mut total = 0;
    for (name, value) in variables {
        let value = value.expose();
        total += name.len() + value.len();
        let begins_well =
            name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !begins_well || !name.bytes().all(allowed) {
            let rule = "a variable's name has letters, digits and _, and begins with no digit";
            return Err(ManifestError::new(
                format!("{pointer}/{}", pointer::token(name)),
                rule,
            ));
        }
        if RESERVED_VARIABLES.iter().any(|kept| name.starts_with(kept)) {
            return Err(ManifestError::new(
                format!("{pointer}/{name}"),
                format!(
                    "names that begin with {} are kept for the platform",
                    RESERVED_VARIABLES.join(", ")
                ),
            ));
        }
        if value.contains('\0') {
            return Err(ManifestError::new(
                format!("{pointer}/{name}"),
                "a value cannot contain NUL",
            ));
        }
    }
    if total > TOTAL_LEN_MAX {
        let rule =
            format!("names and values have {total} bytes; at most {TOTAL_LEN_MAX} are possible");
        return Err(ManifestError::new(pointer, rule));
    }
    Ok(())
}

pub(super) fn check_triggers(
    triggers: &[Trigger],
    secrets: &BTreeMap<String, Secret>,
) -> Result<(), ManifestError> {
    const COUNT_MAX: usize = 100;
    const CONFIG_LEN_MAX: usize = 4 * 1024;
    if triggers.len() > COUNT_MAX {
        let rule = format!("a function has at most {COUNT_MAX} triggers");
        return Err(ManifestError::new("/triggers", rule));
    }
    let is_long = |trigger: &Trigger| {
        let text = serde_json::to_string(&trigger.config).unwrap_or_default();
        text.len() > CONFIG_LEN_MAX
    };
    if let Some(index) = triggers.iter().position(is_long) {
        return Err(ManifestError::new(
            format!("/triggers/{index}/config"),
            format!("a trigger's config has at most {CONFIG_LEN_MAX} bytes"),
        ));
    }
    for (index, trigger) in triggers.iter().enumerate() {
        let checked = match trigger.kind {
            TriggerKind::Cron => Schedule::parse(&trigger.config)
                .and_then(|schedule| schedule.check_ticks(now_unix_ms()))
                .map(drop),
            TriggerKind::Event => Subscription::parse(&trigger.config).map(drop),
            TriggerKind::Http => HttpTrigger::parse(&trigger.config).map(drop),
            TriggerKind::Websocket => Sockets::parse(&trigger.config).map(drop),
            TriggerKind::Queue => check_queue(&trigger.config, secrets),
        };
        checked
            .map_err(|wrong| ManifestError::below(&format!("/triggers/{index}/config"), wrong))?;
    }
    Ok(())
}

/// An address in a secret is checked as any other, and told to nobody.
fn check_queue(
    config: &Map<String, Value>,
    secrets: &BTreeMap<String, Secret>,
) -> Result<(), Wrong> {
    let trigger = QueueTrigger::parse(config)?;
    let Address::Secret(name) = &trigger.address else {
        return Ok(());
    };
    let secret = secrets.get(name).ok_or_else(|| {
        let rule = "urlSecret is the name of one of this function's secrets";
        Wrong::new("/urlSecret", rule)
    })?;
    let wrong = |rule| Wrong::new("/urlSecret", format!("the secret {name} {rule}"));
    trigger.broker.check_url(secret.expose()).map_err(wrong)
}

/// A process that is killed after each invocation cannot have others in it.
pub(super) fn check_concurrency(
    concurrency: u32,
    isolation: Isolation,
) -> Result<(), ManifestError> {
    const MAX: u64 = 1_000;
    const POINTER: &str = "/concurrency";
    in_range(POINTER, u64::from(concurrency), 1, MAX, "invocations")?;
    if concurrency > 1 && isolation == Isolation::Request {
        let rule = "the isolation `request` gives every invocation a process of its own; leave concurrency at 1, or \
                    set isolation to `instance`";
        return Err(ManifestError::new(POINTER, rule));
    }
    Ok(())
}
