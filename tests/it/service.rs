//! What a service manager is told, and the sockets that it hands over.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crate::launch;
use crate::platform::Platform;
use crate::wait::wait_until;

/// What is not said by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service manager's ears.
struct Manager {
    socket: UnixDatagram,
    name: String,
    _folder: tempfile::TempDir,
}

impl Manager {
    fn new(is_abstract: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let (socket, name) = match is_abstract {
            true => {
                let name = path.display().to_string();
                let address = SocketAddr::from_abstract_name(&name).expect("a name");
                (UnixDatagram::bind_addr(&address), format!("@{name}"))
            }
            false => (UnixDatagram::bind(&path), path.display().to_string()),
        };
        let socket = socket.expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
        Self {
            socket,
            name,
            _folder: folder,
        }
    }

    /// The next thing that is said.
    fn hear(&self) -> String {
        let mut buffer = [0; 1024];
        let len = self.socket.recv(&mut buffer).expect("a word in time");
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    }

    /// Listens until something is said that begins so.
    fn hear_of(&self, beginning: &str) -> String {
        let words = std::iter::repeat_with(|| self.hear()).take(1_000);
        let mut wanted = words.filter(|words| words.starts_with(beginning));
        wanted.next().expect("the word")
    }
}

#[test]
fn a_manager_is_told_when_it_serves_that_it_lives_and_when_it_ends() {
    for is_abstract in [false, true] {
        let manager = Manager::new(is_abstract);
        let mut platform = Platform::start(&[
            ("NOTIFY_SOCKET", &manager.name),
            ("WATCHDOG_USEC", "400000"),
        ]);
        let ready = manager.hear_of("READY=1");
        let address = platform.address();
        assert_eq!(
            ready,
            format!("READY=1\nSTATUS=serving at http://{address}")
        );
        platform.get("/readyz").expect(200);
        for _ in 0..3 {
            assert_eq!(manager.hear(), "WATCHDOG=1");
        }
        assert_eq!(platform.stop().code(), Some(0));
        let last = manager.hear_of("STOPPING=1");
        assert_eq!(last, "STOPPING=1\nSTATUS=draining");
    }
}

#[test]
fn a_handover_is_a_reload_of_the_same_process() {
    let manager = Manager::new(true);
    let platform = Platform::start(&[("NOTIFY_SOCKET", &manager.name)]);
    let ready = manager.hear_of("READY=1");
    let output = crate::upgrade::upgrade(platform.data().path());
    assert!(output.status.success(), "{output:?}");
    let reloading = manager.hear();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(manager.hear(), ready);
    platform.get("/readyz").expect(200);
}

#[test]
fn a_watchdog_that_is_meant_for_another_process_hears_nothing() {
    let manager = Manager::new(true);
    let mut platform = Platform::start(&[
        ("NOTIFY_SOCKET", &manager.name),
        ("WATCHDOG_USEC", "1000"),
        ("WATCHDOG_PID", "1"),
    ]);
    let said = [manager.hear(), {
        platform.stop();
        manager.hear()
    }];
    assert!(
        said[0].starts_with("READY=1") && said[1].starts_with("STOPPING=1"),
        "{said:?}"
    );
}

#[test]
fn a_manager_that_cannot_be_told_is_no_reason_not_to_serve() {
    for name in ["/nowhere/notify", "vsock:2:1", ""] {
        let platform = Platform::start(&[("NOTIFY_SOCKET", name)]);
        platform.get("/healthz").expect(200);
    }
}

/// A launcher as a service manager is one: the program finds its sockets at 3 and following numbers.
fn handing_over(command: &Command, sockets: [Option<OwnedFd>; 2], names: &str) -> Command {
    let count = sockets.iter().flatten().count();
    let program = command.get_program().to_string_lossy().into_owned();
    let script = r#"exec 3<&0 4<&1 </dev/null >/dev/null; export LISTEN_PID=$$; exec "$@""#;
    let mut launcher = Command::new("/bin/sh");
    launcher.args(["-c", script, "launcher", &program]);
    launcher.args(command.get_args()).env_clear();
    let variables = command.get_envs();
    launcher.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    launcher.env("LISTEN_FDS", count.to_string());
    launcher.env("LISTEN_FDNAMES", names);
    let [first, second] = sockets.map(|socket| socket.map_or_else(Stdio::null, Stdio::from));
    launcher.stdin(first).stdout(second).stderr(Stdio::piped());
    launch::in_a_session(&mut launcher);
    launcher
}

fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

fn copy(listener: &TcpListener) -> Option<OwnedFd> {
    Some(listener.try_clone().expect("a copy").into())
}

