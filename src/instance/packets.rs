//! What goes through the data socket, each way.

use std::borrow::Cow;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use zygo_wire::data::{EVENT_INLINE_LEN_MAX, InstanceCommand, InstanceEvent, InvokeHeader};
use zygo_wire::{WireError, packet, parcel};

use super::InstanceError;
use super::event::{self, Event};
use crate::invocation::Invocation;
use crate::packet_socket::{After, PacketSocket};
use crate::zygote::Process;

/// How long to wait for the word on how a process ended, once its socket has closed.
const EXIT_STATUS_PATIENCE: Duration = Duration::from_millis(200);

/// Sends an invocation by itself.
pub(super) async fn send(
    socket: &PacketSocket,
    number: u64,
    invocation: &Invocation,
    timeout: Duration,
) -> Result<(), WireError> {
    let (command, body) = invoke(number, invocation, timeout);
    socket.send(&command, &body, &[]).await
}

/// The command that begins an invocation, and its body.
pub(super) fn invoke<'a>(
    number: u64,
    invocation: &'a Invocation,
    timeout: Duration,
) -> (InstanceCommand<'a>, Cow<'a, [u8]>) {
    let deadline = SystemTime::now() + timeout;
    let deadline_ms = deadline
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let (event, body): (&[u8], &[u8]) = (&invocation.event, &invocation.body);
    let (event, before, body) = match event.len() > EVENT_INLINE_LEN_MAX {
        true => (&[][..], event.len(), Cow::Owned([event, body].concat())),
        false => (event, 0, Cow::Borrowed(body)),
    };
    let header = InvokeHeader {
        number,
        request_id: &invocation.request_id,
        deadline_unix_ms: u64::try_from(deadline_ms).unwrap_or(u64::MAX),
        traceparent: invocation.trace.traceparent(),
        tracestate: invocation.trace.tracestate(),
        event,
        event_before_body_len: before as u64,
        body_kind: invocation.body_kind,
        body_len: body.len() as u64,
    };
    (InstanceCommand::Invoke(header), body)
}

/// Waits for what the instance says; `after` tells what to expect then.
pub(super) async fn receive(
    socket: &PacketSocket,
    response_len_max: usize,
    after: impl Fn(&Result<Event, WireError>) -> After,
) -> Result<Event, WireError> {
    let received = socket.receive(|bytes, descriptors| {
        let event = decode(bytes, &descriptors, response_len_max);
        let after = after(&event);
        (event, after)
    });
    received.await
}

/// Waits for what a process says that serves several invocations: all that is in one packet.
pub(super) async fn receive_all(
    socket: &PacketSocket,
    response_len_max: usize,
) -> Result<Vec<Event>, WireError> {
    let received = socket.receive(|bytes, descriptors| {
        let messages = parcel::messages(bytes);
        let events = messages.map(|message| decode(message?, &descriptors, response_len_max));
        (events.collect(), After::More)
    });
    received.await
}

fn decode(
    message: &[u8],
    descriptors: &[OwnedFd],
    response_len_max: usize,
) -> Result<Event, WireError> {
    let (event, inline) = packet::decode::<InstanceEvent<'_>>(message)?;
    event::take(event, inline, descriptors, response_len_max)
}

/// Why nothing was received.
pub(super) async fn failure(error: WireError, process: &Arc<Process>) -> InstanceError {
    match error {
        WireError::Violation(what) => InstanceError::Violation(what),
        WireError::Unread => InstanceError::NotStarted,
        _ => end_of(process).await,
    }
}

/// How the process ended.
pub(super) async fn end_of(process: &Arc<Process>) -> InstanceError {
    let status = process.exit_status(EXIT_STATUS_PATIENCE).await;
    // A read of one small file, of a process that is dead.
    let out_of_memory = process.was_out_of_memory();
    match (
        InstanceError::ended(status, out_of_memory),
        process.tasks_exceeded(),
    ) {
        (InstanceError::Killed(_) | InstanceError::Vanished, Some(most)) => {
            InstanceError::TooManyTasks(most)
        }
        (ended, _) => ended,
    }
}
