//! Certificates for tests, and the files that they lie in.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;

/// A certificate that a client may be told to trust, and nobody else does.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

pub(crate) fn make(name: &str) -> Made {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new([name.to_owned()]).expect("a name");
    let certificate = params.self_signed(&key).expect("a certificate");
    Made {
        certificate: certificate.der().to_vec(),
        key: key.serialize_der(),
    }
}

/// A certificate for names, and that of whoever vouches for it.
pub(crate) fn make_vouched(names: &[&str]) -> (Made, Made) {
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let (authority_key, key) = (
        rcgen::KeyPair::generate().expect("a key"),
        rcgen::KeyPair::generate().expect("a key"),
    );
    let authority = authority
        .self_signed(&authority_key)
        .expect("a certificate");
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let params = rcgen::CertificateParams::new(names).expect("names");
    let certificate = params.signed_by(&key, &authority, &authority_key);
    let made = |certificate: &rcgen::Certificate, key: &rcgen::KeyPair| Made {
        certificate: certificate.der().to_vec(),
        key: key.serialize_der(),
    };
    let certificate = certificate.expect("a certificate");
    (made(&certificate, &key), made(&authority, &authority_key))
}

pub(crate) fn pem(kind: &str, der: &[u8]) -> String {
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("ASCII"))
        .collect();
    format!(
        "-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n",
        lines.join("\n")
    )
}

impl Made {
    /// What a server that has it is configured with.
    pub(crate) fn server(&self) -> ServerConfig {
        let chain = vec![CertificateDer::from(self.certificate.clone())];
        let key = PrivateKeyDer::try_from(self.key.clone()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("versions").with_no_client_auth();
        builder.with_single_cert(chain, key).expect("a certificate")
    }

    pub(crate) fn write(&self, certificate: &Path, key: &Path) {
        std::fs::write(key, pem("PRIVATE KEY", &self.key)).expect("a file");
        std::fs::write(certificate, pem("CERTIFICATE", &self.certificate)).expect("a file");
    }
}

/// A folder with a certificate for everybody and some for domains.
pub(crate) fn folder(domains: &[(&str, &Made)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, made) in domains {
        let own = folder.path().join(name);
        std::fs::create_dir(&own).expect("a folder");
        made.write(&own.join("cert.pem"), &own.join("key.pem"));
    }
    folder
}
