//! A message of any server, and the event that a handler gets of it. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value};

use crate::time::rfc3339;
use crate::trigger::event::Event;

/// What was read of a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// What its server calls it; unique in its stream, or as its publisher named it.
    pub(crate) id: String,
    pub(crate) data: Data,
    pub(crate) headers: Map<String, Value>,
    /// The subject, or the routing key, that it was sent with.
    pub(crate) subject: Option<String>,
    /// The type that its publisher gave it.
    pub(crate) kind: Option<String>,
    pub(crate) unix_ms: Option<i64>,
    /// How often its server had delivered it before.
    pub(crate) earlier: u32,
}

/// What a message holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    Bytes(Vec<u8>),
    /// Names and values, of which none is the data by name.
    Fields(Map<String, Value>),
}

impl Message {
    /// The event as handlers get it, except for what changes with each attempt. `trigger` says where it comes from.
    pub(crate) fn event(&self, trigger: &Value, request_id: &str) -> Value {
        let (data, base64) = match &self.data {
            Data::Fields(fields) => (Value::Object(fields.clone()), None),
            Data::Bytes(bytes) => decode(bytes),
        };
        let mut event = trigger.as_object().cloned().unwrap_or_default();
        event.remove("type");
        event.insert("trigger".to_owned(), trigger.clone());
        event.insert("id".to_owned(), self.id.as_str().into());
        let published = data.as_object().and_then(|data| Event::native(data).ok());
        let (kind, data) = match published {
            // An event in our own form is what was meant to be published.
            Some(published) => (Some(published.kind), published.data.unwrap_or_default()),
            None => (self.kind.clone(), data),
        };
        event.insert("eventType".to_owned(), kind.into());
        event.insert("data".to_owned(), data);
        if let Some(base64) = base64 {
            event.insert("dataBase64".to_owned(), base64.into());
        }
        event.insert("headers".to_owned(), Value::Object(self.headers.clone()));
        if let Some(subject) = &self.subject {
            event.insert("subject".to_owned(), subject.as_str().into());
        }
        let time = self.unix_ms.map(rfc3339);
        event.insert("timestamp".to_owned(), time.into());
        event.insert("requestId".to_owned(), request_id.into());
        Value::Object(event)
    }

    /// How many bytes it has, about.
    pub(crate) fn len(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + size(value))
            .sum();
        headers
            + match &self.data {
                Data::Bytes(bytes) => bytes.len(),
                Data::Fields(fields) => fields
                    .iter()
                    .map(|(name, value)| name.len() + size(value))
                    .sum(),
            }
    }

    /// The place in a trace that its publisher put it into.
    pub(crate) fn traceparent(&self) -> &str {
        let header = self.headers.get("traceparent").and_then(Value::as_str);
        header.unwrap_or_default()
    }
}

fn size(value: &Value) -> usize {
    value.as_str().map_or(8, str::len)
}

/// JSON where it is JSON, else text, else bytes in base64.
fn decode(bytes: &[u8]) -> (Value, Option<String>) {
    match (serde_json::from_slice(bytes), std::str::from_utf8(bytes)) {
        (Ok(json), _) => (json, None),
        (Err(_), Ok(text)) => (text.into(), None),
        (Err(_), Err(_)) => (Value::Null, Some(BASE64.encode(bytes))),
    }
}

/// A value that may be no text.
pub(super) fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => BASE64.encode(bytes).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(bytes: &[u8]) -> Message {
        Message {
            id: "7-0".to_owned(),
            data: Data::Bytes(bytes.to_vec()),
            headers: Map::new(),
            subject: None,
            kind: None,
            unix_ms: Some(0),
            earlier: 0,
        }
    }

    #[test]
    fn data_is_json_or_text_or_bytes() {
        let trigger = json!({ "type": "queue", "source": "redis", "stream": "s", "group": "g" });
        let event = |bytes: &[u8]| message(bytes).event(&trigger, "req-1");
        let json = event(b"{\"a\":[1]}");
        assert_eq!(
            (&json["data"], &json["source"], &json["stream"]),
            (&json!({ "a": [1] }), &json!("redis"), &json!("s"))
        );
        assert_eq!(json["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(
            (&json["eventType"], &json["trigger"]),
            (&Value::Null, &trigger)
        );
        assert_eq!(event(b"{broken")["data"], "{broken");
        assert_eq!(event(b"12")["data"], 12);
        assert_eq!(event(b"")["data"], "");
        let bytes = event(&[0xff, 0]);
        assert_eq!(
            (&bytes["data"], &bytes["dataBase64"]),
            (&Value::Null, &json!("/wA="))
        );
    }

    #[test]
    fn an_event_in_our_own_form_is_that_event() {
        let event =
            message(b"{\"eventType\":\"order.placed\",\"data\":{\"id\":1}}").event(&json!({}), "");
        assert_eq!(
            (&event["eventType"], &event["data"]),
            (&json!("order.placed"), &json!({ "id": 1 }))
        );
        let other = message(b"{\"eventType\":\"order.placed\",\"total\":1}").event(&json!({}), "");
        assert_eq!(other["data"]["total"], 1);
        let typed = Message {
            kind: Some("t".to_owned()),
            ..message(b"1")
        };
        assert_eq!(typed.event(&json!({}), "")["eventType"], "t");
    }

    #[test]
    fn fields_are_data_where_none_is() {
        let fields = json!({ "a": "1" }).as_object().cloned().expect("an object");
        let message = Message {
            data: Data::Fields(fields),
            ..message(b"")
        };
        assert_eq!(message.event(&json!({}), "")["data"], json!({ "a": "1" }));
        assert_eq!(message.len(), 2);
    }
}
