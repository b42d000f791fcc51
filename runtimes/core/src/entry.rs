//! Which file and which name in it a handler's name means. Knows extensions, not languages.

use std::path::{Path, PathBuf};

use zygo_wire::{Failure, FailureKind};

/// Names of files that may be meant when the handler's name names none, in this order.
const DEFAULT_STEMS: [&str; 5] = ["index", "main", "handler", "app", "lambda_function"];

/// Where a handler is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Absolute path of the file.
    pub file: PathBuf,
    /// What the file must define or export.
    pub export: String,
}

/// Finds `file.function`, or `function` in the bundle's main file.
///
/// # Errors
/// [`FailureKind::HandlerNotFound`], saying what was looked for.
pub fn resolve(directory: &Path, handler: &str, extensions: &[&str]) -> Result<Entry, Failure> {
    let file_name_end = handler.rfind('/').map_or(0, |slash| slash + 1);
    match handler[file_name_end..].find('.') {
        Some(dot) => {
            let (stem, export) = handler.split_at(file_name_end + dot);
            named(directory, stem, &export[1..], extensions)
        }
        None if file_name_end > 0 => Err(not_found(format!(
            "handler `{handler}` names a file but no function; write `{handler}.handler`"
        ))),
        None => unnamed(directory, handler, extensions),
    }
}

fn named(
    directory: &Path,
    stem: &str,
    export: &str,
    extensions: &[&str],
) -> Result<Entry, Failure> {
    if export.is_empty() || stem.split('/').any(|part| part == ".." || part.is_empty()) {
        return Err(not_found(format!(
            "`{stem}.{export}` is no handler name; write `file.function`"
        )));
    }
    let file = with_extension(directory, stem, extensions).ok_or_else(|| {
        not_found(format!(
            "handler `{stem}.{export}` needs a file `{stem}` with extension {} in the bundle",
            extensions.join(", ")
        ))
    })?;
    Ok(Entry {
        file,
        export: export.to_owned(),
    })
}

fn unnamed(directory: &Path, export: &str, extensions: &[&str]) -> Result<Entry, Failure> {
    let by_name = DEFAULT_STEMS
        .iter()
        .find_map(|stem| with_extension(directory, stem, extensions));
    let file = by_name
        .or_else(|| only_source(directory, extensions))
        .ok_or_else(|| {
            not_found(format!(
                "handler `{export}` names no file and the bundle has no {} with extension {}; \
             write the handler as `file.{export}`",
                DEFAULT_STEMS.join(", "),
                extensions.join(", ")
            ))
        })?;
    Ok(Entry {
        file,
        export: export.to_owned(),
    })
}

fn with_extension(directory: &Path, stem: &str, extensions: &[&str]) -> Option<PathBuf> {
    extensions
        .iter()
        .map(|extension| directory.join(format!("{stem}.{extension}")))
        .find(|file| file.is_file())
}

/// The bundle's source file, when it has just one at the top.
fn only_source(directory: &Path, extensions: &[&str]) -> Option<PathBuf> {
    let is_source = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        path.is_file() && extension.is_some_and(|extension| extensions.contains(&extension))
    };
    let mut sources = std::fs::read_dir(directory)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .filter(is_source);
    let only = sources.next()?;
    sources.next().is_none().then_some(only)
}

fn not_found(message: String) -> Failure {
    Failure::new(FailureKind::HandlerNotFound, "HandlerNotFound", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(files: &[&str]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("temporary folder");
        for file in files {
            let path = directory.path().join(file);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, "").expect("file");
        }
        directory
    }

    /// Files of the bundle, the handler's name, and the file and export that it means.
    type Case = (
        &'static [&'static str],
        &'static str,
        Option<(&'static str, &'static str)>,
    );

    #[test]
    fn finds_what_the_name_means() {
        let cases: &[Case] = &[
            (&["index.x"], "handler", Some(("index.x", "handler"))),
            (&["main.x", "app.x"], "run", Some(("main.x", "run"))),
            (
                &["odd.x", "data.csv"],
                "handler",
                Some(("odd.x", "handler")),
            ),
            (&["odd.x", "even.x"], "handler", None),
            (&["a.y"], "a.handler", Some(("a.y", "handler"))),
            (&["src/a.x"], "src/a.handler", Some(("src/a.x", "handler"))),
            (
                &["a.x"],
                "a.Module::Class.call",
                Some(("a.x", "Module::Class.call")),
            ),
            (&["a.x"], "b.handler", None),
            (&["a.x"], "../a.handler", None),
            (&["a.x"], "src/a", None),
            (&["a.x"], "a.", None),
            (&[], "handler", None),
        ];
        for (files, handler, expected) in cases {
            let directory = bundle(files);
            let found = resolve(directory.path(), handler, &["x", "y"]);
            match (found, expected) {
                (Ok(entry), Some((file, export))) => {
                    assert_eq!(entry.file, directory.path().join(file), "{handler}");
                    assert_eq!(entry.export, *export, "{handler}");
                }
                (Err(failure), None) => assert_eq!(failure.kind, FailureKind::HandlerNotFound),
                (found, _) => panic!("{handler} in {files:?}: {found:?}"),
            }
        }
    }
}
