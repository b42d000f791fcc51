//! What a reader gives messages to: bounded, and each message once at a time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::board::Board;
use super::hold::{self, Handle};
use super::message::Message;
use super::session::{Receipt, Wire};

/// Where messages of one source go.
pub(super) struct Intake {
    pub(super) shared: Arc<Shared>,
    room: Arc<Semaphore>,
    room_max: usize,
}

/// What all messages of a source share.
pub(super) struct Shared {
    pub(super) handle: Arc<dyn Handle>,
    pub(super) board: Arc<Board>,
    /// How many are tried at a time.
    pub(super) tries: Semaphore,
    pub(super) wires: watch::Receiver<Option<Wire>>,
    pub(super) ends: watch::Receiver<bool>,
    in_hand: Mutex<HashSet<String>>,
}

/// A message's place among those in hand, left when it is dropped.
pub(super) struct Place {
    shared: Arc<Shared>,
    /// Absent where a server gives messages no names of their own.
    name: Option<String>,
    _room: OwnedSemaphorePermit,
}

impl Intake {
    pub(super) fn new(
        handle: Arc<dyn Handle>,
        board: Arc<Board>,
        wires: watch::Receiver<Option<Wire>>,
        ends: watch::Receiver<bool>,
        (concurrency, room_max): (usize, usize),
    ) -> Self {
        let shared = Shared {
            handle,
            board,
            tries: Semaphore::new(concurrency),
            wires,
            ends,
            in_hand: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
            room: Arc::new(Semaphore::new(room_max)),
            room_max,
        }
    }

    /// How many messages may be in hand.
    pub(super) fn room_max(&self) -> usize {
        self.room_max
    }

    /// Waits until there is room for a message. For how many there is.
    pub(super) async fn room(&self) -> usize {
        // Nobody closes it.
        drop(self.room.acquire().await);
        self.room.available_permits().max(1)
    }

    /// Takes a message in hand, unless it is there already; `name` is what its server knows it by.
    pub(super) async fn take(&self, name: Option<String>, message: Message, receipt: Receipt) {
        let Ok(room) = Arc::clone(&self.room).acquire_owned().await else {
            return;
        };
        if let Some(name) = &name
            && !self.shared.in_hand().insert(name.clone())
        {
            return;
        }
        self.shared.board.took();
        let place = Place {
            shared: Arc::clone(&self.shared),
            name,
            _room: room,
        };
        tokio::spawn(hold::hold(
            Arc::clone(&self.shared),
            message,
            receipt,
            place,
        ));
    }

    /// Waits until nothing is in hand.
    pub(super) async fn emptied(&self) {
        let all = u32::try_from(self.room_max).unwrap_or(u32::MAX);
        drop(self.room.acquire_many(all).await);
    }
}

impl Shared {
    fn in_hand(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.shared.in_hand().remove(name);
        }
        self.shared.board.left();
    }
}
