//! A function's subscription to events: types by pattern, data by filter, and what keeps events in order. Pure.

use serde_json::{Map, Value};

use super::event::Event;
use super::filter::Filter;
use super::pattern::Pattern;
use super::{Wrong, known, optional};

/// A longer value of an ordering key is cut.
const KEY_LEN_MAX: usize = 256;

/// The config of a trigger of the type `event`.
#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    /// As it was written.
    pub(crate) written: String,
    pattern: Pattern,
    filter: Option<Filter>,
    /// Names of fields, from the event inwards, that lead to the ordering key.
    ordering: Option<Vec<String>>,
}

impl Subscription {
    pub(crate) fn parse(config: &Map<String, Value>) -> Result<Self, Wrong> {
        known(config, &["pattern", "eventType", "filter", "orderingKey"])?;
        let (name, written) = match (optional(config, "pattern")?, optional(config, "eventType")?) {
            (Some(_), Some(_)) => {
                return Err(Wrong::new(
                    "/eventType",
                    "pattern and eventType say the same; give one",
                ));
            }
            (Some(written), None) => ("pattern", written),
            (None, Some(written)) => ("eventType", written),
            (None, None) => {
                return Err(Wrong::new(
                    "/eventType",
                    "eventType is missing, such as order.*",
                ));
            }
        };
        let filter = config.get("filter").filter(|filter| !filter.is_null());
        let filter = filter.map(Filter::parse).transpose();
        let ordering = optional(config, "orderingKey")?.map(path).transpose();
        Ok(Self {
            written: written.to_owned(),
            pattern: Pattern::parse(written).map_err(|wrong| wrong.below(name))?,
            filter: filter.map_err(|wrong| wrong.below("filter"))?,
            ordering: ordering.map_err(|wrong| wrong.below("orderingKey"))?,
        })
    }

    pub(crate) fn matches(&self, event: &Event) -> bool {
        let data = event.data.as_ref().unwrap_or(&Value::Null);
        let has = |filter: &Filter| filter.matches(data);
        self.pattern.matches(&event.kind) && self.filter.as_ref().is_none_or(has)
    }

    /// What an event is kept in order by; empty when that is nothing.
    pub(crate) fn ordering_key(&self, event: &Event) -> String {
        let Some(path) = &self.ordering else {
            return String::new();
        };
        let value = match path.split_first() {
            Some((first, rest)) if first == "data" => {
                let data = event.data.as_ref();
                data.and_then(|data| rest.iter().try_fold(data, |value, name| value.get(name)))
            }
            Some((first, _)) => event.attributes.get(first),
            None => None,
        };
        let key = match value {
            None | Some(Value::Null) => return String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        key.chars().take(KEY_LEN_MAX).collect()
    }
}

fn path(text: &str) -> Result<Vec<String>, Wrong> {
    let parts: Vec<String> = text.split('.').map(str::to_owned).collect();
    let is_attribute = parts.len() == 1 && ["subject", "source", "type"].contains(&text);
    let is_data = parts[0] == "data" && parts.len() > 1 && !parts.iter().any(String::is_empty);
    match is_attribute || is_data {
        true => Ok(parts),
        false => Err(Wrong::new(
            "",
            "orderingKey is subject, source, or a field such as data.orderId",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn subscription(config: Value) -> Result<Subscription, Wrong> {
        Subscription::parse(config.as_object().expect("an object"))
    }

    fn event(data: Value) -> Event {
        let event = json!({ "eventType": "order.placed", "subject": "s-1", "data": data });
        Event::native(event.as_object().expect("an object")).expect("an event")
    }

    #[test]
    fn an_event_is_meant_by_type_and_data() {
        let config =
            json!({ "eventType": "order.*", "filter": { "total": [{ "numeric": [">", 10] }] } });
        let subscription = subscription(config).expect("a subscription");
        assert!(subscription.matches(&event(json!({ "total": 11 }))));
        assert!(!subscription.matches(&event(json!({ "total": 9 }))));
        assert_eq!(subscription.ordering_key(&event(json!({}))), "");
    }

    #[test]
    fn the_ordering_key_is_found_where_it_is_said_to_be() {
        let key = |ordering: &str, data: Value| {
            let config = json!({ "pattern": "**", "orderingKey": ordering });
            subscription(config)
                .expect("a subscription")
                .ordering_key(&event(data))
        };
        assert_eq!(
            key("data.order.id", json!({ "order": { "id": "o-1" } })),
            "o-1"
        );
        assert_eq!(key("data.order.id", json!({ "order": { "id": 7 } })), "7");
        assert_eq!(key("data.order.id", json!({ "order": 7 })), "");
        assert_eq!(key("subject", json!(null)), "s-1");
        assert_eq!(key("type", json!(null)), "order.placed");
        assert_eq!(key("source", json!(null)), "zygo");
    }

    #[test]
    fn what_is_no_subscription_is_refused_with_its_place() {
        let cases = [
            (json!({}), "/eventType"),
            (json!({ "eventType": 1 }), "/eventType"),
            (json!({ "eventType": "a..b" }), "/eventType"),
            (json!({ "eventType": "a", "pattern": "b" }), "/eventType"),
            (json!({ "pattern": "a", "filters": {} }), "/filters"),
            (
                json!({ "pattern": "a", "filter": { "x": [{ "like": 1 }] } }),
                "/filter/x/0",
            ),
            (
                json!({ "pattern": "a", "orderingKey": "id" }),
                "/orderingKey",
            ),
        ];
        for (config, pointer) in cases {
            let wrong = subscription(config.clone()).expect_err("no subscription");
            assert_eq!(wrong.pointer, pointer, "{config}");
        }
    }
}
