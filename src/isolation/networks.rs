//! Which addresses functions may reach: a control group for each policy, in which the kernel judges every connection. What
//! is judged by, the machine's own addresses and its resolvers, changes, and is looked at again now and then.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zygo_sandbox::egress::{self, Egress, EgressError, Policy};
use zygo_wire::Network;

/// What the names of the platform's folders begin with; its process id follows.
const PREFIX: &str = "zygo-net-";

/// Why there are no policies.
#[derive(Debug, thiserror::Error)]
pub(super) enum NetworkError {
    /// The machine has no control groups of version 2.
    #[error(
        "no control groups of version 2 are mounted: mount them with `mount -t cgroup2 none /sys/fs/cgroup`"
    )]
    NoCgroup2,
    /// The platform may not make groups.
    #[error("no control group can be made in {0}: the platform must be run by root")]
    Folder(PathBuf, #[source] io::Error),
    /// The machine does not tell its addresses.
    #[error("the machine's own addresses cannot be read")]
    Addresses(#[source] io::Error),
    /// The kernel does not take the policy.
    #[error(transparent)]
    Egress(#[from] EgressError),
}

/// The policies in force.
#[derive(Debug)]
pub(crate) struct Networks {
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    facts: Facts,
    internet: Egress,
    all: Egress,
}

/// What policies are made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Facts {
    own: BTreeSet<IpAddr>,
    resolvers: Vec<IpAddr>,
    /// Where the platform itself listens.
    ports: Vec<u16>,
}

impl Facts {
    fn gather(ports: Vec<u16>) -> io::Result<Self> {
        Ok(Self {
            own: egress::own_addresses()?,
            // Without any, names are resolved by nobody, and nothing is to be let through.
            resolvers: egress::resolvers().unwrap_or_default(),
            ports,
        })
    }

    fn internet(&self) -> Policy {
        Policy::internet(self.resolvers.iter().copied(), self.own.iter().copied())
    }

    fn all(&self) -> Policy {
        Policy::all(self.own.iter().copied(), &self.ports)
    }
}

impl Networks {
    /// Makes a group for each policy. What platforms that are no more have left is removed.
    pub(crate) fn open() -> Result<Self, NetworkError> {
        let mount = egress::cgroup2_mount().ok_or(NetworkError::NoCgroup2)?;
        remove_left_behind(&mount);
        let folder = mount.join(format!("{PREFIX}{}", std::process::id()));
        let facts = Facts::gather(Vec::new()).map_err(NetworkError::Addresses)?;
        let attach = |network, policy: &Policy| -> Result<Egress, NetworkError> {
            let path = folder.join(name(network));
            let made = fs::create_dir_all(&path);
            made.map_err(|source| NetworkError::Folder(mount.clone(), source))?;
            Ok(Egress::attach(&path, policy)?)
        };
        let state = State {
            internet: attach(Network::Internet, &facts.internet())?,
            all: attach(Network::All, &facts.all())?,
            facts,
        };
        Ok(Self {
            folder,
            state: Mutex::new(state),
        })
    }

    /// The opened file by which a process joins the group of a policy; `None` has a namespace instead.
    pub(crate) fn group(&self, network: Network) -> io::Result<Option<OwnedFd>> {
        if network == Network::None {
            return Ok(None);
        }
        let path = self.folder.join(name(network)).join("cgroup.procs");
        Ok(Some(fs::File::options().write(true).open(path)?.into()))
    }

    /// Where the platform listens, which no function may reach.
    pub(crate) fn hide_port(&self, port: u16) {
        let mut facts = self.lock().facts.clone();
        facts.ports.push(port);
        self.become_true(facts);
    }

    /// Looks at the machine again.
    pub(crate) fn refresh(&self) {
        let ports = self.lock().facts.ports.clone();
        match Facts::gather(ports) {
            Ok(facts) => self.become_true(facts),
            Err(error) => tracing::warn!(%error, "the machine's own addresses cannot be read"),
        }
    }

    fn become_true(&self, facts: Facts) {
        let mut state = self.lock();
        if state.facts == facts {
            return;
        }
        let replaced = state.internet.replace(&facts.internet());
        match replaced.and_then(|()| state.all.replace(&facts.all())) {
            // Tried again at the next look.
            Err(error) => tracing::error!(%error, "what functions may reach stays as it was"),
            Ok(()) => state.facts = facts,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        remove(&self.folder);
    }
}

fn name(network: Network) -> &'static str {
    match network {
        Network::Internet => "internet",
        Network::All => "all",
        Network::None => "none",
    }
}

/// Folders of platforms whose process is gone.
fn remove_left_behind(mount: &Path) {
    for entry in fs::read_dir(mount).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove(&entry.path());
        }
    }
}

/// Removes a folder that nobody is in any more; another one stays until the next start.
fn remove(folder: &Path) {
    for network in [Network::Internet, Network::All] {
        let _ = fs::remove_dir(folder.join(name(network)));
    }
    let _ = fs::remove_dir(folder);
}
