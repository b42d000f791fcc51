//! One message in hand: tried until it is handled or buried, then acknowledged.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::board::Count;
use super::intake::{Place, Shared};
use super::message::Message;
use super::session::{KEEP_INTERVAL, Receipt, Wire, Word};
use crate::invocation::new_request_id;
use crate::time::now_unix_ms;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was handled.
    Handled,
    /// It failed too often, and is kept elsewhere.
    Buried,
    /// It failed, and is tried again after a pause.
    Failed(Duration),
    /// Nothing was tried; nothing else makes sense to try for so long.
    Refused(Duration),
    /// Nobody is there to handle it.
    Gone,
}

/// Whoever handles messages.
pub(crate) trait Handle: Send + Sync {
    /// Tries a message.
    fn attempt<'a>(
        &'a self,
        message: &'a Message,
        its: &'a Try,
    ) -> Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;
}

/// An attempt at a message.
#[derive(Debug, Clone)]
pub(crate) struct Try {
    /// What all attempts are known by.
    pub(crate) request_id: String,
    /// Since when the message is in hand.
    pub(crate) since_unix_ms: i64,
    /// From 1; those of earlier deliveries count.
    pub(crate) attempt: u32,
}

/// Holds a message to its end.
pub(super) async fn hold(shared: Arc<Shared>, message: Message, receipt: Receipt, place: Place) {
    let end = {
        let keeping = keep(&receipt, shared.wires.clone());
        let trying = attempts(&shared, &message, &receipt);
        tokio::select! {
            end = trying => end,
            () = keeping => None,
        }
    };
    let mut wires = shared.wires.clone();
    let word = if end.is_some() {
        Word::Done
    } else {
        Word::Back
    };
    let said = receipt.say(&mut wires, word).await;
    let end = match (end, said) {
        (Some(end), Ok(())) => end,
        (Some(_), Err(error)) => {
            tracing::warn!(%error, message = message.id, "a message cannot be acknowledged, and comes again");
            Count::Returned
        }
        (None, _) => Count::Returned,
    };
    shared.board.count(end);
    drop(place);
}

/// Tells the server from time to time that the message is in hand.
async fn keep(receipt: &Receipt, mut wires: watch::Receiver<Option<Wire>>) {
    loop {
        tokio::time::sleep(KEEP_INTERVAL).await;
        // One that is not heard is followed by another.
        let _ = receipt.say(&mut wires, Word::Kept).await;
    }
}

/// Tries until it is over, and how; or until the source ends.
async fn attempts(shared: &Shared, message: &Message, receipt: &Receipt) -> Option<Count> {
    let (mut ends, mut wires) = (shared.ends.clone(), shared.wires.clone());
    let mut its = Try {
        request_id: new_request_id(),
        since_unix_ms: now_unix_ms(),
        attempt: message.earlier.saturating_add(1),
    };
    let mut is_again = false;
    loop {
        let turn = tokio::select! {
            biased;
            _ = ends.wait_for(|ends| *ends) => return None,
            turn = shared.tries.acquire() => turn,
        };
        if !receipt.is_ours() {
            return None;
        }
        if is_again {
            // A server that counts attempts counts this one; one that is not heard is not counted.
            let _ = receipt.say(&mut wires, Word::Again).await;
        }
        let verdict = shared.handle.attempt(message, &its).await;
        let pause = match verdict {
            Verdict::Handled => return Some(Count::Delivered),
            Verdict::Buried => {
                shared.board.count(Count::Failed);
                return Some(Count::Dead);
            }
            Verdict::Gone => return None,
            Verdict::Failed(pause) => {
                drop(turn);
                shared.board.count(Count::Failed);
                its.attempt = its.attempt.saturating_add(1);
                is_again = true;
                pause
            }
            Verdict::Refused(pause) => {
                // The turn is kept: what refused this one refuses others.
                if !rest(pause, &mut ends).await {
                    return None;
                }
                continue;
            }
        };
        if !rest(pause, &mut ends).await {
            return None;
        }
    }
}

/// Whether the source goes on after a pause.
async fn rest(pause: Duration, ends: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(pause) => true,
        _ = ends.wait_for(|ends| *ends) => false,
    }
}
