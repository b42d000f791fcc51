//! Before any path is looked at: whose host is it? A host that a function has is the function's alone, all others lead to
//! the platform's own API and to what stands beside it.

use std::sync::Arc;

use axum::Router;
use http::{HeaderMap, Request, Uri, header};
use hyper::body::Incoming;
use hyper_util::service::TowerToHyperService;

use crate::platform::Platform;
use crate::route::normal_host;

/// The routers, and what tells which one is meant.
#[derive(Clone)]
pub(super) struct Front {
    platform: Arc<Platform>,
    api: TowerToHyperService<Router>,
    domains: TowerToHyperService<Router>,
}

impl Front {
    pub(super) fn new(platform: Arc<Platform>, api: Router, domains: Router) -> Self {
        Self {
            platform,
            api: TowerToHyperService::new(api),
            domains: TowerToHyperService::new(domains),
        }
    }

    /// The router that a request is for. Takes no lock, and as long as no function has a domain, looks at nothing.
    pub(super) fn router(&self, request: &Request<Incoming>) -> &TowerToHyperService<Router> {
        let table = self.platform.routes().table();
        if !table.has_domains() {
            return &self.api;
        }
        let host = host(request.uri(), request.headers()).and_then(normal_host);
        let is_taken = host.is_some_and(|host| {
            !self.platform.config().is_own_host(&host) && table.domain(&host).is_some()
        });
        if is_taken { &self.domains } else { &self.api }
    }
}

/// The host that a request is for: in HTTP/2, and where the target is a whole URL, it stands there.
pub(super) fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = uri.authority().map(http::uri::Authority::as_str);
    authority.or_else(|| headers.get(header::HOST)?.to_str().ok())
}
