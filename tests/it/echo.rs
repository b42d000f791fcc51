//! A server on the loopback address that says what it hears: plainly, encrypted, or encrypted once it is asked for.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::{make_vouched, pem};

/// Nobody is waited for longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a client says who wants encryption.
const ENCRYPT: &[u8; 7] = b"encrypt";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Plain,
    Tls,
    StartTls,
}

impl How {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Tls, Self::StartTls];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tls => "tls",
            Self::StartTls => "starttls",
        }
    }
}

/// It ends with the process, as its threads do, unless it is ended before.
#[derive(Debug)]
pub(crate) struct Echo {
    port: u16,
    how: How,
    authority: String,
    state: Arc<State>,
    listening: std::thread::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    callers: AtomicUsize,
    open: AtomicUsize,
    ended: AtomicBool,
}

impl Echo {
    /// `name` is that of its certificate, for which an authority of its own vouches.
    pub(crate) fn start(how: How, name: &str) -> Self {
        let (made, authority) = make_vouched(&[name]);
        let mut tls = made.server();
        tls.alpn_protocols = vec![b"echo".to_vec()];
        let tls = Arc::new(tls);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State::default());
        let seen = Arc::clone(&state);
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if seen.ended.load(Ordering::SeqCst) {
                    return;
                }
                let (tls, seen) = (Arc::clone(&tls), Arc::clone(&seen));
                seen.callers.fetch_add(1, Ordering::SeqCst);
                seen.open.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    // Whoever has called may be gone at any time.
                    drop(converse(stream, how, tls));
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            port,
            how,
            authority: pem("CERTIFICATE", &authority.certificate),
            state,
            listening,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn how(&self) -> How {
        self.how
    }

    /// The certificate of whoever vouches for it.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// How many have called so far.
    pub(crate) fn callers(&self) -> usize {
        self.state.callers.load(Ordering::SeqCst)
    }

    /// How many of them are still there.
    pub(crate) fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }

    /// Its port, at which nobody listens any more.
    pub(crate) fn end(self) -> u16 {
        self.state.ended.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        self.listening.join().expect("it has ended");
        self.port
    }
}

fn converse(mut stream: TcpStream, how: How, tls: Arc<ServerConfig>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    if how == How::StartTls {
        let mut asked = [0; ENCRYPT.len()];
        stream.read_exact(&mut asked)?;
        stream.write_all(&asked)?;
    }
    if how == How::Plain {
        return echo(&mut stream);
    }
    let connection = ServerConnection::new(tls).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    echo(&mut stream)?;
    stream.conn.send_close_notify();
    stream.flush()
}

/// Until the other side has said all.
fn echo(stream: &mut (impl Read + Write)) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            stream.write_all(b"bye")?;
            return stream.flush();
        }
        stream.write_all(&buffer[..length])?;
        stream.flush()?;
    }
}
