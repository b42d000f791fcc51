//! Writes Ruby values as JSON, strictly: what has no place in JSON is an error that says where it is. Ruby's own
//! generator would write `"#<Object:0x…>"` instead. Knows nothing of responses.

use std::io::Write as _;

use magnus::r_hash::ForEach;
use magnus::value::ReprValue;
use magnus::{Error, Float, Integer, RArray, RHash, RString, Symbol, Value};

use crate::shim::{self, Shim};

/// Deeper values are taken for ones that contain themselves.
const DEPTH_MAX: usize = 256;

/// Why a value did not become JSON.
#[derive(Debug)]
pub(crate) enum JsonError {
    /// The value at this place in the whole is none that JSON knows.
    Unsuitable {
        /// Such as `.items[2].owner`.
        path: String,
        /// What is there.
        what: String,
    },
    /// A method that had to be called raised.
    Raised(Error),
}

impl From<Error> for JsonError {
    fn from(error: Error) -> Self {
        Self::Raised(error)
    }
}

impl JsonError {
    fn unsuitable(what: impl Into<String>) -> Self {
        Self::Unsuitable {
            path: String::new(),
            what: what.into(),
        }
    }

    /// Puts the name of the place that contains the culprit before its path.
    fn within(self, place: impl FnOnce() -> String) -> Self {
        match self {
            Self::Unsuitable { path, what } => Self::Unsuitable {
                path: place() + &path,
                what,
            },
            raised @ Self::Raised(_) => raised,
        }
    }
}

/// Appends `value` as JSON.
pub(crate) fn write(shim: &Shim, value: Value, out: &mut Vec<u8>) -> Result<(), JsonError> {
    Writer {
        shim,
        out,
        depth: 0,
    }
    .value(value)
}

struct Writer<'a> {
    shim: &'a Shim,
    out: &'a mut Vec<u8>,
    depth: usize,
}

impl Writer<'_> {
    fn value(&mut self, value: Value) -> Result<(), JsonError> {
        if let Some(string) = RString::from_value(value) {
            return self.string(string);
        }
        if let Some(hash) = RHash::from_value(value) {
            return self.nested(|writer| writer.hash(hash));
        }
        if let Some(array) = RArray::from_value(value) {
            return self.nested(|writer| writer.array(array));
        }
        if value.is_nil() {
            self.out.extend_from_slice(b"null");
            return Ok(());
        }
        if let Some(integer) = Integer::from_value(value) {
            return self.integer(integer);
        }
        self.scalar(value)
    }

    fn scalar(&mut self, value: Value) -> Result<(), JsonError> {
        if let Some(symbol) = Symbol::from_value(value) {
            self.text(&symbol.name()?);
            return Ok(());
        }
        if let Some(float) = Float::from_value(value) {
            return self.float(float.to_f64());
        }
        match shim::raw(value) {
            truth if truth == shim::raw_bool(true) => self.out.extend_from_slice(b"true"),
            truth if truth == shim::raw_bool(false) => self.out.extend_from_slice(b"false"),
            _ => return self.other(value),
        }
        Ok(())
    }

    fn nested(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        if self.depth == DEPTH_MAX {
            let what = format!("nested deeper than {DEPTH_MAX} levels, or contains itself");
            return Err(JsonError::unsuitable(what));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn hash(&mut self, hash: RHash) -> Result<(), JsonError> {
        let mut first = true;
        let mut failed = None;
        self.out.push(b'{');
        hash.foreach(|key: Value, value: Value| {
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            Ok(match self.pair(key, value) {
                Ok(()) => ForEach::Continue,
                Err(error) => {
                    failed = Some(error);
                    ForEach::Stop
                }
            })
        })?;
        self.out.push(b'}');
        failed.map_or(Ok(()), Err)
    }

    fn pair(&mut self, key: Value, value: Value) -> Result<(), JsonError> {
        self.key(key)?;
        self.out.push(b':');
        self.value(value)
            .map_err(|error| error.within(|| format!(".{key}")))
    }

    fn key(&mut self, key: Value) -> Result<(), JsonError> {
        if let Some(string) = RString::from_value(key) {
            return self.string(string);
        }
        match Symbol::from_value(key) {
            Some(symbol) => {
                self.text(&symbol.name()?);
                Ok(())
            }
            None => self.string(shim::call(key, "to_s", &[])?),
        }
    }

    fn array(&mut self, array: RArray) -> Result<(), JsonError> {
        self.out.push(b'[');
        let mut index = 0;
        // The length is read anew each time, because `to_json` of an element may change the array.
        while index < array.len() {
            if index > 0 {
                self.out.push(b',');
            }
            let element = array.entry(index.cast_signed())?;
            self.value(element)
                .map_err(|error| error.within(|| format!("[{index}]")))?;
            index += 1;
        }
        self.out.push(b']');
        Ok(())
    }

    fn integer(&mut self, integer: Integer) -> Result<(), JsonError> {
        match integer.to_i64() {
            // Writing to memory cannot fail.
            Ok(small) => drop(write!(self.out, "{small}")),
            Err(_) => {
                let digits: String = shim::call(integer.as_value(), "to_s", &[])?;
                self.out.extend_from_slice(digits.as_bytes());
            }
        }
        Ok(())
    }

    fn float(&mut self, float: f64) -> Result<(), JsonError> {
        if !float.is_finite() {
            return Err(JsonError::unsuitable(format!("the float {float}")));
        }
        // Writing to memory cannot fail.
        drop(serde_json::to_writer(&mut *self.out, &float));
        Ok(())
    }

    fn string(&mut self, string: RString) -> Result<(), JsonError> {
        if !shim::is_byte_compatible(string) {
            let recoded: RString = shim::call(string.as_value(), "encode", &[shim::utf8(string)])?;
            return self.bytes(recoded);
        }
        self.bytes(string)
    }

    fn bytes(&mut self, string: RString) -> Result<(), JsonError> {
        // SAFETY: writing to `out` calls no Ruby, so the string stays as it is while its bytes are borrowed.
        match std::str::from_utf8(unsafe { string.as_slice() }) {
            Ok(text) => {
                self.text(text);
                Ok(())
            }
            Err(_) => Err(JsonError::unsuitable(
                "a string whose bytes are no UTF-8 text",
            )),
        }
    }

    fn text(&mut self, text: &str) {
        // Writing to memory cannot fail.
        drop(serde_json::to_writer(&mut *self.out, text));
    }

    /// Times, decimals, and objects with a `to_json` of their own.
    fn other(&mut self, value: Value) -> Result<(), JsonError> {
        let text: Option<RString> = shim::call(self.shim.response, "json_of", &[value])?;
        let Some(text) = text else {
            // SAFETY: the name is copied at once, before anything else runs.
            let class = unsafe { value.classname() }.into_owned();
            return Err(JsonError::unsuitable(format!("an instance of {class}")));
        };
        // SAFETY: nothing runs between borrowing and copying.
        self.out.extend_from_slice(unsafe { text.as_slice() });
        Ok(())
    }
}
