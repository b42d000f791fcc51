//! An HTTP API on the loopback address, with all the vices that one can have.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

/// Nobody is waited for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Its address; it ends with the process, as its threads do.
pub(super) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream));
        }
    });
    format!("http://{address}")
}

fn serve(stream: TcpStream) {
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream.set_write_timeout(Some(PATIENCE)).expect("a limit");
    let mut reader = BufReader::new(stream);
    let lines = reader.by_ref().lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let Some((request, fields)) = head.split_first() else {
        return;
    };
    let mut headers = Map::new();
    for (name, value) in fields.iter().filter_map(|line| line.split_once(':')) {
        headers.insert(name.to_lowercase(), value.trim().into());
    }
    let length = headers.get("content-length").and_then(Value::as_str);
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a length"))];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let mut words = request.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let told = json!({"method": method, "target": target, "headers": headers, "body": BASE64.encode(&body)});
    // Whoever asked may be gone.
    let _ = answer(reader.into_inner(), method, target, &told);
}

fn answer(mut stream: TcpStream, method: &str, target: &str, told: &Value) -> std::io::Result<()> {
    let path = target.split('?').next().unwrap_or("");
    match path.rsplit('/').next().unwrap_or("") {
        // It says nothing until the other side hangs up.
        "silent" => drop(stream.read(&mut [0; 1])?),
        "nonsense" => stream.write_all(b"this is no HTTP\r\n\r\n")?,
        "endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")?;
            for _ in 0..1_000 {
                stream.write_all(&[b'x'; 64 * 1024])?;
            }
        }
        "elsewhere" => stream.write_all(
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        )?,
        "bytes" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 4\r\nconnection: close\r\n\r\n\x00\xff\x80\n")?;
        }
        _ => {
            let body = told.to_string();
            let head = format!(
                "HTTP/1.1 203 Said\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close, x-inner\r\n\
                 x-inner: 1\r\nkeep-alive: timeout=5\r\nset-cookie: a=1\r\nx-outer: 2\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes())?;
            if method != "HEAD" {
                stream.write_all(body.as_bytes())?;
            }
        }
    }
    Ok(())
}
