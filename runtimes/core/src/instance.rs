//! The life of an instance: become fresh, load if that was put off, then one invocation after another.
//!
//! ```text
//!  forked ─► restored ─► (loaded) ─► waiting ⇄ serving ─► end, after one invocation where that is all
//!                 └──────────┴─ failed: the first invocation is told why ─► end
//! ```
//! Two system calls for each invocation, `recvmsg` and `sendmsg`, and a third for the usage figures; one more for each
//! piece of an answer that comes in pieces. Where several invocations are served at once, see `desk.rs`.
//! Knows nothing of forks.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use zygo_sandbox::seccomp::{Filter, Filters};
use zygo_wire::control::Purpose;
use zygo_wire::data::Usage;
use zygo_wire::{
    Failure, FailureKind, Function, InstanceCommand, InstanceEvent, Layer, LoadWhen, Socket,
    WireError, clock, packet,
};

use crate::desk::Desk;
use crate::runtime::{Invocation, Runtime};
use crate::sink::{self, Sink};
use crate::zygote::Zygote;
use crate::{answer, process};

/// Nothing larger reaches an instance; the supervisor's own limit is lower.
pub(crate) const BODY_LEN_MAX: usize = 1 << 30;

/// How long an instance that serves once may still be there, so that its caller has the answer before the kernel begins to
/// take it apart, which keeps a processor busy.
const LINGER: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 1_000_000,
};

/// Serves until the supervisor closes the socket, or one invocation where that is all, then ends the process.
///
/// The buffer is the zygote's: its pages are there, and a new one would cost a fault for each of its own.
pub(crate) fn run<R: Runtime>(zygote: &mut Zygote<R>, function: &Function, purpose: Purpose) -> ! {
    let forked_ns = clock::monotonic_ns();
    let Zygote {
        runtime,
        buffer,
        filters,
        ..
    } = zygote;
    let usable = narrow(filters, function).and_then(|()| get_ready(runtime, function));
    let forked_ns = (purpose == Purpose::Serve).then_some(forked_ns);
    let outcome = with_socket(|socket| {
        if purpose == Purpose::Park {
            if usable.is_ok() {
                runtime.rehearse();
            }
            packet::send(socket, &InstanceEvent::Parked, &[], &[])?;
        }
        match function.concurrency {
            0 | 1 => serve(runtime, socket, usable, forked_ns, buffer, function.once),
            several => serve_several(runtime, socket, usable, several, forked_ns, buffer),
        }
    });
    process::end(match outcome {
        Ok(()) | Err(WireError::Closed) => 0,
        Err(_) => 1,
    })
}

/// An instance may do less than its zygote.
fn narrow(filters: &Filters, function: &Function) -> Result<(), Failure> {
    let Some(plan) = &function.sandbox else {
        return Ok(());
    };
    if plan.has(Layer::Pid) {
        process::end_by_abort_as_ever();
    }
    if plan.has(Layer::Landlock) {
        zygo_sandbox::separate().map_err(|error| not_held(&error))?;
    }
    let filter = filters.instance(plan);
    let applied = filter.map_or(Ok(()), Filter::apply);
    applied.map_err(|error| not_held(&error))
}

fn not_held(error: &dyn std::error::Error) -> Failure {
    Failure::new(FailureKind::Isolation, "Isolation", error.to_string())
}

fn get_ready<R: Runtime>(runtime: &mut R, function: &Function) -> Result<(), Failure> {
    runtime.after_restore()?;
    match function.load_when {
        LoadWhen::BeforeFork => Ok(()),
        LoadWhen::AfterFork => runtime.load(function),
    }
}

fn with_socket<T>(with: impl FnOnce(&Socket) -> Result<T, WireError>) -> Result<T, WireError> {
    sink::with(|sink| match sink {
        Sink::Data(socket) => with(socket),
        _ => Err(WireError::Closed),
    })
}

fn serve_several<R: Runtime>(
    runtime: &mut R,
    socket: &Socket,
    usable: Result<(), Failure>,
    concurrency: u32,
    forked_ns: Option<u64>,
    buffer: &mut Vec<u8>,
) -> Result<(), WireError> {
    let Err(failure) = usable else {
        let desk = Desk::new(concurrency, forked_ns, std::mem::take(buffer));
        return runtime.serve_several(desk.open());
    };
    // The first is waited for, as everywhere; others may have come with it.
    let refused = Err(failure.clone());
    serve(runtime, socket, refused, forked_ns, buffer, false)?;
    Desk::new(concurrency, None, std::mem::take(buffer)).refuse_all(&failure)
}

/// `forked_ns` is set when the first invocation was waiting before this process was there.
fn serve<R: Runtime>(
    runtime: &mut R,
    socket: &Socket,
    usable: Result<(), Failure>,
    mut forked_ns: Option<u64>,
    buffer: &mut [u8],
    once: bool,
) -> Result<(), WireError> {
    let mut meter = Meter::default();
    loop {
        let received = socket.receive(buffer)?;
        let now_ns = clock::monotonic_ns();
        let (InstanceCommand::Invoke(header), inline) = packet::decode(&buffer[..received.len])?
        else {
            return Err(WireError::Violation("a command for several invocations"));
        };
        let came = packet::body(inline, header.body_len, &received.descriptors, BODY_LEN_MAX)?;
        let (event, body) = header.event_and_body(&came)?;
        sink::set_number(header.number);
        let invocation = Invocation {
            request_id: header.request_id,
            deadline_unix_ms: header.deadline_unix_ms,
            traceparent: header.traceparent,
            tracestate: Some(header.tracestate).filter(|state| !state.is_empty()),
            event,
            body_kind: header.body_kind,
            body,
        };
        let handler_started_ns = clock::monotonic_ns();
        let result = usable.clone().and_then(|()| runtime.invoke(&invocation));
        let usage = meter.read(Usage {
            received_ns: forked_ns.take().unwrap_or(now_ns),
            handler_started_ns,
            handler_ended_ns: clock::monotonic_ns(),
            ..Usage::default()
        });
        answer::send(socket, header.number, result, usage)?;
        if usable.is_err() {
            return Ok(());
        }
        if once {
            linger(socket);
            return Ok(());
        }
    }
}

/// Waits for the supervisor to let go, for a moment.
fn linger(socket: &Socket) {
    let mut on_socket = [PollFd::new(socket, PollFlags::IN)];
    // Whatever comes, or not, the process ends.
    let _ = poll(&mut on_socket, Some(&LINGER));
}

/// Reads what the kernel counted for this process.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Processor time at the end of the last invocation.
    cpu_before_us: u64,
    memory_peak_kib: u64,
}

impl Meter {
    /// Fills in processor time since the last reading, and the memory peak.
    pub(crate) fn read(&mut self, usage: Usage) -> Usage {
        let Ok(counted) = getrusage(UsageWho::RUSAGE_SELF) else {
            return usage;
        };
        let total_us =
            counted.user_time().num_microseconds() + counted.system_time().num_microseconds();
        let total_us = u64::try_from(total_us).unwrap_or(0);
        let cpu_us = total_us - self.cpu_before_us.min(total_us);
        self.cpu_before_us = total_us;
        self.memory_peak_kib = u64::try_from(counted.max_rss()).unwrap_or(0);
        self.peak(Usage { cpu_us, ..usage })
    }

    /// Fills in the memory peak alone, as it was at the last reading.
    pub(crate) fn peak(&self, usage: Usage) -> Usage {
        Usage {
            memory_peak_kib: self.memory_peak_kib,
            ..usage
        }
    }
}
