//! The languages' own tools: what they read and how they are called. Besides the manifest, the only place in
//! `src/function` that knows languages.

use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::OnceLock;

use tokio::process::Command;

use super::run::environment;

/// A tool.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    runtime: &'static str,
    program: &'static str,
    /// Arguments that make it say its version.
    version: &'static [&'static str],
    /// Files that say what is wanted; without the first one nothing is.
    pub(super) files: &'static [&'static str],
    /// Where the runtime looks for packages, below the function's folder.
    pub(super) folder: &'static str,
    pub(super) hint: &'static str,
}

const TOOLS: [Tool; 3] = [
    Tool {
        name: "pip",
        runtime: "python",
        program: "/usr/bin/python3",
        version: &["-m", "pip", "--version"],
        files: &["requirements.txt"],
        folder: "python_modules",
        hint: "install Debian's python3-pip, or let scripts/setup do it",
    },
    Tool {
        name: "npm",
        runtime: "javascript",
        program: "npm",
        version: &["--version"],
        files: &[
            "package.json",
            "package-lock.json",
            "npm-shrinkwrap.json",
            ".npmrc",
        ],
        folder: "node_modules",
        hint: "install Node.js with npm, or let scripts/setup do it",
    },
    Tool {
        name: "bundler",
        runtime: "ruby",
        program: "bundle",
        version: &["--version"],
        files: &["Gemfile", "Gemfile.lock"],
        folder: "ruby_modules",
        hint: "install Debian's ruby-bundler, or let scripts/setup do it",
    },
];

/// Gems that the machine has are taken, without asking anyone; if they are not enough, others are fetched and join them.
/// (`--prefer-local` would do both, but Debian's bundler is older than that.) The folder is the one in which bundler
/// itself puts gems below a path.
const INSTALL_GEMS: &str = r#"
GEM_HOME="$1/ruby/$(ruby -e 'print RbConfig::CONFIG["ruby_version"]')"
export GEM_HOME
bundle install --local --quiet || exec bundle install --jobs=2 --retry=1
bundle list
"#;

/// The tool that a function's files call for; `None` when they ask for no packages, or bring them along.
pub(super) fn for_files(runtime: &str, folder: &Path) -> io::Result<Option<&'static Tool>> {
    let Some(tool) = TOOLS.iter().find(|tool| tool.runtime == runtime) else {
        return Ok(None);
    };
    let text = match std::fs::read_to_string(folder.join(tool.files[0])) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let wants = asks_for_packages(tool.name, &text) && !folder.join(tool.folder).exists();
    Ok(wants.then_some(tool))
}

fn asks_for_packages(tool: &str, text: &str) -> bool {
    match tool {
        "npm" => serde_json::from_str::<serde_json::Value>(text).is_ok_and(|package| {
            let dependencies = package["dependencies"].as_object();
            dependencies.is_some_and(|dependencies| !dependencies.is_empty())
        }),
        "bundler" => text
            .lines()
            .any(|line| line.trim_start().starts_with("gem ")),
        _ => text.lines().any(|line| {
            let line = line.trim();
            !line.is_empty() && !line.starts_with('#')
        }),
    }
}

/// Whether those files lead to others of the function's own, so that what they ask for depends on these too. Taken for so
/// where it is not certain.
pub(super) fn leads_to_other_files(tool: &Tool, folder: &Path) -> io::Result<bool> {
    let text = std::fs::read_to_string(folder.join(tool.files[0]))?;
    Ok(match tool.name {
        "npm" => text.contains("file:") || text.contains("\"workspaces\""),
        // A Gemfile is a program, and gems may be brought along.
        "bundler" if folder.join("vendor/cache").is_dir() => true,
        "bundler" => !text.lines().all(|line| {
            let line = line.trim();
            let is_plain = ["source ", "gem ", "ruby ", "group ", "end", "#"]
                .iter()
                .any(|word| line.starts_with(word));
            let leads = ["path", "File", "read", "eval", "send", "`"]
                .iter()
                .any(|word| line.contains(word));
            line.is_empty() || is_plain && !leads
        }),
        // `-r`, `-c`, `-e` and their long forms, or a path.
        _ => text.lines().any(|line| {
            let line = line.trim_start();
            line.starts_with(['-', '.', '/']) || line.contains("file:") || line.contains('/')
        }),
    })
}

