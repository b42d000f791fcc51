//! Filters on the data of events, a part of what EventBridge has: a field's value is one of a list of values and
//! conditions, and all fields that are named must be so. Pure.
//!
//! ```json
//! {"status": ["paid", {"prefix": "pre"}], "amount": [{"numeric": [">", 0, "<=", 100]}], "note": [{"exists": false}],
//!  "customer": {"country": [{"anything-but": ["AQ"]}]}}
//! ```

use std::cmp::Ordering;

use serde_json::{Map, Value};

use super::Wrong;

/// Fields in fields in fields.
const DEPTH_MAX: usize = 8;

/// What the data must be like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter {
    fields: Vec<(String, Field)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Field {
    /// An object of which this holds.
    Inside(Filter),
    /// A value of which one of these holds.
    AnyOf(Vec<Condition>),
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Is(Value),
    Prefix(String),
    Suffix(String),
    IgnoreCase(String),
    Numeric(Vec<(Comparison, f64)>),
    Exists(bool),
    /// None of these.
    AnythingBut(Vec<Condition>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
}

const COMPARISONS: [(&str, Comparison); 5] = [
    ("<", Comparison::Less),
    ("<=", Comparison::AtMost),
    ("=", Comparison::Equal),
    (">=", Comparison::AtLeast),
    (">", Comparison::Greater),
];

impl Filter {
    pub(crate) fn parse(value: &Value) -> Result<Self, Wrong> {
        let rule = "a filter is an object: fields, each with a list of values";
        match value {
            Value::Object(fields) => Self::of(fields, DEPTH_MAX),
            _ => Err(Wrong::new("", rule)),
        }
    }

    fn of(fields: &Map<String, Value>, depth: usize) -> Result<Self, Wrong> {
        if depth == 0 {
            return Err(Wrong::new("", "a filter is at most 8 fields deep"));
        }
        let field = |(name, value): (&String, &Value)| {
            let field = match value {
                Value::Object(inside) => Self::of(inside, depth - 1).map(Field::Inside),
                Value::Array(all) => conditions(all).map(Field::AnyOf),
                // One value, where a list of one is meant.
                value => condition(value).map(|one| Field::AnyOf(vec![one])),
            };
            Ok((name.clone(), field.map_err(|wrong| wrong.below(name))?))
        };
        let fields = fields.iter().map(field).collect::<Result<_, _>>()?;
        Ok(Self { fields })
    }

    /// Whether data is like that.
    pub(crate) fn matches(&self, data: &Value) -> bool {
        self.fields.iter().all(|(name, field)| {
            let value = data.as_object().and_then(|fields| fields.get(name));
            match field {
                Field::Inside(filter) => filter.matches(value.unwrap_or(&Value::Null)),
                Field::AnyOf(conditions) => conditions.iter().any(|one| one.holds(value)),
            }
        })
    }
}

fn conditions(values: &[Value]) -> Result<Vec<Condition>, Wrong> {
    if values.is_empty() {
        return Err(Wrong::new("", "an empty list can never be met"));
    }
    let parse = |(index, value): (usize, &Value)| {
        condition(value).map_err(|wrong| wrong.below(&index.to_string()))
    };
    values.iter().enumerate().map(parse).collect()
}

fn condition(value: &Value) -> Result<Condition, Wrong> {
    let object = match value {
        Value::Object(object) => object,
        Value::Array(_) => return Err(Wrong::new("", "a list stands in no list")),
        plain => return Ok(Condition::Is(plain.clone())),
    };
    let rule =
        "a condition is one of prefix, suffix, equals-ignore-case, numeric, exists, anything-but";
    let mut members = object.iter();
    let (Some((name, value)), None) = (members.next(), members.next()) else {
        return Err(Wrong::new("", rule));
    };
    let text = || {
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| Wrong::new("", format!("{name} takes a text")))
    };
    let condition = match name.as_str() {
        "prefix" => text().map(Condition::Prefix),
        "suffix" => text().map(Condition::Suffix),
        "equals-ignore-case" => text().map(|text| Condition::IgnoreCase(text.to_lowercase())),
        "numeric" => numeric(value).map(Condition::Numeric),
        "exists" => value
            .as_bool()
            .map(Condition::Exists)
            .ok_or_else(|| Wrong::new("", "exists takes true or false")),
        "anything-but" => match value {
            Value::Array(all) => conditions(all).map(Condition::AnythingBut),
            one => condition(one).map(|one| Condition::AnythingBut(vec![one])),
        },
        _ => return Err(Wrong::new("", rule)),
    };
    condition.map_err(|wrong| wrong.below(name))
}

