//! HTTP request → event, in the platform's own shape or in that of AWS Lambda.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use serde::Serialize;
use zygo_wire::clock;
use zygo_wire::data::BodyKind;

use super::super::client::Client;
use super::super::front;
use super::super::problem::RequestError;
use super::super::request::{self, Headers};
use crate::invocation::{Invocation, Trigger};
use crate::time::{common_log, now_unix_ms};
use crate::trace::Trace;
use crate::trigger::http::EventFormat;

/// What is known of a request besides its body.
pub(super) struct Sent<'a> {
    pub(super) head: &'a Parts,
    /// The path that the pattern was asked about, as it came.
    pub(super) path: &'a str,
    pub(super) params: &'a [(String, String)],
    pub(super) client: &'a Client,
    /// The function's id.
    pub(super) function: &'a str,
    pub(super) request_id: &'a Arc<str>,
}

/// The platform's own shape.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    method: &'a str,
    path: &'a str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    headers: Headers<'a>,
    query: BTreeMap<&'a str, &'a str>,
    multi_value_query: BTreeMap<&'a str, Vec<&'a str>>,
    params: BTreeMap<&'a str, &'a str>,
    cookies: Vec<&'a str>,
    is_base64_encoded: bool,
    source_ip: String,
    request_id: &'a str,
    request_context: Context<'a>,
}

/// AWS Lambda's payload format 2.0.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LambdaEvent<'a> {
    version: &'static str,
    route_key: &'static str,
    raw_path: &'a str,
    raw_query_string: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cookies: Vec<&'a str>,
    headers: Headers<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    query_string_parameters: BTreeMap<&'a str, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    path_parameters: BTreeMap<&'a str, &'a str>,
    request_context: Context<'a>,
    is_base64_encoded: bool,
}

/// In both shapes the same, under the names that AWS gave them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    account_id: &'static str,
    api_id: &'a str,
    authentication: Option<()>,
    domain_name: &'a str,
    domain_prefix: &'a str,
    http: ContextHttp<'a>,
    request_id: &'a str,
    route_key: &'static str,
    stage: &'static str,
    time: String,
    time_epoch: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContextHttp<'a> {
    method: &'a str,
    path: &'a str,
    protocol: String,
    source_ip: String,
    user_agent: &'a str,
}

