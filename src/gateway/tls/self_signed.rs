//! A certificate that nobody vouches for, for the time before there is a real one. Made anew at every start.

use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::CertifiedKey;

use super::{TlsError, pair};
use crate::config::Config;

/// What everybody calls this machine who works on it.
const NAMES: [&str; 4] = ["localhost", "*.localhost", "127.0.0.1", "::1"];

/// A certificate for this machine and the platform's own hosts.
pub(super) fn certificate(
    config: &Config,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let hosts = config
        .hosts
        .split(',')
        .map(str::trim)
        .filter(|host| !host.is_empty());
    let names: Vec<String> = NAMES.into_iter().chain(hosts).map(str::to_owned).collect();
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Zygo, self-signed");
    let key = KeyPair::generate()?;
    let made = params.self_signed(&key)?;
    let private = PrivatePkcs8KeyDer::from(key.serialize_der());
    tracing::warn!("TLS with a certificate of our own: clients have to be told to take it");
    Ok(pair(provider, vec![made.der().clone()], private.into())?)
}
