//! Instances of one function: they have one user and one namespace of processes, but are not each other's to end.

use serde_json::json;

use super::ends::is_stopped;
use super::table::Report;
use super::{deploy, in_native, outcome};
use crate::platform::Platform;
use crate::processes;

/// Two instances at once; their process ids here.
fn two_instances(platform: &Platform, function: &str) -> [i32; 2] {
    let clients = [platform.another(), platform.another()];
    let pids = std::thread::scope(|scope| {
        let napping = clients.each_ref().map(|client| {
            scope.spawn(|| {
                client
                    .invoke(function, &json!({"step": ["nap"]}))
                    .handler_body()
            })
        });
        napping.map(|one| one.join().expect("an answer"))
    });
    pids.map(|pid| platform.pid_outside(function, &pid))
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
            let function = deploy(&platform, language, &json!({"timeout": 2000}));
            let instances = two_instances(&platform, &function);
            let seen = outcome(&platform, &function, &step);
            let next = outcome(&platform, &function, &json!(["write", "/tmp/fine"]));
            let lives = |pid: &&i32| processes::is_alive(**pid) && !is_stopped(**pid);
            // Whoever signalled itself too is gone.
            let wanted = if seen.starts_with("instance_crashed") {
                1
            } else {
                2
            };
            let alive = instances.iter().filter(lives).count();
            let text = format!("{seen}, {alive} of {wanted} live");
            report.check(
                "S7",
                language,
                &format!("{what}: a sibling lives"),
                &text,
                alive >= wanted,
            );
            report.check(
                "S7",
                language,
                &format!("{what}: the next invocation"),
                &next,
                next == "ok",
            );
            platform.delete(&format!("/functions/{function}"));
        }
        report.finish();
    });
}
