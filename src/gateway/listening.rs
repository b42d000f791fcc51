//! The sockets that are listened on: opened here, or handed over by whoever had them before.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};

use super::Reason;
use super::tls::Tls;
use crate::config::Config;
use crate::service::Listeners;

/// Connections that may wait in the kernel's queue; beyond it, the kernel resets some. It takes no more than
/// `net.core.somaxconn`, which is 4,096 on most machines.
pub(crate) const BACKLOG: u32 = 4_096;

/// Listening sockets in use.
pub(super) struct Sockets {
    pub(super) plain: TcpListener,
    pub(super) encrypted: Option<(TcpListener, Tls)>,
}

impl Sockets {
    /// Takes what was handed over, and opens what was not.
    pub(super) fn open(config: &Arc<Config>, handed: Listeners) -> Result<Self, Reason> {
        if handed.encrypted.is_some() && config.tls.port.is_none() {
            return Err(Reason::NotEncrypted);
        }
        let plain = open(config.host, config.port, handed.plain)?;
        let encrypted = match config.tls.port {
            Some(port) => {
                let listener = open(config.host, port, handed.encrypted)?;
                Some((listener, Tls::of(config)?))
            }
            None => None,
        };
        Ok(Self { plain, encrypted })
    }

    /// All of them, for whoever listens next.
    pub(super) fn into_listeners(self) -> std::io::Result<Listeners> {
        let encrypted = self.encrypted.map(|(listener, _)| listener.into_std());
        Ok(Listeners {
            plain: Some(self.plain.into_std()?),
            encrypted: encrypted.transpose()?,
        })
    }

    /// The ports, which no function may reach.
    pub(super) fn ports(&self) -> impl Iterator<Item = u16> {
        let encrypted = self.encrypted.as_ref().map(|(listener, _)| listener);
        let all = std::iter::once(&self.plain).chain(encrypted);
        all.filter_map(|listener| Some(listener.local_addr().ok()?.port()))
    }
}

fn open(
    host: IpAddr,
    port: u16,
    handed: Option<std::net::TcpListener>,
) -> Result<TcpListener, Reason> {
    if let Some(listener) = handed {
        let taken = listener
            .set_nonblocking(true)
            .and_then(|()| TcpListener::from_std(listener));
        return taken.map_err(Reason::Handed);
    }
    let address = SocketAddr::from((host, port));
    listen(address).map_err(|source| Reason::Listen { address, source })
}

/// Listens at an address. The library's own way to do it has room for 128 connections that nobody has accepted yet.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // A platform that starts again need not wait for the connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Whether certificates can be used, without listening anywhere.
pub(super) fn check(config: &Arc<Config>) -> Result<(), Reason> {
    if config.tls.port.is_some() {
        Tls::of(config)?;
    }
    Ok(())
}
