//! The rules of the platform and of every function. Fields that are set for the platform override the defaults, those of
//! a function override both. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::rules::{RuleError, Rules};

/// The shortest window, unless evaluations are further apart.
const WINDOW_MS_MIN: u64 = 1_000;

/// What is set once a change was applied to what was set before.
fn changed(set: &Map<String, Value>, change: &Map<String, Value>) -> Map<String, Value> {
    let mut set = set.clone();
    for (name, value) in change {
        match (value, set.get_mut(name)) {
            (Value::Null, _) => {
                set.remove(name);
            }
            (Value::Object(change), Some(Value::Object(fields))) => {
                let fields = changed(fields, change);
                set.insert(name.clone(), fields.into());
            }
            (Value::Object(change), _) => {
                set.insert(name.clone(), changed(&Map::new(), change).into());
            }
            (value, _) => {
                set.insert(name.clone(), value.clone());
            }
        }
    }
    set.retain(|_, value| value.as_object().is_none_or(|fields| !fields.is_empty()));
    set
}

/// Fields that were set, and the rules that they make.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Chapter {
    pub(crate) set: Map<String, Value>,
    pub(crate) rules: Rules,
}

/// The rules of the platform and of every function.
#[derive(Debug)]
pub(super) struct RuleBook {
    window_ms_min: u64,
    platform: Chapter,
    functions: HashMap<Arc<str>, Chapter>,
}

impl RuleBook {
    /// The defaults. Windows that are shorter than the time between evaluations make no sense.
    pub(super) fn new(interval_ms: u64) -> Self {
        Self {
            window_ms_min: interval_ms.max(WINDOW_MS_MIN),
            platform: Chapter::default(),
            functions: HashMap::new(),
        }
    }

    /// Of a function, or of the platform.
    pub(super) fn chapter(&self, function: Option<&str>) -> Chapter {
        let own = function.and_then(|id| self.functions.get(id));
        match (function, own) {
            (_, Some(chapter)) => chapter.clone(),
            (None, None) => self.platform.clone(),
            (Some(_), None) => Chapter {
                set: Map::new(),
                rules: self.platform.rules,
            },
        }
    }

    /// What holds for a function.
    pub(super) fn rules(&self, function: &str) -> Rules {
        let own = self.functions.get(function);
        own.unwrap_or(&self.platform).rules
    }

    /// What would be set after a change, checked.
    pub(super) fn draft(
        &self,
        function: Option<&str>,
        change: &Map<String, Value>,
    ) -> Result<Map<String, Value>, RuleError> {
        let is_fields = |value: &Value| value.is_object() || value.is_null();
        if let Some((name, _)) = change.iter().find(|(_, value)| !is_fields(value)) {
            let rule = "a rule is an object with fields such as enabled";
            return Err(RuleError::new(format!("/{name}"), rule));
        }
        // Checked as it came, because fields that are no rule's must not be lost in silence.
        Rules::of(&[change])?.check(self.window_ms_min)?;
        Ok(changed(&self.chapter(function).set, change))
    }

    /// Takes over what is set now, for a function or the platform; nothing set is the same as never set.
    pub(super) fn set(
        &mut self,
        function: Option<&str>,
        set: Map<String, Value>,
    ) -> Result<(), RuleError> {
        let Some(id) = function else {
            let rules = Rules::of(&[&set])?;
            self.platform = Chapter { set, rules };
            let platform = &self.platform.set;
            for chapter in self.functions.values_mut() {
                chapter.rules = Rules::of(&[platform, &chapter.set])?;
            }
            return Ok(());
        };
        if set.is_empty() {
            self.functions.remove(id);
            return Ok(());
        }
        let rules = Rules::of(&[&self.platform.set, &set])?;
        self.functions.insert(id.into(), Chapter { set, rules });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(json: &Value) -> Map<String, Value> {
        json.as_object().expect("an object").clone()
    }

    #[test]
    fn a_function_overrides_only_what_it_sets_and_follows_the_platform_in_all_else() {
        let mut book = RuleBook::new(15_000);
        let own = book.draft(
            Some("fn-1"),
            &fields(&json!({"errorRate": {"thresholdPercent": 50}})),
        );
        book.set(Some("fn-1"), own.expect("good")).expect("set");
        let change = json!({"errorRate": {"minInvocations": 3, "thresholdPercent": 7}});
        let platform = book.draft(None, &fields(&change)).expect("good");
        book.set(None, platform).expect("set");
        let rule = book.rules("fn-1").error_rate;
        assert!((rule.threshold_percent - 50.0).abs() < 1e-9);
        assert_eq!((rule.min_invocations, rule.window_ms), (3, 300_000));
        assert!((book.rules("fn-2").error_rate.threshold_percent - 7.0).abs() < 1e-9);
        let nothing = book.draft(
            Some("fn-1"),
            &fields(&json!({"errorRate": {"thresholdPercent": null}})),
        );
        book.set(Some("fn-1"), nothing.expect("good")).expect("set");
        assert_eq!(book.rules("fn-1"), book.rules("fn-2"));
        assert!(book.chapter(Some("fn-1")).set.is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place() {
        let book = RuleBook::new(15_000);
        for (change, pointer) in [
            (json!({"errorRates": {}}), "/errorRates"),
            (json!({"errorRate": 5}), "/errorRate"),
            (
                json!({"errorRate": {"threshold": 5}}),
                "/errorRate/threshold",
            ),
            (
                json!({"errorRate": {"enabled": "no"}}),
                "/errorRate/enabled",
            ),
            (
                json!({"errorRate": {"thresholdPercent": 101}}),
                "/errorRate/thresholdPercent",
            ),
            (
                json!({"coldStartRate": {"minInvocations": 0}}),
                "/coldStartRate/minInvocations",
            ),
            (
                json!({"p95Duration": {"thresholdMs": -1}}),
                "/p95Duration/thresholdMs",
            ),
            (
                json!({"p95Duration": {"windowMs": 14_999}}),
                "/p95Duration/windowMs",
            ),
            (
                json!({"costAnomaly": {"windowMs": 3_600_001}}),
                "/costAnomaly/windowMs",
            ),
            (
                json!({"costAnomaly": {"factor": 0.5}}),
                "/costAnomaly/factor",
            ),
            (
                json!({"costAnomaly": {"floorUsd": -0.1}}),
                "/costAnomaly/floorUsd",
            ),
        ] {
            let refused = book.draft(None, &fields(&change)).expect_err("refused");
            assert_eq!(refused.pointer, pointer, "{change}: {refused}");
        }
    }
}
