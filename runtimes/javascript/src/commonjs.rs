//! Bundles written as CommonJS: how to tell, how `require` finds a file, and how an `import` sees such a module.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::bundle;
use crate::resolve::{self, Asked};

/// The folder that holds the loaded bundle; `require` needs it without a loader at hand.
#[derive(Debug, Default)]
pub(crate) struct Root(pub(crate) PathBuf);

/// Whether this file is CommonJS: by its extension, by the nearest `package.json`, else by what it says.
pub(crate) fn is_commonjs(root: &Path, file: &Path, text: &str) -> bool {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("cjs" | "cts") => true,
        Some("js") => match package_type(root, file).as_deref() {
            Some("module") => false,
            Some("commonjs") => true,
            _ => !has_module_syntax(text) && speaks_commonjs(text),
        },
        _ => false,
    }
}

fn package_type(root: &Path, file: &Path) -> Option<String> {
    let manifest = file
        .ancestors()
        .skip(1)
        .take_while(|ancestor| ancestor.starts_with(root))
        .find_map(|ancestor| std::fs::read(ancestor.join("package.json")).ok())?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).ok()?;
    manifest["type"].as_str().map(str::to_owned)
}

fn has_module_syntax(text: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| {
        let import = line
            .strip_prefix("import")
            .is_some_and(|rest| rest.starts_with([' ', '{', '"', '\'', '*', '\t']));
        let export = line
            .strip_prefix("export")
            .is_some_and(|rest| rest.starts_with([' ', '{', '*', '\t']));
        import || export
    })
}

fn speaks_commonjs(text: &str) -> bool {
    ["module.exports", "exports.", "exports[", "require("]
        .iter()
        .any(|token| text.contains(token))
}

/// The text of a module that gives an `import` what the CommonJS file exports.
pub(crate) fn facade(file: &Path, text: &str) -> String {
    let path = serde_json::Value::from(file.to_string_lossy().into_owned());
    let mut facade = format!("const exports = globalThis[Symbol.for(\"zygo.require\")]({path});\n");
    facade.push_str("export default exports;\n");
    for (index, name) in exported_names(text).iter().enumerate() {
        facade.push_str(&format!(
            "const _{index} = exports.{name};\nexport {{ _{index} as {name} }};\n"
        ));
    }
    facade
}

/// Names that are assigned as `exports.name =`. An `import` must know the names before the code runs.
fn exported_names(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for (at, token) in text.match_indices("exports.") {
        let rest = &text[at + token.len()..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$')
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let after = after.trim_start();
        let assigned = after.starts_with('=') && !after.starts_with("==");
        if assigned
            && !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name != "default"
        {
            names.insert(name);
        }
    }
    names
}

/// The text that runs for a file of the bundle.
pub(crate) fn read(path: &str) -> Result<String, String> {
    bundle::read_source(Path::new(path)).map_err(|error| format!("cannot read {path}: {error}"))
}

/// The file that `require(specifier)` means in the file `from`.
pub(crate) fn resolve(root: &Root, specifier: &str, from: &str) -> Result<String, String> {
    let found = resolve::resolve(&root.0, specifier, Path::new(from), Asked::Require)?;
    Ok(found.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commonjs_is_told_from_modules() {
        let root = Path::new("/none");
        let file = |name: &str| root.join(name);
        assert!(is_commonjs(root, &file("a.cjs"), ""));
        assert!(!is_commonjs(root, &file("a.mjs"), "exports.a = 1"));
        assert!(is_commonjs(
            root,
            &file("a.js"),
            "exports.handler = async () => 1"
        ));
        assert!(is_commonjs(
            root,
            &file("a.js"),
            "const x = require('./x');"
        ));
        assert!(!is_commonjs(
            root,
            &file("a.js"),
            "import x from './x.js';\nmodule.exports = 1"
        ));
        assert!(!is_commonjs(
            root,
            &file("a.js"),
            "export const handler = 1"
        ));
        assert!(!is_commonjs(root, &file("a.js"), "globalThis.x = 1"));
    }

    #[test]
    fn assigned_names_are_exported() {
        let text = "exports.b = 1; module.exports.a=2; if (exports.c === 1) {} exports.default = 3; exports.1 = 2";
        assert_eq!(
            exported_names(text).into_iter().collect::<Vec<_>>(),
            ["a", "b"]
        );
    }
}
