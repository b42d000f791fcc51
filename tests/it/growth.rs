//! A zygote that forks on and on stays as it is: its memory, its descriptors, its one thread, and no child that nobody
//! collected. `ZYGO_FORK_COUNT` makes the run longer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::language::in_every_language;
use crate::platform::Platform;
use crate::processes;
use crate::wait::wait_until;

const COUNT: usize = 2_000;
const CONNECTIONS: usize = 4;
/// Forks before the figures are first taken.
const WARM_UP: usize = 200;
const REST_DEADLINE: Duration = Duration::from_secs(30);
/// What the memory may differ by, whatever the number of forks.
const RESIDENT_SLACK_KIB: u64 = 1_024;

/// What a zygote holds when nothing runs.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    threads: usize,
    descriptors: usize,
    children: usize,
}

#[test]
fn a_zygote_stays_as_it_is_however_often_it_forks() {
    let _turn = crate::turn::take();
    let count =
        std::env::var("ZYGO_FORK_COUNT").map_or(COUNT, |count| count.parse().expect("a number"));
    // Forked on demand alone, so that a time comes at which nothing runs.
    let settings = [
        ("ZYGO_ZYGOTE_MAX_FORKS", "0"),
        ("ZYGO_SCALING_AUTOMATIC", "false"),
    ];
    let platform = Platform::start(&settings);
    in_every_language(|language| {
        let settings = json!({"isolation": "request"});
        let function = platform.deploy(language, &language.handler("echo"), &settings);
        let fork = |times: usize| {
            let next = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for _ in 0..CONNECTIONS {
                    let client = platform.another();
                    let (next, function) = (&next, &function);
                    scope.spawn(move || {
                        while next.fetch_add(1, Ordering::Relaxed) < times {
                            client.invoke(function, &json!(1)).expect(200);
                        }
                    });
                }
            });
            let zygote = platform.zygote_pid(&function);
            wait_until("the end of all instances", REST_DEADLINE, || {
                held(zygote).children == 0
            });
        };
        fork(WARM_UP);
        let zygote = platform.zygote_pid(&function);
        let before = (held(zygote), processes::resident_kib(zygote));
        fork(count);
        assert_eq!(platform.zygote_pid(&function), zygote, "it was made anew");
        let after = (held(zygote), processes::resident_kib(zygote));
        let figures = format!("{language:?}: {before:?}, then {after:?}");
        assert_eq!(after.0, before.0, "{figures}");
        assert!(after.1 <= before.1 + RESIDENT_SLACK_KIB, "{figures}");
    });
}

fn held(zygote: i32) -> Held {
    let task = format!("/proc/{zygote}/task");
    let children = std::fs::read_to_string(format!("{task}/{zygote}/children"));
    Held {
        threads: std::fs::read_dir(task).map_or(0, Iterator::count),
        descriptors: processes::descriptors(zygote),
        children: children.map_or(0, |children| children.split_whitespace().count()),
    }
}
