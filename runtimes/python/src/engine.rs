//! Starts the interpreter. Knows nothing of functions.
//!
//! The main thread stays attached from then on: nothing else runs in a zygote, and an instance that detached for every
//! wait would only pay for it. See [`Detached`] for the one exception.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;

use pyo3::ffi;

/// Folders of the standard library and of installed packages, separated by colons; see `build.rs`.
const SEARCH_PATHS: &str = env!("ZYGO_PYTHON_PATH");

/// Where that Python is installed.
const PREFIX: &str = env!("ZYGO_PYTHON_PREFIX");

/// The program to start for `subprocess.run([sys.executable, …])`: this binary is no interpreter by itself.
const EXECUTABLE: &str = env!("ZYGO_PYTHON_EXECUTABLE");

/// Starts CPython without anything of the user who started this process: no environment, no signal handlers, no
/// `site` and its search for configuration files.
pub(crate) fn start() -> Result<(), String> {
    pre_initialize()?;
    let mut config = MaybeUninit::<ffi::PyConfig>::uninit();
    // SAFETY: `config` is filled in by the first call before anything reads it, and is cleared once at the end.
    unsafe {
        ffi::PyConfig_InitIsolatedConfig(config.as_mut_ptr());
        let config = config.assume_init_mut();
        let started = configure(config).and_then(|()| check(ffi::Py_InitializeFromConfig(config)));
        ffi::PyConfig_Clear(config);
        started
    }
}

/// UTF-8 everywhere, whatever the locale of the machine.
fn pre_initialize() -> Result<(), String> {
    let mut config = MaybeUninit::<ffi::PyPreConfig>::uninit();
    // SAFETY: the first call fills in `config`; the second reads it and takes no ownership.
    unsafe {
        ffi::PyPreConfig_InitIsolatedConfig(config.as_mut_ptr());
        let config = config.assume_init_mut();
        config.utf8_mode = 1;
        check(ffi::Py_PreInitialize(config))
    }
}

fn configure(config: &mut ffi::PyConfig) -> Result<(), String> {
    config.site_import = 0;
    config.install_signal_handlers = 0;
    config.buffered_stdio = 0;
    config.module_search_paths_set = 1;
    set(config, |config| &raw mut config.program_name, "zygo-python")?;
    set(config, |config| &raw mut config.executable, EXECUTABLE)?;
    for field in [
        |config: &mut ffi::PyConfig| &raw mut config.prefix,
        |config: &mut ffi::PyConfig| &raw mut config.exec_prefix,
        |config: &mut ffi::PyConfig| &raw mut config.base_prefix,
        |config: &mut ffi::PyConfig| &raw mut config.base_exec_prefix,
    ] {
        set(config, field, PREFIX)?;
    }
    SEARCH_PATHS
        .split(':')
        .try_for_each(|path| add_search_path(config, path))
}

/// Sets one text of the configuration.
fn set(
    config: &mut ffi::PyConfig,
    field: impl FnOnce(&mut ffi::PyConfig) -> *mut *mut libc::wchar_t,
    value: &str,
) -> Result<(), String> {
    let value = CString::new(value).map_err(|error| error.to_string())?;
    let field = field(config);
    // SAFETY: `field` points into `config`, which the interpreter initialised; the value is copied.
    check(unsafe { ffi::PyConfig_SetBytesString(config, field, value.as_ptr()) })
}

fn add_search_path(config: &mut ffi::PyConfig, path: &str) -> Result<(), String> {
    let path = CString::new(path).map_err(|error| error.to_string())?;
    // SAFETY: `path` ends with a NUL; the decoded copy is freed below by the allocator that made it; the list copies.
    unsafe {
        let wide = ffi::Py_DecodeLocale(path.as_ptr(), std::ptr::null_mut());
        if wide.is_null() {
            return Err(format!("search path {path:?} cannot be decoded"));
        }
        let appended = ffi::PyWideStringList_Append(&raw mut config.module_search_paths, wide);
        ffi::PyMem_RawFree(wide.cast());
        check(appended)
    }
}

fn check(status: ffi::PyStatus) -> Result<(), String> {
    // SAFETY: the status comes from the interpreter, whose message is a literal or null.
    unsafe {
        if ffi::PyStatus_Exception(status) == 0 {
            return Ok(());
        }
        let message = if status.err_msg.is_null() {
            "unknown error".into()
        } else {
            CStr::from_ptr(status.err_msg).to_string_lossy()
        };
        Err(format!(
            "CPython does not start: {message} (searched {SEARCH_PATHS}; is libpython3-stdlib installed?)"
        ))
    }
}

/// Engine and version, such as `CPython 3.11.2`.
pub(crate) fn version() -> String {
    // SAFETY: the text is static.
    let text = unsafe { CStr::from_ptr(ffi::Py_GetVersion()) }.to_string_lossy();
    format!("CPython {}", text.split(' ').next().unwrap_or_default())
}

/// The main thread's state while other Python threads may run.
///
/// Between invocations the main thread waits in a system call. When the user's code has threads, they would wait for it
/// in vain and wake up in vain two hundred times a second, so the interpreter is left to them.
#[derive(Debug, Default)]
pub(crate) struct Detached(Option<std::ptr::NonNull<ffi::PyThreadState>>);

impl Detached {
    /// Leaves the interpreter to other threads, if there are any.
    pub(crate) fn leave_to_threads(&mut self) {
        // SAFETY: the calling thread is attached, so the list of threads does not change while its head is read, and
        // it may detach itself; `come_back` is called before it next uses Python.
        unsafe {
            let head = ffi::PyInterpreterState_ThreadHead(ffi::PyInterpreterState_Get());
            if !ffi::PyThreadState_Next(head).is_null() {
                self.0 = std::ptr::NonNull::new(ffi::PyEval_SaveThread());
            }
        }
    }

    /// Attaches the main thread again.
    pub(crate) fn come_back(&mut self) {
        if let Some(state) = self.0.take() {
            // SAFETY: this is the state that the same thread saved.
            unsafe { ffi::PyEval_RestoreThread(state.as_ptr()) }
        }
    }
}
