//! The user's files on their way from an upload into a folder. Nothing is written outside that folder, and nothing
//! that the upload says about itself is believed before it is counted.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::manifest::ManifestError;

/// More files are refused.
const FILES_MAX: usize = 20_000;
/// More bytes after unpacking are refused.
const UNPACKED_LEN_MAX: u64 = 250 * 1024 * 1024;
/// Longer paths are refused.
const PATH_LEN_MAX: usize = 512;
/// The build's own folder inside a bundle.
const RESERVED: &str = ".zygo";

/// Files by their path inside the bundle, all checked.
#[derive(Debug, Default)]
pub struct Bundle {
    files: BTreeMap<String, Bytes>,
    unpacked_len: u64,
}

impl Bundle {
    /// A bundle of one file.
    ///
    /// # Errors
    /// When the file is too long.
    pub fn from_code(file: &str, code: String) -> Result<Self, ManifestError> {
        let mut bundle = Self::default();
        bundle.add("/code", file, Bytes::from(code))?;
        Ok(bundle)
    }

    /// Unpacks a zip archive.
    ///
    /// # Errors
    /// When it is no archive, or holds anything but plain files and folders with harmless names.
    pub fn from_zip(archive: &[u8]) -> Result<Self, ManifestError> {
        let broken = |error: zip::result::ZipError| {
            ManifestError::new("/archive", format!("the archive cannot be read: {error}"))
        };
        let mut zip = zip::ZipArchive::new(Cursor::new(archive)).map_err(broken)?;
        if announced_entries(archive, zip.comment().len()).is_some_and(|count| count != zip.len()) {
            return Err(ManifestError::new(
                "/archive",
                "the archive names a file twice",
            ));
        }
        let mut bundle = Self::default();
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).map_err(broken)?;
            if entry.is_dir() {
                continue;
            }
            let name = entry.name().map_err(broken)?.into_owned();
            if local_name(archive, entry.header_start()) != Some(entry.name_raw()) {
                let message = format!("`{name}` has another name where its content begins");
                return Err(ManifestError::new("/archive", message));
            }
            if !is_plain_file(entry.unix_mode()) {
                return Err(ManifestError::new(
                    "/archive",
                    format!("`{name}` is not a plain file"),
                ));
            }
            let content = bundle.read_bounded(&mut entry, &name)?;
            bundle.add("/archive", &name, content)?;
        }
        Ok(bundle)
    }

    /// Adds one file; `pointer` is the request's field that it came from.
    ///
    /// # Errors
    /// When its path is not harmless, or the bundle has no room for it.
    pub fn add(&mut self, pointer: &str, path: &str, content: Bytes) -> Result<(), ManifestError> {
        check_path(path).map_err(|rule| {
            ManifestError::new(
                pointer,
                format!("`{}` cannot be a file's path: {rule}", path.escape_debug()),
            )
        })?;
        self.unpacked_len += content.len() as u64;
        if self.unpacked_len > UNPACKED_LEN_MAX || self.files.len() >= FILES_MAX {
            return Err(too_large(pointer));
        }
        if let Some(other) = self.conflict(path) {
            let message =
                format!("`{path}` and `{other}` cannot both be there: one is the other's folder");
            return Err(ManifestError::new(pointer, message));
        }
        if self.files.insert(path.to_owned(), content).is_some() {
            return Err(ManifestError::new(
                pointer,
                format!("`{path}` is there twice"),
            ));
        }
        Ok(())
    }

    /// A file whose path is a folder of this one's, or the other way round.
    fn conflict(&self, path: &str) -> Option<&str> {
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        let above = folders
            .filter_map(|folder| self.files.get_key_value(folder))
            .next();
        let prefix = format!("{path}/");
        let below = || {
            self.files
                .range(prefix.clone()..)
                .next()
                .filter(|(file, _)| file.starts_with(&prefix))
        };
        above.or_else(below).map(|(file, _)| file.as_str())
    }

    /// Whether there is no file at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Writes all files below a new folder.
    ///
    /// # Errors
    /// When the disk refuses, or one file's path is another's folder.
    pub fn write_to(&self, directory: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(directory)?;
        for (path, content) in &self.files {
            let target: PathBuf = directory.join(path);
            if let Some(parent) = target.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(target, content)?;
        }
        Ok(())
    }

    /// An archive's own word on sizes may be a lie, so what comes out is counted.
    fn read_bounded(&self, entry: &mut impl Read, name: &str) -> Result<Bytes, ManifestError> {
        let room = UNPACKED_LEN_MAX - self.unpacked_len;
        let mut content = Vec::new();
        entry
            .take(room + 1)
            .read_to_end(&mut content)
            .map_err(|error| {
                ManifestError::new("/archive", format!("`{name}` cannot be unpacked: {error}"))
            })?;
        if content.len() as u64 > room {
            return Err(too_large("/archive"));
        }
        Ok(Bytes::from(content))
    }
}

