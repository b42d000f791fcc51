//! One file into a data folder: all of it is unpacked beside what is there, and looked at; then names change places.
//!
//! ```text
//!  restoring.part/          being unpacked and checked; the folder is as before
//!  restoring/               checked; from here on a platform refuses to start until all is in its place
//!  before-restore-<time>/   what was there before
//! ```

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use flate2::read::GzDecoder;
use tar::Archive;

use super::BackupError;
use super::folder::{Digesting, sync, walk};
use super::manifest::{Entry, FORMAT, Manifest, NAME};
use crate::config::Config;
use crate::store::{self, FolderLock, LOCK, RESTORING, Schema};
use crate::{seal, time};

const PART: &str = "restoring.part";
const BEFORE: &str = "before-restore-";

/// What a backup may hold, by the first part of the path.
const TOP: [&str; 6] = [
    "state.db",
    "telemetry.db",
    "archives",
    "dependencies",
    "certificates",
    "master.key",
];

/// What came of it.
#[derive(Debug)]
pub(crate) struct Restored {
    pub(crate) manifest: Manifest,
    /// Where what was there before lies now.
    pub(crate) put_aside: Option<PathBuf>,
    /// Master keys without which some values cannot be opened.
    pub(crate) keys_missing: Vec<String>,
}

/// Restores a backup into the data folder of these settings, which nobody may use meanwhile.
pub(crate) async fn restore(
    file: &Path,
    config: &Config,
    key_file: Option<&Path>,
    force: bool,
) -> Result<Restored, BackupError> {
    let data = &config.data_dir;
    let failed = |error| BackupError::files(data, error);
    // Before a folder is made for nothing.
    File::open(file).map_err(|error| BackupError::files(file, error))?;
    let _lock = FolderLock::take(data, Duration::ZERO)?;
    let there = contents(data).map_err(failed)?;
    if !there.is_empty() && !force {
        return Err(BackupError::NotEmpty(data.display().to_string()));
    }
    let part = data.join(PART);
    let staged = stage(file, &part, key_file).await;
    let manifest = match staged {
        Ok(manifest) => manifest,
        Err(error) => {
            // Nothing was changed but this folder.
            let _ = fs::remove_dir_all(&part);
            return Err(error);
        }
    };
    let put_aside = change_places(data, &there).map_err(failed)?;
    let known = seal::key_ids(config)?;
    let keys_missing = manifest.key_ids.iter().filter(|id| !known.contains(id));
    Ok(Restored {
        keys_missing: keys_missing.cloned().collect(),
        manifest,
        put_aside,
    })
}

/// What a data folder holds that is worth something.
fn contents(data: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(data)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if ![LOCK, PART, "lost+found"].contains(&name.as_str()) && !name.starts_with(BEFORE) {
            names.push(name);
        }
    }
    Ok(names)
}

/// Unpacks and looks at everything.
async fn stage(file: &Path, part: &Path, key_file: Option<&Path>) -> Result<Manifest, BackupError> {
    let failed = |error| BackupError::files(part, error);
    if part.exists() {
        fs::remove_dir_all(part).map_err(failed)?;
    }
    DirBuilder::new().mode(0o700).create(part).map_err(failed)?;
    let not_whole = |reason: String| BackupError::NotWhole {
        file: file.display().to_string(),
        reason,
    };
    unpack(file, part).map_err(|error| not_whole(error.to_string()))?;
    let text = fs::read(part.join(NAME)).map_err(|_| not_whole("it has no manifest".to_owned()))?;
    check_format(file, &text)?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| not_whole(error.to_string()))?;
    fs::remove_file(part.join(NAME)).map_err(failed)?;
    if let Some(wrong) = difference(part, &manifest).map_err(failed)? {
        return Err(not_whole(wrong));
    }
    if manifest.database == "sqlite" && !manifest.has("state.db") {
        return Err(not_whole("it has no state.db".to_owned()));
    }
    for schema in [Schema::State, Schema::Telemetry] {
        let name = format!("{}.db", schema.name());
        if manifest.has(&name) {
            store::check(&part.join(name), schema, true).await?;
        }
    }
    if let Some(key_file) = key_file {
        let copied = fs::copy(key_file, part.join("master.key"));
        copied.map_err(|error| BackupError::files(key_file, error))?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(part.join("master.key"), mode).map_err(failed)?;
    }
    Ok(manifest)
}

fn unpack(file: &Path, part: &Path) -> io::Result<()> {
    let mut archive = Archive::new(GzDecoder::new(File::open(file)?));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let mut parts = path.components();
        let first = match parts.next() {
            Some(Component::Normal(first)) => first.to_string_lossy().into_owned(),
            _ => String::new(),
        };
        let is_plain = parts.all(|part| matches!(part, Component::Normal(_)));
        let is_known = first == NAME || TOP.contains(&first.as_str());
        entry.set_preserve_permissions(true);
        // It refuses what would lie outside, also by way of a link.
        if !(is_plain && is_known && entry.unpack_in(part)?) {
            return Err(io::Error::other(format!(
                "it holds {}, which no backup does",
                path.display()
            )));
        }
    }
    Ok(())
}

