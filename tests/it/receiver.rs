//! A receiver of webhooks on the loopback address: keeps what it is sent, answers what it is told, and knows whether a
//! signature is right.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::wait::wait_for;

/// A notice that has not arrived by then never will.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the receiver does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    Status(u16),
    /// Keeps the connection and says nothing.
    Silence,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    head: Vec<String>,
    pub(crate) body: String,
}

#[derive(Debug, Default)]
struct State {
    received: Mutex<Vec<Received>>,
    /// What it does with the next ones; with the others, `default`.
    script: Mutex<VecDeque<Reply>>,
    default: Mutex<Option<Reply>>,
    held: Mutex<Vec<TcpStream>>,
    ended: AtomicBool,
}

#[derive(Debug)]
pub(crate) struct Receiver {
    address: String,
    state: Arc<State>,
    /// Listens, and owns the port.
    listening: Option<JoinHandle<()>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        Self::at("127.0.0.1:0")
    }

    pub(crate) fn at(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.ended.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || shared.serve(stream));
            }
        });
        Self {
            address,
            state,
            listening: Some(listening),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(crate) fn answer(&self, script: &[Reply], default: Reply) {
        *lock(&self.state.script) = script.iter().copied().collect();
        *lock(&self.state.default) = Some(default);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        lock(&self.state.received).clone()
    }

    /// Waits until so many requests have arrived that are meant.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        count: usize,
        is_meant: impl Fn(&Received) -> bool,
    ) -> Vec<Received> {
        wait_for(what, DEADLINE, || {
            let mut received = self.received();
            received.retain(&is_meant);
            (received.len() >= count).then_some(received)
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::Relaxed);
        // Wakes the listener, which then ends; after that the port refuses who comes.
        let _ = TcpStream::connect(&self.address);
        if let Some(listening) = self.listening.take() {
            // One that has panicked has told it already.
            let _ = listening.join();
        }
    }
}

impl State {
    fn serve(&self, stream: TcpStream) {
        stream.set_read_timeout(Some(DEADLINE)).expect("a limit");
        let mut reader = BufReader::new(stream);
        let lines = reader.by_ref().lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let mut received = Received {
            head,
            body: String::new(),
        };
        let length = received.header("content-length").parse().unwrap_or(0);
        let mut body = vec![0; length];
        if received.head.is_empty() || reader.read_exact(&mut body).is_err() {
            return;
        }
        received.body = String::from_utf8(body).expect("text");
        lock(&self.received).push(received);
        let next = lock(&self.script)
            .pop_front()
            .or_else(|| *lock(&self.default));
        let mut stream = reader.into_inner();
        match next.unwrap_or(Reply::Status(200)) {
            Reply::Silence => lock(&self.held).push(stream),
            Reply::Status(status) => {
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                // Whoever asked may be gone.
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    }
}

impl Received {
    /// A header, empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let fields = self.head.iter().filter_map(|line| line.split_once(':'));
        let mut meant = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        meant.next().map_or("", |(_, value)| value.trim())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub(crate) fn event(&self) -> &str {
        self.header("x-zygo-event")
    }

    /// Whether it was signed with the secret, now.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        let signature = self.header("x-zygo-signature");
        let Some((time, hex)) = signature
            .strip_prefix("t=")
            .and_then(|rest| rest.split_once(",v1="))
        else {
            return false;
        };
        let expected = hmac(secret, &format!("{time}.{}", self.body));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let age = now
            .expect("a time")
            .as_secs()
            .abs_diff(time.parse().unwrap_or(0));
        hex == expected && age < 60
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The digest of a text with a secret, in hexadecimal digits.
pub(crate) fn hmac(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
