//! Encrypted connections: HTTP/2 and HTTP/1.1 over TLS, certificates by name, and what is refused.

use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::certificates::{Made, folder, make, pem};
use crate::language::{Language, in_every_language};
use crate::launch::refused_start;
use crate::platform::Platform;
use crate::raw;
use crate::wait::wait_until;

const PATIENCE: Duration = Duration::from_secs(30);

/// A client that trusts this certificate alone.
pub(crate) fn client(made: &Made, platform: &Platform, name: &str) -> reqwest::ClientBuilder {
    let root = reqwest::Certificate::from_der(&made.certificate).expect("a certificate");
    reqwest::Client::builder()
        .tls_certs_only([root])
        .no_proxy()
        .resolve(name, address(platform))
}

pub(crate) fn address(platform: &Platform) -> SocketAddr {
    let address = platform.encrypted_address();
    address.parse().expect("an address")
}

/// What a client gets: the protocol and the JSON.
pub(crate) fn get(
    client: reqwest::ClientBuilder,
    url: &str,
) -> Result<(http::Version, Value), reqwest::Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let answer = client.build()?.get(url).send().await?.error_for_status()?;
        Ok((answer.version(), answer.json().await?))
    })
}

pub(crate) fn url(platform: &Platform, name: &str, path: &str) -> String {
    format!("https://{name}:{}{path}", address(platform).port())
}

#[test]
fn functions_are_reached_over_tls_with_either_protocol() {
    let made = make("a.example.com");
    let folder = folder(&[("a.example.com", &made)]);
    let folder = folder.path().to_str().expect("a path");
    let platform = Platform::start(&[("ZYGO_TLS_PORT", "0"), ("ZYGO_TLS_DIR", folder)]);
    in_every_language(|language| {
        let code = language.handler("http_trigger");
        let function = platform.deploy(language, &code, &json!({"customDomain": "a.example.com"}));
        let url = url(&platform, "a.example.com", "/echo?a=1");
        let trusting = client(&made, &platform, "a.example.com");
        let (version, event) = get(trusting, &url).expect("an answer");
        assert_eq!(version, http::Version::HTTP_2);
        assert_eq!(event["requestContext"]["http"]["protocol"], "HTTP/2.0");
        assert_eq!(event["requestContext"]["domainName"], "a.example.com");
        assert_eq!(event["headers"]["x-forwarded-proto"], "https");
        assert_eq!(event["query"]["a"], "1");
        let trusting = client(&made, &platform, "a.example.com").http1_only();
        let (version, event) = get(trusting, &url).expect("an answer");
        assert_eq!(version, http::Version::HTTP_11);
        assert_eq!(event["headers"]["x-forwarded-proto"], "https");
        platform
            .delete(&format!("/functions/{function}"))
            .expect(200);
    });
}

#[test]
fn a_client_is_shown_the_certificate_of_the_name_that_it_asks_for() {
    let (one, two, wide, other) = (
        make("a.example.com"),
        make("b.example.com"),
        make("*.example.org"),
        make("localhost"),
    );
    let folder = folder(&[
        ("a.example.com", &one),
        ("b.example.com", &two),
        ("*.example.org", &wide),
    ]);
    let (certificate, key) = (folder.path().join("all.pem"), folder.path().join("all.key"));
    other.write(&certificate, &key);
    let text = |path: &Path| path.to_str().expect("a path").to_owned();
    let platform = Platform::start(&[
        ("ZYGO_TLS_PORT", "0"),
        ("ZYGO_TLS_DIR", &text(folder.path())),
        ("ZYGO_TLS_CERTIFICATE_FILE", &text(&certificate)),
        ("ZYGO_TLS_KEY_FILE", &text(&key)),
    ]);
    let healthy = |made: &Made, name: &str| {
        get(
            client(made, &platform, name),
            &url(&platform, name, "/readyz"),
        )
        .is_ok()
    };
    let cases = [
        (&one, "a.example.com"),
        (&two, "b.example.com"),
        (&wide, "x.example.org"),
        (&other, "localhost"),
    ];
    for (made, name) in cases {
        assert!(healthy(made, name), "{name}");
        assert_eq!(healthy(&one, name), name == "a.example.com", "{name}");
    }
    // A new certificate is noticed, and a broken one is not used.
    let renewed = make("a.example.com");
    let own = folder.path().join("a.example.com");
    renewed.write(&own.join("cert.pem"), &own.join("key.pem"));
    wait_until("the new certificate", PATIENCE, || {
        healthy(&renewed, "a.example.com")
    });
    std::fs::write(own.join("cert.pem"), "no certificate").expect("a file");
    wait_until("the complaint", PATIENCE, || {
        platform.log_tail().contains("the old ones stay")
    });
    assert!(healthy(&renewed, "a.example.com"));
}

