//! Servers that are spoken to encrypted as well.

use std::path::Path;

use super::{Broker, Kind};
use crate::certificates::Made;
use crate::ports;

/// Where a server is spoken to encrypted, and what it has to be told for that besides its files.
pub(super) fn settings(kind: Kind, port: u16, folder: &Path, made: &Made) -> (u16, Vec<String>) {
    let below = |name: &str| folder.join(name).to_str().expect("a name").to_owned();
    let (certificate, key) = (below("cert.pem"), below("key.pem"));
    made.write(Path::new(&certificate), Path::new(&key));
    let own = ports::free();
    match kind {
        Kind::Redis => {
            let own_text = own.to_string();
            let words = [
                ["--tls-port", &own_text],
                ["--tls-cert-file", &certificate],
                ["--tls-key-file", &key],
                ["--tls-ca-cert-file", &certificate],
                ["--tls-auth-clients", "no"],
            ];
            let words = words.iter().flatten().map(|word| (*word).to_owned());
            (own, words.collect())
        }
        // One port: its first words say that it may be encrypted.
        Kind::Nats => {
            let text = format!(
                "tls {{ cert_file: {certificate:?}, key_file: {key:?} }}\nallow_non_tls: true\n"
            );
            std::fs::write(folder.join("nats.conf"), text).expect("a file");
            (port, vec!["--config".to_owned(), below("nats.conf")])
        }
        Kind::Rabbit => {
            let text = format!(
                "listeners.ssl.1 = 127.0.0.1:{own}\nssl_options.cacertfile = {certificate}\n\
                 ssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n\
                 ssl_options.verify = verify_none\nssl_options.fail_if_no_peer_cert = false\n"
            );
            std::fs::write(folder.join("config.conf"), text).expect("a file");
            (own, Vec::new())
        }
    }
}

impl Broker {
    /// A server that shows this certificate to whoever wants to be encrypted.
    pub(crate) fn start_encrypted(kind: Kind, certificate: &Made) -> Self {
        Self::start_with(kind, Some(certificate))
    }

    /// The address at which nothing is said that is not encrypted.
    pub(crate) fn encrypted_url(&self) -> String {
        let (before, after) = match self.kind {
            Kind::Redis => ("redis://", "rediss://"),
            Kind::Nats => ("nats://", "tls://"),
            Kind::Rabbit => ("amqp://", "amqps://"),
        };
        let own = self.encrypted_port.expect("an encrypted server");
        let url = self.url().replacen(before, after, 1);
        url.replacen(&format!(":{}", self.port), &format!(":{own}"), 1)
    }
}
