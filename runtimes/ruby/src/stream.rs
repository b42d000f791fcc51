//! How a piece of an answer leaves Ruby. Knows nothing of what makes pieces.

use magnus::{Error, RArray, RString};
use runtime_core::stream::{self, Stream};
use runtime_core::wire::BodyKind;

use crate::convert;

/// `Native.begin(status, headers)`: the head of an answer in pieces.
pub(crate) fn begin(status_code: u16, headers: RArray) -> Result<(), Error> {
    let headers = convert::headers(headers)?;
    stream::begin(Stream::new(status_code, headers, BodyKind::None));
    Ok(())
}

/// `Native.piece(is_binary, bytes)`: sends a piece, and waits as long as nobody takes it. Returns why it cannot be sent,
/// or nil.
pub(crate) fn piece(is_binary: bool, bytes: RString) -> Option<String> {
    let kind = if is_binary {
        BodyKind::Binary
    } else {
        BodyKind::Text
    };
    // SAFETY: nothing below calls Ruby or lets another thread of it run, so the string is neither changed nor collected
    // while its bytes are borrowed.
    let sent = stream::push(kind, unsafe { bytes.as_slice() });
    sent.err().map(|failure| failure.message)
}
