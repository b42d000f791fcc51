//! The operator's folder of templates: what lies in it, and whether that has changed.

use std::collections::BTreeMap;
use std::fs::{DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Files, Problem};

/// Longer files of a template are refused.
const FILE_LEN_MAX: u64 = 10 * 1024 * 1024;
/// What all files may have together: they are kept in memory.
const TOTAL_LEN_MAX: u64 = 100 * 1024 * 1024;
/// More files in the operator's folder are refused.
const FILES_MAX: usize = 10_000;

/// What is known of a file without reading it: length, number, and when it changed.
type Stamp = (u64, u64, i64, i64);

/// Names below the folder, with what tells whether they have changed. Two that are equal are of the same content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Listing {
    files: BTreeMap<String, Stamp>,
    pub(super) problems: Vec<Problem>,
}

impl Listing {
    /// Looks at all names. Links are not followed: a template is what lies in its folder.
    pub(super) fn of(folder: &Path) -> Self {
        let mut listing = Self::default();
        let mut total = 0;
        let mut folders = vec![PathBuf::new()];
        while let Some(below) = folders.pop() {
            let entries = std::fs::read_dir(folder.join(&below));
            let entries = entries.and_then(Iterator::collect::<io::Result<Vec<_>>>);
            match entries {
                Ok(entries) => entries.iter().for_each(|entry| {
                    listing.add(&below, entry, &mut folders, &mut total);
                }),
                Err(error) => listing.refuse(&below, &format!("cannot be read: {error}")),
            }
            if listing.files.len() > FILES_MAX || total > TOTAL_LEN_MAX {
                listing.files.clear();
                let rule = format!(
                    "has more than {FILES_MAX} files or {TOTAL_LEN_MAX} bytes; no template is read"
                );
                listing.refuse(Path::new(""), &rule);
                break;
            }
        }
        listing.problems.sort();
        listing
    }

    fn add(&mut self, below: &Path, entry: &DirEntry, folders: &mut Vec<PathBuf>, total: &mut u64) {
        let name = entry.file_name();
        // Those of editors and of version control are no templates.
        if name.as_encoded_bytes().starts_with(b".") {
            return;
        }
        let path = below.join(&name);
        let Some(text) = path.to_str() else {
            return self.refuse(&path, "has a name that is not UTF-8");
        };
        match entry.metadata() {
            Err(error) => self.refuse(&path, &format!("cannot be read: {error}")),
            Ok(meta) if meta.is_dir() => folders.push(path),
            Ok(meta) if !meta.is_file() => {
                self.refuse(&path, "is a link or no file; put the file itself there");
            }
            Ok(meta) if meta.len() > FILE_LEN_MAX => {
                self.refuse(&path, &format!("has more than {FILE_LEN_MAX} bytes"));
            }
            Ok(meta) => {
                *total += meta.len();
                self.files.insert(text.to_owned(), stamp(&meta));
            }
        }
    }

    fn refuse(&mut self, path: &Path, rule: &str) {
        let shown = match path.as_os_str().is_empty() {
            true => "the folder of templates".into(),
            false => path.to_string_lossy(),
        };
        self.problems.push(Problem::new(shown, rule));
    }

    /// Whether what the template should have cannot be had.
    pub(super) fn refuses(&self, id: &str) -> bool {
        let of_template = |problem: &Problem| problem.file.split('/').next() == Some(id);
        self.problems.iter().any(of_template)
    }

    /// The content of all files, by template. What cannot be read is a problem of its template.
    pub(super) fn read(&mut self, folder: &Path) -> BTreeMap<String, Files> {
        let mut templates: BTreeMap<String, Files> = BTreeMap::new();
        let mut failed = Vec::new();
        for path in self.files.keys() {
            // A file beside the templates, such as the folder's own README, belongs to none.
            let Some((id, rest)) = path.split_once('/') else {
                continue;
            };
            match std::fs::read(folder.join(path)) {
                Ok(content) => {
                    let files = templates.entry(id.to_owned()).or_default();
                    files.insert(rest.to_owned(), content);
                }
                Err(error) => failed.push((path.clone(), error)),
            }
        }
        for (path, error) in failed {
            self.refuse(Path::new(&path), &format!("cannot be read: {error}"));
        }
        templates
    }
}

fn stamp(meta: &Metadata) -> Stamp {
    (meta.len(), meta.ino(), meta.ctime(), meta.ctime_nsec())
}
