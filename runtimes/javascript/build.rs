//! Embeds the JavaScript of the extension crates: their macros record absolute paths into cargo's registry folder,
//! which a shipped binary must not need. Writes `sources.rs`, a table of specifier and text.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Crates whose scripts the runtime can load.
const CRATES: [&str; 5] = [
    "deno_webidl",
    "deno_web",
    "deno_net",
    "deno_fetch",
    "deno_crypto",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.toml");
    println!("cargo::rerun-if-changed=../../shims/javascript");
    let mut table = String::from("&[\n");
    for (name, directory) in crate_directories() {
        for file in scripts(&directory) {
            let file_name = file
                .file_name()
                .expect("a script has a name")
                .to_string_lossy()
                .into_owned();
            writeln!(
                table,
                "(\"ext:{name}/{file_name}\", deno_core::ascii_str_include!({:?})),",
                file.display().to_string()
            )
            .expect("writing to a string");
        }
    }
    table.push_str("]\n");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    std::fs::write(out.join("sources.rs"), table).expect("the output folder is writable");
}

/// Where cargo keeps the sources of [`CRATES`], in that order.
fn crate_directories() -> Vec<(&'static str, PathBuf)> {
    let cargo = std::env::var_os("CARGO").expect("cargo sets CARGO");
    let target = std::env::var("TARGET").expect("cargo sets TARGET");
    // Not offline: what this build does not need of the workspace may never have been fetched.
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", &target])
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"]
        .as_array()
        .expect("metadata lists packages");
    let find = |name: &'static str| {
        let package = packages.iter().find(|package| package["name"] == name);
        let manifest = package.and_then(|package| package["manifest_path"].as_str());
        let manifest = Path::new(manifest.unwrap_or_else(|| panic!("{name} is no dependency")));
        (
            name,
            manifest
                .parent()
                .expect("a manifest lies in a folder")
                .to_path_buf(),
        )
    };
    CRATES.into_iter().map(find).collect()
}

fn scripts(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("the crate's folder is readable");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("folder entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "js"))
        .collect();
    files.sort();
    files
}
