//! Percent-decoding once more, written from its standard.

/// What a text stands for.
///
/// # Panics
/// Never.
#[must_use]
pub fn decode(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, others)) = rest.split_first() {
        let digits = others
            .get(..2)
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.filter(|_| *first == b'%').map(|digits| {
            let digits = std::str::from_utf8(digits).expect("ASCII");
            u8::from_str_radix(digits, 16).expect("two digits")
        });
        rest = if byte.is_some() { &others[2..] } else { others };
        bytes.push(byte.unwrap_or(*first));
    }
    bytes
}
