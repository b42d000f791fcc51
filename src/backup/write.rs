//! A data folder into one file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::folder::{Digesting, sync, walk};
use super::manifest::{Entry, Manifest, NAME};
use super::{BackupError, manifest};
use crate::artifact;
use crate::config::Config;
use crate::store::{self, Named, Schema};

/// How often all is begun anew when an archive vanished meanwhile.
const TRIES_MAX: u32 = 3;

/// What is to be in it, besides what must.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Logs and records of invocations.
    pub(crate) telemetry: bool,
    /// The master key, and certificates with their keys.
    pub(crate) keys: bool,
}

/// A backup that was made.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) manifest: Manifest,
    pub(crate) bytes: u64,
    /// SHA-256 of the whole file.
    pub(crate) digest: String,
}

/// Makes a backup. The file is there when it is whole, and not before.
pub(crate) async fn write(
    config: &Config,
    to: &Path,
    wanted: Wanted,
) -> Result<Written, BackupError> {
    let folder = to.parent().filter(|folder| *folder != Path::new(""));
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let failed = |error| BackupError::files(to, error);
    let staging =
        tempfile::tempdir_in(folder).map_err(|error| BackupError::files(folder, error))?;
    let part = staging.path().join("part");
    let mut tries = 1;
    let written = loop {
        match write_once(config, &part, staging.path(), wanted).await {
            Err(BackupError::ArchiveMissing(_)) if tries < TRIES_MAX => tries += 1,
            written => break written?,
        }
    };
    fs::rename(&part, to).map_err(failed)?;
    sync(folder).map_err(failed)?;
    Ok(written)
}

async fn write_once(
    config: &Config,
    to: &Path,
    staging: &Path,
    wanted: Wanted,
) -> Result<Written, BackupError> {
    let data = &config.data_dir;
    let is_sqlite = config.database_url.is_none();
    let mut file = Backup::create(to, if is_sqlite { "sqlite" } else { "postgresql" })?;
    let named = match is_sqlite {
        true => Some(databases(config, &mut file, staging, wanted).await?),
        false => None,
    };
    let is_named = |names: &dyn Fn(&Named) -> &Vec<String>, name: &str| {
        let listed = named.as_ref().map(names);
        listed.is_none_or(|listed| listed.iter().any(|one| one == name))
    };
    for name in children(&data.join("archives"))? {
        for archive in children(&name)? {
            let digest = stem(&archive);
            if !digest.contains('#') && is_named(&|named| &named.archives, &digest) {
                file.add(data, &archive)?;
            }
        }
    }
    for tree in children(&data.join("dependencies"))? {
        let key = name_of(&tree);
        let is_whole = tree.join("log").is_file();
        if is_whole && is_named(&|named| &named.dependencies, &key) {
            file.add(data, &tree)?;
        }
    }
    if wanted.keys {
        for name in ["master.key", "certificates"] {
            let path = data.join(name);
            if path.exists() {
                file.add(data, &path)?;
            }
        }
    }
    if let Some(named) = named {
        let lost = |digest: &&String| !file.manifest.has(&archive_name(digest));
        if let Some(digest) = named.archives.iter().find(lost) {
            return Err(BackupError::ArchiveMissing(digest.clone()));
        }
        file.manifest.key_ids = named.key_ids;
    }
    file.finish()
}

/// The state, and what it names; then the telemetry.
async fn databases(
    config: &Config,
    file: &mut Backup,
    staging: &Path,
    wanted: Wanted,
) -> Result<Named, BackupError> {
    let mut named = None;
    for schema in [Schema::State, Schema::Telemetry] {
        let name = format!("{}.db", schema.name());
        let (from, copy) = (config.data_dir.join(&name), staging.join(&name));
        let is_wanted = schema == Schema::State || wanted.telemetry;
        if !is_wanted {
            continue;
        }
        if !from.is_file() {
            return Err(BackupError::NoState(config.data_dir.display().to_string()));
        }
        // Of an earlier try.
        let _ = fs::remove_file(&copy);
        store::snapshot(&from, &copy).await?;
        if schema == Schema::State {
            named = Some(store::named_in(&copy).await?);
        }
        file.add(staging, &copy)?;
    }
    named.ok_or_else(|| BackupError::NoState(config.data_dir.display().to_string()))
}

fn archive_name(digest: &str) -> String {
    format!("archives/{}", artifact::place(digest))
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn stem(path: &Path) -> String {
    name_of(path).trim_end_matches(artifact::SUFFIX).to_owned()
}

/// What lies in a folder, sorted; nothing when there is none.
fn children(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let failed = |error| BackupError::files(folder, error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<_>>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// The file while it is being written.
struct Backup {
    path: PathBuf,
    tar: Builder<GzEncoder<Digesting<File>>>,
    manifest: Manifest,
}

impl Backup {
    fn create(path: &Path, database: &str) -> Result<Self, BackupError> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options
            .open(path)
            .map_err(|error| BackupError::files(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            tar: Builder::new(GzEncoder::new(Digesting::new(file), Compression::fast())),
            manifest: manifest::Manifest::new(database),
        })
    }

    /// Adds a file, or a folder with all that is in it, by its path below `base`.
    fn add(&mut self, base: &Path, path: &Path) -> Result<(), BackupError> {
        let found = walk(path).map_err(|error| BackupError::files(path, error))?;
        found.iter().try_for_each(|path| {
            let name = path.strip_prefix(base).unwrap_or(path);
            self.add_one(name, path)
                .map_err(|error| BackupError::files(path, error))
        })
    }

    fn add_one(&mut self, name: &Path, path: &Path) -> io::Result<()> {
        let meta = fs::symlink_metadata(path)?;
        let mut header = Header::new_gnu();
        header.set_metadata(&meta);
        let key = name.to_string_lossy().into_owned();
        let entry = if meta.is_dir() {
            header.set_size(0);
            return self.tar.append_data(&mut header, name, io::empty());
        } else if meta.is_symlink() {
            let to = fs::read_link(path)?;
            header.set_size(0);
            header.set_entry_type(EntryType::Symlink);
            self.tar.append_link(&mut header, name, &to)?;
            Entry::Link {
                to: to.to_string_lossy().into_owned(),
            }
        } else {
            let mut read = Digesting::new(File::open(path)?);
            self.tar.append_data(&mut header, name, &mut read)?;
            Entry::File {
                bytes: read.bytes,
                sha256: read.digest(),
            }
        };
        self.manifest.entries.insert(key, entry);
        Ok(())
    }

    fn finish(mut self) -> Result<Written, BackupError> {
        let path = self.path.clone();
        let finish = || -> io::Result<Written> {
            let text = serde_json::to_vec_pretty(&self.manifest)?;
            let mut header = Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o600);
            self.tar.append_data(&mut header, NAME, text.as_slice())?;
            let mut file = self.tar.into_inner()?.finish()?;
            file.flush()?;
            file.inner.sync_all()?;
            Ok(Written {
                manifest: self.manifest,
                bytes: file.bytes,
                digest: file.digest(),
            })
        };
        finish().map_err(|error| BackupError::files(&path, error))
    }
}
