//! Puts a policy in force for a cgroup, and says why where that cannot be.
//!
//! The programs stay with the cgroup until its directory is removed, whether or not this process lives: a supervisor
//! that dies leaves nobody with more than before. Several policies for one directory all have to allow.

use super::asm::{Instruction, TooLong};
use super::bpf;
use super::host::is_cgroup2;
use super::policy::Policy;
use super::program::{Hook, compile};
use rustix::fs::{Mode, OFlags};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// Why a policy could not be put in force.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// No directory of cgroups v2.
    #[error(
        "{0} is not a directory of cgroups v2: mount them with `mount -t cgroup2 cgroup2 /sys/fs/cgroup`, or leave the layer `network` out"
    )]
    NotACgroup(PathBuf),
    /// The directory cannot be opened.
    #[error("cannot open the cgroup {path}")]
    Open {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No right to load programs.
    #[error(
        "the kernel lets this process limit no addresses: run it as root, or with CAP_BPF and CAP_NET_ADMIN, outside of containers that forbid bpf(2)"
    )]
    NotPermitted,
    /// The kernel has no such programs.
    #[error(
        "this kernel does not know the program {hook}: limiting addresses takes Linux 5.11 or later with CONFIG_BPF_SYSCALL and CONFIG_CGROUP_BPF"
    )]
    NotSupported {
        /// The program that it did not know.
        hook: &'static str,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// The kernel does not accept a program.
    #[error(
        "the kernel refuses the program {hook}, which is a defect of this program; its reasons end with:\n{log}"
    )]
    Refused {
        /// Which one.
        hook: &'static str,
        /// What it said.
        #[source]
        source: io::Error,
        /// The end of its reasons.
        log: String,
    },
    /// The kernel does not run the programs for this cgroup.
    #[error(
        "the kernel does not attach the program {hook}: if a cgroup above has programs that allow none below, choose another directory"
    )]
    Attach {
        /// Which one.
        hook: &'static str,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// Too many rules.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// A policy in force for the processes of a cgroup and of all below it.
///
/// Dropping this changes nothing: the policy ends with the directory.
#[derive(Debug)]
pub struct Egress {
    cgroup: OwnedFd,
    programs: Vec<(Hook, OwnedFd)>,
}

impl Egress {
    /// Puts a policy in force for a cgroup v2 directory. Sockets that were made before their process entered it, or a
    /// directory below, are never judged: processes are to enter before they make any.
    pub fn attach(directory: &Path, policy: &Policy) -> Result<Self, EgressError> {
        if !is_cgroup2(directory) {
            return Err(EgressError::NotACgroup(directory.to_owned()));
        }
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let cgroup = rustix::fs::open(directory, flags, Mode::empty());
        let cgroup = cgroup.map_err(|error| EgressError::Open {
            path: directory.to_owned(),
            source: error.into(),
        })?;
        let mut egress = Self {
            cgroup,
            programs: Vec::new(),
        };
        for (hook, program) in load_all(policy)? {
            if let Err(error) = bpf::attach(hook, &egress.cgroup, &program, None) {
                egress.detach();
                return Err(attach_error(hook, error));
            }
            egress.programs.push((hook, program));
        }
        Ok(egress)
    }

    /// Puts another policy in force, each program at once and without a moment in which there is none. Where it fails
    /// every program is either of the old policy or of the new one.
    pub fn replace(&mut self, policy: &Policy) -> Result<(), EgressError> {
        let programs = load_all(policy)?;
        for ((hook, old), (_, new)) in self.programs.iter_mut().zip(programs) {
            let replaced = bpf::attach(*hook, &self.cgroup, &new, Some(old));
            replaced.map_err(|error| attach_error(*hook, error))?;
            *old = new;
        }
        Ok(())
    }

    /// Takes back what a failed attempt has attached. What cannot be taken back only forbids.
    fn detach(&self) {
        for (hook, program) in &self.programs {
            let _ = bpf::detach(*hook, &self.cgroup, program);
        }
    }
}

/// All programs, each checked by the kernel before the first is attached.
fn load_all(policy: &Policy) -> Result<Vec<(Hook, OwnedFd)>, EgressError> {
    let load = |hook| {
        let program = compile(policy, hook)?;
        let loaded = bpf::load(hook, &program);
        let loaded = loaded.map_err(|source| load_error(hook, &program, source))?;
        Ok((hook, loaded))
    };
    Hook::ALL.into_iter().map(load).collect()
}

fn load_error(hook: Hook, program: &[Instruction], source: io::Error) -> EgressError {
    if source.raw_os_error() == Some(libc::EPERM) {
        return EgressError::NotPermitted;
    }
    let (log, hook) = (bpf::reasons(hook, program), hook.name());
    // A kernel that does not know the hook never gets as far as to look at the program.
    if log.is_empty() {
        return EgressError::NotSupported { hook, source };
    }
    EgressError::Refused { hook, source, log }
}

fn attach_error(hook: Hook, source: io::Error) -> EgressError {
    let hook = hook.name();
    EgressError::Attach { hook, source }
}

#[cfg(test)]
mod tests {
    use super::super::asm::Assembler;
    use super::super::host::cgroup2_mount;
    use super::*;
    use nix::unistd::geteuid;

    #[test]
    fn a_refused_program_is_reported_with_the_reasons_of_the_kernel() {
        let mut asm = Assembler::default();
        asm.result(7);
        let program = asm.finish().unwrap();
        let error = bpf::load(Hook::Connect4, &program).expect_err("a result that there is not");
        let told = load_error(Hook::Connect4, &program, error).to_string();
        let expected = if geteuid().is_root() {
            "At program exit"
        } else {
            "run it as root"
        };
        assert!(told.contains(expected), "{told}");
    }

    #[test]
    fn what_is_attached_when_another_program_fails_is_taken_back() {
        let mount = cgroup2_mount().expect("this test needs cgroups v2");
        if !geteuid().is_root() {
            let error = Egress::attach(&mount, &Policy::internet([], [])).unwrap_err();
            return assert!(matches!(error, EgressError::NotPermitted), "{error}");
        }
        let directory = mount.join(format!("zygo-attach-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let egress = Egress::attach(&directory, &Policy::internet([], [])).unwrap();
        let attached = || {
            let again = |(hook, program): &(Hook, OwnedFd)| {
                bpf::attach(*hook, &egress.cgroup, program, Some(program))
            };
            egress
                .programs
                .iter()
                .filter(|pair| again(pair).is_ok())
                .count()
        };
        let mut counts = vec![attached()];
        egress.detach();
        counts.push(attached());
        std::fs::remove_dir(&directory).unwrap();
        assert_eq!(counts, [Hook::ALL.len(), 0]);
    }
}
