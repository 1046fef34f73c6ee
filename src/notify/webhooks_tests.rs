//! The webhook sender against a small HTTP server over real sockets, and against URLs that must never be called.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use serde_json::Value;

use super::*;
use crate::clock::SECOND_US;
use crate::notify::{EventKind, Urgency, verify_signature};

const AT_US: TimestampUs = 1_798_077_600 * SECOND_US;

/// Answers one request with these bytes; what it heard is returned.
fn server(answer: Vec<u8>) -> (u16, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut heard = Vec::new();
        let mut buffer = [0; 4_096];
        loop {
            let count = socket.read(&mut buffer).unwrap();
            heard.extend_from_slice(&buffer[..count]);
            let text = String::from_utf8_lossy(&heard);
            let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                length.is_none_or(|length| body.len() >= length)
            });
            if whole || count == 0 {
                break;
            }
        }
        // The client may leave in the middle of a long answer.
        let _ = socket.write_all(&answer);
        String::from_utf8(heard).unwrap()
    };
    (port, std::thread::spawn(serve))
}

fn says(status: &str, more: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{more}").into_bytes()
}

fn message() -> Message {
    Message {
        id: "5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11".into(),
        created_at_us: 0,
        person: "ines".into(),
        urgency: Urgency::Normal,
        event: Some(EventKind::Assigned),
        ticket: Some(42),
        subject: "Disk full".into(),
        text: "text".into(),
        link: None,
        acknowledge: None,
        notices: Vec::new(),
        count: 1,
        payload: Value::Null,
        file: None,
    }
}

/// Allowed to call this machine without TLS: for the tests that need an answer.
fn open() -> WebhookConfig {
    WebhookConfig {
        allow_http: true,
        allow_private: vec!["127.0.0.0/8".parse().unwrap()],
        timeout: "2s".into(),
        ..WebhookConfig::default()
    }
}

fn table(entries: &[(&str, &[&str])]) -> Names {
    let ips = |ips: &[&str]| ips.iter().map(|ip| ip.parse().unwrap()).collect();
    Names::Table(entries.iter().map(|(name, addresses)| ((*name).to_owned(), ips(addresses))).collect::<HashMap<_, _>>())
}

async fn send(webhooks: &Webhooks, url: &str) -> Result<String, SendFailure> {
    webhooks.send(url, Shape::Generic, Some(b"secret"), &message(), AT_US).await
}

