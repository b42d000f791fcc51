//! What is to be sent to one connection: bounded, so that a client that takes nothing costs little. One task takes from it,
//! everyone may put into it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Messages that may wait for a client.
const MESSAGES_MAX: usize = 64;
/// And their bytes. One message may wait however long it is.
const BYTES_MAX: usize = 1 << 20;

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// UTF-8.
    Text(Utf8Bytes),
    /// Anything.
    Binary(Bytes),
}

impl Message {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// Why the platform ends a connection: a code of RFC 6455 §7.4, and a word for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closing {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

impl Closing {
    /// Someone asked for it.
    pub(crate) const ASKED: Self = Self::new(1000, "");
    pub(crate) const PLATFORM_ENDS: Self = Self::new(1001, "the platform ends");
    pub(crate) const FUNCTION_GONE: Self = Self::new(1001, "the function is gone");
    pub(crate) const VERSION_GONE: Self = Self::new(1001, "the version is gone");
    pub(crate) const NO_TRIGGER: Self =
        Self::new(1001, "the function takes no connections any more");
    pub(crate) const IDLE: Self = Self::new(1001, "no messages");
    pub(crate) const LIFETIME: Self = Self::new(1001, "as old as connections become");
    pub(crate) const PROTOCOL: Self = Self::new(1002, "this is no WebSocket frame");
    pub(crate) const NOT_UTF8: Self = Self::new(1007, "a text is not UTF-8");
    pub(crate) const TOO_MANY_PINGS: Self = Self::new(1008, "too many pings");
    pub(crate) const TOO_LONG: Self = Self::new(1009, "a message is too long");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason }
    }
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PushError {
    #[error("the client takes what was sent before too slowly")]
    Full,
    #[error("the connection is closed")]
    Gone,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Message(Message),
    /// After all messages.
    Close(Closing),
}

/// Messages on their way to one client.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Message>,
    bytes: usize,
    closing: Option<Closing>,
    is_gone: bool,
}

impl State {
    fn is_full(&self, more: usize) -> bool {
        let fits = self.waiting.len() < MESSAGES_MAX && self.bytes + more <= BYTES_MAX;
        !(fits || self.waiting.is_empty())
    }

    fn put(&mut self, message: Message) {
        self.bytes += message.len();
        self.waiting.push_back(message);
    }

    fn take(&mut self) -> Option<Next> {
        let Some(message) = self.waiting.pop_front() else {
            return self.closing.map(Next::Close);
        };
        self.bytes -= message.len();
        if self.waiting.is_empty() {
            // An idle connection holds no memory for what it was sent once.
            self.waiting = VecDeque::new();
        }
        Some(Next::Message(message))
    }
}

impl Outbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a message for the client.
    pub(super) fn push(&self, message: Message) -> Result<(), PushError> {
        let mut state = self.state();
        match (
            state.is_gone || state.closing.is_some(),
            state.is_full(message.len()),
        ) {
            (true, _) => return Err(PushError::Gone),
            (_, true) => return Err(PushError::Full),
            _ => state.put(message),
        }
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    /// Leaves what answers the client's own message. There is always room for it, because nothing more of the client's
    /// is handled while there is no room.
    pub(super) fn answer(&self, message: Message) {
        let mut state = self.state();
        if !state.is_gone && state.closing.is_none() {
            state.put(message);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Whether there is room for more.
    pub(super) fn has_room(&self) -> bool {
        !self.state().is_full(1)
    }

    /// Ends the connection once everything is sent.
    pub(super) fn close(&self, closing: Closing) {
        self.state().closing.get_or_insert(closing);
        self.wake.notify_one();
    }

    /// Nothing is sent any more.
    pub(super) fn end(&self) {
        let mut state = self.state();
        *state = State {
            is_gone: true,
            ..State::default()
        };
    }

    /// Waits for what comes next.
    pub(super) async fn next(&self) -> Next {
        loop {
            let next = self.state().take();
            if let Some(next) = next {
                return next;
            }
            self.wake.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    #[tokio::test]
    async fn messages_come_in_order_and_the_end_comes_last() {
        let outbox = Outbox::default();
        for message in ["1", "2"] {
            outbox.push(text(message)).expect("room");
        }
        outbox.close(Closing::ASKED);
        outbox.close(Closing::PLATFORM_ENDS);
        assert_eq!(outbox.push(text("3")), Err(PushError::Gone));
        for message in ["1", "2"] {
            assert_eq!(outbox.next().await, Next::Message(text(message)));
        }
        assert_eq!(outbox.next().await, Next::Close(Closing::ASKED));
        outbox.end();
        assert_eq!(outbox.push(text("4")), Err(PushError::Gone));
    }

    #[tokio::test]
    async fn there_is_room_for_one_however_long_and_for_so_many() {
        let outbox = Outbox::default();
        let long = text(&"x".repeat(BYTES_MAX + 1));
        outbox.push(long.clone()).expect("room for one");
        assert_eq!(outbox.push(text("")), Err(PushError::Full));
        assert!(!outbox.has_room());
        outbox.answer(text("answer"));
        assert_eq!(outbox.next().await, Next::Message(long));
        assert_eq!(outbox.next().await, Next::Message(text("answer")));
        for _ in 0..MESSAGES_MAX {
            assert!(outbox.has_room());
            outbox.push(text("x")).expect("room");
        }
        assert_eq!(outbox.push(text("x")), Err(PushError::Full));
    }
}
