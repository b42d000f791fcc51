//! Real handlers that attack everything they can reach, by rows: what is tried, in which language, and what must be seen.
//!
//! - `status`: what every process of a function is, seen from outside (S8, S11, S18)
//! - `visible`: what of the machine is visible inside (S6, S12, S13, S14, S17)
//! - `planted`: what others planted (S6, S12, F5)
//! - `syscalls`: system calls, one by one (S5, S7, S8, S9, S10, S12, S14, S16)
//! - `files`: files and the temporary folder (S6, S12, S14, S17)
//! - `ends`: loops, daemons and crashes (S3, S4, S7, S15)
//! - `limits`: bombs and floods (S1, S2, S18, S19)
//! - `network`: addresses, in networks that the tests make (S8)
//! - `socket`: forged packets and answers (S13, S20, S21)
//! - `siblings`: instances of one function (S7)
//! - `clients`: clients that take their time (H1)
//! - `groups`: what only control groups stop (S1, S2)
//! - `engine`: what JavaScript reaches (S6, S14)
//! - `leavings`: what one invocation leaves to the next (F6)
//! - `load`: modules that attack while they are loaded (S20)
//! - `layers`: each layer taken away (S22)
//! - `machines`: machines that lack a layer (S22)
//!
//! Every test prints its rows; the destructive ones run beside a canary of another tenant.

mod calls;
mod canary;
mod own_network;
mod table;
mod unusable;

mod clients;
mod ends;
mod engine;
mod files;
mod groups;
mod layers;
mod leavings;
mod limits;
mod load;
mod machines;
mod network;
mod planted;
mod siblings;
mod socket;
mod status;
mod syscalls;
mod visible;

use serde_json::{Value, json};

use crate::client::Client;
use crate::language::Language;
use crate::platform::Platform;

/// The languages whose handlers can make system calls.
const NATIVE: [Language; 2] = [Language::Python, Language::Ruby];

/// Deploys the handler that does what it is told.
fn deploy(platform: &Platform, language: Language, settings: &Value) -> String {
    platform.deploy(language, &language.handler("attacks"), settings)
}

/// What came of one step: what the handler saw, or how the invocation failed.
fn outcome(client: &Client, function: &str, step: &Value) -> String {
    outcome_beside(client, function, step, &[])
}

/// The same; the handler chooses one of these process ids that is not its own.
fn outcome_beside(client: &Client, function: &str, step: &Value, pids: &[i32]) -> String {
    let answer = client.invoke(function, &json!({"step": step, "pids": pids}));
    let mut json = answer.json();
    match answer.status {
        200 => match json["body"].take() {
            Value::String(text) => text,
            other => other.to_string(),
        },
        _ => {
            let of = |field: &str| json[field].as_str().unwrap_or("").to_owned();
            let (code, message) = (of("code"), of("errorMessage"));
            let signal = [
                "SIGSYS",
                "SIGSEGV",
                "SIGABRT",
                "SIGKILL",
                "SIGXFSZ",
                "SIGBUS",
                "signal 25",
            ];
            let signal = signal.into_iter().find(|signal| message.contains(signal));
            match signal {
                Some(signal) => format!("{code}:{signal}"),
                None => code,
            }
        }
    }
}

/// Runs a test once in each language that can make system calls, both of them even if one fails.
#[track_caller]
fn in_native(test: impl Fn(Language)) {
    crate::language::in_these(&NATIVE, test);
}
