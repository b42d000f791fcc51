//! Archives as users make them.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A zip archive of plain files.
pub(crate) fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .expect("an entry");
        writer.write_all(content).expect("its content");
    }
    writer.finish().expect("an archive").into_inner()
}

/// Standard base64.
pub(crate) fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// One entry of an archive, which may be anything.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    /// As Unix has it, with the type.
    pub(crate) mode: u32,
    pub(crate) content: Vec<u8>,
    /// What a link leads to.
    pub(crate) target: &'static str,
}

impl Entry {
    /// A plain file.
    pub(crate) fn file(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        Self {
            name: name.as_ref().to_vec(),
            mode: 0o100_644,
            content: content.as_ref().to_vec(),
            target: "",
        }
    }

    /// Something else.
    pub(crate) fn special(name: &str, mode: u32, target: &'static str) -> Self {
        Self {
            mode,
            target,
            ..Self::file(name, "")
        }
    }
}

/// Formats of archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Zip,
    Tar,
    TarGz,
}

/// All of them.
pub(crate) const FORMATS: [Format; 3] = [Format::Zip, Format::Tar, Format::TarGz];

impl Format {
    /// What a body of it is called.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Zip => "application/zip",
            Self::Tar => "application/x-tar",
            Self::TarGz => "application/gzip",
        }
    }

    /// An archive, byte by byte, so that nothing in it has to be right.
    pub(crate) fn pack(self, entries: &[Entry]) -> Vec<u8> {
        match self {
            Self::Zip => raw_zip(entries),
            Self::Tar => raw_tar(entries),
            Self::TarGz => gzip(&raw_tar(entries)),
        }
    }
}

fn raw_zip(entries: &[Entry]) -> Vec<u8> {
    let (mut archive, mut list) = (Vec::new(), Vec::new());
    let word = |number: usize| u32::try_from(number).expect("small").to_le_bytes();
    let half = |number: usize| u16::try_from(number).expect("small").to_le_bytes();
    for entry in entries {
        let content: &[u8] = match entry.target {
            "" => &entry.content,
            target => target.as_bytes(),
        };
        let mut sum = flate2::Crc::new();
        sum.update(content);
        // Version, flags, method, time, date; then the sum, both lengths, and those of the name and of what is extra.
        let mut common = [&[20, 0][..], &[0; 8], &sum.sum().to_le_bytes()].concat();
        common.extend([word(content.len()), word(content.len())].concat());
        common.extend([half(entry.name.len()), half(0)].concat());
        list.extend([b"PK\x01\x02\x14\x03", common.as_slice(), &[0; 6]].concat());
        list.extend([word(0), word(archive.len())].concat());
        let attributes = list.len() - 8;
        list[attributes..attributes + 4].copy_from_slice(&(entry.mode << 16).to_le_bytes());
        list.extend(&entry.name);
        archive.extend([b"PK\x03\x04", common.as_slice(), &entry.name, content].concat());
    }
    let (start, count) = (archive.len(), half(entries.len()));
    archive.extend(&list);
    archive.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count[..]].concat());
    archive.extend([&word(list.len())[..], &word(start), &half(0)].concat());
    archive
}

fn raw_tar(entries: &[Entry]) -> Vec<u8> {
    let mut archive = Vec::new();
    for entry in entries {
        archive.extend(tar_entry(entry));
    }
    archive.extend([0; 1024]);
    archive
}

/// A header and what follows it. A name that is too long for the header stands in one of its own, as GNU does it.
pub(crate) fn tar_entry(entry: &Entry) -> Vec<u8> {
    let kind = match entry.mode >> 12 {
        0o02 => b'3',
        0o04 => b'5',
        0o06 => b'4',
        0o01 => b'6',
        0o12 => b'2',
        // The type of nothing that Unix knows.
        0 => b'1',
        _ => b'0',
    };
    let mut bytes = Vec::new();
    if entry.name.len() > 100 {
        let name = [&entry.name[..], b"\0"].concat();
        bytes.extend(tar_header(b"././@LongLink", b'L', 0o644, name.len(), ""));
        bytes.extend(padded(&name));
    }
    let name = &entry.name[..entry.name.len().min(100)];
    let (mode, len) = (entry.mode & 0o7777, entry.content.len());
    bytes.extend(tar_header(name, kind, mode, len, entry.target));
    bytes.extend(padded(&entry.content));
    bytes
}

/// A header with a sum that is right.
pub(crate) fn tar_header(name: &[u8], kind: u8, mode: u32, len: usize, target: &str) -> Vec<u8> {
    let mut header = vec![0; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name);
    put(100, format!("{mode:07o}\0").as_bytes());
    put(108, b"0000000\x000000000\0");
    put(124, format!("{len:011o}\x0000000000000\0").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(157, target.as_bytes());
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

/// Contents fill whole blocks.
pub(crate) fn padded(content: &[u8]) -> Vec<u8> {
    let mut padded = content.to_vec();
    padded.resize(content.len().next_multiple_of(512), 0);
    padded
}

/// Compresses.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).expect("in memory");
    writer.finish().expect("in memory")
}
