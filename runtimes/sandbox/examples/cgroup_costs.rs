//! Says what groups cost on this machine: `cargo run --release -p zygo_sandbox --example cgroup_costs`. Needs root, or a
//! delegated group. Starts processes that do nothing but wait.

use std::error::Error;
use std::io::{Write as _, stdout};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use zygo_sandbox::cgroup::{Cgroups, CpuQuota, Group, Limits};

const ROUNDS: usize = 1_000;
const QUIET_ROUNDS: usize = 50;
const QUIET: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let groups = Cgroups::open("zygo.costs")?;
    writeln!(stdout(), "{:#?}", groups.report())?;
    let limits = Limits {
        memory_bytes: Some(128 << 20),
        cpu_quota: Some(CpuQuota::from_millis(1_000)),
        ..Limits::of_pids(64)
    };
    let group = groups.function("costs", &limits)?;
    make_and_remove(&group, &limits)?;
    use_again(&group, &limits)?;
    attach(&group, &limits)?;
    Ok(())
}

/// Times of one thing.
struct Times(Vec<Duration>);

impl Times {
    fn new() -> Self {
        Self(Vec::with_capacity(ROUNDS))
    }

    fn add<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0.push(start.elapsed());
        result
    }

    fn tell(mut self, what: &str) -> std::io::Result<()> {
        self.0.sort_unstable();
        let at = |part: usize| self.0[(self.0.len() * part / 100).min(self.0.len() - 1)];
        let (p50, p99, most) = (at(50), at(99), at(100));
        let count = self.0.len();
        writeln!(
            stdout(),
            "{what:44} n {count:5}  p50 {p50:>10.1?}  p99 {p99:>10.1?}  max {most:>10.1?}"
        )
    }
}

fn make_and_remove(group: &Group, limits: &Limits) -> Result<(), Box<dyn Error>> {
    let (mut make, mut remove) = (Times::new(), Times::new());
    for _ in 0..ROUNDS {
        let instance = make.add(|| group.instance(limits))?;
        remove.add(|| instance.remove(PATIENCE))?;
    }
    make.tell("make with limits")?;
    remove.tell("remove")?;
    Ok(())
}

fn use_again(group: &Group, limits: &Limits) -> Result<(), Box<dyn Error>> {
    let (mut take, mut read, mut recycle) = (Times::new(), Times::new(), Times::new());
    group.prepare(limits, 1)?;
    for _ in 0..ROUNDS {
        let instance = take.add(|| group.instance(limits))?;
        read.add(|| {
            let kills = instance.out_of_memory_kills()?;
            let peak = instance.memory_peak()?;
            Ok::<_, std::io::Error>((kills, peak, instance.cpu_usage()?))
        })?;
        recycle.add(|| instance.recycle());
    }
    take.tell("take one that is there")?;
    read.tell("read three counters")?;
    recycle.tell("recycle")?;
    Ok(())
}

fn attach(group: &Group, limits: &Limits) -> Result<(), Box<dyn Error>> {
    let places = [group.instance(limits)?, group.instance(limits)?];
    let mut waiting = Waiting::start()?;
    let mut first = Times::new();
    for round in 0..QUIET_ROUNDS {
        std::thread::sleep(QUIET);
        first.add(|| places[round % 2].attach(waiting.0.id()))?;
    }
    let mut later = Times::new();
    for round in 0..ROUNDS {
        later.add(|| places[round % 2].attach(waiting.0.id()))?;
    }
    first.tell("attach after 200 ms of quiet")?;
    later.tell("attach, one after another")?;
    waiting.end()?;

    let (mut end, [place, _]) = (Times::new(), places);
    for _ in 0..QUIET_ROUNDS {
        let mut waiting = Waiting::start()?;
        place.attach(waiting.0.id())?;
        end.add(|| place.kill_all(PATIENCE))?;
        waiting.end()?;
    }
    end.tell("end one process")?;
    Ok(())
}

struct Waiting(Child);

impl Waiting {
    fn start() -> std::io::Result<Self> {
        let mut command = Command::new("cat");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
        command.spawn().map(Self)
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.0.kill()?;
        self.0.wait().map(drop)
    }
}
