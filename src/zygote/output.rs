//! What the native code of a function writes to its standard output: lines that are passed on.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use zygo_wire::control::Level;

/// Where lines go that are written outside any invocation: at load, or by native code to its standard output.
pub(crate) type Output = Arc<dyn Fn(Level, String) + Send + Sync>;

/// A longer line of native output is passed on in pieces.
const LINE_LEN_MAX: usize = 8 * 1024;

/// Both ends; ours does not block.
pub(super) fn output_pipe() -> std::io::Result<(pipe::Receiver, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((pipe::Receiver::from_owned_fd(reader)?, writer))
}

/// Passes lines of native output on until every process that could write is gone.
pub(super) async fn pass_on(mut reader: pipe::Receiver, output: Output) {
    let mut pending = Vec::with_capacity(LINE_LEN_MAX);
    while let Ok(count @ 1..) = reader.read_buf(&mut pending).await {
        debug_assert!(count > 0);
        while let Some(end) = pending.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            output(
                Level::Info,
                String::from_utf8_lossy(&line[..end]).into_owned(),
            );
        }
        if pending.len() >= LINE_LEN_MAX {
            output(Level::Info, String::from_utf8_lossy(&pending).into_owned());
            pending.clear();
        }
    }
    if !pending.is_empty() {
        output(Level::Info, String::from_utf8_lossy(&pending).into_owned());
    }
}
