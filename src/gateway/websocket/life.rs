//! One connection from the request that asks for it to the event that tells of its end.
//!
//! ```text
//!  connect event ─► 101 ─► session: frames ⇄ message events ─► disconnect event
//!       └─(status from 400 on)─► refused
//! ```
//! Events go through the same gate and the same pools as every invocation, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use http::request::Parts as Head;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::{self, Parts};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::server::TlsStream;

use super::events::{self, Ending, Happened};
use super::session::{Session, Wire};
use crate::function::{Function, Version};
use crate::gateway::places::Place;
use crate::gateway::status::invoke_row;
use crate::gateway::traffic::Watched;
use crate::invocation::{Invocation, Outcome};
use crate::platform::Platform;
use crate::rollout::Stickiness;
use crate::trace::Trace;
use crate::websocket::{Closing, Connection, Held, Message};

/// From this status on, a handler's answer is a refusal.
pub(super) const REFUSED: u16 = 400;

/// What all events of a connection need to know.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) platform: Arc<Platform>,
    pub(super) function: Arc<Function>,
    /// The number of a version, or an alias; the current version when it is absent.
    pub(super) qualifier: Option<String>,
    pub(super) connection: Arc<Connection>,
    /// The host that the client asked.
    pub(super) domain: String,
}

/// What came of the first event.
pub(super) type Told = oneshot::Sender<Result<(Arc<Version>, Outcome), Closing>>;

/// What came of a message.
#[derive(Debug, Default)]
pub(super) struct Handled {
    pub(super) reply: Option<Message>,
    /// Set when there is nobody any more who could handle another.
    pub(super) closing: Option<Closing>,
}

/// Lives the whole life of a connection. Runs as a task of its own: whoever connected may be gone before the handler has
/// answered, and then hears of the end all the same.
pub(super) async fn live(
    life: Arc<Life>,
    held: Held,
    head: Head,
    trace: Trace,
    upgrade: OnUpgrade,
    told: Told,
) {
    if !Box::pin(connect(&life, head, trace, told)).await {
        return;
    }
    let (ending, rest, place) = match upgrade.await {
        Ok(upgraded) => talk(&life, upgraded).await,
        Err(_) => (Ending::lost(), VecDeque::new(), None),
    };
    // From now on, nobody can send it anything.
    drop(held);
    Box::pin(async {
        for message in rest {
            handle(Arc::clone(&life), message).await;
        }
        disconnect(&life, &ending).await;
    })
    .await;
    drop(place);
}

/// How a connection ended, the messages that nobody has handled yet, and its place among all connections.
type Talked = (Ending, VecDeque<Message>, Option<Place>);

/// Speaks frames over what was a request's connection, encrypted or not.
async fn talk(life: &Arc<Life>, upgraded: Upgraded) -> Talked {
    let upgraded = match upgrade::downcast::<TokioIo<Watched<TcpStream>>>(upgraded) {
        Ok(parts) => return converse(life, parts).await,
        Err(upgraded) => upgraded,
    };
    match upgrade::downcast::<TokioIo<Watched<TlsStream<TcpStream>>>>(upgraded) {
        // Beside the other, it would make the task of every connection larger.
        Ok(parts) => Box::pin(converse(life, parts)).await,
        Err(_) => (Ending::lost(), VecDeque::new(), None),
    }
}

async fn converse<S: Wire>(life: &Arc<Life>, parts: Parts<TokioIo<Watched<S>>>) -> Talked {
    let Parts { io, read_buf, .. } = parts;
    let mut stream = io.into_inner();
    // Its place is free when the last event is over: until then the platform waits for it.
    let place = stream.place.take();
    // By value: a buffer of the request's would otherwise stay as long as the connection.
    let session = Session::new(Arc::clone(life), stream, read_buf).await;
    let (ending, rest) = session.run().await;
    (ending, rest, place)
}

impl Life {
    /// Runs an event, on the version that is meant now.
    async fn invoke(&self, invocation: &Invocation) -> Result<(Arc<Version>, Outcome), Closing> {
        let platform = &self.platform;
        if platform.registry().get(self.function.id()).is_none() {
            return Err(Closing::FUNCTION_GONE);
        }
        // A connection stays with one version, as long as there are two.
        let keyed = |_: Option<&Stickiness>| Some(self.connection.id.to_string());
        let version = match &self.qualifier {
            None => self.function.choose(&keyed),
            Some(qualifier) => {
                let version = platform
                    .deployer()
                    .qualified(&self.function, qualifier, &keyed)
                    .await;
                Some(version.map_err(|_| Closing::VERSION_GONE)?)
            }
        };
        let meant = version
            .as_ref()
            .map_or_else(|| self.function.current(), Arc::clone);
        if meant.manifest().sockets().is_none() {
            return Err(Closing::NO_TRIGGER);
        }
        let (version, outcome) = platform.invoke(&self.function, version, invocation).await;
        self.connection.handled_by(version.number());
        Ok((version, outcome))
    }

    /// What a client is told whose message was not handled. What a handler says of its failure is not for clients.
    fn failure(&self, invocation: &Invocation, code: &str, message: &str) -> Message {
        let told = json!({
            "message": message,
            "code": code,
            "connectionId": &*self.connection.id,
            "requestId": &*invocation.request_id,
        });
        Message::Text(told.to_string().into())
    }
}

/// Asks the function. Returns whether it takes the connection.
async fn connect(life: &Life, head: Head, trace: Trace, told: Told) -> bool {
    let invocation = events::invocation(life, Happened::Connected(&head), trace);
    let asked = life.invoke(&invocation).await;
    let mut is_taken = false;
    if let Ok((version, outcome)) = &asked
        && let Ok(answer) = &outcome.result
        && answer.status_code < REFUSED
    {
        is_taken = true;
        // There is nobody yet to whom its body could go back.
        life.platform.say(version, &invocation, answer);
    }
    // Who is gone is not told; the end of the connection comes right after.
    let _ = told.send(asked);
    is_taken
}

/// Runs a message's event.
pub(super) async fn handle(life: Arc<Life>, message: Message) -> Handled {
    let trace = life.platform.tracer().begin(None);
    let invocation = events::invocation(&life, Happened::Said(&message), trace);
    drop(message);
    let (version, outcome) = match life.invoke(&invocation).await {
        Ok(invoked) => invoked,
        Err(closing) => {
            return Handled {
                closing: Some(closing),
                ..Handled::default()
            };
        }
    };
    let reply = match &outcome.result {
        Ok(answer) => {
            let reply = life.platform.say(&version, &invocation, answer);
            match answer.status_code {
                status if status < REFUSED => reply,
                status => {
                    let message = format!("the handler answered {status}");
                    Some(life.failure(&invocation, "handler_refused", &message))
                }
            }
        }
        Err(error) => {
            let (_, code, title) = invoke_row(error);
            Some(life.failure(&invocation, code, title))
        }
    };
    Handled {
        reply,
        closing: None,
    }
}

async fn disconnect(life: &Life, ending: &Ending) {
    let trace = life.platform.tracer().begin(None);
    let invocation = events::invocation(life, Happened::Left(ending), trace);
    if let Ok((version, outcome)) = life.invoke(&invocation).await
        && let Ok(answer) = &outcome.result
    {
        life.platform.say(&version, &invocation, answer);
    }
}
