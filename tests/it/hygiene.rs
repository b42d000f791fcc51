//! What processes that were forked from one image must not share: random numbers, clocks, descriptors, secrets.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::language::{Language, in_every_language};
use crate::platform::Platform;
use crate::wait::wait_for;

/// How long a process may take to be known.
const DEADLINE: Duration = Duration::from_secs(30);
/// Siblings of one zygote that are compared with each other.
const SIBLINGS: usize = 10_000;
/// Connections on which they are asked for.
const CONNECTIONS: usize = 8;

#[test]
fn ten_thousand_siblings_share_no_random_number() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_every_language(|language| {
        let settings = json!({"isolation": "request"});
        let function = platform.deploy(language, &language.handler("siblings"), &settings);
        let seen: Mutex<BTreeMap<String, HashSet<String>>> = Mutex::default();
        let asked = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let client = platform.another();
                    while asked.fetch_add(1, Ordering::Relaxed) < SIBLINGS {
                        let answer = client.invoke(&function, &json!({})).handler_body();
                        note(&seen, &answer);
                    }
                });
            }
        });
        let seen = seen.into_inner().expect("no thread failed");
        assert!(
            seen.len() >= 4,
            "{language:?} has too few sources to be true"
        );
        for (source, values) in seen.iter().filter(|(source, _)| *source != "pid") {
            assert_eq!(values.len(), SIBLINGS, "{source} repeats in {language:?}");
        }
    });
}

fn note(seen: &Mutex<BTreeMap<String, HashSet<String>>>, answer: &Value) {
    let mut seen = seen.lock().expect("no thread failed");
    for (source, value) in answer.as_object().expect("sources and values") {
        seen.entry(source.clone())
            .or_default()
            .insert(value.to_string());
    }
}

#[test]
fn every_zygote_has_one_thread() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let function = platform.deploy(language, &language.handler("siblings"), &json!({}));
        platform.invoke(&function, &json!({})).expect(200);
        let threads = |pid: &dyn Fn() -> i32| {
            // A language's may just be made anew, for a function that crashes.
            wait_for("a living zygote", DEADLINE, || {
                let tasks = fs::read_dir(format!("/proc/{}/task", pid())).ok()?;
                Some(tasks.count()).filter(|count| *count > 0)
            })
        };
        let own = threads(&|| platform.zygote_pid(&function));
        let common = threads(&|| platform.language_zygote(language));
        assert_eq!((own, common), (1, 1), "{language:?}");
    });
}

fn instance_of(platform: &Platform, function: &str) -> i32 {
    platform.invoke(function, &json!({})).expect(200);
    // The word on its process id may come after its answer.
    wait_for("an idle instance", DEADLINE, || {
        let pid = platform.show(function)["processes"]["idlePids"][0].as_i64();
        i32::try_from(pid?).ok()
    })
}

#[test]
fn clocks_and_process_ids_are_right_in_every_sibling() {
    let _turn = crate::turn::take();
    let platform = Platform::shared();
    in_every_language(|language| {
        let settings = json!({"isolation": "request"});
        let function = platform.deploy(language, &language.handler("clocks"), &settings);
        let mut last = f64::MIN;
        let mut pids = HashSet::new();
        for _ in 0..20 {
            let before = unix_ms();
            let told = platform.invoke(&function, &json!({})).handler_body();
            let figure = |name: &str| told[name].as_f64().expect("a number");
            for clock in ["unixMs", "otherMs"] {
                let told = figure(clock);
                // A clock may be rounded, but not be the zygote's.
                assert!(
                    (before - 20.0..=unix_ms() + 20.0).contains(&told),
                    "{clock}: {told}, not {before}"
                );
            }
            assert!(figure("monotonicMs") > last, "{language:?}: time went back");
            last = figure("monotonicMs");
            pids.insert(told["pid"].as_i64());
        }
        assert_eq!(pids.len(), 20, "{language:?}");
    });
}

fn unix_ms() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs_f64() * 1e3
}

#[test]
fn an_instance_has_only_descriptors_of_its_own() {
    let platform = Platform::shared();
    in_every_language(|language| {
        let deploy = |parked| {
            let settings = json!({"scaling": {"parked": parked}});
            platform.deploy(language, &language.handler("clocks"), &settings)
        };
        let (function, other) = (deploy(1), deploy(0));
        let idle = descriptors(instance_of(&platform, &function));
        let parked = wait_for("a parked instance", DEADLINE, || {
            let pid = platform.show(&function)["processes"]["parkedPids"][0].as_i64();
            i32::try_from(pid?).ok()
        });
        let sibling = sockets(&descriptors(parked));
        let stranger = descriptors(instance_of(&platform, &other));
        for (number, target) in &idle {
            let kind = target.split(':').next().expect("a kind");
            let allowed = ["socket", "anon_inode", "pipe", "/dev/null", "/dev/urandom"];
            let is_known = allowed.contains(&kind) && !target.contains("pidfd") && *number < 512;
            assert!(is_known, "{language:?}: {number} is {target}");
            let is_shared = kind != "/dev/null"
                && kind != "anon_inode"
                && kind != "/dev/urandom"
                && stranger.values().any(|its| its == target);
            assert!(!is_shared, "{language:?}: two functions share {target}");
        }
        let own = sockets(&idle);
        assert!(
            own.is_disjoint(&sibling),
            "{language:?}: {own:?} and {sibling:?}"
        );
        // The data socket, and in JavaScript the pair with which its event loop wakes itself.
        assert_eq!(own.len(), language.pick(3, 1, 1), "{language:?}: {idle:?}");
    });
}

