//! Which file an import means: relative paths with or without extension, folders, and packages in `node_modules`.
//! Asks the file system only whether something exists; knows nothing of V8.

use std::path::{Component, Path, PathBuf};

use crate::package;

/// Extensions that are tried, in this order.
const EXTENSIONS: [&str; 9] = ["ts", "tsx", "mts", "js", "mjs", "cjs", "jsx", "cts", "json"];

/// What TypeScript's convention of importing the compiled name means.
const COMPILED: [(&str, &[&str]); 4] = [
    ("js", &["ts", "tsx"]),
    ("mjs", &["mts"]),
    ("cjs", &["cts"]),
    ("jsx", &["tsx"]),
];

/// Modules that only Node has.
const NODE_MODULES: [&str; 26] = [
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "crypto",
    "dns",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "querystring",
    "readline",
    "stream",
    "tls",
    "url",
    "util",
    "worker_threads",
    "zlib",
];

/// How the module is asked for; packages may answer differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `import`, static or dynamic.
    Import,
    /// `require`.
    Require,
}

/// Finds the file that `specifier` means in the file `from`.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn resolve(
    root: &Path,
    specifier: &str,
    from: &Path,
    asked: Asked,
) -> Result<PathBuf, String> {
    let shown = from.strip_prefix(root).unwrap_or(from).display();
    let directory = from.parent().unwrap_or(root);
    let target = if specifier.starts_with("./")
        || specifier.starts_with("../")
        || matches!(specifier, "." | "..")
    {
        directory.join(specifier)
    } else if let Some(path) = specifier.strip_prefix("file://") {
        PathBuf::from(path)
    } else if specifier.starts_with('/') {
        PathBuf::from(specifier)
    } else {
        return package::find(root, specifier, directory, asked)
            .ok_or_else(|| missing_package(specifier, &shown.to_string()))
            .and_then(|found| within(root, found, specifier));
    };
    let target = normalize(&target);
    let found = file_or_index(&target)
        .ok_or_else(|| format!("cannot find `{specifier}`, imported by {shown}"))?;
    within(root, found, specifier)
}

fn within(root: &Path, found: PathBuf, specifier: &str) -> Result<PathBuf, String> {
    if found.starts_with(root) {
        return Ok(found);
    }
    Err(format!("`{specifier}` is outside of the bundle"))
}

/// Takes `.` and `..` out of a path without asking the file system.
pub(crate) fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

pub(crate) fn file_or_index(target: &Path) -> Option<PathBuf> {
    file(target).or_else(|| file(&target.join("index")))
}

pub(crate) fn file(target: &Path) -> Option<PathBuf> {
    if target.is_file() {
        return Some(target.to_path_buf());
    }
    let extension = target
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    let sources = COMPILED
        .iter()
        .find(|(compiled, _)| *compiled == extension)
        .map_or(&[][..], |(_, from)| from);
    let replaced = sources.iter().map(|source| target.with_extension(source));
    let added = EXTENSIONS.iter().map(|extension| {
        let mut name = target.as_os_str().to_owned();
        name.push(".");
        name.push(extension);
        PathBuf::from(name)
    });
    replaced.chain(added).find(|candidate| candidate.is_file())
}

