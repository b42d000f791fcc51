//! One connection to a server of any kind: to read from until it is lost, and to acknowledge what was read, then or over a
//! later one.

use std::time::Duration;

use tokio::sync::watch;

use super::intake::Intake;
use super::{Reach, Settings, SourceError, nats, rabbit, redis};
use crate::trigger::queue::Broker;

/// How long a connection may take, all that is agreed on at its beginning included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a server may take to answer.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a message waits to be acknowledged while there is no connection.
const ACK_PATIENCE: Duration = Duration::from_secs(20);
/// How often a server is told that a message is still in hand; well below what each of them bears.
pub(super) const KEEP_INTERVAL: Duration = Duration::from_secs(5);
/// A message that its server has heard nothing of for so long is in nobody's hands.
pub(super) const IDLE_MAX: Duration = Duration::from_secs(15);

/// A connection that is read.
pub(super) enum Session {
    Redis(redis::Session),
    Nats(Box<nats::Session>),
    Rabbit(rabbit::Session),
}

/// A connection that acknowledgements go over; of what came over another one, too, where the server allows that.
#[derive(Clone)]
pub(super) enum Wire {
    Redis(redis::Wire),
    Nats(nats::Wire),
    /// A message is acknowledged over the connection that it came over.
    Rabbit,
}

/// What acknowledges a message.
#[derive(Debug)]
pub(super) enum Receipt {
    Redis(String),
    Nats(async_nats::Subject),
    Rabbit(Box<lapin::message::Delivery>),
}

/// What a server is told of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// It was handled.
    Done,
    /// It is still in hand.
    Kept,
    /// It is tried once more.
    Again,
    /// Someone else may have it.
    Back,
}

impl Session {
    pub(super) async fn connect(settings: &Settings, reach: &Reach) -> Result<Self, SourceError> {
        let connect = async {
            Ok(match settings.trigger.broker {
                Broker::Redis => Self::Redis(redis::Session::connect(settings, reach).await?),
                Broker::Nats => Self::Nats(nats::Session::connect(settings, reach).await?.into()),
                Broker::Rabbit => Self::Rabbit(rabbit::Session::connect(settings, reach).await?),
            })
        };
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connect).await;
        connected.unwrap_or(Err(SourceError::Late))
    }

    pub(super) fn wire(&self) -> Wire {
        match self {
            Self::Redis(session) => Wire::Redis(session.wire()),
            Self::Nats(session) => Wire::Nats(session.wire()),
            Self::Rabbit(_) => Wire::Rabbit,
        }
    }

    /// Gives messages to the intake until the connection is lost, and says why it was.
    pub(super) async fn read(&mut self, intake: &Intake) -> SourceError {
        let read = match self {
            Self::Redis(session) => session.read(intake).await,
            Self::Nats(session) => session.read(intake).await,
            Self::Rabbit(session) => session.read(intake).await,
        };
        match read {
            Err(error) => error,
            Ok(never) => match never {},
        }
    }

    /// Tells the server that nothing is asked for any more, after the end of reading.
    pub(super) async fn take_no_more(&self) {
        let tell = async {
            match self {
                Self::Redis(_) => {}
                Self::Nats(session) => session.take_no_more().await,
                Self::Rabbit(session) => session.take_no_more().await,
            }
        };
        // A server that does not listen gives nothing either.
        let _ = tokio::time::timeout(ANSWER_TIMEOUT, tell).await;
    }

    /// Ends it; what was not acknowledged goes back.
    pub(super) async fn close(self) {
        let close = async {
            if let Self::Rabbit(session) = self {
                session.close().await;
            }
        };
        // A server that does not say farewell finds out by itself.
        let _ = tokio::time::timeout(ANSWER_TIMEOUT, close).await;
    }
}

impl Receipt {
    /// Whether its server has given it to nobody else meanwhile, as far as is known.
    pub(super) fn is_ours(&self) -> bool {
        match self {
            Self::Redis(_) | Self::Nats(_) => true,
            Self::Rabbit(delivery) => delivery.acker.usable(),
        }
    }

    /// Says a word over the connection that there is now. Whether it was heard.
    async fn say_once(&self, wire: &Wire, word: Word) -> Result<(), SourceError> {
        let say = async {
            match (self, wire) {
                (Self::Redis(id), Wire::Redis(wire)) => wire.say(id, word).await,
                (Self::Nats(reply), Wire::Nats(wire)) => wire.say(reply, word).await,
                (Self::Rabbit(delivery), _) => rabbit::say(delivery, word).await,
                _ => Err(SourceError::Refused("another kind of server".to_owned())),
            }
        };
        let said = tokio::time::timeout(ANSWER_TIMEOUT, say).await;
        said.unwrap_or(Err(SourceError::Late))
    }

    /// Says a word, over the next connection where there is none now. Only what ends a message is worth the wait.
    pub(super) async fn say(
        &self,
        wires: &mut watch::Receiver<Option<Wire>>,
        word: Word,
    ) -> Result<(), SourceError> {
        let say = async {
            loop {
                let wire = wires.borrow_and_update().clone();
                let said = match &wire {
                    Some(wire) => self.say_once(wire, word).await,
                    None => Err(SourceError::Lost("there is none".to_owned())),
                };
                let gives_up = word != Word::Done || matches!(self, Self::Rabbit(_));
                if said.is_ok() || gives_up || wires.changed().await.is_err() {
                    return said;
                }
            }
        };
        let said = tokio::time::timeout(ACK_PATIENCE, say).await;
        said.unwrap_or(Err(SourceError::Late))
    }
}
