//! The frames of one connection: messages in, messages out, one event at a time. Knows nothing of functions.
//!
//! What was read waits for the function, up to a bound; beyond it nothing is read, so that the client's own sends wait.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Error};

use super::close::{self, closing_of};
use super::events::Ending;
use super::life::{Handled, Life, handle};
use super::pings::Pings;
use crate::gateway::traffic::Watched;
use crate::websocket::{Closing, Message, Next, Pace, Seen, Verdict};

/// Bytes that are read at a time. Every idle connection has so many.
const READ_LEN: usize = 4 * 1024;
/// Messages of one client that may wait for the function; their bytes are bounded too, by the longest message.
const WAITING_MAX: usize = 16;

/// What frames go over: encrypted or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Wire for S {}

/// One connection while it is open.
pub(super) struct Session<S> {
    life: Arc<Life>,
    socket: WebSocketStream<Watched<S>>,
    pace: Pace,
    message_len_max: usize,
    write_patience: Duration,
    waiting: VecDeque<Message>,
    waiting_len: usize,
    running: Option<JoinHandle<Handled>>,
    began: Instant,
    /// When the last message went either way.
    active: Instant,
    /// When anything was heard.
    heard: Instant,
    pinged: Option<Instant>,
    pings: Pings,
}

impl<S: Wire> Session<S> {
    /// A connection whose handshake is done, and of which so much was read already.
    pub(super) async fn new(life: Arc<Life>, stream: Watched<S>, read: Bytes) -> Self {
        let config = life.platform.config();
        let own = life.function.current().manifest().sockets();
        let own = own.unwrap_or_default();
        let message_len_max = config.websockets.message_bytes(own);
        let frames = WebSocketConfig::default()
            .read_buffer_size(READ_LEN)
            .write_buffer_size(0)
            .max_message_size(Some(message_len_max))
            .max_frame_size(Some(message_len_max));
        let socket =
            WebSocketStream::from_partially_read(stream, read.into(), Role::Server, Some(frames));
        let now = Instant::now();
        Self {
            pace: config.websockets.pace(own),
            write_patience: Duration::from_millis(config.slow_client_grace_ms),
            socket: socket.await,
            life,
            message_len_max,
            waiting: VecDeque::new(),
            waiting_len: 0,
            running: None,
            began: now,
            active: now,
            heard: now,
            pinged: None,
            pings: Pings::new(now),
        }
    }

    /// Serves it to its end. Returns how it ended, and the messages that nobody has handled yet.
    pub(super) async fn run(mut self) -> (Ending, VecDeque<Message>) {
        let ending = self.serve().await;
        // What runs is not cut short: events of a connection come one after the other.
        if let Some(running) = self.running.take() {
            let _ = running.await;
        }
        (ending, self.waiting)
    }

    async fn serve(&mut self) -> Ending {
        let mut look = pin!(tokio::time::sleep(Duration::ZERO));
        let connection = Arc::clone(&self.life.connection);
        loop {
            self.start_next();
            let step = tokio::select! {
                handled = ended(&mut self.running), if self.running.is_some() => self.handled(handled),
                next = connection.next() => match next {
                    Next::Message(message) => self.send(message).await,
                    Next::Close(closing) => Err(self.close(closing).await),
                },
                frame = self.socket.next(), if !self.is_deaf() => self.received(frame).await,
                () = look.as_mut() => match self.look().await {
                    Ok(wait) => {
                        look.as_mut().reset(Instant::now() + wait);
                        Ok(())
                    }
                    Err(ending) => Err(ending),
                },
            };
            if let Err(ending) = step {
                return ending;
            }
        }
    }

    /// Whether no more is read, because too much waits for the function.
    fn is_deaf(&self) -> bool {
        self.waiting.len() >= WAITING_MAX || self.waiting_len >= self.message_len_max
    }

