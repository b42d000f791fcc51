//! What carries AMQP: a connection that was made as all others are, in a form that the library takes. The library itself
//! connects nowhere, so no address but the judged one is reached, and nothing else decides on certificates.

use std::future::{Future, ready};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_compat::Compat;
use async_rs::traits::Reactor;
use async_rs::util::RuntimeParts;
use async_rs::{Runtime, Tokio};
use futures_util::Stream as Many;
use lapin::tcp::AsyncTcpStream;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};

use super::dial::Stream;

/// The clock of the runtime that is here already, and connections of our own.
#[derive(Debug, Clone)]
struct Carrier(Tokio);

type Carried = Compat<Box<dyn Stream>>;

impl Reactor for Carrier {
    type TcpStream = Carried;
    type Sleep = <Tokio as Reactor>::Sleep;

    #[expect(
        refining_impl_trait,
        reason = "nothing is ever registered, whatever its type"
    )]
    fn register<H: Read + Write + Send + 'static>(&self, _: H) -> io::Result<Carried> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, pause: Duration) -> Self::Sleep {
        self.0.sleep(pause)
    }

    fn interval(&self, pause: Duration) -> impl Many<Item = Instant> + Send + 'static {
        self.0.interval(pause)
    }

    fn tcp_connect_addr(
        &self,
        _: SocketAddr,
    ) -> impl Future<Output = io::Result<Carried>> + Send + 'static {
        ready(Err(io::ErrorKind::Unsupported.into()))
    }
}

/// Speaks AMQP over a connection.
pub(super) async fn connect(
    uri: AMQPUri,
    options: ConnectionProperties,
    stream: Box<dyn Stream>,
) -> lapin::Result<Connection> {
    let tokio = Tokio::current();
    let runtime = Runtime::new(RuntimeParts::new(tokio.clone(), Carrier(tokio)));
    let stream = Mutex::new(Some(stream));
    // Asked for once: a source that has lost its connection makes another.
    let give = async move |_, _| {
        let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
        let stream = stream.take().ok_or(io::ErrorKind::NotConnected);
        let stream = stream.map_err(io::Error::from)?;
        Ok(AsyncTcpStream::Plain(Compat::new(stream)))
    };
    Connection::connector(uri, runtime, give, options).await
}
