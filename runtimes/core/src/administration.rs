//! How a language zygote gets the right to make namespaces where the platform is run by an ordinary user: it becomes the
//! administrator of namespaces of its own. That takes a second process, because whoever makes a PID namespace is not in it.

use std::process::ExitCode;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::fork::libc_fork;
use crate::process;
use crate::run::complain;
use crate::runtime::Fork;

/// Goes on in the process that has the right. In the other one, waits for it and returns how it ended.
pub(crate) fn ensure() -> Result<(), ExitCode> {
    if zygo_sandbox::is_administrator() {
        return Ok(());
    }
    // Without the right functions are refused, unless the operator wants them without these layers.
    if let Err(error) = zygo_sandbox::become_root_of_own_namespaces() {
        complain(&error.to_string());
        return Ok(());
    }
    let parent = nix::unistd::getpid();
    match libc_fork() {
        Ok(Fork::Child) => {
            process::die_with(parent);
            Ok(())
        }
        Ok(Fork::Parent(pid)) => Err(wait_for(pid)),
        Err(error) => {
            complain(&error.to_string());
            Err(ExitCode::FAILURE)
        }
    }
}

fn wait_for(pid: i32) -> ExitCode {
    loop {
        match waitpid(Pid::from_raw(pid), None) {
            Ok(WaitStatus::Exited(_, code)) => {
                return ExitCode::from(u8::try_from(code).unwrap_or(1));
            }
            Ok(WaitStatus::Signaled(..)) | Err(_) => return ExitCode::FAILURE,
            Ok(_) => {}
        }
    }
}
