//! Modules that do not load: the deployer is told why, and nobody else notices.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::language::{Language, in_every_language};
use crate::platform::{Platform, unique_name};
use crate::wait::wait_until;

/// How long a load may take here, as settings and as problems have it; and three times that.
const LIMIT: (&str, &str) = ("ZYGO_LOAD_TIMEOUT_MS", "1500");
const LIMIT_TOLD: &str = "1500 ms";
const THRICE_TOLD: &str = "4500 ms";
/// What is ended at that limit is told before this; without the setting it would take ten seconds.
const IN_TIME: Duration = Duration::from_secs(8);
/// What was ended has gone by then.
const DEADLINE: Duration = Duration::from_secs(30);

/// Code, the problem's code, and a part of its text.
type Case = (&'static str, &'static str, &'static str);

fn check(platform: &Platform, language: Language, (code, problem, part): Case) {
    let name = unique_name();
    let settings = json!({"code": code, "memory": 64});
    let answer = platform.try_deploy(&name, language.name(), &settings);
    assert_eq!(answer.problem(422), problem, "{code}: {}", answer.text());
    assert!(answer.text().contains(part), "{code}: {}", answer.text());
    assert_eq!(platform.get(&format!("/functions/{name}")).status, 404);
}

#[test]
fn a_load_that_hangs_is_ended() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[LIMIT]);
    in_every_language(|language| {
        let busy = language.pick("for (;;);", "while True: pass", "loop {}");
        let idle = language.pick(
            "await new Promise(() => {});",
            "import time; time.sleep(600)",
            "sleep 600",
        );
        let started = Instant::now();
        check(&platform, language, (busy, "load_failed", LIMIT_TOLD));
        assert!(started.elapsed() < IN_TIME, "{:?}", started.elapsed());
        // An await that can never end is noticed at once, and by name, where the engine can tell: with time enough.
        let part = language.pick("await", LIMIT_TOLD, LIMIT_TOLD);
        let patient = Platform::shared();
        let asked = language.pick(&*patient, &platform, &platform);
        check(asked, language, (idle, "load_failed", part));
        wait_until("the end of what hung", DEADLINE, || {
            let left = platform.processes();
            left.iter()
                .all(|process| !process.title.starts_with("zygote:"))
        });
    });
}

/// So many hang at once that some would get their turn only after three times as long as one may take.
#[test]
fn nobody_waits_for_ever_behind_loads_that_hang() {
    let _turn = crate::turn::take();
    let processors = std::thread::available_parallelism()
        .expect("a number")
        .get();
    let platform = Platform::start(&[LIMIT]);
    in_every_language(|language| {
        let code = language.pick("for (;;);", "import time; time.sleep(600)", "sleep 600");
        let deploy = || {
            let settings = json!({"code": code, "memory": 64});
            let client = platform.another();
            let answer = client.try_deploy(&unique_name(), language.name(), &settings);
            (answer.status, answer.text())
        };
        let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..10 * processors).map(|_| scope.spawn(deploy)).collect();
            let ended = all.into_iter().map(|one| one.join().expect("an answer"));
            ended.collect()
        });
        let (hung, late): (Vec<_>, Vec<_>) = answers.iter().partition(|(status, _)| *status == 422);
        assert!(!hung.is_empty() && !late.is_empty(), "{answers:?}");
        for (status, text) in late {
            assert_eq!(*status, 503, "{text}");
            let is_told = text.contains("platform_full") && text.contains(THRICE_TOLD);
            assert!(is_told, "{text}");
        }
        // All that hung has ended, and so has the queue.
        let fine = language.pick(
            "export const handler = () => 1;",
            "def handler(event, context): return 1",
            "def handler(event:, context:) = 1",
        );
        platform.deploy(language, fine, &json!({}));
    });
}

#[test]
fn a_load_that_exits_crashes_or_eats_memory_is_told() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let exits = language.pick("process.exit(4);", "import sys; sys.exit(4)", "exit 4");
        check(&platform, language, (exits, "load_failed", "4"));
        let bomb = language.pick(
            "const a = []; for (;;) a.push(new Array(1e5).fill(1.5)); export const handler = 1;",
            "a = []\nwhile True: a.append(bytearray(10_000_000))",
            "a = []\nloop { a << ('x' * 10_000_000) }",
        );
        check(&platform, language, (bomb, "load_failed", "emory"));
    });
    let crash = "import os; os.abort()";
    check(
        &platform,
        Language::Python,
        // It is the first process of its namespace, which no signal of its own ends: 128 + SIGABRT.
        (crash, "load_failed", "code 134"),
    );
    check(
        &platform,
        Language::Ruby,
        ("exit!(9)", "load_failed", "code 9"),
    );
}

#[test]
fn a_load_that_prints_a_lot_harms_nobody() {
    let platform = Platform::start(&[]);
    in_every_language(|language| {
        let code = language.pick(
            "for (let i = 0; i < 20000; i++) console.log('x'.repeat(1000)); export const handler = () => 1;",
            "for _ in range(20000): print('x' * 1000)\ndef handler(event, context): return 1",
            "20000.times { puts 'x' * 1000 }\ndef handler(event:, context:) = 1",
        );
        let name = platform.deploy(language, code, &json!({}));
        platform.invoke(&name, &json!({})).expect(200);
    });
}
