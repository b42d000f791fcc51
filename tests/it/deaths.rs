//! Processes of the platform that are killed from outside, at the worst moments.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::language::{LANGUAGES, Language, in_every_language};
use crate::platform::{Platform, unique_name};
use crate::processes;
use crate::wait::{wait_for, wait_until};

const DEADLINE: Duration = Duration::from_secs(30);
/// What comes back comes back within a second, on a machine that does nothing else. It would not be as soon as this where
/// somebody waits for an end, or for the limit of a load.
const AT_ONCE: Duration = Duration::from_secs(8);

fn deploy(platform: &Platform, language: Language) -> String {
    platform.deploy(
        language,
        &language.handler("faults"),
        &json!({"timeout": 20_000}),
    )
}

/// The process with a title such as `instance:f1`, once there is one.
fn process_of(platform: &Platform, role: &str, function: &str) -> i32 {
    let title = format!("{role}:{function}");
    wait_for(&title, DEADLINE, || {
        let mut all = platform.processes().into_iter();
        all.find(|process| process.title == title)
            .map(|process| process.pid)
    })
}

#[test]
fn a_killed_instance_is_one_answer() {
    let platform = Platform::shared();
    in_every_language(|language| {
        for (signal, name) in [(Signal::KILL, "SIGKILL"), (Signal::ABORT, "SIG")] {
            let function = deploy(&platform, language);
            let client = platform.another();
            let invoked = std::thread::scope(|scope| {
                let invocation = scope.spawn(|| client.invoke(&function, &json!("loop")));
                let instance = process_of(&platform, "instance", &function);
                // Before its handler runs, its death would be no reason not to try another.
                wait_until("the loop to run", DEADLINE, || {
                    processes::process(instance).is_some_and(|process| process.ticks >= 10)
                });
                processes::send(instance, signal);
                invocation.join().expect("an answer")
            });
            assert_eq!(invoked.problem(502), "instance_crashed");
            let message = invoked.json()["errorMessage"].to_string();
            assert!(message.contains(name), "{message}");
            platform.invoke(&function, &json!("fine")).expect(200);
        }
    });
}

#[test]
fn an_idle_instance_that_died_is_never_noticed() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        for _ in 0..20 {
            let pid = platform.invoke(&function, &json!("fine")).handler_body();
            let pid = platform.pid_outside(&function, &pid);
            processes::kill(pid);
            wait_until("its end", DEADLINE, || !processes::is_alive(pid));
        }
        platform.invoke(&function, &json!("fine")).expect(200);
    });
}

#[test]
fn a_killed_function_zygote_comes_back() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        platform.invoke(&function, &json!("fine")).expect(200);
        let zygote = process_of(&platform, "zygote", &function);
        processes::kill(zygote);
        wait_until("its end", DEADLINE, || !processes::is_alive(zygote));
        let started = Instant::now();
        platform.invoke(&function, &json!("fine")).expect(200);
        assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
        assert_ne!(process_of(&platform, "zygote", &function), zygote);
    });
}

#[test]
fn a_killed_language_zygote_stops_nobody() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[]);
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let before = platform.invoke(&function, &json!("fine")).handler_body();
        let zygote = platform.language_zygote(language);
        processes::kill(zygote);
        wait_until("its end", DEADLINE, || !processes::is_alive(zygote));
        let killed = Instant::now();
        // The warm instance and the function's own zygote are still there.
        assert_eq!(
            platform.invoke(&function, &json!("fine")).handler_body(),
            before
        );
        assert_eq!(platform.invoke(&function, &json!("exit")).status, 502);
        let envelope = platform
            .invoke(&function, &json!("fine"))
            .expect(200)
            .json();
        assert_eq!(envelope["startKind"], "forked");
        deploy(&platform, language);
        assert!(killed.elapsed() < AT_ONCE, "{:?}", killed.elapsed());
        assert_ne!(platform.language_zygote(language), zygote);
    });
}

#[test]
fn a_language_zygote_that_hears_nothing_is_replaced() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[]);
    let zygotes = LANGUAGES.map(|language| {
        // One that is not up yet has a deadline of its own.
        deploy(&platform, language);
        platform.language_zygote(language)
    });
    for zygote in zygotes {
        processes::send(zygote, Signal::STOP);
    }
    std::thread::scope(|scope| {
        for language in LANGUAGES {
            let platform = &platform;
            scope.spawn(move || deploy(platform, language));
        }
    });
    for (language, zygote) in LANGUAGES.into_iter().zip(zygotes) {
        assert_ne!(platform.language_zygote(language), zygote, "{language:?}");
    }
    wait_until("the complaint", DEADLINE, || {
        platform.log_tail().contains("hears nothing any more")
    });
}

fn slow_to_load(language: Language) -> &'static str {
    language.pick(
        "const end = Date.now() + 1500; while (Date.now() < end); export const handler = () => 1;",
        "import time; time.sleep(1.5)\ndef handler(event, context): return 1",
        "sleep 1.5\ndef handler(event:, context:) = 1",
    )
}

/// Kills `victim` as soon as a function zygote loads; returns the status of the deployment.
fn kill_during_load(
    platform: &Platform,
    language: Language,
    victim: impl Fn(&str) -> i32,
) -> (u16, String) {
    let name = unique_name();
    let client = platform.another();
    let code = json!({"code": slow_to_load(language)});
    let answer = std::thread::scope(|scope| {
        let deployment = scope.spawn(|| client.try_deploy(&name, language.name(), &code));
        process_of(platform, "zygote", &name);
        processes::kill(victim(&name));
        deployment.join().expect("an answer")
    });
    (answer.status, name)
}

#[test]
fn a_zygote_that_is_killed_while_it_loads_is_a_failed_deployment() {
    let platform = Platform::start(&[]);
    in_every_language(|language| {
        let victim = |name: &str| process_of(&platform, "zygote", name);
        let (status, name) = kill_during_load(&platform, language, victim);
        assert_eq!(status, 422);
        assert_eq!(platform.get(&format!("/functions/{name}")).status, 404);
        platform
            .try_deploy(
                &name,
                language.name(),
                &json!({"code": slow_to_load(language)}),
            )
            .expect(201);
    });
}

#[test]
fn a_deployment_survives_the_death_of_its_language_zygote() {
    let platform = Platform::start(&[]);
    in_every_language(|language| {
        let victim = |_: &str| platform.language_zygote(language);
        let (status, name) = kill_during_load(&platform, language, victim);
        assert_eq!(status, 201);
        platform.invoke(&name, &json!({})).expect(200);
    });
}

#[test]
fn when_the_client_goes_the_instance_goes() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = deploy(&platform, language);
        let mut connection = TcpStream::connect(platform.address()).expect("a connection");
        let head = format!(
            "POST /functions/{function}/invoke HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n\"wait\""
        );
        connection.write_all(head.as_bytes()).expect("sent");
        let instance = process_of(&platform, "instance", &function);
        drop(connection);
        wait_until("the end of the instance", DEADLINE, || {
            !processes::is_alive(instance)
        });
        let envelope = platform
            .invoke(&function, &json!("fine"))
            .expect(200)
            .json();
        assert_eq!(envelope["startKind"], "forked");
        wait_until("room for one instance", DEADLINE, || {
            platform.show(&function)["processes"]["instances"] == 1
        });
    });
}
