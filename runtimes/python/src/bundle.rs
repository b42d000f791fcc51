//! The user's files: checks them at deploy, and finds the module that a handler's name means. Loads nothing of them
//! into the interpreter.

use std::path::{Path, PathBuf};

use pyo3::prelude::*;
use runtime_core::entry;
use runtime_core::wire::{Failure, FailureKind};

use crate::{engine, shim};

const EXTENSIONS: [&str; 1] = ["py"];

/// Compiles every source file, so that a syntax error is told at deploy and a load reads compiled files.
pub(crate) fn build(directory: &Path) -> Result<(), Failure> {
    engine::start().map_err(|message| Failure::new(FailureKind::Runtime, "Runtime", message))?;
    Python::attach(|py| compile(py, &directory.to_string_lossy()))
}

fn compile(py: Python<'_>, root: &str) -> Result<(), Failure> {
    let runtime = |error: PyErr| Failure::new(FailureKind::Runtime, "Runtime", error.to_string());
    let load = |name, source| shim::module(py, name, source).map_err(runtime);
    let error = load("error", include_str!("../../../shims/python/error.py"))?;
    let bundle = load("bundle", include_str!("../../../shims/python/bundle.py"))?;
    let Err(found) = bundle.call_method1("build", (root,)) else {
        return Ok(());
    };
    let described = error
        .call_method1("describe", (found.value(py), root))
        .map_err(runtime)?;
    let (error_type, message, stack) = described.extract().map_err(runtime)?;
    Err(Failure {
        kind: FailureKind::Load,
        error_type,
        message,
        stack,
    })
}

/// A module of the bundle and what in it is the handler.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Located {
    /// The name to import, such as `package.module`.
    pub(crate) module: String,
    /// The module's file.
    pub(crate) file: PathBuf,
    /// The function, or the path of attributes to it.
    pub(crate) export: String,
}

/// Finds `module.function`, `package/module.function`, `package.module.function`, `package.function` (in the package's
/// `__init__.py`) or only `function`.
pub(crate) fn locate(directory: &Path, handler: &str) -> Result<Located, Failure> {
    if let Some(located) = locate_module(directory, handler) {
        return Ok(located);
    }
    let entry = entry::resolve(directory, handler, &EXTENSIONS)?;
    let stem = entry
        .file
        .strip_prefix(directory)
        .unwrap_or(&entry.file)
        .with_extension("");
    let module = stem.to_string_lossy().replace('/', ".");
    Ok(Located {
        module,
        file: entry.file,
        export: entry.export,
    })
}

/// Python's own rule: everything before the last dot names the module.
fn locate_module(directory: &Path, handler: &str) -> Option<Located> {
    let (path, export) = handler.rsplit_once('.')?;
    let module = path.replace('/', ".");
    if export.is_empty() || module.split('.').any(str::is_empty) {
        return None;
    }
    let stem = module.replace('.', "/");
    let candidates = [format!("{stem}.py"), format!("{stem}/__init__.py")];
    let file = candidates
        .iter()
        .map(|name| directory.join(name))
        .find(|file| file.is_file())?;
    Some(Located {
        module,
        file,
        export: export.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handler_names_find_modules() {
        let directory = tempfile::tempdir().expect("temporary folder");
        for file in [
            "index.py",
            "pkg/__init__.py",
            "pkg/mod.py",
            "plain/deep/x.py",
        ] {
            let path = directory.path().join(file);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, "").expect("file");
        }
        let cases = [
            ("index.handler", Some(("index", "index.py", "handler"))),
            ("handler", Some(("index", "index.py", "handler"))),
            ("index.App.run", Some(("index", "index.py", "App.run"))),
            ("pkg.handler", Some(("pkg", "pkg/__init__.py", "handler"))),
            (
                "pkg/mod.handler",
                Some(("pkg.mod", "pkg/mod.py", "handler")),
            ),
            (
                "pkg.mod.handler",
                Some(("pkg.mod", "pkg/mod.py", "handler")),
            ),
            (
                "plain/deep/x.handler",
                Some(("plain.deep.x", "plain/deep/x.py", "handler")),
            ),
            ("../index.handler", None),
            ("nothing.handler", None),
            ("index.", None),
        ];
        for (handler, expected) in cases {
            let found = locate(directory.path(), handler).ok();
            let expected = expected.map(|(module, file, export)| Located {
                module: module.to_owned(),
                file: directory.path().join(file),
                export: export.to_owned(),
            });
            assert_eq!(found, expected, "{handler}");
        }
    }
}