/// Asks without waiting for an answer.
fn ask(listener: &TcpListener) -> TcpStream {
    let address = listener.local_addr().expect("an address");
    let mut stream = TcpStream::connect(address).expect("nobody is refused");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let request = b"GET /healthz HTTP/1.1\r\nhost: z\r\nconnection: close\r\n\r\n";
    stream.write_all(request).expect("sent");
    stream
}

fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

/// Whether a process has a socket.
fn has(pid: i32, socket: &Path) -> bool {
    let opened = std::fs::read_dir(format!("/proc/{pid}/fd"));
    // One that has just ended has none.
    let mut opened = opened.into_iter().flatten().flatten();
    opened.any(|entry| std::fs::read_link(entry.path()).is_ok_and(|link| link == socket))
}

#[test]
fn who_comes_while_nobody_accepts_is_answered_by_whoever_is_next() {
    let listener = listener();
    let data = Arc::new(tempfile::tempdir().expect("a folder"));
    for _ in 0..2 {
        let early = ask(&listener);
        let mut platform = Platform::start_by(Arc::clone(&data), &[], |command| {
            handing_over(command, [copy(&listener), None], "http")
        });
        let port = listener.local_addr().expect("an address").port();
        assert!(platform.address().ends_with(&format!(":{port}")));
        assert!(answer(early).starts_with("HTTP/1.1 200"));
        // Only the platform has it, and none of its children.
        let own = std::fs::read_link(format!("/proc/self/fd/{}", listener.as_raw_fd()));
        let own = own.expect("a link");
        assert!(has(platform.pid(), &own));
        // One that is being made has it for a moment, until it is another program.
        wait_until("children without it", PATIENCE, || {
            let mut children = platform.processes().into_iter();
            children.all(|process| !has(process.pid, &own))
        });
        platform.stop();
    }
    assert!(TcpStream::connect(listener.local_addr().expect("an address")).is_ok());
}

#[test]
fn sockets_for_both_kinds_of_connections_are_told_apart_by_name() {
    let (plain, encrypted) = (listener(), listener());
    let data = Arc::new(tempfile::tempdir().expect("a folder"));
    let settings = [("ZYGO_TLS_PORT", "0"), ("ZYGO_TLS_SELF_SIGNED", "true")];
    let platform = Platform::start_by(data, &settings, |command| {
        handing_over(command, [copy(&encrypted), copy(&plain)], "https:http")
    });
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    assert!(platform.address().ends_with(&format!(":{}", port(&plain))));
    let address = platform.encrypted_address();
    assert!(address.ends_with(&format!(":{}", port(&encrypted))));
    assert!(answer(ask(&plain)).starts_with("HTTP/1.1 200"));
}

#[test]
fn sockets_that_cannot_be_used_are_named() {
    let udp = || Some(UdpSocket::bind("127.0.0.1:0").expect("a socket").into());
    let tcp = || copy(&listener());
    let exposed = Some(TcpListener::bind("0.0.0.0:0").expect("a free port").into());
    for (sockets, names, count, expected) in [
        (
            [udp(), None],
            "http",
            None,
            "socket 0 of LISTEN_FDS cannot be used",
        ),
        (
            [tcp(), tcp()],
            "http:http",
            None,
            "two sockets were handed over for http",
        ),
        ([tcp(), None], "https", None, "tls.port is not set"),
        ([exposed, None], "http", None, "ZYGO_ADMIN_KEY"),
        ([tcp(), None], "", Some("some"), "LISTEN_FDS is `some`"),
        (
            [tcp(), None],
            "",
            Some("9"),
            "socket 1 of LISTEN_FDS cannot be used",
        ),
    ] {
        let said = launch::refused_start_by(&[], |command| {
            let mut launcher = handing_over(command, sockets, names);
            if let Some(count) = count {
                launcher.env("LISTEN_FDS", count);
            }
            launcher
        });
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn sockets_of_another_process_are_none_of_ours() {
    let data = Arc::new(tempfile::tempdir().expect("a folder"));
    let settings = [("LISTEN_FDS", "1"), ("LISTEN_PID", "1")];
    let platform = Platform::start_on(data, &settings);
    platform.get("/healthz").expect(200);
}

#[test]
fn a_data_folder_has_one_platform_at_a_time() {
    let mut first = Platform::start(&[]);
    let data = first.data();
    let second = std::thread::spawn({
        let data = Arc::clone(&data);
        move || Platform::start_on(data, &[])
    });
    let lock = data.path().join("platform.lock");
    let holder = || std::fs::read_to_string(&lock).expect("the lock");
    assert!(holder().contains(&format!("\"pid\":{}", first.pid())));
    first.get("/healthz").expect(200);
    first.stop();
    let second = second.join().expect("it waited");
    second.get("/healthz").expect(200);
    assert!(holder().contains(&format!("\"pid\":{}", second.pid())));
}
