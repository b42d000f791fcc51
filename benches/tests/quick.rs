//! A quick run of the longer measurements, in one language and without peers, on the binaries of the same build: what it
//! leaves behind can be read and holds what was asked for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_zygo-bench");

#[test]
fn a_quick_run_leaves_a_record_that_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let language = built_language();
    run(&folder, language);
    let path = of_kind(folder.path(), "json").pop().expect("a record");
    let record: Value = serde_json::from_slice(&fs::read(&path).expect("the file")).expect("JSON");
    for workload in [
        "html",
        "ranks",
        "json",
        "hashing",
        "compression",
        "uploader",
    ] {
        for kind in ["warm", "parked", "forked", "booted"] {
            assert_series(&record, &format!("workload/{workload}/{kind}/{language}"));
        }
    }
    for id in ["functions/40", "callers/64", "size/100", "size-warm/100"] {
        assert_series(&record, &format!("growth/{id}/{language}"));
    }
    assert_worked(&record);
    assert_reports(folder.path(), &path);
}

/// Any language that the build has; the measurements are the same for all.
fn built_language() -> &'static str {
    let is_built = |language: &&str| {
        Path::new(PROGRAM)
            .with_file_name(format!("zygo-{language}"))
            .exists()
    };
    ["python", "ruby", "javascript"]
        .into_iter()
        .find(is_built)
        .expect("a language that was built")
}

fn run(folder: &TempDir, language: &str) {
    let peers = folder.path().join("peers");
    fs::create_dir(&peers).expect("a folder");
    fs::write(peers.join("peers.toml"), "peer = []\n").expect("a file");
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(PROGRAM);
    // The scripts' own variables are no settings, and the platform refuses what it does not know.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ZYGO_")) {
        command.env_remove(name);
    }
    let output = command
        .args([
            "run",
            "--quick",
            "--only",
            "workloads,growth",
            "--languages",
            language,
        ])
        .arg("--out")
        .arg(folder.path())
        .arg("--budgets")
        .arg(here.join("budgets.toml"))
        .arg("--workloads")
        .arg(here.join("workloads"))
        .arg("--peers")
        .arg(&peers)
        .output()
        .expect("the program starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn of_kind(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .expect("a folder")
        .flatten()
        .map(|entry| entry.path());
    files
        .filter(|path| path.extension().is_some_and(|its| its == extension))
        .collect()
}

#[track_caller]
fn assert_series(record: &Value, id: &str) {
    let series = record["series"].as_array().expect("series");
    let found = series.iter().find(|one| one["id"] == id);
    let found = found.unwrap_or_else(|| panic!("{id} is missing; notes: {}", record["notes"]));
    assert!(found["n"].as_u64() > Some(0), "{id}");
    assert!(
        found["histogram"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{id}"
    );
    assert!(
        found["errors"]
            .as_object()
            .is_some_and(serde_json::Map::is_empty),
        "{id}: {}",
        found["errors"]
    );
}

fn assert_worked(record: &Value) {
    let worked = record["workloads"].as_array().expect("workloads");
    assert!(worked.len() >= 6, "{worked:?}");
    for one in worked {
        assert!(
            one["checked"].as_u64() > Some(0) && one["pss_mb"].as_f64() > Some(0.0),
            "{one}"
        );
    }
}

/// The reports are there, and the program can make them again of what it wrote.
fn assert_reports(folder: &Path, record: &Path) {
    let page = fs::read_to_string(record.with_extension("md")).expect("a page");
    for title in [
        "## Workloads",
        "## Growth: functions",
        "## Growth: callers",
        "## Growth: memory of a zygote",
    ] {
        assert!(page.contains(title), "{title}");
    }
    assert!(of_kind(folder, "svg").len() >= 7);
    let budgets = Path::new(env!("CARGO_MANIFEST_DIR")).join("budgets.toml");
    let again = Command::new(PROGRAM)
        .arg("report")
        .arg(record)
        .arg("--budgets")
        .arg(budgets)
        .output();
    assert!(again.expect("the program starts").status.success());
}
