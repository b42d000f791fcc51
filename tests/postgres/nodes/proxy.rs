//! What stands between a node and its database, and can be cut: with the connections told, or without a word.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use tempfile::TempDir;

/// What every PostgreSQL client expects in the folder that it is told.
const SOCKET: &str = ".s.PGSQL.5432";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Connections end, and there are no new ones.
    Cut,
    /// Nothing that is sent arrives, and nobody is told.
    Silent,
}

#[derive(Debug)]
struct State {
    way: Mutex<Way>,
    changed: Condvar,
    connections: Mutex<Vec<UnixStream>>,
}

/// A proxy on a Unix socket in a folder of its own.
#[derive(Debug)]
pub(super) struct Proxy {
    folder: TempDir,
    url: String,
    state: Arc<State>,
}

impl Proxy {
    /// Before the server of an address.
    pub(super) fn before(url: &str) -> Self {
        let (before, rest) = url.split_once('@').expect("a password");
        let (server, database) = rest.split_once('/').expect("a database");
        let server = PathBuf::from(server.replace("%2F", "/")).join(SOCKET);
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().display().to_string().replace('/', "%2F");
        let state = Arc::new(State {
            way: Mutex::new(Way::Open),
            changed: Condvar::new(),
            connections: Mutex::default(),
        });
        let listener = UnixListener::bind(folder.path().join(SOCKET)).expect("a socket");
        let serving = Arc::clone(&state);
        std::thread::spawn(move || serve(&listener, &server, &serving));
        Self {
            url: format!("{before}@{own}/{database}"),
            folder,
            state,
        }
    }

    /// The address that leads through it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn cut(&self) {
        self.set(Way::Cut);
        let mut connections = lock(&self.state.connections);
        for connection in connections.drain(..) {
            // It may have ended by itself.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn silence(&self) {
        self.set(Way::Silent);
    }

    pub(super) fn heal(&self) {
        self.set(Way::Open);
    }

    fn set(&self, way: Way) {
        *lock(&self.state.way) = way;
        self.state.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        // The thread that listens ends with the process; nobody finds it any more.
        let _ = std::fs::remove_file(self.folder.path().join(SOCKET));
    }
}

fn serve(listener: &UnixListener, server: &std::path::Path, state: &Arc<State>) {
    for client in listener.incoming().map_while(Result::ok) {
        if *lock(&state.way) == Way::Cut {
            continue;
        }
        let Ok(server) = UnixStream::connect(server) else {
            continue;
        };
        for (from, to) in [(&client, &server), (&server, &client)] {
            let [from, to] = [from, to].map(|stream| stream.try_clone().expect("a descriptor"));
            let state = Arc::clone(state);
            std::thread::spawn(move || copy(from, to, &state));
        }
        lock(&state.connections).extend([client, server]);
    }
}

fn copy(mut from: UnixStream, mut to: UnixStream, state: &State) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let way = lock(&state.way);
        let silent = |way: &mut Way| *way == Way::Silent;
        let way = state.changed.wait_while(way, silent);
        drop(way.unwrap_or_else(PoisonError::into_inner));
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
