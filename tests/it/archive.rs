//! Archives with tricks: refused as a whole, and nothing of them is written anywhere.

use std::io::{Cursor, Write};

use serde_json::json;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::client::Answer;
use crate::platform::{Platform, unique_name};

const CODE: &[u8] = b"def handler(event, context): return 1";

/// A zip archive of plain files.
pub(crate) fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .expect("an entry");
        writer.write_all(content).expect("its content");
    }
    writer.finish().expect("an archive").into_inner()
}

/// Standard base64.
pub(crate) fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn upload(platform: &Platform, zip: &[u8]) -> Answer {
    let path = format!("/functions?name={}&runtime=python", unique_name());
    platform.request("POST", &path, "application/zip", zip)
}

/// Neither a function nor a file outside the store may come of it; says what did.
fn refusal(platform: &Platform, zip: &[u8]) -> Result<(), String> {
    let total = || platform.get("/functions").expect(200).json()["total"].take();
    let before = total();
    let answer = upload(platform, zip);
    let problem = answer.json();
    if answer.status != 422 || problem["code"] != "invalid_function" {
        return Err(answer.text());
    }
    let stored = std::fs::read_dir(platform.data().path().join("functions")).expect("the store");
    let outside = [
        platform.data().path().join("evil.py"),
        "/tmp/evil.py".into(),
    ];
    match outside.iter().find(|path| path.exists()) {
        Some(path) => Err(format!("{} was written", path.display())),
        None if json!(stored.count()) != before || total() != before => {
            Err("files are left".into())
        }
        None => Ok(()),
    }
}

fn check_refused<'a>(platform: &Platform, cases: impl IntoIterator<Item = (&'a str, Vec<u8>)>) {
    let accepted: Vec<String> = cases
        .into_iter()
        .filter_map(|(what, zip)| Some(format!("{what}: {}", refusal(platform, &zip).err()?)))
        .collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn paths_that_lead_outside_are_refused() {
    let platform = Platform::start(&[]);
    let names = [
        "../evil.py",
        "../../../../evil.py",
        "/tmp/evil.py",
        "a/../../evil.py",
        "..\\evil.py",
        "C:\\evil.py",
        "a\u{0}b.py",
        "./evil.py",
        "a//evil.py",
        ".zygo/evil.py",
        "..",
        "a/.",
        "tab\tname.py",
    ];
    let with = |name: &str| zip_of(&[("index.py", CODE), (name, CODE)]);
    check_refused(&platform, names.map(|name| (name, with(name))));
    let long = format!("{}.py", "x".repeat(600));
    check_refused(&platform, [("a long name", with(&long))]);
}

#[test]
fn entries_that_are_no_plain_files_are_refused() {
    let platform = Platform::start(&[]);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .add_symlink("link", "/etc/passwd", SimpleFileOptions::default())
        .expect("a link");
    let link = writer.finish().expect("an archive").into_inner();
    check_refused(&platform, [("a link", link)]);
    let good = zip_of(&[("index.py", CODE), ("special", b"")]);
    for (what, kind) in [
        ("a fifo", 0o010_644),
        ("a device", 0o020_644),
        ("a socket", 0o140_644),
    ] {
        check_refused(&platform, [(what, with_mode(&good, kind))]);
    }
}

/// Changes the Unix mode of the last entry, in the central directory, where it is kept.
fn with_mode(zip: &[u8], mode: u32) -> Vec<u8> {
    let mut zip = zip.to_vec();
    let last = find_last(&zip, b"PK\x01\x02");
    zip[last + 5] = 3;
    zip[last + 38..last + 42].copy_from_slice(&(mode << 16).to_le_bytes());
    zip
}

fn find_last(bytes: &[u8], needle: &[u8]) -> usize {
    let found = bytes
        .windows(needle.len())
        .rposition(|window| window == needle);
    found.expect("it is there")
}

#[test]
fn damaged_and_lying_archives_are_refused() {
    let platform = Platform::start(&[]);
    let good = zip_of(&[("index.py", CODE)]);
    let central = find_last(&good, b"PK\x01\x02");
    let end = find_last(&good, b"PK\x05\x06");
    let changed = |offset: usize, value: &[u8]| {
        let mut zip = good.clone();
        zip[offset..offset + value.len()].copy_from_slice(value);
        zip
    };
    let cases = [
        ("nothing", Vec::new()),
        ("no archive", b"no archive".to_vec()),
        ("an empty archive", zip_of(&[])),
        ("a truncated archive", good[..end].to_vec()),
        ("half an archive", good[..good.len() / 2].to_vec()),
        ("another name in the local header", changed(30, b"innex.py")),
        ("a name twice", zip_twice()),
        ("an encrypted entry", changed(central + 8, &[1, 0])),
        ("a wrong checksum", changed(central + 16, &[1, 2, 3, 4])),
        ("an unknown method", changed(central + 10, &[99, 0])),
        (
            "a small declared size",
            changed(central + 24, &[1, 0, 0, 0]),
        ),
        (
            "an offset beyond the end",
            changed(central + 42, &[255, 255, 255, 0]),
        ),
        ("more entries than there are", changed(end + 10, &[9, 0])),
    ];
    check_refused(&platform, cases);
}

/// Two entries of one name; the writer refuses to make them, so the second is renamed.
fn zip_twice() -> Vec<u8> {
    let zip = zip_of(&[
        ("index.py", CODE),
        ("indey.py", b"def handler(e, c): return 2"),
    ]);
    replace(&zip, b"indey.py", b"index.py")
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for at in 0..=bytes.len() - from.len() {
        if &bytes[at..at + from.len()] == from {
            bytes[at..at + from.len()].copy_from_slice(to);
        }
    }
    bytes
}

#[test]
fn bombs_are_stopped_at_the_limits() {
    let platform = Platform::start(&[]);
    let zeros = vec![0; 300 * 1024 * 1024];
    let large = zip_of(&[("index.py", CODE), ("zeros", &zeros)]);
    drop(zeros);
    let names: Vec<String> = (0..20_001).map(|index| format!("{index}")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), CODE)).collect();
    let bombs = [
        ("300 MB of zeros", large),
        ("20,001 files", zip_of(&many)),
        ("overlapping entries", overlapping()),
    ];
    check_refused(&platform, bombs);
    let small = Platform::start(&[("ZYGO_MAX_BUNDLE_BYTES", "1000")]);
    assert_eq!(upload(&small, &[0; 1001]).problem(413), "body_too_large");
}

/// A thousand names for one compressed megabyte: small to send, a gigabyte to write.
fn overlapping() -> Vec<u8> {
    const NAMES: u16 = 1_000;
    let one = zip_of(&[("00000000", &vec![0; 1024 * 1024])]);
    let (central, end) = (
        find_last(&one, b"PK\x01\x02"),
        find_last(&one, b"PK\x05\x06"),
    );
    let mut zip = one[..central].to_vec();
    for index in 0..NAMES {
        let name = format!("{index:08}");
        zip.extend(replace(&one[central..end], b"00000000", name.as_bytes()));
    }
    let length = u32::try_from(zip.len() - central).expect("small");
    let mut tail = one[end..].to_vec();
    tail[8..10].copy_from_slice(&NAMES.to_le_bytes());
    tail[10..12].copy_from_slice(&NAMES.to_le_bytes());
    tail[12..16].copy_from_slice(&length.to_le_bytes());
    zip.extend(tail);
    zip
}
