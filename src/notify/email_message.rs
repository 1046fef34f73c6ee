//! A message as mail. Pure.
//!
//! * Two bodies, plain text and HTML (RFC 2046 section 5.1.4); the HTML has no image, no script and nothing from elsewhere.
//! * A file stands beside them (section 5.1.3).
//! * `Message-ID` is the message's id, so that a mail that comes twice is shown once.
//! * `In-Reply-To` and `References` name the ticket, so that everything about it is one thread, also what was never sent to
//!   this person (RFC 5322 section 3.6.4; RFC 5256 builds threads around messages that are not there).
//! * `Auto-Submitted: auto-generated`, so that holiday notes are not sent in answer (RFC 3834 section 5), and
//!   `X-Auto-Response-Suppress: All` for Exchange ([MS-OXCMAIL] section 2.2.3.2.14).
//! * Nothing of a ticket reaches a header but through [`one_line`] and the encoding of RFC 2047.

use std::time::{Duration, UNIX_EPOCH};

use lettre::Address;
use lettre::message::header::{ContentType, Date, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};

use super::plain_text::{html, one_line, printable};
use super::{Message, MessageFile, SendFailure, SmtpConfig, Urgency};
use crate::clock::{SECOND_US, TimestampUs};

/// Header that tells programs the ticket's number.
const TICKET_HEADER: &str = "X-Watchroom-Ticket";

/// The last second that a `Date` header can name.
const LAST_SECOND: i64 = 253_402_300_799;

/// Longest subject and text; the outbox keeps no longer ones, and digests are listed up to here.
const MAX_SUBJECT_CHARS: usize = 300;
const MAX_TEXT_CHARS: usize = 50_000;

/// The mail that tells `to` what the message says.
///
/// # Errors
/// A permanent [`SendFailure`] if `to` is no mail address, or the configured sender is none.
pub fn email_message(config: &SmtpConfig, to: &str, message: &Message, now_us: TimestampUs) -> Result<lettre::Message, SendFailure> {
    let address: Address = to.parse().map_err(|error| {
        let shown = one_line(to, 100);
        SendFailure::permanent(format!("`{shown}` is no mail address ({error}); correct it in the person's contacts"))
    })?;
    let from = mailbox(&config.from)?;
    let domain = from.email.domain().to_owned();
    let at_s = u64::try_from(now_us.div_euclid(SECOND_US).clamp(0, LAST_SECOND)).unwrap_or(0);
    let mut builder = lettre::Message::builder()
        .from(from)
        .to(Mailbox::new(None, address))
        .header(Date::new(UNIX_EPOCH + Duration::from_secs(at_s)))
        .subject(one_line(&message.subject, MAX_SUBJECT_CHARS))
        .message_id(Some(format!("<{}@{domain}>", id_part(&message.id))))
        .raw_header(plain_header("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(plain_header("X-Auto-Response-Suppress", "All".to_owned()));
    if let Some(reply_to) = &config.reply_to {
        builder = builder.reply_to(mailbox(reply_to)?);
    }
    if let Some(ticket) = message.ticket {
        let thread = format!("<ticket.{ticket}@{domain}>");
        builder = builder.in_reply_to(thread.clone()).references(thread).raw_header(plain_header(TICKET_HEADER, ticket.to_string()));
    }
    if message.urgency == Urgency::Page {
        // RFC 2156 section 5.3.4; most mail programs mark such a message.
        builder = builder.raw_header(plain_header("Importance", "high".to_owned()));
    }
    let words = MultiPart::alternative_plain_html(text_body(message), html_body(message));
    let body = match &message.file {
        None => words,
        Some(file) => MultiPart::mixed().multipart(words).singlepart(attached(file)?),
    };
    builder
        .multipart(body)
        .map_err(|error| SendFailure::permanent(format!("the mail cannot be written ({error}); check the sender's address")))
}

fn attached(file: &MessageFile) -> Result<SinglePart, SendFailure> {
    let media_type = ContentType::parse(file.media_type)
        .map_err(|error| SendFailure::permanent(format!("BUG: `{}` is no media type ({error})", file.media_type)))?;
    Ok(Attachment::new(one_line(&file.name, 100)).body(file.bytes.clone(), media_type))
}

fn mailbox(text: &str) -> Result<Mailbox, SendFailure> {
    text.parse().map_err(|error| {
        let shown = one_line(text, 100);
        SendFailure::permanent(format!("`{shown}` cannot send mail ({error}); correct the mail configuration"))
    })
}

fn plain_header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Ids are UUIDs; what is not is made fit for the left side of a message id.
fn id_part(id: &str) -> String {
    let kept: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    if kept.is_empty() { "notice".to_owned() } else { kept }
}

fn text_body(message: &Message) -> String {
    let mut text = printable(&message.text, MAX_TEXT_CHARS);
    for (label, address) in [("Acknowledge", &message.acknowledge), ("Ticket", &message.link)] {
        if let Some(address) = address {
            text.push_str(&format!("\n\n{label}: {}", one_line(address, 2_000)));
        }
    }
    text.push('\n');
    text
}

fn html_body(message: &Message) -> String {
    let title = html(&one_line(&message.subject, MAX_SUBJECT_CHARS));
    let text = html(&printable(&message.text, MAX_TEXT_CHARS));
    let mut body = format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body style=\"font-family:sans-serif\">\n\
         <h3>{title}</h3>\n<div style=\"white-space:pre-wrap\">{text}</div>\n"
    );
    for (label, address) in [("Acknowledge", &message.acknowledge), ("Open the ticket", &message.link)] {
        // Other schemes than http would run what somebody wrote into the configuration.
        if let Some(address) = address.as_deref().filter(|address| address.starts_with("https://") || address.starts_with("http://")) {
            body.push_str(&format!("<p><a href=\"{}\">{label}</a></p>\n", html(&one_line(address, 2_000))));
        }
    }
    body.push_str("</body></html>\n");
    body
}

#[cfg(test)]
#[path = "email_message_tests.rs"]
mod tests;
