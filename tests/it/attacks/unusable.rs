//! Machines that lack something: what a thread starts is refused certain system calls, as by an old or a locked kernel.
//! Knows nothing of layers.

use std::io;
use std::thread;

/// When a system call is refused.
#[derive(Debug, Clone, Copy)]
pub(super) enum When {
    Always,
    /// An argument, by its index, has one of these bits.
    Bits(u32, u32),
    /// An argument, by its index, has this value.
    Is(u32, u32),
}

/// A system call, when it is refused, and with which error.
pub(super) type Refused = (i64, When, i32);

/// Offsets in the kernel's `seccomp_data`: the number, and the lower halves of arguments.
const NUMBER: u32 = 0;
const ARGUMENTS: u32 = 16;

/// Runs something in a thread whose processes are refused these calls.
pub(super) fn without<T: Send>(refused: &[Refused], run: impl FnOnce() -> T + Send) -> T {
    let program = program(refused);
    let joined = thread::scope(|scope| {
        let run = scope.spawn(|| {
            install(&program).expect("these tests install filters: run them as root");
            run()
        });
        run.join()
    });
    joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn program(refused: &[Refused]) -> Vec<libc::sock_filter> {
    let statement = |code: u32, k: u32| jump(code, k, 0, 0);
    let mut program = Vec::new();
    for (number, when, error) in refused {
        let number = u32::try_from(*number).expect("small");
        let refusal = statement(
            libc::BPF_RET | libc::BPF_K,
            libc::SECCOMP_RET_ERRNO | error.unsigned_abs(),
        );
        let load = |offset| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset);
        program.push(load(NUMBER));
        let test = |argument: u32, code: u32, value: u32| {
            [
                load(ARGUMENTS + 8 * argument),
                jump(libc::BPF_JMP | code | libc::BPF_K, value, 0, 1),
                refusal,
            ]
        };
        let rest = match *when {
            When::Always => vec![refusal],
            When::Bits(argument, bits) => test(argument, libc::BPF_JSET, bits).to_vec(),
            When::Is(argument, value) => test(argument, libc::BPF_JEQ, value).to_vec(),
        };
        let over = u8::try_from(rest.len()).expect("short");
        program.push(jump(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            number,
            0,
            over,
        ));
        program.extend(rest);
    }
    program.push(statement(
        libc::BPF_RET | libc::BPF_K,
        libc::SECCOMP_RET_ALLOW,
    ));
    program
}

fn jump(code: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    let code = u16::try_from(code).expect("a code");
    libc::sock_filter { code, jt, jf, k }
}

/// For this thread and what it starts, for ever.
fn install(program: &[libc::sock_filter]) -> io::Result<()> {
    let shape = libc::sock_fprog {
        len: u16::try_from(program.len()).expect("short"),
        filter: program.as_ptr().cast_mut(),
    };
    // SAFETY: the kernel copies `len` instructions from `filter`, which are there, and changes nothing of this process's
    // memory.
    let done = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            0,
            &raw const shape,
        )
    };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
