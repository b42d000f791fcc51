//! Inputs of workloads, made by seed: the same on every machine and in every run.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

const SEED: u32 = 7;
const IMAGE_SIDE: usize = 192;
const CHANNELS: usize = 3;
const TEXT_LEN: usize = 40_000;
const ORDERS: u32 = 350;

/// Numerical Recipes' generator; handlers have it too.
#[derive(Debug)]
struct Random(u32);

impl Random {
    /// Below a limit.
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) % limit
    }
}

/// Words, some often and some seldom.
pub(crate) fn text() -> String {
    const WORDS: [&str; 12] = [
        "invocation",
        "zygote",
        "the",
        "of",
        "instance",
        "fork",
        "and",
        "is",
        "memory",
        "a",
        "start",
        "page",
    ];
    let mut random = Random(SEED);
    let mut text = String::with_capacity(TEXT_LEN + 32);
    while text.len() < TEXT_LEN {
        text += WORDS[random.below(12) as usize];
        if random.below(4) == 0 {
            text += &random.below(10_000).to_string();
        }
        text.push(if random.below(12) == 0 { '\n' } else { ' ' });
    }
    text
}

/// A JSON text, the same whatever order serde_json keeps keys in.
pub(crate) fn orders() -> String {
    let mut random = Random(SEED);
    let orders: Vec<String> = (0..ORDERS)
        .map(|id| {
            let customer = random.below(100);
            let items: Vec<String> = (0..=random.below(4))
                .map(|_| {
                    let (count, cents) = (1 + random.below(9), random.below(100_000));
                    format!(r#"{{"count":{count},"cents":{cents}}}"#)
                })
                .collect();
            let items = items.join(",");
            format!(r#"{{"id":{id},"customer":"customer {customer:03}","items":[{items}]}}"#)
        })
        .collect();
    format!("[{}]", orders.join(","))
}

/// A PNG in base64: coloured tiles, with a gradient in each. Its rows use every filter that there is.
pub(crate) fn image() -> String {
    let mut tiles = Random(SEED);
    let tiles: Vec<u32> = (0..144 * 3).map(|_| tiles.below(256)).collect();
    let mut rows = Vec::new();
    let mut above = vec![0; IMAGE_SIDE * CHANNELS];
    for y in 0..IMAGE_SIDE {
        let row: Vec<u8> = (0..IMAGE_SIDE * CHANNELS)
            .map(|at| pixel(&tiles, at / CHANNELS, y, at % CHANNELS))
            .collect();
        filtered(&mut rows, &row, &above, y % 5);
        above = row;
    }
    STANDARD.encode(png(&rows))
}

fn pixel(tiles: &[u32], x: usize, y: usize, channel: usize) -> u8 {
    let tile = tiles[(y / 16 * 12 + x / 16) * CHANNELS + channel];
    let value = tile as usize + x % 16 * 2 + y % 16 * 3;
    value.to_le_bytes()[0]
}

fn filtered(rows: &mut Vec<u8>, row: &[u8], above: &[u8], filter: usize) {
    rows.push(filter.to_le_bytes()[0]);
    for (at, byte) in row.iter().enumerate() {
        let before = |line: &[u8]| at.checked_sub(CHANNELS).map_or(0, |at| line[at]);
        let (a, b, c) = (before(row), above[at], before(above));
        let predicted = match filter {
            1 => a,
            2 => b,
            3 => a.midpoint(b),
            4 => paeth(a, b, c),
            _ => 0,
        };
        rows.push(byte.wrapping_sub(predicted));
    }
}

fn paeth(a: u8, b: u8, c: u8) -> u8 {
    let (wide_a, wide_b, wide_c) = (i32::from(a), i32::from(b), i32::from(c));
    let (da, db) = (wide_b.abs_diff(wide_c), wide_a.abs_diff(wide_c));
    let dc = (wide_a + wide_b).abs_diff(2 * wide_c);
    if da <= db && da <= dc {
        a
    } else if db <= dc {
        b
    } else {
        c
    }
}

fn png(rows: &[u8]) -> Vec<u8> {
    let side = u32::try_from(IMAGE_SIDE).unwrap_or_default().to_be_bytes();
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(rows);
    let data = encoder.finish().unwrap_or_default();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(
        &mut file,
        *b"IHDR",
        &[&side[..], &side, &[8, 2, 0, 0, 0]].concat(),
    );
    chunk(&mut file, *b"IDAT", &data);
    chunk(&mut file, *b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let mut sum = Crc::new();
    sum.update(&kind);
    sum.update(data);
    file.extend(u32::try_from(data.len()).unwrap_or_default().to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(sum.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    #[test]
    fn inputs_are_the_same_every_time_and_fit_a_packet() {
        for input in [super::text, super::orders, super::image] {
            let made = input();
            assert_eq!(made, input());
            assert!((10_000..60_000).contains(&made.len()), "{}", made.len());
        }
    }
}
