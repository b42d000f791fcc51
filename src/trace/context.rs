//! W3C Trace Context: reads `traceparent` and `tracestate` as strictly as the recommendation asks for, and writes them.
//! What is malformed counts as absent and is never an error. Pure; knows no headers, only their values.

use std::sync::Arc;

use opentelemetry::{SpanId, TraceFlags, TraceId};

/// Bytes of a `traceparent` of the version that we write, `00`.
const PARENT_LEN: usize = 55;
/// Flags that have a meaning: sampled, and random. All others are reserved and not passed on.
const FLAGS_KNOWN: u8 = 0b11;

/// More entries of a `tracestate` are none.
const STATE_MEMBERS_MAX: usize = 32;
/// The longest key and the longest value of an entry.
const STATE_TEXT_LEN_MAX: usize = 256;

/// The caller's span, as the caller says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) flags: TraceFlags,
    pub(super) state: Option<Arc<str>>,
}

impl Caller {
    /// Reads a `traceparent`, and the values of all `tracestate` headers in their order. A state without a parent means
    /// nothing, and a malformed state does not make the parent worse.
    pub(crate) fn parse<'a>(parent: &[u8], states: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let (head, rest) = parent.split_at_checked(PARENT_LEN)?;
        let version = hex(&head[..2])?;
        let is_whole = rest.is_empty() || (version != 0 && rest[0] == b'-');
        let is_divided = [2, 35, 52].into_iter().all(|at| head[at] == b'-');
        let (trace_id, span_id) = (hex(&head[3..35])?, hex(&head[36..52])?);
        let flags = u8::try_from(hex(&head[53..])?).ok()?;
        if version == 0xff || !is_whole || !is_divided || trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self {
            trace_id: TraceId::from(trace_id),
            span_id: SpanId::from(u64::try_from(span_id).ok()?),
            flags: TraceFlags::new(flags & FLAGS_KNOWN),
            state: state(states),
        })
    }
}

/// The number that digits in lower case stand for.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |value: u128, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some((value << 4) | u128::from(digit))
    })
}

/// All entries as one text, as they were written.
fn state<'a>(states: impl Iterator<Item = &'a [u8]>) -> Option<Arc<str>> {
    let joined = states.collect::<Vec<_>>().join(&b","[..]);
    let text = String::from_utf8(joined).ok()?;
    is_state(&text).then(|| Arc::from(text))
}

fn is_state(text: &str) -> bool {
    let members = text
        .split(',')
        .map(|member| member.trim_matches([' ', '\t']))
        .filter(|member| !member.is_empty());
    let mut count = 0;
    for member in members {
        match member.split_once('=') {
            Some((key, value)) if is_key(key) && is_value(value) => count += 1,
            _ => return false,
        }
    }
    (1..=STATE_MEMBERS_MAX).contains(&count)
}

/// `vendor` or `tenant@vendor`.
fn is_key(key: &str) -> bool {
    let begins = |text: &str| text.starts_with(|c: char| c.is_ascii_lowercase());
    let begins_well = match key.split_once('@') {
        None => begins(key),
        Some((tenant, vendor)) => {
            let digit = tenant.starts_with(|c: char| c.is_ascii_digit());
            (digit || begins(tenant))
                && tenant.len() <= 241
                && begins(vendor)
                && vendor.len() <= 14
                && !vendor.contains('@')
        }
    };
    let allowed =
        |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@');
    begins_well && key.len() <= STATE_TEXT_LEN_MAX && key.bytes().all(allowed)
}

/// Visible characters and spaces; the spaces at its end belong to the list.
fn is_value(value: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=' && byte != b',';
    (1..=STATE_TEXT_LEN_MAX).contains(&value.len()) && value.bytes().all(allowed)
}

/// A `traceparent`, ready to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceParent([u8; PARENT_LEN]);

