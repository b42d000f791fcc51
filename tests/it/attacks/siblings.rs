//! Instances of one function: they have one user and one namespace of processes, but are not each other's to end.

use std::time::Duration;

use serde_json::{Value, json};

use super::table::Report;
use super::{deploy, in_native, outcome};
use crate::platform::Platform;
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(60);
/// How long the sibling is at work; longer where a machine is slower.
pub(super) const NAPS: [u64; 4] = [1, 3, 9, 27];

/// What an attack on all sees, and what becomes of an invocation that a sibling serves meanwhile. `None` if the attack came
/// too late. Whether the attacker itself lives on is its own affair, and so is when it notices.
fn beside_a_sibling(
    platform: &Platform,
    function: &str,
    step: &Value,
    seconds: u64,
) -> Option<(String, String)> {
    let (working, attacking) = (platform.another(), platform.another());
    let title = format!("instance:{function}");
    std::thread::scope(|scope| {
        let sibling = scope.spawn(|| outcome(&working, function, &json!(["nap", seconds])));
        wait_until("the sibling", DEADLINE, || {
            let all = platform.processes();
            all.iter().any(|process| process.title == title)
        });
        let seen = outcome(&attacking, function, step);
        let was_there = !sibling.is_finished();
        let answered = sibling.join().expect("an outcome");
        was_there.then_some((seen, answered))
    })
}

#[test]
fn a_signal_to_everybody_leaves_siblings_alive() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_native(|language| {
        let mut report = Report::default();
        for (what, step) in [
            ("kill(-1, KILL)", json!(["kill_all"])),
            ("kill(-1, STOP)", json!(["kill", -1, 19])),
            ("kill(0, TERM)", json!(["kill", 0, 15])),
        ] {
            let function = deploy(&platform, language, &json!({"timeout": 30_000}));
            let tried = NAPS
                .iter()
                .find_map(|seconds| beside_a_sibling(&platform, &function, &step, *seconds));
            let (seen, sibling) = tried.expect("an attack in time");
            // A process id, as the sibling was asked for.
            let goes_on = sibling.parse::<u32>().is_ok();
            report.check(
                "S7",
                language,
                &format!("{what}: a sibling goes on"),
                &format!("{seen}, the sibling {sibling}"),
                goes_on,
            );
            let fresh = platform.another();
            // The attacker may be on its way out, and takes one invocation with it then.
            let next = wait_for("an invocation afterwards", DEADLINE, || {
                let next = outcome(&fresh, &function, &json!(["write", "/tmp/fine"]));
                (next == "ok").then_some(next)
            });
            report.check(
                "S7",
                language,
                &format!("{what}: the next invocation"),
                &next,
                true,
            );
            platform.delete(&format!("/functions/{function}"));
        }
        report.finish();
    });
}
