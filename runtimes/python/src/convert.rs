//! Between the wire's values and Python's: the event on the way in, the answer on the way out.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMemoryView, PyString, PyTuple,
};
use runtime_core::runtime::{Body, Invocation, Response};
use runtime_core::stream::Stream;
use runtime_core::wire::{BodyKind, Failure, FailureKind};

use crate::json::{self, Fault};
use crate::shim::Shim;
use crate::stream;

/// The handler's first argument; the body is bytes in any case when the handler takes nothing else.
pub(crate) fn event<'py>(
    py: Python<'py>,
    shim: &Shim,
    invocation: &Invocation<'_>,
    takes_bytes: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let event = scan(py, shim, invocation.event)?;
    let body = match invocation.body_kind {
        BodyKind::None => py.None().into_bound(py),
        _ if takes_bytes => PyBytes::new(py, invocation.body).into_any(),
        BodyKind::Json => scan(py, shim, invocation.body)?,
        BodyKind::Text => PyString::from_bytes(py, invocation.body)?.into_any(),
        BodyKind::Binary => PyBytes::new(py, invocation.body).into_any(),
    };
    event
        .cast::<PyDict>()?
        .set_item(intern!(py, "body"), body)?;
    Ok(event)
}

/// The value of a JSON text that is known to be valid.
fn scan<'py>(py: Python<'py>, shim: &Shim, text: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let text = PyString::from_bytes(py, text.trim_ascii_start())?;
    shim.scan
        .bind(py)
        .call1((text, 0))?
        .cast::<PyTuple>()?
        .get_item(0)
}

/// Why an answer is none.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// Looking at it raised an exception.
    Raised(PyErr),
    /// It breaks a rule.
    Wrong(Failure),
}

impl From<PyErr> for Unusable {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

fn wrong(message: String) -> Unusable {
    Unusable::Wrong(Failure::new(
        FailureKind::Response,
        "ResponseError",
        message,
    ))
}

/// What a handler's return value says.
#[derive(Debug)]
pub(crate) enum Answered<'py> {
    /// All of it.
    Whole(Response),
    /// The head, and what makes the pieces of the body.
    InPieces(Stream, Bound<'py, PyAny>),
}

/// Reads a handler's return value.
pub(crate) fn response<'py>(
    shim: &Shim,
    result: &Bound<'py, PyAny>,
) -> Result<Answered<'py>, Unusable> {
    let py = result.py();
    let Ok(answer) = result.cast::<PyDict>() else {
        return plain(result);
    };
    match answer.get_item(intern!(py, "statusCode"))? {
        Some(status) => shaped(shim, answer, &status),
        None => plain(result),
    }
}

/// A value without a status code is the body of a success.
fn plain<'py>(result: &Bound<'py, PyAny>) -> Result<Answered<'py>, Unusable> {
    if stream::is_one(result) {
        let head = Stream::new(200, Vec::new(), BodyKind::None);
        return Ok(Answered::InPieces(head, result.clone()));
    }
    let (body_kind, body) = match bytes(result)? {
        _ if result.is_none() => (BodyKind::None, Vec::new()),
        Some(bytes) => (BodyKind::Binary, bytes),
        None => (
            BodyKind::Json,
            encode(result, "the handler's return value")?,
        ),
    };
    Ok(Answered::Whole(Response {
        status_code: 200,
        headers: Vec::new(),
        body_kind,
        body: Body::Whole(body),
    }))
}

fn shaped<'py>(
    shim: &Shim,
    answer: &Bound<'py, PyDict>,
    status: &Bound<'_, PyAny>,
) -> Result<Answered<'py>, Unusable> {
    let py = answer.py();
    let body = answer
        .get_item(intern!(py, "body"))?
        .filter(|body| !body.is_none());
    if let Some(source) = body.as_ref().filter(|body| stream::is_one(body)) {
        let head = Stream::new(status_code(status)?, headers(answer)?, BodyKind::None);
        return Ok(Answered::InPieces(head, source.clone()));
    }
    let (body_kind, body) = match body {
        Some(body) => body_of(shim, answer, &body)?,
        None => (BodyKind::None, Vec::new()),
    };
    Ok(Answered::Whole(Response {
        status_code: status_code(status)?,
        headers: headers(answer)?,
        body_kind,
        body: Body::Whole(body),
    }))
}

fn status_code(status: &Bound<'_, PyAny>) -> Result<u16, Unusable> {
    let number = if status.is_instance_of::<PyInt>() && !status.is_instance_of::<PyBool>() {
        status.extract::<u16>().ok()
    } else {
        None
    };
    number
        .filter(|code| (100..=599).contains(code))
        .ok_or_else(|| {
            let shown = status
                .repr()
                .map_or_else(|_| json::type_name(status), |text| text.to_string());
            wrong(format!(
                "statusCode must be an integer from 100 to 599, but the handler returned {shown}"
            ))
        })
}

