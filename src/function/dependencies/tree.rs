//! Trees of packages on the disk: linked into a function's folder rather than copied, because they are large and there
//! may be many versions.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Puts a tree at another place by hard links; by copies where the file system has none.
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    walk(from, to, &|from, to| match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => fs::copy(from, to).map(drop),
        linked => linked,
    })
}

/// Copies a tree.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    walk(from, to, &|from, to| fs::copy(from, to).map(drop))
}

/// Symbolic links stay what they are when they lead to somewhere inside, and are left out otherwise.
fn walk(from: &Path, to: &Path, put: &impl Fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            walk(&entry.path(), &target, put)?;
        } else if kind.is_file() {
            put(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            let leads_to = fs::read_link(entry.path())?;
            if leads_to.is_relative() {
                std::os::unix::fs::symlink(leads_to, target)?;
            }
        }
    }
    Ok(())
}

/// All plain files below a folder.
pub(super) fn files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files(&entry.path(), found)?;
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    Ok(())
}

/// Waits until the disk has everything that was written.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(fs::File::open(folder)?)?)
}
