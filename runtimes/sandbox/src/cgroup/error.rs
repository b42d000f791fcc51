//! What can go wrong with groups, said so that an operator knows what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::backend::Controller;

/// Why a group could not be had, or could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The machine does not offer what is needed.
    #[error("control groups cannot be used: {}", list(.0))]
    Missing(Vec<Missing>),
    /// Version 2 divides only groups without processes, and here are some that are not ours to move.
    #[error(
        "{folder} holds other processes ({pids:?}) and cannot be divided; start the platform in a group of its own, \
         for example with `systemd-run --scope -p Delegate=yes`"
    )]
    Occupied {
        /// The group in which the platform was started.
        folder: PathBuf,
        /// Who else is in it.
        pids: Vec<u32>,
    },
    /// A file of the kernel could not be used.
    #[error("cannot {what} {path}: {source}{}", hint(.source))]
    File {
        /// A verb.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the kernel says.
        source: io::Error,
    },
    /// Processes were still there when the time was over.
    #[error("processes of {group} did not end in time: {pids:?}")]
    Alive {
        /// The group, below the platform's own folder.
        group: PathBuf,
        /// Which.
        pids: Vec<u32>,
    },
    /// A name that cannot be a folder's.
    #[error("`{0}` cannot be the name of a group: 1 to 128 letters, digits and `-_.@:` are taken")]
    Name(String),
}

impl CgroupError {
    /// Makes an error of the kernel's one, for `map_err`.
    pub(super) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File {
            what,
            path: path.to_owned(),
            source,
        }
    }
}

/// One controller that cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Which.
    pub controller: Controller,
    /// What was found instead.
    pub why: String,
    /// What an operator can do.
    pub remedy: &'static str,
}

impl fmt::Display for Missing {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            controller,
            why,
            remedy,
        } = self;
        write!(to, "{controller} {why} ({remedy})")
    }
}

fn list(missing: &[Missing]) -> String {
    let texts: Vec<String> = missing.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => {
            "; run as root, or in a group that was delegated to this user (`Delegate=yes` in the systemd unit)"
        }
        io::ErrorKind::ReadOnlyFilesystem => "; mount the control groups writable",
        _ => "",
    }
}
