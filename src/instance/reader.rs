//! The one task that speaks with a process that serves several invocations: it hears what the process says until it ends,
//! and sends what waits for it. Knows no seats.

use std::sync::Arc;

use zygo_wire::WireError;

use super::crew::Link;
use super::{InstanceError, packets};
use crate::packet_socket::FULL_RETRY;
use crate::zygote::Process;

/// After so many packets in a row others on the same thread get their turn.
const PACKETS_PER_TURN: usize = 8;

/// Until the process ends.
pub(super) async fn read(link: Arc<Link>, process: Arc<Process>) {
    let error = hear_and_send(&link).await;
    link.tell_unsent();
    let is_violation = matches!(error, WireError::Violation(_));
    let reason = reason_of(&link, &process, error).await;
    // What was posted meanwhile.
    link.tell_unsent();
    link.end(&reason);
    if is_violation {
        process.kill();
    }
}

async fn hear_and_send(link: &Link) -> WireError {
    let (mut packets, mut is_full) = (0, false);
    loop {
        tokio::select! {
            // First what the process can work at meanwhile.
            biased;
            () = link.outbox.posted.notified() => is_full = flush(link),
            () = tokio::time::sleep(FULL_RETRY), if is_full => is_full = flush(link),
            events = packets::receive_all(&link.socket, link.response_len_max) => match events {
                Ok(events) => events.into_iter().for_each(|event| link.hear(event)),
                Err(error) => return error,
            },
        }
        packets += 1;
        if packets % PACKETS_PER_TURN == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Sends what waits to be sent. Whether there was no room for it.
fn flush(link: &Link) -> bool {
    match link.outbox.flush(&link.socket) {
        Ok(()) => false,
        Err(WireError::WouldBlock) => true,
        Err(_) => {
            link.tell_unsent();
            false
        }
    }
}

/// That a packet was not read says nothing of the others, so more than one invocation may have acted.
async fn reason_of(link: &Link, process: &Arc<Process>, error: WireError) -> InstanceError {
    match error {
        WireError::Unread if link.runs_several() => packets::end_of(process).await,
        error => packets::failure(error, process).await,
    }
}
