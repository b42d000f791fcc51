//! Who is connected: every connection by its id, and how many of each function.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answer::{Push, To};
use super::outbox::{Closing, Message, Next, Outbox, PushError};
use crate::time::now_unix_ms;

/// Why there is no room for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("the platform has as many connections as it may have, or ends")]
    PlatformFull,
    #[error("the function has as many connections as it may have")]
    FunctionFull,
}

/// One connection of a function.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: Arc<str>,
    pub(crate) function_id: String,
    pub(crate) function: String,
    pub(crate) connected_unix_ms: i64,
    pub(crate) remote: Option<IpAddr>,
    last_active_unix_ms: AtomicI64,
    version: AtomicU32,
    outbox: Outbox,
}

/// A connection to be.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    pub(crate) function_id: &'a str,
    pub(crate) function: &'a str,
    pub(crate) remote: Option<IpAddr>,
    /// How many connections the function may have.
    pub(crate) most: usize,
}

impl Connection {
    fn new(opening: &Opening<'_>) -> Self {
        let now = now_unix_ms();
        let id = format!("ws-{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        Self {
            id: id.into(),
            function_id: opening.function_id.to_owned(),
            function: opening.function.to_owned(),
            connected_unix_ms: now,
            remote: opening.remote,
            last_active_unix_ms: AtomicI64::new(now),
            version: AtomicU32::new(0),
            outbox: Outbox::default(),
        }
    }

    /// A message went one way or the other.
    pub(crate) fn touch(&self) {
        self.last_active_unix_ms.store(now_unix_ms(), Relaxed);
    }

    pub(crate) fn last_active_unix_ms(&self) -> i64 {
        self.last_active_unix_ms.load(Relaxed)
    }

    /// The version that handled the last event; 0 before there was one.
    pub(crate) fn version(&self) -> u32 {
        self.version.load(Relaxed)
    }

    pub(crate) fn handled_by(&self, version: u32) {
        self.version.store(version, Relaxed);
    }

    /// Leaves a message for the client.
    pub(crate) fn push(&self, message: Message) -> Result<(), PushError> {
        self.outbox.push(message)
    }

    /// Leaves what answers the client's own message.
    pub(crate) fn answer(&self, message: Message) {
        self.outbox.answer(message);
    }

    /// Whether more may be left for the client.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// Ends it once everything is sent.
    pub(crate) fn close(&self, closing: Closing) {
        self.outbox.close(closing);
    }

    /// Waits for what is to be sent next.
    pub(crate) async fn next(&self) -> Next {
        self.outbox.next().await
    }
}

/// All connections.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    known: Mutex<Known>,
    is_closing: AtomicBool,
    /// Messages of clients, and to them.
    received: AtomicU64,
    sent: AtomicU64,
}

#[derive(Debug, Default)]
struct Known {
    all: HashMap<Arc<str>, Arc<Connection>>,
    /// By the ids of functions.
    counts: HashMap<String, usize>,
}

/// A connection that is known for as long as this is held.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) connection: Arc<Connection>,
    all: Arc<Connections>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.connection.outbox.end();
        let mut known = self.all.known();
        known.all.remove(&self.connection.id);
        if let Some(count) = known.counts.get_mut(&self.connection.function_id) {
            *count -= 1;
            if *count == 0 {
                known.counts.remove(&self.connection.function_id);
            }
        }
    }
}

impl Connections {
    /// Room for so many.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            known: Mutex::default(),
            is_closing: AtomicBool::new(false),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a connection known.
    pub(crate) fn open(self: &Arc<Self>, opening: &Opening<'_>) -> Result<Held, OpenError> {
        let mut known = self.known();
        if self.is_closing.load(Relaxed) || known.all.len() >= self.most {
            return Err(OpenError::PlatformFull);
        }
        let count = known
            .counts
            .entry(opening.function_id.to_owned())
            .or_default();
        if *count >= opening.most {
            return Err(OpenError::FunctionFull);
        }
        *count += 1;
        let connection = Arc::new(Connection::new(opening));
        known
            .all
            .insert(Arc::clone(&connection.id), Arc::clone(&connection));
        drop(known);
        Ok(Held {
            connection,
            all: Arc::clone(self),
        })
    }

