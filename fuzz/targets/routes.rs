//! A method and a target: which operation they lead to, and who may call it. The router's choice is compared with a plain
//! reading of the API's description, and permissions with what nobody may ever do.
#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{MatchedPath, RawPathParams};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use futures_util::FutureExt;
use http::{Method, Request, StatusCode, Uri};
use libfuzzer_sys::{Corpus, fuzz_target};
use tower::ServiceExt;
use zygo::fuzzing::{Access, access, openapi};
use zygo_fuzz::percent;

/// Pages for people, which the description leaves out.
const PAGES: [&str; 6] = [
    "/docs",
    "/docs/",
    "/docs/{*rest}",
    "/dashboard",
    "/dashboard/",
    "/dashboard/{*rest}",
];
/// All that may be called without a credential, besides those.
const OPEN: [&str; 4] = ["/healthz", "/readyz", "/version", "/openapi.json"];

/// All that whoever may invoke something may do.
const INVOKE: [&str; 5] = [
    "/functions/{key}/invoke",
    "/functions/{key}/triggers/{trigger}/fire",
    "/events",
    "/invocations/{invocation}",
    "/connections/{connection}",
];

/// A path of the description, and the methods that it has.
type Route = (String, Vec<Method>);

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let document: serde_json::Value = serde_json::from_slice(&openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("an object");
    let mut routes: Vec<Route> = PAGES
        .map(|path| (path.to_owned(), vec![Method::GET]))
        .into();
    routes.extend(paths.iter().map(|(path, item)| {
        let methods = item.as_object().expect("an object").keys();
        let methods = methods.filter_map(|name| name.to_uppercase().parse().ok());
        (path.clone(), methods.collect())
    }));
    routes
});

/// The library that routes for the platform, with the same paths.
static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let mut router = Router::new();
    for (path, methods) in &*ROUTES {
        for method in methods {
            let filter = MethodFilter::try_from(method.clone()).expect("a common method");
            router = router.route(path, on(filter, tell));
        }
    }
    router
});

/// What the library made of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Matched {
    path: String,
    /// `None` when one is not UTF-8.
    parameters: Option<Vec<(String, String)>>,
}

async fn tell(
    path: MatchedPath,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
) -> Response {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let parameters = parameters.ok();
    let matched = Matched {
        path: path.as_str().to_owned(),
        parameters: parameters.map(|all| all.iter().map(owned).collect()),
    };
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(matched);
    response
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((method, uri)) = parse(data) else {
        return Corpus::Reject;
    };
    let expected = expected(uri.path());
    let (status, found) = routed(&method, &uri);
    match expected {
        None => assert_eq!((status, &found), (StatusCode::NOT_FOUND, &None)),
        Some((matched, methods)) => {
            check_access(&method, &matched.path);
            let is_had = methods.contains(&method)
                || (method == Method::HEAD && methods.contains(&Method::GET));
            match is_had {
                true => assert_eq!((status, found), (StatusCode::OK, Some(matched))),
                false => assert_eq!((status, found), (StatusCode::METHOD_NOT_ALLOWED, None)),
            }
        }
    }
    // What no router would say.
    check_access(&method, uri.path());
    check_access(&method, uri.path_and_query().map_or("", |all| all.as_str()));
    Corpus::Keep
});

fn parse(data: &[u8]) -> Option<(Method, Uri)> {
    let space = data.iter().position(|byte| *byte == b' ')?;
    let method = Method::from_bytes(&data[..space]).ok()?;
    Some((method, Uri::try_from(&data[space + 1..]).ok()?))
}

fn routed(method: &Method, uri: &Uri) -> (StatusCode, Option<Matched>) {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .body(Body::empty());
    let answered = ROUTER
        .clone()
        .oneshot(request.expect("a request"))
        .now_or_never();
    let answered: Result<Response, Infallible> = answered.expect("nothing waits");
    let mut response = answered.unwrap_or_else(|never| match never {});
    (response.status(), response.extensions_mut().remove())
}

/// Of all paths that fit, the one whose parts are literal first.
fn expected(path: &str) -> Option<(Matched, &'static [Method])> {
    let fitting = ROUTES.iter().filter_map(|(pattern, methods)| {
        let (ranks, parameters) = fit(pattern, path)?;
        Some((ranks, pattern, parameters, methods))
    });
    let (_, pattern, parameters, methods) = fitting.min_by_key(|(ranks, ..)| ranks.clone())?;
    let decoded = parameters
        .into_iter()
        .map(|(name, value)| Some((name, String::from_utf8(percent::decode(value)).ok()?)));
    let matched = Matched {
        path: pattern.clone(),
        parameters: decoded.collect(),
    };
    Some((matched, methods))
}

type Fit<'a> = (Vec<u8>, Vec<(String, &'a str)>);

fn fit<'a>(pattern: &str, path: &'a str) -> Option<Fit<'a>> {
    let (mut ranks, mut parameters) = (Vec::new(), Vec::new());
    let mut rest = Some(path.strip_prefix('/')?);
    for part in pattern.strip_prefix('/')?.split('/') {
        let here = rest?;
        if let Some(name) = part.strip_prefix("{*") {
            parameters.push((name.trim_end_matches('}').to_owned(), here));
            ranks.push(2);
            return (!here.is_empty()).then_some((ranks, parameters));
        }
        let (value, behind) = match here.split_once('/') {
            Some((value, behind)) => (value, Some(behind)),
            None => (here, None),
        };
        match part.strip_prefix('{') {
            // The router takes an empty part for a parameter as well, but at the end.
            Some(name) if !value.is_empty() || behind.is_some() => {
                parameters.push((name.trim_end_matches('}').to_owned(), value));
                ranks.push(1);
            }
            None if part == value => ranks.push(0),
            _ => return None,
        }
        rest = behind;
    }
    rest.is_none().then_some((ranks, parameters))
}

/// What holds of every path, also of one that does not exist.
fn check_access(method: &Method, path: &str) {
    let reads = [Method::GET, Method::HEAD].contains(method);
    let access = access(method, path);
    assert_eq!(
        access == Access::Open,
        OPEN.contains(&path) || PAGES.contains(&path),
        "{method} {path}: {access:?}"
    );
    let is_identity = path == "/whoami" || path.is_empty();
    assert_eq!(
        access == Access::Known,
        is_identity,
        "{method} {path}: {access:?}"
    );
    if let Access::Role { name, for_all } = access {
        let invokes = INVOKE.contains(&path);
        assert_eq!(name == "invoke", invokes, "{method} {path}");
        assert!(reads || name != "read", "{method} {path} changes something");
        assert!(
            !reads || invokes || name != "deploy" || for_all || !path.starts_with("/functions")
        );
        let is_known = [
            "/functions",
            "/marketplace",
            "/metrics",
            "/logs",
            "/cost",
            "/alerts",
            "/events",
            "/invocations",
            "/dead-letters",
            "/connections",
            "/nodes",
            "/zygotes",
        ];
        let is_known = is_known.iter().any(|known| path.starts_with(known));
        assert!(
            is_known || (name == "admin" && for_all),
            "{method} {path}: {access:?}"
        );
    }
}
