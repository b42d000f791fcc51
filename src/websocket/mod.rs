//! Connections of functions: who is connected, what is to be sent to them, and for how long they may stay. Knows neither
//! sockets nor HTTP; frames and events are the gateway's.

mod answer;
mod outbox;
mod pace;
mod registry;
mod settings;

pub(crate) use answer::{Said, said};
pub(crate) use outbox::{Closing, Message, Next, PushError};
pub(crate) use pace::{Pace, Seen, Verdict};
pub(crate) use registry::{Connection, Connections, Held, OpenError, Opening};
pub(crate) use settings::SocketSettings;