    /// The connection of this id.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Connection>> {
        self.known().all.get(id).cloned()
    }

    /// How many each function has, by its id.
    pub(crate) fn counts(&self) -> HashMap<String, usize> {
        self.known().counts.clone()
    }

    fn of(&self, function_id: &str) -> Vec<Arc<Connection>> {
        let known = self.known();
        let its = |connection: &&Arc<Connection>| connection.function_id == function_id;
        known.all.values().filter(its).cloned().collect()
    }

    /// Leaves what a function's handler sends to connections of its own. Returns how many did not get it.
    pub(crate) fn push(&self, function_id: &str, pushes: Vec<Push>) -> usize {
        let mut lost = 0;
        for Push { to, message } in pushes {
            let receivers = match to {
                To::All => self.of(function_id),
                To::One(id) => {
                    let one = self.get(&id);
                    let one = one.filter(|connection| connection.function_id == function_id);
                    lost += usize::from(one.is_none());
                    one.into_iter().collect()
                }
            };
            let refused = |connection: &Arc<Connection>| connection.push(message.clone()).is_err();
            lost += receivers.iter().filter(|one| refused(one)).count();
        }
        lost
    }

    /// Ends all connections of a function.
    pub(crate) fn close_function(&self, function_id: &str, closing: Closing) {
        for connection in self.of(function_id) {
            connection.close(closing);
        }
    }

    /// Ends all connections, and takes no more.
    pub(crate) fn close_all(&self, closing: Closing) {
        let known = self.known();
        self.is_closing.store(true, Relaxed);
        for connection in known.all.values() {
            connection.close(closing);
        }
    }

    /// Counts a message of a client.
    pub(crate) fn count_received(&self) {
        self.received.fetch_add(1, Relaxed);
    }

    /// Counts a message to a client.
    pub(crate) fn count_sent(&self) {
        self.sent.fetch_add(1, Relaxed);
    }

    /// Messages of clients, and to them.
    pub(crate) fn messages(&self) -> (u64, u64) {
        (self.received.load(Relaxed), self.sent.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(function_id: &'static str, most: usize) -> Opening<'static> {
        Opening {
            function_id,
            function: "name",
            remote: None,
            most,
        }
    }

    #[test]
    fn there_are_as_many_connections_as_there_may_be() {
        let all = Connections::new(3);
        let first = all.open(&opening("a", 2)).expect("room");
        let _second = all.open(&opening("a", 2)).expect("room");
        assert_eq!(
            all.open(&opening("a", 2)).unwrap_err(),
            OpenError::FunctionFull
        );
        let _third = all.open(&opening("b", 2)).expect("room");
        assert_eq!(
            all.open(&opening("b", 2)).unwrap_err(),
            OpenError::PlatformFull
        );
        let id = Arc::clone(&first.connection.id);
        drop(first);
        assert!(all.get(&id).is_none());
        let _again = all.open(&opening("b", 2)).expect("room again");
        assert_eq!(
            all.counts(),
            [("a".to_owned(), 1), ("b".to_owned(), 2)].into()
        );
        all.close_all(Closing::PLATFORM_ENDS);
        drop(_again);
        assert_eq!(
            all.open(&opening("b", 2)).unwrap_err(),
            OpenError::PlatformFull
        );
    }

    #[test]
    fn a_function_reaches_its_own_connections_alone() {
        let all = Connections::new(10);
        let ours = all.open(&opening("ours", 9)).expect("room");
        let theirs = all.open(&opening("theirs", 9)).expect("room");
        let push = |to| Push {
            to,
            message: Message::Text("hello".into()),
        };
        let one = |held: &Held| To::One(held.connection.id.to_string());
        let pushes = vec![
            push(one(&ours)),
            push(one(&theirs)),
            push(To::All),
            push(To::One("nobody".into())),
        ];
        assert_eq!(all.push("ours", pushes), 2);
        assert_eq!(all.push("nobody", vec![push(To::All)]), 0);
    }
}
