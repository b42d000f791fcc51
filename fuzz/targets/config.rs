//! Settings from variables and from a file: `NAME=value` lines, a line `---`, then the file. What is taken keeps the
//! rules and can be written and read again; what is refused is refused without showing secrets.
#![no_main]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_target};
use tempfile::NamedTempFile;
use zygo::config::Config;

/// Shorter texts may stand in a message by chance.
const TELLING_LEN: usize = 12;
const SECRETS: [&str; 4] = ["admin_key", "jwt_secret", "master_key", "database_url"];
const SHORT_NAMES: [&str; 5] = ["PORT", "HOST", "VERBOSE", "MAX_MEMORY", "MAX_TIMEOUT"];

static KEYS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let defaults = serde_json::to_value(Config::default()).expect("defaults");
    defaults
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
});

fuzz_target!(
    init: {
        let own: Vec<_> = std::env::vars_os().collect();
        let own: Vec<_> = own.iter().map(|(name, value)| (&**name, &**value)).collect();
        unset(&own);
    },
    |data: &[u8]| -> Corpus {
        match split(data) {
            Some((variables, file)) => {
                load(data, &variables, file);
                Corpus::Keep
            }
            None => Corpus::Reject,
        }
    }
);

fn split(data: &[u8]) -> Option<(Vec<Variable<'_>>, Option<&[u8]>)> {
    let at = data.windows(5).position(|window| window == b"\n---\n");
    let (variables, file) = match at {
        Some(at) => (&data[..at], Some(&data[at + 5..])),
        None => (data, None),
    };
    Some((parse(variables)?, file))
}

fn load(data: &[u8], variables: &[Variable<'_>], file: Option<&[u8]>) {
    let written = file.map(write);
    set(variables);
    let loaded = Config::load(written.as_ref().map(NamedTempFile::path), ());
    unset(variables);
    match loaded {
        Ok(config) => check(config, file.unwrap_or_default()),
        Err(error) => {
            let told = format!("{error} {error:?}");
            for secret in secrets(variables, file.unwrap_or_default()) {
                let is_told = told.contains(&secret) && !occurs_elsewhere(data, &secret);
                assert!(!is_told, "{told} tells {secret}");
            }
        }
    }
}

type Variable<'a> = (&'a OsStr, &'a OsStr);

/// Only those that are Zygo's business; none that a process cannot have.
fn parse(lines: &[u8]) -> Option<Vec<Variable<'_>>> {
    let lines = lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let at = line.iter().position(|byte| *byte == b'=')?;
            let name = &line[..at];
            let begins = |prefix: &[u8]| name.len() > prefix.len() && name.starts_with(prefix);
            let is_short = SHORT_NAMES.iter().any(|short| short.as_bytes() == name);
            let is_ours = is_short || begins(b"ZYGO_") || begins(b"zygo_") || begins(b"OTEL_");
            let is_possible = is_ours && !line.contains(&0);
            is_possible.then(|| (OsStr::from_bytes(name), OsStr::from_bytes(&line[at + 1..])))
        })
        .collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "this process has one thread that reads them"
)]
fn set(variables: &[Variable<'_>]) {
    for (name, value) in variables {
        // SAFETY: libFuzzer's other thread only watches memory and reads no variable.
        unsafe { std::env::set_var(name, value) };
    }
}

#[expect(clippy::disallowed_methods, reason = "as above")]
fn unset(variables: &[Variable<'_>]) {
    for (name, _) in variables {
        // SAFETY: as above.
        unsafe { std::env::remove_var(name) };
    }
}

fn write(text: &[u8]) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), text).expect("written");
    file
}

fn check(mut config: Config, file: &[u8]) {
    assert!(config.max_memory >= 32 && config.max_timeout >= 1 && config.max_instances >= 1);
    assert!((0.0..=1.0).contains(&config.trace_sample_ratio));
    let text = std::str::from_utf8(file).expect("a file that was read is UTF-8");
    let table: toml::Table = text.parse().expect("a file that was read is TOML");
    let unknown: Vec<_> = table.keys().filter(|key| !KEYS.contains(*key)).collect();
    assert!(unknown.is_empty(), "{unknown:?} were taken");
    // Secrets have no written form.
    for secret in [
        &mut config.admin_key,
        &mut config.jwt_secret,
        &mut config.master_key,
        &mut config.database_url,
    ] {
        *secret = None;
    }
    let again = Config::load(None, &config).expect("what was read can be written and read");
    assert_eq!(again, config);
}

/// What no message may tell: values of secrets in variables, and in plain lines of the file.
fn secrets(variables: &[Variable<'_>], file: &[u8]) -> Vec<String> {
    let is_secret = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        SECRETS.contains(&name.strip_prefix("zygo_").unwrap_or(&name))
    };
    let mut found = Vec::new();
    for (name, value) in variables {
        if is_secret(&name.to_string_lossy()) {
            found.push(value.to_string_lossy().into_owned());
        }
    }
    let text = String::from_utf8_lossy(file);
    // A text of several lines may hold what only looks like a key.
    if !text.contains("\"\"\"") && !text.contains("'''") {
        let pairs = text.lines().filter_map(|line| line.split_once('='));
        found.extend(
            pairs
                .filter(|(name, _)| is_secret(name))
                .map(|(_, value)| value.to_owned()),
        );
    }
    let bare = |text: String| text.trim().trim_matches(['"', '\'']).to_owned();
    found
        .into_iter()
        .map(bare)
        .filter(|text| text.len() >= TELLING_LEN)
        .collect()
}

/// What stands in the input a second time may be told for another reason.
fn occurs_elsewhere(data: &[u8], secret: &str) -> bool {
    String::from_utf8_lossy(data).matches(secret).count() > 1
}
