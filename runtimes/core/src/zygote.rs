//! What both kinds of zygote do: fork on command until the control socket ends. And how a language zygote gets ready.
//!
//! ```text
//!  language zygote: prepare ─► ready ─► fork function zygotes …      (here)
//!  function zygote: load ─► … ─► ready ─► fork instances …           (function_zygote.rs)
//! ```
//! Knows nothing of invocations.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use zygo_sandbox::PidNamespaces;
use zygo_sandbox::seccomp::Filters;
use zygo_wire::{Function, PROTOCOL, Socket, WireError, ZygoteCommand, ZygoteEvent, packet};

use crate::children::{self, Children, Wake, own};
use crate::fresh::{self, Role};
use crate::newborn::Newborn;
use crate::runtime::{Fork, Runtime};
use crate::sink::{self, Sink};
use crate::{administration, function_zygote, instance, orphans, process};

/// A whole function description with its environment fits.
const COMMAND_LEN_MAX: usize = zygo_wire::socket::PACKET_LEN_MAX;

/// A zygote is started with standard input, output and error.
const FIRST_UNEXPECTED: u32 = 3;

/// Descriptors that a zygote may hold: its own start at 512 and one is kept for each living child.
const DESCRIPTORS_MAX: u64 = 65_536;

/// A process that forks on command.
pub(crate) struct Zygote<R> {
    /// The engine.
    pub(crate) runtime: R,
    /// Absent only in a child between the fork and its new life.
    children: Option<Children>,
    pub(crate) newborn: Newborn,
    pub(crate) buffer: Vec<u8>,
    /// Where function zygotes are born; of use in a language zygote alone.
    namespaces: Option<PidNamespaces>,
    /// What function zygotes and instances may ask of the kernel, made ready once for all of them.
    pub(crate) filters: Filters,
}

/// Runs the language zygote whose control socket is standard input.
pub(crate) fn run_language_zygote<R: Runtime>() -> ExitCode {
    process::set_title("zygo", R::NAME);
    if let Err(code) = administration::ensure() {
        return code;
    }
    match start_language_zygote::<R>().and_then(|mut zygote| zygote.serve(None)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::run::complain(&format!("zygo-{}: {error}", R::NAME));
            ExitCode::FAILURE
        }
    }
}

fn start_language_zygote<R: Runtime>() -> io::Result<Zygote<R>> {
    let started = Instant::now();
    raise_descriptor_limit();
    // Asked once and then known, because inside the sandbox the system does not tell it.
    let _ = rustix::param::page_size();
    // What the supervisor was started with by others is none of ours.
    fresh::close_all_from(FIRST_UNEXPECTED);
    let control = own(std::io::stdin())?;
    let null = std::fs::File::open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    let runtime = R::prepare().map_err(io::Error::other)?;
    let zygote = Zygote::new(runtime, control)?;
    zygote.report_ready(started);
    Ok(zygote)
}

/// The soft limit is often 1,024, which would leave no room above the base.
fn raise_descriptor_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        // With the old limit the zygote works, for fewer children.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard.min(DESCRIPTORS_MAX), hard);
    }
}

impl<R: Runtime> Zygote<R> {
    fn new(runtime: R, control: OwnedFd) -> io::Result<Self> {
        orphans::inherit();
        let children = Some(Children::new(&control)?);
        sink::set(Sink::Control(Socket::from(control)));
        Ok(Self {
            runtime,
            children,
            newborn: Newborn::default(),
            namespaces: Some(PidNamespaces::remember(own)?),
            filters: Filters::prepare(R::NAME).map_err(io::Error::other)?,
            buffer: vec![0; COMMAND_LEN_MAX],
        })
    }

    /// Obeys commands until the supervisor is gone. `function` is what instances will serve, in a function zygote.
    pub(crate) fn serve(&mut self, function: Option<&Function>) -> io::Result<()> {
        loop {
            let Some(children) = &mut self.children else {
                return Ok(());
            };
            let wakes = children.wait(self.newborn.patience())?;
            let is_due = wakes.is_empty() || self.newborn.patience() == Some(Duration::ZERO);
            let mut has_one_ended = is_due && self.report_newborn()?;
            for wake in wakes {
                match wake {
                    Wake::Exited(child, status) => {
                        report(&ZygoteEvent::Exited { child, status }, &[]);
                        has_one_ended = true;
                    }
                    Wake::Command => match self.receive() {
                        Ok((command, descriptors)) => self.obey(command, descriptors, function)?,
                        Err(WireError::Closed) => return Ok(()),
                        Err(error) => return Err(io::Error::other(error)),
                    },
                }
            }
            if has_one_ended {
                self.end_orphans();
            }
        }
    }

    /// The next command and what came with it.
    pub(crate) fn receive(&mut self) -> Result<(ZygoteCommand, Vec<OwnedFd>), WireError> {
        sink::with(|sink| match sink {
            Sink::Control(socket) => {
                let received = socket.receive(&mut self.buffer)?;
                let (command, _) = packet::decode(&self.buffer[..received.len])?;
                Ok((command, received.descriptors))
            }
            _ => Err(WireError::Closed),
        })
    }

