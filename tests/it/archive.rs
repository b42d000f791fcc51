//! Archives: zip, tar and tar.gz are taken as they come from the usual tools; those with tricks are refused as a whole,
//! and nothing of them is written anywhere.

use std::process::Command;

use serde_json::json;

use crate::client::Answer;
use crate::pack::{Entry, FORMATS, Format, base64_of, gzip, zip_of};
use crate::platform::{Platform, unique_name};

pub(crate) const CODE: &[u8] = b"def handler(event, context): return 1";

pub(crate) fn upload(platform: &Platform, content_type: &str, archive: &[u8]) -> (String, Answer) {
    let name = unique_name();
    let path = format!("/functions?name={name}&runtime=python");
    let answer = platform.request("POST", &path, content_type, archive);
    (name, answer)
}

/// Neither a function nor a file outside the store may come of it; says what did.
fn refusal(platform: &Platform, archive: &[u8]) -> Result<(), String> {
    let total = || platform.get("/functions").expect(200).json()["total"].take();
    let before = total();
    let (_, answer) = upload(platform, "application/zip", archive);
    let problem = answer.json();
    if answer.status != 422 || problem["code"] != "invalid_function" {
        return Err(answer.text());
    }
    let bundles = platform.data().path().join("bundles");
    let stored = std::fs::read_dir(bundles)
        .expect("the folder of bundles")
        .flatten();
    let stored = stored.filter(|entry| entry.path().is_dir());
    let outside = [
        platform.data().path().join("evil.py"),
        "/tmp/evil.py".into(),
    ];
    match outside.iter().find(|path| path.exists()) {
        Some(path) => Err(format!("{} was written", path.display())),
        None if json!(stored.count()) != before || total() != before => {
            Err("files are left".into())
        }
        None => Ok(()),
    }
}

/// Every one of these archives is refused.
pub(crate) fn check_refused<S: ToString>(
    platform: &Platform,
    cases: impl IntoIterator<Item = (S, Vec<u8>)>,
) {
    let accepted: Vec<String> = cases
        .into_iter()
        .filter_map(|(what, archive)| {
            let accepted = refusal(platform, &archive).err()?;
            Some(format!("{}: {accepted}", what.to_string()))
        })
        .collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
}

/// Archives of these entries after a good one are refused in every format.
fn check_entries_refused<'a>(cases: impl IntoIterator<Item = (&'a str, Vec<Entry>)>) {
    let platform = Platform::start(&[]);
    for (what, bad) in cases {
        let entries = [vec![Entry::file("index.py", CODE)], bad].concat();
        let archives = FORMATS.map(|format| (format!("{what}, {format:?}"), format.pack(&entries)));
        check_refused(&platform, archives);
    }
}

#[test]
fn every_format_is_taken_as_a_body_and_in_json() {
    let platform = Platform::shared();
    let long = format!("{}/word.txt", "long".repeat(60));
    let code = format!(
        "import os\ndef handler(event, context):\n    return open(os.path.join(os.path.dirname(__file__), '{long}')).read()\n"
    );
    for format in FORMATS {
        let entries = [
            Entry::file("index.py", &code),
            Entry::special("lib/", 0o042_755, ""),
            Entry::file(&long, format!("{format:?}")),
            Entry::file("lib/bomb.zip", zip_of(&[("zeros", &[0; 1024 * 1024])])),
        ];
        let archive = format.pack(&entries);
        let kind = format!("{}; charset=binary", format.content_type());
        let (by_body, answer) = upload(&platform, &kind, &archive);
        answer.expect(201);
        let settings = json!({"archive": base64_of(&archive)});
        let in_json = unique_name();
        platform
            .try_deploy(&in_json, "python", &settings)
            .expect(201);
        for function in [by_body, in_json] {
            let said = platform.invoke(&function, &json!({})).handler_body();
            assert_eq!(said, format!("{format:?}"));
        }
    }
}

#[test]
fn what_the_usual_tools_make_is_taken() {
    let platform = Platform::shared();
    let folder = tempfile::tempdir().expect("a folder");
    let deep = folder.path().join("d".repeat(90)).join("e".repeat(90));
    std::fs::create_dir_all(&deep).expect("folders");
    std::fs::write(folder.path().join("index.py"), CODE).expect("a file");
    std::fs::write(deep.join("ünï.txt"), "x").expect("a file");
    let path = folder.path().to_str().expect("a plain path");
    for arguments in [
        "--format=gnu -c",
        "--format=posix -c",
        "--format=pax -cz",
        "--format=ustar -cz",
    ] {
        let mut tar = Command::new("tar");
        tar.args(arguments.split(' ')).args(["-C", path, "."]);
        let output = tar.output().expect("tar is everywhere");
        assert!(output.status.success(), "{arguments}: {output:?}");
        let (function, answer) = upload(&platform, "application/x-tar", &output.stdout);
        assert_eq!(answer.status, 201, "{arguments}: {}", answer.text());
        assert_eq!(platform.invoke(&function, &json!({})).handler_body(), 1);
    }
}

