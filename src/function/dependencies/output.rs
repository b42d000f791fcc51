//! What a tool says, in bounds: its last lines, each cut where it is too long. What was said is there while it speaks.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::LOG_LINES_MAX;

/// A longer line of a tool's is cut.
const LINE_LEN_MAX: usize = 2_000;

/// The last lines of a stream.
#[derive(Debug, Default)]
pub(super) struct Said(Mutex<VecDeque<String>>);

impl Said {
    /// Takes down a stream to its end.
    pub(super) async fn follow(&self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(stream) = stream else {
            return;
        };
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while let Ok(true) = read_line(&mut reader, &mut line).await {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push_back(text);
            if lines.len() > LOG_LINES_MAX {
                lines.pop_front();
            }
            line.clear();
        }
    }

    /// The last lines of this stream and then of another.
    pub(super) fn and(&self, other: &Self) -> Vec<String> {
        let mut log = Vec::new();
        for said in [self, other] {
            log.extend(
                said.0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .drain(..),
            );
        }
        log.drain(..log.len().saturating_sub(LOG_LINES_MAX));
        log
    }
}

/// One line, of which only the beginning is kept. Whether there was one.
async fn read_line(
    reader: &mut (impl AsyncBufReadExt + Unpin),
    line: &mut Vec<u8>,
) -> io::Result<bool> {
    let mut any = false;
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(chunk.len(), |end| end + 1);
        let room = LINE_LEN_MAX.saturating_sub(line.len());
        line.extend_from_slice(&chunk[..taken.min(room)]);
        reader.consume(taken);
        if end.is_some() {
            return Ok(true);
        }
    }
}
