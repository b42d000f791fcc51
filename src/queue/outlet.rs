//! The way out to webhooks of functions. Their addresses come from whoever deploys, so they lead to the public internet
//! and nowhere else, unless the operator says otherwise: names are judged by what they lead to, at each connection.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use zygo_sandbox::egress::{self, Policy};

use crate::alert::{self, Call};

/// A receiver that has not answered by then has not taken the notice.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Why an address is not called.
const PRIVATE: &str =
    "the address is not public; the operator may allow it with events.private_webhooks";

/// What webhooks are called with.
#[derive(Debug)]
pub(crate) struct Outlet {
    client: Client,
    /// Who may be called; `None` for everybody.
    policy: Option<Arc<Policy>>,
}

/// Leaves out what may not be called.
struct PublicOnly(Arc<Policy>);

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.0);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| policy.allows(*address)).collect();
            if public.is_empty() {
                return Err(PRIVATE.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

impl Outlet {
    pub(crate) fn new(private: bool) -> Result<Self, reqwest::Error> {
        let own = egress::own_addresses().unwrap_or_default();
        let policy = (!private).then(|| Arc::new(Policy::internet([], own)));
        // A proxy would resolve names by itself.
        let mut client = alert::client().no_proxy();
        if let Some(policy) = &policy {
            client = client.dns_resolver(Arc::new(PublicOnly(Arc::clone(policy))));
        }
        Ok(Self {
            client: client.build()?,
            policy,
        })
    }

    /// Calls a webhook. Its status, or why there is none.
    pub(crate) async fn call(&self, call: &Call<'_>, now_unix_s: i64) -> Result<u16, String> {
        self.check(call.url)?;
        let status = alert::call(&self.client, call, TIMEOUT, now_unix_s).await?;
        Ok(status.as_u16())
    }

    /// An address that is no name asks no resolver.
    fn check(&self, url: &str) -> Result<(), String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        let host = url.host_str().unwrap_or_default();
        let ip = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        let port = url.port_or_known_default().unwrap_or_default();
        match (&self.policy, ip) {
            (Some(policy), Ok(ip)) if !policy.allows((ip, port).into()) => Err(PRIVATE.to_owned()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_public_internet_is_called() {
        let outlet = Outlet::new(false).expect("an outlet");
        for url in [
            "http://127.0.0.1:1/",
            "http://[::1]:1/",
            "http://[::ffff:127.0.0.1]:1/",
            "http://10.1.2.3/",
            "http://169.254.169.254/latest",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://localhost:1/",
        ] {
            let call = Call {
                url,
                secret: None,
                event: "test",
                delivery: "dv-1",
                body: "{}",
            };
            let refused = outlet.call(&call, 0).await.expect_err(url);
            assert!(refused.contains("not public"), "{url}: {refused}");
        }
        assert!(outlet.check("https://example.org/").is_ok());
        assert!(
            Outlet::new(true)
                .expect("an outlet")
                .check("http://127.0.0.1/")
                .is_ok()
        );
    }
}
