//! What an operator may set of archives: the table `[artifacts]` of the file, `ZYGO_ARTIFACTS_…` in the environment.

use std::path::PathBuf;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{ClientOptions, RetryConfig};
use serde::{Deserialize, Serialize};

use super::ArtifactError;
use crate::secret::Secret;

/// A store that does not answer for so long is not there.
const TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES_MAX: usize = 3;

/// Where archives lie.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ArtifactSettings {
    /// A folder that all nodes share, or `s3://bucket/prefix`; the data folder when absent.
    pub url: Option<String>,
    /// The address of an S3-compatible server; Amazon's own when absent.
    pub endpoint: Option<String>,
    /// The region of the bucket.
    pub region: Option<String>,
    /// The key's id; when absent, credentials are looked for where Amazon's own tools do.
    pub access_key_id: Option<Secret>,
    /// The key.
    pub secret_access_key: Option<Secret>,
}

/// What an address means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Folder(PathBuf),
    Bucket { name: String, prefix: String },
}

impl ArtifactSettings {
    /// Whether the address can be used.
    pub(crate) fn is_valid(&self) -> bool {
        self.url.as_deref().is_none_or(|url| place(url).is_some())
    }

    /// Where archives lie that do not lie in the data folder.
    pub(super) fn place(&self) -> Option<Place> {
        place(self.url.as_deref()?)
    }

    /// The bucket of that name. What is not set here is taken from the variables of Amazon's own tools.
    pub(super) fn bucket(&self, name: &str) -> Result<AmazonS3, ArtifactError> {
        let options = ClientOptions::new().with_timeout(TIMEOUT);
        let retry = RetryConfig {
            max_retries: RETRIES_MAX,
            retry_timeout: TIMEOUT,
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::from_env()
            .with_client_options(options)
            .with_retry(retry)
            .with_bucket_name(name);
        if let Some(endpoint) = &self.endpoint {
            builder = builder
                .with_endpoint(endpoint)
                .with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some(id) = &self.access_key_id {
            builder = builder.with_access_key_id(id.expose());
        }
        if let Some(key) = &self.secret_access_key {
            builder = builder.with_secret_access_key(key.expose());
        }
        Ok(builder.build()?)
    }
}

fn place(url: &str) -> Option<Place> {
    if let Some(rest) = url.strip_prefix("s3://") {
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let prefix = prefix.trim_matches('/').to_owned();
        return (!name.is_empty() && name.bytes().all(is_name)).then(|| Place::Bucket {
            name: name.to_owned(),
            prefix,
        });
    }
    let path = url.strip_prefix("file://").unwrap_or(url);
    path.starts_with('/').then(|| Place::Folder(path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_folder_or_a_bucket() {
        let bucket = |name: &str, prefix: &str| {
            Some(Place::Bucket {
                name: name.to_owned(),
                prefix: prefix.to_owned(),
            })
        };
        let cases = [
            ("/mnt/shared", Some(Place::Folder("/mnt/shared".into()))),
            ("file:///mnt/a b", Some(Place::Folder("/mnt/a b".into()))),
            ("s3://code", bucket("code", "")),
            ("s3://my.code/zygo/one/", bucket("my.code", "zygo/one")),
            ("s3://", None),
            ("s3://a@b/c", None),
            ("shared", None),
            ("gs://code", None),
            ("", None),
        ];
        for (url, meant) in cases {
            assert_eq!(place(url), meant, "{url}");
        }
    }

    #[test]
    fn a_bucket_is_reached_with_the_credentials_that_are_set_and_shows_none() {
        let settings = ArtifactSettings {
            endpoint: Some("http://127.0.0.1:9000".to_owned()),
            region: Some("eu-west-1".to_owned()),
            access_key_id: Some(Secret::new("an-id".to_owned())),
            secret_access_key: Some(Secret::new("a-key-for-nobody".to_owned())),
            ..ArtifactSettings::default()
        };
        let bucket = settings.bucket("code").expect("a client");
        let shown = format!("{bucket} {settings:?}");
        assert!(
            shown.contains("code") && !shown.contains("nobody"),
            "{shown}"
        );
    }
}
