//! The generator's loop: starts what is due, reads what has come. Knows nothing of what the figures are for.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::arrivals::Schedule;
use super::connection::{Connection, Progress};
use super::sample::Outcome;
use super::{Plan, Reading};

const TIMER: u64 = u64::MAX;
/// A timer may wake an idle core late, so the last stretch before a start is spent awake.
const AWAKE: Duration = Duration::from_micros(200);
/// So long a wait without any event, to look whether it is time to give up.
const GLANCE: Duration = Duration::from_millis(200);

/// A plan in progress.
#[derive(Debug)]
pub(crate) struct Engine<'plan> {
    plan: &'plan Plan,
    epoll: OwnedFd,
    timer: OwnedFd,
    armed: Option<Instant>,
    connections: Vec<Connection>,
    idle: Vec<usize>,
    schedule: Schedule,
    outcome: Outcome,
}

impl<'plan> Engine<'plan> {
    /// Opens all connections, so that none is opened in the middle.
    pub(crate) fn new(plan: &'plan Plan) -> Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        epoll::add(
            &epoll,
            &timer,
            EventData::new_u64(TIMER),
            EventFlags::IN | EventFlags::ET,
        )?;
        let mut connections: Vec<_> = (0..plan.connections)
            .map(|index| Connection::new(index as u64))
            .collect();
        for connection in &mut connections {
            connection
                .open(plan.address, &epoll)
                .with_context(|| format!("connecting to {}", plan.address))?;
        }
        let idle = (0..plan.connections).rev().collect();
        let schedule = Schedule::begin(plan.arrivals);
        Ok(Self {
            plan,
            epoll,
            timer,
            armed: None,
            connections,
            idle,
            schedule,
            outcome: Outcome::default(),
        })
    }

    /// Until the last reply, or until there is no hope for it.
    pub(crate) fn run(mut self) -> Result<Outcome> {
        let give_up = self.schedule.give_up();
        let mut events = Vec::with_capacity(self.connections.len() + 1);
        loop {
            let due = self.start_due();
            if due.is_none() && self.idle.len() == self.connections.len() {
                break;
            }
            if Instant::now() > give_up {
                self.give_up();
                break;
            }
            self.wait(due, &mut events)?;
            self.take_replies(&events);
        }
        self.outcome.elapsed = self
            .outcome
            .last
            .map_or(Duration::ZERO, |last| last - self.schedule.counted_from());
        Ok(self.outcome)
    }

    /// Starts everything that is due and has a connection; says when the next is.
    fn start_due(&mut self) -> Option<Instant> {
        loop {
            let now = Instant::now();
            let due = self.schedule.next(now)?;
            if due > now {
                return Some(due);
            }
            let Some(index) = self.idle.pop() else {
                return Some(due);
            };
            self.schedule.issue();
            self.outcome.lag(now - due);
            if let Err(error) = self.connections[index].start(
                self.plan.address,
                &self.epoll,
                &self.plan.request,
                due,
            ) {
                self.fail(index, &error);
            }
        }
    }

    fn wait(&mut self, due: Option<Instant>, events: &mut Vec<Event>) -> Result<()> {
        let mut timeout = GLANCE;
        if let Some(due) = due.filter(|_| !self.idle.is_empty()) {
            let ahead = due.saturating_duration_since(Instant::now());
            if ahead <= AWAKE {
                timeout = Duration::ZERO;
            } else {
                self.arm(due, ahead - AWAKE)?;
            }
        }
        events.clear();
        match epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(events),
            Some(&timespec(timeout)),
        ) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn arm(&mut self, due: Instant, ahead: Duration) -> Result<()> {
        if self.armed != Some(due) {
            self.armed = Some(due);
            let when = Itimerspec {
                it_interval: timespec(Duration::ZERO),
                it_value: timespec(ahead),
            };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &when)?;
        }
        Ok(())
    }

    fn take_replies(&mut self, events: &[Event]) {
        for event in events {
            let token = event.data.u64();
            if let Some(index) = usize::try_from(token).ok().filter(|_| token != TIMER) {
                self.take_reply(index);
            }
        }
    }

    fn take_reply(&mut self, index: usize) {
        match self.connections[index].read() {
            Ok(Progress::Nothing) => {}
            Err(error) => self.fail(index, &error),
            Ok(Progress::Reply(reply)) => {
                let now = Instant::now();
                let connection = &mut self.connections[index];
                let intended = connection.intended.take().unwrap_or(now);
                let may_refuse = self.plan.reading == Reading::Refusals;
                if intended < self.schedule.counted_from() {
                } else if may_refuse && [429, 503].contains(&reply.status) {
                    self.outcome.refusal(reply.tells_when, now - intended, now);
                } else {
                    let body = connection.body(&reply);
                    self.outcome
                        .reply(self.plan.reading, reply.status, body, now - intended, now);
                }
                self.idle.push(index);
            }
        }
    }

    fn fail(&mut self, index: usize, error: &io::Error) {
        self.outcome.error(format!("connection: {error}"));
        self.connections[index].abandon();
        self.idle.push(index);
    }

    fn give_up(&mut self) {
        let waiting = self.connections.len() - self.idle.len();
        for _ in 0..waiting {
            self.outcome.error("no reply in time".to_owned());
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Timespec {
        tv_sec: seconds,
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
