//! Archives that two readers would read in two ways, those that are much longer than they look, and
//! long lists of nothing.

use crate::archive::{CODE, check_refused, upload};
use crate::pack::{Entry, FORMATS, Format, gzip, padded, tar_entry, tar_header, zip_of};
use crate::platform::Platform;

fn find_last(bytes: &[u8], needle: &[u8]) -> usize {
    let found = bytes
        .windows(needle.len())
        .rposition(|window| window == needle);
    found.expect("it is there")
}

#[test]
fn zip_archives_that_contradict_themselves_are_refused() {
    let platform = Platform::start(&[]);
    let good = zip_of(&[("index.py", CODE)]);
    let list = find_last(&good, b"PK\x01\x02");
    let end = find_last(&good, b"PK\x05\x06");
    let changed = |offset: usize, value: &[u8]| {
        let mut zip = good.clone();
        zip[offset..offset + value.len()].copy_from_slice(value);
        zip
    };
    let mut commented = changed(end + 20, &[22, 0]);
    commented.extend(&good[end..]);
    let cases = [
        ("another name in the local header", changed(30, b"innex.py")),
        ("an encrypted entry", changed(list + 8, &[1, 0])),
        ("a wrong checksum", changed(list + 16, &[1, 2, 3, 4])),
        ("an unknown method", changed(list + 10, &[99, 0])),
        ("a small declared size", changed(list + 24, &[1, 0, 0, 0])),
        (
            "an offset beyond the end",
            changed(list + 42, &[255, 255, 255, 0]),
        ),
        ("more entries than there are", changed(end + 10, &[9, 0])),
        ("fewer entries than there are", changed(end + 10, &[0, 0])),
        (
            "a list that begins later",
            changed(end + 16, &[255, 0, 0, 0]),
        ),
        ("an end within the comment", commented),
        ("overlapping entries", overlapping()),
        ("a million entries", large_list(&good, 1_000_000)),
        (
            "a million entries of which one is there",
            large_list(&good[..end], 1_000_000),
        ),
    ];
    check_refused(&platform, cases);
}

/// A thousand names for one compressed megabyte: small to send, a gigabyte to write.
fn overlapping() -> Vec<u8> {
    const NAMES: u16 = 1_000;
    let one = zip_of(&[("00000000", &vec![0; 1024 * 1024])]);
    let (list, end) = (
        find_last(&one, b"PK\x01\x02"),
        find_last(&one, b"PK\x05\x06"),
    );
    let mut zip = one[..list].to_vec();
    for index in 0..NAMES {
        let mut entry = one[list..end].to_vec();
        entry[46..54].copy_from_slice(format!("{index:08}").as_bytes());
        zip.extend(entry);
    }
    let length = u32::try_from(zip.len() - list).expect("small");
    let mut tail = one[end..].to_vec();
    tail[8..10].copy_from_slice(&NAMES.to_le_bytes());
    tail[10..12].copy_from_slice(&NAMES.to_le_bytes());
    tail[12..16].copy_from_slice(&length.to_le_bytes());
    zip.extend(tail);
    zip
}

/// A list of so many empty files behind some bytes, with the ends that lists of more than 65,535 have.
fn large_list(before: &[u8], count: u64) -> Vec<u8> {
    let mut zip = before.to_vec();
    let start = zip.len() as u64;
    for index in 0..count {
        let mut entry = [0; 49];
        entry[..4].copy_from_slice(b"PK\x01\x02");
        entry[28] = 3;
        entry[46..].copy_from_slice(&index.to_le_bytes()[..3]);
        zip.extend(entry);
    }
    let end = zip.len() as u64;
    zip.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
    for number in [count, count, end - start, start] {
        zip.extend(number.to_le_bytes());
    }
    zip.extend(b"PK\x06\x07\0\0\0\0");
    zip.extend(end.to_le_bytes());
    zip.extend([1, 0, 0, 0]);
    zip.extend(b"PK\x05\x06\0\0\0\0");
    zip.extend([0xff; 12]);
    zip.extend([0, 0]);
    zip
}

/// An extended header of POSIX, which says more of the entry after it.
fn extended(kind: u8, records: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let length = (1..)
            .map(|digits| rest.len() + digits)
            .find(|length| length.to_string().len() + rest.len() == *length);
        text += &format!("{}{rest}", length.expect("some length is right"));
    }
    let mut entry = tar_header(b"PaxHeaders/x", kind, 0o644, text.len(), "");
    entry.extend(padded(text.as_bytes()));
    entry
}

fn tar(parts: &[Vec<u8>]) -> Vec<u8> {
    [&parts.concat()[..], &[0; 1024]].concat()
}

