//! The user's files on their way from an upload into a folder. Nothing is written outside that folder, and nothing
//! that the upload says about itself is believed before it is counted.

mod budget;
mod kept;
mod path;
mod tar;
mod zip;

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
pub use kept::Damaged;

use super::manifest::ManifestError;

/// More files are refused.
const FILES_MAX: usize = 20_000;
/// More bytes after unpacking are refused.
const UNPACKED_LEN_MAX: u64 = 250 * 1024 * 1024;
/// Bits of a mode that let a file run as its owner or group.
const OWNERS_RIGHTS: u32 = 0o6_000;

/// Files by their path inside the bundle, all checked.
#[derive(Debug, Default)]
pub struct Bundle {
    files: BTreeMap<String, Bytes>,
    /// Paths as file systems see them that know no case, with the paths that are there.
    folded: BTreeMap<String, String>,
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

    /// Unpacks what a user sent: a zip, a tar, or a tar.gz archive, whichever its first bytes say.
    ///
    /// # Errors
    /// When it is none, or holds anything but plain files and folders with harmless names.
    pub fn from_upload(archive: &[u8]) -> Result<Self, ManifestError> {
        let mut bundle = Self::default();
        let unpack = match archive {
            [b'P', b'K', ..] => zip::unpack,
            [0x1f, 0x8b, ..] => tar::unpack_gzip,
            _ if archive.get(257..262) == Some(b"ustar") => tar::unpack,
            _ => return Err(refused("this is no zip, tar or tar.gz archive")),
        };
        unpack(archive, &mut bundle)?;
        Ok(bundle)
    }

    /// Adds one file; `pointer` is the request's field that it came from.
    ///
    /// # Errors
    /// When its path is not harmless, or the bundle has no room for it.
    pub fn add(&mut self, pointer: &str, path: &str, content: Bytes) -> Result<(), ManifestError> {
        path::check(path).map_err(|rule| ManifestError::new(pointer, bad_path_text(path, rule)))?;
        self.unpacked_len += content.len() as u64;
        if self.unpacked_len > UNPACKED_LEN_MAX || self.files.len() >= FILES_MAX {
            return Err(ManifestError::new(pointer, too_large_text()));
        }
        if let Some(other) = self.conflict(path) {
            let message =
                format!("`{path}` and `{other}` cannot both be there: one is the other's folder");
            return Err(ManifestError::new(pointer, message));
        }
        let folded = path::folded(path);
        if let Some(other) = self.folded.insert(folded, path.to_owned()) {
            let message = match other == path {
                true => format!("`{path}` is there twice"),
                false => format!("`{path}` and `{other}` differ only in case or in accents"),
            };
            return Err(ManifestError::new(pointer, message));
        }
        self.files.insert(path.to_owned(), content);
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

    /// SHA-256 of paths and contents: the same files have the same digest, whatever they came in.
    #[must_use]
    pub fn digest(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut hasher = Sha256::new();
        for (path, content) in &self.files {
            hasher.update((path.len() as u64).to_le_bytes());
            hasher.update(path);
            hasher.update((content.len() as u64).to_le_bytes());
            hasher.update(content);
        }
        hex::encode(hasher.finalize())
    }

    /// Whether there is no file at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// All files, by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        let files = self.files.iter();
        files.map(|(path, content)| (path.as_str(), content))
    }

    /// Writes all files below a new folder.
    ///
    /// # Errors
    /// When the disk refuses, or one file's path is another's folder.
    pub fn write_to(&self, directory: &Path) -> std::io::Result<()> {
        readable_folder(directory)?;
        for (path, content) in &self.files {
            let target: PathBuf = directory.join(path);
            if let Some(parent) = target.parent() {
                readable_folder(parent)?;
            }
            std::fs::write(&target, content)?;
            std::fs::set_permissions(target, Permissions::from_mode(0o644))?;
        }
        Ok(())
    }
}

