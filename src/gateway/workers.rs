//! The threads that serve connections: one for each processor, each with a reactor of its own.
//!
//! A connection and the instances it uses stay on one thread, so an answer wakes that thread alone. With one reactor
//! shared by all threads, most invocations cost a futex and an eventfd wake-up more, between the threads.

use std::net::TcpStream;
use std::thread::JoinHandle;

use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use super::connection;
use super::front::Front;
use super::pace::Pace;
use super::places::Place;
use super::pulse::{Pulse, Question};

/// Connections that a thread may have been given but not looked at yet.
const BACKLOG_MAX: usize = 1_024;

/// An accepted connection on its way to a thread.
pub(super) struct Accepted {
    pub(super) stream: TcpStream,
    /// Whether it is to be encrypted.
    pub(super) is_tls: bool,
    /// Its place among all connections.
    pub(super) place: Place,
}

/// What every connection is served with.
#[derive(Clone)]
pub(super) struct Serving {
    pub(super) front: Front,
    pub(super) server: auto::Builder<TokioExecutor>,
    pub(super) pace: Pace,
    /// What encrypts connections, if anything does.
    pub(super) tls: Option<TlsAcceptor>,
    /// Tells connections when to end.
    pub(super) stop: watch::Receiver<bool>,
}

/// The threads.
pub(super) struct Workers {
    threads: Vec<(mpsc::Sender<Accepted>, JoinHandle<()>)>,
    pulse: Pulse,
    next: usize,
}

impl Workers {
    /// Starts one thread for each processor.
    pub(super) fn start(serving: &Serving) -> std::io::Result<Self> {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = (0..count).map(|index| {
            let (questions, asked) = mpsc::channel(1);
            Ok((worker(index, serving.clone(), asked)?, questions))
        });
        let started = threads.collect::<std::io::Result<Vec<_>>>()?;
        let (threads, questions) = started.into_iter().unzip();
        Ok(Self {
            threads,
            pulse: Pulse::of(questions),
            next: 0,
        })
    }

    /// What shows that they live.
    pub(super) fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Gives a connection to the next thread in turn: with few long-lived connections, that is the fairest split.
    pub(super) async fn give(&mut self, accepted: Accepted) {
        self.next = (self.next + 1) % self.threads.len();
        // A thread only ends when it is told to.
        let _ = self.threads[self.next].0.send(accepted).await;
    }

    /// Ends the threads and whatever still runs on them.
    pub(super) async fn stop(self) {
        self.pulse.end();
        let (senders, threads): (Vec<_>, Vec<_>) = self.threads.into_iter().unzip();
        drop(senders);
        let joined =
            tokio::task::spawn_blocking(|| threads.into_iter().all(|thread| thread.join().is_ok()));
        if !matches!(joined.await, Ok(true)) {
            tracing::error!("a thread of the gateway panicked");
        }
    }
}

fn worker(
    index: usize,
    serving: Serving,
    mut asked: mpsc::Receiver<Question>,
) -> std::io::Result<(mpsc::Sender<Accepted>, JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel(BACKLOG_MAX);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let thread = std::thread::Builder::new()
        .name(format!("gateway-{index}"))
        .spawn(move || {
            runtime.spawn(async move {
                while let Some(question) = asked.recv().await {
                    // Whoever asked may have lost patience.
                    let _ = question.send(());
                }
            });
            runtime.block_on(serve(receiver, serving));
            // Blocking work, such as an archive being unpacked, must not delay the end.
            runtime.shutdown_background();
        })?;
    Ok((sender, thread))
}

async fn serve(mut receiver: mpsc::Receiver<Accepted>, serving: Serving) {
    while let Some(accepted) = receiver.recv().await {
        let Accepted {
            stream,
            is_tls,
            place,
        } = accepted;
        let Ok(stream) = tokio::net::TcpStream::from_std(stream) else {
            continue;
        };
        let Serving {
            front,
            server,
            pace,
            tls,
            stop,
        } = serving.clone();
        tokio::spawn(async move {
            let tls = tls.as_ref().filter(|_| is_tls);
            connection::serve(stream, place, tls, &server, front, pace, stop).await;
        });
    }
}
