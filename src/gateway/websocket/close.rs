//! The ends of a connection (RFC 6455 §7): agreed to, asked for, or for a fault of the client's.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::events::Ending;
use super::session::Wire;
use crate::gateway::traffic::Watched;
use crate::websocket::Closing;

/// How long a client may take to say good-bye, or to take ours.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes that are thrown away at a time.
const SINK_LEN: usize = 4 * 1024;

/// What a client hears whose frames are none; nothing when it has gone.
pub(super) fn closing_of(error: &Error) -> Option<Closing> {
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) => None,
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Utf8(_) => Some(Closing::NOT_UTF8),
        Error::Capacity(_) => Some(Closing::TOO_LONG),
        _ => Some(Closing::PROTOCOL),
    }
}

/// The client has said good-bye, and the answer is on its way.
pub(super) async fn agree<S: Wire>(
    socket: &mut WebSocketStream<Watched<S>>,
    said: Option<CloseFrame>,
) -> Ending {
    // The library sends the answer when it is asked for what comes next.
    let _ = timeout(PATIENCE, socket.next()).await;
    match said {
        Some(frame) => Ending::new(frame.code.into(), frame.reason.as_str()),
        None => Ending::new(1005, ""),
    }
}

/// Says good-bye, and waits until the client says it too.
pub(super) async fn ask<S: Wire>(
    socket: &mut WebSocketStream<Watched<S>>,
    closing: Closing,
) -> Ending {
    let goodbye = async {
        socket.flush().await?;
        socket.send(frame(closing)).await?;
        // What it still says is too late.
        while let Some(Ok(said)) = socket.next().await {
            if said.is_close() {
                break;
            }
        }
        Ok::<_, Error>(())
    };
    let _ = timeout(PATIENCE, goodbye).await;
    ending(closing)
}

/// Says what is wrong with the client's frames. What it still sends is thrown away for a moment: a connection that is
/// closed with unread bytes is reset, and the client might never read why.
pub(super) async fn refuse<S: Wire>(
    socket: &mut WebSocketStream<Watched<S>>,
    closing: Closing,
) -> Ending {
    let farewell = async {
        // An answer to a ping may wait, and nothing comes after a close frame.
        socket.flush().await.ok()?;
        socket.send(frame(closing)).await.ok()?;
        let stream = socket.get_mut();
        stream.shutdown().await.ok()?;
        let mut sink = vec![0; SINK_LEN];
        while stream.read(&mut sink).await.ok()? > 0 {}
        Some(())
    };
    let _ = timeout(PATIENCE, farewell).await;
    ending(closing)
}

fn frame(closing: Closing) -> Message {
    Message::Close(Some(CloseFrame {
        code: closing.code.into(),
        reason: Utf8Bytes::from_static(closing.reason),
    }))
}

fn ending(closing: Closing) -> Ending {
    Ending::new(closing.code, closing.reason)
}
