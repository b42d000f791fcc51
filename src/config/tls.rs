//! What an operator may set of encrypted connections: the table `[tls]` of the file, `ZYGO_TLS_…` in the environment.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::rules::Rule;

/// How connections are encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether to get certificates from an authority (ACME) for the domains of functions and for `hosts`. Setting it agrees
    /// to the authority's terms.
    pub acme: bool,
    /// Where the authority says what it offers.
    pub acme_directory_url: String,
    /// The mail address that it may write to.
    pub acme_contact: Option<String>,
    /// The certificates that vouch for the authority's own, as PEM; those that browsers trust when absent.
    pub acme_root_file: Option<PathBuf>,
    /// For how many names certificates are asked.
    pub acme_domains_max: usize,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            port: None,
            certificate_file: None,
            key_file: None,
            dir: None,
            self_signed: false,
            redirect: false,
            acme: false,
            acme_directory_url: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            acme_contact: None,
            acme_root_file: None,
            acme_domains_max: 100,
        }
    }
}

impl TlsSettings {
    /// Whether certificates are in files, which may change.
    pub(crate) fn has_files(&self) -> bool {
        self.certificate_file.is_some() || self.dir.is_some()
    }

    pub(super) fn rules(&self) -> [Rule; 6] {
        [
            (
                self.certificate_file.is_some() == self.key_file.is_some(),
                "tls.certificate_file and tls.key_file",
                "set both or neither",
            ),
            (
                self.port.is_some() == (self.has_files() || self.self_signed || self.acme),
                "tls.port",
                "set together with tls.certificate_file, tls.dir, tls.self_signed or tls.acme",
            ),
            (
                self.port.is_some() || !self.redirect,
                "tls.redirect",
                "left out without tls.port",
            ),
            (
                self.acme_directory_url.starts_with("https://"),
                "tls.acme_directory_url",
                "a URL with https",
            ),
            (
                is_mail_address(self.acme_contact.as_deref()),
                "tls.acme_contact",
                "a mail address, such as me@example.com",
            ),
            (
                self.acme || (self.acme_contact.is_none() && self.acme_root_file.is_none()),
                "tls.acme_contact and tls.acme_root_file",
                "left out without tls.acme",
            ),
        ]
    }
}

/// As far as it can be told without writing to it.
fn is_mail_address(text: Option<&str>) -> bool {
    text.is_none_or(|text| {
        let parts = text.split_once('@');
        parts
            .is_some_and(|(who, host)| !who.is_empty() && host.contains('.') && !text.contains(':'))
    })
}
