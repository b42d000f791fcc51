//! What an operator may set of encrypted connections: the table `[tls]` of the file, `ZYGO_TLS_…` in the environment.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::rules::Rule;

/// How connections are encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Port for encrypted connections; 0 takes a free one, none is open when absent.
    pub port: Option<u16>,
    /// The certificate for whoever asks for no other name, with those that vouch for it, as PEM.
    pub certificate_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// A folder with `<domain>/cert.pem` and `<domain>/key.pem` for each domain; changes are noticed.
    pub dir: Option<PathBuf>,
    /// Whether to make a certificate that nobody vouches for, at every start.
    pub self_signed: bool,
    /// Whether to send whoever comes unencrypted to the encrypted port.
    pub redirect: bool,
}

impl TlsSettings {
    /// Whether certificates are in files, which may change.
    pub(crate) fn has_files(&self) -> bool {
        self.certificate_file.is_some() || self.dir.is_some()
    }

    pub(super) fn rules(&self) -> [Rule; 3] {
        [
            (
                self.certificate_file.is_some() == self.key_file.is_some(),
                "tls.certificate_file and tls.key_file",
                "set both or neither",
            ),
            (
                self.port.is_some() == (self.has_files() || self.self_signed),
                "tls.port",
                "set together with tls.certificate_file, tls.dir or tls.self_signed",
            ),
            (
                self.port.is_some() || !self.redirect,
                "tls.redirect",
                "left out without tls.port",
            ),
        ]
    }
}
