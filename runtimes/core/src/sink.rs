//! Where this process reports to: a zygote to its control socket, an instance to its data socket.
//!
//! Global, because engines call back from deep inside user code and from user threads. It is set once in each life of
//! the process: when a language zygote starts, and after each fork.

use std::cell::Cell;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};

use zygo_wire::control::Level;
use zygo_wire::data::Usage;
use zygo_wire::{Failure, InstanceEvent, Socket, WireError, ZygoteEvent, packet};

/// The socket and who listens to it.
#[derive(Debug)]
pub(crate) enum Sink {
    /// No one yet; reports go to standard error.
    Nowhere,
    /// The process is a zygote.
    Control(Socket),
    /// The process is an instance.
    Data(Socket),
}

static SINK: RwLock<Sink> = RwLock::new(Sink::Nowhere);

/// The invocation that runs now, by its number; log lines carry it.
static NUMBER: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// The invocation that this thread works for, where several run at once.
    static OWN_NUMBER: Cell<u64> = const { Cell::new(0) };
}

/// Replaces the sink. The old socket is forgotten rather than closed: after a fork it belongs to the parent, and its
/// descriptor is closed with all others of the parent.
pub(crate) fn set(sink: Sink) {
    if let Ok(mut current) = SINK.write() {
        std::mem::forget(std::mem::replace(&mut *current, sink));
    }
}

/// Notes which invocation runs now.
pub(crate) fn set_number(number: u64) {
    NUMBER.store(number, Ordering::Relaxed);
}

/// Notes which invocation this thread works for.
pub(crate) fn set_own_number(number: u64) {
    OWN_NUMBER.set(number);
}

/// Which invocation this thread works for.
pub(crate) fn own_number() -> u64 {
    OWN_NUMBER.get()
}

/// Which invocation runs now, on this thread if there are several.
pub(crate) fn number() -> u64 {
    match OWN_NUMBER.get() {
        0 => NUMBER.load(Ordering::Relaxed),
        own => own,
    }
}

/// Runs `with` on the sink. The lock is only ever shared after start-up, so this does not wait.
pub(crate) fn with<T>(with: impl FnOnce(&Sink) -> T) -> T {
    match SINK.read() {
        Ok(sink) => with(&sink),
        Err(poisoned) => with(&poisoned.into_inner()),
    }
}

/// Reports one log line.
pub(crate) fn log(number: u64, level: Level, text: &str) -> Result<(), WireError> {
    with(|sink| match sink {
        Sink::Nowhere => {
            crate::run::complain(text);
            Ok(())
        }
        Sink::Control(socket) => {
            let event = ZygoteEvent::Logged {
                level,
                text: text.to_owned(),
            };
            packet::send(socket, &event, &[], &[])
        }
        Sink::Data(socket) => packet::send(
            socket,
            &InstanceEvent::Logged { number, level },
            text.as_bytes(),
            &[],
        ),
    })
}

/// Reports that the user's code failed, in the way that this process reports it.
pub(crate) fn fail(failure: Failure, usage: Usage) -> Result<(), WireError> {
    with(|sink| match sink {
        Sink::Nowhere => {
            crate::run::complain(&failure.message);
            Ok(())
        }
        Sink::Control(socket) => packet::send(socket, &ZygoteEvent::LoadFailed(failure), &[], &[]),
        Sink::Data(socket) => {
            let number = number();
            packet::send(
                socket,
                &InstanceEvent::Failed {
                    number,
                    failure,
                    usage,
                },
                &[],
                &[],
            )
        }
    })
}
