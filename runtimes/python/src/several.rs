//! Several invocations at once: what the shim's event loop and threads ask of this side. Knows no event loop.

use std::sync::OnceLock;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use runtime_core::desk::{Ask, Asked, Desk};
use runtime_core::runtime::Response;
use runtime_core::stream as pieces;
use runtime_core::wire::{BodyKind, Failure, FailureKind, WireError};

use crate::convert::{self, Answered, Unusable};
use crate::runtime::{self, Handler};
use crate::shim::Shim;
use crate::{failure, native, stream};

/// The context variable with the number of the invocation that runs now. Set where several do.
static NUMBER: OnceLock<Py<PyAny>> = OnceLock::new();

/// Serves until the process ends.
///
/// # Errors
/// When the shim fails, which is a fault of it.
pub(crate) fn serve(
    shim: &'static Shim,
    handler: &'static Handler,
    root: &str,
    desk: &'static Desk,
) -> Result<(), WireError> {
    let served = pyo3::Python::attach(|py| {
        let front = Front {
            desk,
            shim,
            handler,
            root: root.to_owned(),
        };
        let arguments = (
            Bound::new(py, front)?,
            handler.callable.bind(py),
            desk.concurrency(),
        );
        shim.serve_several.bind(py).call1(arguments).map(drop)
    });
    served.map_err(|_| WireError::Violation("the event loop ended"))
}

/// Notes the variable that holds the number of the invocation that runs.
#[pyfunction]
pub(crate) fn serve_several(number: Py<PyAny>) {
    // Once in each process.
    let _ = NUMBER.set(number);
}

/// The invocation that runs now, where several may; 0 is none of them.
pub(crate) fn number(py: pyo3::Python<'_>) -> Option<u64> {
    let number = NUMBER.get()?.bind(py);
    let value = number.call_method0(pyo3::intern!(py, "get"));
    Some(value.and_then(|value| value.extract()).unwrap_or(0))
}

/// The desk as the shim sees it.
#[pyclass(frozen)]
#[derive(Debug)]
pub(crate) struct Front {
    desk: &'static Desk,
    shim: &'static Shim,
    handler: &'static Handler,
    root: String,
}

#[pymethods]
impl Front {
    /// What becomes readable when something is asked.
    fn fd(&self) -> i32 {
        self.desk.fd()
    }

    /// An invocation as its number and the handler's arguments, the number of one whose answer has room for a piece, or
    /// `None` when nothing is asked.
    fn next<'py>(&self, py: pyo3::Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        loop {
            match self.desk.next() {
                Ok(None) => return Ok(None),
                Ok(Some(Ask::Taken(number))) => {
                    return Ok(Some(number.into_pyobject(py)?.into_any()));
                }
                Ok(Some(Ask::Invoke(asked))) => match self.arguments(py, &asked) {
                    Ok(arguments) => {
                        let asked = (asked.number, arguments).into_pyobject(py)?;
                        return Ok(Some(asked.into_any()));
                    }
                    Err(error) => self.failed(py, asked.number, error, FailureKind::Handler),
                },
                Err(_) => end(),
            }
        }
    }

    /// The handler is called now.
    fn started(&self, number: u64) {
        self.desk.started(number);
    }

    /// Sends a handler's return value; of an answer in pieces, returns what makes them.
    fn answer<'py>(
        &self,
        py: pyo3::Python<'py>,
        number: u64,
        result: &Bound<'py, PyAny>,
    ) -> Option<Bound<'py, PyAny>> {
        match convert::response(self.shim, result) {
            Ok(Answered::Whole(response)) => self.finish(number, Ok(response)),
            Ok(Answered::InPieces(head, source)) => {
                pieces::begin_of(number, head);
                return Some(source);
            }
            Err(Unusable::Wrong(failure)) => self.finish(number, Err(failure)),
            Err(Unusable::Raised(error)) => self.failed(py, number, error, FailureKind::Response),
        }
        None
    }

    /// Whether a piece is text, and its bytes.
    fn piece<'py>(&self, piece: &Bound<'py, PyAny>) -> PyResult<(bool, Bound<'py, PyBytes>)> {
        let (kind, bytes) = stream::piece(piece)?;
        Ok((kind == BodyKind::Text, PyBytes::new(piece.py(), &bytes)))
    }

    /// Sends as much as there is room for; how many bytes that was.
    fn push(&self, number: u64, is_text: bool, piece: &[u8], from: usize) -> PyResult<usize> {
        let kind = if is_text {
            BodyKind::Text
        } else {
            BodyKind::Binary
        };
        pieces::push_of(number, kind, &piece[from..]).map_err(|failure| stream::error(&failure))
    }

    /// Sends a piece, and waits until there is room for it. Other threads run meanwhile.
    fn push_waiting(&self, number: u64, piece: &Bound<'_, PyAny>) -> PyResult<()> {
        let (kind, bytes) = stream::piece(piece)?;
        let sent = piece
            .py()
            .detach(|| pieces::push_waiting(number, kind, &bytes));
        sent.map_err(|failure| stream::error(&failure))
    }

    /// The last piece was sent.
    fn end(&self, number: u64) {
        if let Some(stream) = pieces::take_of(number) {
            self.finish(number, Ok(stream.end()));
        }
    }

    /// The handler raised this.
    fn fail(&self, py: pyo3::Python<'_>, number: u64, error: Bound<'_, PyAny>) {
        self.failed(py, number, PyErr::from_value(error), FailureKind::Handler);
    }
}

impl Front {
    /// As many arguments as the handler takes.
    fn arguments<'py>(
        &self,
        py: pyo3::Python<'py>,
        asked: &Asked,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let invocation = asked.invocation();
        let event = convert::event(py, self.shim, &invocation, self.handler.takes_bytes)?;
        match self.handler.argument_count {
            0 => Ok(PyTuple::empty(py)),
            1 => (event,).into_pyobject(py),
            _ => (event, runtime::context(py, self.shim, &invocation)?).into_pyobject(py),
        }
    }

    fn failed(&self, py: pyo3::Python<'_>, number: u64, error: PyErr, kind: FailureKind) {
        let failure = failure::of(py, self.shim, error, kind, &self.root);
        self.finish(number, Err(failure));
    }

    fn finish(&self, number: u64, result: Result<Response, Failure>) {
        native::flush_of(number);
        if self.desk.finish(number, result).is_err() {
            end();
        }
    }
}

/// Nobody asks for anything any more.
fn end() -> ! {
    // SAFETY: ends the process without touching the interpreter, whose state belongs to the zygote.
    unsafe { libc::_exit(0) }
}
