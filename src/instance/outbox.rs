//! What is on its way to a process that serves several invocations. Many callers come at once; what each of them has to
//! say waits until all who are ready have had their turn on this thread, and goes out as one packet.
//!
//! ```text
//!  Empty ── post ─► Waiting ── flush ─► Empty
//!                      └── the socket is full ─► Waiting, tried again by whoever reads the process
//! ```
//! Everything goes through here, so what is said of one invocation keeps its order.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use zygo_wire::parcel::Parcel;
use zygo_wire::{InstanceCommand, WireError, packet};

use crate::packet_socket::{Home, PacketSocket, when_there_is_room};

/// Commands that were not sent yet.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Waiting>,
    /// Something waits to be flushed.
    pub(super) posted: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    parcel: Parcel,
    /// Invocations that cannot have begun, because they wait here.
    numbers: Vec<u64>,
}

impl Outbox {
    /// Has a command sent: in a moment with others, or now where there are none to wait for. Waits for room.
    pub(super) async fn post(
        &self,
        socket: &PacketSocket,
        command: &InstanceCommand<'_>,
        body: &[u8],
    ) -> Result<(), WireError> {
        when_there_is_room(|| self.try_post(socket, command, body)).await
    }

    fn try_post(
        &self,
        socket: &PacketSocket,
        command: &InstanceCommand<'_>,
        body: &[u8],
    ) -> Result<(), WireError> {
        let mut waiting = self.lock();
        if !waiting.parcel.push(command, body)? {
            waiting.flush(socket)?;
            if !waiting.parcel.push(command, body)? {
                // Too long to travel with others.
                return packet::send(socket.socket(), command, body, &[]);
            }
        }
        if let InstanceCommand::Invoke(header) = command {
            waiting.numbers.push(header.number);
        }
        if socket.home() == Home::here() {
            self.posted.notify_one();
            return Ok(());
        }
        match waiting.flush(socket) {
            Err(WireError::WouldBlock) => {
                self.posted.notify_one();
                Ok(())
            }
            flushed => flushed,
        }
    }

    /// Sends what waits.
    pub(super) fn flush(&self, socket: &PacketSocket) -> Result<(), WireError> {
        self.lock().flush(socket)
    }

    /// Takes the invocations away that were never sent.
    pub(super) fn take_unsent(&self) -> Vec<u64> {
        std::mem::take(&mut *self.lock()).numbers
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn flush(&mut self, socket: &PacketSocket) -> Result<(), WireError> {
        self.parcel.send(socket.socket())?;
        self.numbers.clear();
        Ok(())
    }
}
