//! Puts a folder into an archive: what git would keep, without what the platform makes itself.

use std::io::{Cursor, Write};
use std::path::Path;

use ignore::WalkBuilder;
use zip::write::SimpleFileOptions;

use super::failure::Failure;

/// Never packed: other people's packages, which the platform installs, and secrets.
const LEFT_OUT: [&str; 8] = [
    ".git",
    "node_modules",
    ".venv",
    "venv",
    "__pycache__",
    ".env",
    ".DS_Store",
    ".zygo",
];

/// A zip archive of a folder; the same files make the same bytes.
pub(super) fn folder(folder: &Path) -> Result<Vec<u8>, Failure> {
    let mut walk = WalkBuilder::new(folder);
    walk.hidden(false)
        .require_git(false)
        .add_custom_ignore_filename(".zygoignore")
        .sort_by_file_name(Ord::cmp)
        .filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            !LEFT_OUT.contains(&name.as_ref())
        });
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut count = 0;
    for entry in walk.build() {
        let entry = entry.map_err(|error| Failure::Files(error.to_string()))?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let name = entry
            .path()
            .strip_prefix(folder)
            .unwrap_or_else(|_| entry.path());
        let content = std::fs::read(entry.path())?;
        add(&mut archive, &name.to_string_lossy(), &content)?;
        count += 1;
    }
    if count == 0 {
        return Err(Failure::usage(format!(
            "{} has no file to deploy",
            folder.display()
        )));
    }
    finish(archive)
}

/// A zip archive of one file.
pub(super) fn file(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    add(&mut archive, &name, &std::fs::read(path)?)?;
    finish(archive)
}

type Archive = zip::ZipWriter<Cursor<Vec<u8>>>;

fn add(archive: &mut Archive, name: &str, content: &[u8]) -> Result<(), Failure> {
    let options = SimpleFileOptions::default().unix_permissions(0o644);
    let started = archive.start_file(name, options);
    started.map_err(|error| Failure::Files(format!("{name}: {error}")))?;
    Ok(archive.write_all(content)?)
}

fn finish(archive: Archive) -> Result<Vec<u8>, Failure> {
    let done = archive.finish();
    Ok(done
        .map_err(|error| Failure::Files(error.to_string()))?
        .into_inner())
}
