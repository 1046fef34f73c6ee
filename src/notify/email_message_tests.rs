use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::notify::EventKind;

const AT_US: TimestampUs = 1_798_077_600 * SECOND_US;

fn config() -> SmtpConfig {
    toml::from_str("host = 'localhost'\nfrom = 'Watchroom <watchroom@example.org>'\nreply_to = 'desk@example.org'").unwrap()
}

fn message() -> Message {
    Message {
        id: "5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11".into(),
        created_at_us: AT_US,
        person: "ines".into(),
        urgency: Urgency::Page,
        event: Some(EventKind::Escalated),
        ticket: Some(42),
        subject: "[#42] Disk full on db01".into(),
        text: "The disk is <b>full</b> & \"hot\".\n\nLook at it.".into(),
        link: Some("https://watch.example.org/tickets/42".into()),
        acknowledge: Some("https://watch.example.org/acknowledge/1.42?a=1&b=2".into()),
        notices: Vec::new(),
        count: 1,
        payload: Value::Null,
        file: None,
    }
}

fn written(to: &str, message: &Message) -> String {
    String::from_utf8(email_message(&config(), to, message, AT_US).unwrap().formatted()).expect("mail is ASCII here")
}

/// The headers, unfolded (RFC 5322 section 2.2.3), and the rest.
fn parts(mail: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) = mail.split_once("\r\n\r\n").unwrap();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    (unfolded.split("\r\n").map(|line| header(line).unwrap_or_else(|| panic!("{line:?}"))).collect(), body)
}

const NAMES: [&str; 14] = [
    "From",
    "To",
    "Date",
    "Subject",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Reply-To",
    "In-Reply-To",
    "References",
    "X-Watchroom-Ticket",
    "Importance",
    "MIME-Version",
    "Content-Type",
];

#[test]
fn the_headers_make_threads_and_stop_loops() {
    let mail = written("ines@example.org", &message());
    let (headers, _) = parts(&mail);
    assert_eq!(headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), NAMES);
    let header = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).unwrap().1.as_str();
    assert_eq!(header("From"), "Watchroom <watchroom@example.org>");
    assert_eq!(header("To"), "ines@example.org");
    assert_eq!(header("Date"), "Thu, 24 Dec 2026 02:00:00 +0000");
    assert_eq!(header("Subject"), "[#42] Disk full on db01");
    assert_eq!(header("Message-ID"), "<5f1f2c1e-8f0e-4b6e-9a51-2f2f7f0f3c11@example.org>");
    assert_eq!((header("In-Reply-To"), header("References")), ("<ticket.42@example.org>", "<ticket.42@example.org>"));
    assert_eq!((header("Auto-Submitted"), header("Importance")), ("auto-generated", "high"));
    let plain = Message { ticket: None, urgency: Urgency::Low, ..message() };
    let mail = written("ines@example.org", &plain);
    let names: Vec<_> = parts(&mail).0.into_iter().map(|(name, _)| name).collect();
    assert!(
        !names.iter().any(|name| ["References", "In-Reply-To", "X-Watchroom-Ticket", "Importance"].contains(&name.as_str())),
        "{names:?}"
    );
}

#[test]
fn both_bodies_say_the_same_and_html_is_escaped() {
    let mail = written("ines@example.org", &message());
    let (_, body) = parts(&mail);
    assert!(body.contains("text/plain") && body.contains("text/html"));
    // Quoted-printable breaks long lines; put together again they can be searched.
    let body = body.replace("=\r\n", "").replace("=3D", "=").replace("\r\n", "\n");
    assert!(body.contains("The disk is <b>full</b> & \"hot\".\n\nLook at it."), "{body}");
    assert!(body.contains("The disk is &lt;b&gt;full&lt;/b&gt; &amp; &quot;hot&quot;."), "{body}");
    assert!(body.contains("<a href=\"https://watch.example.org/acknowledge/1.42?a=1&amp;b=2\">Acknowledge</a>"), "{body}");
    assert!(body.contains("Acknowledge: https://watch.example.org/acknowledge/1.42?a=1&b=2"), "{body}");
}

