//! Certificates and keys in files: one pair for everybody, and `<tls.dir>/<domain>/{cert,key}.pem` for each domain.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{Shown, TlsError, pair};
use crate::config::Config;
use crate::route::Domain;

/// What tells that files have changed: their paths, times and lengths.
pub(super) type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

const CERTIFICATE: &str = "cert.pem";
const KEY: &str = "key.pem";

/// All files as they are. `own` is for those who name nobody when no file is.
pub(super) fn read(
    config: &Config,
    provider: &CryptoProvider,
    own: Option<Arc<CertifiedKey>>,
) -> Result<Shown, TlsError> {
    let mut shown = Shown {
        other: own,
        ..Shown::default()
    };
    if let (Some(certificate), Some(key)) = (&config.tls.certificate_file, &config.tls.key_file) {
        shown.other = Some(read_pair(certificate, key, provider)?);
    }
    for (name, folder) in domains(config)? {
        let made = read_pair(&folder.join(CERTIFICATE), &folder.join(KEY), provider)?;
        shown.named.insert(name, made);
    }
    Ok(shown)
}

/// Names and folders of domains. What is no domain is no business of ours, such as `lost+found`.
fn domains(config: &Config) -> Result<Vec<(String, PathBuf)>, TlsError> {
    let Some(folder) = &config.tls.dir else {
        return Ok(Vec::new());
    };
    let failed = |source| TlsError::File {
        file: folder.display().to_string(),
        source,
    };
    let mut domains = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(Ok(domain)) = name.map(Domain::parse)
            && path.is_dir()
        {
            domains.push((domain.to_string(), path));
        }
    }
    domains.sort();
    Ok(domains)
}

fn read_pair(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let text = |file: &Path| {
        std::fs::read(file).map_err(|source| TlsError::File {
            file: file.display().to_string(),
            source,
        })
    };
    let pem = |file: &Path, reason: String| TlsError::Pem {
        file: file.display().to_string(),
        reason,
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text(certificate)?).collect();
    let chain = chain.map_err(|error| pem(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(pem(certificate, "no certificate is in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_slice(&text(key)?);
    let private = private.map_err(|error| pem(key, error.to_string()))?;
    pair(provider, chain, private).map_err(|source| TlsError::Pair {
        certificate: certificate.display().to_string(),
        key: key.display().to_string(),
        source,
    })
}

/// What the files look like from outside.
pub(super) fn stamp(config: &Config) -> Stamp {
    let own = [&config.tls.certificate_file, &config.tls.key_file];
    let own = own.into_iter().flatten().cloned();
    let named = domains(config).unwrap_or_default();
    let named = named
        .into_iter()
        .flat_map(|(_, folder)| [folder.join(CERTIFICATE), folder.join(KEY)]);
    let look = |file: PathBuf| {
        let data = std::fs::metadata(&file).ok();
        let time = data.as_ref().and_then(|data| data.modified().ok());
        (file, time, data.map_or(0, |data| data.len()))
    };
    own.chain(named).map(look).collect()
}
