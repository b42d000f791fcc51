//! Settings and code as they arrive: one JSON body with `code`, `files` or `archive`, or a zip body with the settings in
//! the query.

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Request, header};

use super::object::Object;
use super::types::{FileInput, FunctionInput};
use crate::function::bundle::Bundle;
use crate::function::manifest::{ManifestError, RuntimeName};
use crate::gateway::problem::RequestError;
use crate::gateway::request;

/// A decoded upload.
#[derive(Debug)]
pub(super) struct Upload {
    /// The settings, and code that came with them.
    pub(super) settings: FunctionInput,
    /// The body, when it was an archive.
    zip: Option<Bytes>,
}

/// Reads a request of at most `limit` bytes. Base64 makes an archive a third longer; the limit is for the body.
pub(super) async fn read(request: Request<Body>, limit: usize) -> Result<Upload, RequestError> {
    let (head, body) = request.into_parts();
    let content_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_zip = content_type.is_some_and(|value| value.starts_with("application/zip"));
    let body = request::read_body(body, limit).await?;
    if is_zip {
        let settings = settings_of_query(head.uri.query().unwrap_or_default())?;
        return Ok(Upload {
            settings,
            zip: Some(body),
        });
    }
    Ok(Upload {
        settings: settings_of_json(&body)?,
        zip: None,
    })
}

impl Upload {
    /// The files, if there are any. Takes them out of the upload.
    pub(super) fn bundle(&mut self, runtime: RuntimeName) -> Result<Option<Bundle>, ManifestError> {
        let FunctionInput {
            code,
            files,
            archive,
            ..
        } = &mut self.settings;
        let bundle = match (code.take(), files.take(), archive.take(), self.zip.take()) {
            (None, None, None, None) => return Ok(None),
            (Some(code), None, None, None) => Bundle::from_code(runtime.default_file(), code)?,
            (None, Some(files), None, None) => from_files(files)?,
            (None, None, Some(archive), None) => Bundle::from_zip(&decode("/archive", &archive)?)?,
            (None, None, None, Some(zip)) => Bundle::from_zip(&zip)?,
            _ => {
                return Err(ManifestError::new(
                    "/code",
                    "give one of code, files and archive",
                ));
            }
        };
        if bundle.is_empty() {
            return Err(missing_code());
        }
        Ok(Some(bundle))
    }
}

/// An upload without any file.
pub(super) fn missing_code() -> ManifestError {
    ManifestError::new(
        "/code",
        "the code is missing: give one of code, files and archive",
    )
}

fn settings_of_json(body: &[u8]) -> Result<FunctionInput, RequestError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Object(settings) =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let pointer = pointer_of(error.path());
            RequestError::malformed(pointer, error.into_inner().to_string())
        })?;
    let rest = deserializer.end();
    rest.map_err(|error| {
        RequestError::malformed("", format!("the body is not one JSON object: {error}"))
    })?;
    Ok(settings)
}

/// In a query all values are text, so those that are JSON (numbers, objects) are read as such.
fn settings_of_query(query: &str) -> Result<FunctionInput, RequestError> {
    const TEXTS: [&str; 6] = [
        "name",
        "runtime",
        "handler",
        "isolation",
        "network",
        "customDomain",
    ];
    let mut settings = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = match TEXTS.contains(&name.as_ref()) {
            true => value.into_owned().into(),
            false => serde_json::from_str(&value).map_err(|error| {
                RequestError::malformed(format!("/{name}"), format!("not JSON: {error}"))
            })?,
        };
        settings.insert(name.into_owned(), value);
    }
    let json = serde_json::to_vec(&settings).unwrap_or_default();
    settings_of_json(&json)
}

/// `scaling.maxInstances` becomes `/scaling/maxInstances`.
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let token = |segment: &Segment| match segment {
        Segment::Map { key } => Some(key.replace('~', "~0").replace('/', "~1")),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter()
        .filter_map(token)
        .map(|token| format!("/{token}"))
        .collect()
}

fn from_files(
    files: impl IntoIterator<Item = (String, FileInput)>,
) -> Result<Bundle, ManifestError> {
    let mut bundle = Bundle::default();
    for (path, content) in files {
        let pointer = format!("/files/{}", path.replace('~', "~0").replace('/', "~1"));
        let content = match content {
            FileInput::Text(text) => Bytes::from(text),
            FileInput::Bytes { base64 } => Bytes::from(decode(&pointer, &base64)?),
        };
        bundle.add(&pointer, &path, content)?;
    }
    Ok(bundle)
}

fn decode(pointer: &str, base64: &str) -> Result<Vec<u8>, ManifestError> {
    BASE64
        .decode(base64)
        .map_err(|error| ManifestError::new(pointer, format!("not base64: {error}")))
}
