//! A supervisor in miniature, for people who work on a runtime: starts one zygote, deploys one folder, invokes it, and
//! prints answers and latencies without HTTP in between.
//!
//! `drive <zygo-language> <bundle folder> <handler> [--body JSON] [-n N] [--kind warm|parked|forked] [--memory MB] [--after-fork] [--quiet]`
#![allow(clippy::print_stdout, reason = "a command-line tool for developers")]
#![allow(missing_docs, reason = "a program, not an interface")]

use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use zygo_wire::control::{Purpose, ZygoteEvent};
use zygo_wire::data::{BodyKind, InstanceCommand, InstanceEvent, InvokeHeader};
use zygo_wire::socket::{Blocking, PACKET_LEN_MAX};
use zygo_wire::{Function, LoadWhen, Socket, WireError, ZygoteCommand, packet};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Options {
    binary: String,
    function: Function,
    body: Vec<u8>,
    kind: String,
    count: u32,
    quiet: bool,
}

fn main() -> Result<()> {
    let options = parse()?;
    build(&options)?;
    let (control, theirs) = Socket::pair(Blocking::Yes)?;
    let mut zygote = spawn(&options.binary, theirs)?;
    let event = receive_event(&control)?;
    println!("language zygote: {event:?}");
    let function_zygote = boot(&control, &options)?;
    let latencies = run(&function_zygote, &options)?;
    print_percentiles(latencies);
    drop((control, function_zygote));
    zygote.wait()?;
    Ok(())
}

fn parse() -> Result<Options> {
    let mut arguments = std::env::args().skip(1);
    let mut positional = Vec::new();
    let (mut body, mut kind, mut count, mut memory, mut quiet) =
        (String::new(), "warm".to_owned(), 1, 256, false);
    let mut load_when = LoadWhen::BeforeFork;
    let value = |arguments: &mut std::iter::Skip<std::env::Args>| {
        arguments.next().ok_or("a value is missing")
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--body" => body = value(&mut arguments)?,
            "--kind" => kind = value(&mut arguments)?,
            "-n" => count = value(&mut arguments)?.parse()?,
            "--memory" => memory = value(&mut arguments)?.parse()?,
            "--after-fork" => load_when = LoadWhen::AfterFork,
            "--quiet" => quiet = true,
            _ => positional.push(argument),
        }
    }
    let [binary, directory, handler] =
        <[String; 3]>::try_from(positional).map_err(|_| "three arguments, see the source")?;
    let function = Function {
        id: "fn-drive".to_owned(),
        name: "drive".to_owned(),
        version: 1,
        directory: std::fs::canonicalize(directory)?
            .to_string_lossy()
            .into_owned(),
        handler,
        memory_limit_mb: memory,
        once: false,
        concurrency: 1,
        environment: vec![("GREETING".to_owned(), "hello".to_owned())],
        load_when,
        sandbox: None,
    };
    Ok(Options {
        binary,
        function,
        body: body.into_bytes(),
        kind,
        count,
        quiet,
    })
}