fn sockets(descriptors: &BTreeMap<i32, String>) -> HashSet<String> {
    let targets = descriptors.values();
    targets
        .filter(|target| target.starts_with("socket"))
        .cloned()
        .collect()
}

fn descriptors(pid: i32) -> BTreeMap<i32, String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors");
    entries
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            let target = fs::read_link(entry.path()).ok()?;
            Some((number, target.to_string_lossy().into_owned()))
        })
        .collect()
}

#[test]
fn no_function_has_a_secret_of_another_in_its_memory() {
    let platform = Platform::start(&[]);
    in_every_language(|language| {
        let token = format!(
            "zygo-token-{:016x}{:016x}",
            fastrand::u64(..),
            fastrand::u64(..)
        );
        let plain =
            |settings: &Value| platform.deploy(language, &language.handler("clocks"), settings);
        let before = plain(&json!({}));
        let code = keeper(language, &token);
        let settings = json!({"secrets": {"TOKEN": token}, "environment": {"PLAIN": token}});
        let owner = platform.deploy(language, &code, &settings);
        platform
            .invoke(&owner, &json!({"token": token}))
            .expect(200);
        let after = plain(&json!({}));
        assert!(
            holds(instance_of(&platform, &owner), &token),
            "the search finds nothing where something is"
        );
        for function in [&before, &after] {
            let processes = [
                platform.zygote_pid(function),
                instance_of(&platform, function),
            ];
            for pid in processes {
                assert!(
                    !holds(pid, &token),
                    "{language:?}: another function's process has the secret"
                );
            }
        }
        let zygote = platform.language_zygote(language);
        assert!(
            !holds(zygote, &token),
            "{language:?}: the language zygote has the secret"
        );
    });
}

/// A function that keeps the token in its code, and whatever it is sent on its heap.
fn keeper(language: Language, token: &str) -> String {
    language.pick(
        format!("const kept: unknown[] = ['{token}', process.env.TOKEN]; export const handler = (event: any) => kept.push(event.body.token);"),
        format!("import os\nKEPT = ['{token}', os.environ['TOKEN']]\ndef handler(event, context): KEPT.append((event['body'] or {{}}).get('token'))"),
        format!("KEPT = ['{token}', ENV['TOKEN']]\ndef handler(event:, context:)\n  KEPT << (event['body'] || {{}})['token']\n  nil\nend"),
    )
}

/// Whether a process has the text anywhere in its readable memory.
fn holds(pid: i32, text: &str) -> bool {
    const CHUNK: usize = 1024 * 1024;
    const PAGE: u64 = 4096;
    let memory = File::open(format!("/proc/{pid}/mem")).expect("its memory");
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).expect("its mappings");
    let mut buffer = vec![0; CHUNK + text.len()];
    maps.lines().filter_map(readable_range).any(|(start, end)| {
        let mut at = start;
        while at < end {
            let length = usize::try_from(end - at)
                .unwrap_or(usize::MAX)
                .min(buffer.len());
            let read = memory.read_at(&mut buffer[..length], at).unwrap_or(0);
            if contains(&buffer[..read], text.as_bytes()) {
                return true;
            }
            // What could be read in part has a page that cannot be: it goes on behind that.
            at = match read == length {
                true => at + CHUNK as u64,
                false => ((at + read as u64) / PAGE + 1) * PAGE,
            };
        }
        false
    })
}

fn readable_range(line: &str) -> Option<(u64, u64)> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let readable = fields.next()?.starts_with('r') && !line.ends_with("[vvar]");
    let number = |text| u64::from_str_radix(text, 16).ok();
    readable.then_some((number(start)?, number(end)?))
}

/// Looks for the first byte, then compares: much faster than comparing every window.
fn contains(bytes: &[u8], text: &[u8]) -> bool {
    let (first, rest) = text.split_first().expect("some text");
    let mut left = bytes;
    while let Some(at) = left.iter().position(|byte| byte == first) {
        left = &left[at + 1..];
        if left.starts_with(rest) {
            return true;
        }
    }
    false
}