/// Functions are other users than the platform, and read their files whatever its mask is.
fn readable_folder(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// Something wrong with an archive. Names in it may hold anything, and libraries tell them as they are.
fn refused(message: impl Into<String>) -> ManifestError {
    let mut shown = String::new();
    for character in message.into().chars() {
        match character.is_control() {
            true => shown.extend(character.escape_debug()),
            false => shown.push(character),
        }
    }
    ManifestError::new("/archive", shown)
}

fn bad_path(path: &str, rule: &str) -> ManifestError {
    refused(bad_path_text(path, rule))
}

fn bad_path_text(path: &str, rule: &str) -> String {
    let path = path.escape_debug();
    format!("`{path}` cannot be a file's path: {rule}")
}

fn not_plain(path: &str) -> ManifestError {
    let path = path.escape_debug();
    refused(format!(
        "`{path}` is not a plain file: links, devices and files with the rights of their owner are not taken"
    ))
}

fn too_large_text() -> String {
    let mib = UNPACKED_LEN_MAX / 1024 / 1024;
    format!("a bundle has at most {FILES_MAX} files and {mib} MiB unpacked")
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read, Write};

    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

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
    fn two_names_that_some_file_systems_take_for_one_are_refused() {
        for (first, second) in [("a.py", "A.py"), ("\u{e9}", "e\u{301}"), ("a", "a")] {
            let mut bundle = Bundle::default();
            bundle
                .add("/files", first, Bytes::new())
                .expect("the first");
            let error = bundle.add("/files", second, Bytes::new());
            assert_eq!(error.expect_err("the second").pointer, "/files");
        }
    }

    #[test]
    fn no_complaint_about_an_archive_has_control_characters() {
        let [mut zip, mut tar, _] = archives();
        for at in 0..zip.len() {
            if zip[at..].starts_with(b"a.py") {
                zip[at] = b'\n';
            }
        }
        let second = zip.windows(8).rposition(|name| name == b"pkg/b.py");
        zip[second.expect("the list names it")] = 0x1b;
        tar[0] = b'\n';
        for archive in [&zip, &tar] {
            let error = Bundle::from_upload(archive).expect_err("a bad name");
            assert!(!error.message.contains(char::is_control), "{error:?}");
        }
    }

    /// The same two files in every format.
    fn archives() -> [Vec<u8>; 3] {
        let mut bundle = Bundle::default();
        let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (path, content) in [("a.py", &b"1"[..]), ("pkg/b.py", b"22222222222222222222")] {
            let added = bundle.add("/files", path, Bytes::from_static(content));
            added.expect("a file");
            let options = ::zip::write::SimpleFileOptions::default();
            writer.start_file(path, options).expect("an entry");
            writer.write_all(content).expect("its content");
        }
        let gzip = bundle.to_archive().expect("packed");
        let mut tar = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(gzip.as_slice());
        reader.read_to_end(&mut tar).expect("unpacked");
        [writer.finish().expect("packed").into_inner(), tar, gzip]
    }

    #[test]
    fn the_same_files_are_the_same_bundle_whatever_they_came_in() {
        let digest = |archive: Vec<u8>| Bundle::from_upload(&archive).expect("a bundle").digest();
        let [zip, tar, gzip] = archives().map(digest);
        assert_eq!((&zip, &tar), (&tar, &gzip));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_damaged_archive_is_refused_or_harmless(
            which in 0..3_usize,
            damage in proptest::collection::vec((any::<Index>(), any::<u8>()), 1..6),
            cut in any::<Index>(),
        ) {
            let mut archive = archives()[which].clone();
            for (at, byte) in &damage {
                let at = at.index(archive.len());
                archive[at] = *byte;
            }
            if damage.len() == 1 {
                archive.truncate(cut.index(archive.len()) + 1);
            }
            if let Ok(bundle) = Bundle::from_upload(&archive) {
                prop_assert!(bundle.files.keys().all(|path| path::check(path).is_ok()));
                prop_assert!(bundle.unpacked_len < 10_000);
            }
        }
    }
}
