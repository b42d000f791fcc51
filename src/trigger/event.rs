//! Events as they are published: our own form, and CloudEvents 1.0 in structured and in binary mode. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::pattern::TYPE_LEN_MAX;
use super::{Wrong, known, optional};

/// A longer attribute is refused.
const ATTRIBUTE_LEN_MAX: usize = 1_024;
/// Where an event comes from that does not say.
const SOURCE_DEFAULT: &str = "zygo";
/// Attributes that an event must have; ours are made where they are missing.
const REQUIRED: [&str; 4] = ["specversion", "id", "source", "type"];

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) kind: String,
    /// Everything that is said of it, by the names that CloudEvents give it; `id`, `source`, `type` and `time` among it.
    pub(crate) attributes: Map<String, Value>,
    pub(crate) data: Option<Value>,
    /// Data that is no text, in base64.
    data_base64: Option<String>,
    /// Whether the publisher named it: the same id of the same source is the same event.
    pub(crate) is_named: bool,
}

impl Event {
    /// `{eventType, data, id?, source?, subject?, time?}`.
    pub(crate) fn native(body: &Map<String, Value>) -> Result<Self, Wrong> {
        known(
            body,
            &["eventType", "data", "id", "source", "subject", "time"],
        )?;
        let kind = optional(body, "eventType")?;
        let kind = kind.ok_or_else(|| {
            Wrong::new("/eventType", "eventType is missing, such as order.placed")
        })?;
        let mut attributes = Map::new();
        attributes.insert("specversion".to_owned(), "1.0".into());
        attributes.insert("type".to_owned(), kind.into());
        for name in ["id", "source", "subject", "time"] {
            if let Some(text) = optional(body, name)? {
                attributes.insert(name.to_owned(), text.into());
            }
        }
        let is_named = attributes.contains_key("id");
        if !is_named {
            let id = format!("evt-{:016x}{:08x}", fastrand::u64(..), fastrand::u32(..));
            attributes.insert("id".to_owned(), id.into());
        }
        attributes
            .entry("source")
            .or_insert_with(|| SOURCE_DEFAULT.into());
        let at = |wrong: Wrong| match wrong.pointer.as_str() {
            "/type" => Wrong::new("/eventType", wrong.message.replace("type", "eventType")),
            _ => wrong,
        };
        let event = Self::checked(attributes, body.get("data").cloned(), None).map_err(at)?;
        Ok(Self { is_named, ..event })
    }

    /// `application/cloudevents+json`.
    pub(crate) fn structured(body: &Map<String, Value>) -> Result<Self, Wrong> {
        let mut attributes = body.clone();
        let data = attributes.remove("data");
        let base64 = attributes
            .remove("data_base64")
            .filter(|data| !data.is_null());
        let base64 = match base64 {
            None => None,
            Some(Value::String(text)) if data.is_none() && BASE64.decode(&text).is_ok() => {
                Some(text)
            }
            Some(_) => {
                let rule = "data_base64 is bytes in base64, and stands in the place of data";
                return Err(Wrong::new("/data_base64", rule));
            }
        };
        attributes.retain(|_, value| !value.is_null());
        Self::checked(attributes, data, base64)
    }

