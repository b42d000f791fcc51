//! How fast an answer in pieces passes through: one caller, one long answer after the other.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{Bench, with_function};
use crate::load::{Outcome, Reading};
use crate::subject::functions::{Function, Weight};
use crate::subject::platform::{Deployed, Platform};

/// Of 64 KiB each.
const PIECES: u32 = 1_024;
const MIB: u32 = PIECES / 16;
const PATIENCE: Duration = Duration::from_secs(60);
/// What a client adds to its request that wants the handler's own answer, and an end that it can see.
const WANTS: &[u8] = b"x-zygo-stream: true\r\nconnection: close\r\n";
/// How a body in chunks ends.
const END: &[u8] = b"0\r\n\r\n";

/// Every language.
pub(crate) fn all(bench: &mut Bench<'_>, platform: &mut Platform) {
    let times = bench.pick(40, 8);
    for language in bench.options.languages() {
        let name = language.name();
        bench.attempt(&format!("answers in pieces, {name}"), |bench| {
            let function = Function::warm(language, Weight::Streaming, 1);
            with_function(platform, &function, |platform, deployed| {
                let run = streams(platform, deployed, times)?;
                let load = format!("1 caller, {MIB} MiB in pieces of 64 KiB");
                bench.add_all(format!("stream/{name}"), &load, &run, true)?;
                let rate = f64::from(MIB * times) / run.elapsed.as_secs_f64();
                bench.note(format!(
                    "streams: {name} sends {rate:.0} MiB/s to one caller"
                ));
                Ok(())
            })
        });
    }
}

fn streams(platform: &Platform, deployed: &Deployed, times: u32) -> Result<Outcome> {
    let event = format!("{{\"pieces\":{PIECES}}}");
    let mut request = platform.invocation_with(deployed, event.as_bytes());
    let line = request.windows(2).position(|two| two == b"\r\n");
    let headers = line.map_or(0, |line| line + 2);
    request.splice(headers..headers, WANTS.iter().copied());
    let mut run = Outcome::default();
    let began = Instant::now();
    for _ in 0..times {
        let started = Instant::now();
        stream(platform, &request)?;
        let now = Instant::now();
        run.reply(Reading::Plain, 200, b"", now - started, now);
    }
    run.elapsed = began.elapsed();
    Ok(run)
}

/// One answer to its end.
fn stream(platform: &Platform, request: &[u8]) -> Result<()> {
    let mut connection = TcpStream::connect(platform.address)?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(request)?;
    let mut buffer = vec![0; 256 * 1024];
    let (mut received, mut tail) = (0, Vec::new());
    loop {
        let count = connection.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        received += count;
        tail.extend_from_slice(&buffer[count.saturating_sub(END.len())..count]);
        tail.drain(..tail.len().saturating_sub(END.len()));
    }
    ensure!(
        received > MIB as usize * 1024 * 1024 && tail == END,
        "the answer was cut after {received} bytes"
    );
    Ok(())
}
