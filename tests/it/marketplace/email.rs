//! The email sender, with a real SMTP server.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::deploy;
use super::smtp::{Mail, Security, Server};
use crate::certificates::pem;
use crate::language::in_every_language;
use crate::platform::Platform;

fn parameters(server: &Server, security: &str) -> Value {
    json!({
        "SMTP_HOST": "localhost", "SMTP_PORT": server.port.to_string(), "SMTP_SECURITY": security,
        "SMTP_CA": pem("CERTIFICATE", &server.certificate), "MAIL_FROM": "The Shop <shop@example.com>", "TIMEOUT_MS": "3000",
    })
}

/// Parameters with some of them changed.
fn with(mut parameters: Value, changes: &[(&str, &str)]) -> Value {
    for (name, value) in changes {
        parameters[name] = (*value).into();
    }
    parameters
}

fn header(mail: &Mail, name: &str) -> String {
    let head = mail.message.split("\r\n\r\n").next().unwrap_or("");
    let unfolded = head.replace("\r\n ", " ");
    let line = unfolded.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then(|| value.to_owned())
    });
    line.unwrap_or_default()
}

/// The texts of a message by type, decoded. Quoted-printable is told by what it leaves as it is.
fn holds(mail: &Mail, text: &str) -> bool {
    let pieces = mail.message.split("\r\n\r\n");
    let mut decoded = pieces.filter_map(|piece| {
        let lines = piece.lines().take_while(|line| !line.starts_with("--"));
        BASE64.decode(lines.collect::<String>()).ok()
    });
    mail.message.contains(text)
        || decoded.any(|bytes| String::from_utf8_lossy(&bytes).contains(text))
}

#[test]
fn emails_arrive_over_every_kind_of_connection() {
    let platform = Platform::shared();
    let cases = [
        (Security::None, "none", false),
        (Security::StartTls, "starttls", true),
        (Security::Tls, "tls", true),
    ];
    in_every_language(|language| {
        for (security, name, is_encrypted) in cases {
            let server = Server::start(security);
            let mut parameters = parameters(&server, name);
            if is_encrypted {
                parameters["SMTP_USER"] = "shop".into();
                parameters["SMTP_PASSWORD"] = "right".into();
            }
            let function = deploy(&platform, "email-sender", language, &parameters);
            let mail = json!({
                "to": ["Ada <ada@example.com>", "bob@example.org"], "cc": "carol@example.com", "bcc": ["dan@example.com"],
                "replyTo": "help@example.com", "subject": "Grüße: ☃", "text": "plain ☃\r\n.\r\nend", "html": "<p>rich</p>",
            });
            let answer = platform.invoke(&function, &mail).handler_body();
            assert_eq!(answer["rejected"], json!([]), "{name}: {answer}");
            assert_eq!(answer["accepted"].as_array().map(Vec::len), Some(4));
            let mails = server.mails();
            let [mail] = &mails[..] else {
                panic!("{name}: {mails:?}");
            };
            assert_eq!(mail.from, "shop@example.com");
            let to: Vec<&str> = mail.to.iter().map(String::as_str).collect();
            let all = [
                "ada@example.com",
                "bob@example.org",
                "carol@example.com",
                "dan@example.com",
            ];
            assert_eq!(to, all);
            assert_eq!(mail.is_encrypted, is_encrypted);
            assert_eq!(mail.user.as_deref(), is_encrypted.then_some("shop right"));
            assert_eq!(header(mail, "message-id"), answer["messageId"]);
            assert_eq!(header(mail, "cc"), "carol@example.com");
            assert!(header(mail, "to").contains("<ada@example.com>"));
            assert!(header(mail, "from").contains("The Shop"));
            let subject = header(mail, "subject");
            assert!(subject.to_lowercase().starts_with("=?utf-8?"), "{subject}");
            assert!(
                !mail.message.contains("dan@example.com"),
                "bcc is for no header"
            );
            assert!(holds(mail, "<p>rich</p>") && holds(mail, "end"));
            let kind = header(mail, "content-type");
            assert!(kind.starts_with("multipart/alternative"), "{kind}");
        }
    });
}

