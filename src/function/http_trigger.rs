//! The settings of an HTTP trigger, read and checked once: which requests it takes, who may send them, and how its handler
//! sees them. Pure.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::manifest::{Manifest, ManifestError, TriggerKind};
use crate::config::Config;
use crate::pointer;
use crate::route::{Domain, Methods, Pattern, Site, is_reserved};

/// What an HTTP trigger says.
#[derive(Debug, Clone)]
pub(crate) struct HttpTrigger {
    /// Without one it takes every path, and only where paths are the function's own.
    pub(crate) path: Option<Pattern>,
    pub(crate) methods: Methods,
    pub(crate) auth: Option<TriggerAuth>,
    pub(crate) format: EventFormat,
    pub(crate) cors: Option<Arc<Cors>>,
}

/// Who may send requests to a trigger. What a trigger leaves out, the function's `public` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TriggerAuth {
    /// Everyone.
    None,
    /// Whoever may invoke the function.
    Key,
}

/// What the event looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EventFormat {
    /// The platform's own, with a body that is read by its type.
    #[default]
    Zygo,
    /// AWS Lambda's payload format 2.0.
    LambdaV2,
}

/// Which pages of other origins may read answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Cors {
    /// `*` or origins such as `https://example.com`; all when left out.
    pub(crate) origins: Vec<String>,
    /// Those of the trigger when left out.
    pub(crate) methods: Vec<String>,
    /// Whichever the page asks for when left out.
    pub(crate) headers: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    pub(crate) credentials: bool,
    /// For how long a browser may remember the answer to its question, in seconds.
    pub(crate) max_age: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    methods: Option<Vec<String>>,
    path: Option<String>,
    auth: Option<TriggerAuth>,
    #[serde(default)]
    event_format: EventFormat,
    cors: Option<Value>,
}

/// A trigger at one of its sites.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// The field that asks for it.
    pub(super) pointer: String,
    pub(super) site: Site,
    pub(super) pattern: Pattern,
    pub(super) trigger: Arc<HttpTrigger>,
}

impl HttpTrigger {
    /// All requests, as the function's own settings say.
    fn of_domain() -> Self {
        Self {
            path: None,
            methods: Methods::all(),
            auth: None,
            format: EventFormat::default(),
            cors: None,
        }
    }

    /// A trigger's `config`, which stands at `pointer`.
    fn parse(config: &Map<String, Value>, pointer: &str) -> Result<Self, ManifestError> {
        let wrong =
            |field: &str, message: String| ManifestError::new(format!("{pointer}{field}"), message);
        let written: Written = read(Value::Object(config.clone()), pointer)?;
        let path = written.path.map(|path| Pattern::parse(&path)).transpose();
        let methods = match &written.methods {
            Some(names) => Methods::parse(names.iter().map(String::as_str)),
            None => Ok(Methods::all()),
        };
        let cors = match written.cors {
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(Cors::default()),
            Some(cors) => Some(read(cors, &format!("{pointer}/cors"))?),
        };
        let cors = cors.map(|cors| cors.checked(&format!("{pointer}/cors")));
        Ok(Self {
            path: path.map_err(|error| wrong("/path", error.to_string()))?,
            methods: methods.map_err(|error| wrong("/methods", error.to_string()))?,
            auth: written.auth,
            format: written.event_format,
            cors: cors.transpose()?.map(Arc::new),
        })
    }

    /// The paths that it takes where all are the function's own.
    fn own_pattern(&self) -> Result<Pattern, ManifestError> {
        let everything = || Pattern::parse("/*");
        let pattern = self.path.clone().map_or_else(everything, Ok);
        pattern.map_err(|error| ManifestError::new("/triggers", error.to_string()))
    }
}

fn read<T: serde::de::DeserializeOwned>(value: Value, at: &str) -> Result<T, ManifestError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let below = pointer::of(error.path());
        ManifestError::new(format!("{at}{below}"), error.inner().to_string())
    })
}

impl Cors {
    fn checked(self, pointer: &str) -> Result<Self, ManifestError> {
        let wrong = |field: &str, message: &str| {
            Err(ManifestError::new(format!("{pointer}/{field}"), message))
        };
        let any = |list: &[String]| list.is_empty() || list.iter().any(|one| one == "*");
        let is_token = |one: &String| {
            !one.is_empty()
                && one
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b",;\"".contains(&byte))
        };
        if !self
            .origins
            .iter()
            .all(|origin| origin == "*" || is_origin(origin))
        {
            return wrong(
                "origins",
                "an origin is `*`, or scheme and host such as https://example.com",
            );
        }
        if self.credentials && any(&self.origins) {
            return wrong(
                "origins",
                "with credentials, name the origins: browsers take no `*` then",
            );
        }
        let lists = [
            ("methods", &self.methods),
            ("headers", &self.headers),
            ("exposeHeaders", &self.expose_headers),
        ];
        for (field, list) in lists {
            if !list.iter().all(is_token) {
                return wrong(field, "a list of names without commas or spaces");
            }
        }
        Ok(self)
    }
}

/// Scheme and host, with no path: what browsers send.
fn is_origin(origin: &str) -> bool {
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_some_and(|host| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        !host.is_empty() && host.bytes().all(allowed)
    })
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
    let wrong =
        |error: crate::route::HostError| ManifestError::new("/customDomain", error.to_string());
    parsed.transpose().map_err(wrong)
}

/// Where a function is to be reached. Functions with a domain take no paths of the platform's router.
pub(super) fn routes(id: &str, manifest: &Manifest) -> Result<Vec<Route>, ManifestError> {
    let domain = domain(manifest)?;
    let mut triggers = Vec::new();
    for (index, trigger) in manifest.triggers.iter().enumerate() {
        if trigger.kind == TriggerKind::Http {
            let pointer = format!("/triggers/{index}/config");
            let parsed = HttpTrigger::parse(&trigger.config, &pointer)?;
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
    let own = trigger.own_pattern()?;
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
