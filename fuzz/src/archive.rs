//! Puts the sums of damaged archives right. Nearly every random change breaks one, and then no reader looks further.

use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

const BLOCK: usize = 512;
const TAR_SUM: std::ops::Range<usize> = 148..156;
const DEFLATED: u64 = 8;
/// More of an entry is not unpacked here.
const UNPACKED_LEN_MAX: u64 = 1 << 20;

/// Whether the platform takes it for a tar archive.
#[must_use]
pub fn is_tar(archive: &[u8]) -> bool {
    let begins = |magic: &[u8]| archive.starts_with(magic);
    archive.get(257..262) == Some(b"ustar") && !begins(b"PK") && !begins(&[0x1f, 0x8b])
}

/// Puts right whatever sums there are.
pub fn repair(archive: &mut [u8]) {
    if is_tar(archive) {
        repair_tar(archive);
    } else {
        repair_zip(archive);
    }
}

fn repair_tar(archive: &mut [u8]) {
    for header in archive.chunks_exact_mut(BLOCK) {
        if &header[257..262] == b"ustar" {
            header[TAR_SUM].fill(b' ');
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[TAR_SUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}

/// By the list at the archive's end.
fn repair_zip(archive: &mut [u8]) {
    let is_listed = |at: &usize| archive[*at..].starts_with(b"PK\x01\x02");
    let listed: Vec<usize> = (0..archive.len()).filter(is_listed).collect();
    for at in listed {
        let Some((local, sum)) = sum_of_entry(archive, at) else {
            continue;
        };
        for place in [at + 16, local + 14] {
            if let Some(field) = archive.get_mut(place..place + 4) {
                field.copy_from_slice(&sum.to_le_bytes());
            }
        }
    }
}

/// Where an entry's own header is, and the sum of its content.
fn sum_of_entry(archive: &[u8], listed: usize) -> Option<(usize, u32)> {
    let (method, len) = (
        number(archive, listed + 10, 2)?,
        number(archive, listed + 20, 4)?,
    );
    let local = usize::try_from(number(archive, listed + 42, 4)?).ok()?;
    let names = number(archive, local + 26, 2)? + number(archive, local + 28, 2)?;
    let content = archive.get(local + 30 + usize::try_from(names).ok()?..)?;
    let packed = content.get(..usize::try_from(len).ok()?)?;
    let mut sum = Crc::new();
    if method == DEFLATED {
        let mut unpacked = Vec::new();
        let mut reader = DeflateDecoder::new(packed).take(UNPACKED_LEN_MAX);
        reader.read_to_end(&mut unpacked).ok()?;
        sum.update(&unpacked);
    } else {
        sum.update(packed);
    }
    Some((local, sum.sum()))
}

fn number(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + len)?.iter().rev();
    Some(bytes.fold(0, |value, byte| value << 8 | u64::from(*byte)))
}