/// What the tool says of its version, asked once.
pub(super) fn version(tool: &Tool) -> String {
    static KNOWN: [OnceLock<String>; TOOLS.len()] = [const { OnceLock::new() }; TOOLS.len()];
    let ask = || {
        let mut command = std::process::Command::new(tool.program);
        let output = command
            .args(tool.version)
            .env_clear()
            .envs(environment())
            .stdin(Stdio::null())
            .output();
        output.map_or_else(
            |_| String::new(),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let index = TOOLS.iter().position(|known| known.name == tool.name);
    index.map_or_else(ask, |index| KNOWN[index].get_or_init(ask).clone())
}

/// Where npm puts packages cannot be chosen, so they are moved.
pub(super) fn hand_over(tool: &Tool, work: &Path, tree: &Path) -> io::Result<()> {
    if tool.name == "npm" {
        std::fs::remove_dir(tree)?;
        std::fs::rename(work.join(tool.folder), tree)?;
    }
    Ok(())
}

/// How it is called, in a folder of its own, to fill `tree`.
pub(super) fn command(tool: &Tool, work: &Path, tree: &Path) -> Command {
    let program = if tool.name == "bundler" {
        "/bin/sh"
    } else {
        tool.program
    };
    let mut command = Command::new(program);
    command.env_clear().envs(environment());
    match tool.name {
        "pip" => {
            command
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--no-input",
                    "--disable-pip-version-check",
                    "--prefer-binary",
                ])
                .args([
                    "--no-warn-script-location",
                    "--progress-bar",
                    "off",
                    "-r",
                    "requirements.txt",
                    "--target",
                ])
                .arg(tree)
                .env("PIP_ROOT_USER_ACTION", "ignore");
        }
        "npm" => {
            let is_locked = ["package-lock.json", "npm-shrinkwrap.json"]
                .iter()
                .any(|file| work.join(file).is_file());
            command.arg(if is_locked { "ci" } else { "install" }).args([
                "--omit=dev",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=warn",
            ]);
        }
        _ => {
            command
                .args(["-c", INSTALL_GEMS, "bundle"])
                .arg(tree)
                .env("BUNDLE_FORCE_RUBY_PLATFORM", "false")
                .env("BUNDLE_SILENCE_ROOT_WARNING", "true")
                .env("BUNDLE_WITHOUT", "development:test");
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_ask_for_something_call_a_tool() {
        assert!(asks_for_packages("pip", "# none\nsix==1.16.0\n"));
        assert!(!asks_for_packages("pip", "# none\n\n"));
        assert!(asks_for_packages("npm", r#"{"dependencies": {"ms": "2"}}"#));
        for none in [
            "{}",
            r#"{"dependencies": {}}"#,
            r#"{"devDependencies": {"x": "1"}}"#,
            "no JSON",
        ] {
            assert!(!asks_for_packages("npm", none), "{none}");
        }
        assert!(asks_for_packages(
            "bundler",
            "source 'https://rubygems.org'\ngem 'rack'\n"
        ));
        assert!(!asks_for_packages(
            "bundler",
            "source 'https://rubygems.org'\n"
        ));
    }

    #[test]
    fn files_that_lead_to_others_are_known() {
        let cases = [
            (
                "pip",
                "six==1.16.0\n# -r other\nrequests[socks]>=2\n",
                false,
            ),
            ("pip", "-r other.txt\n", true),
            ("pip", "six\n./own\n", true),
            ("pip", "own @ file:own\n", true),
            ("npm", r#"{"dependencies": {"ms": "2"}}"#, false),
            ("npm", r#"{"dependencies": {"own": "file:own"}}"#, true),
            (
                "bundler",
                "source 'https://rubygems.org'\ngem 'rack', '~> 3'\n",
                false,
            ),
            ("bundler", "gem 'own', path: 'own'\n", true),
            ("bundler", "gemspec\n", true),
            ("bundler", "eval_gemfile 'other'\n", true),
        ];
        for (name, text, leads) in cases {
            let folder = tempfile::tempdir().expect("folder");
            let tool = TOOLS.iter().find(|tool| tool.name == name).expect("a tool");
            std::fs::write(folder.path().join(tool.files[0]), text).expect("a file");
            let said = leads_to_other_files(tool, folder.path()).expect("read");
            assert_eq!(said, leads, "{text}");
        }
    }
}
