//! Answers made shorter on their way, where the client takes that, the handler has not done it, and it is worth it.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// Shorter bodies stay as they are.
const LEN_MIN: usize = 1_024;
/// Longer ones would keep other connections of the thread waiting.
const INLINE_LEN_MAX: usize = 32 * 1_024;
/// Of 11: beyond it, Brotli takes longer than most networks.
const BROTLI_QUALITY: i32 = 4;
/// Brotli's window, as a power of two.
const BROTLI_WINDOW: i32 = 20;

/// A coding, the better one last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Coding {
    Gzip,
    Brotli,
}

impl Coding {
    const ALL: [Self; 2] = [Self::Gzip, Self::Brotli];

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    fn encode(self, body: &[u8]) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Brotli => {
                let mut encoded = Vec::new();
                let params = brotli::enc::BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW,
                    size_hint: body.len(),
                    ..Default::default()
                };
                brotli::BrotliCompress(&mut &*body, &mut encoded, &params)?;
                Ok(encoded)
            }
        }
    }
}

/// The body as it is sent; the headers say how.
pub(super) async fn encoded(
    asked: &HeaderMap,
    status: StatusCode,
    headers: &mut HeaderMap,
    body: Bytes,
) -> Bytes {
    if body.len() < LEN_MIN || !may_be_encoded(status, headers) {
        return body;
    }
    // Whoever keeps answers must know, also when this one stays as it is.
    headers.append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    let Some(coding) = chosen(asked) else {
        return body;
    };
    let plain = body.clone();
    let work = move || coding.encode(&plain);
    let made = match body.len() > INLINE_LEN_MAX {
        true => tokio::task::spawn_blocking(work)
            .await
            .ok()
            .and_then(Result::ok),
        false => work().ok(),
    };
    let Some(made) = made.filter(|made| made.len() < body.len()) else {
        return body;
    };
    headers.insert(
        header::CONTENT_ENCODING,
        HeaderValue::from_static(coding.name()),
    );
    weaken(headers);
    made.into()
}

/// Other bytes are not the same to the byte any more.
fn weaken(headers: &mut HeaderMap) {
    let Some(tag) = headers
        .get(header::ETAG)
        .filter(|tag| tag.as_bytes().starts_with(b"\""))
    else {
        return;
    };
    let weak = [b"W/", tag.as_bytes()].concat();
    if let Ok(weak) = HeaderValue::from_bytes(&weak) {
        headers.insert(header::ETAG, weak);
    }
}

fn may_be_encoded(status: StatusCode, headers: &HeaderMap) -> bool {
    let has = |name| headers.contains_key(name);
    let text = |name| {
        let value = headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok());
        value.unwrap_or_default().to_ascii_lowercase()
    };
    status != StatusCode::PARTIAL_CONTENT
        && !has(header::CONTENT_ENCODING)
        && !has(header::CONTENT_RANGE)
        && !text(header::CACHE_CONTROL).contains("no-transform")
        && is_compressible(&text(header::CONTENT_TYPE))
}

fn is_compressible(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    // A stream of events is read as it comes.
    if essence == "text/event-stream" {
        return false;
    }
    let ends = ["json", "+xml", "/xml", "script", "wasm", "graphql"];
    essence.starts_with("text/")
        || essence.starts_with("application/") && ends.iter().any(|end| essence.ends_with(end))
        || essence == "image/svg+xml"
}

/// The coding that the client likes best, of equals the better one.
fn chosen(asked: &HeaderMap) -> Option<Coding> {
    let lines = asked.get_all(header::ACCEPT_ENCODING).iter();
    let lines = lines.filter_map(|line| line.to_str().ok());
    let offers: Vec<(String, u16)> = lines.flat_map(|line| line.split(',')).map(offer).collect();
    let weight = |coding: Coding| {
        let named = |name: &str| offers.iter().find(|(offered, _)| offered == name);
        named(coding.name())
            .or_else(|| named("*"))
            .map_or(0, |(_, weight)| *weight)
    };
    let liked = Coding::ALL.into_iter().filter(|coding| weight(*coding) > 0);
    liked.max_by_key(|coding| (weight(*coding), *coding))
}

/// `gzip;q=0.5` with its weight in thousandths.
fn offer(text: &str) -> (String, u16) {
    let (name, rest) = text.split_once(';').unwrap_or((text, ""));
    let weight = rest
        .trim()
        .strip_prefix("q=")
        .or_else(|| rest.trim().strip_prefix("Q="));
    let weight = weight.map_or(1_000, thousandths);
    (name.trim().to_ascii_lowercase(), weight)
}

/// `0.25` is 250; what is no weight is none.
fn thousandths(text: &str) -> u16 {
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = format!("{part:0<3}");
    let number = |text: &str| text.parse::<u16>().ok();
    match (number(whole), number(&part)) {
        (Some(0), Some(part)) if part < 1_000 => part,
        (Some(1), Some(0)) => 1_000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_chooses_and_the_better_coding_wins_a_draw() {
        let cases = [
            ("", None),
            ("gzip", Some(Coding::Gzip)),
            ("gzip, deflate, br", Some(Coding::Brotli)),
            ("br;q=0.5, gzip;q=0.8", Some(Coding::Gzip)),
            ("br;q=0, gzip;q=0.001", Some(Coding::Gzip)),
            ("*", Some(Coding::Brotli)),
            ("*;q=0", None),
            ("br;q=0, *", Some(Coding::Gzip)),
            ("identity, zstd", None),
            ("gzip;q=2, br;q=x", None),
        ];
        for (accepted, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(chosen(&headers), expected, "{accepted}");
        }
    }

    #[test]
    fn both_codings_can_be_undone() {
        let text = "Zygo ".repeat(1_000);
        let gzip = Coding::Gzip.encode(text.as_bytes()).expect("bytes");
        let mut undone = String::new();
        let mut decoder = flate2::read::GzDecoder::new(&gzip[..]);
        std::io::Read::read_to_string(&mut decoder, &mut undone).expect("text");
        assert_eq!(undone, text);
        let encoded = Coding::Brotli.encode(text.as_bytes()).expect("bytes");
        let mut undone = Vec::new();
        brotli::BrotliDecompress(&mut &encoded[..], &mut undone).expect("text");
        assert!(undone == text.as_bytes() && encoded.len() < 100);
    }
}
