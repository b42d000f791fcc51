//! Certificates that an authority gives by itself (ACME, RFC 8555), for the domains of functions and the platform's own
//! hosts. A name is proven in the handshake (`tls-alpn-01`, RFC 8737), so the authority has to reach port 443 of the name
//! and nothing else.
//!
//! ```text
//!  wanted ─► Ordering ─► given ─► Serving ─► (a third of its life is left) ─► Ordering
//!               └─ refused: tried again, ever more slowly, for as long as it is wanted
//! ```
//! The library orders, renews and keeps; here is decided for whom. Knows no requests.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::StreamExt;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_acme::caches::DirCache;
use rustls_acme::{AcmeConfig, AcmeState, ResolvesServerCertAcme};
use tokio::task::{AbortHandle, JoinSet};

use super::TlsError;
use crate::config::Config;

/// The protocol of a handshake that proves a name and carries nothing.
pub(super) const CHALLENGE: &[u8] = b"acme-tls/1";

/// Where accounts and certificates are kept, in the data folder.
const FOLDER: &str = "certificates";

type State = AcmeState<std::io::Error>;
type Resolver = Arc<ResolvesServerCertAcme>;

/// Gets certificates from an authority.
#[derive(Debug)]
pub(super) struct Authority {
    config: Arc<Config>,
    provider: Arc<CryptoProvider>,
    folder: PathBuf,
    /// How the authority itself is trusted; as browsers trust it when absent.
    client: Option<Arc<ClientConfig>>,
    names: ArcSwap<HashMap<String, Resolver>>,
}

/// The names that are looked after, each by a task of its own.
#[derive(Debug, Default)]
pub(super) struct Followed {
    tasks: JoinSet<()>,
    by_name: HashMap<String, AbortHandle>,
    /// Names beyond the most that there may be, so that each is told once.
    left_out: HashSet<String>,
}

impl Authority {
    /// Nothing is asked of it yet.
    pub(super) fn of(
        config: &Arc<Config>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let folder = config.data_dir.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(|source| TlsError::File {
            file: folder.display().to_string(),
            source,
        })?;
        Ok(Self {
            client: client(config, provider)?,
            config: Arc::clone(config),
            provider: Arc::clone(provider),
            folder,
            names: ArcSwap::default(),
        })
    }

    /// What answers handshakes of a name, in lower case.
    pub(super) fn resolver(&self, name: &str) -> Option<Resolver> {
        self.names.load().get(name).map(Arc::clone)
    }

    /// Looks after these names, and no others any more.
    pub(super) fn follow(&self, followed: &mut Followed, mut wanted: Vec<String>) {
        wanted.sort();
        wanted.dedup();
        let rest = wanted.split_off(wanted.len().min(self.config.tls.acme_domains_max));
        for name in &rest {
            if followed.left_out.insert(name.clone()) {
                tracing::error!(%name, "no certificate is asked for: tls.acme_domains_max names have one");
            }
        }
        let mut names = HashMap::new();
        let known = self.names.load();
        for name in &wanted {
            let resolver = known.get(name).map(Arc::clone);
            let resolver = resolver.unwrap_or_else(|| self.begin(followed, name));
            names.insert(name.clone(), resolver);
        }
        followed.by_name.retain(|name, task| {
            let is_wanted = names.contains_key(name);
            if !is_wanted {
                task.abort();
            }
            is_wanted
        });
        while followed.tasks.try_join_next().is_some() {}
        self.names.store(Arc::new(names));
    }

    fn begin(&self, followed: &mut Followed, name: &str) -> Resolver {
        let state = self.state(name);
        let resolver = state.resolver();
        let task = followed.tasks.spawn(look_after(name.to_owned(), state));
        followed.by_name.insert(name.to_owned(), task);
        resolver
    }

    fn state(&self, name: &str) -> State {
        let settings = &self.config.tls;
        let contact = settings.acme_contact.iter();
        let config = AcmeConfig::new_with_provider([name], Arc::clone(&self.provider))
            .directory(&settings.acme_directory_url)
            .contact(contact.map(|address| format!("mailto:{address}")))
            .cache(DirCache::new(self.folder.clone()));
        match &self.client {
            Some(client) => config.client_tls_config(Arc::clone(client)).state(),
            None => config.state(),
        }
    }
}

/// Trust in the certificates of one file, if there is one.
fn client(
    config: &Config,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<ClientConfig>>, TlsError> {
    let Some(file) = &config.tls.acme_root_file else {
        return Ok(None);
    };
    let name = || file.display().to_string();
    let text = std::fs::read(file).map_err(|source| TlsError::File {
        file: name(),
        source,
    })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| TlsError::Pem {
            file: name(),
            reason: error.to_string(),
        })?;
        roots.add(certificate)?;
    }
    if roots.is_empty() {
        let reason = "no certificate is in it".to_owned();
        return Err(TlsError::Pem {
            file: name(),
            reason,
        });
    }
    let builder = ClientConfig::builder_with_provider(Arc::clone(provider));
    let client = builder
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(Arc::new(client)))
}

/// Orders and renews, for ever. The pauses between tries are the library's.
async fn look_after(name: String, mut state: State) {
    while let Some(event) = state.next().await {
        match event {
            Ok(what) => tracing::info!(%name, ?what, "certificate of the authority"),
            Err(error) => {
                tracing::warn!(%name, %error, "no certificate of the authority; it is asked again");
            }
        }
    }
}
