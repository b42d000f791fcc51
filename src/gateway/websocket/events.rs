//! What happens to a connection, as events of its function: `connect`, `message`, `disconnect`. Pure.
//!
//! A message is the event's body, and `data.message` as well where both fit into one packet; else `data.messageInBody` is
//! true. Bytes are base64, and `isBase64Encoded` says so.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::request::Parts;
use serde::Serialize;
use zygo_wire::clock;
use zygo_wire::data::{BODY_INLINE_LEN_MAX, BodyKind};
use zygo_wire::socket::PACKET_LEN_MAX;

use super::life::Life;
use crate::gateway::request::{Headers, Query};
use crate::invocation::{Invocation, Trigger, new_request_id};
use crate::time::now_unix_ms;
use crate::trace::Trace;
use crate::websocket::Message;

/// What an event and a body beside it may have together; the rest of the packet is for what stands around them.
const ROOM: usize = PACKET_LEN_MAX - 8 * 1024;

/// How a connection ended.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    /// RFC 6455 §7.4: 1005 without a code, 1006 without a close frame.
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Ending {
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        Self {
            code,
            reason: reason.into(),
        }
    }

    /// Without a word.
    pub(super) fn lost() -> Self {
        Self::new(1006, "")
    }
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub(super) enum Happened<'a> {
    Connected(&'a Parts),
    Said(&'a Message),
    Left(&'a Ending),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    event: &'static str,
    data: Data<'a>,
    request_context: Context<'a>,
    request_id: &'a str,
    is_base64_encoded: bool,
    #[serde(flatten)]
    head: Option<Head<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    connection_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    message_in_body: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_base64_encoded: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// As handlers know it that were written for another platform.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    route_key: &'static str,
    event_type: &'static str,
    connection_id: &'a str,
    connected_at: i64,
    request_time_epoch: i64,
    request_id: &'a str,
    api_id: &'a str,
    domain_name: &'a str,
    stage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_direction: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disconnect_reason: Option<&'a str>,
    identity: Identity,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    source_ip: Option<String>,
}

/// What only the first request has.
#[derive(Serialize)]
struct Head<'a> {
    method: &'a str,
    path: &'a str,
    headers: Headers<'a>,
    query: Query<'a>,
}

/// The invocation that an event is.
pub(super) fn invocation(life: &Life, happened: Happened<'_>, trace: Trace) -> Invocation {
    let request_id = match happened {
        Happened::Connected(head) => crate::gateway::request::request_id(&head.headers),
        _ => new_request_id().into(),
    };
    let text = match happened {
        Happened::Said(Message::Text(text)) => Some(Cow::Borrowed(text.as_str())),
        Happened::Said(Message::Binary(bytes)) => Some(Cow::Owned(BASE64.encode(bytes))),
        _ => None,
    };
    let event = event(life, happened, &request_id, text.as_deref());
    let body = match happened {
        Happened::Said(Message::Text(text)) => Bytes::from(text.clone()),
        _ => Bytes::from(text.map_or_else(String::new, Cow::into_owned)),
    };
    Invocation {
        request_id,
        event: event.into(),
        body_kind: match happened {
            Happened::Said(_) => BodyKind::Text,
            _ => BodyKind::None,
        },
        body,
        received_ns: clock::monotonic_ns(),
        trigger: Trigger::Websocket,
        trace,
    }
}

fn event(life: &Life, happened: Happened<'_>, request_id: &str, text: Option<&str>) -> Vec<u8> {
    let is_binary = matches!(happened, Happened::Said(Message::Binary(_)));
    let (event, head, ending) = match happened {
        Happened::Connected(head) => ("connect", Some(head), None),
        Happened::Said(_) => ("message", None, None),
        Happened::Left(ending) => ("disconnect", None, Some(ending)),
    };
    let mut event = Event {
        event,
        data: Data {
            connection_id: &life.connection.id,
            message: text,
            message_in_body: false,
            is_base64_encoded: is_binary,
            code: ending.map(|ending| ending.code),
            reason: ending.map(|ending| ending.reason.as_str()),
        },
        request_context: context(life, happened, request_id),
        request_id,
        is_base64_encoded: is_binary,
        head: head.map(|head| Head {
            method: head.method.as_str(),
            path: head.uri.path(),
            headers: Headers(&head.headers),
            query: Query(&head.uri),
        }),
    };
    // Made of texts and numbers alone, it can be written.
    let json = serde_json::to_vec(&event).unwrap_or_default();
    let inline = text.map_or(0, str::len);
    let inline = if inline > BODY_INLINE_LEN_MAX {
        0
    } else {
        inline
    };
    if text.is_none() || json.len() + inline <= ROOM {
        return json;
    }
    (event.data.message, event.data.message_in_body) = (None, true);
    serde_json::to_vec(&event).unwrap_or_default()
}

fn context<'a>(life: &'a Life, happened: Happened<'a>, request_id: &'a str) -> Context<'a> {
    let (route_key, event_type) = match happened {
        Happened::Connected(_) => ("$connect", "CONNECT"),
        Happened::Said(_) => ("$default", "MESSAGE"),
        Happened::Left(_) => ("$disconnect", "DISCONNECT"),
    };
    let is_message = matches!(happened, Happened::Said(_));
    let ending = match happened {
        Happened::Left(ending) => Some(ending),
        _ => None,
    };
    Context {
        route_key,
        event_type,
        connection_id: &life.connection.id,
        connected_at: life.connection.connected_unix_ms,
        request_time_epoch: now_unix_ms(),
        request_id,
        api_id: life.function.id(),
        domain_name: &life.domain,
        stage: "$default",
        message_id: is_message.then_some(request_id),
        message_direction: is_message.then_some("IN"),
        disconnect_status_code: ending.map(|ending| ending.code),
        disconnect_reason: ending.map(|ending| ending.reason.as_str()),
        identity: Identity {
            source_ip: life.connection.remote.map(|remote| remote.to_string()),
        },
    }
}
