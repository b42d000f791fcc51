//! Settings and code as they arrive: one JSON body with `code`, `files` or `archive`, or an archive as the body (zip, tar,
//! tar.gz). Settings may stand in the query too, where an archive's have to.

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::{Request, header};
use serde::de::DeserializeOwned;

use super::object::Object;
use super::types::{FileInput, FunctionInput};
use crate::function::bundle::Bundle;
use crate::function::deployment::DeployError;
use crate::function::manifest::{Manifest, ManifestError, RuntimeName};
use crate::gateway::problem::RequestError;
use crate::gateway::request;
use crate::pointer;

/// Types of a body that is an archive. Of which format it is, its first bytes say.
const ARCHIVE_TYPES: [&str; 4] = [
    "application/zip",
    "application/x-tar",
    "application/gzip",
    "application/x-gzip",
];

/// A decoded upload.
#[derive(Debug)]
pub(super) struct Upload {
    /// The settings, and code that came with them.
    pub(super) settings: FunctionInput,
    /// The body, when it was an archive.
    body: Option<Bytes>,
    /// What an archive held.
    unpacked: Option<Bundle>,
}

/// Reads a request of at most `limit` bytes. Base64 makes an archive a third longer; the limit is for the body.
pub(super) async fn read(request: Request<Body>, limit: usize) -> Result<Upload, RequestError> {
    let (head, body) = request.into_parts();
    let content_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    let is_archive = essence.is_some_and(|essence| {
        let essence = essence.trim();
        ARCHIVE_TYPES
            .iter()
            .any(|kind| essence.eq_ignore_ascii_case(kind))
    });
    let body = request::read_body(body, limit).await?;
    let in_query = settings_of_query(head.uri.query().unwrap_or_default())?;
    let (settings, body) = match is_archive {
        true => (in_query, Some(body)),
        false => (settings_of_json(&body)?.or(in_query), None),
    };
    Ok(Upload {
        settings,
        body,
        unpacked: None,
    })
}

impl Upload {
    /// What an upload makes of a version: its settings, and its code where that is another.
    pub(super) fn changed(
        &mut self,
        old: &Manifest,
    ) -> Result<(Manifest, Option<Bundle>), ManifestError> {
        let manifest = self.settings.changed(old)?;
        let bundle = self.bundle(manifest.runtime)?;
        Ok((manifest, bundle))
    }

    /// Unpacks an archive, if there is one, where that keeps no invocation waiting.
    pub(super) async fn unpack(&mut self) -> Result<(), DeployError> {
        let FunctionInput {
            code,
            files,
            archive,
            ..
        } = &mut self.settings;
        let is_there = [
            code.is_some(),
            files.is_some(),
            archive.is_some(),
            self.body.is_some(),
        ];
        if is_there.into_iter().filter(|is_there| *is_there).count() > 1 {
            let rule = "give one of code, files and archive";
            return Err(ManifestError::new("/code", rule).into());
        }
        let archive = match (archive.take(), self.body.take()) {
            (Some(base64), _) => Bytes::from(decode("/archive", &base64)?),
            (_, Some(body)) => body,
            (None, None) => return Ok(()),
        };
        let unpacked = tokio::task::spawn_blocking(move || Bundle::from_upload(&archive)).await;
        self.unpacked = Some(unpacked.map_err(std::io::Error::other)??);
        Ok(())
    }

    /// The files, if there are any. Takes them out of the upload.
    pub(super) fn bundle(&mut self, runtime: RuntimeName) -> Result<Option<Bundle>, ManifestError> {
        let FunctionInput { code, files, .. } = &mut self.settings;
        let bundle = match (code.take(), files.take(), self.unpacked.take()) {
            (Some(code), ..) => Bundle::from_code(runtime.default_file(), code)?,
            (_, Some(files), _) => from_files(files)?,
            (.., Some(unpacked)) => unpacked,
            (None, None, None) => return Ok(None),
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
    object(body)
}

/// One JSON object and nothing else; an error names the wrong field.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, RequestError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Object(read) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer::of(error.path());
        RequestError::malformed(pointer, error.into_inner().to_string())
    })?;
    let rest = deserializer.end();
    rest.map_err(|error| {
        RequestError::malformed("", format!("the body is not one JSON object: {error}"))
    })?;
    Ok(read)
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