impl TraceParent {
    /// Written by hand: formatting costs an invocation four times as much.
    pub(super) fn new(trace_id: TraceId, span_id: SpanId, flags: TraceFlags) -> Self {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], &trace_id.to_bytes());
        write_hex(&mut text[36..52], &span_id.to_bytes());
        write_hex(&mut text[53..], &[flags.to_u8()]);
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        // It is ASCII by its making.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn write_hex(digits: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0xf)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn parse(parent: &str, states: &[&str]) -> Option<Caller> {
        Caller::parse(
            parent.as_bytes(),
            states.iter().map(|state| state.as_bytes()),
        )
    }

    fn state_of(states: &[&str]) -> Option<String> {
        let caller = parse(PARENT, states).expect("the parent is good");
        caller.state.map(|state| state.to_string())
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        for flags in ["00", "01", "02", "03"] {
            let text = format!("{}{flags}", &PARENT[..53]);
            let caller = parse(&text, &[]).expect("a parent");
            let written = TraceParent::new(caller.trace_id, caller.span_id, caller.flags);
            assert_eq!(written.as_str(), text);
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        let rest = &PARENT[2..];
        for text in [
            format!("cc{rest}"),
            format!("cc{rest}-what-the-future-will-be-like"),
        ] {
            assert_eq!(parse(&text, &[]), parse(PARENT, &[]), "{text}");
        }
        let reserved = parse(&format!("{}ff", &PARENT[..53]), &[]).expect("a parent");
        assert_eq!(reserved.flags.to_u8(), FLAGS_KNOWN);
    }

    #[test]
    fn a_malformed_parent_is_none() {
        let cases = [
            "",
            "00",
            &PARENT[..54],
            &PARENT.to_uppercase(),
            &format!("{PARENT}-"),
            &format!("{PARENT}-more"),
            &format!("{PARENT} "),
            &format!(" {PARENT}"),
            &PARENT.replace("00-", "ff-"),
            &PARENT.replace("00-", "0g-"),
            &PARENT.replace("00-", "cc-").replace("-01", "-01x"),
            &PARENT.replace("-b7", "_b7"),
            &PARENT.replace("-01", "_01"),
            &PARENT.replace("-01", "-0A"),
            &PARENT.replace("-01", "-+1"),
            &PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            &PARENT.replace("b7ad6b7169203331", &"0".repeat(16)),
            &PARENT.replace("b7ad", "B7AD"),
            &PARENT.replace("0af7", "0äf"),
            &format!("{PARENT},{PARENT}"),
        ];
        for text in cases {
            assert_eq!(parse(text, &[]), None, "{text:?}");
        }
    }

    #[test]
    fn a_state_is_kept_as_it_was_written() {
        let longest = format!("{}={}", "k".repeat(256), "v".repeat(256));
        let most = (0..32).map(|n| format!("k{n}=v")).collect::<Vec<_>>();
        for text in [
            "rojo=00f067aa0ba902b7",
            "rojo=1, congo=2",
            "a=1,\t,b=2,",
            "0tenant@vendor=x y;z:!",
            &longest,
            &most.join(","),
        ] {
            assert_eq!(state_of(&[text]).as_deref(), Some(text));
        }
        assert_eq!(state_of(&["a=1", "b=2"]).as_deref(), Some("a=1,b=2"));
    }

    #[test]
    fn a_malformed_state_leaves_the_parent_alone() {
        let many = (0..33).map(|n| format!("k{n}=v")).collect::<Vec<_>>();
        let (many, long) = (many.join(","), format!("k={}", "v".repeat(257)));
        let cases = [
            "",
            ",",
            "a",
            "=1",
            "a=",
            "A=1",
            "1=1",
            "a =1",
            "a=1=2",
            "a=1;,b",
            "@v=1",
            "t@=1",
            "t@v@w=1",
            "t@1=1",
            "t@abcdefghijklmno=1",
            "a=\u{7}",
            "a=ü",
            &many,
            &long,
        ];
        for text in cases {
            assert_eq!(state_of(&[text]), None, "{text:?}");
        }
        assert_eq!(state_of(&[]), None);
    }
}
