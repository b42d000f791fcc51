//! What a loaded module left behind that a fork would break: threads, descriptors, child processes.
//!
//! Knows what the kernel knows. What only the engine sees (timers, promises) comes from the runtime's `fork_blockers`.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::children::DESCRIPTOR_BASE;

/// The descriptors that were open before the user's code was loaded.
#[derive(Debug)]
pub(crate) struct Baseline(HashSet<i32>);

impl Baseline {
    /// Notes what is open now.
    pub(crate) fn take() -> Self {
        Self(
            open_descriptors()
                .into_iter()
                .map(|(number, _)| number)
                .collect(),
        )
    }

    /// One text for each descriptor that was opened since and is still open.
    pub(crate) fn new_descriptors(&self) -> Vec<String> {
        open_descriptors()
            .into_iter()
            .filter(|(number, _)| !self.0.contains(number))
            .map(|(number, target)| describe(number, &target.to_string_lossy()))
            .collect()
    }
}

/// Those texts about descriptors whose number no text of the runtime names; an engine often knows a better name.
pub(crate) fn unnamed(descriptors: Vec<String>, named_by_runtime: &[String]) -> Vec<String> {
    let number = |text: &str| {
        text.rfind("(descriptor ")
            .map(|start| text[start..].to_owned())
    };
    let named: HashSet<String> = named_by_runtime
        .iter()
        .filter_map(|text| number(text))
        .collect();
    descriptors
        .into_iter()
        .filter(|text| number(text).is_none_or(|number| !named.contains(&number)))
        .collect()
}

/// One text for each thread but the main one; the runtime's names are better where it has any.
///
/// The kernel ends a thread a moment after the engine has joined it, so threads that the engine does not know get that
/// moment.
pub(crate) fn threads(named_by_runtime: Vec<String>) -> Vec<String> {
    const ENDING_MAX: Duration = Duration::from_millis(50);
    let started = Instant::now();
    loop {
        let others = other_threads();
        if others.is_empty() {
            return others;
        }
        if !named_by_runtime.is_empty() {
            return named_by_runtime;
        }
        if started.elapsed() > ENDING_MAX {
            return others;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn other_threads() -> Vec<String> {
    let own = std::process::id().to_string();
    std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten()
        .filter(|task| task.file_name().to_string_lossy() != own)
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
        .map(|name| format!("thread `{}`", name.trim_end()))
        .collect()
}

/// A text if the module left a child process, running or dead.
pub(crate) fn child_processes() -> Vec<String> {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::All, options) {
        Ok(_) => vec!["a child process that was started at load".to_owned()],
        // There is no child at all.
        Err(_) => Vec::new(),
    }
}

fn describe(number: i32, target: &str) -> String {
    let what = match target.split(':').next().unwrap_or(target) {
        "socket" => "a socket".to_owned(),
        "pipe" => "a pipe".to_owned(),
        "anon_inode" => format!("a {}", target.trim_start_matches("anon_inode:")),
        _ => format!("the file `{target}`"),
    };
    format!("{what} left open at load (descriptor {number})")
}

fn open_descriptors() -> Vec<(i32, PathBuf)> {
    // The listing needs a descriptor itself.
    let listing = PathBuf::from(format!("/proc/{}/fd", std::process::id()));
    std::fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let number: i32 = entry.file_name().to_str()?.parse().ok()?;
            let target = std::fs::read_link(entry.path()).ok()?;
            (number < DESCRIPTOR_BASE && target != listing).then_some((number, target))
        })
        .collect()
}
