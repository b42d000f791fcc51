//! What a handler's answer says to connections: what goes back to the one that it answers, and what goes to others. Pure.
//!
//! A body goes back as it is. A body that is a JSON object with a member `pushes` is meant for the platform:
//! `{"pushes": [{"connectionId": "ws-…", "data": "…"}], "body": "…"}`. `"*"` stands for all connections of the function;
//! `isBase64Encoded` beside `data` or `body` makes bytes of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use zygo_wire::data::BodyKind;

use super::outbox::Message;
use crate::invocation::Answer;

/// Whom a handler sends something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum To {
    /// The connection of this id.
    One(String),
    /// All connections of the function.
    All,
}

/// Something that a handler sends to a connection that did not ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Push {
    pub(crate) to: To,
    pub(crate) message: Message,
}

/// What an answer says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) pushes: Vec<Push>,
    pub(crate) reply: Option<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    pushes: Vec<WrittenPush>,
    #[serde(default)]
    body: Option<Box<RawValue>>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenPush {
    connection_id: String,
    data: Box<RawValue>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Reads an answer.
///
/// # Errors
/// What is wrong with its `pushes`.
pub(crate) fn said(answer: &Answer) -> Result<Said, String> {
    let body = &answer.body;
    let reply = match answer.body_kind {
        BodyKind::None => None,
        BodyKind::Binary => Some(Message::Binary(body.clone())),
        BodyKind::Text => utf8(body.clone()).map(Message::Text),
        BodyKind::Json if has_pushes(body) => return pushed(body),
        BodyKind::Json => from_json(body.clone()),
    };
    let reply = reply.filter(|message| message.len() > 0);
    Ok(Said {
        pushes: Vec::new(),
        reply,
    })
}

/// Whether it is an object with that member; most answers need not be parsed to know that.
fn has_pushes(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Member {
        pushes: Option<serde::de::IgnoredAny>,
    }
    const NAME: &[u8] = b"\"pushes\"";
    body.trim_ascii_start().first() == Some(&b'{')
        && body.windows(NAME.len()).any(|window| window == NAME)
        && serde_json::from_slice::<Member>(body).is_ok_and(|member| member.pushes.is_some())
}

fn pushed(body: &[u8]) -> Result<Said, String> {
    let written: Written = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let push = |push: WrittenPush| {
        Ok::<_, String>(Push {
            to: match push.connection_id.as_str() {
                "*" => To::All,
                _ => To::One(push.connection_id),
            },
            message: message(&push.data, push.is_base64_encoded)?.ok_or("`data` is missing")?,
        })
    };
    let reply = match &written.body {
        Some(body) => message(body, written.is_base64_encoded)?,
        None => None,
    };
    Ok(Said {
        pushes: written
            .pushes
            .into_iter()
            .map(push)
            .collect::<Result<_, _>>()?,
        reply: reply.filter(|message| message.len() > 0),
    })
}

fn message(data: &RawValue, is_base64: bool) -> Result<Option<Message>, String> {
    let message = from_json(Bytes::copy_from_slice(data.get().as_bytes()));
    match message {
        Some(Message::Text(text)) if is_base64 => {
            let bytes = BASE64.decode(text.as_str());
            let bytes = bytes.map_err(|_| "isBase64Encoded stands beside what is no base64")?;
            Ok(Some(Message::Binary(bytes.into())))
        }
        message => Ok(message),
    }
}

/// A text as itself, anything else as JSON; `null` is nothing.
fn from_json(json: Bytes) -> Option<Message> {
    match json.trim_ascii() {
        b"null" | b"" => None,
        [b'"', ..] => {
            let text: String = serde_json::from_slice(&json).ok()?;
            Some(Message::Text(text.into()))
        }
        _ => utf8(json).map(Message::Text),
    }
}

fn utf8(bytes: Bytes) -> Option<Utf8Bytes> {
    Utf8Bytes::try_from(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body_kind: BodyKind, body: &str) -> Answer {
        Answer {
            status_code: 200,
            headers: Vec::new(),
            body_kind,
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn a_body_goes_back_as_it_is() {
        let text = |text: &str| Some(Message::Text(text.into()));
        let cases = [
            (BodyKind::None, "", None),
            (BodyKind::Text, "hello", text("hello")),
            (BodyKind::Text, "", None),
            (BodyKind::Json, "\"hel\\u006co\"", text("hello")),
            (BodyKind::Json, "null", None),
            (BodyKind::Json, "{\"a\": 1}", text("{\"a\": 1}")),
            (
                BodyKind::Json,
                "{\"a\": \"pushes\"}",
                text("{\"a\": \"pushes\"}"),
            ),
            (BodyKind::Binary, "x", Some(Message::Binary("x".into()))),
        ];
        for (kind, body, reply) in cases {
            let said = said(&answer(kind, body)).expect("an answer");
            assert_eq!((said.pushes.len(), said.reply), (0, reply), "{body}");
        }
    }

    #[test]
    fn pushes_are_for_others() {
        let body = r#"{"pushes": [{"connectionId": "ws-1", "data": "hi"}, {"connectionId": "*", "data": {"a": 1}},
            {"connectionId": "ws-2", "data": "AAE=", "isBase64Encoded": true}], "body": "sent"}"#;
        let said = said(&answer(BodyKind::Json, body)).expect("an answer");
        let message = |index: usize| said.pushes[index].message.clone();
        assert_eq!(said.pushes[0].to, To::One("ws-1".into()));
        assert_eq!(said.pushes[1].to, To::All);
        assert_eq!(message(0), Message::Text("hi".into()));
        assert_eq!(message(1), Message::Text("{\"a\": 1}".into()));
        assert_eq!(message(2), Message::Binary(vec![0, 1].into()));
        assert_eq!(said.reply, Some(Message::Text("sent".into())));
    }

    #[test]
    fn pushes_that_are_none_are_told_of() {
        for body in [
            r#"{"pushes": 1}"#,
            r#"{"pushes": [{"connectionId": "ws-1"}]}"#,
            r#"{"pushes": [{"connectionId": "ws-1", "data": null}]}"#,
            r#"{"pushes": [{"connectionId": "ws-1", "data": "é", "isBase64Encoded": true}]}"#,
        ] {
            assert!(said(&answer(BodyKind::Json, body)).is_err(), "{body}");
        }
    }
}
