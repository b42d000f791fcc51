//! A certificate authority of the tests' own: Pebble, which is what Let's Encrypt tests clients with, and a name server in
//! which every name is this machine. A shell keeps both: when the tests end, in whatever way, the shell's standard input
//! does, and it ends them.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::certificates::{Made, make};
use crate::platform::say;
use crate::ports;
use crate::wait::wait_until;

const READY_DEADLINE: Duration = Duration::from_secs(30);

/// `$1` is the folder, `$2` the name server's address, `$3` that of its settings.
const KEEPER: &str = r#"
pebble-challtestsrv -dns01 "$2" -management "$3" -http01 '' -https01 '' -tlsalpn01 '' -defaultIPv4 127.0.0.1 -defaultIPv6 '' \
  >"$1/names.log" 2>&1 </dev/null &
names=$!
pebble -config "$1/config.json" -dnsserver "$2" >"$1/log" 2>&1 </dev/null &
authority=$!
read -r _
kill "$names" "$authority"
wait
"#;

/// Where an authority will be.
#[derive(Debug)]
pub(crate) struct Addresses {
    directory: SocketAddr,
    management: SocketAddr,
    names: SocketAddr,
    names_management: SocketAddr,
}

/// A running authority.
#[derive(Debug)]
pub(crate) struct Authority {
    addresses: Addresses,
    /// What vouches for the authority's own addresses.
    made: Made,
    keeper: Child,
    folder: TempDir,
}

impl Addresses {
    /// Free ones.
    pub(crate) fn free() -> Self {
        let [directory, management, names, names_management] =
            [(); 4].map(|()| SocketAddr::from(([127, 0, 0, 1], ports::free())));
        Self {
            directory,
            management,
            names,
            names_management,
        }
    }

    /// What a client asks first.
    pub(crate) fn directory_url(&self) -> String {
        format!("https://{}/dir", self.directory)
    }
}

impl Authority {
    /// An authority that looks for proofs at this port of every name.
    pub(crate) fn start(addresses: Addresses, made: Made, port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        made.write(&path("cert.pem"), &path("key.pem"));
        let config = json!({"pebble": {
            "listenAddress": addresses.directory.to_string(),
            "managementListenAddress": addresses.management.to_string(),
            "certificate": path("cert.pem"), "privateKey": path("key.pem"),
            "httpPort": 1, "tlsPort": port, "ocspResponderURL": "", "externalAccountBindingRequired": false,
        }});
        std::fs::write(path("config.json"), config.to_string()).expect("a file");
        let keeper = Command::new("/bin/sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(folder.path())
            .arg(addresses.names.to_string())
            .arg(addresses.names_management.to_string())
            // It pauses before it looks for proofs, and refuses some requests, so that clients learn to bear that.
            .envs([("PEBBLE_VA_NOSLEEP", "1"), ("PEBBLE_WFE_NONCEREJECT", "0")])
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let authority = Self {
            addresses,
            made,
            keeper,
            folder,
        };
        wait_until("the authority", READY_DEADLINE, || {
            let Addresses {
                management,
                names_management,
                ..
            } = authority.addresses;
            [management, names_management]
                .iter()
                .all(|address| TcpStream::connect(address).is_ok())
        });
        authority
    }

    /// The certificate that vouches for those that it gives.
    pub(crate) fn root(&self) -> reqwest::Certificate {
        let url = format!("https://{}/roots/0", self.addresses.management);
        let text = block_on(async {
            let answer = self.client().get(url).send().await?.error_for_status()?;
            answer.bytes().await
        });
        reqwest::Certificate::from_pem(&text.expect("a certificate")).expect("PEM")
    }

    /// From now on, this name leads nowhere.
    pub(crate) fn forget(&self, name: &str) {
        let url = format!("http://{}/set-servfail", self.addresses.names_management);
        let asked = self.client().post(url).json(&json!({"host": name}));
        let answer = block_on(async { asked.send().await?.error_for_status() });
        answer.expect("done");
    }

    fn client(&self) -> reqwest::Client {
        let root = reqwest::Certificate::from_der(&self.made.certificate);
        let client = reqwest::Client::builder().tls_certs_only([root.expect("a certificate")]);
        client.no_proxy().build().expect("a client")
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            say(&format!(
                "the authority's log:\n{}",
                log.unwrap_or_default()
            ));
        }
    }
}

/// What vouches for an authority on this machine, and the file that says so.
pub(crate) fn own_certificate(folder: &Path) -> (Made, String) {
    let made = make("127.0.0.1");
    let (file, key) = (folder.join("root.pem"), folder.join("root.key"));
    made.write(&file, &key);
    (made, file.to_str().expect("a path").to_owned())
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}
