//! The mail sender against a mail server of a few lines, over real sockets, with and without TLS.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::Value;

use super::*;
use crate::notify::{EventKind, Urgency};

/// What the server answers.
#[derive(Clone)]
struct Plan {
    greeting: &'static str,
    offers: &'static str,
    starttls: &'static str,
    auth: &'static str,
    rcpt: &'static str,
    end: &'static str,
    tls: Option<Arc<rustls::ServerConfig>>,
    tls_first: bool,
}

impl Default for Plan {
    fn default() -> Self {
        let (starttls, auth, rcpt, end) = ("220 go ahead", "235 2.7.0 welcome", "250 2.1.5 ok", "250 2.0.0 queued as 7");
        Self { greeting: "220 mail.test ready", offers: "8BITMIME", starttls, auth, rcpt, end, tls: None, tls_first: false }
    }
}

/// What the server heard.
#[derive(Debug, Default)]
struct Heard {
    commands: Vec<String>,
    mail: String,
    in_tls: Vec<String>,
}

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

fn line(wire: &mut dyn Wire) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n") {
        if wire.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    bytes.truncate(bytes.len() - 2);
    Some(String::from_utf8(bytes).unwrap())
}

/// Answers until the client leaves, or asks for TLS: then true.
fn session(wire: &mut dyn Wire, plan: &Plan, greet: bool, commands: &mut Vec<String>, mail: &mut String) -> bool {
    let say = |wire: &mut dyn Wire, text: &str| wire.write_all(format!("{text}\r\n").as_bytes()).and_then(|()| wire.flush()).is_ok();
    if greet && !say(wire, plan.greeting) {
        return false;
    }
    while let Some(command) = line(wire) {
        let verb = command.split([' ', ':']).next().unwrap().to_owned();
        commands.push(command);
        let good = match verb.as_str() {
            "EHLO" => say(wire, &format!("250-mail.test\r\n250 {}", plan.offers)),
            "STARTTLS" => return say(wire, plan.starttls),
            "AUTH" => say(wire, plan.auth),
            "RCPT" => say(wire, plan.rcpt),
            "DATA" => {
                say(wire, "354 go on");
                while let Some(text) = line(wire).filter(|text| text != ".") {
                    mail.push_str(&text);
                    mail.push('\n');
                }
                say(wire, plan.end)
            }
            "QUIT" => {
                say(wire, "221 bye");
                false
            }
            _ => say(wire, "250 ok"),
        };
        if !good {
            return false;
        }
    }
    false
}

/// Serves one connection on a free port of this machine.
fn server(plan: Plan) -> (u16, JoinHandle<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut heard = Heard::default();
        let asked = plan.tls_first || session(&mut socket, &plan, true, &mut heard.commands, &mut heard.mail);
        if let (true, Some(tls)) = (asked, plan.tls.clone()) {
            let connection = rustls::ServerConnection::new(tls).unwrap();
            let mut wire = rustls::StreamOwned::new(connection, socket);
            let inside = Plan { offers: "AUTH PLAIN", ..plan.clone() };
            session(&mut wire, &inside, plan.tls_first, &mut heard.in_tls, &mut heard.mail);
        }
        heard
    };
    (port, std::thread::spawn(serve))
}

fn config(port: u16) -> SmtpConfig {
    toml::from_str(&format!("host = 'localhost'\nport = {port}\nsecurity = 'plain'\nfrom = 'w@example.org'\ntimeout = '2s'")).unwrap()
}

fn message() -> Message {
    Message {
        id: "5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11".into(),
        created_at_us: 0,
        person: "ines".into(),
        urgency: Urgency::Normal,
        event: Some(EventKind::Assigned),
        ticket: Some(42),
        subject: "[#42] Disk full on db01".into(),
        text: "first\n.\n.hidden\nlast".into(),
        link: None,
        acknowledge: None,
        notices: Vec::new(),
        count: 1,
        payload: Value::Null,
        file: None,
    }
}

