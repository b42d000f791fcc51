//! Patterns for JSON, so that expectations can be data. An object matches when its members do and may have more; the
//! rest must be equal, except where an operator says otherwise:
//!
//! | operator | matches |
//! |---|---|
//! | `{"$in": {"typescript": p, "python": p, "ruby": p}}` | what the language's own pattern matches |
//! | `{"$contains": p}` | a text that contains the text, or an array with an element that matches |
//! | `{"$type": "number"}` | any value of the type |
//! | `{"$between": [low, high]}` | a number from low to high |
//! | `{"$not": p}` / `{"$all": [p, …]}` | what the pattern does not match / what all match |
//! | `{"$first": p}` / `{"$each": p}` | an array whose first element, or every one, matches |
//! | `{"$exact": v}` | an object with these members and no others |
//! | `{"$absent": true}` | nothing: the member must be missing |

use serde_json::{Map, Value};

use crate::language::Language;

/// Why a value does not match, with its place.
pub(crate) type Mismatch = String;

/// Matches a value against a pattern.
pub(crate) fn matches(
    language: Language,
    pattern: &Value,
    value: Option<&Value>,
) -> Result<(), Mismatch> {
    if let Some((operator, operand)) = operator(pattern) {
        return apply(language, operator, operand, value);
    }
    let Some(value) = value else {
        return Err(format!(": missing, not {pattern}"));
    };
    match (pattern, value) {
        (Value::Object(members), Value::Object(found)) => match_members(language, members, found),
        (Value::Array(patterns), Value::Array(values)) if patterns.len() == values.len() => {
            let mut pairs = patterns.iter().zip(values).enumerate();
            pairs.try_for_each(|(index, (pattern, value))| {
                matches(language, pattern, Some(value)).map_err(|why| format!("/{index}{why}"))
            })
        }
        _ => require(are_equal(pattern, value), value, pattern),
    }
}

fn match_members(
    language: Language,
    members: &Map<String, Value>,
    found: &Map<String, Value>,
) -> Result<(), Mismatch> {
    members.iter().try_for_each(|(name, pattern)| {
        matches(language, pattern, found.get(name)).map_err(|why| format!("/{name}{why}"))
    })
}

fn operator(pattern: &Value) -> Option<(&str, &Value)> {
    let members = pattern.as_object().filter(|members| members.len() == 1)?;
    let (name, operand) = members.iter().next()?;
    Some((name.strip_prefix('$')?, operand))
}

fn apply(
    language: Language,
    operator: &str,
    operand: &Value,
    value: Option<&Value>,
) -> Result<(), Mismatch> {
    if operator == "absent" {
        return require(value.is_none(), value.unwrap_or(&Value::Null), operand);
    }
    let value = value.ok_or_else(|| format!(": missing, not ${operator} {operand}"))?;
    let holds = |pattern: &Value, value: &Value| matches(language, pattern, Some(value));
    match operator {
        "in" => holds(&operand[language.name()], value),
        "contains" => require(contains(&holds, operand, value), value, operand),
        "type" => require(type_of(value) == operand, value, operand),
        "between" => require(is_between(operand, value), value, operand),
        "not" => require(holds(operand, value).is_err(), value, operand),
        "all" => elements(operand)
            .iter()
            .try_for_each(|pattern| holds(pattern, value)),
        "first" => holds(operand, &value[0]),
        "each" => elements(value)
            .iter()
            .try_for_each(|one| holds(operand, one)),
        "exact" => require(operand == value, value, operand),
        other => panic!("there is no operator ${other}"),
    }
}

fn contains(
    holds: &impl Fn(&Value, &Value) -> Result<(), Mismatch>,
    operand: &Value,
    value: &Value,
) -> bool {
    match (value, operand) {
        (Value::String(text), Value::String(part)) => text.contains(part),
        (Value::Array(values), _) => values.iter().any(|one| holds(operand, one).is_ok()),
        _ => false,
    }
}

fn is_between(range: &Value, value: &Value) -> bool {
    let [low, high] = [&range[0], &range[1]].map(|end| end.as_f64().expect("two numbers"));
    value
        .as_f64()
        .is_some_and(|value| low <= value && value <= high)
}

fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// 1 and 1.0 are the same number in JSON.
fn are_equal(pattern: &Value, value: &Value) -> bool {
    match (pattern.as_f64(), value.as_f64()) {
        (Some(pattern), Some(value)) => pattern == value,
        _ => pattern == value,
    }
}

fn require(holds: bool, value: &Value, pattern: &Value) -> Result<(), Mismatch> {
    if holds {
        Ok(())
    } else {
        Err(format!(": {value} where {pattern} was expected"))
    }
}

#[test]
fn patterns_match_what_they_say() {
    use serde_json::json;
    let value = json!({"a": 1, "list": ["x", "yz"], "text": "hello"});
    let good = [
        json!({"a": 1.0}),
        json!({"list": {"$contains": "yz"}, "text": {"$contains": "ell"}}),
        json!({"b": {"$absent": true}, "list": {"$first": "x"}}),
        json!({"a": {"$in": {"typescript": 2, "python": 1, "ruby": 2}}}),
        json!({"a": {"$not": 2}, "list": {"$each": {"$type": "string"}}}),
    ];
    let bad = [
        json!({"a": 2}),
        json!({"list": {"$contains": "y"}}),
        json!({"a": {"$absent": true}}),
        json!({"a": {"$not": 1}}),
        json!({"b": {"$type": "number"}}),
        json!({"list": ["x"]}),
        json!({"$exact": {"a": 1}}),
    ];
    let holds = |pattern: &Value| matches(Language::Python, pattern, Some(&value));
    for pattern in &good {
        assert_eq!(holds(pattern), Ok(()), "{pattern}");
    }
    for pattern in &bad {
        assert!(holds(pattern).is_err(), "{pattern}");
    }
}
