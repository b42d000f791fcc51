//! The one seam between what all languages share and what each does for itself.
//!
//! ```text
//!  language zygote   prepare ─► (idle) ─► fork
//!  function zygote                         └─► reseed ─► load ─► fork_blockers ─► before_snapshot ─► (idle) ─► fork
//!  instance                                          └─► reseed ─► after_restore ─► invoke ─► invoke …      ◄──┘
//! ```
//! With [`zygo_wire::LoadWhen::AfterFork`] the function zygote loads nothing, and the instance calls `after_restore`, then `load`.
//!
//! Every method is called on the process's one main thread. None may start a thread before `after_restore`.

use std::io;
use std::path::Path;

use zygo_wire::{BodyKind, Failure, Function, WireError};

use crate::desk::Desk;

/// An embedded engine with its shim.
pub trait Runtime: Sized {
    /// The runtime's name as users write it, such as `python`.
    const NAME: &'static str;

    /// What the engine may need beside the function's memory limit (code, caches), in MB. An engine that enforces the
    /// limit itself leaves itself enough room here to notice first.
    const MEMORY_SLACK_MB: u32 = 16;

    /// Starts the engine and loads the shim and what is common to all functions. No tenant data is in the process yet.
    ///
    /// # Errors
    /// When the engine cannot start; the text says what is missing and how to get it.
    fn prepare() -> Result<Self, String>;

    /// Engine and version, such as `CPython 3.11.2`.
    fn engine(&self) -> String;

    /// Turns an uploaded bundle into what `load` reads, at deploy: transpiles, compiles, checks the syntax. Runs in a
    /// process of its own, without an engine.
    ///
    /// # Errors
    /// A syntax error in the user's file and line.
    fn build(directory: &Path) -> Result<(), Failure>;

    /// Runs the top level of the user's module and finds its handler. Sets the environment first.
    ///
    /// # Errors
    /// What the module threw, or which file or function is missing.
    fn load(&mut self, function: &Function) -> Result<(), Failure>;

    /// What the loaded module left behind in the *engine* that would not survive a fork (pending timers, promises,
    /// operations), one text for each culprit. Threads and descriptors are found by the core.
    fn fork_blockers(&mut self) -> Vec<String>;

    /// The names of the threads that the module started, where the engine knows better than the kernel.
    fn thread_names(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Runs the user's `beforeSnapshot` hooks, then makes the heap ready to be shared: collect, compact, freeze.
    ///
    /// # Errors
    /// What a hook threw.
    fn before_snapshot(&mut self) -> Result<(), Failure>;

    /// Forks this process with whatever the engine needs around it.
    ///
    /// # Errors
    /// When the system refuses.
    fn fork(&mut self) -> io::Result<Fork>;

    /// Makes random generators different from every relative's. Called first in *every* forked process, function
    /// zygotes included, so that not even modules' top levels share numbers.
    fn reseed(&mut self);

    /// In a forked process that will serve, after `reseed`: makes a new event loop, corrects clocks, runs the user's
    /// `afterRestore` hooks (when code is loaded).
    ///
    /// # Errors
    /// What a hook threw.
    fn after_restore(&mut self) -> Result<(), Failure>;

    /// In an instance that was forked ahead of demand: does what the first invocation would find undone (pages to copy,
    /// caches to fill), without running the user's code.
    fn rehearse(&mut self) {}

    /// Runs the handler once, to its end. An answer that comes in pieces is given to [`crate::stream`], piece by piece;
    /// what is left to return then is how that ended.
    ///
    /// # Errors
    /// What the handler threw, in the user's own files and lines.
    fn invoke(&mut self, invocation: &Invocation<'_>) -> Result<Response, Failure>;

    /// Runs the handler for whatever `desk` asks, several at once, until the supervisor is gone. Lines and pieces name the
    /// invocation that they belong to: [`crate::log::write_of`], [`crate::stream::push_of`]. May start threads.
    ///
    /// # Errors
    /// Those of `desk`.
    fn serve_several(&mut self, desk: &'static Desk) -> Result<(), WireError>;
}

/// On which side of a fork the process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fork {
    /// The process that forked, and the child's process id.
    Parent(i32),
    /// The new process.
    Child,
}

/// One event to handle.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// The invocation's id, `req-…`.
    pub request_id: &'a str,
    /// When the instance will be killed, in milliseconds since the Unix epoch.
    pub deadline_unix_ms: u64,
    /// Its place in its trace, as a `traceparent` of W3C Trace Context.
    pub traceparent: &'a str,
    /// The `tracestate` of that trace, if it has one.
    pub tracestate: Option<&'a str>,
    /// The event as one JSON object, valid, without `body`.
    pub event: &'a [u8],
    /// How the handler is to see the body.
    pub body_kind: BodyKind,
    /// The event's body. Valid JSON when `body_kind` is [`BodyKind::Json`], valid UTF-8 when it is [`BodyKind::Text`].
    pub body: &'a [u8],
}

/// What a handler answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The handler's `statusCode`, 200 when it named none.
    pub status_code: u16,
    /// Headers in the handler's order; `cookies` are `set-cookie` entries here.
    pub headers: Vec<(String, String)>,
    /// What the body is.
    pub body_kind: BodyKind,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it, JSON text when its kind is [`BodyKind::Json`].
    Whole(Vec<u8>),
    /// It went out in pieces, and the head of the answer before them.
    Sent,
}