impl Sent<'_> {
    /// The invocation that the request asks for.
    pub(super) fn invocation(
        &self,
        format: EventFormat,
        body: Bytes,
        trace: Trace,
    ) -> Result<Invocation, RequestError> {
        front::check_host(&self.head.headers)?;
        let received_ns = clock::monotonic_ns();
        let (event, body_kind, body) = match format {
            EventFormat::Zygo => self.own(body)?,
            EventFormat::LambdaV2 => self.lambda(body)?,
        };
        Ok(Invocation {
            request_id: Arc::clone(self.request_id),
            event,
            body_kind,
            body,
            received_ns,
            trigger: Trigger::Http,
            trace,
        })
    }

    fn own(&self, body: Bytes) -> Result<(Bytes, BodyKind, Bytes), RequestError> {
        let kind = match is_encoded(&self.head.headers) {
            true if body.is_empty() => BodyKind::None,
            true => BodyKind::Binary,
            false => request::body_kind(&self.head.headers, &body, "text/plain")?,
        };
        let pairs = self.pairs();
        let mut multi: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, value) in &pairs {
            multi.entry(name).or_default().push(value);
        }
        let event = Event {
            method: self.head.method.as_str(),
            path: self.path,
            raw_path: self.path,
            raw_query_string: self.head.uri.query().unwrap_or_default(),
            headers: Headers(&self.head.headers),
            query: pairs
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect(),
            multi_value_query: multi,
            params: self.params(),
            cookies: cookies(&self.head.headers),
            is_base64_encoded: false,
            source_ip: self.client.address.to_string(),
            request_id: self.request_id,
            request_context: self.context(),
        };
        Ok((json(&event)?, kind, body))
    }

    fn lambda(&self, body: Bytes) -> Result<(Bytes, BodyKind, Bytes), RequestError> {
        let is_text = is_textual(&self.head.headers) && std::str::from_utf8(&body).is_ok();
        let is_base64_encoded = !body.is_empty() && !is_text;
        let mut parameters: BTreeMap<&str, String> = BTreeMap::new();
        let pairs = self.pairs();
        for (name, value) in &pairs {
            let joined = parameters.entry(name).or_default();
            if !joined.is_empty() {
                joined.push(',');
            }
            joined.push_str(value);
        }
        let event = LambdaEvent {
            version: "2.0",
            route_key: "$default",
            raw_path: self.path,
            raw_query_string: self.head.uri.query().unwrap_or_default(),
            cookies: cookies(&self.head.headers),
            headers: Headers(&self.head.headers),
            query_string_parameters: parameters,
            path_parameters: self.params(),
            request_context: self.context(),
            is_base64_encoded,
        };
        let event = json(&event)?;
        Ok(match (body.is_empty(), is_base64_encoded) {
            (true, _) => (event, BodyKind::None, body),
            (_, true) => (event, BodyKind::Text, BASE64.encode(&body).into()),
            (_, false) => (event, BodyKind::Text, body),
        })
    }

    /// The query's pairs, decoded.
    fn pairs(&self) -> Vec<(String, String)> {
        let query = self.head.uri.query().unwrap_or_default();
        form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect()
    }

    fn params(&self) -> BTreeMap<&str, &str> {
        let pairs = self.params.iter();
        pairs.map(|(name, value)| (&**name, &**value)).collect()
    }

    fn context(&self) -> Context<'_> {
        let host = front::host(&self.head.uri, &self.head.headers).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let now = now_unix_ms();
        let agent = self.head.headers.get(header::USER_AGENT);
        Context {
            account_id: "anonymous",
            api_id: self.function,
            authentication: None,
            domain_name: name,
            domain_prefix: name.split('.').next().unwrap_or_default(),
            http: ContextHttp {
                method: self.head.method.as_str(),
                path: self.path,
                protocol: format!("{:?}", self.head.version),
                source_ip: self.client.address.to_string(),
                user_agent: agent
                    .and_then(|agent| agent.to_str().ok())
                    .unwrap_or_default(),
            },
            request_id: self.request_id,
            route_key: "$default",
            stage: "$default",
            time: common_log(now),
            time_epoch: now,
        }
    }
}

fn json(event: &impl Serialize) -> Result<Bytes, RequestError> {
    let text = serde_json::to_vec(event).map_err(|_| RequestError::BodyBroken)?;
    Ok(text.into())
}

/// `a=1` and `b=2`, from all lines.
fn cookies(headers: &HeaderMap) -> Vec<&str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .collect()
}

/// Whether the body is compressed, or something else that its type does not say.
fn is_encoded(headers: &HeaderMap) -> bool {
    let coding = headers.get(header::CONTENT_ENCODING);
    coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether a body is text by its type, as AWS sees it.
fn is_textual(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let ends = [
        "json",
        "+xml",
        "/xml",
        "script",
        "graphql",
        "x-www-form-urlencoded",
    ];
    let is_known = ends.iter().any(|end| essence.ends_with(end));
    !is_encoded(headers) && (essence.starts_with("text/") || is_known)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn cookies_come_one_by_one() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; b=\"x y\";"));
        headers.append(header::COOKIE, HeaderValue::from_static(" c"));
        assert_eq!(cookies(&headers), ["a=1", "b=\"x y\"", "c"]);
    }

    #[test]
    fn text_is_what_its_type_says() {
        let is_text = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            is_textual(&headers)
        };
        for kind in [
            "text/html; charset=utf-8",
            "Application/JSON",
            "application/ld+json",
            "image/svg+xml",
        ] {
            assert!(is_text(kind), "{kind}");
        }
        assert!(
            !is_text("application/octet-stream") && !is_text("") && !is_text("multipart/form-data")
        );
    }
}
