//! Every operation of the API against every kind of caller, generated from the API's description.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::auth::{ADMIN, SECRET, call, deploy, key, platform};
use crate::client::Answer;
use crate::openapi::{Operation, document, operations};
use crate::platform::Platform;

/// Someone who calls.
#[derive(Debug)]
struct Caller {
    /// For messages.
    name: String,
    /// The header that says who calls.
    header: Option<(&'static str, String)>,
    /// `None` for nobody.
    role: Option<&'static str>,
    /// Whether only another function is there for them.
    is_limited: bool,
}

/// What a caller gets who does not get through: a status and the problem's code.
type Refusal = (u16, &'static str);

const UNAUTHORIZED: Refusal = (401, "unauthorized");
const FORBIDDEN: Refusal = (403, "forbidden");
const HIDDEN: Refusal = (404, "function_not_found");

impl Caller {
    fn nobody(name: &str, header: Option<(&'static str, String)>) -> Self {
        Self {
            name: name.to_owned(),
            header,
            role: None,
            is_limited: false,
        }
    }

    fn somebody(
        name: String,
        header: (&'static str, String),
        role: &'static str,
        is_limited: bool,
    ) -> Self {
        Self {
            name,
            header: Some(header),
            role: Some(role),
            is_limited,
        }
    }

    /// What the operation has for this caller, as its description says.
    fn refusal(&self, operation: &Operation) -> Option<Refusal> {
        if asks_nobody(operation) {
            return None;
        }
        let Some(role) = self.role else {
            return Some(UNAUTHORIZED);
        };
        let needed = operation.json["x-required-role"].as_str()?;
        let for_all = operation.json["x-for-all-functions"] == true;
        if !holds(role, needed) || (for_all && self.is_limited) {
            return Some(FORBIDDEN);
        }
        (self.is_limited && operation.path.contains("{key}")).then_some(HIDDEN)
    }

    fn call(&self, platform: &Platform, operation: &Operation, function: &str) -> Answer {
        let path = operation
            .path
            .replace("{key}", function)
            .replace("{number}", "1")
            .replace(['{', '}'], "");
        // Whoever gets through changes nothing: the tag is of no function.
        let mut headers = vec![("if-match", "\"999999\"")];
        headers.extend(
            self.header
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        platform.request_with(&operation.method, &path, &headers, &json!({}))
    }
}

fn asks_nobody(operation: &Operation) -> bool {
    operation.json["security"]
        .as_array()
        .is_some_and(Vec::is_empty)
}

fn holds(role: &str, needed: &str) -> bool {
    role == needed || role == "admin" || (role == "deploy" && needed != "admin")
}

fn bearer(credential: &str) -> (&'static str, String) {
    ("authorization", format!("Bearer {credential}"))
}

fn token(claims: &Value, algorithm: Algorithm, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    encode(&Header::new(algorithm), claims, &key).expect("a token")
}

fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time")
        .as_secs();
    i64::try_from(now).expect("a time") + seconds
}

/// A key that opened everything until a moment ago.
fn revoked(platform: &Platform) -> String {
    let revoked = key(platform, "admin", None);
    let keys = call(platform, "GET", "/keys", Some(ADMIN), &json!({})).json();
    let id = keys["keys"][0]["id"].as_str().expect("an id");
    let path = format!("/keys/{id}");
    call(platform, "DELETE", &path, Some(ADMIN), &json!({})).expect(200);
    revoked
}

/// A token that says of itself that nobody signed it.
fn unsigned() -> String {
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let head = part(json!({"alg": "none", "typ": "JWT"}));
    let claims = part(json!({"role": "admin", "exp": in_seconds(60)}));
    format!("{head}.{claims}.")
}

/// Credentials that are none.
fn nobodies(platform: &Platform) -> Vec<Caller> {
    let signed = |claims: Value| token(&claims, Algorithm::HS256, SECRET);
    let admin = json!({"role": "admin", "exp": in_seconds(60)});
    let texts = [
        ("an empty credential", String::new()),
        ("nonsense", "nonsense".to_owned()),
        ("a malformed token", "eyJhbGciOiJIUzI1NiJ9.e30".to_owned()),
        ("almost the administrator's key", format!("{ADMIN}x")),
        ("a revoked key", revoked(platform)),
        ("an unknown key", "zygo_unknown_key".to_owned()),
        ("a key without its secret", "zygo_".to_owned()),
        ("an unsigned token", unsigned()),
        (
            "a token of another issuer",
            token(&admin, Algorithm::HS256, "another-secret-entirely"),
        ),
        (
            "an expired token",
            signed(json!({"role": "admin", "exp": in_seconds(-120)})),
        ),
        (
            "a token for later",
            signed(json!({"role": "admin", "exp": in_seconds(600), "nbf": in_seconds(300)})),
        ),
        ("a token without an end", signed(json!({"role": "admin"}))),
        (
            "a token of no known role",
            signed(json!({"role": "root", "exp": in_seconds(60)})),
        ),
        (
            "a token without a role",
            signed(json!({"exp": in_seconds(60)})),
        ),
    ];
    let mut all = vec![Caller::nobody("no credential", None)];
    for (name, text) in texts {
        all.push(Caller::nobody(name, Some(bearer(&text))));
        all.push(Caller::nobody(
            &format!("{name} as a key"),
            Some(("x-api-key", text)),
        ));
    }
    all
}

/// Every role as a key and as a token, of all functions and of another function alone.
fn somebodies(platform: &Platform) -> Vec<Caller> {
    let mut all = Vec::new();
    for role in ["read", "invoke", "deploy", "admin"] {
        for (is_limited, functions) in [(false, None), (true, Some(&["theirs"][..]))] {
            let name = |what: &str| format!("{what} of role {role}, limited: {is_limited}");
            let key = ("x-api-key", key(platform, role, functions));
            all.push(Caller::somebody(name("a key"), key, role, is_limited));
            let claims = json!({"sub": "someone", "role": role, "functions": functions, "exp": in_seconds(600)});
            let token = bearer(&token(&claims, Algorithm::HS384, SECRET));
            all.push(Caller::somebody(name("a token"), token, role, is_limited));
        }
    }
    all
}

/// What an answer is instead of what it ought to be.
fn fault(answer: &Answer, refusal: Option<Refusal>) -> Option<String> {
    let code = serde_json::from_slice::<Value>(&answer.bytes).unwrap_or_default()["code"].take();
    let got = (answer.status, code.as_str().unwrap_or_default());
    let is_right = match refusal {
        Some(refusal) => got == refusal,
        None => ![401, 403].contains(&got.0) && got != HIDDEN && got.0 < 500,
    };
    (!is_right).then(|| format!("{got:?} instead of {refusal:?}"))
}

#[test]
fn every_operation_lets_through_whom_it_says_and_nobody_else() {
    let platform = platform();
    for name in ["mine", "theirs"] {
        deploy(&platform, name, &json!({}));
    }
    let mut callers = nobodies(&platform);
    callers.extend(somebodies(&platform));
    let mut wrong = Vec::new();
    for operation in operations(&document(&platform)) {
        for caller in &callers {
            let refusal = caller.refusal(&operation);
            let mut functions = vec!["mine"];
            // What is hidden looks like what is not there.
            if refusal == Some(HIDDEN) {
                functions.push("missing");
            }
            for function in functions {
                let answer = caller.call(&platform, &operation, function);
                let (method, path) = (&operation.method, &operation.path);
                let fault = fault(&answer, refusal);
                wrong.extend(
                    fault.map(|fault| format!("{method} {path} by {}: {fault}", caller.name)),
                );
                if refusal == Some(UNAUTHORIZED)
                    && !answer.header("www-authenticate").starts_with("Bearer")
                {
                    wrong.push(format!(
                        "{method} {path} does not say how to say who one is"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(platform.get("/nowhere").problem(401), "unauthorized");
    let missing = platform.invoke("missing", &json!({}));
    assert_eq!(
        missing.problem(401),
        "unauthorized",
        "nobody learns which functions there are"
    );
}

/// Operations by what they need, where that does not follow from the method.
const OPEN: [&str; 3] = ["checkHealth", "checkReadiness", "showOpenApi"];
#[rustfmt::skip]
const ADMINISTRATORS: [&str; 12] = [
    "listKeys", "createKey", "revokeKey", "rotateEncryption",
    "showAlertRules", "setAlertRules", "resetAlertRules",
    "listWebhooks", "createWebhook", "deleteWebhook", "testWebhook", "listDeliveries",
];
#[rustfmt::skip]
const FOR_ALL: [&str; 10] = [
    "showMetrics", "showSeries", "showPrometheusMetrics", "listLogs", "showCost", "listAlerts", "showAlert",
    "listAllDeadLetters", "listNodes", "listZygotes",
];

/// The matrix believes the description; this says what it ought to be.
#[test]
fn reading_needs_read_and_changing_needs_deploy() {
    for operation in operations(&document(&Platform::shared())) {
        let id = operation.text("operationId");
        let (is_open, is_administrators) = (OPEN.contains(&id), ADMINISTRATORS.contains(&id));
        assert_eq!(asks_nobody(&operation), is_open, "{id}");
        let role = match (id, operation.method.as_str()) {
            ("whoAmI", _) => None,
            _ if is_open => None,
            _ if is_administrators => Some("admin"),
            ("invokeFunction" | "publishEvent" | "fireTrigger" | "showInvocation", _) => {
                Some("invoke")
            }
            ("connectToFunction", _) => Some("invoke"),
            ("showConnection" | "sendToConnection" | "endConnection", _) => Some("invoke"),
            (_, "GET") => Some("read"),
            _ => Some("deploy"),
        };
        assert_eq!(operation.json["x-required-role"].as_str(), role, "{id}");
        let for_all = FOR_ALL.contains(&id) || is_administrators;
        let described = operation.json["x-for-all-functions"] == true;
        assert_eq!(described, for_all, "{id}");
        let statuses: Vec<&String> = operation.statuses().collect();
        let says = |status: &str| statuses.iter().any(|known| *known == status);
        assert_eq!(says("401"), !is_open, "{id}");
        assert_eq!(says("403"), role.is_some(), "{id}");
        // A template is named in the body.
        let names_something = operation.path.contains('{') || id == "deployTemplate";
        assert_eq!(says("404"), names_something, "{id}");
    }
}