#[tokio::test]
async fn a_webhook_arrives_signed_with_its_id() {
    let (port, server) = server(says("200 OK", "Content-Length: 2\r\n\r\nok"));
    let webhooks = Webhooks::new(open()).unwrap();
    assert_eq!(send(&webhooks, &format!("http://127.0.0.1:{port}/hook?x=1")).await.unwrap(), "200 ok");
    let heard = server.join().unwrap();
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap();
    assert!(head.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{head}");
    assert_eq!(header("watchroom-delivery"), message().id);
    assert_eq!(header("content-type"), "application/json");
    assert!(verify_signature(b"secret", header("watchroom-signature"), body.as_bytes(), AT_US));
    assert_eq!(body.as_bytes(), webhook_body(Shape::Generic, &message()));
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed() {
    let (port, server) = server(says("204 No Content", "\r\n"));
    let webhooks = Webhooks::new(open()).unwrap();
    webhooks.send(&format!("http://127.0.0.1:{port}/"), Shape::Slack, None, &message(), AT_US).await.unwrap();
    assert!(!server.join().unwrap().contains("signature"));
}

#[tokio::test]
async fn answers_are_sorted_into_now_later_and_never() {
    let webhooks = Webhooks::new(open()).unwrap();
    for (status, more, permanent, retry_after) in [
        ("500 Oops", "\r\n", false, None),
        ("503 Busy", "Retry-After: 120\r\n\r\n", false, Some(120)),
        ("429 Slow down", "Retry-After: 7\r\n\r\n", false, Some(7)),
        ("429 Slow down", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n\r\n", false, None),
        ("408 Timeout", "\r\n", false, None),
        ("400 Bad", "\r\ninvalid_payload", true, None),
        ("404 None", "\r\n", true, None),
        ("410 Gone", "\r\n", true, None),
        ("301 Moved", "Location: http://127.0.0.1:1/\r\n\r\n", true, None),
        ("307 Moved", "Location: http://127.0.0.1:1/\r\n\r\n", true, None),
    ] {
        let (port, server) = server(says(status, more));
        let failure = send(&webhooks, &format!("http://127.0.0.1:{port}/token-in-path")).await.unwrap_err();
        assert_eq!((failure.permanent, failure.retry_after), (permanent, retry_after.map(Duration::from_secs)), "{failure}");
        assert!(failure.detail.contains(&status[..3]) && !failure.detail.contains("token-in-path"), "{failure}");
        server.join().unwrap();
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    target.set_nonblocking(true).unwrap();
    let location = format!("Location: http://{}/\r\n\r\n", target.local_addr().unwrap());
    let (port, server) = server(says("302 Found", &location));
    let failure = send(&Webhooks::new(open()).unwrap(), &format!("http://127.0.0.1:{port}/")).await.unwrap_err();
    assert!(failure.permanent && failure.detail.contains("redirects are not followed"), "{failure}");
    server.join().unwrap();
    assert_eq!(target.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

#[tokio::test]
async fn of_a_long_answer_only_the_beginning_is_read() {
    let mut answer = says("200 OK", "\r\n\u{1b}[2J");
    answer.resize(64 << 20, b'x');
    let (port, server) = server(answer);
    let said = send(&Webhooks::new(open()).unwrap(), &format!("http://127.0.0.1:{port}/")).await.unwrap();
    assert!(said.chars().count() < 310 && !said.contains('\u{1b}'), "{said}");
    // The server gets rid of the rest only when the connection is closed, and that is this thread's work too.
    tokio::task::spawn_blocking(move || server.join().unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_receiver_that_says_nothing_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/token-in-path", listener.local_addr().unwrap());
    let webhooks = Webhooks::new(WebhookConfig { timeout: "1s".into(), ..open() }).unwrap();
    let failure = send(&webhooks, &url).await.unwrap_err();
    assert!(!failure.permanent && !failure.detail.contains("token-in-path"), "{failure}");
    drop(listener);
    let failure = send(&webhooks, &url).await.unwrap_err();
    assert!(!failure.permanent && !failure.detail.contains("token-in-path"), "{failure}");
}

/// Each is an attempt to reach this machine, its network or its cloud, in some way of writing.
const HOSTILE: &[&str] = &[
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://127。0。0。1/",
    "https://１２７.０.０.１/",
    "https://⑫7.0.0.1/",
    "https://%31%32%37.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "https://[fe80::1]/",
    "https://[fd00:ec2::254]/latest/meta-data/",
    "https://[ff02::1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.0.1/",
    "https://100.64.0.1/",
    "https://100.100.100.200/latest/meta-data/",
    "https://192.0.0.192/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://user@127.0.0.1/",
    "https://example.org@127.0.0.1/",
    "https://example.org:secret@example.org/",
    "https://127.0.0.1\\@example.org/",
    "https:127.0.0.1/",
    "https:///127.0.0.1/",
    "https:\\\\127.0.0.1\\",
    "ht\ntps://127.0.0.1/",
    "\u{1}https://127.0.0.1/",
    "https://127.0.0.1:443/",
    "https://127.0.0.1#@example.org/",
    "https://127.0.0.1?@example.org/",
    "https://[::1%25lo]/",
    "https://[fe80::1%25eth0]/",
    "https://inside.example/",
    "https://mixed.example/",
    "https://mapped.example/",
    "https://metadata.example/",
    "http://public.example/",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1:25/_HELO",
    "unix:///run/docker.sock",
    "data:text/plain,x",
    "javascript:alert(1)",
    "//127.0.0.1/",
    "/etc/passwd",
    "127.0.0.1",
    "https://",
    "https://%00/",
    "https://a b/",
    "",
];

#[tokio::test]
async fn no_way_of_writing_leads_into_the_house() {
    let names = table(&[
        ("localhost", &["127.0.0.1", "::1"]),
        ("localhost.", &["127.0.0.1"]),
        ("inside.example", &["10.1.2.3"]),
        ("mixed.example", &["93.184.215.14", "127.0.0.1"]),
        ("mapped.example", &["::ffff:127.0.0.1"]),
        ("metadata.example", &["169.254.169.254"]),
        ("public.example", &["93.184.215.14"]),
    ]);
    let webhooks = Webhooks::with_names(WebhookConfig::default(), names).unwrap();
    for url in HOSTILE {
        let failure = send(&webhooks, url).await.unwrap_err();
        assert!(failure.permanent && failure.detail.starts_with("the webhook was not sent"), "{url}: {failure}");
    }
}

#[tokio::test]
async fn the_systems_own_names_are_judged_as_well() {
    let webhooks = Webhooks::new(WebhookConfig::default()).unwrap();
    let failure = send(&webhooks, "https://localhost:1/").await.unwrap_err();
    assert!(failure.permanent && failure.detail.contains("a loopback address"), "{failure}");
}

#[tokio::test]
async fn the_address_that_was_judged_is_the_one_that_is_called() {
    let (port, server) = server(says("200 OK", "\r\n"));
    // The system does not know this name: who comes to the server came by the address that was judged.
    let webhooks = Webhooks::with_names(open(), table(&[("hook.invalid", &["127.0.0.1"])])).unwrap();
    send(&webhooks, &format!("http://hook.invalid:{port}/")).await.unwrap();
    assert!(server.join().unwrap().contains(&format!("host: hook.invalid:{port}")));
    let unknown = send(&webhooks, "http://other.invalid/").await.unwrap_err();
    assert!(!unknown.permanent && unknown.detail.contains("no address"), "{unknown}");
    let many: Vec<String> = (0..100).map(|n| format!("93.184.215.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let webhooks = Webhooks::with_names(open(), table(&[("many.invalid", &many)])).unwrap();
    assert!(send(&webhooks, "http://many.invalid/").await.unwrap_err().detail.contains("more than 64"));
}

#[tokio::test]
async fn a_certificate_of_somebody_is_not_enough() {
    let made = rcgen::generate_simple_self_signed(["hook.invalid".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let tls = Arc::new(tls);
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, made.cert.pem()).unwrap();
    for (trusted, good) in [(None, false), (Some(ca_file), true)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = tls.clone();
        let server = std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let mut wire = rustls::StreamOwned::new(rustls::ServerConnection::new(tls).unwrap(), socket);
            let mut buffer = [0; 16_384];
            // An error here is a client that did not like the certificate.
            let heard = wire.read(&mut buffer).unwrap_or(0);
            let _ = wire.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            heard
        });
        let config = WebhookConfig { allow_http: false, ca_file: trusted, ..open() };
        let webhooks = Webhooks::with_names(config, table(&[("hook.invalid", &["127.0.0.1"])])).unwrap();
        let sent = send(&webhooks, &format!("https://hook.invalid:{port}/")).await;
        assert_eq!(sent.is_ok(), good, "{sent:?}");
        assert_eq!(server.join().unwrap() > 0, good);
    }
}

#[test]
fn the_document_reads_back_and_complains() {
    let config: WebhookConfig = toml::from_str("allow_private = ['10.1.0.0/16']\ntimeout = '5s'").unwrap();
    assert_eq!(config.check(), []);
    assert_eq!(toml::from_str::<WebhookConfig>(&toml::to_string(&config).unwrap()).unwrap(), config);
    assert_eq!(serde_json::from_str::<WebhookConfig>(&serde_json::to_string(&config).unwrap()).unwrap(), config);
    assert!(toml::from_str::<WebhookConfig>("allow_private = ['here']").is_err());
    assert!(toml::from_str::<WebhookConfig>("follow_redirects = true").is_err());
    let wrong = WebhookConfig { timeout: "1h".into(), allow_private: vec!["::/0".parse().unwrap(); 101], ..config };
    assert_eq!(wrong.check().len(), 2);
    assert!(Webhooks::new(wrong).is_err());
}
