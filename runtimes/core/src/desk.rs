//! The life of an instance that serves several invocations at once: what is asked of it, and how that ended.
//!
//! ```text
//!  supervisor ══ Invoke, Taken ═► Desk::next ─► the language's own loop: an event loop, or threads
//!             ◄═ Finished … ═════ Desk::finish ◄─┘
//! ```
//! Knows nothing of how a language runs several things at once.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zygo_wire::data::Usage;
use zygo_wire::{BodyKind, Failure, InstanceCommand, Socket, WireError, clock, packet};

use crate::instance::{BODY_LEN_MAX, Meter};
use crate::runtime::{Invocation, Response};
use crate::sink::{self, Sink};
use crate::{answer, stream};

/// Where an instance takes its invocations from, and where it gives their ends. Any thread may do either.
#[derive(Debug)]
pub struct Desk {
    concurrency: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    buffer: Vec<u8>,
    /// Set when the first invocation was waiting before this process was there.
    forked_ns: Option<u64>,
    meter: Meter,
    begun: BTreeMap<u64, Begun>,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    received_ns: u64,
    handler_started_ns: u64,
}

/// An invocation that is kept while others are received.
#[derive(Debug)]
pub struct Asked {
    /// What its answer is sent under.
    pub number: u64,
    request_id: String,
    deadline_unix_ms: u64,
    traceparent: String,
    tracestate: String,
    event: Vec<u8>,
    body_kind: BodyKind,
    body: Vec<u8>,
}

/// What was asked of an instance.
#[derive(Debug)]
pub enum Ask {
    /// To run the handler.
    Invoke(Box<Asked>),
    /// Nothing: another piece of this invocation's answer may be sent, or its sender learns that none is wanted.
    Taken(u64),
}

impl Asked {
    /// The invocation.
    #[must_use]
    pub fn invocation(&self) -> Invocation<'_> {
        Invocation {
            request_id: &self.request_id,
            deadline_unix_ms: self.deadline_unix_ms,
            traceparent: &self.traceparent,
            tracestate: Some(&*self.tracestate).filter(|state| !state.is_empty()),
            event: &self.event,
            body_kind: self.body_kind,
            body: &self.body,
        }
    }
}

impl Desk {
    pub(crate) fn new(concurrency: u32, forked_ns: Option<u64>, buffer: Vec<u8>) -> Self {
        let state = State {
            buffer,
            forked_ns,
            meter: Meter::default(),
            begun: BTreeMap::new(),
        };
        Self {
            concurrency,
            state: Mutex::new(state),
        }
    }

    /// The most invocations at once.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.concurrency as usize
    }

    /// What can be read when something is asked.
    #[must_use]
    pub fn fd(&self) -> RawFd {
        with_socket(|socket| Ok(socket.as_raw_fd())).unwrap_or(-1)
    }

    /// What is asked next, `None` when that is nothing yet.
    ///
    /// # Errors
    /// When the supervisor is gone, or says what is no message.
    pub fn next(&self) -> Result<Option<Ask>, WireError> {
        let mut state = self.lock();
        let State {
            buffer,
            forked_ns,
            begun,
            ..
        } = &mut *state;
        let received = match with_socket(|socket| socket.receive_now(buffer)) {
            Err(WireError::WouldBlock) => return Ok(None),
            received => received?,
        };
        let now_ns = clock::monotonic_ns();
        let (command, inline) = packet::decode(&buffer[..received.len])?;
        let header = match command {
            InstanceCommand::Invoke(header) => header,
            InstanceCommand::Taken { number } => {
                stream::taken(number);
                return Ok(Some(Ask::Taken(number)));
            }
            InstanceCommand::Cancel { number } => {
                stream::cancel(number);
                return Ok(Some(Ask::Taken(number)));
            }
        };
        let came = packet::body(inline, header.body_len, &received.descriptors, BODY_LEN_MAX)?;
        let (event, body) = header.event_and_body(&came)?;
        let asked = Asked {
            number: header.number,
            request_id: header.request_id.to_owned(),
            deadline_unix_ms: header.deadline_unix_ms,
            traceparent: header.traceparent.to_owned(),
            tracestate: header.tracestate.to_owned(),
            event: event.to_vec(),
            body_kind: header.body_kind,
            body: body.to_vec(),
        };
        let times = Begun {
            received_ns: forked_ns.take().unwrap_or(now_ns),
            handler_started_ns: clock::monotonic_ns(),
        };
        begun.insert(asked.number, times);
        Ok(Some(Ask::Invoke(Box::new(asked))))
    }

    /// Notes that the handler is called only now: the invocation waited for a thread.
    pub fn started(&self, number: u64) {
        if let Some(begun) = self.lock().begun.get_mut(&number) {
            begun.handler_started_ns = clock::monotonic_ns();
        }
    }

    /// Tells how an invocation ended. Processor time that was used since the last end is counted as this one's.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub fn finish(&self, number: u64, result: Result<Response, Failure>) -> Result<(), WireError> {
        stream::forget(number);
        let handler_ended_ns = clock::monotonic_ns();
        let usage = {
            let mut state = self.lock();
            let Some(begun) = state.begun.remove(&number) else {
                return Ok(());
            };
            state.meter.read(Usage {
                received_ns: begun.received_ns,
                handler_started_ns: begun.handler_started_ns,
                handler_ended_ns,
                ..Usage::default()
            })
        };
        with_socket(|socket| answer::send(socket, number, result, usage))
    }

    /// Tells everybody who asks that nothing can be served.
    pub(crate) fn refuse_all(&self, failure: &Failure) -> Result<(), WireError> {
        loop {
            match self.next()? {
                Some(Ask::Invoke(asked)) => self.finish(asked.number, Err(failure.clone()))?,
                Some(Ask::Taken(_)) => {}
                None => return Ok(()),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn with_socket<T>(with: impl FnOnce(&Socket) -> Result<T, WireError>) -> Result<T, WireError> {
    sink::with(|sink| match sink {
        Sink::Data(socket) => with(socket),
        _ => Err(WireError::Closed),
    })
}