#[test]
fn what_would_add_headers_is_refused() {
    let platform = Platform::shared();
    let server = Server::start(Security::None);
    in_every_language(|language| {
        let parameters = with(
            parameters(&server, "none"),
            &[
                ("ALLOWED_DOMAINS", "example.com, example.org"),
                ("MAX_RECIPIENTS", "3"),
            ],
        );
        let function = deploy(&platform, "email-sender", language, &parameters);
        let many = json!([
            "a@example.com",
            "b@example.com",
            "c@example.com",
            "d@example.com"
        ]);
        let cases = [
            ("to", json!("ada@example.com\r\nBcc: eve@example.com")),
            ("to", json!("ada@example.com, eve@example.com")),
            ("to", json!("Ada\n <ada@example.com>")),
            ("to", json!("ada@example.com> <eve@example.com")),
            ("to", json!("ada")),
            ("to", json!("ada@elsewhere.com")),
            ("to", json!([])),
            ("to", json!(5)),
            ("to", many),
            ("cc", json!(["ada@example.com", "x\u{0}@example.com"])),
            ("replyTo", json!("a@example.com\nX: y")),
            ("subject", json!("hello\r\nBcc: eve@example.com")),
            ("subject", json!("hello\nBcc: eve@example.com")),
            ("subject", json!("hello\u{2028}there")),
            ("subject", json!(["hello"])),
            ("text", json!(5)),
            ("text", json!("")),
        ];
        for (field, value) in cases {
            let mut mail = json!({"to": "ada@example.com", "subject": "s", "text": "t"});
            mail[field] = value;
            let answer = platform.invoke(&function, &mail).expect(200).json();
            assert_eq!(answer["statusCode"], 400, "{mail}: {answer}");
            assert_eq!(answer["body"]["field"], field, "{mail}: {answer}");
        }
        let answer = platform
            .invoke(&function, &json!("text"))
            .expect(200)
            .json();
        assert_eq!(answer["statusCode"], 400);
    });
    assert!(server.mails().is_empty(), "{:?}", server.mails());
}

#[test]
fn what_a_server_refuses_is_told_apart() {
    let platform = Platform::shared();
    let servers: [Server; 3] =
        [Security::StartTls, Security::None, Security::Silent].map(Server::start);
    let [encrypted, plain, silent] = &servers;
    let user = [("SMTP_USER", "shop"), ("SMTP_PASSWORD", "wrong")];
    let foreign = pem("CERTIFICATE", &plain.certificate);
    let cases = [
        (
            with(parameters(encrypted, "starttls"), &user),
            502,
            "smtp_auth",
        ),
        (with(parameters(plain, "none"), &user), 500, "smtp_auth"),
        (parameters(plain, "starttls"), 502, "smtp_refused"),
        (parameters(plain, "tls"), 502, "smtp_unreachable"),
        (
            with(parameters(encrypted, "starttls"), &[("SMTP_CA", &foreign)]),
            502,
            "smtp_unreachable",
        ),
        (
            with(parameters(plain, "none"), &[("SMTP_PORT", "1")]),
            502,
            "smtp_unreachable",
        ),
        (
            with(parameters(silent, "none"), &[("TIMEOUT_MS", "300")]),
            504,
            "smtp_timeout",
        ),
    ];
    let mail =
        json!({"to": ["nobody@example.com", "ada@example.com"], "subject": "s", "html": "t"});
    in_every_language(|language| {
        for (parameters, status, code) in &cases {
            let function = deploy(&platform, "email-sender", language, parameters);
            let answer = platform.invoke(&function, &mail).expect(200).json();
            assert_eq!(answer["statusCode"], *status, "{code}: {answer}");
            assert_eq!(answer["body"]["code"], *code, "{answer}");
        }
        let function = deploy(
            &platform,
            "email-sender",
            language,
            &parameters(plain, "none"),
        );
        let answer = platform.invoke(&function, &mail).handler_body();
        assert_eq!(answer["accepted"], json!(["ada@example.com"]));
        assert_eq!(answer["rejected"][0]["address"], "nobody@example.com");
        let reason = answer["rejected"][0]["reason"].as_str().expect("a reason");
        assert!(reason.contains("no such user"), "{reason}");
        let nobody = json!({"to": "nobody@example.com", "subject": "s", "text": "t"});
        let answer = platform.invoke(&function, &nobody).expect(200).json();
        assert_eq!(answer["statusCode"], 422, "{answer}");
        assert_eq!(answer["body"]["code"], "all_rejected");
    });
}