/// A later format may have another shape altogether.
fn check_format(file: &Path, text: &[u8]) -> Result<(), BackupError> {
    let value: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
    let format = value["format"]
        .as_u64()
        .and_then(|it| u32::try_from(it).ok());
    match format {
        Some(format) if format > FORMAT => Err(BackupError::Newer {
            file: file.display().to_string(),
            format,
            version: value["version"].as_str().unwrap_or("?").to_owned(),
            known: FORMAT,
        }),
        _ => Ok(()),
    }
}

/// What was unpacked and the manifest must be the same; what is not.
fn difference(part: &Path, manifest: &Manifest) -> io::Result<Option<String>> {
    let mut seen = BTreeSet::new();
    for path in walk(part)? {
        let meta = fs::symlink_metadata(&path)?;
        if meta.is_dir() {
            continue;
        }
        let name = path.strip_prefix(part).unwrap_or(&path);
        let name = name.to_string_lossy().into_owned();
        let is_same = match manifest.entries.get(&name) {
            None => return Ok(Some(format!("{name} is not in its manifest"))),
            Some(Entry::Link { to }) => {
                meta.is_symlink() && fs::read_link(&path)?.to_string_lossy() == *to
            }
            Some(Entry::File { bytes, sha256 }) if meta.is_file() => {
                let mut read = Digesting::new(File::open(&path)?);
                io::copy(&mut read, &mut io::sink())?;
                read.bytes == *bytes && read.digest() == *sha256
            }
            Some(Entry::File { .. }) => false,
        };
        if !is_same {
            return Ok(Some(format!("{name} is not what its manifest says")));
        }
        seen.insert(name);
    }
    let lost = manifest.entries.keys().find(|name| !seen.contains(*name));
    Ok(lost.map(|name| format!("{name} is missing")))
}

/// Names change places; a crash in between is told by the folder that is left.
fn change_places(data: &Path, there: &[String]) -> io::Result<Option<PathBuf>> {
    let staged = data.join(RESTORING);
    let aside = data.join(format!("{BEFORE}{}", time::now_unix_ms()));
    if !there.is_empty() {
        DirBuilder::new().mode(0o700).create(&aside)?;
    }
    // One that was cut off before has this name already.
    for name in there.iter().filter(|name| *name == RESTORING) {
        fs::rename(data.join(name), aside.join(name))?;
    }
    fs::rename(data.join(PART), &staged)?;
    sync(data)?;
    for name in there.iter().filter(|name| *name != RESTORING) {
        fs::rename(data.join(name), aside.join(name))?;
    }
    for entry in fs::read_dir(&staged)? {
        let entry = entry?;
        fs::rename(entry.path(), data.join(entry.file_name()))?;
    }
    sync(data)?;
    fs::remove_dir(&staged)?;
    sync(data)?;
    Ok((!there.is_empty()).then_some(aside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{Wanted, write};
    use crate::secret::Secret;

    const ALL: Wanted = Wanted {
        telemetry: true,
        keys: true,
    };

    /// One whose state is elsewhere, so that there are only files.
    fn config(folder: &Path) -> Config {
        Config {
            data_dir: folder.to_owned(),
            database_url: Some(Secret::new("postgres://zygo@nowhere/zygo".to_owned())),
            ..Config::default()
        }
    }

    #[tokio::test]
    async fn packages_keep_their_modes_and_links() {
        let [one, other, kept] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let tree = one.path().join("dependencies/0123/tree");
        fs::create_dir_all(tree.join("bin")).unwrap();
        fs::write(tree.join("module"), "x").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(tree.join("module"), mode).unwrap();
        std::os::unix::fs::symlink("../module", tree.join("bin/module")).unwrap();
        fs::write(one.path().join("dependencies/0123/log"), "").unwrap();
        // One that is being made, and an archive that is.
        fs::create_dir_all(one.path().join("dependencies/4567.new-0/tree")).unwrap();
        fs::create_dir_all(one.path().join("archives/aa")).unwrap();
        for name in ["aa11.tar.gz", "aa22.tar.gz#1"] {
            fs::write(one.path().join("archives/aa").join(name), "code").unwrap();
        }
        let file = kept.path().join("backup");
        let written = write(&config(one.path()), &file, ALL).await.unwrap();
        assert_eq!(written.manifest.len(), 4, "{:?}", written.manifest);
        let config = config(other.path());
        let restored = restore(&file, &config, None, false).await.unwrap();
        assert_eq!(restored.manifest, written.manifest);
        let link = other.path().join("dependencies/0123/tree/bin/module");
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("../module"));
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(link).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o755);
        assert!(other.path().join("archives/aa/aa11.tar.gz").exists());
    }
}
