//! Tar archives, plain or compressed with gzip: POSIX (with extended headers), GNU (with long names) and what `git
//! archive` writes. Entries of which two readers could make two things are refused.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use tar::{Entry, EntryType};

use super::budget::Budget;
use super::{Bundle, path, refused};
use crate::function::manifest::ManifestError;

const BLOCK: u64 = 512;

/// Adds every file of a compressed archive to a bundle.
pub(super) fn unpack_gzip(archive: &[u8], bundle: &mut Bundle) -> Result<(), ManifestError> {
    let mut stream = GzDecoder::new(archive);
    unpack_stream(&mut stream, &Budget::new(archive.len()), bundle)?;
    match stream.get_ref().is_empty() {
        true => Ok(()),
        false => Err(something_follows()),
    }
}

/// Adds every file of an archive to a bundle.
pub(super) fn unpack(archive: &[u8], bundle: &mut Bundle) -> Result<(), ManifestError> {
    unpack_stream(archive, &Budget::new(archive.len()), bundle)
}

fn unpack_stream(
    stream: impl Read,
    budget: &Budget,
    bundle: &mut Bundle,
) -> Result<(), ManifestError> {
    let mut stream = Counted {
        inner: budget.bound(stream),
        position: 0,
    };
    let broken = |error: io::Error| budget.explain("the archive cannot be read", &error);
    let mut end = 0;
    for entry in tar::Archive::new(&mut stream).entries().map_err(broken)? {
        budget.entry()?;
        let entry = entry.map_err(broken)?;
        end = entry.raw_file_position() + entry.size().next_multiple_of(BLOCK);
        add(entry, budget, bundle)?;
    }
    // The last entry is followed by two empty blocks, the first of which the library has read, and by nothing but zeros.
    if stream.position < end + BLOCK {
        return Err(refused("the archive is cut off: its end is missing"));
    }
    let mut rest = [0; 8 * 1024];
    loop {
        match stream.read(&mut rest).map_err(broken)? {
            0 => return Ok(()),
            len if rest[..len].iter().all(|byte| *byte == 0) => {}
            _ => return Err(something_follows()),
        }
    }
}

fn add(
    mut entry: Entry<'_, impl Read>,
    budget: &Budget,
    bundle: &mut Bundle,
) -> Result<(), ManifestError> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        // A comment: `git archive` puts the commit there.
        return Ok(());
    }
    let name = name(&mut entry)?;
    // `tar -C folder -c .` puts `./` before every name, and the folder itself first.
    let name = name.trim_start_matches("./");
    if kind == EntryType::Directory {
        let folder = name.strip_suffix('/').unwrap_or(name);
        let is_root = folder.is_empty() || folder == ".";
        return match path::check(folder) {
            Err(rule) if !is_root => Err(super::bad_path(name, rule)),
            _ => Ok(()),
        };
    }
    let rights = entry.header().mode().unwrap_or_default();
    if kind != EntryType::Regular || rights & super::OWNERS_RIGHTS != 0 {
        return Err(super::not_plain(name));
    }
    let size = entry.size();
    let content = budget.read(name, &mut entry)?;
    if content.len() as u64 != size {
        return Err(refused(format!("the archive is cut off within `{name}`")));
    }
    bundle.add("/archive", name, content)
}

/// The one name of an entry.
fn name(entry: &mut Entry<'_, impl Read>) -> Result<String, ManifestError> {
    let name = String::from_utf8(entry.path_bytes().into_owned())
        .map_err(|_| refused("a name in the archive is not UTF-8"))?;
    let ambiguous = || {
        let name = name.escape_debug();
        refused(format!("`{name}` has headers that can be read in two ways"))
    };
    let size = entry.header().entry_size().map_err(|_| ambiguous())?;
    let mut seen = Vec::new();
    let extensions = entry.pax_extensions().map_err(|_| ambiguous())?;
    for extension in extensions.into_iter().flatten() {
        let extension = extension.map_err(|_| ambiguous())?;
        let (key, value) = (extension.key_bytes(), extension.value_bytes());
        let agrees = match key {
            b"path" => value == name.as_bytes(),
            b"size" => value == size.to_string().as_bytes(),
            // Sparse files have another name and another length there.
            _ => !key.starts_with(b"GNU.sparse"),
        };
        if !agrees || seen.contains(&key) {
            return Err(ambiguous());
        }
        seen.push(key);
    }
    Ok(name)
}

fn something_follows() -> ManifestError {
    refused("something stands behind the archive's end")
}

/// Counts what was read.
struct Counted<R> {
    inner: R,
    position: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.position += len as u64;
        Ok(len)
    }
}