/// What is wrong, and the entries that are.
type Case = (&'static str, Vec<Vec<u8>>);

fn plain() -> Vec<u8> {
    tar_entry(&Entry::file("a.py", "1"))
}

fn cases_of_posix() -> Vec<Case> {
    let path = |path: &str| extended(b'x', &[("path", path)]);
    let sparse = [("GNU.sparse.major", "1"), ("GNU.sparse.name", "../evil.py")];
    let twice = [("path", "b.py"), ("path", "c.py")];
    vec![
        ("a name outside", vec![path("../evil.py"), plain()]),
        ("an absolute name", vec![path("/tmp/evil.py"), plain()]),
        ("a NUL in a name", vec![path("a\0b.py"), plain()]),
        ("a line break in a name", vec![path("a\nb.py"), plain()]),
        ("two names", vec![extended(b'x', &twice), plain()]),
        ("two headers", vec![path("b.py"), path("b.py"), plain()]),
        ("a header and no entry", vec![path("b.py")]),
        (
            "another length",
            vec![extended(b'x', &[("size", "0")]), plain()],
        ),
        ("a sparse file", vec![extended(b'x', &sparse), plain()]),
    ]
}

fn cases_of_gnu() -> Vec<Case> {
    let long = |name: &[u8]| {
        let header = tar_header(b"././@LongLink", b'L', 0o644, name.len(), "");
        [header, padded(name)].concat()
    };
    let posix = extended(b'x', &[("path", "c.py")]);
    vec![
        ("a long name outside", vec![long(b"../evil.py\0"), plain()]),
        ("a NUL in a long name", vec![long(b"a.py\0.txt\0"), plain()]),
        (
            "two long names",
            vec![long(b"b.py\0"), long(b"c.py\0"), plain()],
        ),
        (
            "a long name and one of POSIX",
            vec![long(b"b.py\0"), posix, plain()],
        ),
        ("a long name and no entry", vec![long(b"b.py\0")]),
        (
            "a sparse file of GNU",
            vec![tar_header(b"a.py", b'S', 0o644, 0, "")],
        ),
    ]
}

fn cases_of_headers() -> Vec<Case> {
    let sized =
        |len: usize, kind: u8| [tar_header(b"a.py", kind, 0o644, len, ""), padded(b"1")].concat();
    let mut wrong_sum = plain();
    wrong_sum[0] = b'b';
    let mut endless = tar_header(b"a.py", b'0', 0o644, 1, "");
    endless[124..136].copy_from_slice(b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    let blank = [&endless[..148], b"        ", &endless[156..]].concat();
    let sum: u32 = blank.iter().map(|byte| u32::from(*byte)).sum();
    endless[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    vec![
        ("a length beyond the end", vec![sized(100_000, b'0')]),
        ("a length beyond all bounds", vec![endless]),
        ("a wrong sum", vec![wrong_sum]),
        ("a type that nobody knows", vec![sized(1, b'Z')]),
    ]
}

#[test]
fn tar_archives_that_contradict_themselves_are_refused() {
    let platform = Platform::start(&[]);
    let code = tar_entry(&Entry::file("index.py", CODE));
    let cases = [cases_of_posix(), cases_of_gnu(), cases_of_headers()].concat();
    for (what, parts) in cases {
        let archive = tar(&[vec![code.clone()], parts].concat());
        check_refused(&platform, [(what, gzip(&archive)), (what, archive)]);
    }
    let folder = tar_header(b"folder/", b'5', 0o755, 0, "");
    let million = gzip(&tar(&[code, folder.repeat(1_000_000)]));
    check_refused(&platform, [("a million entries", million)]);
}

#[test]
fn tar_archives_that_only_say_more_are_taken() {
    let platform = Platform::shared();
    let more = [("path", "b.py"), ("size", "1"), ("mtime", "1.5")];
    let archive = tar(&[
        // The commit, as `git archive` writes it.
        extended(b'g', &[("comment", "0123456789abcdef")]),
        tar_entry(&Entry::file("index.py", CODE)),
        extended(b'x', &more),
        plain(),
    ]);
    let (_, answer) = upload(&platform, Format::Tar.content_type(), &archive);
    answer.expect(201);
}

#[test]
fn bombs_are_stopped_at_the_limits() {
    let platform = Platform::start(&[]);
    let code = Entry::file("index.py", CODE);
    let zeros = vec![0; 300 * 1024 * 1024];
    check_refused(
        &platform,
        [
            (
                "300 MB of zeros",
                zip_of(&[("index.py", CODE), ("zeros", &zeros)]),
            ),
            (
                "300 MB of zeros, TarGz",
                Format::TarGz.pack(&[code.clone(), Entry::file("zeros", &zeros)]),
            ),
            (
                "3 MB of zeros",
                zip_of(&[("index.py", CODE), ("zeros", &zeros[..3 << 20])]),
            ),
            (
                "3 MB of zeros, TarGz",
                Format::TarGz.pack(&[code.clone(), Entry::file("zeros", &zeros[..3 << 20])]),
            ),
            (
                "a name of 3 MB, TarGz",
                Format::TarGz.pack(&[code.clone(), Entry::file(vec![b'x'; 3 << 20], "")]),
            ),
        ],
    );
    drop(zeros);
    let mut many: Vec<Entry> = (0..20_000)
        .map(|index| Entry::file(index.to_string(), ""))
        .collect();
    many.insert(0, code);
    check_refused(
        &platform,
        FORMATS.map(|format| (format!("20,001 files, {format:?}"), format.pack(&many))),
    );
    let small = Platform::start(&[("ZYGO_MAX_BUNDLE_BYTES", "1000")]);
    let (_, answer) = upload(&small, "application/x-tar", &[0; 1001]);
    assert_eq!(answer.problem(413), "body_too_large");
}
