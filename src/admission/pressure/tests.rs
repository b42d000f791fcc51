//! A queue before instances, simulated event by event, under every kind of load.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000;
const WAITING_MAX: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Done,
    Arrival,
}

/// Times are in microseconds.
struct Queue {
    how: Tolerance,
    pressure: Pressure,
    start: Instant,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    waiting: VecDeque<u64>,
    working: usize,
    instances: usize,
    service: u64,
    random: fastrand::Rng,
    /// Whether callers come again as soon as they are served.
    is_closed: bool,
    /// When callers came who were served, and how long that took.
    served: Vec<(u64, u64)>,
    /// When callers came who were not, and how long it took to tell them.
    refused: Vec<(u64, u64)>,
}

impl Queue {
    fn new(instances: usize, service: u64, seed: u64) -> Self {
        Self {
            how: OverloadSettings::default().into(),
            pressure: Pressure::default(),
            start: Instant::now(),
            events: BinaryHeap::new(),
            waiting: VecDeque::new(),
            working: 0,
            instances,
            service,
            random: fastrand::Rng::with_seed(seed),
            is_closed: false,
            served: Vec::new(),
            refused: Vec::new(),
        }
    }

    fn capacity(&self) -> u64 {
        SECOND * self.instances as u64 / self.service
    }

    /// Callers who come one by one, by chance, so many in a second.
    fn load(&mut self, from: u64, to: u64, per_second: f64) {
        let (mut at, end) = (Duration::from_micros(from), Duration::from_micros(to));
        while at < end {
            let now = u64::try_from(at.as_micros()).expect("a short time");
            self.events.push(Reverse((now, Event::Arrival)));
            let pause = -(1.0 - self.random.f64()).ln() / per_second;
            at += Duration::from_secs_f64(pause);
        }
    }

    fn burst(&mut self, at: u64, count: usize) {
        self.events
            .extend(std::iter::repeat_n(Reverse((at, Event::Arrival)), count));
    }

    fn run(&mut self, until: u64) {
        while let Some(Reverse((now, event))) = self.events.pop() {
            if now > until {
                return;
            }
            match event {
                Event::Arrival if self.working < self.instances => self.begin(now, now),
                Event::Arrival => self.arrive(now),
                Event::Done => {
                    self.working -= 1;
                    if self.is_closed {
                        self.events.push(Reverse((now + 50, Event::Arrival)));
                    }
                    self.next(now);
                }
            }
        }
    }

    fn begin(&mut self, came: u64, now: u64) {
        self.working += 1;
        let took = self.service * self.random.u64(80..=120) / 100;
        self.served.push((came, now + took - came));
        self.events.push(Reverse((now + took, Event::Done)));
    }

    fn arrive(&mut self, now: u64) {
        let line = Line {
            waiting: self.waiting.len(),
            waiting_max: WAITING_MAX,
            working: self.working,
        };
        match self.pressure.arrive(self.how, self.at(now), line) {
            Verdict::Wait => self.waiting.push_back(now),
            Verdict::Full => self.refuse(now, now),
            Verdict::Refuse { keep } => {
                self.refuse(now, now);
                while self.waiting.len() > keep {
                    let oldest = self.waiting.pop_front().expect("one");
                    self.refuse(oldest, now);
                }
            }
        }
    }

    fn refuse(&mut self, came: u64, now: u64) {
        self.refused.push((came, now - came));
        if self.is_closed {
            self.events.push(Reverse((now + 1_000, Event::Arrival)));
        }
    }

    fn next(&mut self, now: u64) {
        let waiter = match self.pressure.order(self.how, self.at(now)) {
            Order::Oldest => self.waiting.pop_front(),
            Order::Newest => self.waiting.pop_back(),
        };
        if let Some(came) = waiter {
            self.pressure.served();
            self.begin(came, now);
        }
        if self.waiting.is_empty() {
            self.pressure.empty();
        }
    }

    fn at(&self, now: u64) -> Instant {
        self.start + Duration::from_micros(now)
    }

    fn served_between(&self, from: u64, to: u64) -> Vec<u64> {
        between(&self.served, from, to)
    }
}

fn between(all: &[(u64, u64)], from: u64, to: u64) -> Vec<u64> {
    let inside = all.iter().filter(|(came, _)| (from..to).contains(came));
    inside.map(|(_, took)| *took).collect()
}

fn percentile(mut all: Vec<u64>, of_1000: usize) -> u64 {
    all.sort_unstable();
    all.get(all.len() * of_1000 / 1_000)
        .copied()
        .unwrap_or_default()
}