async fn send(config: SmtpConfig, password: Option<&str>) -> Result<String, SendFailure> {
    Mailer::new(config, password).unwrap().send("ines@example.org", &message(), 0).await
}

/// A certificate for `localhost`: the server's settings, and the file that makes it trusted.
fn certificate(folder: &std::path::Path) -> (Arc<rustls::ServerConfig>, PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = folder.join("ca.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), file)
}

#[tokio::test]
async fn a_mail_arrives_as_it_was_written() {
    let (port, server) = server(Plan::default());
    let answer = send(config(port), None).await.unwrap();
    assert_eq!(answer, "250 2.0.0 queued as 7");
    let heard = server.join().unwrap();
    assert_eq!(heard.commands[1..4], ["MAIL FROM:<w@example.org>", "RCPT TO:<ines@example.org>", "DATA"]);
    assert!(heard.mail.contains("\nMessage-ID: <5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11@example.org>\n"), "{}", heard.mail);
    // A line that is a full stop would end the mail; it is doubled on the way (RFC 5321 section 4.5.2).
    assert!(heard.mail.contains("first\n..\n..hidden\nlast\n"), "{}", heard.mail);
    assert!(heard.mail.contains("</html>"), "to its end");
}

#[tokio::test]
async fn answers_are_sorted_into_now_later_and_never() {
    for (plan, permanent, said) in [
        (Plan { rcpt: "550 5.1.1 no such user", ..Plan::default() }, true, "no such user"),
        (Plan { rcpt: "450 4.2.1 greylisted", ..Plan::default() }, false, "greylisted"),
        (Plan { end: "554 5.7.1 spam", ..Plan::default() }, true, "spam"),
        (Plan { end: "452 4.3.1 disk full", ..Plan::default() }, false, "disk full"),
        (Plan { greeting: "421 too many connections", ..Plan::default() }, false, "too many connections"),
        (Plan { greeting: "HTTP/1.1 400 Bad Request", ..Plan::default() }, false, "could be handed"),
    ] {
        let (port, server) = server(plan);
        let failure = send(config(port), None).await.unwrap_err();
        assert_eq!(failure.permanent, permanent, "{failure}");
        assert!(failure.detail.contains(said), "{failure}");
        server.join().unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_says_nothing_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let silent = SmtpConfig { timeout: "1s".into(), ..config(port) };
    let failure = send(silent, None).await.unwrap_err();
    assert!(!failure.permanent && failure.detail.contains("localhost"), "{failure}");
    drop(listener);
    let failure = send(config(port), None).await.unwrap_err();
    assert!(!failure.permanent && failure.detail.contains("see that it runs"), "{failure}");
}

#[tokio::test]
async fn with_starttls_nothing_is_said_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, ca_file) = certificate(folder.path());
    let (port, server) = server(Plan { offers: "STARTTLS", tls: Some(tls), ..Plan::default() });
    let security = SmtpSecurity::Starttls;
    let config = SmtpConfig { security, ca_file: Some(ca_file), user: Some("watchroom".into()), ..config(port) };
    let mailer = Mailer::new(config.clone(), Some("s3cret-pass")).unwrap();
    assert!(!format!("{mailer:?}").contains("s3cret-pass"));
    assert_eq!(mailer.send("ines@example.org", &message(), 0).await.unwrap(), "250 2.0.0 queued as 7");
    let heard = server.join().unwrap();
    let verbs = |commands: &[String]| commands.iter().map(|command| command[..4].to_owned()).collect::<Vec<_>>();
    assert_eq!(verbs(&heard.commands), ["EHLO", "STAR"]);
    assert_eq!(verbs(&heard.in_tls), ["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]);
    assert!(heard.mail.contains("Subject: [#42] Disk full on db01"));
}

#[tokio::test]
async fn answers_that_came_before_tls_are_not_taken_for_the_servers() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, ca_file) = certificate(folder.path());
    let starttls = "220 go ahead\r\n250-mail.test\r\n250 8BITMIME\r\n250 ok\r\n250 ok";
    let (port, server) = server(Plan { offers: "STARTTLS", starttls, tls: Some(tls), ..Plan::default() });
    let failure = send(SmtpConfig { security: SmtpSecurity::Starttls, ca_file: Some(ca_file), ..config(port) }, None).await.unwrap_err();
    assert!(!failure.permanent, "{failure}");
    assert!(server.join().unwrap().mail.is_empty());
}

