//! Damaged archives, with and without their sums put right: refused with a reason that can be shown, or a bundle within
//! its bounds that is written where it belongs. A tar archive is the same bundle when it is compressed.
#![no_main]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use libfuzzer_sys::fuzz_target;
use zygo::function::bundle::Bundle;
use zygo::function::manifest::ManifestError;
use zygo_fuzz::{archive, folder};

const FILES_MAX: usize = 20_000;
/// What an archive may become without being a bomb, and how often its own length.
const FREE_LEN: usize = 1 << 20;
const RATIO_MAX: usize = 200;

fuzz_target!(|data: &[u8]| {
    let Some((how, archive)) = data.split_first() else {
        return;
    };
    let mut archive = archive.to_vec();
    if how & 1 == 0 {
        archive::repair(&mut archive);
    }
    let unpacked = Bundle::from_upload(&archive);
    check(&unpacked, archive.len());
    if archive::is_tar(&archive) && archive.len() <= FREE_LEN {
        let again = Bundle::from_upload(&gzip(&archive));
        let digest = |bundle: &Bundle| bundle.digest();
        assert_eq!(
            again.as_ref().map(digest).map_err(text),
            unpacked.as_ref().map(digest).map_err(text)
        );
    }
});

fn check(unpacked: &Result<Bundle, ManifestError>, packed_len: usize) {
    match unpacked {
        Ok(bundle) => {
            let files = folder::files(bundle);
            let len: usize = files.values().map(Vec::len).sum();
            assert!(files.len() <= FILES_MAX && len <= packed_len * RATIO_MAX + FREE_LEN);
            assert!(
                files.keys().all(|path| folder::is_harmless(path)),
                "{files:?}"
            );
            folder::check_written(bundle);
        }
        Err(error) => {
            assert_eq!(error.pointer, "/archive");
            let is_shown = !error.message.is_empty() && !error.message.contains(char::is_control);
            assert!(is_shown, "{:?}", error.message);
        }
    }
}

fn text(error: &ManifestError) -> &str {
    &error.message
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}