/// Goodput, as a part of the capacity, and the 99th percentile of those who are served, once the load is there.
fn loaded(instances: usize, service: u64, times: f64) -> (f64, u64, Queue) {
    let mut queue = Queue::new(instances, service, 7);
    let capacity = queue.capacity();
    queue.load(0, 10 * SECOND, capacity as f64 * times);
    queue.run(10 * SECOND);
    let served = queue.served_between(2 * SECOND, 10 * SECOND);
    let goodput = served.len() as f64 / (8 * capacity) as f64;
    (goodput, percentile(served, 990), queue)
}

#[test]
fn ten_times_too_much_is_served_as_well_as_what_can_be() {
    for (instances, service) in [(2, 2_000), (8, 10_000), (16, 50_000), (100, 100_000)] {
        let (_, calm, _) = loaded(instances, service, 0.8);
        for times in [1.3, 2.0, 5.0, 10.0] {
            let (goodput, p99, queue) = loaded(instances, service, times);
            let what = format!("{instances} x {service} us at {times}");
            assert!(goodput >= 0.95, "{what}: goodput {goodput}");
            assert!(p99 <= 2 * calm.max(5_000), "{what}: {p99} after {calm}");
            let refused = between(&queue.refused, 2 * SECOND, 10 * SECOND);
            assert!(percentile(refused, 990) < 5_000, "{what}");
            // While nothing is decided yet, the newest are served.
            let before = queue.served_between(0, 2 * SECOND);
            assert!(percentile(before, 900) <= 2 * calm.max(5_000), "{what}");
        }
    }
}

#[test]
fn all_of_a_burst_may_wait() {
    for (instances, service) in [(100, 80_000), (8, 10_000), (2, 2_000)] {
        let mut queue = Queue::new(instances, service, 1);
        queue.burst(0, 700);
        // The last of them are late, and others come as they always do.
        queue.burst(300_000, 300);
        queue.load(400_000, 3 * SECOND, queue.capacity() as f64 / 2.0);
        queue.run(20 * SECOND);
        assert_eq!(queue.refused.len(), 0, "{instances} x {service}");
    }
}

#[test]
fn callers_who_come_again_when_they_are_served_all_wait() {
    for (instances, service) in [(2, 100), (2, 20_000), (10, 100_000), (1, 2_000_000)] {
        let mut queue = Queue::new(instances, service, 3);
        queue.is_closed = true;
        queue.burst(0, 64);
        queue.run(30 * SECOND);
        assert_eq!(queue.refused.len(), 0, "{instances} x {service}");
    }
}

#[test]
fn what_comes_after_the_load_is_served_at_once() {
    let mut queue = Queue::new(8, 10_000, 5);
    queue.load(0, 5 * SECOND, 8_000.0);
    queue.load(5 * SECOND, 12 * SECOND, 400.0);
    queue.run(12 * SECOND);
    assert!(!queue.refused.is_empty());
    assert!(between(&queue.refused, 5_600_000, 12 * SECOND).is_empty());
    let after = queue.served_between(5_100_000, 12 * SECOND);
    assert!(percentile(after, 990) < 25_000);
}

#[test]
fn where_it_is_turned_off_the_queue_grows_to_its_end() {
    let mut queue = Queue::new(2, 10_000, 5);
    queue.how.interval = Duration::ZERO;
    queue.load(0, 10 * SECOND, 1_000.0);
    queue.run(10 * SECOND);
    assert!(queue.waiting.len() >= WAITING_MAX - 10);
    // Whoever is served has waited through all of it.
    assert!(percentile(queue.served_between(3 * SECOND, 4 * SECOND), 0) > 4 * SECOND);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Up to nine tenths of what can be served, nobody is refused, whatever the service takes.
    #[test]
    fn whom_there_is_room_for_is_not_refused(
        instances in 1..40_usize, service in 500..200_000_u64, tenths in 1..8_u32, seed: u64,
    ) {
        let mut queue = Queue::new(instances, service, seed);
        let capacity = SECOND as f64 * instances as f64 / service as f64;
        queue.load(0, 5 * SECOND, capacity * f64::from(tenths) / 10.0);
        queue.run(5 * SECOND);
        prop_assert_eq!(queue.refused.len(), 0);
    }

    /// However much comes, instances have work: who is free finds somebody.
    #[test]
    fn instances_never_wait_for_callers(
        instances in 1..40_usize, service in 1_000..100_000_u64, tenths in 15..100_u32, seed: u64,
    ) {
        let mut queue = Queue::new(instances, service, seed);
        let capacity = SECOND as f64 * instances as f64 / service as f64;
        let end = 4 * SECOND;
        queue.load(0, end, capacity * f64::from(tenths) / 10.0);
        queue.run(end);
        let served = queue.served.len() as f64;
        prop_assert!(served >= capacity * 4.0 * 0.85, "{} of {}", served, capacity * 4.0);
        prop_assert!(queue.waiting.len() <= WAITING_MAX);
    }
}
