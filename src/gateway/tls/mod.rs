//! Encrypted connections: which certificate a client is shown, and how long it may take to agree on one. Knows files and
//! names, no requests.

mod files;
mod self_signed;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::config::Config;
use crate::route::normal_host;
use files::Stamp;

/// How often the files of certificates are looked at. Links that are moved to new files are no event of the old ones'
/// folder, so they are looked at and not waited for.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);

/// HTTP/2 first: browsers speak it over TLS alone.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why nothing can be encrypted.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    /// A file.
    #[error("{file} cannot be read")]
    File {
        file: String,
        #[source]
        source: std::io::Error,
    },
    /// What is in it.
    #[error("{file} is no PEM file of the right kind: {reason}")]
    Pem { file: String, reason: String },
    /// A pair that is none.
    #[error("{certificate} and {key} do not belong together, or cannot be used: {source}")]
    Pair {
        certificate: String,
        key: String,
        #[source]
        source: rustls::Error,
    },
    /// The certificate of one's own.
    #[error("a certificate cannot be made: {0}")]
    SelfSigned(#[from] rcgen::Error),
    /// The library.
    #[error(transparent)]
    Library(#[from] rustls::Error),
}

/// Encrypts connections.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    certificates: Arc<Certificates>,
    config: Arc<Config>,
}

/// What clients can be shown.
#[derive(Debug)]
struct Certificates(ArcSwap<Shown>);

/// All certificates at one moment.
#[derive(Debug, Default)]
struct Shown {
    /// By name; `*.example.com` for all names one below.
    named: HashMap<String, Arc<CertifiedKey>>,
    /// For names that have none, and for clients that name nobody.
    other: Option<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().of(hello.server_name())
    }
}

impl Shown {
    fn of(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let name = name.and_then(normal_host).unwrap_or_default();
        let above = || Some(format!("*.{}", name.split_once('.')?.1));
        let found = self.named.get(&name);
        let found = found.or_else(|| self.named.get(&above()?));
        found.or(self.other.as_ref()).cloned()
    }
}

impl Tls {
    /// As the operator wants it.
    pub(super) fn of(config: &Arc<Config>) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let own = match config.tls.self_signed {
            true => Some(self_signed::certificate(config, &provider)?),
            false => None,
        };
        let shown = files::read(config, &provider, own)?;
        let certificates = Arc::new(Certificates(ArcSwap::from_pointee(shown)));
        let builder = ServerConfig::builder_with_provider(provider);
        let mut server = builder
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificates) as Arc<dyn ResolvesServerCert>);
        server.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(server)),
            certificates,
            config: Arc::clone(config),
        })
    }

    /// What agrees with clients on keys.
    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Reads certificates again whenever their files change, for ever. Files that cannot be used change nothing.
    pub(super) async fn keep_up(&self) {
        if !self.config.tls.has_files() {
            return std::future::pending().await;
        }
        let mut seen = self.stamp().await;
        let mut ticks = tokio::time::interval(RELOAD_INTERVAL);
        loop {
            ticks.tick().await;
            let now = self.stamp().await;
            if now == seen {
                continue;
            }
            seen = now;
            let (config, other) = (Arc::clone(&self.config), self.own());
            let read = tokio::task::spawn_blocking(move || {
                files::read(&config, &aws_lc_rs::default_provider(), other)
            });
            match read.await {
                Ok(Ok(shown)) => {
                    tracing::info!(names = shown.named.len(), "certificates were read again");
                    self.certificates.0.store(Arc::new(shown));
                }
                Ok(Err(error)) => {
                    tracing::error!(%error, "certificates cannot be read again; the old ones stay");
                }
                Err(error) => tracing::error!(%error, "reading certificates was cut off"),
            }
        }
    }

    /// The certificate that was made here, which no file replaces.
    fn own(&self) -> Option<Arc<CertifiedKey>> {
        let is_own = self.config.tls.self_signed;
        self.certificates.0.load().other.clone().filter(|_| is_own)
    }

    async fn stamp(&self) -> Stamp {
        let config = Arc::clone(&self.config);
        let stamp = tokio::task::spawn_blocking(move || files::stamp(&config));
        stamp.await.unwrap_or_default()
    }
}

/// A chain and its key, if they belong together.
fn pair(
    provider: &CryptoProvider,
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: rustls::pki_types::PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, rustls::Error> {
    Ok(Arc::new(CertifiedKey::from_der(chain, key, provider)?))
}
