//! Answers that go out in pieces: what counts as one, and how a piece leaves Python. Knows nothing of heads.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyIterator, PyString};
use runtime_core::runtime::Response;
use runtime_core::stream::{self, Stream};
use runtime_core::wire::{BodyKind, Failure};

use crate::shim::Shim;
use crate::{convert, json};

pyo3::create_exception!(
    _zygo_native,
    ResponseError,
    PyException,
    "The handler's answer is none."
);

/// Whether the value is an iterator or an asynchronous one; generators are both kinds' most common form.
pub(crate) fn is_one(value: &Bound<'_, PyAny>) -> bool {
    value.cast::<PyIterator>().is_ok() || is_async(value)
}

fn is_async(value: &Bound<'_, PyAny>) -> bool {
    convert::has_async(value, |methods| methods.am_aiter.is_some())
}

/// Sends all pieces of `source` under this head.
///
/// # Errors
/// What `source` raised, or a [`ResponseError`] about a piece.
pub(crate) fn give(
    py: Python<'_>,
    shim: &Shim,
    head: Stream,
    source: &Bound<'_, PyAny>,
) -> PyResult<Response> {
    stream::begin(head);
    if is_async(source) {
        let giving = shim.give_async.bind(py).call1((source,))?;
        shim.run.bind(py).call1((giving,))?;
    } else {
        shim.give.bind(py).call1((source,))?;
    }
    let whole = stream::take().map(Stream::end);
    whole.ok_or_else(|| ResponseError::new_err("the answer ended twice"))
}

/// Sends one piece. Other threads may run while nobody takes it.
#[pyfunction]
pub(crate) fn push(piece: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = piece.py();
    let send = |kind, bytes: &[u8]| {
        let sent = py.detach(|| stream::push(kind, bytes));
        sent.map_err(|failure| error(&failure))
    };
    if let Ok(text) = piece.cast::<PyString>() {
        return send(BodyKind::Text, text.to_str()?.as_bytes());
    }
    if let Ok(bytes) = piece.cast::<PyBytes>() {
        return send(BodyKind::Binary, bytes.as_bytes());
    }
    let (kind, bytes) = self::piece(piece)?;
    send(kind, &bytes)
}

/// A piece that outlives this thread's turn: its kind and its bytes.
pub(crate) fn piece(piece: &Bound<'_, PyAny>) -> PyResult<(BodyKind, Vec<u8>)> {
    if let Ok(text) = piece.cast::<PyString>() {
        return Ok((BodyKind::Text, text.to_str()?.as_bytes().to_vec()));
    }
    match convert::bytes(piece)? {
        Some(bytes) => Ok((BodyKind::Binary, bytes)),
        None => Err(ResponseError::new_err(format!(
            "a piece of the answer's body is of the type {}, neither text nor bytes",
            json::type_name(piece)
        ))),
    }
}

/// Why a piece was not sent, as the code that made it sees it.
pub(crate) fn error(failure: &Failure) -> PyErr {
    ResponseError::new_err(failure.message.clone())
}
