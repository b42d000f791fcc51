//! Zip archives. Readers differ in what they believe: the list at the end or the headers before each content, the last of
//! two lists, the first of two names. Only archives of which there is one reading are taken.

use std::collections::BTreeSet;
use std::io::Cursor;

use super::budget::{self, Budget};
use super::{Bundle, path, refused};
use crate::function::manifest::ManifestError;

const END: &[u8] = b"PK\x05\x06";
const END_LEN: usize = 22;
const LARGE_END: &[u8] = b"PK\x06\x06";
const LARGE_LOCATOR: &[u8] = b"PK\x06\x07";
const LARGE_LOCATOR_LEN: usize = 20;
const LISTED: &[u8] = b"PK\x01\x02";
const LISTED_LEN: usize = 46;

/// Types of files in a Unix mode.
const FILE_TYPE: u32 = 0o170_000;
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

/// Adds every file of an archive to a bundle.
pub(super) fn unpack(archive: &[u8], bundle: &mut Bundle) -> Result<(), ManifestError> {
    let broken =
        |error: zip::result::ZipError| refused(format!("the archive cannot be read: {error}"));
    let list = List::find(archive).ok_or_else(|| {
        refused("the archive's end is damaged, or something stands before or after the archive")
    })?;
    list.check(archive)?;
    let mut zip = zip::ZipArchive::new(Cursor::new(archive)).map_err(broken)?;
    if (zip.len(), zip.central_directory_start(), zip.offset())
        != (list.count, list.start as u64, 0)
    {
        return Err(refused("the archive can be read in two ways"));
    }
    let budget = Budget::new(archive.len());
    for index in 0..zip.len() {
        budget.entry()?;
        let mut entry = zip.by_index(index).map_err(broken)?;
        let name = std::str::from_utf8(entry.name_raw())
            .map_err(|_| refused("a name in the archive is not UTF-8"))?
            .to_owned();
        if local_name(archive, entry.header_start()) != Some(name.as_bytes()) {
            let message = format!("`{name}` has another name where its content begins");
            return Err(refused(message));
        }
        match (name.strip_suffix('/'), kind(entry.unix_mode())) {
            (Some(folder), Kind::Folder | Kind::Unsaid) => {
                path::check(folder).map_err(|rule| super::bad_path(&name, rule))?;
            }
            (None, Kind::File | Kind::Unsaid) => {
                let content = budget.read(&name, &mut entry)?;
                bundle.add("/archive", &name, content)?;
            }
            _ => return Err(super::not_plain(&name)),
        }
    }
    Ok(())
}

/// What an entry's Unix mode makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    /// Archives made elsewhere than on Unix have no mode, or one without a type.
    Unsaid,
    /// Links and devices.
    Other,
}

fn kind(unix_mode: Option<u32>) -> Kind {
    match unix_mode.map(|mode| mode & FILE_TYPE) {
        None | Some(0) => Kind::Unsaid,
        Some(FOLDER) => Kind::Folder,
        Some(FILE) => Kind::File,
        Some(_) => Kind::Other,
    }
}

/// The list of entries at the archive's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct List {
    start: usize,
    end: usize,
    count: usize,
}

impl List {
    /// The list whose end is the archive's.
    fn find(archive: &[u8]) -> Option<Self> {
        let longest = usize::from(u16::MAX).min(archive.len().checked_sub(END_LEN)?);
        let is_end = |at: &usize| {
            let comment_len = archive.len() - at - END_LEN;
            archive[*at..].starts_with(END)
                && number(archive, at + 20, 2).is_some_and(|len| len == comment_len)
        };
        let mut places = (0..=longest).map(|len| archive.len() - END_LEN - len);
        let at = places.find(is_end)?;
        let large = at
            .checked_sub(LARGE_LOCATOR_LEN)
            .filter(|&locator| archive[locator..].starts_with(LARGE_LOCATOR));
        let list = match large {
            Some(locator) => {
                let end = number(archive, locator + 8, 8)?;
                archive.get(end..)?.starts_with(LARGE_END).then_some(())?;
                Self {
                    start: number(archive, end + 48, 8)?,
                    end,
                    count: number(archive, end + 32, 8)?,
                }
            }
            None => Self {
                start: number(archive, at + 16, 4)?,
                end: at,
                count: number(archive, at + 10, 2)?,
            },
        };
        (list.start <= list.end).then_some(list)
    }

    /// Follows it from beginning to end before anyone makes something of it: a list may be long.
    fn check(self, archive: &[u8]) -> Result<(), ManifestError> {
        budget::check_count(self.count)?;
        let damaged = || refused("the archive's list of files is damaged");
        let mut names = BTreeSet::new();
        let mut at = self.start;
        for _ in 0..self.count {
            let entry = archive.get(at..self.end).ok_or_else(damaged)?;
            let field = |offset| number(entry, offset, 2).ok_or_else(damaged);
            let (name_len, extra_len) = (field(28)?, field(30)?);
            let name = entry.get(LISTED_LEN..LISTED_LEN + name_len);
            let name = name
                .filter(|_| entry.starts_with(LISTED))
                .ok_or_else(damaged)?;
            if runs_as_its_owner(entry) {
                return Err(super::not_plain(&String::from_utf8_lossy(name)));
            }
            if !names.insert(name) {
                let name = String::from_utf8_lossy(name);
                return Err(refused(format!("`{name}` is there twice")));
            }
            at += LISTED_LEN + name_len + extra_len + field(32)?;
        }
        match at == self.end {
            true => Ok(()),
            false => Err(damaged()),
        }
    }
}

/// Whether a listed file has rights that the library leaves out of its mode.
fn runs_as_its_owner(entry: &[u8]) -> bool {
    const UNIX: u8 = 3;
    let mode = number(entry, 38, 4).unwrap_or_default() >> 16;
    let is_folder = mode & FILE_TYPE as usize == FOLDER as usize;
    entry.get(5) == Some(&UNIX) && !is_folder && mode & super::OWNERS_RIGHTS as usize != 0
}

/// The name in the header before a file's content.
fn local_name(archive: &[u8], header_start: u64) -> Option<&[u8]> {
    let header = archive.get(usize::try_from(header_start).ok()?..)?;
    let len = number(header, 26, 2)?;
    header.get(30..)?.get(..len)
}

/// A number of so many bytes, the lowest first.
fn number(bytes: &[u8], at: usize, len: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(len)?)?;
    let value = bytes
        .iter()
        .rev()
        .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    usize::try_from(value).ok()
}