#[tokio::test]
async fn a_server_that_never_stops_talking_is_left() {
    for (end_of_line, greeting) in [("", "220 mail.test"), ("\r\n", "220-mail.test\r\n")] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let _ = socket.write_all(greeting.as_bytes());
            let more = format!("220-{}{end_of_line}", "x".repeat(400));
            let mut said = 0_usize;
            while said < 1 << 30 && socket.write_all(more.as_bytes()).is_ok() {
                said += more.len();
            }
            said
        });
        let failure = send(SmtpConfig { timeout: "30s".into(), ..config(port) }, None).await.unwrap_err();
        assert!(!failure.permanent && (failure.detail.contains("more than") || failure.detail.contains("too large")), "{failure}");
        assert!(server.join().unwrap() < 64 << 20, "it was cut off, and not heard to the end");
    }
}

#[tokio::test]
async fn tls_from_the_first_byte_works_too() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, ca_file) = certificate(folder.path());
    let (port, server) = server(Plan { tls: Some(tls), tls_first: true, ..Plan::default() });
    send(SmtpConfig { security: SmtpSecurity::Tls, ca_file: Some(ca_file), ..config(port) }, None).await.unwrap();
    let heard = server.join().unwrap();
    assert!(heard.commands.is_empty() && heard.in_tls.len() == 5, "{heard:?}");
}

#[tokio::test]
async fn a_server_without_starttls_or_with_a_strange_certificate_gets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, _) = certificate(folder.path());
    for plan in [Plan::default(), Plan { offers: "STARTTLS", tls: Some(tls), ..Plan::default() }] {
        let (port, server) = server(plan);
        let config = SmtpConfig { security: SmtpSecurity::Starttls, user: Some("watchroom".into()), ..config(port) };
        let failure = send(config, Some("s3cret-pass")).await.unwrap_err();
        assert!(!failure.permanent && !failure.detail.contains("s3cret-pass"), "{failure}");
        let heard = server.join().unwrap();
        assert!(heard.mail.is_empty() && !format!("{heard:?}").contains("AUTH PLAIN"), "{heard:?}");
    }
}

#[tokio::test]
async fn a_refused_login_is_mended_by_the_administrator() {
    let (port, server) = server(Plan { offers: "AUTH PLAIN", auth: "535 5.7.8 wrong password", ..Plan::default() });
    let failure = send(SmtpConfig { user: Some("watchroom".into()), ..config(port) }, Some("s3cret-pass")).await.unwrap_err();
    assert!(!failure.permanent && failure.detail.contains("check user and password"), "{failure}");
    assert!(!failure.detail.contains("s3cret-pass"), "{failure}");
    assert!(server.join().unwrap().mail.is_empty());
}

#[test]
fn a_configuration_that_cannot_work_is_refused_at_the_start() {
    let refused = |config, password| Mailer::new(config, password).unwrap_err().to_string();
    let good = config(25);
    assert!(refused(SmtpConfig { host: "mail.example.org".into(), ..good.clone() }, None).contains("`security`"));
    assert!(refused(good.clone(), Some("x")).contains("`user`"));
    let absent = SmtpConfig { security: SmtpSecurity::Tls, ca_file: Some("no/such/file.pem".into()), ..good };
    assert!(refused(absent, None).contains("no/such/file.pem"));
}
