//! Addresses that functions try to reach, in a network that the test makes: servers on private and public addresses, the
//! platform's own port, names, redirects and abstract sockets.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixListener;

use serde_json::json;

use super::own_network::{NOTICED, PORT, PUBLIC, Servers, in_own_network};
use super::table::Report;
use super::{deploy, outcome};
use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::wait::wait_until;

/// A connection was refused by a policy, or there is nothing to connect to.
const REFUSED: &[&str] = &[
    "EPERM",
    "EACCES",
    "ENETUNREACH",
    "ECONNREFUSED",
    "EHOSTUNREACH",
    "EADDRNOTAVAIL",
    "TypeError",
    "SocketError",
    "ConnectionRefused",
    "PermissionDenied",
    "NetworkUnreachable",
    "AddrNotAvailable",
    "TimeoutError",
];
const OPEN: &[&str] = &["ok"];

/// Every way to get there.
fn steps(language: Language, address: &str, port: u16) -> Vec<serde_json::Value> {
    let host = match address.contains(':') {
        true => format!("[{address}]"),
        false => address.to_owned(),
    };
    let connect = json!(["connect", address, port]);
    match language {
        Language::TypeScript => {
            vec![json!(["fetch", format!("http://{host}:{port}/")]), connect]
        }
        _ => vec![connect],
    }
}

/// Addresses of this machine, private ones, and the service that tells machines of a cloud who they are.
const PRIVATE: [&str; 11] = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:10.1.2.3",
    "169.254.169.254",
    "10.1.2.3",
    "192.168.7.7",
    "fd00::1",
];

#[test]
fn policies_hold_for_every_address() {
    in_own_network(|| {
        let platform = Platform::start(&[]);
        let own: u16 = platform
            .address()
            .rsplit(':')
            .next()
            .and_then(|port| port.parse().ok())
            .expect("a port");
        let servers = Servers::default();
        servers.listen("::", PORT);
        // The platform's port again, where the platform itself does not listen.
        for address in ["::1", "10.1.2.3", "fd00::1"] {
            servers.listen(address, own);
        }
        in_every_language(|language| {
            let mut report = Report::default();
            for network in ["internet", "none", "all"] {
                let function = deploy(
                    &platform,
                    language,
                    &json!({"network": network, "timeout": 20_000}),
                );
                let mut try_out = |address: &str, port: u16, open: bool| {
                    let name = match port == own {
                        true => "the platform's port".to_owned(),
                        false => port.to_string(),
                    };
                    for step in steps(language, address, port) {
                        servers.take();
                        let seen = outcome(&platform, &function, &step);
                        let wanted = if open { OPEN } else { REFUSED };
                        let what = format!("`{network}`: {} {address} {name}", step[0]);
                        report.note("S8", language, &what, &seen, wanted);
                        if open {
                            // Whoever connects may be gone before the server sees it.
                            wait_until("the server to notice", NOTICED, || {
                                servers.noticed() || seen != "ok"
                            });
                        }
                        let reached = servers.take();
                        report.check(
                            "S8",
                            language,
                            &format!("{what}: servers reached"),
                            &format!("{reached:?}"),
                            reached.is_empty() != open,
                        );
                    }
                };
                for address in PRIVATE {
                    try_out(address, own, false);
                    try_out(address, PORT, network == "all");
                }
                for address in PUBLIC {
                    try_out(address, PORT, network != "none");
                }
                try_out("localhost", PORT, network == "all");
                try_out("localhost", own, false);
            }
            report.finish();
        });
    });
}

#[test]
fn a_redirect_leads_nowhere_else() {
    in_own_network(|| {
        let platform = Platform::start(&[]);
        let servers = Servers::default();
        servers.listen("::", PORT);
        let language = Language::TypeScript;
        let mut report = Report::default();
        let function = deploy(&platform, language, &json!({}));
        let seen = outcome(
            &platform,
            &function,
            &json!(["fetch", "http://8.8.8.8/fine"]),
        );
        report.note("S8", language, "fetch of a public address", &seen, OPEN);
        servers.take();
        let seen = outcome(
            &platform,
            &function,
            &json!(["fetch_redirected", "http://8.8.8.8/away"]),
        );
        report.note(
            "S8",
            language,
            "a redirect to the metadata service",
            &seen,
            REFUSED,
        );
        let reached = servers.take();
        let metadata = reached
            .iter()
            .any(|address| address.ip().to_string().contains("169.254"));
        report.check(
            "S8",
            language,
            "the metadata service was not reached",
            &format!("{reached:?}"),
            !metadata,
        );
        report.finish();
    });
}

#[test]
fn abstract_sockets_and_callers_are_out_of_reach() {
    in_own_network(|| {
        let platform = Platform::start(&[]);
        let name = format!("zygo-attack-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("a name");
        let listener = UnixListener::bind_addr(&address).expect("an abstract socket");
        listener.set_nonblocking(true).expect("an open socket");
        super::in_native(|language| {
            let mut report = Report::default();
            for network in ["internet", "none", "all"] {
                let function = deploy(&platform, language, &json!({"network": network}));
                let seen = outcome(&platform, &function, &json!(["abstract", name]));
                report.note(
                    "S8",
                    language,
                    &format!("`{network}`: an abstract socket of the machine"),
                    &seen,
                    REFUSED,
                );
                let reached = listener.accept().is_ok();
                report.check(
                    "S8",
                    language,
                    &format!("`{network}`: it was not reached"),
                    &reached.to_string(),
                    !reached,
                );
                let seen = outcome(
                    &platform,
                    &function,
                    &json!(["call", libc::SYS_listen, 0, 1]),
                );
                let wanted = if network == "internet" {
                    &["EPERM"]
                } else {
                    &["ENOTSOCK"]
                };
                report.note(
                    "S8",
                    language,
                    &format!("`{network}`: listen"),
                    &seen,
                    wanted,
                );
            }
            report.finish();
        });
    });
}

#[test]
fn datagrams_do_not_leave_where_nothing_may_be_reached() {
    in_own_network(|| {
        let platform = Platform::start(&[]);
        super::in_native(|language| {
            let mut report = Report::default();
            for (network, address, wanted) in [
                ("internet", "127.0.0.1", REFUSED),
                ("internet", "169.254.169.254", REFUSED),
                ("internet", "::ffff:10.1.2.3", REFUSED),
                ("internet", "8.8.8.8", OPEN),
                ("none", "8.8.8.8", REFUSED),
                ("none", "10.1.2.3", REFUSED),
                ("all", "169.254.169.254", OPEN),
            ] {
                let function = deploy(&platform, language, &json!({"network": network}));
                let seen = outcome(&platform, &function, &json!(["datagram", address, 5353]));
                report.note(
                    "S8",
                    language,
                    &format!("`{network}`: a datagram to {address}"),
                    &seen,
                    wanted,
                );
            }
            report.finish();
        });
    });
}
