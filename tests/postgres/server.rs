//! A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket there, without regard for the disk. A
//! shell keeps it: when the tests end, in whatever way, the shell's standard input does, and it ends the server and
//! removes the folder. As root it runs as `nobody`, because PostgreSQL refuses root.

use std::io::Write;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};

use crate::wait::{wait_for, wait_until};

/// What every database asks for.
pub(crate) const PASSWORD: &str = "a-password-of-the-tests";

/// Where Debian keeps the programs of each major version.
const DEBIAN: &str = "/usr/lib/postgresql";
const NOBODY: u32 = 65_534;
const READY_DEADLINE: Duration = Duration::from_secs(30);

/// Makes the database's files, then starts and stops the server as it is told, line by line.
const KEEPER: &str = r#"
server=
stop() { [ -z "$server" ] || { kill "-$1" "$server"; wait "$server"; server=; }; }
"$1/initdb" --pgdata="$2/data" --username=zygo --pwfile="$2/password" --auth=scram-sha-256 --encoding=UTF8 --locale=C \
  --no-sync >"$2/log" 2>&1 </dev/null
while read -r command; do
  case "$command" in
    start)
      "$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=300 >>"$2/log" 2>&1 </dev/null &
      server=$!
      ;;
    stop) stop INT ;;
  esac
done
stop QUIT
rm -rf "$2"
"#;

/// A server, and the shell that keeps it.
#[derive(Debug)]
pub(crate) struct Server {
    folder: PathBuf,
    keeper: Child,
    /// Its standard input, until the end.
    orders: Option<ChildStdin>,
}

impl Server {
    /// A server that is ready.
    pub(crate) fn start() -> Self {
        let programs = programs().unwrap_or_else(|| {
            panic!("no PostgreSQL server is installed, so nothing of this was tested: install Debian's `postgresql`")
        });
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        std::fs::write(folder.join("password"), PASSWORD).expect("a password");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", KEEPER, "keeper"]).arg(programs);
        command.arg(&folder).current_dir(&folder);
        if rustix::process::geteuid().is_root() {
            for path in [&folder, &folder.join("password")] {
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
        let mut server = Self {
            folder,
            keeper,
            orders,
        };
        server.resume();
        server
    }

    /// Ends the server, and every connection to it.
    pub(crate) fn stop(&mut self) {
        self.order("stop");
        let socket = self.folder.join(".s.PGSQL.5432");
        wait_until("the end of the server", READY_DEADLINE, || !socket.exists());
    }

    /// Starts it again, and waits until it answers.
    pub(crate) fn resume(&mut self) {
        self.order("start");
        wait_for("the server", READY_DEADLINE, || self.run("SELECT 1").ok());
    }

    /// The address of a database that is there already, as a platform is told it.
    pub(crate) fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://zygo:{PASSWORD}@{folder}/{database}")
    }

    /// The address of a database, made if it is not there.
    pub(crate) fn database(&self, name: &str) -> String {
        // SQLSTATE of a name that is taken.
        match self.run(&format!("CREATE DATABASE \"{name}\"")) {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P04") => {}
            made => made.unwrap_or_else(|error| panic!("{error}\n{}", self.log())),
        }
        self.url(name)
    }

    fn order(&mut self, order: &str) {
        let mut orders = self.orders.as_ref().expect("standard input is piped");
        writeln!(orders, "{order}").expect("the shell listens");
    }

    fn run(&self, statement: &str) -> Result<(), sqlx::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a reactor");
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.url("postgres")).await?;
            connection
                .execute(sqlx::AssertSqlSafe(statement.to_owned()))
                .await?;
            connection.close().await
        })
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

/// For servers that one test has for itself; the shared one ends with the process.
impl Drop for Server {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.keeper.wait();
    }
}

/// The server that all tests share, and which data folder each of its databases belongs to.
#[derive(Debug)]
struct Shared {
    server: Server,
    databases: Vec<(PathBuf, String)>,
}

/// The address of the database of a platform with this data folder. Those of folders that are gone are removed.
pub(crate) fn url_of(data: &Path) -> String {
    static SHARED: Mutex<Option<Shared>> = Mutex::new(None);
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let Shared { server, databases } = shared.get_or_insert_with(|| Shared {
        server: Server::start(),
        databases: Vec::new(),
    });
    databases.retain(|(folder, name)| {
        folder.exists() || server.run(&format!("DROP DATABASE \"{name}\"")).is_err()
    });
    let name = data.file_name().expect("a name").to_string_lossy();
    let name = format!("zygo-{}", name.trim_start_matches('.'));
    if !databases.iter().any(|(_, known)| *known == name) {
        databases.push((data.to_owned(), name.clone()));
    }
    server.database(&name)
}

/// The folder of `initdb` and `postgres`: the newest of Debian's, or one in the PATH.
fn programs() -> Option<PathBuf> {
    let debians = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = debians.map(|entry| entry.path().join("bin")).collect();
    let version = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}
