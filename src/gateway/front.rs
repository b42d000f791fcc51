//! Before any path is looked at: whose host is it? A host that a function has is the function's alone, all others lead to
//! the platform's own API and to what stands beside it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use futures_util::future::Either;
use http::{HeaderMap, Request, StatusCode, Uri, header};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::client::{Client, Peer};
use super::inflow::{self, Inflow};
use super::invoke;
use super::problem::RequestError;
use crate::platform::Platform;
use crate::route::normal_host;

/// The routers, and what tells which one is meant.
#[derive(Clone)]
pub(super) struct Front {
    platform: Arc<Platform>,
    inflow: Inflow,
    api: TowerToHyperService<Router>,
    domains: TowerToHyperService<Router>,
    /// Sends whoever comes unencrypted elsewhere.
    redirect: Option<TowerToHyperService<Router>>,
}

impl Front {
    pub(super) fn new(
        platform: Arc<Platform>,
        inflow: Inflow,
        api: Router,
        domains: Router,
    ) -> Self {
        Self {
            redirect: None,
            platform,
            inflow,
            api: TowerToHyperService::new(api),
            domains: TowerToHyperService::new(domains),
        }
    }

    /// The same, but unencrypted requests are sent to this port.
    pub(super) fn redirecting(self, port: u16) -> Self {
        let answer = move |request: Request<Body>| async move { redirect(&request, port) };
        let router = Router::new().fallback(answer);
        Self {
            redirect: Some(TowerToHyperService::new(router)),
            ..self
        }
    }

    /// Whether a request may come as it does. Whoever looks after the platform's health does so from nearby.
    fn may_stay(&self, request: &Request<Incoming>, peer: Peer) -> bool {
        let path = request.uri().path();
        ["/healthz", "/readyz"].contains(&path)
            || Client::of(peer, request.headers(), self.platform.trusted_proxies()).tls
    }

    /// Answers a request. The invoke call is known by its path, and goes past the routers: what they do for it costs a
    /// tenth of a short invocation.
    pub(super) fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = Result<Response, Infallible>> + Send + use<> {
        if self.redirect.is_none()
            && let Some(key) = invoke::key(&request)
            && !self.is_of_a_domain(&request)
        {
            let (platform, inflow) = (Arc::clone(&self.platform), self.inflow.clone());
            let call = |request| invoke::call(platform, key, request);
            // In a box of its own, or every other answer would be as large.
            let answer = Box::pin(inflow::held(inflow, request.map(Body::new), call));
            return Either::Left(answer.map(Ok));
        }
        request.extensions_mut().insert(peer);
        Either::Right(self.router(&request, peer).call(request))
    }

    /// The router that a request is for.
    fn router(&self, request: &Request<Incoming>, peer: Peer) -> &TowerToHyperService<Router> {
        match &self.redirect {
            Some(redirect) if !self.may_stay(request, peer) => redirect,
            _ if self.is_of_a_domain(request) => &self.domains,
            _ => &self.api,
        }
    }

    /// Whether a function has the request's host. Takes no lock, and as long as no function has a domain, looks at nothing.
    fn is_of_a_domain(&self, request: &Request<Incoming>) -> bool {
        let table = self.platform.routes().table();
        if !table.has_domains() {
            return false;
        }
        let host = host(request.uri(), request.headers()).and_then(normal_host);
        host.is_some_and(|host| {
            !self.platform.config().is_own_host(&host) && table.domain(&host).is_some()
        })
    }
}

/// The host that a request is for: in HTTP/2, and where the target is a whole URL, it stands there.
pub(super) fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = uri.authority().map(http::uri::Authority::as_str);
    authority.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// Refuses a `Host` that is none, or is there twice: applications build addresses of it. It may be missing, or empty.
pub(super) fn check_host(headers: &HeaderMap) -> Result<(), RequestError> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().map(|host| host.to_str().unwrap_or("@"));
    match host.is_none_or(is_host) && hosts.next().is_none() {
        true => Ok(()),
        false => {
            let rule = "Host must be one name or address, with or without a port";
            Err(RequestError::malformed("/headers/host", rule.to_owned()))
        }
    }
}

fn is_host(host: &str) -> bool {
    let port = host.rsplit_once(':').map(|(_, port)| port);
    let is_port =
        |port: &str| port.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit());
    host.is_empty() || (port.is_none_or(is_port) && normal_name(host).is_some())
}

/// The same request at the encrypted port, with its method and body.
fn redirect(request: &Request<Body>, port: u16) -> Response {
    let Some(name) = host(request.uri(), request.headers()).and_then(normal_name) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let port = match port {
        443 => String::new(),
        port => format!(":{port}"),
    };
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let location = [(header::LOCATION, format!("https://{name}{port}{path}"))];
    (StatusCode::PERMANENT_REDIRECT, location).into_response()
}

/// A host's name or address without its port, if nothing else is in it.
fn normal_name(host: &str) -> Option<String> {
    let authority: http::uri::Authority = host.parse().ok()?;
    (!host.contains('@')).then(|| authority.host().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in [
            "",
            "localhost",
            "api.example.com:3000",
            "127.0.0.1",
            "[::1]",
            "[::1]:80",
            "a_b",
        ] {
            assert!(is_host(host), "{host}");
        }
        for host in [
            "[::1",
            "::1]",
            "[::1]x",
            "a b",
            "a/b",
            "user@host",
            "a:b",
            "a:1:2",
            "@",
        ] {
            assert!(!is_host(host), "{host}");
        }
    }
}
