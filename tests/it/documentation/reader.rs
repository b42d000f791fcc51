//! Whoever follows a page: a folder, a shell with `zygo` in its path, and a platform.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::compare::is_shown;
use super::page::{Block, How, Kind, Page, Shown};
use crate::platform::{Platform, say};
use crate::wait::wait_for;

/// What does not print what is shown by then never will.
const DEADLINE: Duration = Duration::from_secs(60);
/// No block takes longer, in s.
const BLOCK_SECONDS: &str = "120";

/// What every block begins with: a refusal is a failure, and what was exported stays.
const BEGINNING: &str = r#"
curl() { command curl --silent --show-error --fail-with-body "$@"; }
if [ -e "$DOCS_STATE" ]; then source "$DOCS_STATE"; fi
trap 'export -p >"$DOCS_STATE"' EXIT
"#;

pub(super) struct Reader {
    platform: Platform,
    /// The reader's files, and beside them what the shell keeps.
    folder: tempfile::TempDir,
}

/// What a block printed, and how it ended.
struct Ending {
    code: Option<i32>,
    said: String,
    complained: String,
}

impl Reader {
    pub(super) fn of(page: &Page) -> Self {
        let settings = page.settings.iter();
        let settings: Vec<(&str, &str)> = settings
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("files")).expect("made");
        Self {
            platform: Platform::start(&settings),
            folder,
        }
    }

    fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// Does what the page says, block by block.
    pub(super) fn follow(&self, page: &Page) {
        let mut blocks = page.blocks.iter().peekable();
        while let Some(block) = blocks.next() {
            let is_output = |next: &&Block| matches!(next.kind, Kind::Output(_));
            match &block.kind {
                Kind::None => {}
                Kind::File(path) => write(&self.files().join(path), &block.text),
                Kind::Config => self.configure(block),
                Kind::Run(how) => self.run(block, how, blocks.next_if(is_output)),
                Kind::Output(_) => panic!("{}: an output of nothing", block.place),
            }
        }
    }

    /// A platform of its own starts with the configuration, and ends.
    fn configure(&self, block: &Block) {
        let file = self.folder.path().join("checked.toml");
        write(&file, &block.text);
        let file = file.to_string_lossy().into_owned();
        Platform::start(&[("ZYGO_CONFIG", file.as_str())]).stop();
    }

    fn run(&self, block: &Block, how: &How, output: Option<&Block>) {
        if let Some(missing) = how.needs.as_deref().filter(|name| is_missing(name)) {
            say(&format!(
                "NOT TESTED: {}, as {missing} is not installed here",
                block.place
            ));
            return;
        }
        let shown = output.and_then(|output| match &output.kind {
            Kind::Output(shown) => Some((shown, output.text.as_str())),
            _ => None,
        });
        let started = Instant::now();
        let done = wait_for(&block.place, DEADLINE * 6, || {
            let done = self.attempt(block, how, shown);
            let is_last = !how.until || started.elapsed() > DEADLINE;
            (done.is_ok() || is_last).then_some(done)
        });
        done.unwrap_or_else(|fault| panic!("{fault}"));
    }

    fn attempt(
        &self,
        block: &Block,
        how: &How,
        shown: Option<(&Shown, &str)>,
    ) -> Result<(), String> {
        let ending = Ending::of(&self.shell(&block.text));
        let is_right = ending.code == Some(how.exit)
            && shown.is_none_or(|(shown, text)| ending.is_shown(shown, text));
        match is_right {
            true => Ok(()),
            false => Err(format!(
                "{}: ended with {:?}, not {}\n{}\nprinted:\n{}\nand said:\n{}\nshown:\n{}",
                block.place,
                ending.code,
                how.exit,
                block.text,
                ending.said,
                ending.complained,
                shown.map_or("", |(_, text)| text)
            )),
        }
    }

    fn shell(&self, lines: &str) -> Output {
        let zygo = Path::new(env!("CARGO_BIN_EXE_zygo"));
        let programs = zygo.parent().expect("a folder").display();
        let address = self.platform.address();
        let lines = lines.replace("localhost:3000", address);
        Command::new("timeout")
            .args([BLOCK_SECONDS, "bash", "-euo", "pipefail", "-c"])
            .arg(format!("{BEGINNING}{lines}"))
            .current_dir(self.files())
            .env_clear()
            .env("PATH", format!("{programs}:/usr/local/bin:/usr/bin:/bin"))
            .env("HOME", self.files())
            .env("NO_COLOR", "1")
            .env("ZYGO_URL", format!("http://{address}"))
            .env("DOCS_STATE", self.folder.path().join("state"))
            .stdin(Stdio::null())
            .output()
            .expect("bash runs")
    }
}

impl Ending {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            said: text(&output.stdout),
            complained: text(&output.stderr),
        }
    }

    fn is_shown(&self, shown: &Shown, text: &str) -> bool {
        let said = match shown.is_complaint {
            true => &self.complained,
            false => &self.said,
        };
        is_shown(shown, text, said)
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

/// Whether a gem of Debian's is missing that `ZYGO_APPLICATIONS` does not demand.
fn is_missing(gem: &str) -> bool {
    let demanded = std::env::var("ZYGO_APPLICATIONS").unwrap_or_default();
    let all = fs::read_dir("/usr/share/rubygems-integration").into_iter();
    let folders = all.flatten().flatten();
    let mut gems = folders
        .filter_map(|folder| fs::read_dir(folder.path().join("specifications")).ok())
        .flat_map(Iterator::flatten);
    let is_it = |entry: fs::DirEntry| {
        let name = entry.file_name();
        name.to_string_lossy().starts_with(&format!("{gem}-"))
    };
    !demanded.split_whitespace().any(|name| name == gem) && !gems.any(is_it)
}
