//! Three commands of `bpf(2)`: load a program, attach it to a cgroup, detach it. The only unsafe code of this module.
//!
//! Knows nothing of policies.

use super::asm::Instruction;
use super::program::Hook;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// `BPF_PROG_LOAD`: the first members of its part of `union bpf_attr`; the kernel takes the others for zero.
#[repr(C)]
#[derive(Default)]
struct LoadAttributes {
    program_type: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_bytes: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    expected_attach_type: u32,
}

/// `BPF_PROG_ATTACH` and `BPF_PROG_DETACH`.
#[repr(C)]
#[derive(Default)]
struct AttachAttributes {
    cgroup: u32,
    program: u32,
    attach_type: u32,
    flags: u32,
    replaced: u32,
}

const PROGRAM_LOAD: libc::c_int = 5;
const PROGRAM_ATTACH: libc::c_int = 8;
const PROGRAM_DETACH: libc::c_int = 9;

/// Programs of this directory, of those above it and of those below it all run, and all have to allow.
const ALLOW_MULTI: u32 = 1 << 1;
const REPLACE: u32 = 1 << 2;

/// The programs use nothing that the kernel gives to free programs only.
const LICENSE: &CStr = c"Apache-2.0";
const LOG_BYTES: usize = 64 * 1024;
/// What goes into an error: the last lines say what is wrong.
const LOG_SHOWN_BYTES: usize = 2000;

/// The kernel's numbers for a hook: the type of its programs, and where they are attached.
fn numbers(hook: Hook) -> (u32, u32) {
    const PACKET: u32 = 8;
    const SOCKET: u32 = 9;
    const ADDRESS: u32 = 18;
    match hook {
        Hook::Ingress => (PACKET, 0),
        Hook::Egress => (PACKET, 1),
        Hook::Create => (SOCKET, 2),
        Hook::Bind4 => (ADDRESS, 8),
        Hook::Bind6 => (ADDRESS, 9),
        Hook::Connect4 => (ADDRESS, 10),
        Hook::Connect6 => (ADDRESS, 11),
        Hook::Send4 => (ADDRESS, 14),
        Hook::Send6 => (ADDRESS, 15),
    }
}

/// Gives a program to the kernel, which checks it.
pub(super) fn load(hook: Hook, program: &[Instruction]) -> io::Result<OwnedFd> {
    load_with_log(hook, program, &mut [])
}

/// Why the kernel refuses a program; empty where it never looked at it.
pub(super) fn reasons(hook: Hook, program: &[Instruction]) -> String {
    let mut log = vec![0; LOG_BYTES];
    // Refused again, as before; this time with reasons.
    let _ = load_with_log(hook, program, &mut log);
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    let shown = &log[end.saturating_sub(LOG_SHOWN_BYTES)..end];
    String::from_utf8_lossy(shown).trim().to_owned()
}

fn load_with_log(hook: Hook, program: &[Instruction], log: &mut [u8]) -> io::Result<OwnedFd> {
    let (program_type, expected_attach_type) = numbers(hook);
    let mut name = [0; 16];
    name.iter_mut()
        .zip(hook.name().bytes())
        .for_each(|(to, byte)| *to = byte);
    let mut attributes = LoadAttributes {
        program_type,
        instruction_count: u32::try_from(program.len()).map_err(io::Error::other)?,
        instructions: program.as_ptr().expose_provenance() as u64,
        license: LICENSE.as_ptr().expose_provenance() as u64,
        name,
        expected_attach_type,
        ..LoadAttributes::default()
    };
    if !log.is_empty() {
        attributes.log_level = 1;
        attributes.log_bytes = u32::try_from(log.len()).map_err(io::Error::other)?;
        attributes.log = log.as_mut_ptr().expose_provenance() as u64;
    }
    // SAFETY: the attributes are those of this command. The kernel reads the program and the license, which outlive the
    // call, and writes only into the log, which is borrowed for it and as long as it says.
    let descriptor = unsafe { command(PROGRAM_LOAD, &attributes) }?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Has a program run for a cgroup; in place of another one, if there is one.
pub(super) fn attach(
    hook: Hook,
    cgroup: &OwnedFd,
    program: &OwnedFd,
    replaced: Option<&OwnedFd>,
) -> io::Result<()> {
    let flags = ALLOW_MULTI | replaced.map_or(0, |_| REPLACE);
    let replaced = replaced.map_or(0, number);
    let attributes = AttachAttributes {
        flags,
        replaced,
        ..attributes(hook, cgroup, program)
    };
    // SAFETY: the attributes are those of this command, and hold numbers only.
    unsafe { command(PROGRAM_ATTACH, &attributes) }.map(drop)
}

/// No longer has a program run for a cgroup.
pub(super) fn detach(hook: Hook, cgroup: &OwnedFd, program: &OwnedFd) -> io::Result<()> {
    let attributes = attributes(hook, cgroup, program);
    // SAFETY: the attributes are those of this command, and hold numbers only.
    unsafe { command(PROGRAM_DETACH, &attributes) }.map(drop)
}

fn attributes(hook: Hook, cgroup: &OwnedFd, program: &OwnedFd) -> AttachAttributes {
    AttachAttributes {
        cgroup: number(cgroup),
        program: number(program),
        attach_type: numbers(hook).1,
        ..AttachAttributes::default()
    }
}

fn number(descriptor: &OwnedFd) -> u32 {
    descriptor.as_raw_fd().cast_unsigned()
}

/// # Safety
/// The attributes must be those of the command, and what they point to must be valid for what the command does with it.
unsafe fn command<Attributes>(number: libc::c_int, attributes: &Attributes) -> io::Result<RawFd> {
    let pointer = std::ptr::from_ref(attributes);
    // SAFETY: the kernel reads as many bytes as the attributes have; the caller answers for what they say.
    let result = unsafe { libc::syscall(libc::SYS_bpf, number, pointer, size_of::<Attributes>()) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    RawFd::try_from(result).map_err(io::Error::other)
}
