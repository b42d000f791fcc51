//! What was installed, by digest, so that what somebody has changed since is told from what only an older version wrote.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::files::{Content, Planned};
use crate::cli::failure::Failure;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    Renewed,
    Unchanged,
    /// Somebody has changed it.
    Kept,
    Removed,
    Absent,
}

impl Outcome {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Renewed => "renewed",
            Self::Unchanged => "unchanged",
            Self::Kept => "kept",
            Self::Removed => "removed",
            Self::Absent => "absent",
        }
    }

    /// What is to be said of it, besides.
    pub(super) fn note(self, path: &Path) -> String {
        match self {
            Self::Kept => format!(
                " (it was changed; what would be written lies beside it as {}.new)",
                path.file_name().unwrap_or_default().to_string_lossy()
            ),
            _ => String::new(),
        }
    }
}

/// All that was installed below a root.
#[derive(Debug)]
pub(super) struct Record {
    root: PathBuf,
    file: PathBuf,
    digests: BTreeMap<PathBuf, String>,
}

impl Record {
    pub(super) fn read(root: &Path, prefix: &Path) -> Result<Self, Failure> {
        let file = below(root, &prefix.join("lib/zygo/installed.json"));
        let digests = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| Failure::Files(format!("{}: {error}", file.display())))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(failed(&file, &error)),
        };
        Ok(Self {
            root: root.to_owned(),
            file,
            digests,
        })
    }

    pub(super) fn write(&self) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(&self.digests).unwrap_or_default();
        replace(&self.file, 0o644, |file| file.write_all(&text))
            .map_err(|error| failed(&self.file, &error))
    }

    /// Puts a file in its place, unless somebody has changed the one that is there.
    pub(super) fn put(&mut self, planned: &Planned, dry_run: bool) -> Result<Outcome, Failure> {
        let place = below(&self.root, &planned.path);
        let wanted = digest_of(&planned.content).map_err(|error| failed(&planned.path, &error))?;
        let there = digest(&place).map_err(|error| failed(&place, &error))?;
        let known = self.digests.get(&planned.path);
        let outcome = match &there {
            None => Outcome::Written,
            Some(there) if *there == wanted => Outcome::Unchanged,
            Some(there) if Some(there) == known => Outcome::Renewed,
            Some(_) => Outcome::Kept,
        };
        if dry_run {
            return Ok(outcome);
        }
        let mut beside = place.clone().into_os_string();
        beside.push(".new");
        let target = match outcome {
            Outcome::Written | Outcome::Renewed => Some(place.as_path()),
            Outcome::Kept => Some(Path::new(&beside)),
            _ => None,
        };
        if let Some(target) = target {
            put(planned, target).map_err(|error| failed(target, &error))?;
        }
        if outcome != Outcome::Kept {
            self.digests.insert(planned.path.clone(), wanted);
        }
        Ok(outcome)
    }

    /// Removes what is as it was written, and at last the record.
    pub(super) fn remove_all(&mut self, dry_run: bool) -> Result<Vec<(PathBuf, Outcome)>, Failure> {
        let mut outcomes = Vec::new();
        for (path, known) in &self.digests {
            let place = below(&self.root, path);
            let there = digest(&place).map_err(|error| failed(&place, &error))?;
            let outcome = match there {
                None => Outcome::Absent,
                Some(there) if there == *known => Outcome::Removed,
                Some(_) => Outcome::Kept,
            };
            if outcome == Outcome::Removed && !dry_run {
                fs::remove_file(&place).map_err(|error| failed(&place, &error))?;
            }
            outcomes.push((path.clone(), outcome));
        }
        if !dry_run && !outcomes.is_empty() {
            fs::remove_file(&self.file).map_err(|error| failed(&self.file, &error))?;
            // Folders of ours, when nothing is left in them.
            for folder in [
                self.file.parent(),
                Some(below(&self.root, Path::new("/etc/zygo")).as_path()),
            ] {
                let _ = folder.map(fs::remove_dir);
            }
        }
        Ok(outcomes)
    }
}

fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Files(format!("{}: {error}", path.display()))
}

fn put(planned: &Planned, place: &Path) -> io::Result<()> {
    match &planned.content {
        Content::Text(text) => replace(place, planned.mode, |file| file.write_all(text.as_bytes())),
        Content::Copy(from) => {
            let mut from = fs::File::open(from)?;
            replace(place, planned.mode, |file| {
                io::copy(&mut from, file).map(drop)
            })
        }
        Content::Link(to) => {
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            let beside = temporary(place);
            let _ = fs::remove_file(&beside);
            symlink(to, &beside)?;
            fs::rename(beside, place)
        }
    }
}

/// Whole or not at all: a program may be running from what is replaced.
fn replace(
    place: &Path,
    mode: u32,
    write: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> io::Result<()> {
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = temporary(place);
    let _ = fs::remove_file(&beside);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = options.open(&beside)?;
    write(&mut file)?;
    // Whatever the umask says.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.sync_all()?;
    fs::rename(beside, place)
}

fn temporary(place: &Path) -> PathBuf {
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    place.with_file_name(format!(".{name}.installing"))
}

fn digest_of(content: &Content) -> io::Result<String> {
    Ok(match content {
        Content::Text(text) => hex::encode(Sha256::digest(text)),
        Content::Copy(from) => digest(from)?.unwrap_or_default(),
        Content::Link(to) => link_digest(to),
    })
}

fn link_digest(to: &Path) -> String {
    format!("-> {}", to.display())
}

/// Of what lies there, if anything does.
fn digest(place: &Path) -> io::Result<Option<String>> {
    match fs::symlink_metadata(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(found) if found.is_symlink() => Ok(Some(link_digest(&fs::read_link(place)?))),
        Ok(_) => {
            let mut file = fs::File::open(place)?;
            let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
            loop {
                match file.read(&mut buffer)? {
                    0 => return Ok(Some(hex::encode(hasher.finalize()))),
                    len => hasher.update(&buffer[..len]),
                }
            }
        }
    }
}
