//! The files of a version as they were uploaded, for people to read and to compare.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::checked::Checked;
use super::{Failable, find};
use crate::function::bundle::Bundle;
use crate::function::deployment::DeployError;
use crate::function::unpacked;
use crate::platform::Platform;

/// Longer files are listed without what is in them.
const FILE_LEN_MAX: usize = 256 * 1024;
/// So are those after so many bytes of contents.
const CONTENTS_LEN_MAX: usize = 2 * 1024 * 1024;

/// The files of a version.
#[derive(Debug, Serialize, ToSchema)]
struct SourceCode {
    /// The number of the version.
    version: u32,
    /// By path.
    files: Vec<SourceFile>,
}

/// A file of a version.
#[derive(Debug, Serialize, ToSchema)]
struct SourceFile {
    path: String,
    /// Its length, in bytes.
    size: usize,
    /// What is in it; absent where that is no UTF-8 or longer than 256 KiB, and beyond 2 MiB of contents.
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<String>,
}

/// Show a version's files
///
/// As they were uploaded, without packages that were installed for it.
#[utoipa::path(
    get, path = "/functions/{key}/versions/{number}/code", tag = "versions", operation_id = "showSourceCode",
    responses((status = 200, body = SourceCode))
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Checked(Path((key, number))): Checked<Path<(String, u32)>>,
) -> Failable {
    let function = find(&platform, key)?;
    let deployer = platform.deployer();
    let stored = deployer.store.version(function.id(), number);
    let stored = stored.await.map_err(DeployError::from)?;
    let digest = stored.ok_or(DeployError::NoVersion(number))?.archive;
    let (bundle, _) = unpacked(&deployer.artifacts, &digest).await?;
    let body = SourceCode {
        version: number,
        files: files(&bundle),
    };
    Ok(Json(body).into_response())
}

fn files(bundle: &Bundle) -> Vec<SourceFile> {
    let mut room = CONTENTS_LEN_MAX;
    let show = |(path, bytes): (&str, &bytes::Bytes)| {
        let fits = bytes.len() <= FILE_LEN_MAX.min(room);
        let text = std::str::from_utf8(bytes).ok().filter(|_| fits);
        room -= text.map_or(0, str::len);
        SourceFile {
            path: path.to_owned(),
            size: bytes.len(),
            content: text.map(str::to_owned),
        }
    };
    bundle.files().map(show).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn contents_are_shown_as_far_as_they_are_texts_and_there_is_room() {
        let mut bundle = Bundle::default();
        let long = "x".repeat(FILE_LEN_MAX);
        for at in 0..9 {
            let added = bundle.add("/files", &format!("f{at}.txt"), Bytes::from(long.clone()));
            added.expect("a file");
        }
        for (path, content) in [("a.bin", &b"\xff"[..]), ("b.txt", b"text"), ("z.txt", b"")] {
            let added = bundle.add("/files", path, Bytes::from_static(content));
            added.expect("a file");
        }
        let shown = files(&bundle);
        let with: Vec<&str> = shown
            .iter()
            .filter(|file| file.content.is_some())
            .map(|file| file.path.as_str())
            .collect();
        let wanted = [
            "b.txt", "f0.txt", "f1.txt", "f2.txt", "f3.txt", "f4.txt", "f5.txt", "f6.txt", "z.txt",
        ];
        assert_eq!(with, wanted);
        assert_eq!(shown.len(), 12);
        assert_eq!((shown[0].path.as_str(), shown[0].size), ("a.bin", 1));
    }
}
