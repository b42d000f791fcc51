//! How a piece of an answer leaves Ruby. Knows nothing of what makes pieces.

use std::ffi::c_void;

use magnus::{Error, RArray, RString};
use runtime_core::log;
use runtime_core::stream::{self, Stream};
use runtime_core::wire::{BodyKind, Failure};

use crate::convert;

/// `Native.begin(status, headers)`: the head of an answer in pieces.
pub(crate) fn begin(status_code: u16, headers: RArray) -> Result<(), Error> {
    let headers = convert::headers(headers)?;
    let stream = Stream::new(status_code, headers, BodyKind::None);
    match log::works_for() {
        0 => stream::begin(stream),
        number => stream::begin_of(number, stream),
    }
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
    let number = log::works_for();
    if number != 0 {
        // SAFETY: copied at once.
        let piece = unsafe { bytes.as_slice() }.to_vec();
        return push_waiting(number, kind, &piece);
    }
    // SAFETY: nothing below calls Ruby or lets another thread of it run, so the string is neither changed nor collected
    // while its bytes are borrowed.
    let sent = stream::push(kind, unsafe { bytes.as_slice() });
    sent.err().map(|failure| failure.message)
}

/// What a thread is to do while others run.
struct Push<'a> {
    number: u64,
    kind: BodyKind,
    piece: &'a [u8],
    sent: Result<(), Failure>,
}

/// Sends a piece of one of several answers, and lets other threads run until there is room for it.
fn push_waiting(number: u64, kind: BodyKind, piece: &[u8]) -> Option<String> {
    unsafe extern "C" fn push(data: *mut c_void) -> *mut c_void {
        // SAFETY: it is the structure below, which outlives this call and which nobody else uses meanwhile.
        let push = unsafe { &mut *data.cast::<Push<'_>>() };
        push.sent = stream::push_waiting(push.number, push.kind, push.piece);
        std::ptr::null_mut()
    }
    let mut data = Push {
        number,
        kind,
        piece,
        sent: Ok(()),
    };
    // SAFETY: the function touches nothing of Ruby's. Nothing ends the wait early: whoever is not taken any more is
    // killed with the process.
    unsafe {
        rb_sys::rb_thread_call_without_gvl(
            Some(push),
            std::ptr::from_mut(&mut data).cast(),
            None,
            std::ptr::null_mut(),
        );
    }
    data.sent.err().map(|failure| failure.message)
}