fn build(options: &Options) -> Result<()> {
    let output = Command::new(&options.binary)
        .args(["build", &options.function.directory])
        .output()?;
    if !output.status.success() {
        return Err(format!(
            "build: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    Ok(())
}

fn spawn(binary: &str, control: Socket) -> Result<Child> {
    Ok(Command::new(binary)
        .arg("zygote")
        .stdin(Stdio::from(OwnedFd::from(control)))
        .spawn()?)
}

fn boot(control: &Socket, options: &Options) -> Result<Socket> {
    let (ours, theirs) = Socket::pair(Blocking::Yes)?;
    let (theirs, output) = (
        OwnedFd::from(theirs),
        std::io::stderr().as_fd().try_clone_to_owned()?,
    );
    let started = Instant::now();
    let load = ZygoteCommand::Load {
        function: Box::new(options.function.clone()),
    };
    packet::send(&ours, &load, &[], &[])?;
    let fork = ZygoteCommand::ForkFunctionZygote {
        child: 1,
        in_namespace: false,
    };
    packet::send(control, &fork, &[], &[theirs.as_fd(), output.as_fd()])?;
    drop(theirs);
    loop {
        match receive_event(&ours)? {
            ZygoteEvent::Ready { duration_us, .. } => {
                println!(
                    "function zygote: ready in {duration_us} µs, {:?} seen from outside",
                    started.elapsed()
                );
                return Ok(ours);
            }
            event @ ZygoteEvent::Logged { .. } => println!("  {event:?}"),
            event => return Err(format!("{event:?}").into()),
        }
    }
}

fn run(zygote: &Socket, options: &Options) -> Result<Vec<Duration>> {
    let mut latencies = Vec::new();
    let mut instance = None;
    for round in 1..=options.count {
        let reuse = instance.take().filter(|_| options.kind == "warm");
        let started;
        let (socket, number) = match reuse {
            Some(socket) => {
                started = Instant::now();
                invoke(&socket, u64::from(round), options)?;
                (socket, u64::from(round))
            }
            None => {
                let (socket, theirs) = Socket::pair(Blocking::Yes)?;
                let parked = options.kind == "parked";
                let purpose = if parked {
                    Purpose::Park
                } else {
                    Purpose::Serve
                };
                let fork = ZygoteCommand::ForkInstance {
                    child: u64::from(round),
                    purpose,
                };
                let fork_started = Instant::now();
                if !parked {
                    invoke(&socket, u64::from(round), options)?;
                }
                let theirs = OwnedFd::from(theirs);
                packet::send(zygote, &fork, &[], &[theirs.as_fd()])?;
                drop(theirs);
                if parked {
                    receive_answer(&socket, options, true)?;
                    std::thread::sleep(Duration::from_millis(5));
                }
                started = if parked { Instant::now() } else { fork_started };
                if parked {
                    invoke(&socket, u64::from(round), options)?;
                }
                (socket, u64::from(round))
            }
        };
        receive_answer(&socket, options, round > 1 && options.quiet)?;
        latencies.push(started.elapsed());
        let _ = number;
        instance = Some(socket);
        drain(zygote, options.kind != "warm")?;
    }
    Ok(latencies)
}

fn invoke(socket: &Socket, number: u64, options: &Options) -> Result<()> {
    let now_ms = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)?
        .as_millis();
    let header = InvokeHeader {
        number,
        request_id: "req-drive",
        deadline_unix_ms: u64::try_from(now_ms)? + 30_000,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        tracestate: "",
        event: br#"{"method":"POST","path":"/","headers":{"host":"localhost","content-type":"application/json"},"query":{"a":"1"}}"#,
        event_before_body_len: 0,
        body_kind: if options.body.is_empty() { BodyKind::None } else { BodyKind::Json },
        body_len: options.body.len() as u64,
    };
    Ok(packet::send(
        socket,
        &InstanceCommand::Invoke(header),
        &options.body,
        &[],
    )?)
}

fn receive_answer(socket: &Socket, options: &Options, quiet: bool) -> Result<()> {
    let mut buffer = vec![0; PACKET_LEN_MAX];
    loop {
        let received = match socket.receive(&mut buffer) {
            Err(WireError::Closed) => {
                println!("  the instance ended without an answer");
                return Ok(());
            }
            received => received?,
        };
        let (event, inline) = packet::decode::<InstanceEvent<'_>>(&buffer[..received.len])?;
        if let InstanceEvent::Finished(header) = &event {
            let body = packet::body(inline, header.body_len, &received.descriptors, 1 << 30)?;
            if !quiet {
                println!(
                    "  {header:?}\n  body: {}",
                    String::from_utf8_lossy(&body[..body.len().min(2000)])
                );
            }
            return Ok(());
        }
        let is_log = matches!(event, InstanceEvent::Logged { .. });
        if !(quiet || options.quiet && is_log) {
            println!("  {event:?} {}", String::from_utf8_lossy(inline));
        }
        let is_piece = matches!(
            event,
            InstanceEvent::Started(_) | InstanceEvent::Chunk { .. }
        );
        if !is_log && !is_piece {
            return Ok(());
        }
    }
}

/// Reads the fork's report, so that the socket does not fill.
fn drain(zygote: &Socket, each_round: bool) -> Result<()> {
    if each_round {
        while !matches!(receive_event(zygote)?, ZygoteEvent::Forked { .. }) {}
    }
    Ok(())
}

fn receive_event(control: &Socket) -> Result<ZygoteEvent> {
    let mut buffer = vec![0; PACKET_LEN_MAX];
    let received = control.receive(&mut buffer)?;
    Ok(packet::decode(&buffer[..received.len])?.0)
}

fn print_percentiles(mut latencies: Vec<Duration>) {
    latencies.sort();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    println!(
        "n {}: min {:?} p50 {:?} p99 {:?} max {:?}",
        latencies.len(),
        at(0),
        at(50),
        at(99),
        at(100)
    );
}
