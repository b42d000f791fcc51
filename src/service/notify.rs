//! Words to the service manager: one datagram each, to the socket that `NOTIFY_SOCKET` names.
//!
//! A manager that cannot be told is no reason not to serve: it is logged.

use std::ffi::{OsStr, OsString};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::ClockId;

/// Tells the service manager, if there is one. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Notifier {
    manager: Option<Arc<(UnixDatagram, SocketAddr)>>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// Finds the manager by the environment.
    #[must_use]
    pub fn of_environment() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
            return Self::default();
        };
        let opened = address(&name)
            .and_then(|address| Ok(Some(Arc::new((UnixDatagram::unbound()?, address)))));
        let manager = opened.unwrap_or_else(|error| {
            tracing::warn!(%error, ?name, "the service manager cannot be told anything");
            None
        });
        let watchdog = watchdog(
            std::env::var("WATCHDOG_USEC").ok().as_deref(),
            std::env::var("WATCHDOG_PID").ok().as_deref(),
            std::process::id(),
        );
        Self { manager, watchdog }
    }

    /// How often the manager wants to hear that the platform lives; beyond that it ends it.
    #[must_use]
    pub fn watchdog(&self) -> Option<Duration> {
        self.manager.as_ref()?;
        self.watchdog
    }

    /// It serves.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// It takes up its settings and its program anew, and will say when it is ready again.
    pub fn reloading(&self) {
        let now = rustix::time::clock_gettime(ClockId::Monotonic);
        let us = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
        self.tell(&format!(
            "RELOADING=1\nMONOTONIC_USEC={us}\nSTATUS=handing over to the new program"
        ));
    }

    /// It ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=draining");
    }

    /// It lives.
    pub fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    /// What it does, for people.
    pub fn status(&self, status: &str) {
        self.tell(&format!("STATUS={status}"));
    }

    fn tell(&self, words: &str) {
        let Some(manager) = &self.manager else { return };
        let (socket, address) = &**manager;
        if let Err(error) = socket.send_to_addr(words.as_bytes(), address) {
            tracing::warn!(%error, words, "the service manager was not told");
        }
    }
}

/// A path, or a name without a file that begins with `@`.
fn address(name: &OsString) -> std::io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        [b'/', ..] => SocketAddr::from_pathname(OsStr::new(name)),
        _ => Err(std::io::Error::other(
            "NOTIFY_SOCKET is neither a path nor a name with `@`",
        )),
    }
}

/// Half of the time after which the manager takes the platform for dead, so that one word may be late.
fn watchdog(us: Option<&str>, pid: Option<&str>, own: u32) -> Option<Duration> {
    let is_ours = pid.is_none_or(|pid| pid.parse() == Ok(own));
    let us: u64 = us.filter(|_| is_ours)?.parse().ok()?;
    (us > 0).then(|| Duration::from_micros(us) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watchdog_is_heeded_when_it_is_meant_for_this_process() {
        let half = Some(Duration::from_secs(15));
        for (us, pid, expected) in [
            (Some("30000000"), Some("7"), half),
            (Some("30000000"), None, half),
            (Some("30000000"), Some("8"), None),
            (Some("0"), Some("7"), None),
            (Some("soon"), Some("7"), None),
            (None, Some("7"), None),
        ] {
            assert_eq!(watchdog(us, pid, 7), expected, "{us:?} {pid:?}");
        }
    }

    #[test]
    fn both_kinds_of_names_are_understood() {
        assert!(address(&"@zygo".into()).unwrap().as_pathname().is_none());
        assert!(address(&"/run/x".into()).unwrap().as_pathname().is_some());
        assert!(address(&"vsock:2:1".into()).is_err());
    }
}
