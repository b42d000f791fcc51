//! Encrypted connections: which certificate a client is shown, and how long it may take to agree on one. Knows files and
//! names, no requests.

mod acme;
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
use tokio_rustls::server::TlsStream;

use crate::config::Config;
use crate::route::normal_host;
use acme::{Authority, CHALLENGE, Followed};
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

/// What clients can be shown: what is in files first, for it was put there.
#[derive(Debug)]
struct Certificates {
    files: ArcSwap<Shown>,
    authority: Option<Authority>,
}

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
        let name = hello.server_name().and_then(normal_host);
        let name = name.unwrap_or_default();
        let given = self.authority.as_ref();
        let given = given.and_then(|authority| authority.resolver(&name));
        if is_challenge(&hello) {
            return given?.resolve(hello);
        }
        let files = self.files.load();
        let named = files.named.get(&name).cloned();
        let named = named.or_else(|| given?.resolve(hello));
        named.or_else(|| files.of_others(&name))
    }
}

/// Whether an authority asks, and asks for nothing but the proof.
fn is_challenge(hello: &ClientHello<'_>) -> bool {
    let mut protocols = hello.alpn().into_iter().flatten();
    protocols.next() == Some(CHALLENGE) && protocols.next().is_none()
}

impl Shown {
    /// For a name that has none of its own.
    fn of_others(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let above = name.split_once('.').map(|(_, above)| format!("*.{above}"));
        let found = above.and_then(|above| self.named.get(&above));
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
        let authority = match config.tls.acme {
            true => Some(Authority::of(config, &provider)?),
            false => None,
        };
        let certificates = Arc::new(Certificates {
            files: ArcSwap::from_pointee(shown),
            authority,
        });
        let builder = ServerConfig::builder_with_provider(provider);
        let mut server = builder
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificates) as Arc<dyn ResolvesServerCert>);
        let challenge = config.tls.acme.then_some(CHALLENGE);
        let protocols = PROTOCOLS.into_iter().chain(challenge);
        server.alpn_protocols = protocols.map(<[u8]>::to_vec).collect();
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

    /// Reads certificates again whenever their files change, and asks the authority for those of `names`, for ever.
    pub(super) async fn keep_up(&self, names: impl Fn() -> Vec<String>) {
        let follow = async {
            let Some(authority) = &self.certificates.authority else {
                return std::future::pending().await;
            };
            let mut followed = Followed::default();
            let mut ticks = tokio::time::interval(RELOAD_INTERVAL);
            loop {
                ticks.tick().await;
                let mut names = names();
                let files = self.certificates.files.load();
                names.retain(|name| !files.named.contains_key(name));
                authority.follow(&mut followed, names);
            }
        };
        tokio::join!(self.keep_up_with_files(), follow);
    }

    /// Files that cannot be used change nothing.
    async fn keep_up_with_files(&self) {
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
                    self.certificates.files.store(Arc::new(shown));
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
        self.certificates
            .files
            .load()
            .other
            .clone()
            .filter(|_| is_own)
    }

    async fn stamp(&self) -> Stamp {
        let config = Arc::clone(&self.config);
        let stamp = tokio::task::spawn_blocking(move || files::stamp(&config));
        stamp.await.unwrap_or_default()
    }
}

/// Whether a connection was made to prove a name, and is over with that.
pub(super) fn was_challenge<S>(stream: &TlsStream<S>) -> bool {
    let (_, session) = stream.get_ref();
    session.alpn_protocol() == Some(CHALLENGE)
}

/// A chain and its key, if they belong together.
fn pair(
    provider: &CryptoProvider,
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: rustls::pki_types::PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, rustls::Error> {
    Ok(Arc::new(CertifiedKey::from_der(chain, key, provider)?))
}