fn body_of(
    shim: &Shim,
    answer: &Bound<'_, PyDict>,
    body: &Bound<'_, PyAny>,
) -> Result<(BodyKind, Vec<u8>), Unusable> {
    let py = answer.py();
    if let Ok(text) = body.cast::<PyString>() {
        let encoded = answer.get_item(intern!(py, "isBase64Encoded"))?;
        return match encoded.map(|flag| flag.is_truthy()).transpose()? {
            Some(true) => Ok((BodyKind::Binary, decode(shim, text)?)),
            _ => Ok((BodyKind::Text, text.to_str()?.as_bytes().to_vec())),
        };
    }
    match bytes(body)? {
        Some(bytes) => Ok((BodyKind::Binary, bytes)),
        None => Ok((BodyKind::Json, encode(body, "the response's body")?)),
    }
}

fn decode(shim: &Shim, text: &Bound<'_, PyString>) -> Result<Vec<u8>, Unusable> {
    let decoded = shim.decode_base64.bind(text.py()).call1((text,));
    let decoded = decoded.map_err(|error| wrong(error.value(text.py()).to_string()))?;
    Ok(decoded
        .cast::<PyBytes>()
        .map_err(PyErr::from)?
        .as_bytes()
        .to_vec())
}

/// Whether the value's type has an asynchronous method.
pub(crate) fn has_async(
    value: &Bound<'_, PyAny>,
    method: impl FnOnce(&ffi::PyAsyncMethods) -> bool,
) -> bool {
    // SAFETY: the object is alive, and so is its type; the table of a type's methods does not change while it is read.
    unsafe { (*ffi::Py_TYPE(value.as_ptr())).tp_as_async.as_ref() }.is_some_and(method)
}

/// A copy of the bytes, when the value is made of bytes.
pub(crate) fn bytes(value: &Bound<'_, PyAny>) -> PyResult<Option<Vec<u8>>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(Some(bytes.as_bytes().to_vec()));
    }
    if let Ok(array) = value.cast::<PyByteArray>() {
        return Ok(Some(array.to_vec()));
    }
    if value.is_instance_of::<PyMemoryView>() {
        return Ok(Some(value.call_method0("tobytes")?.extract()?));
    }
    Ok(None)
}

fn encode(value: &Bound<'_, PyAny>, whole: &str) -> Result<Vec<u8>, Unusable> {
    json::encode(value).map_err(|fault| match fault {
        Fault::Raised(error) => Unusable::Raised(error),
        Fault::Unwritable { what, path } => {
            let place: String = path.iter().rev().map(String::as_str).collect();
            let at = if place.is_empty() {
                String::new()
            } else {
                format!(" at `{}`", place.trim_start_matches('.'))
            };
            wrong(format!(
                "{whole} cannot be written as JSON: the value{at} {what}"
            ))
        }
    })
}

fn headers(answer: &Bound<'_, PyDict>) -> Result<Vec<(String, String)>, Unusable> {
    let py = answer.py();
    let mut headers = Vec::new();
    for field in [intern!(py, "headers"), intern!(py, "multiValueHeaders")] {
        let Some(map) = answer.get_item(field)?.filter(|map| !map.is_none()) else {
            continue;
        };
        let map = map
            .cast::<PyDict>()
            .map_err(|_| must_be(&map, &format!("`{field}`"), "a dict"))?;
        for (name, value) in map.iter() {
            let name = name
                .cast::<PyString>()
                .map_err(|_| must_be(&name, "a header's name", "a string"))?
                .to_str()?
                .to_owned();
            add_header(&mut headers, &name, &value)?;
        }
    }
    if let Some(cookies) = answer
        .get_item(intern!(py, "cookies"))?
        .filter(|list| !list.is_none())
    {
        add_header(&mut headers, "set-cookie", &cookies)?;
    }
    Ok(headers)
}

/// Adds one header, or one for each element of a list.
fn add_header(
    headers: &mut Vec<(String, String)>,
    name: &str,
    value: &Bound<'_, PyAny>,
) -> Result<(), Unusable> {
    if value.is_none() {
        return Ok(());
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        return value
            .try_iter()?
            .try_for_each(|element| add_header(headers, name, &element?));
    }
    let text = match value.cast::<PyString>() {
        Ok(text) => text.to_str()?.to_owned(),
        Err(_) if value.is_instance_of::<PyBool>() => value.is_truthy()?.to_string(),
        Err(_) if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() => {
            value.str()?.to_str()?.to_owned()
        }
        Err(_) => {
            return Err(must_be(
                value,
                &format!("the header `{name}`"),
                "a string, a number or a list of them",
            ));
        }
    };
    headers.push((name.to_owned(), text));
    Ok(())
}

fn must_be(value: &Bound<'_, PyAny>, what: &str, wanted: &str) -> Unusable {
    wrong(format!(
        "{what} must be {wanted}, not of type {}",
        json::type_name(value)
    ))
}
