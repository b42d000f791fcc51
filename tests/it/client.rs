//! Talks HTTP to a platform, as any client would. Knows nothing of how the platform was started.

use std::io::Read;
use std::time::Duration;

use serde_json::{Value, json};

use crate::processes;
use crate::wait::wait_for;

/// What is not known by then never will be.
const PATIENCE: Duration = Duration::from_secs(30);

/// No request of a test takes longer.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Longer answers are a fault.
const ANSWER_LEN_MAX: u64 = 64 * 1024 * 1024;

/// Keeps connections to one platform. Every thread of a test that sends a lot has its own.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    /// `http://host:port`.
    base: String,
}

/// What the platform answered.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// A header, empty when it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or("")
    }

    /// The answer, if its status is the expected one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The problem's stable code, if its status is the expected one.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        self.json()["code"].as_str().expect("a code").to_owned()
    }

    /// What the handler answered, if it did.
    #[track_caller]
    pub(crate) fn handler_body(self) -> Value {
        self.expect(200).json()["body"].take()
    }
}

/// A handler's own answer, whose body is read as it comes. Dropped, its connection is closed.
pub(crate) struct Streamed {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    body: ureq::BodyReader<'static>,
}

impl Streamed {
    /// The next bytes, once there are so many.
    pub(crate) fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.body.read_exact(&mut bytes).expect("more of the body");
        bytes
    }

    /// The rest of the body, and whether that was all of it.
    pub(crate) fn rest(mut self) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        let whole = self.body.read_to_end(&mut bytes).is_ok();
        (bytes, whole)
    }

    /// All of a body of text.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        let (bytes, whole) = self.rest();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(whole, "cut after {text:?}");
        text
    }
}

impl Client {
    /// A client with connections of its own.
    pub(crate) fn new(address: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT))
            .max_idle_age(Duration::from_secs(5))
            .proxy(None)
            .build();
        Self {
            agent: agent.into(),
            base: format!("http://{address}"),
        }
    }

    /// Another client for the same platform, with connections of its own.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.address())
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// Sends any request.
    pub(crate) fn send(&self, request: http::Request<Vec<u8>>) -> Result<Answer, ureq::Error> {
        let bodiless = request.body().is_empty() && request.method() != http::Method::POST;
        let mut response = if bodiless {
            self.agent.run(request.map(|_| ()))?
        } else {
            self.agent.run(request)?
        };
        let headers = response.headers().clone();
        let body = response.body_mut().with_config().limit(ANSWER_LEN_MAX);
        Ok(Answer {
            bytes: body.read_to_vec()?,
            status: response.status().as_u16(),
            headers,
        })
    }

    /// Sends a request with a body of some type.
    pub(crate) fn request(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let request = request.body(body.to_vec()).expect("a request");
        self.send(request)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends JSON with headers of its own.
    pub(crate) fn request_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        self.send(self.json_request(method, path, headers, body))
            .unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends JSON to a platform that may end before it answers.
    pub(crate) fn try_request(&self, method: &str, path: &str, body: &Value) -> Option<Answer> {
        self.try_request_with(method, path, &[], body)
    }

    /// The same, with headers of its own.
    pub(crate) fn try_request_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Option<Answer> {
        let request = self.json_request(method, path, headers, body);
        self.send(request).ok()
    }

    fn json_request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> http::Request<Vec<u8>> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match method {
            "GET" | "DELETE" => Vec::new(),
            _ => body.to_string().into_bytes(),
        };
        request.body(body).expect("a request")
    }

    /// `GET`.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, "", b"")
    }

    /// `POST` with JSON.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string().into_bytes();
        self.request("POST", path, "application/json", &body)
    }

    /// `PUT` with JSON.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string().into_bytes();
        self.request("PUT", path, "application/json", &body)
    }

    /// `DELETE`.
    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path, "", b"")
    }

    /// Invokes a function with a JSON body.
    pub(crate) fn invoke(&self, function: &str, body: &Value) -> Answer {
        self.post(&format!("/functions/{function}/invoke"), body)
    }

    /// Invokes a function for its own answer.
    pub(crate) fn stream(&self, function: &str, body: &Value) -> Streamed {
        let path = format!("/functions/{function}/invoke");
        let request = self.json_request("POST", &path, &[("x-zygo-stream", "true")], body);
        let response = self.agent.run(request).expect("an answer");
        let (head, body) = response.into_parts();
        Streamed {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.into_reader(),
        }
    }

    /// Deploys a function; `more` holds code and settings.
    pub(crate) fn try_deploy(&self, name: &str, runtime: &str, more: &Value) -> Answer {
        let mut body = json!({"name": name, "runtime": runtime});
        let settings = more.as_object().expect("settings are an object").clone();
        body.as_object_mut().expect("an object").extend(settings);
        self.post("/functions", &body)
    }

    /// The function as the API shows it.
    pub(crate) fn show(&self, function: &str) -> Value {
        let path = format!("/functions/{function}");
        self.get(&path).expect(200).json()["function"].take()
    }

    /// The process id of a function's zygote, which is known a moment after it has loaded the code.
    pub(crate) fn zygote_pid(&self, function: &str) -> i32 {
        wait_for("the zygote's process id", PATIENCE, || {
            let pid = self.show(function)["processes"]["zygotePid"].as_i64();
            i32::try_from(pid?).ok()
        })
    }

    /// The process id here of a living process that a handler knows by this one.
    pub(crate) fn pid_outside(&self, function: &str, inside: &Value) -> i32 {
        let zygote = self.zygote_pid(function);
        let inside = inside.as_i64().and_then(|pid| i32::try_from(pid).ok());
        processes::inside(zygote, inside.expect("a process id")).expect("a living process")
    }
}
