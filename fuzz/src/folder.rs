//! Files of a bundle, judged without the platform's own rules: where they are written, and that they are what was read.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use zygo::function::bundle::Bundle;
use zygo::fuzzing;

/// Paths and contents.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Those of a bundle.
#[must_use]
pub fn files(bundle: &Bundle) -> Files {
    let owned = |(path, content): (&str, &Bytes)| (path.to_owned(), content.to_vec());
    fuzzing::files(bundle).map(owned).collect()
}

/// Whether a path leads nowhere but below the folder that it is joined to, by the one way of writing it.
#[must_use]
pub fn is_harmless(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    let is_plain = parts.all(|part| matches!(part, Component::Normal(_)));
    let written: PathBuf = Path::new(path).components().collect();
    let is_printable = !path.chars().any(|c| c.is_control() || c == '\\');
    let is_ours = path == ".zygo" || path.starts_with(".zygo/");
    is_plain && written.as_os_str() == path && !path.is_empty() && is_printable && !is_ours
}

/// Writes a bundle into a folder and finds there what was in it, and nothing beside the folder.
///
/// # Panics
/// When that is not so.
pub fn check_written(bundle: &Bundle) {
    let outside = tempfile::tempdir().expect("a temporary folder");
    let inside = outside.path().join("bundle");
    let before = files(bundle);
    bundle
        .write_to(&inside)
        .expect("what was taken can be written");
    let beside: Vec<_> = fs::read_dir(outside.path()).expect("there").collect();
    assert_eq!(beside.len(), 1, "something was written outside the folder");
    let mut found = Files::new();
    collect(&inside, &inside, &mut found);
    assert!(
        found == before,
        "{:?} became {:?}",
        before.keys(),
        found.keys()
    );
}

fn collect(root: &Path, folder: &Path, found: &mut Files) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let about = fs::symlink_metadata(&path).expect("it is there");
        let mode = about.permissions().mode() & 0o7777;
        if about.is_dir() {
            assert_eq!(mode, 0o755, "{}", path.display());
            collect(root, &path, found);
        } else {
            assert!(about.is_file() && mode == 0o644, "{}", path.display());
            let name = path.strip_prefix(root).expect("below the root");
            let name = name.to_str().expect("UTF-8").to_owned();
            found.insert(name, fs::read(&path).expect("readable"));
        }
    }
}
