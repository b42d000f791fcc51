//! Servers of queues for tests: Redis, NATS and RabbitMQ, each in a temporary folder, on loopback alone. A shell keeps
//! each: when the tests end, in whatever way, the shell's standard input does, and it ends the server and removes the
//! folder. As root they run as `nobody`.

mod encrypted;
mod talk;

use std::io::Write;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::certificates::Made;
use crate::ports;
use crate::wait::{wait_for, wait_until};

/// What every server asks for, where it asks.
pub(crate) const PASSWORD: &str = "a-password-of-the-tests";

const NOBODY: u32 = 65_534;
/// Erlang takes its time.
const READY_DEADLINE: Duration = Duration::from_secs(60);

/// Starts and stops the server as it is told, line by line; `$1` is the folder, the rest is the server.
const KEEPER: &str = r#"
folder="$1"; shift
server=; mapper=
export HOME="$folder" PATH="$PATH:/usr/sbin:/usr/lib/rabbitmq/bin"
[ -z "${ERL_EPMD_PORT:-}" ] || { epmd -address 127.0.0.1 -port "$ERL_EPMD_PORT" >/dev/null 2>&1 </dev/null & mapper=$!; }
stop() { [ -z "$server" ] || { kill -TERM "$server"; wait "$server"; server=; echo >"$folder/stopped"; }; }
while read -r command; do
  case "$command" in
    start) rm -f "$folder/stopped"; "$@" >>"$folder/log" 2>&1 </dev/null & server=$! ;;
    stop) stop ;;
  esac
done
stop
[ -z "$mapper" ] || { kill -TERM "$mapper"; wait "$mapper"; }
rm -rf "$folder"
"#;

/// The kind of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Redis,
    Nats,
    Rabbit,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Redis, Kind::Nats, Kind::Rabbit];

/// A server, and the shell that keeps it.
#[derive(Debug)]
pub(crate) struct Broker {
    pub(crate) kind: Kind,
    port: u16,
    /// Where it is spoken to encrypted, if it is.
    encrypted_port: Option<u16>,
    folder: PathBuf,
    keeper: Child,
    orders: Option<ChildStdin>,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Nats => "nats",
            Self::Rabbit => "rabbitmq",
        }
    }

    /// The server that all tests share.
    pub(crate) fn shared(self) -> &'static Broker {
        static SHARED: [OnceLock<Broker>; 3] = [const { OnceLock::new() }; 3];
        SHARED[self as usize].get_or_init(|| Broker::start(self))
    }
}

fn program(kind: Kind, port: u16, folder: &str) -> Vec<String> {
    let port = port.to_string();
    let words: Vec<&str> = match kind {
        Kind::Redis => vec![
            "redis-server",
            "--bind",
            "127.0.0.1",
            "--port",
            &port,
            "--dir",
            folder,
            "--save",
            "",
            "--appendonly",
            "yes",
            "--requirepass",
            PASSWORD,
        ],
        Kind::Nats => vec![
            "nats-server",
            "--addr",
            "127.0.0.1",
            "--port",
            &port,
            "--jetstream",
            "--store_dir",
            folder,
            "--user",
            "zygo",
            "--pass",
            PASSWORD,
        ],
        Kind::Rabbit => vec!["/usr/lib/rabbitmq/bin/rabbitmq-server"],
    };
    words.into_iter().map(str::to_owned).collect()
}

/// Everything that RabbitMQ would otherwise put elsewhere.
fn environment(kind: Kind, port: u16, folder: &str) -> Vec<(&'static str, String)> {
    if kind != Kind::Rabbit {
        return Vec::new();
    }
    let below = |name: &str| format!("{folder}/{name}");
    let erlang = "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none";
    vec![
        ("ERL_EPMD_ADDRESS", "127.0.0.1".to_owned()),
        ("ERL_EPMD_PORT", ports::free().to_string()),
        ("RABBITMQ_NODENAME", format!("zygo{port}@localhost")),
        ("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1".to_owned()),
        ("RABBITMQ_NODE_PORT", port.to_string()),
        ("RABBITMQ_DIST_PORT", ports::free().to_string()),
        ("RABBITMQ_MNESIA_BASE", below("db")),
        ("RABBITMQ_LOG_BASE", below("logs")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", below("plugins")),
        ("RABBITMQ_CONF_ENV_FILE", below("environment")),
        ("RABBITMQ_CONFIG_FILE", below("config")),
        ("RABBITMQ_GENERATED_CONFIG_DIR", below("generated")),
        ("RABBITMQ_PID_FILE", below("pid")),
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlang.to_owned()),
    ]
}

impl Broker {
    /// A server that is ready.
    pub(crate) fn start(kind: Kind) -> Self {
        Self::start_with(kind, None)
    }

    fn start_with(kind: Kind, certificate: Option<&Made>) -> Self {
        let (port, folder) = (ports::free(), tempfile::tempdir().expect("a folder").keep());
        let path = folder.to_str().expect("a name").to_owned();
        std::fs::write(folder.join("plugins"), "[].").expect("no plugins");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper", &path]);
        command.args(program(kind, port, &path));
        let encrypted_port = certificate.map(|made| {
            let (encrypted_port, words) = encrypted::settings(kind, port, &folder, made);
            command.args(words);
            encrypted_port
        });
        command
            .envs(environment(kind, port, &path))
            .current_dir(&folder);
        if rustix::process::geteuid().is_root() {
            for path in [&folder, &folder.join("plugins")] {
                chown(path, Some(NOBODY), Some(NOBODY)).expect("a new owner");
            }
            command.uid(NOBODY).gid(NOBODY);
        }
        // A group of its own: an interrupt at the terminal is for the tests, and ends the shell by ending them.
        let command = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut keeper = command.spawn().expect("a shell");
        let orders = keeper.stdin.take();
        let mut broker = Self {
            kind,
            port,
            encrypted_port,
            folder,
            keeper,
            orders,
        };
        broker.resume();
        broker
    }

    /// Ends the server, and every connection to it. What it stores stays.
    pub(crate) fn stop(&mut self) {
        self.order("stop");
        let stopped = self.folder.join("stopped");
        wait_until("the end of the server", READY_DEADLINE, || stopped.exists());
    }

    /// Starts it again, and waits until it answers.
    pub(crate) fn resume(&mut self) {
        self.order("start");
        wait_for("the server", READY_DEADLINE, || {
            self.answers().then_some(())
        });
    }

    fn order(&mut self, order: &str) {
        let mut orders = self.orders.as_ref().expect("standard input is piped");
        writeln!(orders, "{order}").expect("the shell listens");
    }

    /// The address, with all that the server asks for.
    pub(crate) fn url(&self) -> String {
        let port = self.port;
        match self.kind {
            Kind::Redis => format!("redis://:{PASSWORD}@127.0.0.1:{port}/0"),
            Kind::Nats => format!("nats://zygo:{PASSWORD}@127.0.0.1:{port}"),
            Kind::Rabbit => format!("amqp://guest:guest@127.0.0.1:{port}/%2f"),
        }
    }

    /// The config of a trigger for a stream or a queue; the address lies in the secret `QUEUE_URL`.
    pub(crate) fn config(&self, name: &str) -> Value {
        let place = if self.kind == Kind::Rabbit {
            "queue"
        } else {
            "stream"
        };
        json!({ "source": self.kind.name(), "urlSecret": "QUEUE_URL", place: name })
    }
}

/// For servers that one test has for itself; those that are shared end with the process.
impl Drop for Broker {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.keeper.wait();
    }
}
