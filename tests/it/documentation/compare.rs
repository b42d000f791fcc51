//! Whether an output is the one that a page shows. Pure.

use std::mem::discriminant;

use serde_json::Value;

use super::page::Shown;

/// What stands for anything.
const ANYTHING: char = '…';

/// Whether what was printed is what is shown.
pub(super) fn is_shown(shown: &Shown, text: &str, said: &str) -> bool {
    if !shown.is_json {
        return is_like(text, said);
    }
    let vary: Vec<&str> = shown.vary.iter().map(String::as_str).collect();
    match (serde_json::from_str(text), serde_json::from_str(said)) {
        (Ok(text), Ok(said)) => holds(&text, &said, &vary),
        _ => false,
    }
}

/// Whether a text is the shown one, where `…` stands for anything and white space at ends of lines for nothing.
fn is_like(shown: &str, said: &str) -> bool {
    let (shown, said) = (plain(shown), plain(said));
    let mut parts = shown.split(ANYTHING);
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = said.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

fn plain(text: &str) -> String {
    let lines = text.trim().lines().map(str::trim_end);
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether JSON holds all that is shown: objects may have more members. Those that vary are of the same kind.
fn holds(shown: &Value, said: &Value, vary: &[&str]) -> bool {
    match (shown, said) {
        (Value::Object(shown), Value::Object(said)) => shown.iter().all(|(name, value)| {
            let said = said.get(name);
            said.is_some_and(|said| match vary.contains(&name.as_str()) {
                true => discriminant(value) == discriminant(said),
                false => holds(value, said, vary),
            })
        }),
        (Value::Array(shown), Value::Array(said)) => {
            let mut pairs = shown.iter().zip(said);
            shown.len() == said.len() && pairs.all(|(shown, said)| holds(shown, said, vary))
        }
        (Value::String(shown), Value::String(said)) => is_like(shown, said),
        (shown, said) => shown == said,
    }
}

#[test]
fn texts_are_compared_around_what_is_left_open() {
    for (shown, said, is_same) in [
        ("a\n", "a", true),
        ("a", "b", false),
        ("a…", "a", true),
        ("…b…d", "a b c d", true),
        ("…b…d", "a d c b", false),
        ("a…a", "a", false),
        ("a  \nb", "a\nb\n\n", true),
        ("", "", true),
        ("", "a", false),
    ] {
        assert_eq!(is_like(shown, said), is_same, "{shown} {said}");
    }
}

#[test]
fn json_holds_what_is_shown() {
    use serde_json::json;
    let said = json!({"id": "req-1", "ms": 1.5, "list": [1, {"a": null}]});
    for (shown, is_same) in [
        (json!({"id": "req-…"}), true),
        (json!({"id": "fn-…"}), false),
        (json!({"ms": 99}), true),
        (json!({"ms": "99"}), false),
        (json!({"list": [1, {}]}), true),
        (json!({"list": [1]}), false),
        (json!({"other": 1}), false),
    ] {
        assert_eq!(holds(&shown, &said, &["ms"]), is_same, "{shown}");
    }
}
