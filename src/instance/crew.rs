//! A process that serves several invocations at once: a seat for each, and one link behind all of them.
//!
//! ```text
//!  Instance (a seat) ─┐                                      ┌─► lines: to the log, at once
//!  Instance (a seat) ─┼─ send, by number ─► socket ─► reader ┤
//!  Instance (a seat) ─┘                                      └─► all else: to the seat, by number, bounded
//! ```
//! The reader never waits for a seat, so a slow client holds up nobody else: of each answer only so many pieces are on
//! their way, and a seat says when it has taken one. Once something went wrong with one invocation the process begins no
//! other, and it is killed with its last seat.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, Sender};
use zygo_wire::data::PIECES_UNTAKEN_MAX;
use zygo_wire::{Failure, InstanceCommand, WireError};

use super::event::Event;
use super::outbox::Outbox;
use super::place::Place;
use super::{Held, InstanceError, reader};
use crate::invocation::LogLines;
use crate::packet_socket::PacketSocket;
use crate::telemetry::Journal;

/// What may wait for a seat: the head, the pieces that may be on their way, and the end.
const EVENTS_MAX: usize = PIECES_UNTAKEN_MAX + 2;

/// How many seats of a process are still held, by the pool or by a caller.
#[derive(Debug, Clone)]
pub(crate) struct Seats(Arc<AtomicUsize>);

impl Seats {
    /// One is given up. Whether it was the last, so that the process is no more.
    pub(crate) fn leave(&self) -> bool {
        self.0.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

/// A process with several seats. It is killed when the last of them is gone.
#[derive(Debug)]
pub(super) struct Crew {
    held: Held,
    link: Arc<Link>,
    seats: Seats,
}

/// What the seats of a process share.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) socket: PacketSocket,
    pub(super) outbox: Outbox,
    id: i64,
    /// Lines that belong to no invocation.
    journal: Journal,
    pub(super) response_len_max: usize,
    /// Begins no more invocations.
    is_retired: AtomicBool,
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    /// Number of the last invocation.
    last: u64,
    open: HashMap<u64, Entry>,
    /// When the last of them ended.
    idle_since: Instant,
    /// Why there can be none any more.
    ended: Option<InstanceError>,
}

#[derive(Debug)]
struct Entry {
    /// Taken away once there will be no more.
    events: Option<Sender<Result<Event, InstanceError>>>,
    journal: Journal,
    logs: LogLines,
}

impl Crew {
    /// The process of a socket that nobody reads yet. With `first`, its first invocation was sent ahead.
    pub(super) fn start(
        socket: PacketSocket,
        held: Held,
        id: i64,
        count: usize,
        terms: Terms<'_>,
    ) -> (Arc<Self>, Option<Place>) {
        let link = Arc::new(Link {
            socket,
            outbox: Outbox::default(),
            id,
            journal: terms.journal.clone(),
            response_len_max: terms.response_len_max,
            is_retired: AtomicBool::new(false),
            table: Mutex::new(Table {
                last: 0,
                open: HashMap::new(),
                idle_since: Instant::now(),
                ended: None,
            }),
        });
        let first = terms.first.and_then(|journal| link.open(journal).ok());
        tokio::spawn(reader::read(Arc::clone(&link), Arc::clone(&held.0)));
        let seats = Seats(Arc::new(AtomicUsize::new(count)));
        (Arc::new(Self { held, link, seats }), first)
    }

    pub(super) fn held(&self) -> &Held {
        &self.held
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(super) fn seats(&self) -> &Seats {
        &self.seats
    }
}

/// What a process with several seats needs to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    /// Where lines go that belong to no invocation.
    pub(crate) journal: &'a Journal,
    /// Where those of the invocation go that was sent ahead, if one was.
    pub(crate) first: Option<&'a Journal>,
    /// How long an answer's body may be.
    pub(crate) response_len_max: usize,
}

impl Link {
    /// A place for a new invocation.
    pub(super) fn open(self: &Arc<Self>, journal: &Journal) -> Result<Place, InstanceError> {
        let mut table = self.lock();
        if table.ended.is_some() {
            return Err(InstanceError::NotStarted);
        }
        table.last += 1;
        let number = table.last;
        let (events, receiver) = mpsc::channel(EVENTS_MAX);
        let entry = Entry {
            events: Some(events),
            journal: journal.clone(),
            logs: LogLines::default(),
        };
        table.open.insert(number, entry);
        Ok(Place::new(Arc::clone(self), number, receiver))
    }