#[test]
fn a_certificate_of_ones_own_does_for_a_beginning() {
    let platform = Platform::start(&[("ZYGO_TLS_PORT", "0"), ("ZYGO_TLS_SELF_SIGNED", "true")]);
    let client = || {
        reqwest::Client::builder()
            .no_proxy()
            .resolve("localhost", address(&platform))
    };
    let url = url(&platform, "localhost", "/functions");
    assert!(get(client(), &url).is_err(), "nobody vouches for it");
    let (version, functions) =
        get(client().tls_danger_accept_invalid_certs(true), &url).expect("an answer");
    assert_eq!(
        (version, &functions["total"]),
        (http::Version::HTTP_2, &json!(0))
    );
}

#[test]
fn whoever_comes_unencrypted_is_sent_on_where_that_is_wanted() {
    let settings = [
        ("ZYGO_TLS_PORT", "0"),
        ("ZYGO_TLS_SELF_SIGNED", "true"),
        ("ZYGO_TLS_REDIRECT", "true"),
        ("ZYGO_TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let platform = Platform::start(&settings);
    let port = address(&platform).port();
    let answer = raw::request(
        &platform,
        "POST",
        "some.example.com:80",
        "/a/b?c=d",
        &[],
        b"x",
    )
    .expect(308);
    assert_eq!(
        answer.header("location"),
        format!("https://some.example.com:{port}/a/b?c=d")
    );
    raw::get(&platform, "localhost", "/healthz", &[]).expect(200);
    raw::get(
        &platform,
        "localhost",
        "/functions",
        &[
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-proto", "https"),
        ],
    )
    .expect(200);
    raw::get(&platform, "user@evil.example.com", "/", &[]).expect(400);
}

#[test]
fn whoever_does_not_agree_on_keys_in_time_is_cut_off() {
    let settings = [
        ("ZYGO_TLS_PORT", "0"),
        ("ZYGO_TLS_SELF_SIGNED", "true"),
        ("ZYGO_HEADER_TIMEOUT_MS", "2000"),
    ];
    let platform = Platform::start(&settings);
    for hello in [
        &b""[..],
        &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3],
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let mut connection = TcpStream::connect(address(&platform)).expect("a connection");
        connection
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit");
        std::io::Write::write_all(&mut connection, hello).expect("sent");
        let mut answer = Vec::new();
        // A reset is an end as well; a connection that hangs is none.
        if let Err(error) = connection.read_to_end(&mut answer) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        }
    }
    let function = platform.deploy(
        Language::Python,
        "def handler(event, context): return 1",
        &json!({}),
    );
    platform.invoke(&function, &json!({})).expect(200);
}

#[test]
fn what_cannot_be_encrypted_with_is_refused_at_start() {
    let (one, two) = (make("a.example.com"), make("a.example.com"));
    let folder = folder(&[("a.example.com", &one)]);
    let own = folder.path().join("a.example.com");
    let text = |path: &Path| path.to_str().expect("a path").to_owned();
    let (certificate, key) = (text(&own.join("cert.pem")), text(&own.join("key.pem")));
    let port = ("ZYGO_TLS_PORT", "0");
    let cases = [
        (vec![port], "tls.port"),
        (vec![("ZYGO_TLS_SELF_SIGNED", "true")], "tls.port"),
        (vec![("ZYGO_TLS_REDIRECT", "true")], "tls.redirect"),
        (
            vec![port, ("ZYGO_TLS_CERTIFICATE_FILE", &certificate)],
            "set both",
        ),
        (
            vec![
                port,
                ("ZYGO_TLS_CERTIFICATE_FILE", &key),
                ("ZYGO_TLS_KEY_FILE", &key),
            ],
            "no certificate",
        ),
        (
            vec![
                port,
                ("ZYGO_TLS_CERTIFICATE_FILE", &certificate),
                ("ZYGO_TLS_KEY_FILE", "/nowhere"),
            ],
            "/nowhere",
        ),
        (vec![port, ("ZYGO_TLS_DIR", "/nowhere")], "/nowhere"),
        (
            vec![("ZYGO_TRUSTED_PROXIES", "somebody")],
            "trusted_proxies",
        ),
    ];
    for (settings, expected) in cases {
        let said = refused_start(&settings);
        assert!(said.contains(expected), "{settings:?}: {said}");
    }
    std::fs::write(&key, pem("PRIVATE KEY", &two.key)).expect("a file");
    let said = refused_start(&[port, ("ZYGO_TLS_DIR", &text(folder.path()))]);
    assert!(said.contains("do not belong together"), "{said}");
}
