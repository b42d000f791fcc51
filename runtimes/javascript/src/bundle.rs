//! A bundle's folder: what the build at deploy writes into it, and how the loader reads it back. Transpiled files lie
//! in `.zygo/`, in a tree like the user's, each with its source map.

use std::io;
use std::path::{Path, PathBuf};

use runtime_core::wire::{Failure, FailureKind};

use crate::commonjs;
use crate::transpile::{self, SourceKind, SyntaxError};

/// The folder of transpiled files, in the bundle's.
const OUTPUT: &str = ".zygo";

/// Extensions that are transpiled.
const TRANSPILED: [&str; 5] = ["ts", "tsx", "mts", "cts", "jsx"];

/// Extensions that are only checked.
const CHECKED: [&str; 3] = ["js", "mjs", "cjs"];

/// Parser and transformer recurse; deeply nested code needs a deep stack.
const STACK_SIZE: usize = 512 << 20;

/// Transpiles everything in the bundle and checks the rest.
///
/// # Errors
/// The first syntax error, in the user's file and line.
pub(crate) fn build(directory: &Path) -> Result<(), Failure> {
    let root = directory
        .canonicalize()
        .map_err(|error| fault(directory, &error))?;
    let builder = std::thread::Builder::new().stack_size(STACK_SIZE);
    let worker = builder
        .spawn(move || build_all(&root))
        .map_err(|error| fault(directory, &error))?;
    worker.join().unwrap_or_else(|_| {
        Err(Failure::new(
            FailureKind::Runtime,
            "BuildError",
            "the transpiler failed on this code",
        ))
    })
}

fn build_all(root: &Path) -> Result<(), Failure> {
    let output = root.join(OUTPUT);
    if output.exists() {
        std::fs::remove_dir_all(&output).map_err(|error| fault(&output, &error))?;
    }
    let mut files = Vec::new();
    collect(root, &mut files).map_err(|error| fault(root, &error))?;
    files.sort();
    files.iter().try_for_each(|file| build_file(root, file))
}

/// Finds source files. Packages in `node_modules` are taken as they are published.
fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if kind.is_dir() && name != OUTPUT && name != "node_modules" && name != ".git" {
            collect(&entry.path(), files)?;
        } else if kind.is_file()
            && has_extension(&entry.path(), &[&TRANSPILED[..], &CHECKED[..]].concat())
        {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn has_extension(file: &Path, extensions: &[&str]) -> bool {
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let declaration = [".d.ts", ".d.mts", ".d.cts"]
        .iter()
        .any(|end| name.ends_with(end));
    let extension = file
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    !declaration && extensions.contains(&extension)
}

fn build_file(root: &Path, file: &Path) -> Result<(), Failure> {
    let shown = file.strip_prefix(root).unwrap_or(file);
    let source = read_text(file).map_err(|error| fault(shown, &error))?;
    if !has_extension(file, &TRANSPILED) {
        let kind = if commonjs::is_commonjs(root, file, &source) {
            SourceKind::CommonJs
        } else {
            SourceKind::Module
        };
        return transpile::check_syntax(shown, &source, kind).map_err(|error| syntax(shown, error));
    }
    let transpiled = transpile::transpile(shown, &source).map_err(|error| syntax(shown, error))?;
    let output = root.join(OUTPUT).join(shown);
    if let Some(parent) = output.parent() {
        std::fs::create_dir_all(parent).map_err(|error| fault(shown, &error))?;
    }
    std::fs::write(with_suffix(&output, ".js"), transpiled.code)
        .map_err(|error| fault(shown, &error))?;
    std::fs::write(with_suffix(&output, ".js.map"), transpiled.map)
        .map_err(|error| fault(shown, &error))
}

fn syntax(file: &Path, error: SyntaxError) -> Failure {
    let place = format!("{}:{}:{}", file.display(), error.line, error.column);
    let mut failure = Failure::new(
        FailureKind::Load,
        "SyntaxError",
        format!("{} ({place})", error.message),
    );
    failure.stack = vec![format!("at {place}")];
    failure
}

fn fault(path: &Path, error: &io::Error) -> Failure {
    let kind = if error.kind() == io::ErrorKind::InvalidData {
        FailureKind::Load
    } else {
        FailureKind::Runtime
    };
    Failure::new(kind, "BuildError", format!("{}: {error}", path.display()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The text that runs for a file of the bundle: transpiled, or as it is.
pub(crate) fn read_source(file: &Path) -> io::Result<String> {
    if !has_extension(file, &TRANSPILED) {
        return read_text(file);
    }
    let output =
        output_of(file, ".js").ok_or_else(|| io::Error::other("the bundle was not built"))?;
    read_text(&output)
}

/// The source map of a transpiled file.
pub(crate) fn read_source_map(file: &Path) -> Option<Vec<u8>> {
    std::fs::read(output_of(file, ".js.map")?).ok()
}

/// Where the build put what belongs to this file: in the nearest folder above it that has build output.
fn output_of(file: &Path, suffix: &str) -> Option<PathBuf> {
    file.ancestors().skip(1).find_map(|root| {
        let output = with_suffix(
            &root.join(OUTPUT).join(file.strip_prefix(root).ok()?),
            suffix,
        );
        output.is_file().then_some(output)
    })
}

/// Reads a source file, without the mark that some editors put at its beginning.
fn read_text(file: &Path) -> io::Result<String> {
    let bytes = std::fs::read(file)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8"))?;
    Ok(text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_built_into_a_tree_of_its_own() {
        let directory = tempfile::tempdir().expect("temporary folder");
        let root = directory.path();
        std::fs::create_dir(root.join("lib")).expect("folder");
        std::fs::write(root.join("lib/a.ts"), "\u{feff}export const a: number = 1;").expect("file");
        std::fs::write(root.join("b.js"), "export const b = 1;").expect("file");
        std::fs::write(root.join("c.d.ts"), "declare const c: number;").expect("file");
        build(root).expect("built");
        assert_eq!(
            read_source(&root.join("lib/a.ts")).expect("source"),
            "export const a = 1;\n"
        );
        assert_eq!(
            read_source(&root.join("b.js")).expect("source"),
            "export const b = 1;"
        );
        assert!(read_source_map(&root.join("lib/a.ts")).is_some());
        assert!(!root.join(".zygo/c.d.ts.js").exists());
        build(root).expect("built again");
    }

    #[test]
    fn a_syntax_error_names_the_file() {
        let directory = tempfile::tempdir().expect("temporary folder");
        std::fs::write(
            directory.path().join("index.ts"),
            "export const a = 1;\nlet b: = 2;",
        )
        .expect("file");
        let failure = build(directory.path()).expect_err("an error");
        assert_eq!(failure.kind, FailureKind::Load);
        assert!(
            failure.message.contains("(index.ts:2:"),
            "{}",
            failure.message
        );
        assert!(
            failure.stack[0].starts_with("at index.ts:2:"),
            "{:?}",
            failure.stack
        );
    }

    #[test]
    fn deep_nesting_is_survived() {
        let directory = tempfile::tempdir().expect("temporary folder");
        let deep = format!(
            "export const a = {}1{};",
            "(".repeat(20_000),
            ")".repeat(20_000)
        );
        std::fs::write(directory.path().join("index.ts"), deep).expect("file");
        drop(build(directory.path()));
    }
}
