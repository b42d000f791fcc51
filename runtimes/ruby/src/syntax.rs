//! Checks the syntax of a bundle's files at deploy. Runs none of them.

use std::path::{Path, PathBuf};

use magnus::{Error, IntoValue, Module, Ruby, Value};
use runtime_core::wire::{Failure, FailureKind};

use crate::{convert, shim, vm};

/// Folders that hold other people's code, templates with placeholders among it.
const SKIPPED_FOLDERS: [&str; 3] = ["vendor", "node_modules", ".git"];

/// Compiles every Ruby file of the bundle.
pub(crate) fn check(directory: &Path) -> Result<(), Failure> {
    let ruby = vm::start(vm::Use::Syntax)
        .map_err(|message| Failure::new(FailureKind::Runtime, "Runtime", message))?;
    let mut files = Vec::new();
    collect(directory, &mut files);
    files.sort();
    files
        .iter()
        .try_for_each(|file| compile(&ruby, file).map_err(|error| describe(&error, directory)))
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let path = entry.path();
        let skipped = entry
            .file_name()
            .to_str()
            .is_some_and(|name| SKIPPED_FOLDERS.contains(&name));
        if kind.is_dir() && !skipped {
            collect(&path, files);
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "rb") {
            files.push(path);
        }
    }
}

fn compile(ruby: &Ruby, file: &Path) -> Result<(), Error> {
    let machine: magnus::RClass = ruby.class_object().const_get("RubyVM")?;
    let sequence: Value = machine.const_get("InstructionSequence")?;
    let path = file.to_string_lossy().into_owned().into_value_with(ruby);
    shim::call::<Value>(sequence, "compile_file", &[path]).map(|_| ())
}

fn describe(error: &Error, directory: &Path) -> Failure {
    let message = match error.value() {
        Some(value) => {
            shim::call(value, "message", &[]).map_or_else(|_| error.to_string(), convert::text)
        }
        None => error.to_string(),
    };
    failure(&message, &format!("{}/", directory.display()))
}

/// `/bundle/index.rb:3: syntax error, …` with the path made relative, and the place as the one frame.
fn failure(message: &str, root: &str) -> Failure {
    let message = message.replace(root, "");
    let mut failure = Failure::new(FailureKind::Load, "SyntaxError", message);
    failure
        .stack
        .extend(place(&failure.message).map(str::to_owned));
    failure
}

fn place(message: &str) -> Option<&str> {
    let (place, _) = message.split_once(": ")?;
    let (file, line) = place.rsplit_once(':')?;
    (!file.contains('\n') && line.parse::<u32>().is_ok()).then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_users_own_file_and_line() {
        let found = failure(
            "/b/lib/a.rb:3: syntax error, unexpected end-of-input",
            "/b/",
        );
        assert_eq!(
            found.message,
            "lib/a.rb:3: syntax error, unexpected end-of-input"
        );
        assert_eq!(found.stack, ["lib/a.rb:3"]);
        assert_eq!(found.kind, FailureKind::Load);
    }

    #[test]
    fn a_message_without_a_place_has_no_frame() {
        assert_eq!(failure("odd", "/b/").stack, Vec::<String>::new());
        assert_eq!(failure("odd: thing", "/b/").stack, Vec::<String>::new());
    }
}
