//! An SMTP server on the loopback address: unencrypted, with STARTTLS or with TLS, with a user, and with recipients whom it
//! refuses.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::make;

/// Nobody is waited for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// How it is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    None,
    StartTls,
    Tls,
    /// It says nothing at all.
    Silent,
}

/// An email that has arrived.
#[derive(Debug, Clone, Default)]
pub(super) struct Mail {
    pub(super) from: String,
    pub(super) to: BTreeSet<String>,
    /// User and password, if it was sent with some.
    pub(super) user: Option<String>,
    pub(super) is_encrypted: bool,
    pub(super) message: String,
}

#[derive(Debug)]
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) certificate: Vec<u8>,
    mails: Arc<Mutex<Vec<Mail>>>,
}

trait Stream: Read + Write + Send {}
impl<S: Read + Write + Send> Stream for S {}

/// One conversation.
struct Session {
    stream: BufReader<Box<dyn Stream>>,
    /// What is to become of the connection when the client asks for encryption.
    plain: Option<TcpStream>,
    tls: Arc<ServerConfig>,
    mail: Mail,
}

impl Server {
    /// It ends with the process, as its threads do.
    pub(super) fn start(security: Security) -> Self {
        let made = make("localhost");
        let tls = Arc::new(made.server());
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let mails = Arc::new(Mutex::new(Vec::new()));
        let arrived = Arc::clone(&mails);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tls, arrived) = (Arc::clone(&tls), Arc::clone(&arrived));
                // Whoever has called may be gone at any time.
                std::thread::spawn(move || drop(converse(stream, security, tls, &arrived)));
            }
        });
        Self {
            port,
            certificate: made.certificate,
            mails,
        }
    }

    pub(super) fn mails(&self) -> Vec<Mail> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.clone()
    }
}

fn encrypted(stream: TcpStream, tls: &Arc<ServerConfig>) -> Box<dyn Stream> {
    let connection = ServerConnection::new(Arc::clone(tls)).expect("a connection");
    Box::new(StreamOwned::new(connection, stream))
}

fn converse(
    stream: TcpStream,
    security: Security,
    tls: Arc<ServerConfig>,
    arrived: &Mutex<Vec<Mail>>,
) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    if security == Security::Silent {
        return (&stream).read(&mut [0; 1]).map(drop);
    }
    let mut session = Session {
        plain: (security == Security::StartTls)
            .then(|| stream.try_clone())
            .transpose()?,
        mail: Mail {
            is_encrypted: security == Security::Tls,
            ..Mail::default()
        },
        stream: BufReader::new(match security {
            Security::Tls => encrypted(stream, &tls),
            _ => Box::new(stream),
        }),
        tls,
    };
    session.say("220 ready")?;
    loop {
        let line = session.line()?;
        let word = line.get(..4).unwrap_or("").to_uppercase();
        match &*word {
            "QUIT" => return session.say("221 bye"),
            "EHLO" => session.greet()?,
            "STAR" => session.encrypt()?,
            "AUTH" => session.log_in(&line)?,
            "MAIL" => {
                session.mail.from = between(&line);
                session.say("250 fine")?;
            }
            "RCPT" => session.recipient(&line)?,
            "DATA" => {
                session.receive()?;
                let mut mails = arrived.lock().unwrap_or_else(PoisonError::into_inner);
                mails.push(session.mail.clone());
                drop(mails);
                // Whoever hears this finds the email.
                session.say("250 taken")?;
            }
            "RSET" | "NOOP" => session.say("250 fine")?,
            _ => session.say("502 unknown")?,
        }
    }
}

/// What stands between `<` and `>`.
fn between(line: &str) -> String {
    let inner = line
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(inner, _)| inner.to_owned())
}

impl Session {
    fn say(&mut self, text: &str) -> std::io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{text}\r\n").as_bytes())?;
        stream.flush()
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end_matches(['\r', '\n']).to_owned()),
        }
    }

    fn greet(&mut self) -> std::io::Result<()> {
        self.say("250-localhost")?;
        if self.plain.is_some() {
            self.say("250-STARTTLS")?;
        }
        self.say("250 AUTH PLAIN")
    }

    fn encrypt(&mut self) -> std::io::Result<()> {
        let Some(plain) = self.plain.take() else {
            return self.say("502 unknown");
        };
        self.say("220 go on")?;
        self.stream = BufReader::new(encrypted(plain, &self.tls));
        self.mail.is_encrypted = true;
        Ok(())
    }

    fn log_in(&mut self, line: &str) -> std::io::Result<()> {
        let secret = line.rsplit(' ').next().unwrap_or("");
        let secret = BASE64.decode(secret).unwrap_or_default();
        let secret = String::from_utf8_lossy(&secret).replace('\0', " ");
        self.mail.user = Some(secret.trim().to_owned());
        match secret.trim() == "shop right" {
            true => self.say("235 welcome"),
            false => self.say("535 go away"),
        }
    }

    fn recipient(&mut self, line: &str) -> std::io::Result<()> {
        let address = between(line);
        if address.starts_with("nobody") {
            return self.say("550 no such user");
        }
        self.mail.to.insert(address);
        self.say("250 fine")
    }

    fn receive(&mut self) -> std::io::Result<()> {
        self.say("354 go on")?;
        self.mail.message.clear();
        loop {
            let line = self.line()?;
            if line == "." {
                return Ok(());
            }
            self.mail.message.push_str(&line);
            self.mail.message.push_str("\r\n");
        }
    }
}
