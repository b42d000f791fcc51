//! The life of an instance that serves several invocations at once: what is asked of it, and how that ended.
//!
//! ```text
//!  supervisor ══ Invoke, Taken ═► Desk::next ─► the language's own loop: an event loop, or threads
//!             ◄═ Finished … ═════ Desk::finish ◄─┘
//! ```
//! What is asked may come in parcels, and is given out one by one. Answers go out by themselves, or, where a loop says when
//! it is done with its turn, in parcels too (`finish_in_turn`).
//! Knows nothing of how a language runs several things at once.

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use zygo_wire::data::{InvokeHeader, Usage};
use zygo_wire::socket::Received;
use zygo_wire::{BodyKind, Failure, InstanceCommand, Socket, WireError, clock, packet, parcel};

use crate::instance::{BODY_LEN_MAX, Meter};
use crate::outbox::Outbox;
use crate::runtime::{Invocation, Response};
use crate::sink::{self, Sink};
use crate::{answer, stream};

/// The desk of this process.
static DESK: OnceLock<&'static Desk> = OnceLock::new();

/// Gives out what has ended. For whoever is about to end the process: what has its answer has nothing to do with that.
pub fn give_out() {
    let state = DESK.get().map(|desk| desk.state.try_lock());
    // Whoever holds it is about to give out what it has. Without a supervisor nobody waits.
    if let Some(Ok(mut state)) = state {
        let _ = with_socket(|socket| state.outbox.send(socket));
    }
}

/// Where an instance takes its invocations from, and where it gives their ends. Any thread may do either.
#[derive(Debug)]
pub struct Desk {
    concurrency: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    buffer: Vec<u8>,
    /// What came in the last packet and was not given out yet.
    came: VecDeque<Ask>,
    outbox: Outbox,
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
            came: VecDeque::new(),
            outbox: Outbox::default(),
            forked_ns,
            meter: Meter::default(),
            begun: BTreeMap::new(),
        };
        Self {
            concurrency,
            state: Mutex::new(state),
        }
    }

    /// Makes this the desk of the process, until it ends.
    pub(crate) fn open(self) -> &'static Self {
        let desk = Box::leak(Box::new(self));
        // Once in each process.
        let _ = DESK.set(desk);
        desk
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

    /// Whether something came that [`Self::next`] gives out without asking the supervisor.
    #[must_use]
    pub fn holds_more(&self) -> bool {
        !self.lock().came.is_empty()
    }

    /// What is asked next, `None` when that is nothing yet.
    ///
    /// # Errors
    /// When the supervisor is gone, or says what is no message.
    pub fn next(&self) -> Result<Option<Ask>, WireError> {
        let mut state = self.lock();
        let state = &mut *state;
        if state.came.is_empty() && !state.receive()? {
            return Ok(None);
        }
        let ask = state.came.pop_front();
        if let Some(Ask::Invoke(asked)) = &ask {
            let now_ns = clock::monotonic_ns();
            state.outbox.begin_another(now_ns);
            let times = Begun {
                received_ns: state.forked_ns.take().unwrap_or(now_ns),
                handler_started_ns: now_ns,
            };
            state.begun.insert(asked.number, times);
        }
        Ok(ask)
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
        let usage = self.lock().end(number);
        match usage {
            Some(usage) => with_socket(|socket| answer::send(socket, number, result, usage)),
            None => Ok(()),
        }
    }

    /// The same by the end of the turn, which [`Self::end_turn`] says: for whoever begins one invocation after the other.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub fn finish_in_turn(
        &self,
        number: u64,
        result: Result<Response, Failure>,
    ) -> Result<(), WireError> {
        stream::forget(number);
        let mut state = self.lock();
        let Some(usage) = state.end(number) else {
            return Ok(());
        };
        with_socket(|socket| state.outbox.answer(socket, number, result, usage))
    }

    /// Gives out the answers of the turn.
    ///
    /// # Errors
    /// When the supervisor is gone.
    pub fn end_turn(&self) -> Result<(), WireError> {
        let mut state = self.lock();
        with_socket(|socket| state.outbox.send(socket))
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

impl State {
    /// Takes in a packet. Whether there was one.
    fn receive(&mut self) -> Result<bool, WireError> {
        let Self { buffer, came, .. } = self;
        let received = match with_socket(|socket| socket.receive_now(buffer)) {
            Err(WireError::WouldBlock) => return Ok(false),
            received => received?,
        };
        for message in parcel::messages(&buffer[..received.len]) {
            came.push_back(ask(message?, &received)?);
        }
        Ok(true)
    }

    /// What an invocation cost that ends now, unless it has ended.
    fn end(&mut self, number: u64) -> Option<Usage> {
        let begun = self.begun.remove(&number)?;
        let usage = Usage {
            received_ns: begun.received_ns,
            handler_started_ns: begun.handler_started_ns,
            handler_ended_ns: clock::monotonic_ns(),
            ..Usage::default()
        };
        // Of those that end within one turn, the first one's figures are all that the turn has cost so far.
        Some(match self.outbox.is_empty() {
            true => self.meter.read(usage),
            false => self.meter.peak(usage),
        })
    }
}

/// What a message asks for.
fn ask(message: &[u8], received: &Received) -> Result<Ask, WireError> {
    let (command, inline) = packet::decode(message)?;
    Ok(match command {
        InstanceCommand::Invoke(header) => {
            let came = &received.descriptors;
            let body = packet::body(inline, header.body_len, came, BODY_LEN_MAX)?;
            Ask::Invoke(Box::new(asked(&header, &body)?))
        }
        InstanceCommand::Taken { number } => {
            stream::taken(number);
            Ask::Taken(number)
        }
        InstanceCommand::Cancel { number } => {
            stream::cancel(number);
            Ask::Taken(number)
        }
    })
}

fn asked(header: &InvokeHeader<'_>, came: &[u8]) -> Result<Asked, WireError> {
    let (event, body) = header.event_and_body(came)?;
    Ok(Asked {
        number: header.number,
        request_id: header.request_id.to_owned(),
        deadline_unix_ms: header.deadline_unix_ms,
        traceparent: header.traceparent.to_owned(),
        tracestate: header.tracestate.to_owned(),
        event: event.to_vec(),
        body_kind: header.body_kind,
        body: body.to_vec(),
    })
}

fn with_socket<T>(with: impl FnOnce(&Socket) -> Result<T, WireError>) -> Result<T, WireError> {
    sink::with(|sink| match sink {
        Sink::Data(socket) => with(socket),
        _ => Err(WireError::Closed),
    })
}
