//! Listening sockets from outside: a service manager's (`zygo.socket`), or those of the program that this one takes
//! over from. Both come by systemd's protocol: `LISTEN_FDS`, `LISTEN_PID` and `LISTEN_FDNAMES`.
//!
//! Whoever connects while nobody accepts waits in such a socket's queue in the kernel, and is not refused.

use std::net::{IpAddr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;

use listenfd::ListenFd;
use rustix::io::FdFlags;

/// Names of sockets: for connections that are not encrypted, and for those that are.
const PLAIN: &str = "http";
const ENCRYPTED: &str = "https";

/// Where numbers for handing over are looked for: above those that the standard streams may have.
const FIRST_NUMBER: i32 = 16;

/// How often a row of free numbers is looked for.
const TRIES_MAX: i32 = 1_000;

/// What was handed over cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SocketsError {
    /// `LISTEN_FDS` is no number.
    #[error("LISTEN_FDS is `{0}`, which is no number of sockets")]
    Count(String),
    /// It is no TCP socket.
    #[error(
        "socket {index} of LISTEN_FDS cannot be used: it must be a TCP socket (ListenStream=ADDRESS:PORT)"
    )]
    NoTcp {
        /// Which one, from 0.
        index: usize,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It does not listen.
    #[error("socket {0} of LISTEN_FDS does not listen: Accept= of its unit must be no")]
    Deaf(usize),
    /// Two for one use.
    #[error(
        "two sockets were handed over for {0}; there may be one named `http` and one named `https` (FileDescriptorName=)"
    )]
    Twice(&'static str),
    /// They cannot be handed on.
    #[error("the listening sockets cannot be handed over")]
    HandOver(#[source] std::io::Error),
}

/// What is listened on, where it is not opened by the platform itself.
#[derive(Debug, Default)]
pub struct Listeners {
    /// For connections that are not encrypted.
    pub plain: Option<TcpListener>,
    /// For those that are.
    pub encrypted: Option<TcpListener>,
}

impl Listeners {
    /// Takes what was handed over. To be called before there are threads: the variables are removed, so that nothing
    /// takes the sockets a second time.
    ///
    /// # Errors
    /// What is wrong with them, and what would be right.
    pub fn handed_over() -> Result<Self, SocketsError> {
        let count = std::env::var("LISTEN_FDS").unwrap_or_default();
        if !count.is_empty() && count.parse::<u16>().is_err() {
            return Err(SocketsError::Count(count));
        }
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let names: Vec<&str> = names.split(':').collect();
        let mut handed = ListenFd::from_env();
        let mut listeners = Self::default();
        for index in 0..handed.len() {
            let taken = handed.take_tcp_listener(index);
            let taken = taken.map_err(|source| SocketsError::NoTcp { index, source })?;
            let Some(listener) = taken else { continue };
            if !rustix::net::sockopt::socket_acceptconn(&listener).unwrap_or(true) {
                return Err(SocketsError::Deaf(index));
            }
            listeners.put(is_encrypted(&names, index), listener)?;
        }
        Ok(listeners)
    }

    /// An address of one of them that others than this machine reach, if there is one.
    #[must_use]
    pub fn exposed(&self) -> Option<IpAddr> {
        let all = self.plain.iter().chain(&self.encrypted);
        let mut addresses = all.filter_map(|listener| Some(listener.local_addr().ok()?.ip()));
        addresses.find(|address| !address.is_loopback())
    }

    fn put(&mut self, encrypted: bool, listener: TcpListener) -> Result<(), SocketsError> {
        let (place, name) = match encrypted {
            true => (&mut self.encrypted, ENCRYPTED),
            false => (&mut self.plain, PLAIN),
        };
        match place.replace(listener) {
            None => Ok(()),
            Some(_) => Err(SocketsError::Twice(name)),
        }
    }

    /// Makes a program inherit them, which must be run in place of this one. What is returned must live until then.
    ///
    /// # Errors
    /// When there are too few descriptors.
    pub fn hand_over(self, command: &mut Command) -> Result<Vec<OwnedFd>, SocketsError> {
        let named = [(self.plain, PLAIN), (self.encrypted, ENCRYPTED)];
        let (listeners, names): (Vec<_>, Vec<_>) = named
            .into_iter()
            .filter_map(|(listener, name)| Some((listener?, name)))
            .unzip();
        let row = in_a_row(&listeners).map_err(SocketsError::HandOver)?;
        for socket in &row {
            rustix::io::fcntl_setfd(socket, FdFlags::empty())
                .map_err(|error| SocketsError::HandOver(error.into()))?;
        }
        if let Some(first) = row.first() {
            command
                .env("LISTEN_FDS", row.len().to_string())
                // The program that runs in place of this one has its number.
                .env("LISTEN_PID", std::process::id().to_string())
                .env("LISTEN_FDNAMES", names.join(":"))
                .env("LISTEN_FDS_FIRST_FD", first.as_raw_fd().to_string());
        }
        Ok(row)
    }
}

/// By its name; without names the second one is encrypted. A unit's default name says nothing of it.
fn is_encrypted(names: &[&str], index: usize) -> bool {
    match names.get(index).copied().unwrap_or_default() {
        ENCRYPTED => true,
        PLAIN => false,
        _ => index == 1,
    }
}

/// The protocol wants numbers without a gap.
fn in_a_row(listeners: &[TcpListener]) -> std::io::Result<Vec<OwnedFd>> {
    for first in FIRST_NUMBER..FIRST_NUMBER + TRIES_MAX {
        let row = (first..)
            .zip(listeners)
            .map(|(number, listener)| Ok(rustix::io::fcntl_dupfd_cloexec(listener, number)?));
        let row = row.collect::<std::io::Result<Vec<OwnedFd>>>()?;
        if (first..)
            .zip(&row)
            .all(|(number, socket)| socket.as_raw_fd() == number)
        {
            return Ok(row);
        }
    }
    Err(std::io::Error::other("no free numbers lie side by side"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener() -> TcpListener {
        TcpListener::bind(("127.0.0.1", 0)).unwrap()
    }

    #[test]
    fn sockets_are_told_apart_by_name_and_else_by_order() {
        for (names, expected) in [
            ("http:https", [false, true]),
            ("https:http", [true, false]),
            ("", [false, true]),
            ("zygo.socket:zygo.socket", [false, true]),
        ] {
            let names: Vec<&str> = names.split(':').collect();
            assert_eq!([0, 1].map(|index| is_encrypted(&names, index)), expected);
        }
    }

    #[test]
    fn two_for_one_use_are_refused() {
        let mut listeners = Listeners::default();
        listeners.put(false, listener()).unwrap();
        let twice = listeners.put(false, listener());
        assert!(matches!(twice, Err(SocketsError::Twice("http"))));
    }

    #[test]
    fn what_is_handed_over_lies_in_a_row_and_is_inherited() {
        let listeners = Listeners {
            plain: Some(listener()),
            encrypted: Some(listener()),
        };
        let mut command = Command::new("true");
        let row = listeners.hand_over(&mut command).unwrap();
        assert_eq!(row[1].as_raw_fd(), row[0].as_raw_fd() + 1);
        for socket in &row {
            assert_eq!(rustix::io::fcntl_getfd(socket).unwrap(), FdFlags::empty());
        }
        let told: Vec<_> = command
            .get_envs()
            .map(|(name, _)| name.to_owned())
            .collect();
        assert!(told.contains(&"LISTEN_FDS".into()) && told.len() == 4);
    }
}