    fn obey(
        &mut self,
        command: ZygoteCommand,
        descriptors: Vec<OwnedFd>,
        function: Option<&Function>,
    ) -> io::Result<()> {
        let mut descriptors = descriptors.into_iter();
        match (command, function, descriptors.next(), descriptors.next()) {
            (
                ZygoteCommand::ForkFunctionZygote {
                    child,
                    in_namespace,
                },
                None,
                Some(control),
                Some(output),
            ) => {
                let role = Role::FunctionZygote(Socket::from(control));
                match self.fork_into_namespace(child, role, in_namespace)? {
                    Fork::Child => function_zygote::run(self, output),
                    Fork::Parent(_) => Ok(()),
                }
            }
            (ZygoteCommand::ForkInstance { child, purpose }, Some(function), Some(data), None) => {
                match self.fork(child, Role::Instance(Socket::from(data), &function.name))? {
                    Fork::Child => instance::run(self, function, purpose),
                    Fork::Parent(_) => Ok(()),
                }
            }
            _ => Err(io::Error::other("a command that this zygote cannot obey")),
        }
    }

    /// Forks a process that is the first of a namespace, if that is wanted. A refusal is reported, not fatal.
    fn fork_into_namespace(
        &mut self,
        child: u64,
        role: Role<'_>,
        in_namespace: bool,
    ) -> io::Result<Fork> {
        if !in_namespace {
            return self.fork(child, role);
        }
        let Some(namespaces) = self.namespaces.take() else {
            return Err(io::Error::other("only a language zygote makes namespaces"));
        };
        if let Err(error) = namespaces.enter_with_next_child() {
            self.namespaces = Some(namespaces);
            let message =
                format!("the layer `pid` cannot be applied: making a PID namespace: {error}");
            report(&ZygoteEvent::ForkFailed { child, message }, &[]);
            return Ok(Fork::Parent(0));
        }
        let forked = self.fork(child, role)?;
        match forked {
            // The descriptor is closed already, with all others of the parent.
            Fork::Child => std::mem::forget(namespaces),
            Fork::Parent(_) => {
                namespaces.leave()?;
                self.namespaces = Some(namespaces);
            }
        }
        Ok(forked)
    }

    /// Forks. The parent reports the child and keeps count of it; the child takes on its role. A refused fork is
    /// reported, not fatal.
    fn fork(&mut self, child: u64, role: Role<'_>) -> io::Result<Fork> {
        let parent = nix::unistd::getpid();
        match self.runtime.fork() {
            Ok(Fork::Child) => {
                self.newborn = Newborn::default();
                if let Some(inherited) = self.children.take() {
                    fresh::start(parent, inherited, role)?;
                }
                self.runtime.reseed();
                Ok(Fork::Child)
            }
            Ok(Fork::Parent(pid)) => {
                drop(role);
                self.newborn.push(child, pid);
                Ok(Fork::Parent(pid))
            }
            Err(error) => {
                report(
                    &ZygoteEvent::ForkFailed {
                        child,
                        message: error.to_string(),
                    },
                    &[],
                );
                Ok(Fork::Parent(0))
            }
        }
    }

    /// Ends what a child that is no more has left behind.
    fn end_orphans(&self) {
        if let Some(children) = &self.children {
            orphans::end_unknown(|pid| children.contains(pid) || self.newborn.contains(pid));
        }
    }

    /// Tells the supervisor of children that are there by now, or are no more. Whether there is one of those.
    fn report_newborn(&mut self) -> io::Result<bool> {
        let mut has_one_ended = false;
        for (child, pid) in self.newborn.drain() {
            if let Some(status) = children::ended(pid) {
                report(&ZygoteEvent::Exited { child, status }, &[]);
                has_one_ended = true;
            } else if let Some(children) = &mut self.children {
                let pidfd = children.add(child, pid)?;
                report(&ZygoteEvent::Forked { child, pid }, &[pidfd]);
            }
        }
        Ok(has_one_ended)
    }

    /// Says that forks are welcome.
    pub(crate) fn report_ready(&self, started: Instant) {
        let duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        report(
            &ZygoteEvent::Ready {
                protocol: PROTOCOL,
                duration_us,
                engine: self.runtime.engine(),
            },
            &[],
        );
    }
}

impl<R> Zygote<R> {
    /// Waits on the new control socket, which [`fresh::start`] made the sink.
    pub(crate) fn adopt_control(&mut self) -> io::Result<()> {
        // The flag is not inherited.
        orphans::inherit();
        self.children = sink::with(|sink| match sink {
            Sink::Control(socket) => Children::new(socket).map(Some),
            _ => Err(io::Error::other(
                "a function zygote without a control socket",
            )),
        })?;
        Ok(())
    }
}

/// Sends an event. When the supervisor is gone, the next receive will notice.
pub(crate) fn report(event: &ZygoteEvent, descriptors: &[&OwnedFd]) {
    let descriptors: Vec<_> = descriptors.iter().map(|fd| fd.as_fd()).collect();
    sink::with(|sink| {
        if let Sink::Control(socket) = sink {
            let _ = packet::send(socket, event, &[], &descriptors);
        }
    });
}
