//! The way to a server. Addresses come from whoever deploys, so they lead to the public internet and nowhere else, unless
//! the operator says otherwise: a name is judged by what it leads to, and what was judged is what is connected to.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use reqwest::Url;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zygo_sandbox::egress::{self, Policy};

use super::SourceError;
use super::roots::{Roots, RootsError, no_connection};

/// What bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Which servers may be reached.
#[derive(Debug)]
pub(crate) struct Reach {
    /// `None` for all.
    policy: Option<Policy>,
    roots: Roots,
}

impl Reach {
    /// `root_file` vouches for encrypted servers that the machine knows nothing of.
    pub(crate) fn new(private: bool, root_file: Option<&Path>) -> Result<Self, RootsError> {
        let own = egress::own_addresses().unwrap_or_default();
        let policy = (!private).then(|| Policy::internet([], own));
        let roots = Roots::read(root_file)?;
        Ok(Self { policy, roots })
    }

    /// What decides whether an encrypted server is who it should be.
    pub(super) fn encryption(&self) -> Result<ClientConfig, SourceError> {
        self.roots.encryption()
    }

    /// Where an address leads.
    pub(super) async fn find(&self, url: &Url, port: u16) -> Result<SocketAddr, SourceError> {
        let host = host(url);
        let port = url.port().unwrap_or(port);
        let found = tokio::net::lookup_host((host, port)).await;
        let found = found.map_err(|error| SourceError::Connect(error.to_string()))?;
        let mut found = found.peekable();
        if found.peek().is_none() {
            return Err(SourceError::Connect("the name leads nowhere".to_owned()));
        }
        let allows = |to: &SocketAddr| self.policy.as_ref().is_none_or(|its| its.allows(*to));
        found.find(allows).ok_or(SourceError::Private)
    }

    /// A connection, encrypted if it is to be.
    pub(super) async fn connect(
        &self,
        url: &Url,
        port: u16,
        is_encrypted: bool,
    ) -> Result<Box<dyn Stream>, SourceError> {
        let refused = |error: std::io::Error| no_connection(&error);
        let address = self.find(url, port).await?;
        let stream = TcpStream::connect(address).await.map_err(refused)?;
        stream.set_nodelay(true).map_err(refused)?;
        if !is_encrypted {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host(url).to_owned());
        let name = name.map_err(|error| SourceError::Connect(error.to_string()))?;
        let connector = TlsConnector::from(Arc::new(self.encryption()?));
        let stream = connector.connect(name, stream).await.map_err(refused)?;
        Ok(Box::new(stream))
    }
}

/// An IPv6 address stands in brackets in an address alone.
fn host(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_public_internet_is_reached() {
        let reach = Reach::new(false, None).expect("no file");
        for url in [
            "redis://127.0.0.1",
            "redis://[::1]:7",
            "nats://localhost",
            "amqp://10.1.2.3",
        ] {
            let url = Url::parse(url).expect("an address");
            let refused = reach.find(&url, 1).await.expect_err(url.as_str());
            assert!(matches!(refused, SourceError::Private), "{url}: {refused}");
        }
        let url = Url::parse("redis://127.0.0.1").expect("an address");
        let reach = Reach::new(true, None).expect("no file");
        let found = reach.find(&url, 6_379).await.expect("an address");
        assert_eq!(found.port(), 6_379);
    }
}
