//! The API's description, OpenAPI 3.1. Operations are described where they are; here everything is added that follows from
//! a rule, so that nobody has to think of it: path parameters, what every POST takes, who may call, and which refusals
//! follow from all that. Pure.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use utoipa::PartialSchema;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{Components, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Content, InfoBuilder, License, OpenApi, Ref, RefOr, Required};

use super::authorize::{Permission, permission};
use super::openapi_names::{Kind, PATH_PARAMETERS, TAGS};
use super::problem::Problem;
use super::status::MEANINGS;

/// Completes the description of the operations.
pub(super) fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Zygo")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(env!("CARGO_PKG_DESCRIPTION")))
        .license(Some(License::new(env!("CARGO_PKG_LICENSE"))))
        .build();
    let tag = |(name, text)| TagBuilder::new().name(name).description(Some(text)).build();
    document.tags = Some(TAGS.map(tag).into());
    add_components(document.components.get_or_insert_default());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete_operation(&method, path, operation);
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::PATCH, &mut item.patch),
    ];
    let all = all.into_iter();
    all.filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete_operation(method: &Method, path: &str, operation: &mut Operation) {
    let permission = permission(method, path);
    // A call that does not go through `replay` knows no such key.
    let is_replayed = *method == Method::POST && path != INVOKE;
    let parameters = operation.parameters.get_or_insert_default();
    parameters.extend(path_parameters(path).map(RefOr::T));
    if is_replayed {
        let text = "A repeated request with the same key is answered again, and not done again.";
        parameters
            .push(header_parameter("Idempotency-Key", text, "^[!-~]([ -~]{0,253}[!-~])?$").into());
    }
    if path == INVOKE {
        let text = "`event`: nobody waits for the answer; `wait` when it is left out.";
        parameters.push(header_parameter("X-Zygo-Invocation", text, "^(event|wait)$").into());
        let text = "`true`: the handler's own answer, as it is made; `false` when it is left out.";
        parameters.push(header_parameter("X-Zygo-Stream", text, "^(true|false)$").into());
    }
    let stated = &operation.responses.responses;
    if stated.contains_key(StatusCode::PRECONDITION_FAILED.as_str()) {
        let text = "Do it only while the function has this tag.";
        parameters.push(header_parameter("If-Match", text, "^(\"[0-9]{1,18}\"|\\*)$").into());
    }
    let takes_parameters = !parameters.is_empty();
    if operation.security.is_none() {
        operation.security = Some(security(permission));
    }
    if let Permission::Needs(role) | Permission::NeedsAll(role) = permission {
        let for_all = matches!(permission, Permission::NeedsAll(_));
        let needed = Extensions::builder()
            .add("x-required-role", role.name())
            .add("x-for-all-functions", for_all);
        operation.extensions = Some(needed.build());
        describe_role(operation, role.name(), for_all);
    }
    let takes_body = operation.request_body.is_some() || is_replayed;
    for status in refusals(permission, path, takes_parameters, takes_body, is_replayed) {
        let name = status.as_str().to_owned();
        let responses = &mut operation.responses.responses;
        responses.insert(name, Ref::from_response_name(component(status)).into());
    }
    complete_responses(operation);
}

fn describe_role(operation: &mut Operation, role: &str, for_all: bool) {
    let whose = if for_all { ", for all functions" } else { "" };
    let needed = format!("Needs the role `{role}`{whose}.");
    let text = operation.description.get_or_insert_default();
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(&needed);
}

/// The invoke call.
const INVOKE: &str = "/functions/{key}/invoke";

fn refusals(
    permission: Permission,
    path: &str,
    takes_parameters: bool,
    takes_body: bool,
    is_replayed: bool,
) -> BTreeSet<StatusCode> {
    use StatusCode as S;
    let is_asked = permission != Permission::Open;
    let needs_role = is_asked && permission != Permission::Known;
    let rules: [(bool, &[S]); 6] = [
        (is_asked, &[S::UNAUTHORIZED, S::SERVICE_UNAVAILABLE]),
        (needs_role, &[S::FORBIDDEN]),
        (path.contains('{'), &[S::NOT_FOUND]),
        (takes_parameters || takes_body, &[S::BAD_REQUEST]),
        (takes_body, &[S::REQUEST_TIMEOUT, S::PAYLOAD_TOO_LARGE]),
        (is_replayed, &[S::CONFLICT, S::UNPROCESSABLE_ENTITY]),
    ];
    let that_hold = rules.into_iter().filter(|(holds, _)| *holds);
    that_hold
        .flat_map(|(_, statuses)| statuses)
        .copied()
        .collect()
}

/// Refusals are all of one form; successes get what they lack.
fn complete_responses(operation: &mut Operation) {
    for (name, response) in &mut operation.responses.responses {
        let Ok(status) = name.parse::<StatusCode>() else {
            continue;
        };
        match response {
            _ if status.is_client_error() || status.is_server_error() => {
                *response = Ref::from_response_name(component(status)).into();
            }
            RefOr::T(response) => {
                if response.description.is_empty() {
                    response.description = reason(status).to_owned();
                }
                let id = request_id_header().into();
                response.headers.insert("X-Request-Id".to_owned(), id);
            }
            RefOr::Ref(_) => {}
        }
    }
}

fn path_parameters(path: &str) -> impl Iterator<Item = Parameter> {
    let names = path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        PATH_PARAMETERS.iter().find(|(known, ..)| *known == name)
    });
    names.map(|&(name, kind, text)| {
        let schema = match kind {
            Kind::Text(pattern) => ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some(pattern)),
            Kind::Number => ObjectBuilder::new()
                .schema_type(Type::Integer)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
                .minimum(Some(0))
                .maximum(Some(u32::MAX)),
        };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path);
        let parameter = parameter.required(Required::True).schema(Some(schema));
        parameter.description(Some(text)).build()
    })
}

fn header_parameter(name: &str, text: &str, pattern: &str) -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern));
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header);
    let parameter = parameter.required(Required::False).schema(Some(schema));
    parameter.description(Some(text)).build()
}

fn security(permission: Permission) -> Vec<SecurityRequirement> {
    match permission {
        Permission::Open => Vec::new(),
        _ => ["bearer", "apiKey"]
            .map(|scheme| SecurityRequirement::new(scheme, [""; 0]))
            .into(),
    }
}

fn add_components(components: &mut Components) {
    let text = "An API key, or a JSON Web Token of an issuer that the operator trusts.";
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(text));
    let key = ApiKeyValue::with_description("X-API-Key", "An API key, or a JSON Web Token.");
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
    components.add_security_scheme("apiKey", SecurityScheme::ApiKey(ApiKey::Header(key)));
    let problem = (String::from("Problem"), Problem::schema());
    components.schemas.extend([problem]);
    for (status, meaning) in MEANINGS {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        let response = ResponseBuilder::new()
            .description(meaning)
            .content("application/problem+json", problem)
            .header("X-Request-Id", request_id_header());
        let response = match status {
            StatusCode::UNAUTHORIZED => {
                response.header("WWW-Authenticate", header("How to say who one is."))
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                response.header("Retry-After", header("When to try again, in s."))
            }
            _ => response,
        };
        components
            .responses
            .insert(component(status), response.into());
    }
}

fn request_id_header() -> Header {
    header("The request's id: the caller's own if that was usable, or a new one.")
}

fn header(text: &str) -> Header {
    let header = HeaderBuilder::new().schema(Some(String::schema()));
    header.description(Some(text)).build()
}

/// The name of the response that a status stands for: `BadRequest`.
fn component(status: StatusCode) -> String {
    reason(status).split(' ').collect()
}

fn reason(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Other")
}
