//! Talks to a platform over its HTTP API.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, Url};
use serde_json::Value;

use super::failure::Failure;

/// A platform that does not take the connection by then is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest call: a deployment that installs packages.
const CALL_TIMEOUT: Duration = Duration::from_secs(660);

/// One platform.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<String>,
}

impl Client {
    /// The platform at an address. The key comes from `ZYGO_API_KEY`, because arguments are seen by everyone.
    pub(super) fn new(url: &str) -> Result<Self, Failure> {
        let base = Url::parse(url).ok().filter(|url| url.has_host());
        let base = base.ok_or_else(|| {
            Failure::usage(format!(
                "`{url}` is no address such as http://127.0.0.1:3000"
            ))
        })?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .build()?;
        Ok(Self {
            http,
            base,
            key: std::env::var("ZYGO_API_KEY")
                .ok()
                .filter(|key| !key.is_empty()),
        })
    }

    /// `http://host:port`.
    pub(super) fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A request below the address; parts of the path are escaped.
    pub(super) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(path);
        }
        let request = self.http.request(method, url);
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Sends a request; anything but a success is a failure.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let text = response.text().await.unwrap_or_default();
        let problem = serde_json::from_str(&text)
            .unwrap_or_else(|_| serde_json::json!({ "detail": format!("{status} {text}") }));
        Err(Failure::Refused {
            status: status.as_u16(),
            problem,
        })
    }

    /// Sends a request and reads JSON.
    pub(super) async fn json(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let response = self.send(request.timeout(CALL_TIMEOUT)).await?;
        Ok(response.json().await?)
    }

    /// `GET`.
    pub(super) async fn get(&self, path: &[&str]) -> Result<Value, Failure> {
        self.json(self.request(Method::GET, path)).await
    }

    /// Any method with JSON.
    pub(super) async fn call(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
    ) -> Result<Value, Failure> {
        self.json(self.request(method, path).json(body)).await
    }

    /// What was called, when a function is missing: the names that come closest.
    pub(super) async fn explain(&self, failure: Failure, name: &str) -> Failure {
        let Failure::Refused {
            status: 404,
            mut problem,
        } = failure
        else {
            return failure;
        };
        if problem["code"] == "function_not_found"
            && let Ok(list) = self.get(&["functions"]).await
        {
            let functions = list["functions"].as_array().cloned().unwrap_or_default();
            let names = functions
                .iter()
                .filter_map(|function| function["name"].as_str());
            if let Some(near) = nearest(name, names) {
                let detail = problem["detail"].as_str().unwrap_or_default();
                problem["detail"] = format!("{detail}; did you mean `{near}`?").into();
            }
        }
        Failure::Refused {
            status: 404,
            problem,
        }
    }
}

/// The name that somebody who typed this may have meant.
fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const LIKENESS_MIN: f64 = 0.75;
    let likeness = |name: &&str| strsim::jaro_winkler(typed, name);
    let best = names.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) >= LIKENESS_MIN).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_and_nonsense_finds_none() {
        let names = ["hello", "image-resizer", "billing"];
        assert_eq!(nearest("helo", names.into_iter()), Some("hello"));
        assert_eq!(
            nearest("image-resize", names.into_iter()),
            Some("image-resizer")
        );
        assert_eq!(nearest("zzz", names.into_iter()), None);
    }
}
