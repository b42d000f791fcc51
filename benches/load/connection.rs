//! One keep-alive connection and the reply that it is reading. Knows nothing of time-tables and figures.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::epoll::{self, EventData, EventFlags};

use crate::http::{self, Parsed, Reply};

const BUFFER_LEN: usize = 64 * 1024;

/// A connection; closed until it is first used, and again after the server closed it.
#[derive(Debug)]
pub(crate) struct Connection {
    token: u64,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
    filled: usize,
    /// When the request in flight was meant to start; none when idle.
    pub(crate) intended: Option<Instant>,
}

/// What a readable connection had.
#[derive(Debug)]
pub(crate) enum Progress {
    /// A whole reply; ask for its body before the next request.
    Reply(Reply),
    /// Part of a reply, or the server closed an idle connection.
    Nothing,
}

impl Connection {
    /// A closed connection that epoll will know as `token`.
    pub(crate) fn new(token: u64) -> Self {
        Self {
            token,
            stream: None,
            buffer: vec![0; BUFFER_LEN],
            filled: 0,
            intended: None,
        }
    }

    /// Connects if it is not connected.
    pub(crate) fn open(&mut self, address: SocketAddr, epoll: &OwnedFd) -> io::Result<()> {
        if self.stream.is_some() {
            return Ok(());
        }
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        epoll::add(
            epoll,
            &stream,
            EventData::new_u64(self.token),
            EventFlags::IN,
        )?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Sends a request. A server may have closed the connection a moment ago: that is tried once more.
    pub(crate) fn start(
        &mut self,
        address: SocketAddr,
        epoll: &OwnedFd,
        request: &[u8],
        intended: Instant,
    ) -> io::Result<()> {
        self.filled = 0;
        self.intended = Some(intended);
        let fresh = self.stream.is_none();
        self.open(address, epoll)?;
        match self.send(request) {
            Err(error)
                if !fresh
                    && matches!(
                        error.kind(),
                        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                    ) =>
            {
                self.stream = None;
                self.open(address, epoll)?;
                self.send(request)
            }
            sent => sent,
        }
    }

    fn send(&mut self, request: &[u8]) -> io::Result<()> {
        let stream = self.stream.as_mut().ok_or(ErrorKind::NotConnected)?;
        // Requests are far smaller than the socket's buffer, so a part that does not fit is an error.
        stream.write_all(request)
    }

    /// Reads what has come.
    pub(crate) fn read(&mut self) -> io::Result<Progress> {
        let Some(stream) = self.stream.as_mut() else {
            return Ok(Progress::Nothing);
        };
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        let ended = match stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => true,
            Ok(count) => {
                self.filled += count;
                false
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Progress::Nothing),
            Err(error) => return self.lost(error),
        };
        self.advance(ended)
    }

    fn advance(&mut self, ended: bool) -> io::Result<Progress> {
        if self.intended.is_none() {
            self.stream = None;
            return Ok(Progress::Nothing);
        }
        match http::parse(&self.buffer[..self.filled], ended) {
            Parsed::Complete(reply) => {
                if reply.close {
                    self.stream = None;
                }
                Ok(Progress::Reply(reply))
            }
            Parsed::Partial if !ended => Ok(Progress::Nothing),
            Parsed::Partial => self.lost(ErrorKind::UnexpectedEof.into()),
            Parsed::Malformed => self.lost(ErrorKind::InvalidData.into()),
        }
    }

    fn lost(&mut self, error: io::Error) -> io::Result<Progress> {
        self.stream = None;
        if self.intended.is_some() {
            Err(error)
        } else {
            Ok(Progress::Nothing)
        }
    }

    /// The body of the reply that was just read.
    pub(crate) fn body(&self, reply: &Reply) -> &[u8] {
        &self.buffer[reply.body.clone()]
    }

    /// Forgets a request that failed.
    pub(crate) fn abandon(&mut self) {
        self.stream = None;
        self.intended = None;
    }
}
