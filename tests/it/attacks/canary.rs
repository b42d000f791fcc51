//! A function of another tenant that is called all the time while something else is attacked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::language::Language;
use crate::platform::{Platform, say};
use crate::wait::wait_until;

/// Fifty calls a second.
const PERIOD: Duration = Duration::from_millis(20);
/// How long it is called in peace first.
const QUIET_CALLS: usize = 50;
/// A call that takes longer counts as one that failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What its caller saw.
#[derive(Debug, Default)]
struct Seen {
    took: Vec<Duration>,
    errors: Vec<String>,
}

/// A canary that is being called.
#[derive(Debug)]
pub(super) struct Canary {
    quiet: Seen,
    ends: Arc<AtomicBool>,
    caller: Option<JoinHandle<Seen>>,
}

impl Canary {
    /// Deploys one, calls it in peace, and goes on calling it.
    pub(super) fn start(platform: &Platform) -> Self {
        let code = "def handler(event, context): return 'chirp'";
        let name = platform.deploy(Language::Python, code, &json!({}));
        let client = platform.another();
        let mut quiet = Seen::default();
        for _ in 0..QUIET_CALLS {
            call(&client, &name, &mut quiet);
        }
        let ends = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ends);
        let caller = std::thread::spawn(move || {
            let mut seen = Seen::default();
            while !told.load(Ordering::Relaxed) {
                call(&client, &name, &mut seen);
            }
            seen
        });
        Self {
            quiet,
            ends,
            caller: Some(caller),
        }
    }

    /// Stops calling it; none of the calls may have failed.
    #[track_caller]
    pub(super) fn assert_unharmed(mut self, attack: &str) {
        self.ends.store(true, Ordering::Relaxed);
        let caller = self.caller.take().expect("it is stopped once");
        let mut seen = caller.join().expect("calls");
        let (quiet, loud) = (p99(&mut self.quiet.took), p99(&mut seen.took));
        let ratio = loud.as_secs_f64() / quiet.as_secs_f64();
        let calls = seen.took.len();
        say(&format!(
            "| canary | Python | {attack} | {calls} calls, {} errors, p99 {quiet:?} -> {loud:?} ({ratio:.1}x) | |",
            seen.errors.len()
        ));
        assert!(seen.errors.is_empty(), "{attack}: {:?}", seen.errors);
        assert!(calls > 0, "nobody called");
    }
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(caller) = self.caller.take() {
            let _ = caller.join();
        }
    }
}

fn call(client: &Client, name: &str, seen: &mut Seen) {
    let started = Instant::now();
    let answer = client.invoke(name, &json!({}));
    let took = started.elapsed();
    if answer.status != 200 || answer.json()["body"] != "chirp" || took > PATIENCE {
        seen.errors.push(format!("{took:?} {}", answer.text()));
    }
    seen.took.push(took);
    wait_until("the next call", PATIENCE, || started.elapsed() >= PERIOD);
}

fn p99(took: &mut [Duration]) -> Duration {
    took.sort_unstable();
    let index = (took.len() * 99 / 100).min(took.len().saturating_sub(1));
    took.get(index).copied().unwrap_or_default()
}