#[test]
fn paths_that_lead_outside_are_refused() {
    let names = [
        "../evil.py",
        "../../../../evil.py",
        "/tmp/evil.py",
        "a/../../evil.py",
        "..\\evil.py",
        "C:\\evil.py",
        "C:/evil.py",
        "a//evil.py",
        ".zygo/evil.py",
        "..",
        "a/.",
        "tab\tname.py",
        "../folder/",
    ];
    let one = |name: &str| {
        let mode = if name.ends_with('/') {
            0o040_755
        } else {
            0o100_644
        };
        vec![Entry {
            mode,
            ..Entry::file(name, "x")
        }]
    };
    check_entries_refused(names.map(|name| (name, one(name))));
    let long = format!("{}.py", "x".repeat(600));
    check_entries_refused([
        ("a long name", one(&long)),
        ("no UTF-8", vec![Entry::file(b"\xff\xfe.py", "x")]),
        (
            "UTF-8 that says a slash in two bytes",
            vec![Entry::file(b"..\xc0\xafevil.py", "x")],
        ),
    ]);
    let platform = Platform::start(&[]);
    // A tar archive has no NUL in a short name, and every name of `tar -c .` begins with a dot.
    let with =
        |name: &str| Format::Zip.pack(&[Entry::file("index.py", CODE), Entry::file(name, CODE)]);
    check_refused(
        &platform,
        ["a\0b.py", "./evil.py"].map(|name| (name, with(name))),
    );
}

#[test]
fn entries_that_are_no_plain_files_are_refused() {
    let link = |name: &str, target| Entry::special(name, 0o120_777, target);
    check_entries_refused([
        ("a link to a file", vec![link("link", "/etc/passwd")]),
        ("a link to the root", vec![link("link", "/")]),
        (
            "a file through a link",
            vec![link("out", ".."), Entry::file("out/evil.py", "x")],
        ),
        ("a loop of links", vec![link("a", "b"), link("b", "a")]),
        ("a fifo", vec![Entry::special("fifo", 0o010_644, "")]),
        (
            "a character device",
            vec![Entry::special("null", 0o020_666, "")],
        ),
        (
            "a block device",
            vec![Entry::special("disk", 0o060_666, "")],
        ),
        (
            "a file with its owner's rights",
            vec![Entry {
                mode: 0o104_755,
                ..Entry::file("su", "x")
            }],
        ),
        (
            "a file with its group's rights",
            vec![Entry {
                mode: 0o102_755,
                ..Entry::file("sg", "x")
            }],
        ),
    ]);
    let platform = Platform::start(&[]);
    let hard = Entry::special("link", 0o644, "/etc/passwd");
    let socket = Entry::special("socket", 0o140_644, "");
    check_refused(
        &platform,
        [
            (
                "a hard link",
                Format::Tar.pack(&[Entry::file("index.py", CODE), hard]),
            ),
            (
                "a socket",
                Format::Zip.pack(&[Entry::file("index.py", CODE), socket]),
            ),
        ],
    );
}

#[test]
fn two_files_that_are_one_are_refused() {
    let two = |one: &str, other: &str| vec![Entry::file(one, "1"), Entry::file(other, "2")];
    check_entries_refused([
        ("a name twice", two("a.py", "a.py")),
        ("the first file twice", two("b.py", "index.py")),
        ("a difference of case", two("Read.me", "READ.ME")),
        (
            "a difference of normal form",
            two("\u{e9}.py", "e\u{301}.py"),
        ),
        ("a file that is a folder", two("a", "a/b.py")),
        ("a folder that is a file", two("a/b.py", "a")),
    ]);
}

#[test]
fn what_is_cut_off_or_goes_on_is_refused() {
    let platform = Platform::start(&[]);
    let entries = [
        Entry::file("index.py", CODE),
        Entry::file("a.txt", [b'a'; 700]),
    ];
    for format in FORMATS {
        let good = format.pack(&entries);
        // Two blocks of zeros end a tar archive; one is enough, and whatever fills a record behind it.
        let last = if format == Format::Tar {
            good.len() - 512
        } else {
            good.len()
        };
        let cuts = (0..last).step_by(97).chain([last - 1]);
        check_refused(
            &platform,
            cuts.map(|at| (format!("{format:?} cut at {at}"), good[..at].to_vec())),
        );
        let after = [good.as_slice(), b"x"].concat();
        let twice = [good.as_slice(), &good].concat();
        let before = [b"x", good.as_slice()].concat();
        check_refused(
            &platform,
            [
                (format!("{format:?} and a byte"), after),
                (format!("{format:?} twice"), twice),
                (format!("a byte and {format:?}"), before),
            ],
        );
    }
    check_refused(
        &platform,
        [
            ("nothing", Vec::new()),
            ("no archive", b"no archive".to_vec()),
            ("zeros", vec![0; 10_240]),
            ("compressed text", gzip(b"no archive")),
            (
                "an archive compressed twice",
                gzip(&Format::TarGz.pack(&entries)),
            ),
            ("an empty zip archive", Format::Zip.pack(&[])),
            ("an empty tar archive", Format::TarGz.pack(&[])),
        ],
    );
}
