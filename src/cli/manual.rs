//! Completion scripts and manual pages, made from the commands themselves.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::failure::Failure;

/// For which shell.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct CompletionArgs {
    /// bash, zsh, fish, elvish or powershell.
    shell: Shell,
}

/// Where to.
#[derive(Debug, Clone, Args)]
pub(super) struct ManArgs {
    /// Write a page for each command into this folder.
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub(super) fn completions(args: CompletionArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "zygo", &mut script);
    print(&script)
}

pub(super) fn man(args: &ManArgs) -> Result<(), Failure> {
    let command = super::Cli::command();
    match &args.dir {
        Some(folder) => {
            std::fs::create_dir_all(folder)?;
            Ok(clap_mangen::generate_to(command, folder)?)
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            print(&page)
        }
    }
}

/// A reader who has seen enough is no failure.
fn print(text: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().write_all(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