    /// Attributes in headers that begin with `ce-`, the data as the body.
    pub(crate) fn binary<'a>(
        headers: impl Iterator<Item = (&'a str, &'a [u8])>,
        content_type: &str,
        body: &[u8],
    ) -> Result<Self, Wrong> {
        let mut attributes = Map::new();
        for (name, value) in headers {
            let Some(name) = name.strip_prefix("ce-") else {
                continue;
            };
            let value = decode(value);
            let value =
                value.ok_or_else(|| Wrong::new(format!("/{name}"), "the header is no text"))?;
            attributes.insert(name.to_owned(), value.into());
        }
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let is_json = kind == "application/json" || kind.ends_with("+json");
        let (data, base64) = match (body, std::str::from_utf8(body)) {
            ([], _) => (None, None),
            (body, _) if is_json => {
                let wrong = |error| Wrong::new("/data", format!("the body is not JSON: {error}"));
                (Some(serde_json::from_slice(body).map_err(wrong)?), None)
            }
            (_, Ok(text)) if kind.starts_with("text/") => (Some(text.into()), None),
            (body, _) => (None, Some(BASE64.encode(body))),
        };
        if !kind.is_empty() {
            attributes.insert("datacontenttype".to_owned(), content_type.into());
        }
        Self::checked(attributes, data, base64)
    }

    fn checked(
        mut attributes: Map<String, Value>,
        data: Option<Value>,
        data_base64: Option<String>,
    ) -> Result<Self, Wrong> {
        for name in REQUIRED {
            if !attributes.contains_key(name) {
                let rule = format!("{name} is missing: every CloudEvent has it");
                return Err(Wrong::new(format!("/{name}"), rule));
            }
        }
        for (name, value) in &attributes {
            let wrong = |rule: &str| Wrong::new(format!("/{name}"), format!("{name} {rule}"));
            check_attribute(name, value).map_err(wrong)?;
        }
        let kind = attributes["type"].as_str().unwrap_or_default().to_owned();
        attributes
            .entry("time")
            .or_insert_with(|| format!("{:.3}", Timestamp::now()).into());
        Ok(Self {
            kind,
            attributes,
            data,
            data_base64,
            is_named: true,
        })
    }

    /// An attribute that is a text.
    pub(crate) fn text(&self, name: &str) -> &str {
        let value = self.attributes.get(name).and_then(Value::as_str);
        value.unwrap_or_default()
    }

    /// As a handler gets it, for one subscription.
    pub(crate) fn payload(&self, request_id: &str, pattern: &str) -> Value {
        let mut event = json!({
            "eventType": self.kind,
            "id": self.text("id"),
            "source": self.text("source"),
            "time": self.text("time"),
            "data": self.data,
            "cloudEvent": self.attributes,
            "trigger": { "type": "event", "pattern": pattern },
            "requestId": request_id,
        });
        if let Some(data) = &self.data_base64 {
            event["dataBase64"] = data.as_str().into();
        }
        if let Some(subject) = self.attributes.get("subject") {
            event["subject"] = subject.clone();
        }
        event
    }
}

/// What is wrong with an attribute.
fn check_attribute(name: &str, value: &Value) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
        return Err("is no attribute: names have lower-case letters and digits");
    }
    let text = match value {
        Value::String(text) => text,
        Value::Bool(_) => return must_be_text(name),
        Value::Number(number) if number.is_i64() => return must_be_text(name),
        _ => return Err("must be a text, a whole number, or true or false"),
    };
    match name {
        _ if text.len() > ATTRIBUTE_LEN_MAX => Err("has at most 1024 bytes"),
        "specversion" if text != "1.0" => Err("must be 1.0"),
        "id" | "source" | "type" | "subject" if text.trim().is_empty() => Err("must not be empty"),
        "type" if text.len() > TYPE_LEN_MAX => Err("has at most 256 bytes"),
        "time" if text.parse::<Timestamp>().is_err() => {
            Err("must be a time such as 2026-11-24T09:00:00Z")
        }
        _ => Ok(()),
    }
}

fn must_be_text(name: &str) -> Result<(), &'static str> {
    let is_ours = REQUIRED.contains(&name)
        || ["subject", "time", "datacontenttype", "dataschema"].contains(&name);
    match is_ours {
        true => Err("must be a text"),
        false => Ok(()),
    }
}

