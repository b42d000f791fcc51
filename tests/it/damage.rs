//! Files of the platform that are lost or damaged, and folders that cannot be written: told for what they are, and put
//! right without a restart.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::durability::{code, entries};
use crate::language::Language;
use crate::platform::{Platform, unique_name};

/// Every archive of a platform's.
fn archives(platform: &Platform) -> Vec<PathBuf> {
    let folder = platform.data().path().join("archives");
    let spread = entries(&folder).into_iter().map(|name| folder.join(name));
    spread
        .flat_map(|folder| {
            entries(&folder)
                .into_iter()
                .map(move |name| folder.join(name))
        })
        .collect()
}

#[test]
fn lost_folders_are_made_again_from_the_archive() {
    let mut first = Platform::start(&[]);
    let code = Language::TypeScript.handler("echo");
    let function = first.deploy(Language::TypeScript, &code, &json!({}));
    first.stop();
    std::fs::remove_dir_all(first.data().path().join("bundles")).expect("removed");
    let second = Platform::start_on(first.data(), &[]);
    second.invoke(&function, &json!({"a": 1})).expect(200);
}

#[test]
fn an_archive_with_a_flipped_bit_is_found_out_and_put_right_by_the_same_code() {
    let mut first = Platform::start(&[]);
    let function = first.deploy(Language::Python, &code("1"), &json!({}));
    first.stop();
    fs::remove_dir_all(first.data().path().join("bundles")).expect("removed");
    let [archive] = archives(&first).try_into().expect("one archive");
    let good = fs::read(&archive).expect("an archive");
    let digest = archive
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .replace(".tar.gz", "");
    let mut second = Platform::start_on(first.data(), &[]);
    let path = format!("/functions/{function}");
    // Within the compressed text, and in the checksum behind it.
    for at in [good.len() / 2, good.len() - 6] {
        let mut flipped = good.clone();
        flipped[at] ^= 4;
        fs::write(&archive, flipped).expect("written");
        let answers = [
            second.invoke(&function, &json!({})),
            second.put(&path, &json!({"memory": 128})),
        ];
        for answer in answers {
            assert_eq!(answer.problem(503), "files_lost");
            let detail = answer.json()["detail"].to_string();
            assert!(
                detail.contains(&digest) && detail.contains("damaged"),
                "{detail}"
            );
        }
    }
    let same = second.put(&path, &json!({"code": code("1")})).expect(200);
    assert_eq!(same.json()["unchanged"], true);
    assert_eq!(second.invoke(&function, &json!({})).handler_body(), "1");
    assert_eq!(fs::read(&archive).expect("an archive"), good);
    second.stop();
}

#[test]
fn the_way_back_to_a_version_whose_archive_is_missing_is_refused() {
    let mut first = Platform::start(&[]);
    let function = first.deploy(Language::Python, &code("1"), &json!({}));
    let [missing] = archives(&first).try_into().expect("one archive");
    let path = format!("/functions/{function}");
    first.put(&path, &json!({"code": code("2")})).expect(200);
    first.stop();
    let away = missing.with_extension("away");
    fs::rename(&missing, &away).expect("moved");
    fs::remove_dir_all(first.data().path().join("bundles")).expect("removed");
    let second = Platform::start_on(first.data(), &[]);
    let back = || second.post(&format!("{path}/rollback"), &json!({"version": 1}));
    let alias = second.put(&format!("{path}/aliases/old"), &json!({"version": 1}));
    for refused in [back(), alias] {
        assert_eq!(refused.problem(503), "files_lost");
        assert!(refused.text().contains("is missing"), "{}", refused.text());
        assert_eq!(second.show(&function)["version"], 2);
        assert_eq!(second.invoke(&function, &json!({})).handler_body(), "2");
    }
    fs::rename(&away, &missing).expect("moved back");
    back().expect(200);
    assert_eq!(second.invoke(&function, &json!({})).handler_body(), "1");
}

#[test]
fn folders_that_cannot_be_written_leave_the_old_version_serving() {
    let platform = Platform::start(&[]);
    let function = platform.deploy(Language::Python, &code("1"), &json!({}));
    let path = format!("/functions/{function}");
    for (round, name) in ["archives", "bundles"].into_iter().enumerate() {
        // A file where a folder ought to be cannot be written to by anyone, whatever they may.
        let (folder, away) = (
            platform.data().path().join(name),
            platform.data().path().join("away"),
        );
        fs::rename(&folder, &away).expect("moved");
        fs::write(&folder, "").expect("written");
        let word = format!("round {round}");
        let put = || platform.put(&path, &json!({"code": code(&word)}));
        let other = json!({"name": unique_name(), "runtime": "python", "code": code("other")});
        for refused in [put(), platform.post("/functions", &other)] {
            assert_eq!(
                refused.problem(503),
                "storage_failed",
                "{name}: {}",
                refused.text()
            );
        }
        let before = if round == 0 {
            "1".to_owned()
        } else {
            format!("round {}", round - 1)
        };
        assert_eq!(
            platform.invoke(&function, &json!({})).handler_body(),
            before,
            "{name}"
        );
        fs::remove_file(&folder).expect("removed");
        fs::rename(&away, &folder).expect("moved back");
        put().expect(200);
        assert_eq!(
            platform.invoke(&function, &json!({})).handler_body(),
            word,
            "{name}"
        );
    }
}

#[test]
fn archives_that_a_crash_left_half_written_are_removed() {
    let mut first = Platform::start(&[]);
    first.deploy(Language::Python, &code("1"), &json!({}));
    first.stop();
    let [archive] = archives(&first).try_into().expect("one archive");
    let half = archive.with_extension("gz#1");
    fs::write(&half, "half").expect("written");
    let _second = Platform::start_on(first.data(), &[]);
    assert!(!half.exists() && archive.exists());
}
