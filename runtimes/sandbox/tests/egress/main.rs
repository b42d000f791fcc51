//! Which addresses processes reach when a policy holds them: real processes, sockets and programs of the kernel.
//!
//! Every test has a network of its own, whose loopback interface carries the addresses of a cloud: a metadata service, a
//! private network, "public" hosts. Needs root and cgroups v2; who is not root is told so, which is then what is tested.

mod network;

use network::{ADDRESSES, Group, Probe, Servers, assert_not_permitted, in_own_network, mount};
use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;
use zygo_sandbox::egress::{Cidr, Egress, EgressError, Policy, own_addresses};

/// How TCP and UDP can be made to send something to an address.
const TCP: [&str; 4] = [
    "tcp",
    "tcp_by_device",
    "tcp_fastopen",
    "tcp_fastopen_connect",
];
#[rustfmt::skip]
const UDP: [&str; 5] = ["udp", "udp_sendto", "udp_sendmsg", "udp_sendmmsg", "udp_when_connected"];
fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// As a function on the internet has it: one resolver in a private network, and a public address of the machine.
fn internet() -> Policy {
    Policy::internet([ip("10.1.2.3")], [ip("9.9.9.9")])
}

#[track_caller]
fn assert_reached(probe: &mut Probe, servers: &Servers, kinds: &[&str], address: &str, port: u16) {
    for kind in kinds {
        let answer = probe.tries(kind, address, port);
        assert_eq!(answer, "ok", "{kind} {address} {port}");
        assert_eq!(servers.arrived(), 1, "{kind} {address} {port}");
    }
}

#[track_caller]
fn assert_refused(probe: &mut Probe, servers: &Servers, kinds: &[&str], address: &str, port: u16) {
    for kind in kinds {
        let answer = probe.tries(kind, address, port);
        assert_eq!(answer, "EPERM", "{kind} {address} {port}");
        assert_eq!(servers.arrived(), 0, "{kind} {address} {port}");
    }
}

fn tcp_and_udp() -> Vec<&'static str> {
    [&TCP[..], &UDP].concat()
}

#[test]
fn with_internet_only_public_addresses_and_resolvers_are_reached() {
    in_own_network(|| {
        let (group, servers) = (Group::new(), Servers::new());
        Egress::attach(&group.0, &internet()).unwrap();
        let probe = &mut Probe::new(&group);
        for address in ["8.8.8.8", "::ffff:8.8.8.8", "2606:4700::1"] {
            assert_reached(probe, &servers, &tcp_and_udp(), address, 80);
        }
        for address in ["10.1.2.3", "::ffff:10.1.2.3"] {
            assert_reached(probe, &servers, &tcp_and_udp(), address, 53);
            assert_refused(probe, &servers, &tcp_and_udp(), address, 80);
        }
        #[rustfmt::skip]
        let private = [
            "169.254.169.254", "::ffff:169.254.169.254", "127.0.0.1", "127.0.0.53", "::ffff:127.0.0.1", "0.0.0.0", "::",
            "::ffff:0.0.0.0", "::1", "fd00::1", "fe80::1%lo", "9.9.9.9", "::ffff:9.9.9.9",
        ];
        for address in private {
            assert_refused(probe, &servers, &tcp_and_udp(), address, 80);
            assert_refused(probe, &servers, &["tcp", "udp", "udp_sendto"], address, 53);
        }
    });
}

#[test]
fn with_all_only_the_platform_is_missing() {
    in_own_network(|| {
        let (group, servers) = (Group::new(), Servers::new());
        let own = own_addresses().unwrap();
        Egress::attach(&group.0, &Policy::all(own, &[3000])).unwrap();
        let probe = &mut Probe::new(&group);
        #[rustfmt::skip]
        let addresses = [
            "169.254.169.254", "10.1.2.3", "::ffff:10.1.2.3", "127.0.0.1", "127.0.0.53", "::ffff:127.0.0.1", "0.0.0.0",
            "::", "::1", "fd00::1", "fe80::1%lo", "8.8.8.8", "2606:4700::1",
        ];
        for address in addresses {
            assert_reached(probe, &servers, &tcp_and_udp(), address, 80);
            assert_refused(probe, &servers, &tcp_and_udp(), address, 3000);
        }
        assert_eq!(probe.tries("bind", "127.0.0.2", 3000), "EPERM");
        assert_eq!(probe.tries("bind_udp", "::", 3000), "EPERM");
        assert_eq!(probe.tries("bind", "127.0.0.2", 3001), "bound 3001");
        TcpStream::connect("127.0.0.2:3001").expect("a server of the function");
    });
}

