//! Certificates that an authority gives for the domains of functions.

use std::time::Duration;

use serde_json::json;

use crate::authority::{Addresses, Authority, own_certificate};
use crate::language::Language;
use crate::launch::refused_start;
use crate::platform::Platform;
use crate::tls;
use crate::wait::wait_until;

/// An order takes some pauses of a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether a client that trusts the authority gets through to a name.
fn is_trusted(platform: &Platform, root: &reqwest::Certificate, name: &str) -> bool {
    let client = reqwest::Client::builder()
        .tls_certs_only([root.clone()])
        .no_proxy()
        .resolve(name, tls::address(platform));
    tls::get(client, &tls::url(platform, name, "/echo")).is_ok()
}

fn is_kept(data: &std::path::Path) -> bool {
    let kept = std::fs::read_dir(data.join("certificates")).expect("a folder");
    let names = kept.map(|entry| entry.expect("an entry").file_name());
    names
        .into_iter()
        .any(|name| name.to_string_lossy().starts_with("cached_cert"))
}

#[test]
fn an_authority_gives_certificates_for_domains_of_functions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (made, root_file) = own_certificate(folder.path());
    let addresses = Addresses::free();
    let url = addresses.directory_url();
    let settings = [
        ("ZYGO_TLS_PORT", "0"),
        ("ZYGO_TLS_ACME", "true"),
        ("ZYGO_TLS_ACME_DIRECTORY_URL", &*url),
        ("ZYGO_TLS_ACME_ROOT_FILE", &*root_file),
        ("ZYGO_TLS_ACME_CONTACT", "operator@example.org"),
        ("ZYGO_TLS_ACME_DOMAINS_MAX", "2"),
        ("ZYGO_VERBOSE", "true"),
    ];
    let mut platform = Platform::start(&settings);
    let authority = Authority::start(addresses, made, tls::address(&platform).port());
    let root = authority.root();
    let code = Language::TypeScript.handler("http_trigger");
    let deploy = |platform: &Platform, name: &str| {
        platform.deploy(Language::TypeScript, &code, &json!({"customDomain": name}))
    };
    authority.forget("lost.example.org");
    let lost = deploy(&platform, "lost.example.org");
    let shop = deploy(&platform, "shop.example.org");
    wait_until("a certificate", PATIENCE, || {
        is_trusted(&platform, &root, "shop.example.org")
    });
    // A name that cannot be proven is told, and disturbs nobody.
    wait_until("the complaint", PATIENCE, || {
        let log = platform.log_tail();
        log.contains("it is asked again") && log.contains("lost.example.org")
    });
    assert!(!is_trusted(&platform, &root, "lost.example.org"));
    // Nor is a name asked for that is nobody's any more.
    assert!(!is_trusted(&platform, &root, "other.example.org"));
    platform.delete(&format!("/functions/{lost}")).expect(200);
    deploy(&platform, "second.example.org");
    wait_until("the second certificate", PATIENCE, || {
        is_trusted(&platform, &root, "second.example.org")
    });
    // There are as many as there may be.
    deploy(&platform, "third.example.org");
    wait_until("the refusal", PATIENCE, || {
        platform.log_tail().contains("tls.acme_domains_max")
    });
    assert!(is_kept(platform.data().path()));
    // It is kept: the next platform needs no authority for it.
    drop(authority);
    let data = platform.data();
    platform.stop();
    drop(platform);
    let platform = Platform::start_on(data, &settings);
    wait_until("the same certificate", PATIENCE, || {
        is_trusted(&platform, &root, "shop.example.org")
    });
    platform.delete(&format!("/functions/{shop}")).expect(200);
    wait_until("the end of the certificate", PATIENCE, || {
        !is_trusted(&platform, &root, "shop.example.org")
    });
}

#[test]
fn an_authority_that_cannot_be_asked_is_refused_at_start() {
    let acme = [("ZYGO_TLS_PORT", "0"), ("ZYGO_TLS_ACME", "true")];
    for (setting, expected) in [
        (
            ("ZYGO_TLS_ACME_DIRECTORY_URL", "http://127.0.0.1/dir"),
            "tls.acme_directory_url",
        ),
        (("ZYGO_TLS_ACME_CONTACT", "nobody"), "tls.acme_contact"),
        (("ZYGO_TLS_ACME_ROOT_FILE", "/nowhere"), "/nowhere"),
    ] {
        let said = refused_start(&[acme[0], acme[1], setting]);
        assert!(said.contains(expected), "{setting:?}: {said}");
    }
    let said = refused_start(&[("ZYGO_TLS_ACME_CONTACT", "a@example.org")]);
    assert!(said.contains("left out without tls.acme"), "{said}");
    let said = refused_start(&[("ZYGO_TLS_ACME", "true")]);
    assert!(said.contains("tls.port"), "{said}");
}