/// One comparison or two, of which both hold.
fn numeric(value: &Value) -> Result<Vec<(Comparison, f64)>, Wrong> {
    let rule = "numeric takes a list such as [\">\", 0] or [\">\", 0, \"<=\", 100]";
    let wrong = || Wrong::new("", rule);
    let parts = value.as_array().ok_or_else(wrong)?;
    if !matches!(parts.len(), 2 | 4) {
        return Err(wrong());
    }
    let pair = |pair: &[Value]| {
        let sign = COMPARISONS.iter().find(|(sign, _)| pair[0] == *sign);
        let (_, comparison) = sign.ok_or_else(wrong)?;
        Ok((*comparison, pair[1].as_f64().ok_or_else(wrong)?))
    };
    parts.chunks_exact(2).map(pair).collect()
}

impl Condition {
    /// A list meets a condition when one of its values does.
    fn holds(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::Exists(exists), value) => value.is_some() == *exists,
            (_, None) => false,
            (Self::AnythingBut(not), Some(Value::Array(all))) => all
                .iter()
                .all(|one| !not.iter().any(|condition| condition.holds(Some(one)))),
            (Self::AnythingBut(not), value) => !not.iter().any(|condition| condition.holds(value)),
            (_, Some(Value::Array(all))) => all.iter().any(|one| self.is_met_by(one)),
            (_, Some(value)) => self.is_met_by(value),
        }
    }

    fn is_met_by(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self {
            Self::Is(expected) => is_same(expected, value),
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix)),
            Self::IgnoreCase(lower) => text.is_some_and(|text| text.to_lowercase() == *lower),
            Self::Numeric(all) => value
                .as_f64()
                .is_some_and(|number| all.iter().all(|one| compare(*one, number))),
            Self::Exists(exists) => *exists,
            Self::AnythingBut(_) => self.holds(Some(value)),
        }
    }
}

/// 1 and 1.0 are the same number.
fn is_same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right) == Ordering::Equal,
        _ => left == right,
    }
}

