//! Files with any names and contents: those that a bundle takes come out again as they went in, from the platform's own
//! archive, from a zip, from a tar, and from the folder that they are written to.
#![no_main]

use std::io::{Cursor, Write};

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zygo::function::bundle::Bundle;
use zygo_fuzz::folder::{self, Files};

/// One file of an upload.
#[derive(Debug, Arbitrary)]
struct File<'a> {
    path: &'a str,
    content: &'a [u8],
}

fuzz_target!(|uploaded: Vec<File<'_>>| {
    let mut bundle = Bundle::default();
    let mut taken = Files::new();
    for file in uploaded {
        let mut whole = Bundle::default();
        let content = Bytes::copy_from_slice(file.content);
        let alone = whole.add("/files", file.path, content.clone());
        // What is refused leaves the bundle as it was, so it is tried on one that is not needed.
        if alone.is_err() || bundle.add("/files", file.path, content).is_err() {
            assert!(folder::files(&bundle) == taken);
            continue;
        }
        assert!(folder::is_harmless(file.path), "{:?}", file.path);
        taken.insert(file.path.to_owned(), file.content.to_vec());
    }
    assert!(folder::files(&bundle) == taken);
    let own = bundle.to_archive().expect("packed");
    let kept = Bundle::from_archive(&own, &bundle.digest()).expect("the same files");
    assert!(folder::files(&kept) == taken);
    if taken.is_empty() {
        return;
    }
    for archive in [own, zip(&taken), tar(&taken)] {
        let unpacked = Bundle::from_upload(&archive).expect("an archive of harmless files");
        assert!(folder::files(&unpacked) == taken);
        assert_eq!(unpacked.digest(), bundle.digest());
    }
    folder::check_written(&bundle);
});

fn zip(files: &Files) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        let options = SimpleFileOptions::default().unix_permissions(0o644);
        writer.start_file(path.as_str(), options).expect("an entry");
        writer.write_all(content).expect("its content");
    }
    writer.finish().expect("packed").into_inner()
}

/// As `tar -C folder -c .` writes it.
fn tar(files: &Files) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        let added = builder.append_data(&mut header, format!("./{path}"), content.as_slice());
        added.expect("an entry");
    }
    builder.into_inner().expect("packed")
}
