//! A network of a test's own: addresses, and servers on them that remember who was reached. Knows nothing of platforms.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};

/// What the loopback interface of the network carries, besides its own.
const ADDRESSES: [&str; 4] = [
    "169.254.169.254/32",
    "10.1.2.3/32",
    "192.168.7.7/32",
    "fd00::1/128",
];
/// Public addresses that lead here, and that are none of the machine's.
pub(super) const PUBLIC: [&str; 2] = ["8.8.8.8", "2606:4700::1"];
pub(super) const PORT: u16 = 80;
/// How long a caller may say nothing.
const TIMEOUT: Duration = Duration::from_secs(2);
/// A server that has noticed nothing by then was not reached.
pub(super) const NOTICED: Duration = Duration::from_secs(30);

/// The network's servers: they answer any request, one of them by leading elsewhere, and remember whom they answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Servers {
    reached: Arc<Mutex<BTreeSet<SocketAddr>>>,
}

impl Servers {
    pub(super) fn listen(&self, address: &str, port: u16) {
        let listener = TcpListener::bind((address, port)).expect("an address of this network");
        let servers = self.clone();
        // It ends with the test's process; nobody else can reach it.
        thread::spawn(move || {
            for caller in listener.incoming().flatten() {
                let _ = servers.answer(caller);
            }
        });
    }

    fn answer(&self, mut caller: TcpStream) -> std::io::Result<()> {
        self.lock().insert(caller.local_addr()?);
        caller.set_read_timeout(Some(TIMEOUT))?;
        let mut head = [0; 1024];
        let length = caller.read(&mut head)?;
        let answer = match head[..length].starts_with(b"GET /away") {
            true => {
                "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n"
            }
            false => "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        };
        caller.write_all(answer.as_bytes())
    }

    /// Who was reached since this was asked last.
    pub(super) fn take(&self) -> BTreeSet<SocketAddr> {
        std::mem::take(&mut *self.lock())
    }

    /// Whether somebody was.
    pub(super) fn noticed(&self) -> bool {
        !self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<SocketAddr>> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a test in a network of its own.
pub(super) fn in_own_network(test: impl FnOnce() + Send) {
    // Network namespaces are those of threads; children have that of the thread which makes them.
    let joined = thread::scope(|scope| {
        let run = scope.spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("these tests make networks: run them as root");
            ip("link set lo up");
            for address in ADDRESSES {
                ip(&format!("address add {address} dev lo"));
            }
            for address in PUBLIC {
                ip(&format!("route add local {address} dev lo"));
            }
            test();
        });
        run.join()
    });
    if let Err(panic) = joined {
        std::panic::resume_unwind(panic);
    }
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(
        status.expect("these tests need ip").success(),
        "ip {arguments}"
    );
}
