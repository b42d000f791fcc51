//! As much of PNG as tests need to see what became of an image.

use std::io::Read;

use flate2::read::ZlibDecoder;

/// Pixels of a PNG with 8 bits for each of three or four channels.
pub(super) struct Png {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) channels: usize,
    pub(super) lines: Vec<Vec<u8>>,
}

impl Png {
    pub(super) fn read(bytes: &[u8]) -> Self {
        assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "no PNG");
        let number = |at: usize| {
            let four: [u8; 4] = bytes[at..at + 4].try_into().expect("four");
            u32::from_be_bytes(four) as usize
        };
        let (width, height) = (number(16), number(20));
        assert_eq!((bytes[24], bytes[28]), (8, 0), "8 bits, in one go");
        let channels = match bytes[25] {
            2 => 3,
            6 => 4,
            other => panic!("a PNG of kind {other}"),
        };
        let (mut at, mut packed) = (8, Vec::new());
        while at < bytes.len() {
            let length = number(at);
            if &bytes[at + 4..at + 8] == b"IDAT" {
                packed.extend_from_slice(&bytes[at + 8..at + 8 + length]);
            }
            at += length + 12;
        }
        let mut flat = Vec::new();
        let read = ZlibDecoder::new(&*packed).read_to_end(&mut flat);
        read.expect("whole");
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for line in flat.chunks(width * channels + 1) {
            let above = lines
                .last()
                .cloned()
                .unwrap_or_else(|| vec![0; line.len() - 1]);
            lines.push(unfiltered(line, &above, channels));
        }
        assert_eq!(lines.len(), height);
        Self {
            width,
            height,
            channels,
            lines,
        }
    }

    /// Whether a pixel is about of this colour.
    pub(super) fn is(&self, x: usize, y: usize, colour: [u8; 3]) -> bool {
        let at = x * self.channels;
        let pixel = &self.lines[y][at..at + 3];
        pixel
            .iter()
            .zip(colour)
            .all(|(found, wanted)| found.abs_diff(wanted) < 24)
    }
}

fn unfiltered(line: &[u8], above: &[u8], channels: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for (index, byte) in line[1..].iter().enumerate() {
        let before = |from: &[u8]| index.checked_sub(channels).map_or(0, |at| from[at]);
        let (left, up, corner) = (before(&out), above[index], before(above));
        let predicted = match line[0] {
            0 => 0,
            1 => left,
            2 => up,
            3 => u8::midpoint(left, up),
            _ => {
                let guess = i16::from(left) + i16::from(up) - i16::from(corner);
                let distance = |of: u8| (guess - i16::from(of)).abs();
                let nearest = [left, up, corner]
                    .into_iter()
                    .min_by_key(|of| distance(*of));
                nearest.expect("one of three")
            }
        };
        out.push(byte.wrapping_add(predicted));
    }
    out
}