    /// Gives the function the next message, once it has handled the one before and the client takes its answers.
    fn start_next(&mut self) {
        if self.running.is_some() || !self.life.connection.has_room() {
            return;
        }
        let was_deaf = self.is_deaf();
        let Some(message) = self.waiting.pop_front() else {
            return;
        };
        self.waiting_len -= message.len();
        if was_deaf {
            // Whatever was said meanwhile is yet to be heard.
            (self.heard, self.pinged) = (Instant::now(), None);
        }
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        self.running = Some(tokio::spawn(handle(Arc::clone(&self.life), message)));
    }

    fn handled(&mut self, handled: Handled) -> Result<(), Ending> {
        self.active = Instant::now();
        if let Some(reply) = handled.reply {
            self.life.connection.answer(reply);
        }
        if let Some(closing) = handled.closing {
            self.life.connection.close(closing);
        }
        Ok(())
    }

    async fn send(&mut self, message: Message) -> Result<(), Ending> {
        self.active = Instant::now();
        self.life.connection.touch();
        self.life.platform.connections().count_sent();
        let frame = match message {
            Message::Text(text) => tungstenite::Message::Text(text),
            Message::Binary(bytes) => tungstenite::Message::Binary(bytes),
        };
        self.write(frame).await
    }

    /// Writes a frame, unless the client takes it too slowly.
    async fn write(&mut self, frame: tungstenite::Message) -> Result<(), Ending> {
        match timeout(self.write_patience, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Ending::lost()),
        }
    }

    async fn received(
        &mut self,
        frame: Option<Result<tungstenite::Message, Error>>,
    ) -> Result<(), Ending> {
        let now = Instant::now();
        (self.heard, self.pinged) = (now, None);
        let message = match frame {
            None => return Err(Ending::lost()),
            Some(Err(error)) => {
                return Err(match closing_of(&error) {
                    Some(closing) => close::refuse(&mut self.socket, closing).await,
                    None => Ending::lost(),
                });
            }
            Some(Ok(tungstenite::Message::Close(said))) => {
                return Err(close::agree(&mut self.socket, said).await);
            }
            Some(Ok(tungstenite::Message::Text(text))) => Message::Text(text),
            Some(Ok(tungstenite::Message::Binary(bytes))) => Message::Binary(bytes),
            Some(Ok(_)) if self.pings.are_too_many(now) => {
                return Err(close::refuse(&mut self.socket, Closing::TOO_MANY_PINGS).await);
            }
            Some(Ok(_)) => return Ok(()),
        };
        self.active = now;
        self.life.connection.touch();
        self.life.platform.connections().count_received();
        self.waiting_len += message.len();
        self.waiting.push_back(message);
        Ok(())
    }

    async fn close(&mut self, closing: Closing) -> Ending {
        close::ask(&mut self.socket, closing).await
    }

    /// Looks after the connection. Returns when to look again.
    async fn look(&mut self) -> Result<Duration, Ending> {
        let is_busy = self.running.is_some() || !self.waiting.is_empty();
        if is_busy {
            self.active = Instant::now();
        }
        let seen = Seen {
            age: self.began.elapsed(),
            idle: self.active.elapsed(),
            quiet: self.heard.elapsed(),
            pinged: self.pinged.map(|pinged| pinged.elapsed()),
            is_deaf: self.is_deaf(),
        };
        match self.pace.judge(seen) {
            Verdict::Wait(wait) => Ok(wait),
            Verdict::Ping => {
                self.pinged = Some(Instant::now());
                let ping = tungstenite::Message::Ping(Bytes::new());
                self.write(ping).await?;
                Ok(Duration::ZERO)
            }
            Verdict::Close(closing) => Err(self.close(closing).await),
            Verdict::Cut => Err(Ending::lost()),
        }
    }
}

/// Waits for the event that runs, and forgets it. One that panicked has nothing to say.
async fn ended(running: &mut Option<JoinHandle<Handled>>) -> Handled {
    let handled = match running {
        Some(handle) => handle.await.unwrap_or_default(),
        None => std::future::pending().await,
    };
    *running = None;
    handled
}