fn compare((comparison, bound): (Comparison, f64), number: f64) -> bool {
    let order = number.partial_cmp(&bound);
    order.is_some_and(|order| match comparison {
        Comparison::Less => order == Ordering::Less,
        Comparison::AtMost => order != Ordering::Greater,
        Comparison::Equal => order == Ordering::Equal,
        Comparison::AtLeast => order != Ordering::Less,
        Comparison::Greater => order == Ordering::Greater,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn holds(filter: Value, data: Value) -> bool {
        Filter::parse(&filter).expect("a filter").matches(&data)
    }

    #[test]
    fn fields_are_all_met_and_values_are_any_of() {
        let cases = [
            (json!({}), json!({"a": 1}), true),
            (json!({}), json!(null), true),
            (json!({"a": [1, 2]}), json!({"a": 2}), true),
            (json!({"a": 1}), json!({"a": 1.0}), true),
            (json!({"a": [1]}), json!({"a": 2}), false),
            (json!({"a": [1]}), json!({}), false),
            (
                json!({"a": ["x"], "b": [true]}),
                json!({"a": "x", "b": true}),
                true,
            ),
            (
                json!({"a": ["x"], "b": [true]}),
                json!({"a": "x", "b": false}),
                false,
            ),
            (json!({"a": [null]}), json!({"a": null}), true),
            (json!({"a": [null]}), json!({}), false),
            (json!({"a": {"b": ["x"]}}), json!({"a": {"b": "x"}}), true),
            (json!({"a": {"b": ["x"]}}), json!({"a": "x"}), false),
        ];
        for (filter, data, expected) in cases {
            assert_eq!(
                holds(filter.clone(), data.clone()),
                expected,
                "{filter} {data}"
            );
        }
    }

    #[test]
    fn conditions_are_met_by_what_they_say() {
        let cases = [
            (
                json!({"a": [{"prefix": "eu-"}]}),
                json!({"a": "eu-west"}),
                true,
            ),
            (json!({"a": [{"prefix": "eu-"}]}), json!({"a": 3}), false),
            (
                json!({"a": [{"suffix": ".png"}]}),
                json!({"a": "x.png"}),
                true,
            ),
            (
                json!({"a": [{"equals-ignore-case": "YES"}]}),
                json!({"a": "yes"}),
                true,
            ),
            (
                json!({"a": [{"numeric": [">", 0, "<=", 100]}]}),
                json!({"a": 100}),
                true,
            ),
            (
                json!({"a": [{"numeric": [">", 0, "<=", 100]}]}),
                json!({"a": 0}),
                false,
            ),
            (
                json!({"a": [{"numeric": ["=", 3]}]}),
                json!({"a": "3"}),
                false,
            ),
            (json!({"a": [{"exists": true}]}), json!({"a": null}), true),
            (json!({"a": [{"exists": false}]}), json!({"b": 1}), true),
            (json!({"a": [{"exists": false}]}), json!({"a": 1}), false),
            (json!({"a": {"b": [{"exists": false}]}}), json!({}), true),
            (
                json!({"a": [{"anything-but": ["x", "y"]}]}),
                json!({"a": "z"}),
                true,
            ),
            (
                json!({"a": [{"anything-but": ["x", "y"]}]}),
                json!({"a": "y"}),
                false,
            ),
            (json!({"a": [{"anything-but": "x"}]}), json!({}), false),
            (
                json!({"a": [{"anything-but": {"prefix": "t"}}]}),
                json!({"a": "test"}),
                false,
            ),
            (json!({"a": ["x"]}), json!({"a": ["w", "x"]}), true),
            (
                json!({"a": [{"anything-but": ["x"]}]}),
                json!({"a": ["w", "x"]}),
                false,
            ),
        ];
        for (filter, data, expected) in cases {
            assert_eq!(
                holds(filter.clone(), data.clone()),
                expected,
                "{filter} {data}"
            );
        }
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_place() {
        let cases = [
            (json!([]), ""),
            (json!({"a": []}), "/a"),
            (json!({"a": [[1]]}), "/a/0"),
            (json!({"a": [1, {"like": "x"}]}), "/a/1"),
            (json!({"a": [{"prefix": 1}]}), "/a/0/prefix"),
            (json!({"a": [{"prefix": "x", "suffix": "y"}]}), "/a/0"),
            (json!({"a/b": [{"exists": 1}]}), "/a~1b/0/exists"),
            (json!({"a": [{"numeric": [">"]}]}), "/a/0/numeric"),
            (json!({"a": [{"numeric": ["!", 1]}]}), "/a/0/numeric"),
            (
                json!({"a": {"b": [{"anything-but": []}]}}),
                "/a/b/0/anything-but",
            ),
        ];
        for (filter, pointer) in cases {
            let wrong = Filter::parse(&filter).expect_err("no filter");
            assert_eq!(wrong.pointer, pointer, "{filter}");
        }
    }

    fn scalar() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-5_i64..5).prop_map(Value::from),
            "[ab]{0,2}".prop_map(Value::from),
        ]
    }

    proptest! {
        #[test]
        fn a_value_meets_itself_and_not_its_opposite(value in scalar(), other in scalar()) {
            let data = json!({ "a": value });
            let is = json!({ "a": [other] });
            let is_not = json!({ "a": [{ "anything-but": [other] }] });
            let itself = holds(json!({ "a": [value] }), data.clone());
            prop_assert!(itself);
            prop_assert_ne!(holds(is, data.clone()), holds(is_not, data));
        }

        #[test]
        fn numbers_lie_on_one_side(number in -100_i32..100, bound in -100_i32..100) {
            let data = json!({ "a": number });
            let meets = |sign: &str| holds(json!({ "a": [{ "numeric": [sign, bound] }] }), data.clone());
            prop_assert_eq!(meets("<"), number < bound);
            prop_assert_eq!(meets("<="), !meets(">"));
            prop_assert_eq!(meets(">="), !meets("<"));
            prop_assert_eq!(meets("="), number == bound);
        }
    }
}