/// How many entries the archive's end says it has; `None` for an archive whose end says that elsewhere. The reader
/// keeps entries by name, so of two with one name it shows only one.
fn announced_entries(archive: &[u8], comment_len: usize) -> Option<usize> {
    const END_LEN: usize = 22;
    const COUNT_AT: usize = 10;
    const ELSEWHERE: u16 = u16::MAX;
    let end = archive.len().checked_sub(END_LEN + comment_len)?;
    let count = u16::from_le_bytes(*archive.get(end + COUNT_AT..)?.first_chunk::<2>()?);
    (count != ELSEWHERE).then_some(usize::from(count))
}

/// The name in the header before a file's content. Readers differ in which name they believe, so there must be one.
fn local_name(archive: &[u8], header_start: u64) -> Option<&[u8]> {
    const NAME_LEN_AT: usize = 26;
    const NAME_AT: usize = 30;
    let header = archive.get(usize::try_from(header_start).ok()?..)?;
    let len = header.get(NAME_LEN_AT..)?.first_chunk::<2>()?;
    header
        .get(NAME_AT..)?
        .get(..usize::from(u16::from_le_bytes(*len)))
}

fn too_large(pointer: &str) -> ManifestError {
    let mib = UNPACKED_LEN_MAX / 1024 / 1024;
    ManifestError::new(
        pointer,
        format!("a bundle has at most {FILES_MAX} files and {mib} MiB unpacked"),
    )
}

fn is_plain_file(unix_mode: Option<u32>) -> bool {
    const TYPE_MASK: u32 = 0o170_000;
    const REGULAR: u32 = 0o100_000;
    // Archives made elsewhere than on Unix have no mode, or one without a type.
    unix_mode.is_none_or(|mode| mode & TYPE_MASK == REGULAR || mode & TYPE_MASK == 0)
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > PATH_LEN_MAX {
        return Err("it must have 1 to 512 bytes");
    }
    if path
        .chars()
        .any(|character| character.is_control() || character == '\\')
    {
        return Err("it must not contain control characters or backslashes");
    }
    if path
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        return Err("it must be relative, without empty parts, `.` or `..`");
    }
    if path.split('/').next() == Some(RESERVED) {
        return Err("the folder .zygo is kept for the platform");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn zip_of(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, mode, content) in entries {
            let options = zip::write::SimpleFileOptions::default().unix_permissions(*mode);
            writer.start_file(*name, options).expect("entry");
            writer.write_all(content).expect("content");
        }
        writer.finish().expect("archive").into_inner()
    }

    #[test]
    fn harmful_paths_are_refused() {
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "a//b",
            "a\\b",
            "a\0b",
            "./a",
            ".zygo/x",
        ] {
            let mut bundle = Bundle::default();
            assert!(
                bundle.add("/files", path, Bytes::new()).is_err(),
                "{path:?}"
            );
        }
    }

    #[test]
    fn a_file_cannot_be_anothers_folder() {
        for (first, second) in [("a", "a/b.py"), ("a/b.py", "a"), ("a/b", "a/b/c/d")] {
            let mut bundle = Bundle::default();
            bundle
                .add("/files", first, Bytes::new())
                .expect("the first");
            assert!(
                bundle.add("/files", second, Bytes::new()).is_err(),
                "{first} {second}"
            );
            bundle
                .add("/files", "a-b", Bytes::new())
                .expect("no folder of either");
        }
    }

    #[test]
    fn an_archive_arrives_as_it_was_packed() {
        let archive = zip_of(&[("a.py", 0o644, b"1"), ("pkg/b.py", 0o644, b"2")]);
        let directory = tempfile::tempdir().expect("folder");
        Bundle::from_zip(&archive)
            .expect("bundle")
            .write_to(directory.path())
            .expect("written");
        let read = |path| std::fs::read(directory.path().join(path)).expect("file");
        assert_eq!(
            (read("a.py"), read("pkg/b.py")),
            (b"1".to_vec(), b"2".to_vec())
        );
    }

    #[test]
    fn archives_with_tricks_are_refused() {
        assert!(Bundle::from_zip(b"no archive").is_err());
        assert!(Bundle::from_zip(&zip_of(&[("../evil", 0o644, b"x")])).is_err());
        let mut link = zip::ZipWriter::new(Cursor::new(Vec::new()));
        link.add_symlink(
            "link",
            "/etc/passwd",
            zip::write::SimpleFileOptions::default(),
        )
        .expect("link");
        let archive = link.finish().expect("archive").into_inner();
        assert!(Bundle::from_zip(&archive).is_err());
    }

    #[test]
    fn a_bomb_is_stopped_at_the_limit() {
        let zeros = vec![0; 64 * 1024 * 1024];
        let entries: Vec<(String, u32, &[u8])> = (0..5)
            .map(|index| (format!("zeros{index}"), 0o644, zeros.as_slice()))
            .collect();
        let borrowed: Vec<(&str, u32, &[u8])> = entries
            .iter()
            .map(|(name, mode, content)| (name.as_str(), *mode, *content))
            .collect();
        let error = Bundle::from_zip(&zip_of(&borrowed)).expect_err("too large");
        assert!(error.message.contains("at most"), "{error}");
    }
}