#[test]
fn there_is_no_way_around() {
    in_own_network(|| {
        let (group, servers) = (Group::new(), Servers::new());
        let probe = &mut Probe::new(&group);
        // These ways exist, as long as no policy holds the process.
        assert_reached(probe, &servers, &["udp_v4_name_on_v6"], "10.1.2.3", 80);
        assert_reached(
            probe,
            &servers,
            &["udp_name_without_family"],
            "10.1.2.3",
            80,
        );
        assert_eq!(probe.tries("routed", "10.1.2.3", 80), "ok");
        assert_eq!(probe.tries("routed", "fd00::1", 80), "ok");
        assert_eq!(probe.tries("routed_by_message", "10.1.2.3", 80), "ok");
        servers.arrived();

        Egress::attach(&group.0, &internet()).unwrap();
        let names = ["udp_v4_name_on_v6", "udp_name_without_family"];
        assert_refused(probe, &servers, &names, "10.1.2.3", 80);
        assert_reached(probe, &servers, &names, "8.8.8.8", 80);
        assert_refused(
            probe,
            &servers,
            &["routed", "routed_by_message"],
            "10.1.2.3",
            80,
        );
        assert_refused(probe, &servers, &["routed"], "fd00::1", 80);
        for address in ["8.8.8.8", "2606:4700::1"] {
            assert_refused(probe, &servers, &["mptcp", "udplite", "raw"], address, 80);
            // The kernel may lack these.
            for kind in ["sctp", "dccp", "ping", "ping6"] {
                let answer = probe.tries(kind, address, 80);
                let missing = ["EPERM", "EACCES", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"];
                assert!(
                    missing.contains(&answer.as_str()),
                    "{kind} {address}: {answer}"
                );
            }
        }
    });
}

#[test]
fn nothing_is_served_to_others() {
    in_own_network(|| {
        let group = Group::new();
        let mut egress = Egress::attach(&group.0, &internet()).unwrap();
        let probe = &mut Probe::new(&group);
        for address in ["0.0.0.0", "8.8.8.8", "::", "127.0.0.1"] {
            assert_eq!(probe.tries("bind", address, 8080), "EPERM");
            assert_eq!(probe.tries("bind_udp", address, 8080), "EPERM");
            assert_eq!(probe.tries("bind_udp", address, 0), "ok");
        }
        for (any, address) in [("0.0.0.0", "8.8.8.8"), ("::", "2606:4700::1")] {
            let bound = probe.tries("bind", any, 0);
            let port: u16 = bound
                .strip_prefix("bound ")
                .expect("a free port")
                .parse()
                .unwrap();
            let to = SocketAddr::new(ip(address), port);
            let error = TcpStream::connect_timeout(&to, Duration::from_millis(200)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
            egress.replace(&Policy::all([], &[])).unwrap();
            TcpStream::connect_timeout(&to, Duration::from_secs(5)).expect("now it is served");
            egress.replace(&internet()).unwrap();
        }
    });
}

#[test]
fn a_policy_holds_groups_below_and_can_be_replaced() {
    in_own_network(|| {
        let (group, servers) = (Group::new(), Servers::new());
        let mut egress = Egress::attach(&group.0, &internet()).unwrap();
        let below = Group(group.0.join("below"));
        fs::create_dir(&below.0).unwrap();
        {
            let probe = &mut Probe::new(&below);
            assert_refused(probe, &servers, &["tcp", "udp"], "10.1.2.3", 80);
            assert_reached(probe, &servers, &["tcp", "udp"], "8.8.8.8", 80);
            // An address of its own that the machine has just got.
            egress
                .replace(&Policy::internet([], [ip("8.8.8.8")]))
                .unwrap();
            assert_refused(probe, &servers, &["tcp", "udp"], "8.8.8.8", 80);
            assert_refused(probe, &servers, &["tcp", "udp"], "10.1.2.3", 53);
            egress.replace(&internet()).unwrap();
            assert_reached(probe, &servers, &["tcp", "udp"], "8.8.8.8", 80);
            // The kernel keeps it; a second one can only take away.
            drop(egress);
            let _all = Egress::attach(&below.0, &Policy::all([ip("8.8.8.8")], &[80])).unwrap();
            assert_refused(probe, &servers, &["tcp", "udp"], "10.1.2.3", 80);
            assert_refused(probe, &servers, &["tcp", "udp"], "8.8.8.8", 80);
            assert_reached(probe, &servers, &["tcp", "udp"], "2606:4700::1", 80);
        }
        drop(below);
    });
}

#[test]
fn addresses_of_this_network_are_found() {
    in_own_network(|| {
        let expected = ADDRESSES.map(|address| ip(address.split('/').next().unwrap()));
        let own = own_addresses().unwrap();
        assert!(
            expected.iter().all(|address| own.contains(address)),
            "{own:?}"
        );
    });
}

#[test]
fn a_long_policy_is_one_that_the_kernel_accepts() {
    in_own_network(|| {
        let group = Group::new();
        let v4 = (0..500u32).map(|number| Cidr::of(IpAddr::V4((0x0800_0000 + number * 7).into())));
        let v6 =
            (0..500u128).map(|number| Cidr::of(IpAddr::V6(((0x2606 << 112) + number * 7).into())));
        Egress::attach(&group.0, &internet().denying(v4.chain(v6))).unwrap();
        let every = ["0.0.0.0/0", "::/0"].map(|network| network.parse::<Cidr>().unwrap());
        Egress::attach(&group.0, &internet().denying(every)).unwrap();
    });
}

#[test]
fn who_may_not_is_told_what_to_do() {
    let mount = mount();
    // Capabilities are those of a thread.
    let attach = move || {
        caps::clear(None, caps::CapSet::Effective).unwrap();
        Egress::attach(&mount, &internet())
    };
    assert_not_permitted(thread::spawn(attach).join().unwrap());
}

#[test]
fn what_is_no_cgroup_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("missing")] {
        let error = Egress::attach(&path, &internet()).expect_err("not a cgroup");
        assert!(matches!(error, EgressError::NotACgroup(_)), "{error}");
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    }
}
