//! As much of an S3-compatible server as archives need: whole objects by name, one of each, and a list. Takes whoever signs, and
//! keeps what a request said.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
struct State {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Heads of requests that nobody signed.
    unsigned: Mutex<Vec<String>>,
}

/// A server with every bucket that it is asked for.
#[derive(Debug)]
pub(super) struct Bucket {
    address: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct Request {
    method: String,
    target: String,
    /// In lower case.
    headers: String,
    body: Vec<u8>,
}

impl Bucket {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(State::default());
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&serving);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Paths of all objects.
    pub(super) fn names(&self) -> Vec<String> {
        lock(&self.state.objects).keys().cloned().collect()
    }

    /// Flips a bit of an object.
    pub(super) fn damage(&self, name: &str) {
        let mut objects = lock(&self.state.objects);
        let object = objects.get_mut(name).expect("an object");
        let middle = object.len() / 2;
        object[middle] ^= 1;
    }

    /// Removes all objects.
    pub(super) fn forget(&self) {
        lock(&self.state.objects).clear();
    }

    pub(super) fn unsigned(&self) -> Vec<String> {
        lock(&self.state.unsigned).clone()
    }
}

fn serve(stream: TcpStream, state: &State) {
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor"));
    let mut stream = stream;
    while let Some(request) = read(&mut reader) {
        let signed = "authorization: aws4-hmac-sha256 credential=an-id/";
        if !request.headers.contains(signed) {
            lock(&state.unsigned).push(request.headers.clone());
        }
        let (status, head, body) = answer(&request, state);
        let head = format!(
            "HTTP/1.1 {status}\r\n{head}content-length: {}\r\n\r\n",
            body.len()
        );
        let body: &[u8] = if request.method == "HEAD" { &[] } else { &body };
        if stream.write_all(&[head.as_bytes(), body].concat()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let mut request = Request {
        method: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        ..Request::default()
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        request.headers.push_str(&line.to_lowercase());
    }
    let lines = request.headers.lines();
    let length = lines
        .filter_map(|line| line.strip_prefix("content-length: "))
        .next();
    let length = length.and_then(|length| length.trim().parse().ok());
    request.body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// Status, headers, body.
fn answer(request: &Request, state: &State) -> (&'static str, String, Vec<u8>) {
    let (path, query) = request
        .target
        .split_once('?')
        .unwrap_or((&request.target, ""));
    let facts = "etag: \"1\"\r\nlast-modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n".to_owned();
    let mut objects = lock(&state.objects);
    match request.method.as_str() {
        "PUT" if request.headers.contains("if-none-match: *") && objects.contains_key(path) => {
            ("412 Precondition Failed", String::new(), Vec::new())
        }
        "PUT" => {
            objects.insert(path.to_owned(), request.body.clone());
            ("200 OK", facts, Vec::new())
        }
        "POST" if query.contains("delete") => {
            let bucket = path.trim_end_matches('/');
            for name in named(&request.body) {
                objects.remove(&format!("{bucket}/{name}"));
            }
            (
                "200 OK",
                String::new(),
                b"<DeleteResult></DeleteResult>".to_vec(),
            )
        }
        "DELETE" => {
            objects.remove(path);
            ("204 No Content", String::new(), Vec::new())
        }
        _ if query.contains("list-type=2") => ("200 OK", String::new(), list(path, &objects)),
        _ => match objects.get(path) {
            Some(object) => ("200 OK", facts, object.clone()),
            None => ("404 Not Found", String::new(), Vec::new()),
        },
    }
}

/// Names of objects in a request.
fn named(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body).into_owned();
    let names = text.split("<Key>").skip(1);
    let names = names.filter_map(|rest| rest.split_once("</Key>"));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn list(bucket: &str, objects: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let bucket = format!("{}/", bucket.trim_end_matches('/'));
    let object = |(name, object): (&String, &Vec<u8>)| {
        let name = name.strip_prefix(&bucket)?;
        let length = object.len();
        Some(format!(
            "<Contents><Key>{name}</Key><Size>{length}</Size><ETag>1</ETag>\
             <LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>"
        ))
    };
    let objects: String = objects.iter().filter_map(object).collect();
    format!("<ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>").into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