/// A header's value, of which some characters may be written as `%` and two digits.
fn decode(value: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((&first, others)) = rest.split_first() {
        let digits = others.get(..2).filter(|_| first == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => {
                bytes.push(first);
                rest = others;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &Value) -> &Map<String, Value> {
        value.as_object().expect("an object")
    }

    #[test]
    fn all_three_forms_say_the_same() {
        let native = json!({ "eventType": "a.b", "id": "1", "source": "/s", "time": "2026-11-24T09:00:00Z", "data": {"x": 1} });
        let cloud = json!({ "specversion": "1.0", "type": "a.b", "id": "1", "source": "/s", "time": "2026-11-24T09:00:00Z",
            "data": {"x": 1} });
        let headers = [
            ("ce-specversion", "1.0"),
            ("ce-type", "a.b"),
            ("ce-id", "1"),
            ("ce-source", "%2Fs"),
            ("ce-time", "2026-11-24T09:00:00Z"),
            ("accept", "*/*"),
        ];
        let native = Event::native(object(&native)).expect("an event");
        let structured = Event::structured(object(&cloud)).expect("an event");
        let headers = headers
            .iter()
            .map(|(name, value)| (*name, value.as_bytes()));
        let binary = Event::binary(headers, "application/json", b"{\"x\":1}").expect("an event");
        assert_eq!(native, structured);
        assert_eq!(binary.attributes["datacontenttype"], "application/json");
        let payload = |event: &Event| {
            let mut payload = event.payload("req-1", "a.*");
            payload["cloudEvent"] = Value::Null;
            payload
        };
        assert_eq!(payload(&native), payload(&binary));
        assert_eq!(payload(&native)["data"]["x"], 1);
    }

    #[test]
    fn bytes_travel_in_base64() {
        let headers = [
            ("ce-specversion", "1.0"),
            ("ce-type", "t"),
            ("ce-id", "1"),
            ("ce-source", "s"),
        ];
        let headers = || {
            headers
                .iter()
                .map(|(name, value)| (*name, value.as_bytes()))
        };
        let event = Event::binary(headers(), "image/png", &[0, 255]).expect("an event");
        assert_eq!(event.payload("", "")["dataBase64"], "AP8=");
        let event = Event::binary(headers(), "text/plain", b"hello").expect("an event");
        assert_eq!(event.payload("", "")["data"], "hello");
        let event = Event::binary(headers(), "", b"").expect("an event");
        assert_eq!(event.payload("", "")["data"], Value::Null);
    }

    #[test]
    fn our_own_form_needs_a_type_alone() {
        let body = json!({ "eventType": "a" });
        let event = Event::native(object(&body)).expect("an event");
        assert!(!event.is_named && event.text("id").starts_with("evt-"));
        assert_eq!(event.text("source"), "zygo");
        assert!(event.text("time").parse::<Timestamp>().is_ok());
    }

    #[test]
    fn what_is_no_event_is_refused_with_its_place() {
        let good = json!({ "specversion": "1.0", "type": "a", "id": "1", "source": "s" });
        let with = |name: &str, value: Value| {
            let mut event = good.clone();
            event[name] = value;
            event
        };
        let cases = [
            (with("specversion", json!("0.3")), "/specversion"),
            (with("type", json!("")), "/type"),
            (with("type", json!(3)), "/type"),
            (with("id", Value::Null), "/id"),
            (with("source", json!(" ")), "/source"),
            (with("time", json!("yesterday")), "/time"),
            (with("subject", json!("")), "/subject"),
            (with("Upper", json!("x")), "/Upper"),
            (with("list", json!([1])), "/list"),
            (with("half", json!(0.5)), "/half"),
            (with("data_base64", json!("?")), "/data_base64"),
        ];
        for (event, pointer) in cases {
            let wrong = Event::structured(object(&event)).expect_err("no event");
            assert_eq!(wrong.pointer, pointer, "{event}");
        }
        assert!(Event::structured(object(&with("count", json!(3)))).is_ok());
        for (event, pointer) in [
            (json!({}), "/eventType"),
            (json!({ "eventType": "" }), "/eventType"),
            (json!({ "eventType": "a", "extra": 1 }), "/extra"),
            (json!({ "eventType": "a", "id": 1 }), "/id"),
        ] {
            let wrong = Event::native(object(&event)).expect_err("no event");
            assert_eq!(wrong.pointer, pointer, "{event}");
        }
    }
}