    /// Has a command sent, as soon as there is room for it.
    pub(super) async fn post(
        &self,
        command: &InstanceCommand<'_>,
        body: &[u8],
    ) -> Result<(), WireError> {
        self.outbox.post(&self.socket, command, body).await
    }

    /// Begins no more invocations.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Relaxed);
    }

    /// Whether it may begin an invocation.
    pub(super) fn is_usable(&self) -> bool {
        !self.is_retired.load(Ordering::Relaxed) && self.lock().ended.is_none()
    }

    /// How long nothing has run in it.
    pub(super) fn idle_for(&self) -> Duration {
        let table = self.lock();
        match table.open.is_empty() {
            true => table.idle_since.elapsed(),
            false => Duration::ZERO,
        }
    }

    /// Whether nothing runs in it.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().open.is_empty()
    }

    /// Why it answers no more, if that is so.
    pub(super) fn ended(&self) -> Option<InstanceError> {
        self.lock().ended.clone()
    }

    pub(super) fn take_logs(&self, number: u64) -> LogLines {
        let mut table = self.lock();
        let entry = table.open.get_mut(&number);
        entry
            .map(|entry| std::mem::take(&mut entry.logs))
            .unwrap_or_default()
    }

    pub(super) fn close(&self, number: u64) -> LogLines {
        let mut table = self.lock();
        let entry = table.open.remove(&number);
        table.idle_since = Instant::now();
        entry.map(|entry| entry.logs).unwrap_or_default()
    }

    /// What the process said.
    pub(super) fn hear(&self, event: Event) {
        let mut table = self.lock();
        match event {
            Event::Logged(number, level, text) => match table.open.get_mut(&heard_by(number)) {
                Some(entry) => {
                    entry.journal.line(level, &text, Some(self.id));
                    entry.logs.push(level, text);
                }
                None => self.journal.line(level, &text, Some(self.id)),
            },
            // Of nobody, so of all: the process lacks memory and ends.
            Event::Failed(0, failure, _) => self.fail_all(&mut table, &failure),
            event => {
                let number = event.number();
                let Some(entry) = table.open.get_mut(&number) else {
                    if number == 0 || number > table.last {
                        end(
                            &mut table,
                            &InstanceError::Violation("a message of no invocation"),
                        );
                        self.retire();
                    }
                    // Nobody waits for it any more.
                    return;
                };
                let events = entry.events.as_ref();
                if events.is_some_and(|events| events.try_send(Ok(event)).is_err()) {
                    // More pieces than may be on their way; the seat sees the end of its channel.
                    entry.events = None;
                    self.retire();
                }
            }
        }
    }

    /// It answers no more.
    pub(super) fn end(&self, reason: &InstanceError) {
        self.retire();
        end(&mut self.lock(), reason);
    }

    /// Whether more than one invocation runs in it.
    pub(super) fn runs_several(&self) -> bool {
        self.lock().open.len() > 1
    }

    /// Nobody is there any more who could have begun these.
    pub(super) fn tell_unsent(&self) {
        self.retire();
        let mut table = self.lock();
        for number in self.outbox.take_unsent() {
            let entry = table.open.get_mut(&number);
            if let Some(events) = entry.and_then(|entry| entry.events.take()) {
                let _ = events.try_send(Err(InstanceError::NotStarted));
            }
        }
    }

    fn fail_all(&self, table: &mut Table, failure: &Failure) {
        end(table, &InstanceError::from(failure.clone()));
        self.retire();
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happens before the first invocation was read, such as loading after the fork, is the first one's.
fn heard_by(number: u64) -> u64 {
    number.max(1)
}

/// Tells all seats that the process can answer no more.
fn end(table: &mut Table, reason: &InstanceError) {
    for entry in table.open.values_mut() {
        // A full channel has something to do first, and then its end.
        if let Some(events) = entry.events.take() {
            let _ = events.try_send(Err(reason.clone()));
        }
    }
    table.ended = Some(reason.clone());
}
