//! Python values as JSON text: what `json.dumps` accepts, in UTF-8, several times faster, and with the path to what
//! cannot be written. Runs no user code on exact built-in types.

use std::collections::TryReserveError;

use pyo3::exceptions::PyMemoryError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::text::JsonText;

/// Deeper values would use up the stack of those who read the text.
const DEPTH_MAX: usize = 500;

/// Why a value is no JSON.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Something in the value raised, or there was no memory.
    Raised(PyErr),
    /// A part of the value cannot be written.
    Unwritable {
        /// What the part is, as the rest of a sentence.
        what: String,
        /// Where it is, outermost step last.
        path: Vec<String>,
    },
}

impl Fault {
    fn unwritable(what: impl Into<String>) -> Self {
        Self::Unwritable {
            what: what.into(),
            path: Vec::new(),
        }
    }

    fn within(mut self, step: impl FnOnce() -> String) -> Self {
        if let Self::Unwritable { path, .. } = &mut self {
            path.push(step());
        }
        self
    }
}

impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<TryReserveError> for Fault {
    fn from(_: TryReserveError) -> Self {
        Self::Raised(PyMemoryError::new_err("the response does not fit"))
    }
}

/// The JSON text of a value.
pub(crate) fn encode(value: &Bound<'_, PyAny>) -> Result<Vec<u8>, Fault> {
    let mut encoder = Encoder {
        out: JsonText::default(),
        containers: Vec::new(),
    };
    encoder.value(value)?;
    Ok(encoder.out.into_bytes())
}

struct Encoder {
    out: JsonText,
    /// Identities of the containers around the current value.
    containers: Vec<*mut ffi::PyObject>,
}

impl Encoder {
    fn value(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Fault> {
        if let Ok(text) = value.cast_exact::<PyString>() {
            self.string(text)
        } else if value.is_none() {
            self.put(b"null")
        } else if let Ok(flag) = value.cast_exact::<PyBool>() {
            self.put(if flag.is_true() { b"true" } else { b"false" })
        } else if let Ok(dict) = value.cast_exact::<PyDict>() {
            self.container(value, |encoder| encoder.dict(dict.iter()))
        } else if let Ok(number) = value.cast::<PyInt>() {
            self.int(number)
        } else if let Ok(list) = value.cast::<PyList>() {
            self.container(value, |encoder| encoder.items(list.iter()))
        } else if let Ok(number) = value.cast::<PyFloat>() {
            self.float(number)
        } else {
            self.rare(value)
        }
    }

    /// Subclasses of built-in types, and what is none.
    fn rare(&mut self, value: &Bound<'_, PyAny>) -> Result<(), Fault> {
        if let Ok(tuple) = value.cast::<PyTuple>() {
            self.container(value, |encoder| encoder.items(tuple.iter()))
        } else if let Ok(text) = value.cast::<PyString>() {
            self.string(text)
        } else if value.is_instance_of::<PyDict>() {
            // An ordered dict has an order of its own, which only its own method knows.
            let pairs = value.call_method0("items")?.try_iter()?;
            let pairs: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)> =
                pairs.map(|pair| pair?.extract()).collect::<PyResult<_>>()?;
            self.container(value, |encoder| encoder.dict(pairs.into_iter()))
        } else {
            Err(Fault::unwritable(format!(
                "is of type {}",
                type_name(value)
            )))
        }
    }

    fn container(
        &mut self,
        value: &Bound<'_, PyAny>,
        write: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.containers.contains(&value.as_ptr()) {
            return Err(Fault::unwritable("contains itself"));
        }
        if self.containers.len() == DEPTH_MAX {
            return Err(Fault::unwritable(format!(
                "is nested deeper than {DEPTH_MAX} levels"
            )));
        }
        self.containers.push(value.as_ptr());
        write(self)?;
        self.containers.pop();
        Ok(())
    }

    fn dict<'py>(
        &mut self,
        pairs: impl Iterator<Item = (Bound<'py, PyAny>, Bound<'py, PyAny>)>,
    ) -> Result<(), Fault> {
        self.put(b"{")?;
        for (index, (key, value)) in pairs.enumerate() {
            if index > 0 {
                self.put(b",")?;
            }
            self.key(&key)?;
            self.put(b":")?;
            self.value(&value)
                .map_err(|fault| fault.within(|| format!(".{key}")))?;
        }
        self.put(b"}")
    }

    fn items<'py>(&mut self, items: impl Iterator<Item = Bound<'py, PyAny>>) -> Result<(), Fault> {
        self.put(b"[")?;
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.put(b",")?;
            }
            self.value(&item)
                .map_err(|fault| fault.within(|| format!("[{index}]")))?;
        }
        self.put(b"]")
    }

    /// Numbers, truth values and `None` become strings, as `json.dumps` has it.
    fn key(&mut self, key: &Bound<'_, PyAny>) -> Result<(), Fault> {
        if let Ok(text) = key.cast::<PyString>() {
            return self.string(text);
        }
        let scalar =
            key.is_none() || key.is_instance_of::<PyInt>() || key.is_instance_of::<PyFloat>();
        if !scalar {
            return Err(Fault::unwritable(format!(
                "has a key of type {}",
                type_name(key)
            )));
        }
        self.put(b"\"")?;
        self.value(key)?;
        self.put(b"\"")
    }

    fn int(&mut self, number: &Bound<'_, PyInt>) -> Result<(), Fault> {
        let mut overflow = 0;
        // SAFETY: the object is an integer and the thread is attached; no error is set for integers.
        let small =
            unsafe { ffi::PyLong_AsLongLongAndOverflow(number.as_ptr(), &raw mut overflow) };
        if overflow == 0 {
            return Ok(self.out.number(small)?);
        }
        // `int.__repr__`, because a subclass such as an enumeration has another one.
        let text = number
            .py()
            .get_type::<PyInt>()
            .call_method1("__repr__", (number,))?;
        self.put(
            text.cast::<PyString>()
                .map_err(PyErr::from)?
                .to_str()?
                .as_bytes(),
        )
    }

    fn float(&mut self, number: &Bound<'_, PyFloat>) -> Result<(), Fault> {
        let number = number.value();
        if let Some(number) = serde_json::Number::from_f64(number) {
            return Ok(self.out.number(number)?);
        }
        Err(Fault::unwritable(format!(
            "is {number}, which JSON does not have"
        )))
    }

    fn string(&mut self, text: &Bound<'_, PyString>) -> Result<(), Fault> {
        match text.to_str() {
            Ok(text) => Ok(self.out.string(text)?),
            Err(_) => self.surrogates(text),
        }
    }

    /// Half a surrogate pair is a character of a Python string, but not of UTF-8.
    fn surrogates(&mut self, text: &Bound<'_, PyString>) -> Result<(), Fault> {
        let encoded: Vec<u8> = text
            .call_method1("encode", ("utf-16-le", "surrogatepass"))?
            .extract()?;
        let units = encoded
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        Ok(self.out.utf16(units)?)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        Ok(self.out.put(bytes)?)
    }
}

/// A type's name with its module, as people know it.
pub(crate) fn type_name(value: &Bound<'_, PyAny>) -> String {
    let kind = value.get_type();
    kind.fully_qualified_name()
        .map_or_else(|_| "unknown".to_owned(), |name| name.to_string())
}
