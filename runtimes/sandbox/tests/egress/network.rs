//! A network of its own for each test, servers in it, and processes in cgroups that try to reach them.

use nix::sched::{CloneFlags, unshare};
use nix::unistd::geteuid;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use zygo_sandbox::egress::{Egress, EgressError, Policy, cgroup2_mount};

/// What the loopback interface of each network carries.
pub(crate) const ADDRESSES: [&str; 7] = [
    "169.254.169.254/32",
    "10.1.2.3/32",
    "8.8.8.8/32",
    "9.9.9.9/32",
    "fd00::1/128",
    "2606:4700::1/128",
    "fe80::1/64",
];
/// The port of most servers here, that of names, and one of the platform.
const PORTS: [u16; 3] = [80, 53, 3000];

/// Where cgroups v2 are.
pub(crate) fn mount() -> PathBuf {
    cgroup2_mount().expect("these tests need cgroups v2: mount -t cgroup2 cgroup2 /sys/fs/cgroup")
}

/// A cgroup, removed when it is dropped.
pub(crate) struct Group(pub(crate) PathBuf);

impl Group {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("zygo-egress-{}-{count}", std::process::id());
        let path = mount().join(name);
        fs::create_dir(&path).expect("these tests make cgroups");
        Self(path)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        fs::remove_dir(&self.0).expect("an empty cgroup");
    }
}

/// A process in a cgroup that tries what it is told.
pub(crate) struct Probe {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Probe {
    pub(crate) fn new(group: &Group) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .args(["-c", include_str!("probe.py")])
            .arg(&group.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("these tests need python3");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut probe = Self {
            child,
            input,
            output,
        };
        assert_eq!(probe.answer(), "ready");
        probe
    }

    pub(crate) fn tries(&mut self, kind: &str, address: &str, port: u16) -> String {
        writeln!(self.input, "{kind} {address} {port}").unwrap();
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Servers on all addresses of this network; they are in no cgroup of the tests.
pub(crate) struct Servers {
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
}

impl Servers {
    pub(crate) fn new() -> Self {
        let tcp = PORTS.map(|port| TcpListener::bind(("::", port)).unwrap());
        let udp = PORTS.map(|port| UdpSocket::bind(("::", port)).unwrap());
        tcp.iter()
            .for_each(|its| its.set_nonblocking(true).unwrap());
        udp.iter()
            .for_each(|its| its.set_nonblocking(true).unwrap());
        Self {
            tcp: tcp.into(),
            udp: udp.into(),
        }
    }

    /// How many connections and datagrams have arrived since it was asked last. On the loopback interface they have
    /// arrived when the call that sent them is over.
    pub(crate) fn arrived(&self) -> usize {
        let accepted = |its: &TcpListener| arrivals(|| its.accept().map(drop));
        let received = |its: &UdpSocket| arrivals(|| its.recv(&mut [0; 8]).map(drop));
        let tcp: usize = self.tcp.iter().map(accepted).sum();
        tcp + self.udp.iter().map(received).sum::<usize>()
    }
}

fn arrivals(mut next: impl FnMut() -> std::io::Result<()>) -> usize {
    let mut count = 0;
    loop {
        match next() {
            Ok(()) => count += 1,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return count,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Runs a test in a network of its own. Without root there is none, and what is left to test is what one is told.
pub(crate) fn in_own_network(test: fn()) {
    if !geteuid().is_root() {
        return assert_not_permitted(Egress::attach(&mount(), &Policy::internet([], [])));
    }
    // Network namespaces are those of threads; children have that of the thread which makes them.
    let thread = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network of its own");
        run_ip("link set lo up");
        for address in ADDRESSES {
            run_ip(&format!("address add {address} dev lo"));
        }
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn run_ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(
        status.expect("these tests need ip").success(),
        "ip {arguments}"
    );
}

#[track_caller]
pub(crate) fn assert_not_permitted(result: Result<Egress, EgressError>) {
    let error = result.expect_err("not permitted");
    assert!(matches!(error, EgressError::NotPermitted), "{error}");
    assert!(error.to_string().contains("run it as root"), "{error}");
}
