//! The files of a service: what is in them, where they belong, and who may read them.

use std::path::{Path, PathBuf};

use super::InstallArgs;
use crate::cli::failure::Failure;
use crate::function::manifest::RUNTIMES;

const SERVICE: &str = include_str!("../../../packaging/systemd/zygo.service");
const SOCKET: &str = include_str!("../../../packaging/systemd/zygo.socket");
const USERS: &str = include_str!("../../../packaging/systemd/zygo.sysusers");
const SETTINGS: &str = include_str!("../../../packaging/systemd/zygo.toml");
const SECRETS: &str = include_str!("../../../packaging/systemd/zygo.env");

/// What the platform needs so that it can isolate functions; the unit says what each is for.
const CAPABILITIES: &str = "CAP_SYS_ADMIN CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_SETFCAP CAP_BPF CAP_NET_ADMIN CAP_PERFMON CAP_CHOWN \
                            CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_SYS_PTRACE CAP_SYS_RESOURCE CAP_SYS_NICE \
                            CAP_NET_BIND_SERVICE";

/// Below the root that was asked for.
const DATA: &str = "/var/lib/zygo";
const ETC: &str = "/etc/zygo";

/// What a file is made of.
#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    /// A copy of another.
    Copy(PathBuf),
    /// A link that leads there.
    Link(PathBuf),
}

/// A file that is to be there.
#[derive(Debug)]
pub(super) struct Planned {
    /// Where, below the root.
    pub(super) path: PathBuf,
    pub(super) content: Content,
    pub(super) mode: u32,
}

impl Planned {
    /// Whether it tells systemd which user to make.
    pub(super) fn is_users(&self) -> bool {
        self.path.to_string_lossy().contains("sysusers.d")
    }
}

/// All files.
pub(super) fn plan(args: &InstallArgs) -> Result<Vec<Planned>, Failure> {
    if !args.prefix.is_absolute() {
        return Err(Failure::usage("--prefix must be an absolute path"));
    }
    check_words(args)?;
    let lib = args.prefix.join("lib/zygo");
    let bin = match args.units_only {
        true => own_folder()?,
        false => lib.clone(),
    };
    let fill = |text: &str| fill(text, args, &bin);
    // A distribution's package has its own place, below which an operator's files win.
    let (units, users) = match args.prefix == Path::new("/usr") {
        true => ("/usr/lib/systemd/system", "/usr/lib/sysusers.d"),
        false => ("/etc/systemd/system", "/etc/sysusers.d"),
    };
    let text = |folder: &str, name: &str, text: &str, mode: u32| Planned {
        path: Path::new(folder).join(name),
        content: Content::Text(fill(text)),
        mode,
    };
    let mut plan = Vec::new();
    if !args.units_only {
        plan.extend(programs(&lib)?);
        plan.push(Planned {
            path: args.prefix.join("bin/zygo"),
            content: Content::Link(PathBuf::from("../lib/zygo/zygo")),
            mode: 0o777,
        });
    }
    plan.push(text(units, "zygo.service", SERVICE, 0o644));
    plan.push(text(units, "zygo.socket", SOCKET, 0o644));
    if args.user != "root" {
        plan.push(text(users, "zygo.conf", USERS, 0o644));
    }
    plan.push(text(ETC, "zygo.toml", SETTINGS, 0o644));
    plan.push(text(ETC, "zygo.env", SECRETS, 0o600));
    Ok(plan)
}

/// Words go into units, where a line break or a blank would be another setting.
fn check_words(args: &InstallArgs) -> Result<(), Failure> {
    let prefix = args.prefix.display().to_string();
    for (name, word) in [
        ("--prefix", prefix.as_str()),
        ("--user", args.user.as_str()),
        ("--listen", args.listen.as_str()),
    ] {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:[]".contains(c);
        if word.is_empty() || !word.chars().all(is_plain) {
            return Err(Failure::usage(format!("{name} cannot be `{word}`")));
        }
    }
    match args.listen.parse::<std::net::SocketAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Failure::usage(
            "--listen must be an address and a port, such as 127.0.0.1:3000 or [::]:80",
        )),
    }
}

fn own_folder() -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?;
    Ok(program.parent().map(Path::to_path_buf).unwrap_or_default())
}

/// This program and the runtimes that there are.
fn programs(lib: &Path) -> Result<Vec<Planned>, Failure> {
    let runtimes = std::env::var_os("ZYGO_RUNTIME_DIR").map(PathBuf::from);
    let runtimes = runtimes.map_or_else(own_folder, Ok)?;
    let mut found = vec![std::env::current_exe()?];
    let all = RUNTIMES
        .iter()
        .map(|name| runtimes.join(format!("zygo-{name}")));
    found.extend(all.filter(|path| path.is_file()));
    if found.len() == 1 {
        let folder = runtimes.display();
        return Err(Failure::Files(format!(
            "no runtime lies in {folder}; scripts/build makes them, ZYGO_RUNTIME_DIR says where they are"
        )));
    }
    let planned = |path: PathBuf| Planned {
        path: lib.join(path.file_name().unwrap_or_default()),
        content: Content::Copy(path),
        mode: 0o755,
    };
    Ok(found.into_iter().map(planned).collect())
}

fn fill(text: &str, args: &InstallArgs, bin: &Path) -> String {
    let identity = match args.user.as_str() {
        "root" => "# As root, without most of its rights: see the capabilities below.\nUser=root"
            .to_owned(),
        user => format!(
            "# Not root, but with the capabilities below.\nUser={user}\nGroup={user}\nAmbientCapabilities={CAPABILITIES}"
        ),
    };
    text.replace("@BIN@", &bin.display().to_string())
        .replace("@IDENTITY@", &identity)
        .replace("@CAPABILITIES@", CAPABILITIES)
        .replace("@LISTEN@", &args.listen)
        .replace("@USER@", &args.user)
        .replace("@ETC@", ETC)
        .replace("@DATA@", DATA)
        .replace("@STATE@", DATA.trim_start_matches("/var/lib/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_settings_that_are_installed_are_the_defaults() {
        let lines = SETTINGS.lines().filter_map(|line| {
            let setting = line.strip_prefix('#')?;
            let is_one = setting.starts_with(|first: char| first.is_ascii_lowercase());
            is_one.then_some(setting)
        });
        let text: Vec<&str> = lines.collect();
        assert!(text.len() > 15, "{text:?}");
        let read: Config = toml::from_str(&text[..text.len() - 2].join("\n")).unwrap();
        assert_eq!(read, Config::default());
        assert_eq!(text[text.len() - 1], "port = 443");
        let nothing: Config = toml::from_str(SETTINGS).unwrap();
        assert_eq!(nothing, Config::default());
    }
}
