//! Master keys: 32 random bytes each, the newest first. From `ZYGO_MASTER_KEY` (several with commas between), from the
//! file that `master_key_file` names (one a line), or else from `master.key` in the data folder, which is made when it is
//! missing. They are wiped from memory when dropped and shown to nobody.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::SealError;
use crate::config::Config;

const KEY_LEN: usize = 32;

/// One key.
pub(super) struct MasterKey {
    bytes: Zeroizing<[u8; KEY_LEN]>,
    id: String,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.id)
    }
}

impl MasterKey {
    fn new(bytes: Zeroizing<[u8; KEY_LEN]>) -> Self {
        let hash = Sha256::digest([&b"zygo master key id"[..], &bytes[..]].concat());
        let id = hex::encode(&hash[..4]);
        Self { bytes, id }
    }

    fn random() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; KEY_LEN]);
        getrandom::fill(&mut bytes[..]).map_err(|_| SealError::NoRandomness)?;
        Ok(Self::new(bytes))
    }

    /// 64 hexadecimal digits, or base64.
    fn parse(text: &str) -> Option<Self> {
        let decoded = Zeroizing::new(match text.len() {
            64 => unhex(text)?,
            _ => BASE64.decode(text).ok()?,
        });
        let bytes: [u8; KEY_LEN] = decoded.as_slice().try_into().ok()?;
        Some(Self::new(Zeroizing::new(bytes)))
    }

    /// Names the key in sealed texts; says nothing about it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.bytes
    }
}

/// All keys there are; never none.
#[derive(Debug)]
pub(super) struct Keys {
    keys: Vec<MasterKey>,
    /// Where they come from, for messages.
    place: String,
    /// Set when the file is ours to write.
    file: Option<PathBuf>,
}

impl Keys {
    /// Whether there are any yet.
    pub(super) fn are_there(config: &Config) -> bool {
        config.master_key.is_some()
            || config.master_key_file.is_some()
            || config.data_dir.join("master.key").exists()
    }

    pub(super) fn read(config: &Config) -> Result<Self, SealError> {
        if let Some(keys) = &config.master_key {
            return Self::parse(keys.expose().split(','), "ZYGO_MASTER_KEY", None);
        }
        let own = config.data_dir.join("master.key");
        let path = config.master_key_file.as_ref().unwrap_or(&own);
        let place = path.display().to_string();
        let broken = |error: std::io::Error| SealError::Keys {
            place: place.clone(),
            reason: error.to_string(),
        };
        let is_ours = config.master_key_file.is_none();
        if is_ours && !own.try_exists().map_err(broken)? {
            write(&own, &[MasterKey::random()?]).map_err(broken)?;
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(broken)?);
        Self::parse(text.lines(), &place, is_ours.then_some(own.as_path()))
    }

    fn parse<'a>(
        texts: impl Iterator<Item = &'a str>,
        place: &str,
        file: Option<&Path>,
    ) -> Result<Self, SealError> {
        let wrong = |reason: &str| SealError::Keys {
            place: place.to_owned(),
            reason: reason.to_owned(),
        };
        let texts = texts.map(str::trim).filter(|text| !text.is_empty());
        let keys = texts
            .map(|text| MasterKey::parse(text).ok_or_else(|| wrong("a key is 32 bytes in base64 or hexadecimal digits; `openssl rand -base64 32` makes one")))
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(wrong("there is no key"));
        }
        Ok(Self {
            keys,
            place: place.to_owned(),
            file: file.map(Path::to_owned),
        })
    }

    pub(super) fn newest(&self) -> &MasterKey {
        &self.keys[0]
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.keys.iter().map(|key| key.id.clone()).collect()
    }

    pub(super) fn by_id(&self, id: &str) -> Option<&MasterKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Puts a new key before the others.
    pub(super) fn add(&mut self) -> Result<(), SealError> {
        let Some(file) = &self.file else {
            return Err(SealError::NotOurs(self.place.clone()));
        };
        self.keys.insert(0, MasterKey::random()?);
        write(file, &self.keys).map_err(|error| {
            self.keys.remove(0);
            SealError::Keys {
                place: self.place.clone(),
                reason: error.to_string(),
            }
        })
    }
}

/// Whole and durably, or not at all; for its owner's eyes.
fn write(path: &Path, keys: &[MasterKey]) -> std::io::Result<()> {
    let temporary = path.with_extension("tmp");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    for key in keys {
        let line = Zeroizing::new(format!("{}\n", BASE64.encode(&key.bytes[..])));
        file.write_all(line.as_bytes())?;
    }
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}
