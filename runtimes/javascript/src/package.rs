//! Packages in `node_modules`: where they lie, and which of their files an import means, by their `package.json`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::resolve::{Asked, file, file_or_index, normalize};

/// Conditions of a package's `exports`, the most fitting first.
const CONDITIONS_IMPORT: [&str; 7] = [
    "worker", "workerd", "import", "module", "default", "node", "require",
];
const CONDITIONS_REQUIRE: [&str; 6] = ["worker", "workerd", "require", "default", "node", "import"];

/// Looks for a package in `node_modules` of this folder and those above it, up to the bundle's root.
pub(crate) fn find(
    root: &Path,
    specifier: &str,
    directory: &Path,
    asked: Asked,
) -> Option<PathBuf> {
    let (name, rest) = split_package(specifier)?;
    directory
        .ancestors()
        .take_while(|ancestor| ancestor.starts_with(root))
        .map(|ancestor| ancestor.join("node_modules").join(name))
        .filter(|folder| folder.is_dir())
        .find_map(|folder| inside_package(&folder, rest, asked))
}

/// `@scope/name/rest` or `name/rest`; the rest may be empty.
fn split_package(specifier: &str) -> Option<(&str, &str)> {
    if specifier.is_empty() || specifier.contains(':') || specifier.starts_with('#') {
        return None;
    }
    let skip = if specifier.starts_with('@') {
        specifier.find('/')? + 1
    } else {
        0
    };
    let end = specifier[skip..]
        .find('/')
        .map_or(specifier.len(), |slash| skip + slash);
    Some((&specifier[..end], specifier[end..].trim_start_matches('/')))
}

fn inside_package(folder: &Path, rest: &str, asked: Asked) -> Option<PathBuf> {
    let manifest = std::fs::read(folder.join("package.json")).ok();
    let manifest: Value = manifest
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    if !manifest["exports"].is_null() {
        let target = exported(&manifest["exports"], rest, asked)?;
        return file(&normalize(&folder.join(target)));
    }
    if !rest.is_empty() {
        return file_or_index(&folder.join(rest));
    }
    let entry = match asked {
        Asked::Import => manifest["module"]
            .as_str()
            .or_else(|| manifest["main"].as_str()),
        Asked::Require => manifest["main"].as_str(),
    };
    file_or_index(&normalize(&folder.join(entry.unwrap_or("index"))))
}

/// What the field `exports` says about a path in the package.
fn exported(exports: &Value, rest: &str, asked: Asked) -> Option<String> {
    let path = if rest.is_empty() {
        ".".to_owned()
    } else {
        format!("./{rest}")
    };
    let by_path = exports
        .as_object()
        .filter(|map| map.keys().any(|key| key.starts_with('.')));
    let Some(map) = by_path else {
        return if rest.is_empty() {
            condition(exports, asked)
        } else {
            None
        };
    };
    if let Some(target) = map.get(&path) {
        return condition(target, asked);
    }
    let pattern = |key: &String, target: &Value| {
        let (before, after) = key.split_once('*')?;
        let middle = path.strip_prefix(before)?.strip_suffix(after)?;
        Some((before.len(), condition(target, asked)?.replace('*', middle)))
    };
    map.iter()
        .filter_map(|(key, target)| pattern(key, target))
        .max_by_key(|(len, _)| *len)
        .map(|(_, path)| path)
}

fn condition(target: &Value, asked: Asked) -> Option<String> {
    let conditions: &[&str] = match asked {
        Asked::Import => &CONDITIONS_IMPORT,
        Asked::Require => &CONDITIONS_REQUIRE,
    };
    match target {
        Value::String(path) => Some(path.clone()),
        Value::Array(targets) => targets.iter().find_map(|target| condition(target, asked)),
        Value::Object(map) => conditions
            .iter()
            .filter_map(|name| map.get(*name))
            .find_map(|target| condition(target, asked)),
        _ => None,
    }
}