fn missing_package(specifier: &str, from: &str) -> String {
    let name = specifier.strip_prefix("node:").unwrap_or(specifier);
    let first = name.split('/').next().unwrap_or_default();
    if matches!(name, "net" | "tls") {
        return format!(
            "`{specifier}`, imported by {from}, is a module of Node, which is not available here; there are sockets in `zygo:net`"
        );
    }
    if specifier.starts_with("node:") || NODE_MODULES.contains(&first) {
        return format!(
            "`{specifier}`, imported by {from}, is a module of Node, which is not available here; the web's API is \
             (fetch, crypto, URL, streams, TextEncoder, …)"
        );
    }
    format!(
        "cannot find the package `{specifier}`, imported by {from}; put it into the bundle's node_modules, or bundle \
         the function with a tool such as esbuild"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("temporary folder");
        for (file, text) in files {
            let path = directory.path().join(file);
            std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
            std::fs::write(path, text).expect("file");
        }
        directory
    }

    fn resolved(root: &Path, specifier: &str, from: &str) -> Result<String, String> {
        let found = resolve(root, specifier, &root.join(from), Asked::Import)?;
        Ok(found
            .strip_prefix(root)
            .expect("inside")
            .display()
            .to_string())
    }

    #[test]
    fn relative_imports_find_files_folders_and_sources() {
        let directory = bundle(&[
            ("a.ts", ""),
            ("b.js", ""),
            ("lib/index.ts", ""),
            ("lib/x.mts", ""),
            ("d.json", ""),
        ]);
        let root = directory.path();
        let cases = [
            ("./a", "b.js", "a.ts"),
            ("./a.ts", "b.js", "a.ts"),
            ("./a.js", "b.js", "a.ts"),
            ("./b.js", "a.ts", "b.js"),
            ("./lib", "a.ts", "lib/index.ts"),
            ("./lib/x.mjs", "a.ts", "lib/x.mts"),
            ("../a", "lib/x.mts", "a.ts"),
            (".", "lib/x.mts", "lib/index.ts"),
            ("./d.json", "a.ts", "d.json"),
        ];
        for (specifier, from, expected) in cases {
            assert_eq!(
                resolved(root, specifier, from).as_deref(),
                Ok(expected),
                "{specifier} from {from}"
            );
        }
        assert!(
            resolved(root, "./none", "a.ts")
                .unwrap_err()
                .contains("imported by a.ts")
        );
        assert!(
            resolved(root, "/etc/passwd", "a.ts")
                .unwrap_err()
                .contains("outside of the bundle")
        );
    }

    #[test]
    fn packages_are_found_by_their_manifest() {
        let exports =
            r#"{"exports":{".":{"require":"./c.cjs","import":"./m.mjs"},"./deep/*":"./d/*.js"}}"#;
        let directory = bundle(&[
            ("src/a.ts", ""),
            ("node_modules/main/package.json", r#"{"main":"lib"}"#),
            ("node_modules/main/lib.js", ""),
            ("node_modules/bare/index.js", ""),
            ("node_modules/@s/p/package.json", exports),
            ("node_modules/@s/p/m.mjs", ""),
            ("node_modules/@s/p/c.cjs", ""),
            ("node_modules/@s/p/d/one.js", ""),
        ]);
        let root = directory.path();
        let cases = [
            ("main", "node_modules/main/lib.js"),
            ("bare", "node_modules/bare/index.js"),
            ("@s/p", "node_modules/@s/p/m.mjs"),
            ("@s/p/deep/one", "node_modules/@s/p/d/one.js"),
        ];
        for (specifier, expected) in cases {
            assert_eq!(
                resolved(root, specifier, "src/a.ts").as_deref(),
                Ok(expected),
                "{specifier}"
            );
        }
        let required =
            resolve(root, "@s/p", &root.join("src/a.ts"), Asked::Require).expect("found");
        assert!(required.ends_with("c.cjs"));
    }

    #[test]
    fn missing_packages_are_explained() {
        let directory = bundle(&[("a.ts", "")]);
        let root = directory.path();
        assert!(
            resolved(root, "lodash", "a.ts")
                .unwrap_err()
                .contains("node_modules")
        );
        assert!(
            resolved(root, "node:fs", "a.ts")
                .unwrap_err()
                .contains("module of Node")
        );
        for sockets in ["node:net", "tls"] {
            let told = resolved(root, sockets, "a.ts").unwrap_err();
            assert!(told.contains("`zygo:net`"), "{told}");
        }
        assert!(
            resolved(root, "fs/promises", "a.ts")
                .unwrap_err()
                .contains("module of Node")
        );
        assert!(resolved(root, "https://x.example/y.js", "a.ts").is_err());
    }
}
