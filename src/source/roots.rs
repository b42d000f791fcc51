//! Whom an encrypted server is believed to be: certificates that the machine trusts, those of the operator's file beside them,
//! and what is said of one that nobody vouches for.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::SourceError;

/// Why the operator's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It cannot be read.
    #[error("events.source_root_file: {file} cannot be read")]
    File {
        /// Which file.
        file: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("events.source_root_file: {file} holds no certificates as PEM: {reason}")]
    Pem {
        /// Which file.
        file: String,
        /// Why.
        reason: String,
    },
}

/// The certificates of the operator's file.
#[derive(Debug, Default)]
pub(super) struct Roots(Vec<CertificateDer<'static>>);

impl Roots {
    pub(super) fn read(file: Option<&Path>) -> Result<Self, RootsError> {
        let Some(path) = file else {
            return Ok(Self::default());
        };
        let file = path.display().to_string();
        let text = match std::fs::read(path) {
            Ok(text) => text,
            Err(source) => return Err(RootsError::File { file, source }),
        };
        match usable(&text) {
            Ok(certificates) => Ok(Self(certificates)),
            Err(reason) => Err(RootsError::Pem { file, reason }),
        }
    }

    /// Always asks for a certificate, for the very name that was called.
    pub(super) fn encryption(&self) -> Result<ClientConfig, SourceError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots.add_parsable_certificates(self.0.iter().cloned());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| SourceError::Connect(error.to_string()))?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }
}

fn usable(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let certificates = certificates.map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        let added = roots.add(certificate.clone());
        added.map_err(|error| error.to_string())?;
    }
    match certificates.is_empty() {
        true => Err("none is in it".to_owned()),
        false => Ok(certificates),
    }
}

/// Why there is no connection; a certificate may be why, however deep that lies.
pub(super) fn no_connection(error: &(dyn Error + 'static)) -> SourceError {
    let mut next = Some(error);
    while let Some(inner) = next {
        if let Some(wrong @ rustls::Error::InvalidCertificate(_)) = inner.downcast_ref() {
            return SourceError::Certificate(wrong.to_string());
        }
        // What an I/O error was made of is not among its sources.
        let wrapped = inner
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => inner.source(),
        };
    }
    SourceError::Connect(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_blamed_however_deep_it_lies() {
        let wrong = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let deep = io::Error::other(io::Error::other(wrong));
        assert!(matches!(no_connection(&deep), SourceError::Certificate(_)));
        let other = no_connection(&io::Error::other("no way"));
        assert_eq!(other.to_string(), "cannot connect: no way");
    }

    #[test]
    fn a_file_without_certificates_is_named() {
        let wrong = Roots::read(Some(Path::new("/dev/null"))).expect_err("nothing is in it");
        assert!(wrong.to_string().contains("/dev/null"), "{wrong}");
        let wrong = Roots::read(Some(Path::new("/nowhere"))).expect_err("no file");
        assert!(
            wrong.to_string().starts_with("events.source_root_file"),
            "{wrong}"
        );
    }
}
