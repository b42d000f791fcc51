//! Modules that attack while they are loaded, in the function zygote itself: it holds the socket over which the supervisor
//! commands it, and may fork.

use serde_json::json;

use super::canary::Canary;
use super::table::Report;
use super::{deploy, in_native, outcome};
use crate::language::Language;
use crate::platform::{Platform, unique_name};
use crate::processes;

const PYTHON: &str = "
import os, socket, struct, time, signal, ctypes
def control():
    for name in os.listdir('/proc/self/fd'):
        path = '/proc/self/fd/' + name
        if int(name) > 2 and os.path.islink(path) and os.readlink(path).startswith('socket:'):
            return int(name)
def send(data, descriptors=()):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack('%di' % len(descriptors), *descriptors))] if descriptors else []
    with socket.socket(fileno=os.dup(control())) as its:
        its.sendmsg([bytes(data)], rights)
ATTACK
def handler(event, context): return 'honest'
";

const RUBY: &str = "
require 'socket'
def control
  name = Dir.children('/proc/self/fd').find { |it| it.to_i > 2 && (File.readlink('/proc/self/fd/' + it) rescue '').start_with?('socket:') }
  BasicSocket.for_fd(name.to_i).tap { |it| it.autoclose = false }
end
def send_packet(data, *files)
  rights = files.empty? ? [] : [[:SOCKET, :RIGHTS, files.map(&:fileno).pack('l*')]]
  control.sendmsg(data.pack('C*'), 0, nil, *rights)
end
ATTACK
def handler(event:, context:) = 'honest'
";

/// `ZygoteEvent` as postcard, behind its length.
fn packet(event: &[u8]) -> String {
    let length = u8::try_from(event.len()).expect("short");
    format!("{:?}", [&[length, 0, 0, 0], event].concat())
}

/// Sends an event to the supervisor.
fn sends(event: &[u8]) -> [String; 2] {
    let packet = packet(event);
    [format!("send({packet})"), format!("send_packet({packet})")]
}

/// What a module does, in both languages. None of it may harm anybody else; some of it is no attack on itself either.
fn attacks() -> Vec<(&'static str, [String; 2])> {
    let with_pipe = |event: &[u8]| {
        let [python, ruby] = sends(event).map(|send| send.trim_end_matches(')').to_owned());
        [
            format!("{python}, [os.pipe()[0]])"),
            format!("{ruby}, IO.pipe.first)"),
        ]
    };
    let both = |python: &str, ruby: &str| [python.to_owned(), ruby.to_owned()];
    vec![
        (
            "garbage",
            both("send(b'garbage')", "send_packet('garbage'.bytes)"),
        ),
        (
            "a header of 4 GB",
            both(
                "send([255, 255, 255, 255, 1])",
                "send_packet([255, 255, 255, 255, 1])",
            ),
        ),
        ("an unknown event", sends(&[99])),
        ("ready with a foreign protocol", sends(&[0, 99, 0, 0])),
        ("ready before it is", sends(&[0, 1, 0, 0])),
        ("a child that nobody asked for", with_pipe(&[1, 1, 2])),
        ("the death of a child to come", sends(&[3, 1, 0, 0])),
        ("the refusal of a fork to come", sends(&[2, 1, 1, b'x'])),
        ("culprits", sends(&[5, 1, 1, b'x'])),
        (
            "closed",
            both("os.close(control())", "IO.for_fd(control.fileno).close"),
        ),
        (
            "a flood",
            both(
                "[send([3, 0, 0, 0, 6, 1, 0]) for _ in range(20000)]",
                "20_000.times { send_packet([3, 0, 0, 0, 6, 1, 0]) }",
            ),
        ),
        (
            "fork",
            both("os.fork() or time.sleep(60)", "fork { sleep 60 }"),
        ),
        (
            "kill(-1)",
            both("os.kill(-1, signal.SIGKILL)", "Process.kill(:KILL, -1)"),
        ),
        (
            "kill(0)",
            both(
                "signal.signal(15, signal.SIG_IGN); os.kill(0, signal.SIGTERM)",
                "trap('TERM', 'IGNORE'); Process.kill(:TERM, 0)",
            ),
        ),
        (
            "exec",
            both("os.execv('/bin/true', ['x'])", "exec('/bin/true')"),
        ),
        ("abort", both("os.abort()", "Process.abort")),
        ("a loop", both("\nwhile True: pass", "loop {}")),
        (
            "segv",
            both(
                "ctypes.string_at(8)",
                "require 'fiddle'; Fiddle::Pointer.new(8)[0, 1]",
            ),
        ),
    ]
}

#[test]
fn modules_harm_themselves_alone() {
    let _turn = crate::turn::take();
    let platform = Platform::start(&[("ZYGO_LOAD_TIMEOUT_MS", "5000")]);
    in_native(|language| {
        let mut report = Report::default();
        let bystander = deploy(&platform, language, &json!({}));
        let canary = Canary::start(&platform);
        let zygote = platform.language_zygote(language);
        for (what, codes) in attacks() {
            let [python, ruby] = codes;
            let code = match language {
                Language::Python => PYTHON.replace("ATTACK", &python),
                _ => RUBY.replace("ATTACK", &ruby),
            };
            let name = unique_name();
            let deployed = platform.try_deploy(
                &name,
                language.name(),
                &json!({"code": code, "timeout": 5000}),
            );
            let invoked = match deployed.status {
                201 => platform.invoke(&name, &json!({})).text(),
                _ => format!("{} {}", deployed.json()["code"], deployed.json()["detail"]),
            };
            let text = format!("{} {invoked}", deployed.status);
            let told = [201, 422].contains(&deployed.status) || deployed.status == 503;
            report.check("S20", language, &format!("at load: {what}"), &text, told);
            let other = outcome(&platform, &bystander, &json!(["respond", "mine"]));
            report.check(
                "S20",
                language,
                &format!("somebody else after {what} at load"),
                &other,
                other == "mine",
            );
            let lives = processes::is_alive(zygote);
            report.check(
                "S20",
                language,
                &format!("the language zygote after {what} at load"),
                &format!("lives: {lives}"),
                lives,
            );
            platform.delete(&format!("/functions/{name}"));
        }
        canary.assert_unharmed("attacks at load");
        report.finish();
    });
}
