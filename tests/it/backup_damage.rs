//! Backups that are damaged or forged, and restores that are cut off: nothing is changed by them.

use std::path::PathBuf;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tempfile::TempDir;

use crate::backup::{back_up, children, entries, folder, refused, restore};
use crate::language::Language;
use crate::platform::Platform;

/// The data folder of a platform with one function that has ended, and a folder with its backup.
fn backed_up() -> (Arc<TempDir>, TempDir, PathBuf) {
    let mut platform = Platform::start(&[]);
    let code = "def handler(event, context): return 1";
    platform.deploy(Language::Python, code, &json!({}));
    let data = platform.data();
    platform.stop();
    let kept = folder();
    let file = kept.path().join("backup.tar.gz");
    back_up(data.path(), &file, &[]);
    (data, kept, file)
}

#[test]
fn a_backup_that_is_damaged_changes_nothing() {
    let (data, kept, file) = backed_up();
    let whole = std::fs::read(&file).expect("the backup");
    let entries = entries(&file);
    let half = whole[..whole.len() / 2].to_vec();
    let without_manifest = pack(entries.iter().filter(|(name, _)| name != "manifest.json"));
    let flipped = changed(&entries, "state.db", |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    let archive = entries.iter().find(|(name, _)| name.ends_with(".tar.gz"));
    let archive = archive.expect("an archive").0.clone();
    let lost = pack(entries.iter().filter(|(name, _)| *name != archive));
    let newer = changed(&entries, "manifest.json", |bytes| {
        let text = String::from_utf8_lossy(bytes).replace("\"format\": 1", "\"format\": 2");
        *bytes = text.into_bytes();
    });
    let mut foreign = entries.clone();
    foreign.insert(0, ("archives/../../escaped".to_owned(), b"x".to_vec()));
    let mut unknown = entries.clone();
    unknown.insert(0, ("bundles/boot".to_owned(), b"x".to_vec()));
    for (bytes, expected) in [
        (half, "is no whole backup"),
        (b"not a backup".to_vec(), "is no whole backup"),
        (without_manifest, "it has no manifest"),
        (flipped, "state.db is not what its manifest says"),
        (lost, "is missing"),
        (newer, "of format 2"),
        (pack(foreign.iter()), "which no backup does"),
        (pack(unknown.iter()), "which no backup does"),
    ] {
        let bad = kept.path().join("bad.tar.gz");
        std::fs::write(&bad, bytes).expect("written");
        for target in [folder().path(), data.path()] {
            let before = children(target);
            let (said, code) = refused(target, &bad, &["--force"]);
            assert!(
                said.contains(expected) && code == Some(1),
                "{expected}: {said}"
            );
            let mut after = children(target);
            after.retain(|name| name != "platform.lock" || before.contains(name));
            assert_eq!(after, before, "{expected}");
        }
    }
    assert!(!kept.path().join("escaped").exists());
    assert!(
        Platform::start_on(data, &[])
            .get("/functions")
            .expect(200)
            .json()["total"]
            == 1
    );
}

#[test]
fn a_restore_that_was_cut_off_keeps_platforms_away() {
    let (data, _kept, file) = backed_up();
    std::fs::create_dir(data.path().join("restoring")).expect("made");
    let said = crate::launch::refused_start_on(&data);
    assert!(said.contains("was cut off"), "{said}");
    restore(data.path(), &file, &["--force"]);
    assert_eq!(
        Platform::start_on(data, &[])
            .get("/functions")
            .expect(200)
            .json()["total"],
        1
    );
}

fn pack<'a>(entries: impl Iterator<Item = &'a (String, Vec<u8>)>) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        // The library would refuse a name that leads outside.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).expect("packed");
    }
    tar.into_inner().expect("packed").finish().expect("packed")
}

fn changed(entries: &[(String, Vec<u8>)], name: &str, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut entries = entries.to_vec();
    let found = entries.iter_mut().find(|(its, _)| its == name);
    change(&mut found.expect("the file").1);
    pack(entries.iter())
}
