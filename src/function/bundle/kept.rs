//! How the platform itself keeps a bundle: as a tar.gz that is named by the digest of its files. What is read again is
//! what was written, or is found to be damaged.

use std::io::Read;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use super::Bundle;

/// An archive of the platform's own that is not what it was.
#[derive(Debug, thiserror::Error)]
#[error(
    "the archive {digest} is damaged ({reason}); put it back from a backup, or deploy the same code once more"
)]
pub struct Damaged {
    digest: String,
    reason: String,
}

impl Bundle {
    /// A tar.gz of the files.
    ///
    /// # Errors
    /// Never for a bundle whose paths were checked.
    pub fn to_archive(&self) -> std::io::Result<Vec<u8>> {
        let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, content) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, path, content.as_ref())?;
        }
        tar.into_inner()?.finish()
    }

    /// Reads what [`Self::to_archive`] wrote of a bundle with this digest.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_archive(archive: &[u8], digest: &str) -> Result<Self, Damaged> {
        let damaged = |reason: String| Damaged {
            digest: digest.to_owned(),
            reason,
        };
        let bundle = read(archive).map_err(|error| damaged(error.to_string()))?;
        match bundle.digest() {
            found if found == digest => Ok(bundle),
            found => Err(damaged(format!("what is in it has the digest {found}"))),
        }
    }
}

fn read(archive: &[u8]) -> std::io::Result<Bundle> {
    let mut stream = GzDecoder::new(archive);
    let mut bundle = Bundle::default();
    for entry in tar::Archive::new(&mut stream).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        bundle
            .add("/archive", &path, Bytes::from(content))
            .map_err(std::io::Error::other)?;
    }
    // Up to the checksum, which stands behind everything.
    std::io::copy(&mut stream, &mut std::io::sink())?;
    Ok(bundle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_kept_as_it_was_and_no_flipped_bit_goes_unnoticed() {
        let mut bundle = Bundle::default();
        for (path, content) in [("a.py", "1"), ("pkg/b.py", "two"), ("empty", "")] {
            bundle
                .add("/files", path, Bytes::from(content))
                .expect("a file");
        }
        let (archive, digest) = (bundle.to_archive().expect("packed"), bundle.digest());
        let again = Bundle::from_archive(&archive, &digest).expect("as it was");
        assert_eq!(again.digest(), digest);
        let other = Bundle::from_code("a.py", "1".to_owned()).expect("another");
        assert!(Bundle::from_archive(&archive, &other.digest()).is_err());
        for at in 0..archive.len() {
            let mut flipped = archive.clone();
            flipped[at] ^= 0x10;
            // A bit of gzip's own header, such as its time, changes no file.
            if let Ok(read) = Bundle::from_archive(&flipped, &digest) {
                assert_eq!(read.digest(), digest, "byte {at}");
            }
        }
        assert!(Bundle::from_archive(&archive[..archive.len() / 2], &digest).is_err());
    }
}
