//! Where a function is to be reached: at its own endpoint, on the platform's router, at its domain. Pure.

use std::sync::Arc;

use super::manifest::{Manifest, ManifestError, TriggerKind};
use crate::config::Config;
use crate::route::{Domain, HostError, Pattern, Site, is_reserved};
use crate::trigger::http::HttpTrigger;

/// A trigger at one of its sites.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// The field that asks for it.
    pub(super) pointer: String,
    pub(super) site: Site,
    pub(super) pattern: Pattern,
    pub(super) trigger: Arc<HttpTrigger>,
}

/// Checks what a function says of HTTP triggers and its domain.
pub(super) fn check(manifest: &Manifest, config: &Config) -> Result<(), ManifestError> {
    if let Some(domain) = domain(manifest)?
        && config.is_own_host(domain.name())
    {
        let rule = format!("`{domain}` is an address of the platform itself");
        return Err(ManifestError::new("/customDomain", rule));
    }
    routes("", manifest).map(drop)
}

/// The domain that a function asks for.
pub(super) fn domain(manifest: &Manifest) -> Result<Option<Domain>, ManifestError> {
    let parsed = manifest.custom_domain.as_deref().map(Domain::parse);
    let wrong = |error: HostError| ManifestError::new("/customDomain", error.to_string());
    parsed.transpose().map_err(wrong)
}

/// Where a function is to be reached. Functions with a domain take no paths of the platform's router.
pub(super) fn routes(id: &str, manifest: &Manifest) -> Result<Vec<Route>, ManifestError> {
    let domain = domain(manifest)?;
    let mut triggers = Vec::new();
    for (index, trigger) in manifest.triggers.iter().enumerate() {
        if trigger.kind == TriggerKind::Http {
            let pointer = format!("/triggers/{index}/config");
            let parsed = HttpTrigger::parse(&trigger.config);
            let parsed = parsed.map_err(|wrong| ManifestError::below(&pointer, wrong))?;
            triggers.push((format!("{pointer}/path"), Arc::new(parsed)));
        }
    }
    if triggers.is_empty() && domain.is_some() {
        let all = Arc::new(HttpTrigger::of_domain());
        triggers.push(("/customDomain".to_owned(), all));
    }
    let mut routes: Vec<Route> = Vec::new();
    for (pointer, trigger) in triggers {
        for (site, pattern) in sites(id, manifest, domain.as_ref(), &trigger, &pointer)? {
            let route = Route {
                pointer: pointer.clone(),
                site,
                pattern,
                trigger: Arc::clone(&trigger),
            };
            if routes.iter().any(|other| other.collides(&route)) {
                let rule = "another trigger of the function takes these requests already";
                return Err(ManifestError::new(pointer, rule));
            }
            routes.push(route);
        }
    }
    Ok(routes)
}

fn sites(
    id: &str,
    manifest: &Manifest,
    domain: Option<&Domain>,
    trigger: &HttpTrigger,
    pointer: &str,
) -> Result<Vec<(Site, Pattern)>, ManifestError> {
    let own = match &trigger.path {
        Some(path) => path.clone(),
        None => everything()?,
    };
    let endpoints = [id, &manifest.name].map(|key| (Site::Endpoint(key.to_owned()), own.clone()));
    let mut sites = Vec::from(endpoints);
    match (domain, &trigger.path) {
        (Some(domain), _) => sites.push((Site::Domain(domain.clone()), own)),
        (None, Some(pattern)) => {
            if let Some(first) = pattern.first_literal().filter(|first| is_reserved(first)) {
                let rule = format!(
                    "the platform's own API begins with /{first}: choose another path, or give the function a customDomain"
                );
                return Err(ManifestError::new(pointer, rule));
            }
            sites.push((Site::Platform, pattern.clone()));
        }
        (None, None) => {}
    }
    Ok(sites)
}

/// The paths of a trigger that names none, where all are the function's own.
fn everything() -> Result<Pattern, ManifestError> {
    Pattern::parse("/*").map_err(|error| ManifestError::new("/triggers", error.to_string()))
}

impl Route {
    /// Whether some request would be taken by both, and neither is more particular.
    pub(super) fn collides(&self, other: &Self) -> bool {
        self.site == other.site
            && self.pattern.is_like(&other.pattern)
            && self.trigger.methods.overlap(&other.trigger.methods)
    }
}

/// Where a function is to be reached, relative to the platform's own address.
pub(crate) fn endpoints(id: &str, manifest: &Manifest) -> Vec<String> {
    let mut all = vec![format!("/functions/{id}/invoke")];
    if manifest.sockets().is_some() {
        all.push(format!("/functions/{id}/ws"));
    }
    // What an earlier version of the platform took may be no route.
    for route in routes(id, manifest).unwrap_or_default() {
        let path = route.pattern.as_str();
        match &route.site {
            Site::Platform => all.push(path.to_owned()),
            Site::Domain(domain) => all.push(format!("//{domain}{path}")),
            Site::Endpoint(key) if key == id => all.push(format!("/functions/{id}/http{path}")),
            Site::Endpoint(_) => {}
        }
    }
    all
}
