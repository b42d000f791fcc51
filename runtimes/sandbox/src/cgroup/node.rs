//! One group in whichever version: makes it, limits it, reads it, removes it. Knows nothing of zygotes and instances.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::CgroupError;
use super::backend::{Backend, Controller, Filesystem, Victim, value_of, write};
use super::limits::Limits;
use super::retry::within;

const PROCS: &str = "cgroup.procs";

/// A handle; the group itself stays when it is dropped.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) backend: Arc<dyn Backend>,
    /// Below the platform's place.
    pub(super) path: PathBuf,
}

impl Node {
    /// The place itself, which is somebody else's group.
    pub(super) fn place(backend: Arc<dyn Backend>) -> Self {
        let path = PathBuf::new();
        Self { backend, path }
    }

    pub(super) fn child(&self, name: &str) -> Self {
        Self {
            backend: Arc::clone(&self.backend),
            path: self.path.join(name),
        }
    }

    /// Makes the group in every hierarchy, or in none.
    pub(super) fn create(&self) -> Result<(), CgroupError> {
        let Filesystem { make, remove } = self.backend.filesystem();
        let folders = self.backend.folders(&self.path);
        for (index, folder) in folders.iter().enumerate() {
            if let Err(error) = make(folder) {
                folders[..index].iter().for_each(|made| {
                    let _ = remove(made);
                });
                return Err(CgroupError::file("make", folder)(error));
            }
        }
        Ok(())
    }

    /// Makes the group with its limits, or not at all.
    pub(super) fn create_limited(
        &self,
        limits: &Limits,
        victim: Victim,
    ) -> Result<(), CgroupError> {
        self.create()?;
        self.limit(limits, victim).inspect_err(|_| {
            let _ = self.remove(Duration::ZERO);
        })
    }

    fn limit(&self, limits: &Limits, victim: Victim) -> Result<(), CgroupError> {
        for setting in self.backend.settings(limits, victim) {
            let Some(folder) = self.backend.folder(&self.path, setting.controller) else {
                continue;
            };
            let path = folder.join(setting.file);
            match write(&path, &setting.value) {
                Err(error) if Some(error.kind()) == setting.tolerated => {}
                result => result.map_err(CgroupError::file("write to", &path))?,
            }
        }
        Ok(())
    }

    /// The files through which a process attaches itself by writing `0`. Whether it may is decided by who opened them.
    pub(super) fn procs(&self) -> io::Result<Vec<OwnedFd>> {
        let open = |folder: PathBuf| {
            let file = OpenOptions::new().write(true).open(folder.join(PROCS))?;
            Ok(OwnedFd::from(file))
        };
        self.backend
            .folders(&self.path)
            .into_iter()
            .map(open)
            .collect()
    }

    pub(super) fn attach(&self, pid: u32) -> io::Result<()> {
        for folder in self.backend.folders(&self.path) {
            write(&folder.join(PROCS), &pid.to_string())?;
        }
        Ok(())
    }

    /// The group's own processes and those below. Those that are about to be gone are not among them.
    pub(super) fn processes(&self) -> io::Result<BTreeSet<u32>> {
        let mut found = BTreeSet::new();
        for folder in self.backend.folders(&self.path) {
            collect_processes(&folder, &mut found)?;
        }
        Ok(found)
    }

    pub(super) fn children(&self) -> io::Result<Vec<Self>> {
        let mut names = BTreeSet::new();
        for folder in self.backend.folders(&self.path) {
            names.extend(subfolders(&folder)?);
        }
        let child = |name: String| self.child(&name);
        Ok(names.into_iter().map(child).collect())
    }

    /// Removes the group and those below it, trying again while processes are leaving.
    pub(super) fn remove(&self, time: Duration) -> io::Result<()> {
        let mut last = Ok(());
        within(time, || {
            last = self.try_remove();
            let is_busy = |error: &io::Error| error.kind() == ErrorKind::ResourceBusy;
            (!last.as_ref().is_err_and(is_busy)).then_some(())
        });
        last
    }

    fn try_remove(&self) -> io::Result<()> {
        let filesystem = self.backend.filesystem();
        let mut folders = self.backend.folders(&self.path).into_iter();
        folders.try_for_each(|folder| remove_tree(filesystem, &folder))
    }

    pub(super) fn file(&self, controller: Controller, file: &str) -> io::Result<PathBuf> {
        let folder = self.backend.folder(&self.path, controller);
        let missing = || {
            let what = format!("{controller} is not mounted");
            io::Error::new(ErrorKind::Unsupported, what)
        };
        Ok(folder.ok_or_else(missing)?.join(file))
    }

    fn read(&self, controller: Controller, file: &str) -> io::Result<String> {
        fs::read_to_string(self.file(controller, file)?)
    }

    /// Of the group itself, and of those below where the kernel counts that way.
    pub(super) fn out_of_memory_kills(&self) -> io::Result<u64> {
        let text = self.read(Controller::Memory, self.backend.files().memory_events)?;
        value_of(&text, "oom_kill").ok_or_else(unreadable)
    }

    pub(super) fn memory_peak(&self) -> io::Result<u64> {
        self.number(self.backend.files().memory_peak)
    }

    pub(super) fn memory_now(&self) -> io::Result<u64> {
        self.number(self.backend.files().memory_now)
    }

    /// Processes and threads that are in there now.
    pub(super) fn tasks(&self) -> io::Result<u64> {
        let text = self.read(Controller::Pids, "pids.current")?;
        text.trim().parse().map_err(|_| unreadable())
    }

    fn number(&self, file: &str) -> io::Result<u64> {
        let text = self.read(Controller::Memory, file)?;
        text.trim().parse().map_err(|_| unreadable())
    }

    pub(super) fn cpu_usage(&self) -> io::Result<Duration> {
        let text = self.read(Controller::Cpuacct, self.backend.files().cpu_usage)?;
        self.backend.parse_cpu_usage(&text).ok_or_else(unreadable)
    }
}

fn unreadable() -> io::Error {
    io::Error::new(ErrorKind::Unsupported, "this kernel does not count that")
}

fn collect_processes(folder: &Path, found: &mut BTreeSet<u32>) -> io::Result<()> {
    let text = match fs::read_to_string(folder.join(PROCS)) {
        // Removed in the meantime, so without processes.
        Err(error) if is_gone(&error) => return Ok(()),
        result => result?,
    };
    // The kernel writes 0 for processes outside of our namespace, about whom nothing can be done.
    let pids = text.lines().filter_map(|line| line.parse::<u32>().ok());
    found.extend(pids.filter(|pid| *pid != 0));
    for name in subfolders(folder)? {
        collect_processes(&folder.join(name), found)?;
    }
    Ok(())
}

fn subfolders(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if is_gone(&error) => return Ok(Vec::new()),
        result => result?,
    };
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let folders = entries.flatten().filter(is_folder);
    Ok(folders
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect())
}

fn remove_tree(filesystem: Filesystem, folder: &Path) -> io::Result<()> {
    for name in subfolders(folder)? {
        remove_tree(filesystem, &folder.join(name))?;
    }
    match (filesystem.remove)(folder) {
        Err(error) if is_gone(&error) => Ok(()),
        result => result,
    }
}

/// The kernel says `ENODEV` of an open file whose group was removed.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
        || error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error())
}