#[test]
fn a_link_that_would_run_something_is_no_link() {
    let message = Message { link: Some("javascript:alert(1)".into()), acknowledge: Some("https://x\"><script>".into()), ..message() };
    let body = html_body(&message);
    assert!(!body.contains("javascript") && !body.contains("<script") && body.contains("https://x&quot;&gt;&lt;script&gt;"), "{body}");
}

#[test]
fn titles_of_attackers_stay_titles() {
    for subject in [
        "x\r\nBcc: all@example.org",
        "x\nBcc: all@example.org",
        "x\rBcc: all@example.org",
        "x\r\n\r\n<html>",
        "x\u{2028}Bcc: all@example.org",
        "x\u{85}Bcc: y",
        "\u{0}\u{b}\u{c}x",
        "=?utf-8?q?=0D=0ABcc:_all@example.org?=",
        "ü\r\nBcc: all@example.org",
        &"ü€😀\r\n".repeat(500),
        &"x".repeat(5_000),
        "",
    ] {
        let mail = written("ines@example.org", &Message { subject: subject.to_owned(), ..message() });
        let (headers, _) = parts(&mail);
        assert_eq!(headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), NAMES, "{subject:?}");
        assert!(mail.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])), "{subject:?}");
    }
}

#[test]
fn an_id_that_is_none_stays_within_its_brackets() {
    for (id, wanted) in [("a>\r\nBcc: <b@c", "aBccbc"), ("", "notice"), ("ü", "notice")] {
        let mail = written("ines@example.org", &Message { id: id.into(), ..message() });
        assert!(mail.contains(&format!("Message-ID: <{wanted}@example.org>\r\n")), "{mail}");
    }
}

#[test]
fn what_is_no_address_is_refused_for_good() {
    let long = format!("{}@example.org", "x".repeat(10_000));
    for to in ["", "ines", "ines@", "@example.org", "a@b.org\r\nBcc: c@d.org", "a@b.org, c@d.org", "Ines <a@b.org>", "a b@c.org", &long] {
        let refused = email_message(&config(), to, &message(), AT_US).unwrap_err();
        assert!(refused.permanent && refused.detail.len() < 600, "{to:?}: {refused}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_header(subject in any::<String>(), text in any::<String>(), id in any::<String>(), link in any::<String>(), at in any::<i64>()) {
        let message = Message { subject, text, id, link: Some(link), ..message() };
        let mail = String::from_utf8(email_message(&config(), "ines@example.org", &message, at).unwrap().formatted()).unwrap();
        let (headers, _) = parts(&mail);
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        prop_assert_eq!(names, NAMES);
    }
}

#[test]
fn a_file_stands_beside_the_words() {
    let page = "<!DOCTYPE html>\n<p>Full on 14 February: <b>order</b></p>\n".repeat(40);
    let file =
        MessageFile { name: "capacity-2026-11-22.html".into(), media_type: "text/html; charset=utf-8", bytes: page.clone().into_bytes() };
    let mail = written("ines@example.org", &Message { file: Some(file), ..message() });
    let (headers, body) = parts(&mail);
    let kind = &headers.iter().find(|(name, _)| name == "Content-Type").unwrap().1;
    assert!(kind.starts_with("multipart/mixed"), "{kind}");
    let attached = body.split("Content-Disposition: attachment; filename=\"capacity-2026-11-22.html\"").nth(1).unwrap();
    let (head, coded) = attached.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Type: text/html") || mail.matches("text/html").count() == 2, "{head}");
    // Whatever the encoding, the page comes back: quoted-printable and base64 both keep these letters or none of them.
    assert!(coded.contains("order") || coded.replace("\r\n", "").len() > page.len(), "{coded}");
}
